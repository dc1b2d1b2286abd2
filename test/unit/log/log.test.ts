import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Entry, Log, type LogLimits } from '../../../worker/log/log.ts'
import { append, logged, type NewEntry, stateEntry } from '../../sim/world/samples.ts'
import { heapInUse } from '../heap.ts'

const UNBOUNDED = { events: 1e6, bytes: 1e9 }

const eventOf = (data: string, name = 'a', id = ''): NewEntry =>
  logged({ type: 'event', name, data, id, nth: 0, ordinal: 1 })

const opened = stateEntry('open')

/** What a log counts for one entry. */
const bytesOf = (entry: NewEntry): number => {
  const log = new Log(UNBOUNDED)
  append(log, entry)
  return log.bytes
}

const seqs = (log: Log): number[] => {
  const held: number[] = []
  for (let seq = 0; seq <= log.lastSeq + 1; seq++) if (log.at(seq) !== undefined) held.push(seq)
  return held
}

test('what a server has said of a failure counts', () => {
  const error = { message: 'x'.repeat(10), status: 503, contentType: 'text/plain', body: 'y'.repeat(16_384) }
  expect(bytesOf(stateEntry('closed', { error })) - bytesOf(stateEntry('closed'))).toBe(2 * (20 + 16_384))
})

describe('numbering', () => {
  test('an empty log ends at 0 and begins at 1', () => {
    const log = new Log(UNBOUNDED)
    expect([log.firstSeq, log.lastSeq, log.length, log.bytes]).toEqual([1, 0, 0, 0])
  })

  test('entries are numbered from 1, whatever their type', () => {
    const log = new Log(UNBOUNDED)
    expect([append(log, opened).seq, append(log, eventOf('x')).seq]).toEqual([1, 2])
    expect([log.firstSeq, log.lastSeq, log.length]).toEqual([1, 2, 2])
  })

  test('numbers go on where old entries have fallen off', () => {
    const log = new Log({ ...UNBOUNDED, events: 2 })
    for (const data of ['x', 'y', 'z']) append(log, eventOf(data))
    expect([log.firstSeq, log.lastSeq, log.length]).toEqual([2, 3, 2])
  })

  test('an entry is held as it is', () => {
    const log = new Log(UNBOUNDED)
    const appended = append(log, eventOf('x', 'a', 'id-1'))
    expect(log.at(1)).toBe(appended)
  })
})

describe('at', () => {
  test('finds nothing before the first entry or after the last', () => {
    const log = new Log({ ...UNBOUNDED, events: 2 })
    for (const data of ['x', 'y', 'z']) append(log, eventOf(data))
    expect([-1, 0, 1, 4, 5].map((seq) => log.at(seq))).toEqual(Array(5).fill(undefined))
    expect([2, 3].map((seq) => log.at(seq))).toMatchObject([{ data: 'y' }, { data: 'z' }])
  })
})

describe('bounds', () => {
  test('the oldest entries fall off beyond so many', () => {
    const log = new Log({ ...UNBOUNDED, events: 3 })
    for (let count = 0; count < 10; count++) append(log, eventOf('x'))
    expect(seqs(log)).toEqual([8, 9, 10])
  })

  test('entries that are no events count as well', () => {
    const log = new Log({ ...UNBOUNDED, events: 2 })
    for (let count = 0; count < 5; count++) append(log, opened)
    expect(seqs(log)).toEqual([4, 5])
  })

  test('the oldest entries fall off beyond so many bytes', () => {
    const log = new Log({ ...UNBOUNDED, bytes: 3 * bytesOf(eventOf('xx')) })
    for (let count = 0; count < 10; count++) append(log, eventOf('xx'))
    expect(seqs(log)).toEqual([8, 9, 10])
  })

  test('one byte less holds one entry less', () => {
    const log = new Log({ ...UNBOUNDED, bytes: 3 * bytesOf(eventOf('xx')) - 1 })
    for (let count = 0; count < 10; count++) append(log, eventOf('xx'))
    expect(seqs(log)).toEqual([9, 10])
  })

  test('a large entry pushes off as many small ones as it needs', () => {
    const log = new Log({ ...UNBOUNDED, bytes: 4 * bytesOf(eventOf('')) })
    for (let count = 0; count < 4; count++) append(log, eventOf(''))
    append(log, eventOf('x'.repeat(bytesOf(eventOf('')) / 2)))
    expect(seqs(log)).toEqual([3, 4, 5])
    expect(log.bytes).toBe(4 * bytesOf(eventOf('')))
  })

  test('data, name and ID count two bytes a character', () => {
    const bare = bytesOf(eventOf('', '', ''))
    expect(bare).toBeGreaterThan(0)
    expect(bytesOf(eventOf('12345', '', ''))).toBe(bare + 10)
    expect(bytesOf(eventOf('', '1234', ''))).toBe(bare + 8)
    expect(bytesOf(eventOf('', '', '123'))).toBe(bare + 6)
  })

  test('what falls off is no longer counted', () => {
    const log = new Log({ ...UNBOUNDED, events: 1 })
    append(log, eventOf('x'.repeat(1_000)))
    append(log, eventOf('x'))
    expect(log.bytes).toBe(bytesOf(eventOf('x')))
  })

  test('the newest entry stays whatever its size', () => {
    const log = new Log({ ...UNBOUNDED, bytes: 1_000 })
    append(log, eventOf('x'))
    append(log, eventOf('x'.repeat(100_000)))
    expect(seqs(log)).toEqual([2])
  })

  test('an entry that was too large goes when the next one comes', () => {
    const log = new Log({ ...UNBOUNDED, bytes: 1_000 })
    append(log, eventOf('x'.repeat(100_000)))
    append(log, eventOf('x'))
    expect(seqs(log)).toEqual([2])
  })
})

test('entries are found by their number through every compaction', () => {
  const log = new Log({ ...UNBOUNDED, events: 10 })
  for (let number = 1; number <= 5_000; number++) {
    append(log, eventOf(String(number)))
    const first = Math.max(1, number - 9)
    expect([log.firstSeq, log.length]).toEqual([first, number - first + 1])
    expect(log.at(first - 1)).toBeUndefined()
    expect(log.at(first)).toMatchObject({ seq: first, data: String(first) })
    expect(log.at(number)).toMatchObject({ seq: number, data: String(number) })
  }
})

describe('the last event of a name that was asked for', () => {
  const keptOf = (log: Log, ...names: string[]) => log.keepLast(names).map(({ data }) => data)

  test('is kept when it has fallen off, and replaced by the next', () => {
    const log = new Log({ ...UNBOUNDED, events: 2 })
    for (const data of ['1', '2', '3']) append(log, eventOf(data))
    expect(keptOf(log, 'a', 'b')).toEqual([])
    append(log, eventOf('b1', 'b'))
    for (let count = 0; count < 2; count++) append(log, opened)
    expect(keptOf(log, 'a', 'b')).toEqual(['3', 'b1'])
    append(log, eventOf('4'))
    expect(keptOf(log, 'a', 'b')).toEqual(['b1'])
  })

  test('is counted as long as it is kept', () => {
    const log = new Log({ ...UNBOUNDED, events: 1 })
    append(log, eventOf('x'.repeat(1_000)))
    log.keepLast(['a'])
    append(log, opened)
    expect(log.bytes).toBe(bytesOf(eventOf('x'.repeat(1_000))) + bytesOf(opened))
    append(log, eventOf('x'))
    append(log, opened)
    expect(log.bytes).toBe(bytesOf(eventOf('x')) + bytesOf(opened))
  })

  test('is kept for 1,024 names, those that were asked for last', () => {
    const log = new Log({ ...UNBOUNDED, events: 2_000 })
    const names = Array.from({ length: 1_025 }, (_, index) => `n${index}`)
    for (const name of names) append(log, eventOf(name, name))
    log.keepLast(names)
    log.keepLast(['n1'])
    log.keepLast(['new'])
    for (let count = 0; count < 2_000; count++) append(log, opened)
    const bytes = log.bytes - 2_000 * bytesOf(opened)
    expect(keptOf(log, ...names.slice(0, 4))).toEqual(['n1', 'n3'])
    expect(bytes).toBeGreaterThan(1_023 * bytesOf(eventOf('n1', 'n1')) - 1)
    expect(bytes).toBeLessThan(1_024 * bytesOf(eventOf('n1000', 'n1000')))
    const before = log.bytes
    log.keepLast(['newer'])
    expect(before - log.bytes).toBe(bytesOf(eventOf('n4', 'n4')))
  })

  test('is part of what the log may have in all', () => {
    const size = bytesOf(eventOf('x'.repeat(1_000), 'n0'))
    const log = new Log({ ...UNBOUNDED, bytes: 16 * size })
    for (const name of ['n0', 'n1', 'n2']) append(log, eventOf('x'.repeat(1_000), name))
    log.keepLast(['n0', 'n1', 'n2'])
    for (let count = 0; count < 100; count++) append(log, eventOf('x'.repeat(1_000), 'no'))
    expect(log.bytes).toBe(16 * size)
    expect(log.length).toBe(13)
  })

  test('is kept as far as a quarter of the bytes suffices', () => {
    const size = bytesOf(eventOf('x'.repeat(1_000), 'n0'))
    const log = new Log({ events: 10, bytes: 16 * size })
    const names = Array.from({ length: 10 }, (_, index) => `n${index}`)
    for (const name of names) append(log, eventOf('x'.repeat(1_000), name))
    log.keepLast(names)
    for (let count = 0; count < 10; count++) append(log, opened)
    expect(log.bytes).toBe(4 * size + 10 * bytesOf(opened))
    expect(log.keepLast(names).map(({ name }) => name)).toEqual(['n6', 'n7', 'n8', 'n9'])
    log.keepLast(['n0'])
    append(log, eventOf('again', 'n0'))
    for (let count = 0; count < 10; count++) append(log, opened)
    expect(keptOf(log, 'n0')).toEqual(['again'])
  })

  test('keeps nothing else of what it was a part of in memory', () => {
    const log = new Log({ events: 10, bytes: 1e9 })
    const names = Array.from({ length: 100 }, (_, index) => `n${index}`)
    log.keepLast(names)
    const buffer = Buffer.from('x'.repeat(300_000))
    const before = heapInUse()
    for (const name of names) append(log, eventOf(buffer.toString('latin1').slice(0, 20), name))
    expect(heapInUse() - before).toBeLessThan(10_000_000)
    expect(log.keepLast(names)).toHaveLength(90)
  })

  test('pushes nothing off that is not kept, however much is asked for', () => {
    const size = bytesOf(eventOf('x'.repeat(1_000), 'n00'))
    const log = new Log({ events: 1_000, bytes: 40 * size })
    const names = Array.from({ length: 60 }, (_, index) => `n${index + 10}`)
    log.keepLast(names)
    for (const name of [...names, ...names, ...names]) {
      append(log, eventOf('x'.repeat(1_000), name))
      expect(log.length).toBeGreaterThanOrEqual(Math.min(30, log.lastSeq))
    }
  })
})

test('what a server or a network says counts in entries that are no events, too', () => {
  const gap = { type: 'gap', reason: 'history-lost', before: '12345', after: '' } as const
  expect(bytesOf(gap) - bytesOf({ ...gap, before: '' })).toBe(10)
  expect(bytesOf({ ...gap, after: '123' }) - bytesOf(gap)).toBe(6)
  expect(bytesOf(stateEntry('open', { origin: '1234' })) - bytesOf(stateEntry('open', { origin: '' }))).toBe(
    8,
  )
  const error = { message: '1234', status: 500, contentType: '56', body: '789' }
  expect(bytesOf(stateEntry('open', { error })) - bytesOf(opened)).toBe(18)
})

describe('eventsAfter', () => {
  const log = new Log({ ...UNBOUNDED, events: 4 })
  for (const entry of [eventOf('1'), eventOf('2'), eventOf('3'), opened, eventOf('5'), eventOf('6')])
    append(log, entry)
  const dataAfter = (seq: number): string[] => Array.from(log.eventsAfter(seq), ({ data }) => data)

  test('gives events of higher numbers, in order, and nothing else', () => {
    expect(dataAfter(3)).toEqual(['5', '6'])
    expect(dataAfter(4)).toEqual(['5', '6'])
    expect(dataAfter(5)).toEqual(['6'])
  })

  test('begins with what is still held', () => {
    expect(dataAfter(0)).toEqual(['3', '5', '6'])
  })

  test('gives nothing after the newest', () => {
    expect(dataAfter(6)).toEqual([])
    expect(dataAfter(100)).toEqual([])
  })
})

test('property: a log is the tail of all that was appended', () => {
  const event = fc
    .record({ name: fc.string({ maxLength: 3 }), size: fc.nat(300), id: fc.string({ maxLength: 3 }) })
    .map(({ name, size, id }) => eventOf('x'.repeat(size), name, id))
  const run = fc.record({
    entry: fc.oneof(event, fc.constant(opened)),
    times: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1_500 })),
  })
  const limits = fc.record({
    events: fc.integer({ min: 1, max: 50 }),
    bytes: fc.integer({ min: 1, max: 5_000 }),
  })
  fc.assert(
    fc.property(limits, fc.array(run, { maxLength: 8 }), (bounds, runs) => {
      const log = new Log(bounds)
      const model: { entry: Entry; size: number }[] = []
      for (const { entry, times } of runs) {
        const size = bytesOf(entry)
        for (let time = 0; time < times; time++) {
          append(log, entry)
          model.push({ entry: { ...entry, seq: model.length + 1 }, size })
        }
        const tail = tailOf(model, bounds)
        expect([log.firstSeq, log.lastSeq]).toEqual([tail[0]?.entry.seq, model.length])
        expect(log.length).toBe(tail.length)
        expect(log.bytes).toBe(tail.reduce((sum, one) => sum + one.size, 0))
        const held = tail.map((one) => one.entry)
        expect(held.map(({ seq }) => log.at(seq))).toEqual(held)
        expect([log.at(log.firstSeq - 1), log.at(log.lastSeq + 1)]).toEqual([undefined, undefined])
        const after = model.length - 3
        expect([...log.eventsAfter(after)]).toEqual(
          held.filter(({ type, seq }) => type === 'event' && seq > after),
        )
      }
    }),
    { numRuns: 50 },
  )
})

/** As many of the latest as both bounds allow, but one at least. */
function tailOf<Sized extends { size: number }>(all: readonly Sized[], bounds: LogLimits): Sized[] {
  let [count, bytes] = [0, 0]
  for (const { size } of all.toReversed()) {
    if (count > 0 && (count === bounds.events || bytes + size > bounds.bytes)) break
    count++
    bytes += size
  }
  return all.slice(-count)
}
