import { expect, test } from 'vitest'
import { eventStream, memoryLog, toNodeHandler } from '../../src/server/index.ts'
import { connect, dataIn, reach, received } from './connected.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

// Pages of tabstream in front of a server that is made with tabstream/server.

const stage = useBrowser()

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index))

/** Calls in each turn of the event loop, until it is told to stop. */
function repeat(work: () => void): () => void {
  let isOn = true
  const next = () => {
    if (!isOn) return
    work()
    setImmediate(next)
  }
  next()
  return () => {
    isOn = false
  }
}

test(
  'a plain Node server that is restarted under load: two tabs lose nothing, and are given nothing twice',
  ESSENTIAL,
  async () => {
    const { server, open } = await stage()
    const log = memoryLog({ limit: 1_000_000 })
    server.answer(
      '/stream',
      toNodeHandler((request) => eventStream(request, log, { topics: ['n'], retry: 10 })),
    )
    const tabs = [await open(), await open()]
    for (const tab of tabs) {
      await connect(tab, '/stream')
      await reach(tab, 'open')
    }
    let count = 0
    let sent = 0
    const publish = () => void log.append('n', { data: String(++count) })
    publish()
    for (const tab of tabs) await received(tab, '1')
    for (let round = 0; round < 5; round++) {
      const stop = repeat(() => {
        if (sent++ % 20 === 0) publish()
      })
      await server.stop()
      await server.restart()
      const target = String(count + 50)
      await received(tabs[0] as (typeof tabs)[0], target)
      stop()
    }
    publish()
    for (const tab of tabs) {
      await received(tab, String(count))
      expect(await dataIn(tab)).toEqual(numbers(1, count))
      expect(await tab.page.evaluate(() => seen.gaps)).toBe(0)
    }
    expect(server.journal.filter((entry) => entry === 'GET /stream').length).toBeGreaterThanOrEqual(6)
  },
)

test('a server that has restarted without its history: each tab is told, and is given what there is', async () => {
  const { server, open } = await stage()
  const answerFrom = (log: ReturnType<typeof memoryLog>) =>
    server.answer(
      '/stream',
      toNodeHandler((request) => eventStream(request, log, { topics: ['n'], retry: 10 })),
    )
  const former = memoryLog()
  answerFrom(former)
  const tabs = [await open(), await open()]
  for (const tab of tabs) {
    await connect(tab, '/stream')
    await reach(tab, 'open')
  }
  // One event alone proves nothing by coming again.
  await former.append('n', { data: 'one' })
  for (const tab of tabs) await received(tab, 'one')
  const log = memoryLog()
  await log.append('n', { data: 'two' })
  answerFrom(log)
  server.destroyConnections()
  for (const tab of tabs) {
    await received(tab, 'two')
    expect(await dataIn(tab)).toEqual(['one', 'two'])
    expect(await tab.page.evaluate(() => seen.gaps)).toBe(1)
  }
})
