import { NAMES } from '../events.mjs'
import { foreignShare, sample, secondsOf } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median } from '../statistics.mjs'
import { lossOf, subscribed, untilDelivered } from '../subscribed.mjs'
import { tableOf, written } from '../table.mjs'
import { fits, notesOf, VARIANTS, variantOf } from '../variants.mjs'
import { wait } from '../waiting.mjs'

/** A flood lasts so many seconds; one that is shorter than the least is made again, longer. */
const LASTS = 1.3
const LEAST = 0.9
/** Bytes of one flood that the server keeps ready, at most. */
const MOST_BYTES = 160e6
/** Those that are measured with other sizes of events, too. */
const SIZED = ['connect', 'event-source', 'relay', 'native']
const QUICK = ['event-source', 'connect', 'native', 'relay']

/**
 * Events per second that every tab has got, and the CPU that this takes, when the server sends as fast as it can.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function throughput(bench) {
  const { rounds, isQuick } = bench.options
  const { main, further } = casesOf(bench.options)
  // What matters most comes first, for the case that time runs out.
  const results = new Map([
    ...(await measureAll(bench, main, rounds ?? (isQuick ? 2 : 3))),
    ...(await measureAll(bench, further, rounds ?? 2)),
  ])
  return [...results].map(([each, results]) => summaryOf(each, results)).filter(({ rounds }) => rounds > 0)
}

function casesOf({ variants, tabs, bytes, isQuick }) {
  const names = variants ?? (isQuick ? QUICK : VARIANTS.map(({ name }) => name))
  const cross = (tabs, bytes, names) =>
    tabs.flatMap((tabs) =>
      bytes.flatMap((bytes) =>
        names
          .map(variantOf)
          .filter((variant) => fits(variant, tabs))
          .map((variant) => ({ variant, tabs, bytes })),
      ),
    )
  if (tabs || bytes) return { main: cross(tabs ?? [6], bytes ?? [150], names), further: [] }
  if (isQuick) return { main: cross([6], [150], names), further: [] }
  const sized = names.filter((name) => SIZED.includes(name))
  return {
    main: cross([6, 20], [150], names),
    further: [...cross([1], [150], names), ...cross([6], [10, 10_000], sized)],
  }
}

function measureAll(bench, cases, rounds) {
  /** @type {Map<object, number>} events per flood, as an undisturbed round has found them */
  const lengths = new Map()
  return inRounds(
    bench,
    cases,
    rounds,
    async (each) => {
      const result = await measure(bench, each, bench.options.events, lengths.get(each))
      if (!lengths.has(each)) lengths.set(each, result.events)
      return result
    },
    ({ variant, tabs, bytes }) => `${variant.name}, ${tabs} tabs, ${bytes} bytes`,
  )
}

/** @param {number} [wanted] events, whatever time they take @param {number} [tried] events that took the right time */
function measure(bench, { variant, tabs, bytes }, wanted, tried) {
  return subscribed(bench, { variant, tabs, bytes, names: NAMES }, async (set) => {
    const guess = 5 * variant.warmUp * Math.min(1, 6 / tabs) * Math.min(1, 500 / bytes)
    const first = await flood(bench, set, Math.ceil((wanted ?? tried ?? guess) / 5))
    let events = wanted ?? tried ?? lengthFor(first)
    for (;;) {
      const result = await flood(bench, set, events)
      const longer = lengthFor(result)
      const isLong = result.seconds >= LEAST || longer < events * 1.1
      if (wanted !== undefined || isLong) return result
      events = longer
    }
  })
}

/** Events of a flood that lasts as long as it should, judged by one that was made. */
function lengthFor({ rate, events, encoded }) {
  return Math.round(Math.min(rate * LASTS, (MOST_BYTES / encoded) * events))
}

async function flood(bench, set, events) {
  const { server, chromium } = bench
  const { last, bytes: encoded } = await server.call('encode', set.stream, events)
  const arrivals = untilDelivered(set, last)
  // Lets what encoding has left behind be collected before the clock starts.
  await wait(200)
  const before = sample()
  const { begun } = await server.call('flood', set.stream)
  const ended = Math.max(...(await arrivals))
  const after = sample()
  const seconds = (ended - begun) / 1_000
  return {
    events,
    encoded,
    seconds,
    lost: (await lossOf(bench, set)) / events,
    rate: events / seconds,
    microseconds: (secondsOf(before, after, chromium.processId) * 1e6) / (events * set.tabs.length),
    foreign: foreignShare(before, after),
  }
}

function summaryOf({ variant, tabs, bytes }, results) {
  const medianOf = (key) => median(results.map((result) => result[key]))
  return {
    variant: variant.name,
    tabs,
    bytes,
    rounds: results.length,
    events: medianOf('events'),
    seconds: medianOf('seconds'),
    rate: medianOf('rate'),
    rates: results.map(({ rate }) => Math.round(rate)),
    microseconds: medianOf('microseconds'),
    lost: Math.max(0, ...results.map(({ lost }) => lost)),
  }
}

/** @param {ReturnType<typeof summaryOf>[]} summary */
export function throughputTable(summary) {
  const heads = [
    'variant',
    'tabs',
    'bytes',
    'events/s to every tab',
    '× native',
    '× relay',
    'CPU µs/delivery',
    'CPU × relay',
    'seconds',
    'lost',
    'rounds, 1,000/s',
  ]
  const rows = summary.map((each) => {
    const native = beside(summary, each, 'native')
    const relay = beside(summary, each, 'relay')
    return [
      each.variant,
      each.tabs,
      each.bytes,
      Math.round(each.rate),
      each.rate / (native?.rate ?? Number.NaN),
      each.rate / (relay?.rate ?? Number.NaN),
      each.microseconds,
      each.microseconds / (relay?.microseconds ?? Number.NaN),
      each.seconds,
      each.lost > 0 ? `${written(each.lost * 100)} %` : '',
      each.rates.map((rate) => written(rate / 1_000)).join(' '),
    ]
  })
  return tableOf('throughput', heads, rows, notesOf(summary))
}

/** What another variant did in the same circumstances. */
function beside(summary, { tabs, bytes }, name) {
  return summary.find((each) => each.variant === name && each.tabs === tabs && each.bytes === bytes)
}
