import { describe, expect, test } from 'vitest'
import { unpack } from '../../../src/link/pack.ts'
import { BATCH_ENTRIES, type Excerpt, Excerpts } from '../../../worker/log/excerpts.ts'
import { Log } from '../../../worker/log/log.ts'
import { append, logged, stateEntry } from '../../sim/world/samples.ts'

class Sample {
  readonly log: Log
  readonly #excerpts: Excerpts

  constructor(events = 100_000) {
    this.log = new Log({ events, bytes: 1e9 })
    this.#excerpts = new Excerpts(this.log)
  }

  append(count: number, { names = ['a', 'b'], data = 'x' } = {}): this {
    for (let index = 0; index < count; index++) {
      const ordinal = this.log.lastSeq + 1
      const name = names[ordinal % names.length] ?? ''
      append(this.log, logged({ type: 'event', name, data, id: `id-${ordinal}`, nth: 0, ordinal }))
    }
    return this
  }

  from(seq: number, names: readonly string[] = ['*']): Excerpt {
    return this.#excerpts.from(seq, new Set(names), JSON.stringify(names))
  }

  seqs(seq: number, names?: readonly string[]): number[] {
    return unpack(this.from(seq, names).entries).map((entry) => entry.seq)
  }
}

describe('an excerpt', () => {
  test('holds the events of some names, and everything that is no event', () => {
    const sample = new Sample().append(4)
    append(sample.log, stateEntry('open'))
    expect(sample.seqs(1, ['b'])).toEqual([1, 3, 5])
    expect(sample.seqs(2, ['*'])).toEqual([2, 3, 4, 5])
    expect(sample.from(1, ['b'])).toMatchObject({ next: 6, isEmpty: false, lastEventId: 'id-4' })
  })

  test('of names that nobody has sent is empty, and tells how far it reaches', () => {
    const sample = new Sample().append(4)
    expect(sample.from(2, ['c'])).toMatchObject({ next: 5, isEmpty: true, lastEventId: 'id-4' })
    expect(sample.from(5, ['c'])).toMatchObject({ next: 5, isEmpty: true, lastEventId: undefined })
  })

  test('is made once for all at the same place that want the same', () => {
    const sample = new Sample().append(4)
    expect(sample.from(2, ['b']).entries).toBe(sample.from(2, ['b']).entries)
    expect(sample.from(2, ['b']).entries).not.toBe(sample.from(1, ['b']).entries)
    expect(sample.from(2, ['b']).entries).not.toBe(sample.from(2, ['a']).entries)
  })

  test('goes on when the log has grown', () => {
    const sample = new Sample().append(4)
    expect(sample.seqs(3)).toEqual([3, 4])
    expect(sample.append(1).seqs(3)).toEqual([3, 4, 5])
  })

  test('ends at places where others end, so that those who were apart come together', () => {
    const sample = new Sample().append(50_000)
    const ends = (seq: number): number[] => {
      const { next } = sample.from(seq)
      return next > sample.log.lastSeq ? [] : [next, ...ends(next)]
    }
    expect(ends(1)).toEqual(expect.arrayContaining(ends(777).slice(1)))
    expect(Math.max(...ends(1).map((end, index, all) => end - (all[index - 1] ?? 1)))).toBeLessThanOrEqual(
      BATCH_ENTRIES,
    )
  })

  test('is kept for a while only, and not at all where it is large', () => {
    const sample = new Sample().append(20)
    const { entries } = sample.from(1)
    for (let seq = 2; seq < 20; seq++) sample.from(seq)
    expect(sample.from(1).entries).not.toBe(entries)
    sample.append(1, { data: 'x'.repeat(3_000_000) })
    expect(sample.from(21).entries).not.toBe(sample.from(21).entries)
  })

  test('ends where names and IDs are long, too', () => {
    const sample = new Sample().append(20, { names: ['n'.repeat(256_000)] })
    expect(unpack(sample.from(1).entries)).toHaveLength(5)
    for (let ordinal = 21; ordinal <= 40; ordinal++) {
      append(
        sample.log,
        logged({ type: 'event', name: 'a', data: '', id: 'i'.repeat(256_000), nth: 0, ordinal }),
      )
    }
    expect(unpack(sample.from(21).entries)).toHaveLength(5)
  })

  test('is not kept any more when the log no longer reaches back to it', () => {
    const sample = new Sample(9_000).append(9_000)
    const first = sample.from(1)
    expect(sample.from(1)).toBe(first)
    sample.append(1).from(8_000)
    expect(sample.from(1)).not.toBe(first)
  })

  test('is kept as long as those that are kept are not too large together', () => {
    const sample = new Sample().append(20, { data: 'x'.repeat(1_048_576 - 50) })
    const excerpts = [1, 3, 5, 7].map((seq) => sample.from(seq))
    expect(sample.from(7)).toBe(excerpts[3])
    expect(sample.from(5)).toBe(excerpts[2])
    expect(sample.from(3)).not.toBe(excerpts[1])
  })
})
