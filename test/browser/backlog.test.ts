import { describe, expect, test } from 'vitest'
import { record } from './browser.ts'
import { SOURCES, useBrowser } from './stage.ts'

const BACKLOG = 20_000
const ROUNDS = 5

/** The longest task, in ms, of the platform's own source in its calmest round. */
let native = 0

const stage = useBrowser()

describe.each(SOURCES)('$name', ({ name, kind, page }) => {
  // [spec] After each listener, when no other script runs, the microtask queue is emptied.
  // https://html.spec.whatwg.org/multipage/webappapis.html#clean-up-after-running-script
  test('what a listener has queued as microtasks runs before the listener of the next event', async () => {
    const { server, open } = await stage()
    const tab = await open(page)
    const recording = await record(tab, '/events/chain', ['end'], { kind })
    await recording.waitForSignals('open')
    await tab.page.evaluate((key) => {
      const { source } = recorder.get(key)
      const steps: string[] = []
      Object.assign(globalThis, { steps })
      source.addEventListener('step', async ({ data }) => {
        steps.push(`${data} begins`)
        for (let depth = 1; depth <= 3; depth++) {
          await undefined
          steps.push(`${data} at ${depth}`)
        }
      })
    }, recording.key)
    const channel = server.channel('chain')
    const events = Array.from({ length: 1_000 }, (_, index) => ({ event: 'step', data: String(index) }))
    channel.send(...events, { event: 'end', data: 'end' })
    await recording.reach('end')
    const steps = await tab.page.evaluate(() => Reflect.get(globalThis, 'steps') as string[])
    expect(steps).toEqual(
      events.flatMap(({ data }) => [`${data} begins`, `${data} at 1`, `${data} at 2`, `${data} at 3`]),
    )
  })

  // Tasks are measured by the clock, and other processes of a busy machine lengthen them: so the calmest of some rounds
  // counts, and where the platform's own source takes long in its calmest round, ours may take as long.
  test(`a backlog of ${BACKLOG} events is dispatched in short tasks`, async () => {
    const { server, open } = await stage()
    const tab = await open(page)
    const recording = await record(tab, '/events/backlog', ['end'], { kind })
    await recording.waitForSignals('open')
    await tab.page.evaluate(prepareMeasure, recording.key)
    const longest: number[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      await tab.page.evaluate(() => measure.begin())
      const events = Array.from({ length: BACKLOG }, (_, index) => ({ event: 'tick', data: String(index) }))
      const begun = Date.now()
      server.channel('backlog').send(...events, { event: 'end', data: `end ${round}` })
      await recording.reach(`end ${round}`)
      const took = Date.now() - begun
      const { count, longTasks, longestBeat } = await tab.page.evaluate(() => measure.end())
      console.log(
        `${name}: ${BACKLOG} events in ${took} ms; tasks over 50 ms: ${longTasks.join(', ') || 'none'}; the page's own messages waited ${longestBeat} ms at most`,
      )
      expect(count).toBe(BACKLOG)
      longest.push(Math.max(0, ...longTasks))
    }
    const calmest = Math.min(...longest)
    if (kind === 'EventSource') native = calmest
    else
      expect(calmest, `the longest tasks of the rounds: ${longest}`).toBeLessThanOrEqual(Math.max(50, native))
  })
})

interface Measured {
  /** Events named tick. */
  count: number
  /** How long each task took that took more than 50 ms, in ms. */
  longTasks: number[]
  /** The longest time between two of the messages that the page sends itself without end, in ms. */
  longestBeat: number
}

declare global {
  // This lives in the page.
  var measure: { begin(): void; end(): Promise<Measured> }
}

/** Runs in the page, so it may refer to nothing outside. */
function prepareMeasure(key: string): void {
  let measured: Measured
  recorder.get(key).source.addEventListener('tick', () => measured.count++)

  const keep = (entries: PerformanceEntryList) => {
    for (const { duration } of entries) measured.longTasks.push(duration)
  }
  const observer = new PerformanceObserver((list) => keep(list.getEntries()))
  observer.observe({ type: 'longtask' })

  const { port1, port2 } = new MessageChannel()
  let isBeating = false
  let last = 0
  port1.onmessage = () => {
    const now = performance.now()
    measured.longestBeat = Math.max(measured.longestBeat, Math.round(now - last))
    last = now
    if (isBeating) port2.postMessage(null)
  }
  globalThis.measure = {
    begin() {
      observer.takeRecords()
      measured = { count: 0, longTasks: [], longestBeat: 0 }
      isBeating = true
      last = performance.now()
      port2.postMessage(null)
    },
    async end() {
      isBeating = false
      // The entry of a task is made when it is over.
      await new Promise((resolve) => setTimeout(resolve))
      keep(observer.takeRecords())
      return measured
    },
  }
}
