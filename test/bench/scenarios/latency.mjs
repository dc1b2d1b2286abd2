import { NAMES } from '../events.mjs'
import { foreignShare, sample, secondsOf } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median, percentile, rounded } from '../statistics.mjs'
import { atRate, lossOf, subscribed, untilDelivered } from '../subscribed.mjs'
import { tableOf } from '../table.mjs'
import { notesOf, variantOf } from '../variants.mjs'

/** Events per second. */
const RATES = [100, 1_000]
/** ms of each measurement. */
const LASTS = 2_500
const NAMED = ['event-source', 'connect', 'event-source-leader', 'connect-leader', 'native', 'peer', 'relay']
const QUICK = ['event-source', 'connect', 'native', 'relay']
/** Clocks of two processes differ by less than so many ms; if not, the figures are worth nothing. */
const CLOCKS = 0.3

/**
 * ms from the server's write to the listener.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function latency(bench) {
  const { rounds, variants, isQuick, tabs = isQuick ? [6] : [6, 20] } = bench.options
  const names = variants ?? (isQuick ? QUICK : NAMED)
  const cases = tabs.flatMap((tabs) =>
    names.map(variantOf).map((variant) => ({ variant, tabs: Math.min(tabs, variant.most ?? tabs) })),
  )
  // Variants that cannot work in more tabs would come twice.
  const unique = cases.filter(
    ({ variant, tabs }, index) =>
      cases.findIndex((other) => other.variant === variant && other.tabs === tabs) === index,
  )
  const results = await inRounds(
    bench,
    unique,
    rounds ?? (isQuick ? 1 : 2),
    (each) => measure(bench, each),
    ({ variant, tabs }) => `${variant.name}, ${tabs} tabs`,
  )
  return unique.flatMap((each) => summariesOf(each, results.get(each)))
}

function measure(bench, { variant, tabs }) {
  return subscribed(bench, { variant, tabs, bytes: 150, names: NAMES }, async (set) => {
    const rates = []
    for (const rate of RATES) rates.push(await measureRate(bench, set, rate))
    return { rates, foreign: Math.max(...rates.map(({ foreign }) => foreign)) }
  })
}

async function measureRate(bench, set, rate) {
  let before = sample()
  await atRate(bench, set, rate, LASTS, async () => {
    await Promise.all(set.tabs.map((tab) => tab.evaluate(() => bench.meter.keepTimes())))
    before = sample()
  })
  const after = sample()
  const times = await Promise.all(set.tabs.map((tab) => tab.evaluate(() => bench.meter.takeTimes())))
  await untilDelivered(set, await bench.server.call('rest', set.stream))
  await lossOf(bench, set)
  const latencies = times.flatMap(({ sent, come }) => come.map((time, index) => time - sent[index]))
  if (Math.min(...latencies.slice(0, 10_000)) < -CLOCKS) {
    throw new Error('an event came before it was sent: the clocks of the processes differ')
  }
  return {
    rate,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    microseconds: (secondsOf(before, after, bench.chromium.processId) * 1e6) / latencies.length,
    foreign: foreignShare(before, after),
  }
}

function summariesOf({ variant, tabs }, results) {
  if (results.length === 0) return []
  return RATES.map((rate, index) => {
    const medianOf = (key) => rounded(median(results.map(({ rates }) => rates[index][key])), 4)
    return {
      variant: variant.name,
      tabs,
      rate,
      rounds: results.length,
      p50: medianOf('p50'),
      p99: medianOf('p99'),
      microseconds: medianOf('microseconds'),
      p50s: results.map(({ rates }) => rounded(rates[index].p50)),
    }
  })
}

/** @param {ReturnType<typeof summariesOf>} summary */
export function latencyTable(summary) {
  const heads = [
    'variant',
    'tabs',
    'events/s',
    'p50 ms',
    'p99 ms',
    'p50 × relay',
    'CPU µs/delivery',
    'p50 of the rounds',
  ]
  const rows = summary.map((each) => {
    const relay = summary.find(
      ({ variant, tabs, rate }) => variant === 'relay' && tabs === each.tabs && rate === each.rate,
    )
    const ratio = each.p50 / (relay?.p50 ?? Number.NaN)
    return [
      each.variant,
      each.tabs,
      each.rate,
      each.p50,
      each.p99,
      ratio,
      each.microseconds,
      each.p50s.join(' '),
    ]
  })
  return tableOf('latency', heads, rows, notesOf(summary))
}
