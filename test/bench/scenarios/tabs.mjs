import { openTab } from '../browser.mjs'
import { NAMES } from '../events.mjs'
import { foreignShare, sample } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median, rounded } from '../statistics.mjs'
import { pageOf, subscribe, withStream } from '../subscribed.mjs'
import { tableOf } from '../table.mjs'
import { variantOf } from '../variants.mjs'
import { withTimeLimit } from '../waiting.mjs'

/** Events per second: no tab waits for more than 20 ms because there is nothing to send. */
const RATE = 50
/** After so many ms without an answer, or without an event, a tab is called stalled. */
const STALLED = 4_000
/** Tabs that the table shows. */
const SHOWN = [1, 2, 6, 7, 10, 20, 30, 40, 50]

/**
 * ms from opening a source to its first event, in one tab after the other.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function tabs(bench) {
  const { rounds, variants, isQuick } = bench.options
  const cases = (variants ?? ['event-source', 'native']).map(variantOf)
  const most = isQuick ? 10 : 50
  const results = await inRounds(
    bench,
    cases,
    rounds ?? 1,
    (variant) => measure(bench, variant, most),
    ({ name }) => name,
  )
  return cases.flatMap((variant) => summaryOf(variant, results.get(variant)) ?? [])
}

function measure(bench, variant, most) {
  return withStream(bench, { bytes: 150, named: variant.named }, (stream) =>
    bench.chromium.withProfile(async (context) => {
      await bench.server.call('pace', stream, RATE)
      const before = sample()
      const times = []
      let stalls = ''
      while (times.length < most && stalls === '') {
        const time = await timeInNewTab(context, pageOf(bench, variant), `/events/${stream}`)
        if (typeof time === 'number') times.push(time)
        else stalls = `${time} of tab ${times.length + 1}`
      }
      return { times, stalls, foreign: foreignShare(before, sample()) }
    }),
  )
}

/**
 * Opens a source in a new tab.
 *
 * @returns {Promise<number | string>} ms from there to its first event, or what never ended
 */
export async function timeInNewTab(context, page, url) {
  let step = 'navigation'
  try {
    const tab = await withTimeLimit(openTab(context, page), STALLED, step)
    step = 'stream'
    const begun = await subscribe(tab, url, NAMES)
    return (
      (await withTimeLimit(
        tab.evaluate(() => bench.meter.reach(1)),
        STALLED,
        step,
      )) - begun
    )
  } catch {
    return step
  }
}

function summaryOf({ name }, results) {
  if (results.length === 0) return
  const count = Math.min(...results.map(({ times }) => times.length))
  const times = Array.from({ length: count }, (_, tab) =>
    rounded(median(results.map(({ times }) => times[tab]))),
  )
  return { variant: name, times, stalls: results[0].stalls, later: rounded(median(times.slice(1))) }
}

/** @param {NonNullable<ReturnType<typeof summaryOf>>[]} summary */
export function tabsTable(summary) {
  const longest = Math.max(...summary.map(({ times }) => times.length))
  const shown = SHOWN.filter((tab) => tab <= longest)
  const heads = [
    'ms to the first event',
    ...shown.map((tab) => `tab ${tab}`),
    'median after the first',
    'slowest of these',
    'stalls',
  ]
  const rows = summary.map(({ variant, times, stalls, later }) => [
    variant,
    ...shown.map((tab) => times[tab - 1] ?? Number.NaN),
    later,
    Math.max(...times.slice(1)),
    stalls,
  ])
  return tableOf('tabs', heads, rows, [
    `with ${RATE} events a second, so up to ${1_000 / RATE} ms are waiting for one`,
  ])
}
