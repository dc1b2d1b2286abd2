import { foreignShare, sample } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median, rounded } from '../statistics.mjs'
import { pageOf, withStream } from '../subscribed.mjs'
import { tableOf } from '../table.mjs'
import { variantOf } from '../variants.mjs'
import { timeInNewTab } from './tabs.mjs'

/** Events per second: no tab waits for more than 5 ms because there is nothing to send. */
const RATE = 200
/** Tabs in each profile. */
const TABS = 3
const ROUNDS = 20
const QUICK_ROUNDS = 3

/**
 * ms from opening a source to its first event in the first tabs of a fresh profile, where nothing is cached and no hub runs.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function first(bench) {
  const { rounds, variants, isQuick } = bench.options
  const cases = (variants ?? ['native', 'event-source', 'connect', 'event-source-leader']).map(variantOf)
  const results = await inRounds(
    bench,
    cases,
    rounds ?? (isQuick ? QUICK_ROUNDS : ROUNDS),
    (variant) => measure(bench, variant),
    ({ name }) => name,
  )
  return cases.flatMap((variant) => summaryOf(variant, results.get(variant)) ?? [])
}

function measure(bench, variant) {
  return withStream(bench, { bytes: 150, named: variant.named }, (stream) =>
    bench.chromium.withProfile(async (context) => {
      await bench.server.call('pace', stream, RATE)
      const before = sample()
      const times = []
      while (times.length < TABS) {
        const time = await timeInNewTab(context, pageOf(bench, variant), `/events/${stream}`)
        if (typeof time === 'string') throw new Error(`the ${time} of tab ${times.length + 1} took too long`)
        times.push(time)
      }
      return { times, foreign: foreignShare(before, sample()) }
    }),
  )
}

function summaryOf({ name }, results) {
  if (results.length === 0) return
  const medians = Array.from({ length: TABS }, (_, tab) =>
    rounded(median(results.map(({ times }) => times[tab]))),
  )
  return { variant: name, profiles: results.length, times: medians }
}

/** @param {NonNullable<ReturnType<typeof summaryOf>>[]} summary */
export function firstTable(summary) {
  const heads = [
    'ms to the first event, medians',
    ...Array.from({ length: TABS }, (_, tab) => `tab ${tab + 1}`),
    'profiles',
  ]
  const rows = summary.map(({ variant, times, profiles }) => [variant, ...times, profiles])
  return tableOf('first event', heads, rows, [
    `each in fresh profiles, with ${RATE} events a second, so up to ${1_000 / RATE} ms are waiting for one`,
  ])
}
