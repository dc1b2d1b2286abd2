import { NAMES } from '../events.mjs'
import { foreignShare, sample, secondsOf } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median, rounded } from '../statistics.mjs'
import { atRate, lossOf, subscribed, untilDelivered } from '../subscribed.mjs'
import { tableOf } from '../table.mjs'
import { variantOf } from '../variants.mjs'

/** Events per second. */
const RATE = 100
/** All but one of them are hidden. */
const TABS = 20
/** ms of each measurement. */
const LASTS = 6_000

/** What the page says of its stream. */
const KINDS = ['live', 'batch']

/**
 * CPU time of the whole browser per event, with tabs that are hidden and say what that is to cost.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function hidden(bench) {
  const { rounds, isQuick } = bench.options
  const hosts = isQuick ? ['connect'] : ['connect', 'connect-leader']
  const cases = hosts.flatMap((name) => KINDS.map((kind) => ({ ...variantOf(name), hidden: kind })))
  const results = await inRounds(
    bench,
    cases,
    rounds ?? (isQuick ? 1 : 3),
    (variant) => measure(bench, variant),
    ({ name, hidden }) => `${name}, ${hidden}`,
  )
  return hosts.flatMap((name) => summaryOf(name, cases, results) ?? [])
}

function measure(bench, variant) {
  return subscribed(bench, { variant, tabs: TABS, bytes: 150, names: NAMES }, async (set) => {
    // The first one is visible, and with a leader it leads.
    await Promise.all(set.tabs.slice(1).map(hide))
    let [before, first] = [sample(), 0]
    await atRate(bench, set, RATE, LASTS, async () => {
      first = (await bench.server.call('report', set.stream)).lastId
      before = sample()
    })
    const after = sample()
    const events = (await bench.server.call('report', set.stream)).lastId - first
    await untilDelivered(set, await bench.server.call('rest', set.stream))
    await lossOf(bench, set)
    const seconds = secondsOf(before, after, bench.chromium.processId)
    return { microseconds: (seconds * 1e6) / events, foreign: foreignShare(before, after) }
  })
}

/** Playwright keeps all its pages visible, so the page is told that it is not. What that saves of drawing is not counted. */
const hide = (tab) =>
  tab.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })
    document.dispatchEvent(new Event('visibilitychange'))
  })

function summaryOf(name, cases, results) {
  const [live, batch] = KINDS.map((kind) => {
    const subject = cases.find((each) => each.name === name && each.hidden === kind)
    return median(results.get(subject).map(({ microseconds }) => microseconds))
  })
  if (!(live > 0 && batch > 0)) return
  return { variant: name, live: rounded(live), batch: rounded(batch), share: rounded(batch / live) }
}

/** @param {NonNullable<ReturnType<typeof summaryOf>>[]} summary */
export function hiddenTable(summary) {
  const heads = ['browser CPU µs/event', "hidden: 'live'", "hidden: 'batch'", 'share']
  const rows = summary.map(({ variant, live, batch, share }) => [variant, live, batch, share])
  return tableOf('hidden', heads, rows, [
    `${TABS} tabs of one stream at ${RATE} events a second, all but one of them hidden`,
  ])
}
