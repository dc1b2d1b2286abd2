import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPacked, pack, Reader, unpack } from '../../../src/link/pack.ts'
import type { Entry } from '../../../src/link/protocol.ts'
import { stateEntry } from '../../sim/world/samples.ts'

const event = fc.record({
  type: fc.constant('event' as const),
  name: fc.constantFrom('a', 'b', '', 'ü🙂'),
  data: fc.string({ unit: 'binary' }),
  id: fc.constantFrom('', '1', '2', '🙂'),
  nth: fc.nat(3),
})

/** Entries of a log: their numbers grow. */
const entries: fc.Arbitrary<Entry[]> = fc
  .array(fc.tuple(fc.oneof(event, fc.constant(stateEntry('open'))), fc.integer({ min: 1, max: 9 })))
  .map((steps) => {
    let [seq, ordinal] = [Number.MAX_SAFE_INTEGER - 100_000, 2 ** 40]
    return steps.map(([entry, step]): Entry => {
      seq += step
      if (entry.type !== 'event') return { ...entry, seq }
      ordinal += step
      return { ...entry, seq, ordinal }
    })
  })

const copy = <Value>(value: Value): Value => structuredClone(value)

describe('packed entries', () => {
  test('are the same when they have been sent and unpacked', () => {
    fc.assert(
      fc.property(entries, (entries) => {
        const packed = copy(pack(entries))
        expect(isPacked(packed)).toBe(true)
        expect(unpack(packed)).toEqual(entries)
      }),
    )
  })

  test('can be unpacked in part', () => {
    fc.assert(
      fc.property(entries, fc.nat(10), (entries, count) => {
        expect(unpack(pack(entries), count)).toEqual(entries.slice(0, count))
      }),
    )
  })

  test('hold each name, and an ID that stays the same, once', () => {
    const events = [1, 2, 3].map(
      (seq): Entry => ({
        type: 'event',
        seq,
        name: 'cpu',
        data: 'x',
        id: 'same',
        nth: seq - 1,
        ordinal: seq,
      }),
    )
    const { names, text } = pack(events)
    expect({ names, text }).toEqual({ names: ['cpu'], text: 'xsamexx' })
  })

  test.each([
    ['a row that is cut off', { ...pack([]), numbers: new Uint32Array(5) }],
    ['numbers that are none', { ...pack([]), numbers: Array(6).fill('0') }],
    ['numbers that point back', { ...pack([]), numbers: Array(6).fill(-1) }],
    ['other numbers', { ...pack([]), numbers: new Float64Array(6) }],
    ['an entry that is missing', { ...pack([{ ...stateEntry('open'), seq: 1 }]), others: [] }],
    ['an entry too many', { ...pack([]), others: [{ ...stateEntry('open'), seq: 1 }] }],
  ])('are told from %s', (_what, malformed) => {
    expect(isPacked(malformed)).toBe(false)
  })
})

describe('a reader', () => {
  test('tells how far it has come', () => {
    const reader = new Reader(pack([{ ...stateEntry('open'), seq: 1 }]))
    expect([reader.count, reader.isThrough]).toEqual([0, false])
    expect(reader.next()).toEqual({ ...stateEntry('open'), seq: 1 })
    expect([reader.count, reader.isThrough]).toEqual([1, true])
    expect(reader.next()).toBeUndefined()
  })
})
