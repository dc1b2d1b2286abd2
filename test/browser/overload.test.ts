import { expect, test } from 'vitest'
import { inspect, type Tab } from './browser.ts'
import type { Channel } from './channel.ts'
import { type Stage, useBrowser } from './stage.ts'

const TABS = 20
const SECONDS = 30
const PER_SECOND = 1_000
const TOTAL = SECONDS * PER_SECOND
const BYTES = 150
/** After so many the log, which holds 16,384, lets go of one for each that comes. */
const FULL = 18_000
const MIB = 1024 * 1024

const stage = useBrowser()

interface Meter {
  received: number
  /** Events that were not the successor of the one before. */
  outOfOrder: number
  gaps: number
  /** How often an event took so many ms from the server to the listener. */
  readonly latencies: number[]
  /** Resolves when so many have been received. */
  until(count: number): Promise<void>
}

declare global {
  // This lives in the page.
  var meter: Meter
}

/** Measures what comes and keeps none of it, so that what the page holds is the library's. */
async function attachMeter(tab: Tab): Promise<void> {
  await tab.page.evaluate(async () => {
    const waiting: { count: number; resolve: () => void }[] = []
    globalThis.meter = {
      received: 0,
      outOfOrder: 0,
      gaps: 0,
      latencies: [],
      until: (count) => new Promise((resolve) => waiting.push({ count, resolve })),
    }
    const source = new tabstream.SharedEventSource('/events/load')
    source.addEventListener('message', ({ data, lastEventId }) => {
      const latency = Math.max(0, Date.now() - Number(data.trimStart().split(' ')[0]))
      meter.latencies[latency] = (meter.latencies[latency] ?? 0) + 1
      meter.received++
      if (Number(lastEventId) !== meter.received) meter.outOfOrder++
      while (waiting[0] !== undefined && waiting[0].count <= meter.received) waiting.shift()?.resolve()
    })
    source.addEventListener('gap', () => meter.gaps++)
    await new Promise((resolve) => source.addEventListener('open', resolve))
  })
}

/** Sends events one by one, as many as are due by the clock; resolves when all `count` are sent. */
function send(channel: Channel, count: number): Promise<void> {
  return new Promise((resolve) => {
    const begun = performance.now()
    let sent = 0
    const timer = setInterval(() => {
      const due = Math.min(count, ((performance.now() - begun) * PER_SECOND) / 1_000)
      for (; sent < due; sent++) channel.send({ data: `${Date.now()} `.padEnd(BYTES, 'x') })
      if (sent < count) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
}

/** What the page's scripts hold in memory, in bytes: objects, and the text that the browser keeps outside of their heap. */
async function heapOf({ context }: Stage, tab: Tab): Promise<number> {
  const session = await context.newCDPSession(tab.page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize, embedderHeapUsedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize + embedderHeapUsedSize + backingStorageSize
}

function percentile(latencies: (number | null)[], share: number): number {
  let left = latencies.reduce<number>((sum, count) => sum + (count ?? 0), 0) * share
  return latencies.findIndex((count) => {
    left -= count ?? 0
    return left <= 0
  })
}

test('20 tabs with a leader bear 1,000 events a second for 30 seconds', async () => {
  const set = await stage()
  const channel = set.server.channel('load')
  const tabs = await set.openMany(TABS, '/page?host=leader')
  const [leader, ...followers] = tabs
  if (!leader) throw new Error('there is no tab')
  await attachMeter(leader)
  await Promise.all(followers.map(attachMeter))
  expect((await inspect(leader)).isHere).toBe(true)

  const allHave = (count: number) =>
    Promise.all(
      tabs.map(({ page }) =>
        page.evaluate(async (count) => {
          if (meter.received < count) await meter.until(count)
        }, count),
      ),
    )
  const idle = await heapOf(set, leader)
  const sending = send(channel, TOTAL)
  await allHave(FULL)
  const full = await heapOf(set, leader)
  await sending
  await allHave(TOTAL)
  const end = await heapOf(set, leader)

  const meters = await Promise.all(tabs.map(({ page }) => page.evaluate(() => meter)))
  const p99s = meters.map(({ latencies }) => percentile(latencies, 0.99))
  const p50s = meters.map(({ latencies }) => percentile(latencies, 0.5))
  const [stream] = (await inspect(leader)).streams
  console.log(
    `${TABS} tabs, ${PER_SECOND} events/s: p99 ${p99s[0]} ms in the leader, ${Math.max(...p99s)} ms in the slowest tab (p50 ${p50s[0]} and ${Math.max(...p50s)} ms); the leader's heap is ${[idle, full, end].map((bytes) => (bytes / MIB).toFixed(1)).join(', ')} MiB before, with a full log, and in the end; log ${stream?.logEvents} entries, ${((stream?.logBytes ?? 0) / MIB).toFixed(1)} MiB; ${channel.describe()}`,
  )
  expect(meters.map(({ received, outOfOrder, gaps }) => ({ received, outOfOrder, gaps }))).toEqual(
    tabs.map(() => ({ received: TOTAL, outOfOrder: 0, gaps: 0 })),
  )
  expect(channel.totalConnections).toBe(1)
  // 41 ms on two busy cores. If the leader could not keep up, its backlog would be seconds long in the end.
  expect(Math.max(...p99s)).toBeLessThan(2_000)
  // What a log may hold.
  expect(end - idle).toBeLessThan(16 * MIB)
  // Half of the text that has come since: it is not kept.
  expect(end - full).toBeLessThan(((TOTAL - FULL) * BYTES) / 2)
}, 120_000)
