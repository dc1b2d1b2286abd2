import { NAMES } from '../events.mjs'
import { foreignShare, sample } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median, rounded } from '../statistics.mjs'
import { atRate, lossOf, subscribed, untilDelivered } from '../subscribed.mjs'
import { tableOf } from '../table.mjs'
import { WorkerTarget } from '../targets.mjs'
import { notesOf, variantOf } from '../variants.mjs'
import { wait } from '../waiting.mjs'

/** Events per second: the figures are exact to 5 ms. */
const RATE = 200
const TABS = 6
/** How long the tabs may take to go on, in ms. */
const PATIENCE = 20_000
/** ms for which the tabs are watched after that, to see whether all is there. */
const AFTER = 300

const CASES = [
  { name: 'event-source', death: 'worker killed' },
  { name: 'connect', death: 'worker killed' },
  { name: 'event-source-leader', death: 'leader closed' },
  { name: 'event-source-leader', death: 'leader crashed' },
  { name: 'connect-leader', death: 'leader closed' },
  { name: 'connect-leader', death: 'leader crashed' },
  { name: 'peer', death: 'leader closed' },
]
/** How many of them `--quick` takes: a crash is often measured again, since crash reports count as other load. */
const QUICK = 3

/**
 * ms from the death of the host to the first event in the other tabs that was sent after it.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function takeover(bench) {
  const { rounds, variants, isQuick } = bench.options
  const cases = CASES.filter(({ name }) => variants?.includes(name) ?? true)
    .slice(0, isQuick ? QUICK : undefined)
    .map(({ name, death }) => ({ variant: variantOf(name), death }))
  const results = await inRounds(
    bench,
    cases,
    rounds ?? (isQuick ? 1 : 2),
    (each) => measure(bench, each),
    ({ variant, death }) => `${variant.name}, ${death}`,
  )
  return cases.map((each) => summaryOf(each, results.get(each))).filter(({ rounds }) => rounds > 0)
}

function measure(bench, { variant, death }) {
  const plan = { variant, tabs: TABS, bytes: 150, names: NAMES, keeps: true }
  return subscribed(bench, plan, async (set) => {
    const host = await hostOf(bench, variant, set)
    const survivors = set.tabs.filter((tab) => tab !== host)
    await atRate(bench, set, RATE, 0, () =>
      Promise.all(survivors.map((tab) => tab.evaluate(() => bench.meter.keepTimes()))),
    )
    const before = sample()
    const asked = performance.timeOrigin + performance.now()
    await kill(bench, set, host, death)
    const { ended, begun } = await untilReconnected(bench, set)
    const others = { ...set, tabs: survivors }
    const { lastId } = await bench.server.call('report', set.stream)
    await untilDelivered(others, lastId + 1)
    const after = sample()
    await wait(AFTER)
    const times = await Promise.all(survivors.map((tab) => tab.evaluate(() => bench.meter.takeTimes())))
    await untilDelivered(others, await bench.server.call('rest', set.stream))
    // What comes before the new connection is there has been on its way from the old one.
    const firsts = times.map(({ sent, come }) =>
      come.find((time, index) => sent[index] > ended && time > begun),
    )
    return {
      fromEnd: firsts.map((time) => time - ended),
      fromRequest: firsts.map((time) => time - asked),
      lost: await lossOf(bench, others),
      foreign: foreignShare(before, after),
    }
  })
}

/** @returns {Promise<import('playwright').Page | undefined>} nothing where a worker is the host */
async function hostOf(bench, variant, { tabs }) {
  if (variant.host === 'shared-worker') return undefined
  const are = await Promise.all(tabs.map((tab) => tab.evaluate(() => bench.isLeader())))
  const leader = tabs[are.indexOf(true)]
  if (leader === undefined) throw new Error(`${variant.name}: no tab is the leader`)
  return leader
}

async function kill({ chromium }, { context }, host, death) {
  if (host === undefined) return (await WorkerTarget.find(chromium)).kill()
  if (death === 'leader closed') return host.close()
  const session = await context.newCDPSession(host)
  // Nobody is left to answer: the command stays pending, or fails as its session goes.
  session.send('Page.crash').catch(() => {})
}

/** Resolves with the times at which the first connection ended and the second one began. */
async function untilReconnected({ server }, { stream }) {
  const patience = Date.now() + PATIENCE
  for (;;) {
    const { connections } = await server.call('report', stream)
    const [first, second] = connections
    if (first.ended !== undefined && second !== undefined) return { ended: first.ended, begun: second.begun }
    if (Date.now() > patience) throw new Error(`no other connection in ${PATIENCE} ms`)
    await wait(20)
  }
}

function summaryOf({ variant, death }, results) {
  const slowest = (key) => results.map((result) => Math.max(...result[key]))
  return {
    variant: variant.name,
    death,
    rounds: results.length,
    /** In the slowest tab, from the moment at which the server sees the connection end. */
    fromEnd: rounded(median(slowest('fromEnd'))),
    fromEnds: slowest('fromEnd').map((ms) => rounded(ms)),
    /** From the moment at which the browser is told to close or kill it. */
    fromRequest: rounded(median(slowest('fromRequest'))),
    lost: rounded(median(results.map(({ lost }) => lost))),
  }
}

/** @param {ReturnType<typeof summaryOf>[]} summary */
export function takeoverTable(summary) {
  const heads = ['variant', 'death', 'ms without events', 'ms from the command', 'events lost', 'rounds']
  const rows = summary.map((each) => [
    each.variant,
    each.death,
    each.fromEnd,
    each.fromRequest,
    each.lost,
    each.fromEnds.join(' '),
  ])
  return tableOf('takeover, in the slowest of five tabs', heads, rows, [
    'without events: from the end of the connection to the first event that was sent after it',
    ...notesOf(summary),
  ])
}
