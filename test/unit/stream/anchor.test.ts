import { describe, expect, test } from 'vitest'
import { passedOf } from '../../../src/link/place.ts'
import type { Position } from '../../../src/link/protocol.ts'
import { type Anchor, AnchorSearch, NOWHERE } from '../../../worker/stream/anchor.ts'
import { append, stateEntry } from '../../sim/world/samples.ts'
import { eventsOf, positionOf, streamOf } from '../short-events.ts'

interface Options {
  readonly mixed?: boolean
  readonly greeting?: number
  /** Where these events begin. */
  readonly start?: Position
  /** Numbers of the events that are aside. */
  readonly aside?: readonly number[]
  /** Places other than their numbers. */
  readonly at?: Readonly<Record<number, number>>
}

function anchorOf(text: string, { mixed = false, greeting = 0, start, aside = [], at = {} }: Options = {}) {
  const search = new AnchorSearch(mixed, greeting, [])
  for (const event of eventsOf(text).reverse()) {
    if (search.isOver) break
    const { ordinal } = event
    search.pass(event, aside.includes(ordinal), ordinal, at[ordinal] ?? ordinal)
  }
  return search.result(start)
}

/** Numbers of what a faithful replay brings. */
const asked = ({ latest, from }: Anchor): number[] =>
  latest.filter(({ ordinal, at = ordinal }) => at > from).map(({ ordinal }) => ordinal)

describe('a stream is resumed', () => {
  test('from nowhere where there are no events', () => {
    expect(new AnchorSearch(false, 0, []).result(undefined)).toEqual(NOWHERE)
    const { log, history } = streamOf([])
    append(log, stateEntry('open'))
    expect(history.anchorAt(1)).toEqual(NOWHERE)
  })

  test('after the last event but one, and expects the last', () => {
    const anchor = anchorOf('1 2 3')
    expect(anchor).toMatchObject({ resumeAfter: '2', from: 2, unproven: false, mixed: false, ordinal: 3 })
    expect(asked(anchor)).toEqual([3])
  })

  test('from where a tab stands, not from the end', () => {
    const anchor = streamOf(eventsOf('1 2 3 4')).history.anchorAt(2)
    expect(anchor).toMatchObject({ resumeAfter: '1', ordinal: 2 })
    expect(asked(anchor)).toEqual([2])
  })

  test('past entries that are no events', () => {
    const { log, history } = streamOf([])
    for (const event of eventsOf('1 2')) {
      history.append(event, 'history')
      append(log, stateEntry('open'))
    }
    expect(history.anchorAt(4)).toMatchObject({ resumeAfter: '1', unproven: false, ordinal: 2 })
  })

  test('before all events of the same ID', () => {
    const anchor = anchorOf('1 2 2 2')
    expect(anchor).toMatchObject({ resumeAfter: '1', from: 1, unproven: false })
    expect(asked(anchor)).toEqual([2, 3, 4])
  })

  test('with a bounded number of events expected, the latest', () => {
    const anchor = anchorOf(`1 2${' 2'.repeat(200)}`)
    expect(anchor).toMatchObject({ resumeAfter: '1', from: 1 })
    expect(anchor.latest.length).toBeLessThan(20)
    expect(asked(anchor).at(-1)).toBe(202)
    expect(anchor.latest[0]).toMatchObject({ ordinal: 1 })
  })

  test('without an end to the search', () => {
    expect(anchorOf(`1${' 2'.repeat(2_000)}`)).toMatchObject({ resumeAfter: '2', unproven: true })
  })

  test('after a single event, which proves nothing', () => {
    const anchor = anchorOf('1')
    expect(anchor).toMatchObject({ resumeAfter: '1', from: 1, unproven: true })
    expect(asked(anchor)).toEqual([])
  })

  test('of a single event where its log began, where that is known', () => {
    const start = positionOf(eventsOf('8 9'), { ordinal: 0, from: -1 })
    const anchor = anchorOf('1', { start })
    expect(anchor).toMatchObject({ resumeAfter: '8', from: -1, unproven: false })
    expect(asked(anchor)).toEqual([1])
  })

  test('not where its log began if that proves nothing either', () => {
    const start = positionOf(eventsOf('9'), { unproven: true })
    expect(anchorOf('1', { start })).toMatchObject({ resumeAfter: '1', unproven: true })
  })

  test('not where its log began where events since then have fallen off', () => {
    const [first, ...others] = eventsOf('1 2 2')
    const { history, takeover } = streamOf([], { bytes: 1e9, events: 2 })
    takeover.gather(positionOf(eventsOf('8 9'), { ordinal: 0 }), undefined)
    history.settle()
    for (const event of [...(first === undefined ? [] : [first]), ...others]) history.append(event, 'history')
    expect(history.anchorAt(3)).toMatchObject({ resumeAfter: '2', unproven: true })
  })

  test('never without IDs', () => {
    expect(anchorOf('+ + +')).toEqual({ ...NOWHERE, ordinal: 3 })
  })

  test('no more after the server has reset the ID', () => {
    const search = new AnchorSearch(false, 0, [])
    const [one, two, reset] = eventsOf('1 2 3')
    if (one === undefined || two === undefined || reset === undefined) throw new Error('too few')
    search.pass({ ...reset, id: '' }, false, 3, 3)
    expect(search.isOver).toBe(true)
    expect(search.result(undefined)).toEqual({ ...NOWHERE, ordinal: 3 })
  })

  test('not after an event that has only inherited its ID', () => {
    const anchor = anchorOf('1 + 2 +')
    expect(anchor).toMatchObject({ resumeAfter: '1', from: 1 })
    expect(asked(anchor)).toEqual([2, 3, 4])
  })

  test('from a place in the order of the server that is not its number', () => {
    const anchor = anchorOf('1 2 3', { at: { 2: 0.5 } })
    expect(anchor).toMatchObject({ resumeAfter: '2', from: 0.5 })
    expect(anchor.latest.map(({ at }) => at)).toEqual([0.5, undefined])
  })
})

describe('a mixed stream is resumed', () => {
  test('before an event without an ID of its own', () => {
    const anchor = anchorOf('1 2 + 3 4', { mixed: true })
    expect(anchor).toMatchObject({ resumeAfter: '2', from: 2, unproven: false, mixed: true })
    expect(asked(anchor)).toEqual([3, 4, 5])
  })

  test('before one that is further back than what is told of the latest events', () => {
    const text = `1 2 +${' 3'.repeat(30)}`
    expect(anchorOf(text, { mixed: true })).toMatchObject({ resumeAfter: '2', from: 2, unproven: false })
  })

  test('where there is nothing to go back to, in its own way', () => {
    const anchor = anchorOf('1 +', { mixed: true })
    expect(anchor).toMatchObject({ resumeAfter: '1', from: 1, unproven: false, mixed: true })
    expect(asked(anchor)).toEqual([2])
  })

  test('before the last event but one where what has no ID is aside', () => {
    const anchor = anchorOf('1 2 + 3', { mixed: true, aside: [3] })
    expect(anchor).toMatchObject({ resumeAfter: '2', from: 2, unproven: false })
  })
})

describe('what is aside', () => {
  test('is no place to resume from', () => {
    const anchor = anchorOf('1 2 3 4', { aside: [3] })
    expect(anchor).toMatchObject({ resumeAfter: '2', from: 2 })
    expect(anchor.latest.map(({ ordinal, isAside }) => [ordinal, isAside])).toEqual([
      [2, undefined],
      [3, true],
      [4, undefined],
    ])
  })

  test('is not the last event that a replay has to bring', () => {
    expect(anchorOf('1 2 3', { aside: [3] })).toMatchObject({ resumeAfter: '1', from: 1, ordinal: 3 })
  })

  test('is asked for where there is nothing else, which proves nothing', () => {
    expect(anchorOf('1', { aside: [1] })).toMatchObject({ resumeAfter: '1', unproven: true })
  })
})

test('a position says what has been found out about the stream', () => {
  const search = new AnchorSearch(true, 77, [{ name: 'b', hasId: false, digest: 5, differs: false }])
  const [event] = eventsOf('1')
  if (event !== undefined) search.pass(passedOf(event), false, 9, 1)
  expect(search.result(undefined)).toMatchObject({
    mixed: true,
    greeting: 77,
    habits: [{ name: 'b' }],
    ordinal: 9,
  })
})
