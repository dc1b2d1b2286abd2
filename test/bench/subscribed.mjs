import { openTabs } from './browser.mjs'
import { wait, withTimeLimit } from './waiting.mjs'

/** How long the tabs may take until each of them has its first event, in ms. */
const FIRST = 20_000
/** Events a second until then. */
const TRICKLE = 20
/** How long events that were sent may take to be there, in ms. */
const LAST = 60_000

let streams = 0

/**
 * Several tabs that have all got an event of one stream.
 *
 * @typedef {object} Subscribed
 * @property {Plan} plan
 * @property {string} stream its name
 * @property {import('playwright').Page[]} tabs
 * @property {import('playwright').BrowserContext} context
 */

/**
 * @typedef {object} Plan
 * @property {import('./variants.mjs').Variant} variant
 * @property {number} tabs
 * @property {number} bytes of JSON in each event
 * @property {readonly string[]} names of events
 * @property {boolean} [keeps] whether the server resumes
 */

/**
 * Opens tabs in a fresh profile, subscribes each of them to one new stream, waits until all of them have got an event, and
 * gives them to `work`.
 *
 * @template Result
 * @param {import('./bench.mjs').Bench} bench
 * @param {Plan} plan
 * @param {(set: Subscribed) => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export function subscribed(bench, plan, work) {
  const { variant, tabs: count, bytes, names, keeps } = plan
  const form = { bytes, names, named: variant.named, keeps }
  return withStream(bench, form, (stream) =>
    bench.chromium.withProfile(async (context) => {
      const tabs = await openTabs(context, pageOf(bench, variant), count)
      await bench.server.call('pace', stream, TRICKLE)
      for (const tab of tabs) await subscribe(tab, `/events/${stream}`, names)
      await withTimeLimit(
        Promise.all(tabs.map((tab) => tab.evaluate(() => bench.meter.reach(1)))),
        FIRST,
        `${variant.name}: the first event in ${count} tabs`,
      )
      await untilDelivered({ tabs }, await bench.server.call('rest', stream))
      return work({ plan, stream, tabs, context })
    }),
  )
}

/**
 * Gives the name of a new stream to `work`, and ends it.
 *
 * @template Result
 * @param {import('./bench.mjs').Bench} bench
 * @param {object} form see stream.mjs
 * @param {(stream: string) => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function withStream({ server }, form, work) {
  const stream = `${++streams}`
  await server.call('createStream', stream, form)
  try {
    return await work(stream)
  } finally {
    await server.call('removeStream', stream)
  }
}

/** @param {import('./bench.mjs').Bench} bench @param {import('./variants.mjs').Variant} variant */
export function pageOf({ origin }, { page, host, hidden }) {
  return `${origin}/page.html?${new URLSearchParams({ variant: page, ...(host && { host }), ...(hidden && { hidden }) })}`
}

/** @param {import('playwright').Page} tab @param {string} url @param {readonly string[]} names */
export function subscribe(tab, url, names) {
  return tab.evaluate(([url, names]) => bench.subscribe(url, names), [url, names])
}

/** Resolves with the times at which the tabs had this event. @param {{ tabs: import('playwright').Page[] }} set @param {number} last */
export function untilDelivered({ tabs }, last) {
  return withTimeLimit(
    Promise.all(tabs.map((tab) => tab.evaluate((last) => bench.meter.reach(last), last))),
    LAST,
    `event ${last} in each tab`,
  )
}

/**
 * Events that did not come, or came out of order, since this was asked last; a mean of all tabs. Complains about losses
 * that no gap has told of, of variants that should not lose any.
 *
 * @param {import('./bench.mjs').Bench} bench
 * @param {Subscribed} set
 */
export async function lossOf(bench, { plan: { variant, bytes }, tabs }) {
  const reports = await Promise.all(tabs.map((tab) => tab.evaluate(() => bench.meter.takeReport())))
  const sumOf = (key) => reports.reduce((sum, report) => sum + report[key], 0)
  const [missing, disorders, gaps] = ['missing', 'disorders', 'gaps'].map(sumOf)
  const what = `${variant.name}: in ${tabs.length} tabs ${missing} events of ${bytes} bytes are missing, ${disorders} are out of order, and there were ${gaps} gaps`
  const isTold = disorders === 0 && gaps > 0
  // A tab that falls off the log of a flood is told so.
  if (isTold) bench.say(what)
  else if (missing + disorders > 0 && !variant.losesEvents) bench.complain(what)
  return (missing + disorders) / tabs.length
}

/**
 * Lets a stream send at this rate for a while, after some time to get used to it, and calls `begin` in between.
 *
 * @param {import('./bench.mjs').Bench} bench
 * @param {Subscribed} set
 * @param {number} perSecond
 * @param {number} ms
 * @param {() => Promise<void>} begin
 */
export async function atRate({ server }, { stream }, perSecond, ms, begin) {
  await server.call('pace', stream, perSecond)
  await wait(ADAPTATION)
  await begin()
  await wait(ms)
}

/** ms until compilers and timers have got used to another rate. */
const ADAPTATION = 700
