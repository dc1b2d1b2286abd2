import { NAMES } from '../events.mjs'
import { foreignShare, sample } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median, percentile, rounded } from '../statistics.mjs'
import { atRate, lossOf, subscribed, untilDelivered } from '../subscribed.mjs'
import { tableOf } from '../table.mjs'
import { variantOf } from '../variants.mjs'

/** Events per second. */
const RATE = 4_000
/** ms for which a tab is blocked: it cannot run scripts, and takes no CPU time from others. */
const BLOCKED = 5_000
/** One of them is blocked. */
const TABS = 4

/**
 * ms from the server's write to the listener in tabs beside one that is blocked, and beside none.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function isolation(bench) {
  const { rounds, variants, isQuick } = bench.options
  const names = variants ?? ['event-source', 'connect', 'event-source-leader', 'connect-leader']
  const cases = (isQuick ? names.slice(0, 2) : names).map(variantOf)
  const results = await inRounds(
    bench,
    cases,
    rounds ?? (isQuick ? 1 : 3),
    (variant) => measure(bench, variant),
    ({ name }) => name,
  )
  return cases.flatMap((variant) => summaryOf(variant, results.get(variant)) ?? [])
}

function measure(bench, variant) {
  return subscribed(bench, { variant, tabs: TABS, bytes: 150, names: NAMES }, async (set) => {
    const before = sample()
    const alone = await latencies(bench, set, async () => {})
    const beside = await latencies(bench, set, block)
    const foreign = foreignShare(before, sample())
    return { alone: percentile(alone, 0.99), beside: percentile(beside, 0.99), foreign }
  })
}

/** Times of all tabs but the last. */
async function latencies(bench, set, disturb) {
  const others = set.tabs.slice(0, -1)
  let disturbance = Promise.resolve()
  await atRate(bench, set, RATE, BLOCKED, async () => {
    await Promise.all(others.map((tab) => tab.evaluate(() => bench.meter.keepTimes())))
    disturbance = disturb(set.tabs.at(-1))
  })
  const times = await Promise.all(others.map((tab) => tab.evaluate(() => bench.meter.takeTimes())))
  await disturbance
  await untilDelivered(set, await bench.server.call('rest', set.stream))
  await lossOf(bench, set)
  return times.flatMap(({ sent, come }) => come.map((time, index) => time - sent[index]))
}

/** A synchronous request stops a page as a long script does, and leaves the CPU to others. */
const block = (tab) =>
  tab.evaluate((ms) => {
    const request = new XMLHttpRequest()
    request.open('GET', `/slow?ms=${ms}`, false)
    request.send()
  }, BLOCKED)

function summaryOf({ name }, results) {
  if (results.length === 0) return
  const [alone, beside] = ['alone', 'beside'].map((key) => median(results.map((each) => each[key])))
  return { variant: name, alone: rounded(alone), beside: rounded(beside), times: rounded(beside / alone) }
}

/** @param {NonNullable<ReturnType<typeof summaryOf>>[]} summary */
export function isolationTable(summary) {
  const heads = ['p99 in three tabs, ms', 'beside a fourth that works', 'beside one that is blocked', '×']
  const rows = summary.map(({ variant, alone, beside, times }) => [variant, alone, beside, times])
  return tableOf('isolation', heads, rows, [
    `${RATE} events a second for ${BLOCKED / 1_000} s; the blocked tab runs nothing for as long`,
  ])
}
