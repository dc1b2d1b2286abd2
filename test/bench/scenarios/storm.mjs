import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../../../.ci/prepare.mjs'
import { tableOf } from '../table.mjs'

/** Browsers, each with a connection that has lasted, when their server goes. */
const BROWSERS = 100_000
const QUICK_BROWSERS = 20_000

/** ms that `retry:` says; the first is the default. */
const TIMES = [1_000, 10_000]
/** ms until the server is back. */
const OUTAGES = [500, 5_000, 60_000]
/** Connections that the server accepts in a second; others it refuses. */
const CAPACITIES = [Number.POSITIVE_INFINITY, 10_000]

/** The clock of this simulation goes in steps of so many ms. */
const STEP = 10
const SECOND = 1_000 / STEP

/** Upper bound of full jitter, as of tabstream's own rule. */
const CAP = 30_000

/**
 * How many of the browsers come back in one second, and how long it takes until all are back, by rules that wait equally long on
 * average before the first attempt. Nothing is measured: a virtual clock runs the rule that the hub runs.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function storm({ options: { isQuick } }) {
  const { retryDelay } = await import(pathToFileURL(join(root, 'build/worker/stream/retry.js')).href)
  const browsers = isQuick ? QUICK_BROWSERS : BROWSERS
  const capacities = CAPACITIES.map((capacity) => (capacity * browsers) / BROWSERS)
  return TIMES.flatMap((time) =>
    OUTAGES.flatMap((outage) =>
      capacities.flatMap((capacity) =>
        Object.entries(rulesFor(time, retryDelay)).map(([rule, delayOf]) => ({
          time,
          outage,
          capacity,
          rule,
          browsers,
          ...simulated(browsers, outage, capacity, delayOf),
        })),
      ),
    ),
  )
}

/** Each answers with ms, after so many failures in a row. All have the same mean for the first attempt. */
function rulesFor(time, retryDelay) {
  const random = lots()
  const mean = 1.5 * time
  return {
    tabstream: (failures) => retryDelay({ failures, hasLived: true, time, retryAfter: 0 }, random()),
    // What browsers do.
    fixed: () => mean,
    'full jitter': (failures) => random() * Math.min(Math.max(CAP, 2 * mean), 2 * mean * 2 ** failures),
  }
}

/** Numbers in [0, 1), the same in each run. */
function lots(seed = 7) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function simulated(browsers, outage, capacity, delayOf) {
  /** @type {Map<number, number[]>} by the step, how often each browser that is due then has failed */
  const due = new Map()
  const add = (step, failures) => {
    const others = due.get(step)
    if (others === undefined) due.set(step, [failures])
    else others.push(failures)
  }
  const stepAfter = (step, ms) => step + Math.max(1, Math.ceil(ms / STEP))
  for (let browser = 0; browser < browsers; browser++) add(stepAfter(0, delayOf(0)), 0)
  const back = []
  const arrivals = []
  let [attempts, left] = [0, capacity]
  for (let step = 0; back.length < browsers; step++) {
    const isBack = step * STEP >= outage
    if (step % SECOND === 0) left = capacity
    const now = due.get(step) ?? []
    due.delete(step)
    attempts += now.length
    if (isBack) arrivals[step] = now.length
    for (const failures of now) {
      if (isBack && left-- > 0) back.push(step * STEP)
      else add(stepAfter(step, delayOf(failures + 1)), failures + 1)
    }
  }
  return {
    share: peakOf(arrivals) / browsers,
    // Since the server is back.
    most: (back[Math.floor(browsers * 0.99)] - outage) / 1_000,
    all: (back.at(-1) - outage) / 1_000,
    attempts: attempts / browsers,
  }
}

/** The most in any second. */
function peakOf(arrivals) {
  let [peak, sum] = [0, 0]
  for (let step = 0; step < arrivals.length; step++) {
    sum += (arrivals[step] ?? 0) - (arrivals[step - SECOND] ?? 0)
    peak = Math.max(peak, sum)
  }
  return peak
}

/** @param {Awaited<ReturnType<typeof storm>>} results */
export function stormTable(results) {
  const heads = [
    'retry: s',
    'outage s',
    'accepted/s',
    'rule',
    '% in one second',
    'until 99 %, s',
    'until all, s',
    'attempts each',
  ]
  const rows = results.map(({ time, outage, capacity, rule, share, most, all, attempts }) => [
    time / 1_000,
    outage / 1_000,
    Number.isFinite(capacity) ? capacity.toLocaleString('en') : 'all',
    rule,
    share * 100,
    most,
    all,
    attempts,
  ])
  return tableOf('storm: browsers that come back when their server does (simulated)', heads, rows, [
    'fixed is what browsers do; all three rules wait equally long on average before the first attempt',
  ])
}
