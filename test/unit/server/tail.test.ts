import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { LogEvent } from '../../../src/server/index.ts'
import { type Cursor, Tail } from '../../../src/server/tail.ts'
import { whenAborted } from '../../../src/server/when-aborted.ts'

const NEVER = new AbortController().signal

const eventOf = (id: number, topic = 'a', data = ''): LogEvent => ({ id: `e-${id}`, topic, data })

const tailOf = (count: number, { limit = 1_000, maxSize = 1_000_000 } = {}): Tail => {
  const tail = new Tail({ limit, maxSize }, 'e-0')
  for (let id = 1; id <= count; id++) tail.append(eventOf(id))
  return tail
}

async function idsOf(cursor: Cursor, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const ids: string[] = []
  if (count === 0) return ids
  for await (const { id } of cursor.events()) if (ids.push(id) === count) break
  return ids
}

test('keeps so many events', async () => {
  const tail = tailOf(5, { limit: 3 })
  expect(await idsOf(tail.fromFirst(['a'], NEVER), 3)).toEqual(['e-3', 'e-4', 'e-5'])
  expect(tail.after('e-1', ['a'], NEVER)).toBeUndefined()
  expect(tail.after('e-2', ['a'], NEVER)).toBeDefined()
})

test('keeps so many characters, and the newest event whatever its size', async () => {
  const tail = tailOf(0, { maxSize: 20 })
  tail.append(eventOf(1, 'a', '0123456'))
  tail.append(eventOf(2, 'a', '0123456'))
  expect(await idsOf(tail.fromFirst(['a'], NEVER), 1)).toEqual(['e-2'])
  tail.append(eventOf(3, 'a', 'x'.repeat(100)))
  expect(await idsOf(tail.fromFirst(['a'], NEVER), 1)).toEqual(['e-3'])
})

test('ends a reading that it has overtaken', async () => {
  const tail = tailOf(3, { limit: 3 })
  const cursor = tail.fromFirst(['a'], NEVER)
  for (let id = 4; id <= 10; id++) tail.append(eventOf(id))
  expect(await idsOf(cursor)).toEqual([])
  expect(cursor.position).toBe('e-0')
})

test('lets so many readings go on at a time, and others in between', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const tail = tailOf(0)
  let count = 0
  const readings = Array.from({ length: 450 }, () => idsOf(tail.fromNow(['a'], NEVER), 1).then(() => count++))
  tail.append(eventOf(1))
  const counts: number[] = []
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    counts.push(count)
    vi.runOnlyPendingTimers()
  }
  await Promise.all(readings)
  expect(counts).toEqual([200, 400, 450])
})

test('does not overtake a reading that waits for another topic', async () => {
  const tail = tailOf(0, { limit: 3 })
  const cursor = tail.fromNow(['b'], NEVER)
  const ids = idsOf(cursor, 1)
  for (let id = 1; id <= 10; id++) tail.append(eventOf(id))
  expect(cursor.position).toBe('e-10')
  tail.append(eventOf(11, 'b'))
  // What has been appended behind it keeps it back until it has been read.
  tail.append(eventOf(12))
  expect(cursor.position).toBe('e-10')
  expect(await ids).toEqual(['e-11'])
})

test('its end ends readings that wait, and those that are busy when they are through', async () => {
  const tail = tailOf(2)
  const [waiting, busy] = [tail.fromNow(['a', 'b'], NEVER), tail.fromFirst(['a'], NEVER)]
  const ids = idsOf(waiting)
  tail.end()
  expect([await ids, await idsOf(busy)]).toEqual([[], ['e-1', 'e-2']])
})

test('a reading that was aborted leaves nothing behind', async () => {
  const tail = tailOf(0)
  const ending = new AbortController()
  const cursor = tail.fromNow(['a'], ending.signal)
  const ids = idsOf(cursor)
  const moved = tail.moved(ending.signal)
  ending.abort()
  expect(await ids).toEqual([])
  await moved
  tail.append(eventOf(1))
  expect(cursor.position).toBe('e-0')
})

test('wherever a reader is, and whenever it reads, it is given each event of its topics once, in order', async () => {
  const steps = fc.array(fc.constantFrom('append a', 'append b', 'read'), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(5), async (all, before) => {
      const tail = tailOf(before)
      const { signal } = new AbortController()
      const cursor = tail.after(`e-${Math.floor(before / 2)}`, ['a'], signal) as Cursor
      const events = cursor.events()
      const reads: Promise<IteratorResult<LogEvent, void>>[] = []
      const due: string[] = []
      for (let id = Math.floor(before / 2) + 1; id <= before; id++) due.push(`e-${id}`)
      let id = before
      for (const step of all) {
        if (step === 'read') {
          reads.push(events.next())
          await Promise.resolve()
        } else {
          id++
          const topic = step.slice(-1)
          tail.append(eventOf(id, topic))
          if (topic === 'a') due.push(`e-${id}`)
        }
      }
      while (reads.length < due.length) reads.push(events.next())
      const given = await Promise.all(reads.slice(0, due.length))
      expect(given.map(({ value }) => value?.id)).toEqual(due)
    }),
  )
})

test('who no longer waits for a signal is not called by it', () => {
  const ending = new AbortController()
  const [one, other, late] = [vi.fn(), vi.fn(), vi.fn()]
  whenAborted(ending.signal, one)()
  whenAborted(ending.signal, other)
  ending.abort()
  whenAborted(ending.signal, late)
  expect([one, other, late].map(({ mock }) => mock.calls.length)).toEqual([0, 1, 1])
})
