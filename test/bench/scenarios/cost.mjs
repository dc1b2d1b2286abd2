import { openTabs } from '../browser.mjs'
import { NAMES } from '../events.mjs'
import { foreignShare, sample, secondsOf, workerSeconds } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median, rounded } from '../statistics.mjs'
import { pageOf, subscribe, withStream } from '../subscribed.mjs'
import { tableOf } from '../table.mjs'
import { heapOfWorker } from '../targets.mjs'
import { variantOf } from '../variants.mjs'
import { wait, withTimeLimit } from '../waiting.mjs'

/** ms of each measurement, and before it. */
const LASTS = 3_000
const ADAPTATION = 1_000
/** Connections that a hub holds to one origin over HTTP/1.1. */
const PER_ORIGIN = 4
/** Enough for 20 streams. */
const ORIGINS = 5
/** How long the tabs may take until each of them has its first event, in ms. */
const FIRST = 20_000
const MIB = 2 ** 20

/** What everything but one is while that one grows. */
const USUAL = { tabs: 2, names: NAMES.length, streams: 1, log: 0, rate: 1_000 }

/** `rate` is in events per second of each stream, such that two processors bear the last point. */
const AXES = [
  { axis: 'tabs', points: [1, 2, 5, 10, 20, 50], rate: 50 },
  { axis: 'names', points: [1, 10, 100, 1_000], rate: 1_000 },
  { axis: 'streams', points: [1, 5, 20], rate: 100 },
  { axis: 'log', points: [0, 1_000, 4_000, 16_000, 64_000], rate: 1_000 },
]

const QUICK = ['tabs', 'log']

/**
 * CPU time per event and memory of the hub, while one thing grows.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function cost(bench) {
  const { rounds, isQuick } = bench.options
  const cases = AXES.filter(({ axis }) => !isQuick || QUICK.includes(axis)).flatMap(
    ({ axis, points, rate }) =>
      (isQuick ? [points[0], points.at(-2)] : points).map((point) => ({ axis, point, rate })),
  )
  const origins = await originsFor(bench, ORIGINS)
  const results = await inRounds(
    bench,
    cases,
    rounds ?? 1,
    ({ axis, point, rate }) => measure(bench, origins, { ...USUAL, rate, [axis]: point }),
    ({ axis, point }) => `${point} ${axis}`,
  )
  return cases.map((each) => summaryOf(each, results.get(each))).filter(({ rounds }) => rounds > 0)
}

/** More ports of the server, each of which is an origin with connections of its own. */
async function originsFor({ server, origin }, count) {
  const origins = [origin]
  while (origins.length < count) origins.push(`http://127.0.0.1:${await server.call('listen')}`)
  return origins
}

function measure(bench, origins, plan) {
  const names =
    plan.names === NAMES.length ? NAMES : Array.from({ length: plan.names }, (_, index) => `name-${index}`)
  return withStreams(bench, { bytes: 150, names }, plan.streams, (streams) =>
    bench.chromium.withProfile(async (context) => {
      const tabs = await openTabs(context, pageOf(bench, variantOf('connect')), plan.tabs)
      const urls = streams.map(
        (stream, index) => `${origins[Math.floor(index / PER_ORIGIN)]}/events/${stream}`,
      )
      await fill(bench, tabs, urls, names, streams, plan)
      await wait(ADAPTATION)
      const before = await stateOf(bench, streams)
      await wait(LASTS)
      const after = await stateOf(bench, streams)
      const events = after.events - before.events
      const seconds = secondsOf(before.sample, after.sample, bench.chromium.processId)
      return {
        hub: ((after.worker - before.worker) * 1e6) / events,
        all: (seconds * 1e6) / (events * plan.tabs),
        heap: await heapOfWorker(bench.chromium),
        foreign: foreignShare(before.sample, after.sample),
      }
    }),
  )
}

/** Events sent so far, and CPU time used. */
async function stateOf({ server, chromium }, streams) {
  const reports = await Promise.all(streams.map((stream) => server.call('report', stream)))
  const events = reports.reduce((sum, { lastId }) => sum + lastId, 0)
  return { events, sample: sample(), worker: workerSeconds(chromium.processId) }
}

/** Subscribes all tabs to all streams, fills the log, and lets the events come. */
async function fill({ server }, tabs, urls, names, streams, { rate, log }) {
  for (const tab of tabs) for (const url of urls) await subscribe(tab, url, names)
  for (const stream of streams) await server.call('pace', stream, rate)
  await withTimeLimit(
    Promise.all(tabs.map((tab) => tab.evaluate(() => bench.meter.reach(1)))),
    FIRST,
    'the first event',
  )
  if (log === 0) return
  for (const stream of streams) {
    await server.call('rest', stream)
    const { last } = await server.call('encode', stream, log)
    await server.call('flood', stream)
    await Promise.all(tabs.map((tab) => tab.evaluate((last) => bench.meter.reach(last), last)))
    await server.call('pace', stream, rate)
  }
}

/** @param {(streams: string[]) => Promise<any>} work */
function withStreams(bench, form, count, work, streams = []) {
  if (streams.length === count) return work(streams)
  return withStream(bench, form, (stream) => withStreams(bench, form, count, work, [...streams, stream]))
}

function summaryOf({ axis, point, rate }, results) {
  const medianOf = (key) => rounded(median(results.map((result) => result[key])))
  return {
    axis,
    point,
    rate,
    rounds: results.length,
    hub: medianOf('hub'),
    all: medianOf('all'),
    heap: medianOf('heap'),
  }
}

/** @param {ReturnType<typeof summaryOf>[]} summary */
export function costTables(summary) {
  return tableOf(
    'cost as work grows',
    [
      'what grows',
      'to',
      'events/s of each stream',
      'hub CPU µs/event',
      'browser CPU µs/delivery',
      'hub heap MiB',
    ],
    summary.map(({ axis, point, rate, hub, all, heap }) => [axis, point, rate, hub, all, heap / MIB]),
    [`otherwise ${USUAL.tabs} tabs, ${USUAL.names} names, ${USUAL.streams} stream, and an empty log`],
  )
}
