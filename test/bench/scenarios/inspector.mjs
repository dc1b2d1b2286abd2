import { NAMES } from '../events.mjs'
import { foreignShare, sample } from '../machine.mjs'
import { inRounds } from '../rounds.mjs'
import { median, rounded } from '../statistics.mjs'
import { atRate, lossOf, subscribed, untilDelivered } from '../subscribed.mjs'
import { tableOf } from '../table.mjs'
import { longestTask } from '../tasks.mjs'
import { variantOf } from '../variants.mjs'
import { wait } from '../waiting.mjs'

const TABS = 6
/** Events per second while the tasks of the inspector's page are looked at. */
const RATE = 1_000
const LASTS = 6_000
/** Events of a flood. */
const FLOOD = 100_000
const QUICK_FLOOD = 40_000

/** How the first tab is: as if there were no inspector; one that has been closed; or one that shows the events. */
const STATES = ['none', 'closed', 'open']

/**
 * What the inspector costs the tabs: events per second to all tabs but the one that shows it, and the longest task of that one.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function inspector(bench) {
  const { rounds, isQuick } = bench.options
  const cases = ['connect', 'connect-leader'].flatMap((name) => STATES.map((state) => ({ name, state })))
  const results = await inRounds(
    bench,
    isQuick ? cases.slice(0, STATES.length) : cases,
    rounds ?? (isQuick ? 1 : 5),
    ({ name, state }) => measure(bench, variantOf(name), state),
    ({ name, state }) => `${name}, inspector: ${state}`,
  )
  return [...results].map(([each, results]) => ({
    ...each,
    rate: median(results.map(({ rate }) => rate)),
    lasts: Math.max(...results.map(({ lasts }) => lasts)),
    works: Math.max(...results.map(({ works }) => works)),
  }))
}

function measure(bench, variant, state) {
  return subscribed(bench, { variant, tabs: TABS, bytes: 150, names: NAMES }, async (set) => {
    const { server } = bench
    const [first, ...others] = set.tabs
    if (state !== 'none') await first.evaluate(mount)
    if (state === 'closed') {
      await wait(1_000)
      await first.evaluate(() => globalThis.unmountInspector())
    }
    const { lasts, works } = await longestTask(first, async () => {
      await atRate(bench, set, RATE, LASTS, async () => {})
      await untilDelivered(set, await server.call('rest', set.stream))
    })
    const { first: begins, last } = await server.call(
      'encode',
      set.stream,
      bench.options.isQuick ? QUICK_FLOOD : FLOOD,
    )
    const arrivals = untilDelivered({ tabs: others }, last)
    await wait(200)
    const before = sample()
    const { begun } = await server.call('flood', set.stream)
    const ended = Math.max(...(await arrivals))
    const after = sample()
    await untilDelivered(set, last)
    await lossOf(bench, set)
    const rate = ((last - begins + 1) * 1_000) / (ended - begun)
    return { rate, lasts, works, foreign: foreignShare(before, after) }
  })
}

/** As a user does who watches the events. */
async function mount() {
  const { mountInspector } = await import('/dist/inspector.js')
  globalThis.unmountInspector = mountInspector({ open: true })
  const { shadowRoot } = document.querySelector('tabstream-inspector')
  for (;;) {
    const tab = [...(shadowRoot?.querySelectorAll('[role=tab]') ?? [])].find(
      ({ textContent }) => textContent === 'Events',
    )
    tab?.click()
    if (shadowRoot?.querySelector('[role=option]')) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** @param {Awaited<ReturnType<typeof inspector>>} results */
export function inspectorTable(results) {
  const rows = results.map(({ name, state, rate, lasts, works }) => {
    const without = results.find((other) => other.name === name && other.state === 'none')
    const ratio = rounded(rate / (without?.rate ?? Number.NaN))
    return [name, state, Math.round(rate), ratio, Math.round(lasts), Math.round(works)]
  })
  return tableOf(
    'inspector',
    ['variant', 'inspector', 'events/s to the other tabs', '× none', 'longest task, ms', 'of which at work'],
    rows,
    [
      `${TABS} tabs; the first one shows the events; its longest tasks, by the clock and by the processor, are at ${RATE.toLocaleString('en')} events a second`,
    ],
  )
}
