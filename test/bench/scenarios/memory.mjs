import { openTabs } from '../browser.mjs'
import { NAMES } from '../events.mjs'
import { memoryOf } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median, rounded } from '../statistics.mjs'
import { pageOf, subscribe, subscribed, untilDelivered, withStream } from '../subscribed.mjs'
import { tableOf } from '../table.mjs'
import { heapOfTab, heapOfWorker } from '../targets.mjs'
import { fits, variantOf } from '../variants.mjs'
import { wait } from '../waiting.mjs'

/** Tabs that are opened after the first: together as many as work without sharing. */
const FURTHER = 5
/** Events per second while a tab's memory is measured. */
const RATE = 20
/** ms until a tab has done what it does after loading. */
const SETTLING = 1_500
/** Events of one flood on the way to a million: few enough for a hub without back-pressure. */
const FLOOD = 50_000
const MIB = 2 ** 20

/**
 * Memory of each further tab, of its scripts, and of the hub after many events.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function memory(bench) {
  const { rounds, variants, isQuick } = bench.options
  const named =
    variants ?? (isQuick ? ['event-source', 'native'] : ['event-source', 'connect', 'native', 'relay'])
  const cases = [undefined, ...named.map(variantOf).filter((variant) => fits(variant, FURTHER + 1))]
  const titleOf = (variant) => variant?.name ?? 'blank'
  const results = await inRounds(
    bench,
    cases,
    rounds ?? (isQuick ? 1 : 2),
    (variant) => measureTabs(bench, variant),
    titleOf,
  )
  const tabs = cases.map((variant) => summaryOf(titleOf(variant), results.get(variant)))
  const hosts = ['connect', 'connect-leader'].map(variantOf)
  const events = isQuick ? 100_000 : 1_000_000
  const hubs = await inRounds(bench, hosts, 1, (variant) => measureHub(bench, variant, events), titleOf)
  return { tabs, hubs: [...hubs.values()].flat() }
}

/** @param {import('../variants.mjs').Variant} [variant] nothing for pages that do nothing, with which to compare */
function measureTabs(bench, variant) {
  return withStream(bench, { bytes: 150, named: variant?.named }, (stream) =>
    bench.chromium.withProfile(async (context) => {
      await bench.server.call('pace', stream, RATE)
      const open = async (count) => {
        const tabs = await openTabs(
          context,
          variant ? pageOf(bench, variant) : `${bench.origin}/blank.html`,
          count,
        )
        if (variant) for (const tab of tabs) await subscribe(tab, `/events/${stream}`, NAMES)
        await wait(SETTLING)
        const heaps = []
        for (const tab of tabs) heaps.push(await heapOfTab(tab))
        return { heaps, all: memoryOf(bench.chromium.processId) }
      }
      const first = await open(1)
      const further = await open(FURTHER)
      // Another program's load changes times and no amounts.
      return { heap: median(further.heaps), tab: growth(first.all, further.all) / FURTHER, foreign: 0 }
    }),
  )
}

/** Bytes that the processes have grown by; those that have ended meanwhile were of tabs before. */
function growth(before, after) {
  if (after.size === 0) return Number.NaN
  return [...after].reduce((sum, [id, bytes]) => sum + bytes - (before.get(id) ?? 0), 0)
}

function measureHub(bench, variant, events) {
  return subscribed(bench, { variant, tabs: 2, bytes: 150, names: NAMES }, async (set) => {
    const heap = async () => {
      if (variant.host === 'shared-worker') return heapOfWorker(bench.chromium)
      const are = await Promise.all(set.tabs.map((tab) => tab.evaluate(() => bench.isLeader())))
      return heapOfTab(set.tabs[are.indexOf(true)])
    }
    const before = await heap()
    for (let sent = 0; sent < events; sent += FLOOD) {
      const { last } = await bench.server.call('encode', set.stream, FLOOD)
      await bench.server.call('flood', set.stream)
      await untilDelivered(set, last)
    }
    return { variant: variant.name, events, before, after: await heap(), foreign: 0 }
  })
}

function summaryOf(variant, results) {
  const medianOf = (key) => rounded(median(results.map((result) => result[key])), 4)
  return {
    variant,
    heap: medianOf('heap'),
    tab: medianOf('tab'),
    tabs: results.map(({ tab }) => rounded(tab / MIB)),
  }
}

/** @param {Awaited<ReturnType<typeof memory>>} result */
export function memoryTables({ tabs, hubs }) {
  const blank = tabs.find(({ variant }) => variant === 'blank')
  const ofTabs = tableOf(
    'memory of a further tab, in MiB',
    ['variant', 'scripts', 'more than blank', 'all processes', 'more than blank', 'rounds'],
    tabs.map(({ variant, heap, tab, tabs }) => [
      variant,
      heap / MIB,
      (heap - blank.heap) / MIB,
      tab / MIB,
      (tab - blank.tab) / MIB,
      tabs.join(' '),
    ]),
    ['scripts: heap after garbage collection; all processes: proportional set size'],
  )
  const ofHubs = tableOf(
    'memory of the hub, in MiB',
    ['variant', 'events', 'before', 'after'],
    hubs.map(({ variant, events, before, after }) => [variant, events, before / MIB, after / MIB]),
    ['with a leader: of the page that is the leader, its own part included'],
  )
  return `${ofTabs}\n${ofHubs}`
}
