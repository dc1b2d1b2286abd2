import { describe, expect, test } from 'vitest'
import type { Tab } from './browser.ts'
import { useBrowser } from './stage.ts'

const EVENTS = 60_000
const PER_PIECE = 500

/** How long each tab's listener takes, in µs. The last tab is in front. */
const LISTENERS = [200, 50, 50, 0, 200, 0]

/** Only what a slow machine takes. */
const TIME_LIMIT = 240_000

const stage = useBrowser()

interface Outcome {
  readonly received: number
  readonly outOfOrder: number
  readonly gaps: string[]
  readonly took: number
}

declare global {
  // This lives in the page.
  var burst: Promise<Outcome>
}

/** Opens a source with a listener that takes so long for each event, and resolves when it is open. */
const attach = (tab: Tab, api: 'SharedEventSource' | 'connect', cost: number): Promise<void> =>
  tab.page.evaluate(
    async ([api, cost, last]) => {
      const gaps: string[] = []
      let received = 0
      let outOfOrder = 0
      let begun = 0
      await new Promise<void>((opened) => {
        globalThis.burst = new Promise((resolve) => {
          const hear = ({ data }: { data: string }) => {
            begun ||= performance.now()
            const until = performance.now() + cost / 1_000
            while (performance.now() < until);
            if (Number(data) !== received) outOfOrder++
            received++
            if (Number(data) === last)
              resolve({ received, outOfOrder, gaps, took: performance.now() - begun })
          }
          if (api === 'connect') {
            const stream = tabstream.connect('/events/burst')
            stream.on('message', hear)
            stream.onGap(({ reason }) => gaps.push(reason))
            stream.onStatus(({ state }) => state === 'open' && opened())
            if (stream.status.state === 'open') opened()
          } else {
            const source = new tabstream.SharedEventSource('/events/burst')
            source.addEventListener('message', hear)
            source.addEventListener('gap', ({ reason }) => gaps.push(reason))
            source.addEventListener('open', () => opened())
          }
        })
      })
    },
    [api, cost, EVENTS - 1] as const,
  )

/** Lets tabs with these listeners, the last of them in front, hear a burst. */
async function hear(host: string, api: 'SharedEventSource' | 'connect', costs: readonly number[]) {
  const set = await stage()
  const tabs: Tab[] = []
  for (const cost of costs) {
    const tab = await set.open(`/page?host=${host}`)
    await attach(tab, api, cost)
    tabs.push(tab)
  }
  await tabs.at(-1)?.page.bringToFront()
  const channel = set.server.channel('burst')
  for (let number = 0; number < EVENTS; number += PER_PIECE) {
    channel.send(...Array.from({ length: PER_PIECE }, (_, index) => ({ data: String(number + index) })))
    await new Promise((resolve) => setImmediate(resolve))
  }
  const outcomes = await Promise.all(tabs.map(({ page }) => page.evaluate(() => globalThis.burst)))
  await set.context.close()
  return outcomes
}

describe.each(['shared-worker', 'leader'])('a burst of events: %s', (host) => {
  test.each(['SharedEventSource', 'connect'] as const)(
    'costs no tab that goes on working an event: %s',
    { timeout: TIME_LIMIT },
    async (api) => {
      const slowest = Math.max(...LISTENERS)
      const [alone] = await hear(host, api, [slowest])
      const outcomes = await hear(host, api, LISTENERS)
      const took = outcomes.map(({ took }, index) => `${LISTENERS[index]} µs: ${Math.round(took)} ms`)
      const longest = Math.max(...outcomes.map(({ took }) => took))
      console.log(
        `${EVENTS} events, ${api}, ${host}: ${took.join(', ')}; one tab of ${slowest} µs alone: ` +
          `${Math.round(alone?.took ?? 0)} ms, so ${(longest / (alone?.took ?? 0)).toFixed(2)} ×`,
      )
      for (const { received, outOfOrder, gaps } of outcomes)
        expect({ received, outOfOrder, gaps }).toEqual({ received: EVENTS, outOfOrder: 0, gaps: [] })
    },
  )
})
