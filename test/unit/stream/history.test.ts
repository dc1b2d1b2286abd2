import { describe, expect, test } from 'vitest'
import { passedOf, placeKey } from '../../../src/link/place.ts'
import type { Passed } from '../../../src/link/protocol.ts'
import { Log, type LoggedEvent } from '../../../worker/log/log.ts'
import { History } from '../../../worker/stream/history.ts'
import { Takeover } from '../../../worker/stream/takeover.ts'
import { eventsOf, positionOf, seenOf, streamOf, UNBOUNDED } from '../short-events.ts'

/** A stream whose dead hub had `events`: one tab had had all of them, another so many. */
function takenOver(events: readonly LoggedEvent[], behind: number, seen = seenOf(events)) {
  const log = new Log(UNBOUNDED)
  const takeover = new Takeover()
  const history = new History(log, takeover)
  takeover.gather(positionOf(events), seen)
  takeover.gather(positionOf(events.slice(0, behind)), seenOf(events.slice(0, behind)))
  history.settle()
  return { log, takeover, history, required: () => history.requiredAfter(history.anchorAt(0)) }
}

const ordinals = (events: readonly Passed[]): number[] => events.map(({ ordinal }) => ordinal)

const logged = (log: Log): (string | number)[][] =>
  Array.from(log.eventsAfter(0), ({ data, ordinal, upTo, role }) => [data, ordinal, upTo, role])

describe('a stream without a past', () => {
  test('is empty, and whole', () => {
    const { history } = streamOf([])
    expect(history).toMatchObject({ isEmpty: true, isWhole: true, upTo: 0, last: undefined })
  })

  test('numbers what comes', () => {
    const { log, history } = streamOf(eventsOf('1 2 3'))
    expect(logged(log)).toEqual([
      ['data 1', 1, 1, 'history'],
      ['data 2', 2, 2, 'history'],
      ['data 3', 3, 3, 'history'],
    ])
    expect(history).toMatchObject({ isEmpty: false, isWhole: true, upTo: 3, last: { id: '3', nth: 0 } })
  })

  test('is not whole where events have fallen off', () => {
    const { history } = streamOf(eventsOf('1 2 3'), { ...UNBOUNDED, events: 2 })
    expect(history.isWhole).toBe(false)
  })

  test('knows whether several events came under one ID', () => {
    expect(streamOf(eventsOf('1 2 3')).history.hasGroups).toBe(false)
    expect(streamOf(eventsOf('1 2 2')).history.hasGroups).toBe(true)
    expect(streamOf(eventsOf('1 +')).history.hasGroups).toBe(false)
  })

  test('gives what came in the midst of a replay a place there, and each a place of its own', () => {
    const { log, history } = streamOf(eventsOf('1 2 3'))
    history.append({ name: 'a', data: 'x', id: 'x', nth: 0 }, 'ahead', 1)
    history.append({ name: 'a', data: 'y', id: 'y', nth: 0 }, 'ahead', 1)
    const [x = 0, y = 0] = Array.from(log.eventsAfter(3), ({ at }) => at)
    expect(x).toBeGreaterThan(1)
    expect(y).toBeGreaterThan(x)
    expect(y).toBeLessThan(2)
  })
})

describe('a stream that goes on from a dead hub', () => {
  const events = eventsOf('1 2 3 4 5')

  test('resumes from the tab that was furthest back', () => {
    const { history, takeover } = takenOver(events, 3)
    expect(history.anchorAt(0)).toMatchObject({ resumeAfter: '2', from: 2, ordinal: 3 })
    expect(takeover.end).toBe(5)
    expect(history).toMatchObject({ isEmpty: false, isWhole: false, last: { id: '3' } })
  })

  test.each([
    [1, 3],
    [3, 1],
  ])('knows what the tab knew that was furthest ahead: %i, %i', (...counts) => {
    const takeover = new Takeover()
    const history = new History(new Log(UNBOUNDED), takeover)
    for (const count of counts) {
      const had = events.slice(0, count)
      takeover.gather(positionOf(had, { mixed: count === 3 }), seenOf(had))
    }
    history.settle()
    expect(history.isMixed).toBe(true)
  })

  test('requires what only some tabs have had, too', () => {
    const { required, history } = takenOver(events, 3)
    expect(ordinals(required())).toEqual([3, 4, 5])
    expect([3, 4, 5, 6].map((ordinal) => history.isPending(ordinal))).toEqual([false, true, true, false])
  })

  test('keeps the number of what is pending, and counts on behind it', () => {
    const { log, history } = takenOver(events, 3)
    for (const event of events.slice(3)) history.appendPending(event, event.ordinal)
    history.append({ name: 'a', data: 'data 6', id: '6', nth: 0 }, 'history')
    expect(logged(log)).toEqual([
      ['data 4', 4, 4, 'history'],
      ['data 5', 5, 5, 'history'],
      ['data 6', 6, 6, 'history'],
    ])
  })

  test('counts on behind what a tab was given beyond its position', () => {
    const takeover = new Takeover()
    const log = new Log(UNBOUNDED)
    const history = new History(log, takeover)
    takeover.gather(positionOf(events.slice(0, 3)), seenOf(events))
    history.settle()
    history.append({ name: 'a', data: 'data 6', id: '6', nth: 0 }, 'history')
    expect(logged(log)).toEqual([['data 6', 6, 3, 'history']])
  })

  test('has not got further than to what is pending', () => {
    const { log, history } = takenOver(events, 3)
    history.append({ name: 'a', data: 'x', id: 'x', nth: 0 }, 'ahead', 3)
    expect(logged(log)).toEqual([['data 4', 6, 3, 'ahead']].map(([, ...rest]) => ['x', ...rest]))
    expect(history.upTo).toBe(3)
    expect(history.isThroughTo(3)).toBe(true)
    expect(history.isThroughTo(4)).toBe(false)
    history.conclude()
    expect(history.upTo).toBe(6)
    expect(history.isThroughTo(5)).toBe(true)
    expect(history.isPending(4)).toBe(false)
  })

  test('does not require twice what has come twice', () => {
    const twice = eventsOf('1 2 2 2').map((event) => ({ ...event, data: 'x' }))
    const { required, history } = takenOver(twice, 1)
    expect(ordinals(required())).toEqual([4])
    expect([2, 3, 4].map((ordinal) => history.isPending(ordinal))).toEqual([true, true, true])
    expect(history.isThroughTo(1)).toBe(true)
    expect(history.isThroughTo(2)).toBe(false)
  })

  test('does not require what is aside', () => {
    const seen = seenOf(events)
    const aside = seen.events.map((event) => ({ ...event, ...(event.ordinal === 3 && { isAside: true }) }))
    const { required, log, history } = takenOver(events, 2, { events: aside, since: 0 })
    expect(ordinals(required())).toEqual([2, 4, 5])
    const [, , third] = events
    if (third !== undefined) history.appendPending(third, 3)
    expect(logged(log)).toEqual([['data 3', 3, 3, 'ahead']])
  })

  test('finds all that is known, in order', () => {
    const { history } = takenOver(events, 3)
    const [, , , fourth, fifth] = events
    if (fourth !== undefined) history.appendPending(fourth, 4)
    history.append({ name: 'a', data: 'data 6', id: '6', nth: 0 }, 'history')
    const index = history.index()
    const places = eventsOf('1 2 3 4 5 6').map((event) => index.get(placeKey(passedOf(event))))
    expect(places.map((known) => known?.map(({ ordinal }) => ordinal))).toEqual([
      ...[[1], [2], [3], [4], [5]],
      [6],
    ])
    expect(fifth).toBeDefined()
  })

  test('puts what a tab was given out of turn before what it was given next', () => {
    const [one, two, three, four, five] = events
    if (!one || !two || !three || !four || !five) throw new Error('too few')
    const { history } = takenOver(events, 2, seenOf([one, five, two, four, three]))
    const placeOfEvent = (event: LoggedEvent) => history.index().get(placeKey(passedOf(event)))?.[0]?.at
    // What a position has of an event says more.
    expect([one, two, three, five].map(placeOfEvent)).toEqual([1, 2, 3, 5])
    const former = takenOver([...events, ...eventsOf('6 7', 6)], 2, seenOf([one, five, two, four, three]))
    const places = [five, four].map(
      (event) => former.history.index().get(placeKey(passedOf(event)))?.[0]?.at ?? 0,
    )
    expect(places[0]).toBeGreaterThan(1)
    expect(places[0]).toBeLessThan(2)
    expect(places[1]).toBeGreaterThan(2)
    expect(places[1]).toBeLessThan(3)
  })

  test('settles once', () => {
    const { history, takeover } = takenOver(events, 3)
    takeover.gather(positionOf(events.slice(0, 2)), seenOf(events.slice(0, 2)))
    history.settle()
    expect(history.anchorAt(0)).toMatchObject({ from: 2 })
    expect(takeover.start?.ordinal).toBe(3)
  })

  test('does not compare numbers of different logs', () => {
    const log = new Log(UNBOUNDED)
    const takeover = new Takeover()
    const history = new History(log, takeover)
    takeover.gather(positionOf(events), seenOf(events))
    takeover.gather(positionOf(events.slice(0, 3), { log: 'another/1' }), seenOf(events.slice(0, 3)))
    history.settle()
    expect(history.anchorAt(0)).toMatchObject({ resumeAfter: '4', ordinal: 5 })
  })
})
