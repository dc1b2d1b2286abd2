import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Replay } from '../../../src/link/protocol.ts'
import { Joining } from '../../../worker/delivery/joining.ts'
import { type Entry, Log } from '../../../worker/log/log.ts'
import { append, logged, stateEntry } from '../../sim/world/samples.ts'

/** A log that counts how often it is looked into. */
class CountingLog extends Log {
  looks = 0

  override at(seq: number): Entry | undefined {
    this.looks++
    return super.at(seq)
  }
}

/** A log of events with these names; `''` stands for a change of state. */
function logOf(names: readonly string[], events = 100_000): CountingLog {
  const log = new CountingLog({ events, bytes: 1e9 })
  for (const [index, name] of names.entries()) {
    if (name === '') append(log, stateEntry('open'))
    else append(log, logged({ type: 'event', name, data: `${index}`, id: '', nth: 0, ordinal: index + 1 }))
  }
  return log
}

/** What a newcomer is given of the past: data of those that have fallen off, and of those in the log. */
function given(log: Log, names: readonly string[], replay: Replay | undefined, since?: number) {
  const kept: string[] = []
  const joining = new Joining(new Set(names))
  const from = joining.join(log, log.lastSeq + 1, replay, ({ data }) => kept.push(data), since)
  const replayed: string[] = []
  for (let seq = from; seq <= log.lastSeq; seq++) {
    const entry = log.at(seq)
    if (entry?.type === 'event' && joining.matters(entry)) replayed.push(entry.data)
  }
  return { kept, replayed }
}

describe('a replay', () => {
  test.each([
    [['a'], 1, ['4']],
    [['a'], 2, ['1', '4']],
    [['a', 'b'], 1, ['3', '4']],
    [['*'], 1, ['2', '3', '4']],
    [['*'], { a: 2 }, ['1', '4']],
    [['a', '*'], { b: 5 }, ['0', '3']],
    [['a'], { b: 5 }, []],
    [['*'], 'all', ['0', '1', '2', '3', '4']],
    [['b'], 'all', ['0', '3']],
    [['a'], 0, []],
    [['a'], undefined, []],
  ] as const)('for %j of %j is %j', (names, replay, expected) => {
    expect(given(logOf(['b', 'a', 'c', 'b', 'a']), names, replay).replayed).toEqual(expected)
  })

  test('has nothing from before the log was sealed, but for those who were there', () => {
    const log = logOf(['a', 'b', 'c', 'a'], 3)
    log.keepLast(['a', 'b', 'c'])
    append(log, stateEntry('open'))
    append(log, stateEntry('open'))
    log.seal()
    append(log, logged({ type: 'event', name: 'b', data: 'new', id: '', nth: 0, ordinal: 5 }))
    expect(given(log, ['a', 'b', 'c'], 1)).toEqual({ kept: [], replayed: ['new'] })
    expect(given(log, ['a', 'b', 'c'], 1, 2)).toEqual({ kept: ['3', '2'], replayed: ['new'] })
    expect(given(log, ['a', 'b', 'c'], 1, 4)).toEqual({ kept: ['3'], replayed: ['new'] })
  })

  test('goes on for those that change names', () => {
    const log = logOf(['a', 'b', 'a'])
    const former = new Joining(new Set(['a']))
    former.join(log, 4, 'all', () => {})
    const next = new Joining(new Set(['a', 'b']))
    next.continue(former)
    expect([1, 2, 3].map((seq) => next.matters(log.at(seq) as Entry))).toEqual([true, false, true])
  })

  test('of a name that is given beside * is kept', () => {
    const log = logOf(['a', 'b'], 3)
    given(log, ['a', '*'], 1)
    for (let count = 0; count < 3; count++) append(log, stateEntry('open'))
    expect(given(log, ['a', '*'], 1)).toEqual({ kept: ['0'], replayed: [] })
  })

  test('looks no further than it has to', () => {
    const log = logOf([...Array(1_000).fill('b'), 'a'])
    for (const names of [['a'], ['a', '*']]) {
      log.looks = 0
      given(log, names, { a: 1 })
      expect(log.looks).toBeLessThan(20)
    }
  })

  test('finds no name that only the prototype has', () => {
    const log = logOf(['constructor', 'toString', '__proto__'])
    expect(given(log, ['*', 'constructor', 'toString', '__proto__'], { a: 1 }).replayed).toEqual([])
  })

  test('property: is the latest so many of each name', () => {
    const name = fc.constantFrom('a', 'b', 'c', '')
    const count = fc.nat(4)
    const replay = fc.oneof(
      count,
      fc.constant('all' as const),
      fc.dictionary(fc.constantFrom('a', 'b'), count),
    )
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '*'))
    fc.assert(
      fc.property(fc.array(name), names, replay, (all, wanted, asked) => {
        const wantedOf = (one: string) =>
          asked === 'all' ? Infinity : typeof asked === 'number' ? asked : (asked[one] ?? 0)
        const expected = all.flatMap((one, index) => {
          const isWanted = one !== '' && (wanted.includes(one) || wanted.includes('*'))
          const later = all.slice(index + 1).filter((other) => other === one).length
          return isWanted && later < wantedOf(one) ? [`${index}`] : []
        })
        expect(given(logOf(all), wanted, asked).replayed).toEqual(expected)
      }),
    )
  })
})

describe('names that a server makes up', () => {
  const NAMES = Array.from({ length: 2_000 }, (_, index) => `name-${index}`)

  test.each([
    [['*'], 1],
    [['*'], 'all'],
    [['a', '*'], 3],
    [NAMES, 1],
  ] as const)('cost one or two looks at each entry', (names, replay) => {
    const log = logOf(NAMES)
    new Joining(new Set(names)).join(log, log.lastSeq + 1, replay, () => {})
    expect(log.looks).toBeLessThanOrEqual(3 * NAMES.length)
  })

  test('are not kept when they have fallen off', () => {
    const log = logOf(NAMES, 3_000)
    given(log, ['*'], 1)
    given(log, ['*'], 'all')
    for (let count = 0; count < 3_000; count++) append(log, stateEntry('open'))
    expect(given(log, ['*'], 1)).toEqual({ kept: [], replayed: [] })
    const empty = new Log({ events: 3_000, bytes: 1e9 })
    for (let count = 0; count < 3_000; count++) append(empty, stateEntry('open'))
    expect(log.bytes).toBe(empty.bytes)
  })
})
