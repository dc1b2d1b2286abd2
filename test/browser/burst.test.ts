import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Tab } from './browser.ts'
import { useBrowser } from './stage.ts'

const EVENTS = 60_000
const PER_PIECE = 500

/** How long each tab's listener takes, in µs. The last tab is in front. */
const SIX = [200, 50, 50, 0, 200, 0]
const TWENTY = [200, 50, ...Array.from({ length: 18 }, () => 0)]
const SLOWEST = 200

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
    const tab = await set.open(`/page?host=${host}&isolated`)
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

/** How long one tab with the slowest of them takes alone, by host and API. */
const alone = new Map<string, Promise<number>>()

function timeAlone(host: string, api: 'SharedEventSource' | 'connect'): Promise<number> {
  const key = `${host} ${api}`
  const time = alone.get(key) ?? hear(host, api, [SLOWEST]).then(([outcome]) => outcome?.took ?? 0)
  alone.set(key, time)
  return time
}

describe.each(['shared-worker', 'leader'])('a burst of events: %s', (host) => {
  test.each([
    ['SharedEventSource', 6, SIX],
    ['connect', 6, SIX],
    ['SharedEventSource', 20, TWENTY],
    ['connect', 20, TWENTY],
  ] as const)(
    'costs no tab that goes on working an event: %s, %s tabs',
    { timeout: TIME_LIMIT },
    async (api, count, costs) => {
      const least = await timeAlone(host, api)
      const outcomes = await hear(host, api, costs)
      const took = outcomes.map(({ took }, index) => `${costs[index]} µs: ${Math.round(took)} ms`)
      const longest = Math.max(...outcomes.map(({ took }) => took))
      const cores = availableParallelism()
      const listening = (costs.reduce((sum, cost) => sum + cost, 0) * EVENTS) / 1_000 / cores
      console.log(
        `${EVENTS} events, ${count} tabs, ${api}, ${host}: ${took.join(', ')}; one tab of ${SLOWEST} µs alone: ` +
          `${Math.round(least)} ms, so ${(longest / least).toFixed(2)} ×; for what the listeners do, ` +
          `${cores} cores take ${Math.max(1, listening / least).toFixed(2)} ×`,
      )
      for (const { received, outOfOrder, gaps } of outcomes)
        expect({ received, outOfOrder, gaps }).toEqual({ received: EVENTS, outOfOrder: 0, gaps: [] })
    },
  )
})
