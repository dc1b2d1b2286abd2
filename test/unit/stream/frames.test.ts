import { describe, expect, test } from 'vitest'
import { placeOf } from '../../../src/link/place.ts'
import { Frames } from '../../../worker/stream/frames.ts'

/** An event with an ID of its own. */
const numbered = (id: string, data = id, name = 'a') => ({ name, data, id, nth: 0 })

/** An event without one, so many after the last that had one. */
const plain = (data: string, name = 'a', id = '1', nth = 1) => ({ name, data, id, nth })

type Event = ReturnType<typeof numbered>

function framesOf(...events: readonly Event[]): Frames {
  const frames = new Frames()
  for (const event of events) frames.note(event)
  return frames
}

describe('an event without an ID', () => {
  test('is history where no event has one', () => {
    const frames = framesOf(plain('x', 'a', '', 1), plain('y', 'a', '', 2))
    expect(frames.isFrame(plain('z', 'a', '', 3))).toBe(false)
    expect(frames.isMixed).toBe(false)
  })

  test('is a frame where its name never comes with one', () => {
    const frames = framesOf(numbered('1'), plain('x', 'ping'))
    expect(frames.isFrame(plain('y', 'ping'))).toBe(true)
    expect(frames.isFramePlace(placeOf(plain('y', 'ping')))).toBe(true)
  })

  test('is a frame where all of its name have said the same', () => {
    const frames = framesOf(numbered('1'), plain('tick'), plain('tick'))
    expect(frames.isMixed).toBe(false)
    expect(frames.isFrame(plain('tick'))).toBe(true)
  })

  test('is history where its name comes with IDs and without, and says different things', () => {
    const frames = framesOf(numbered('1'), plain('x'), plain('y'))
    expect(frames.isMixed).toBe(true)
    expect(frames.isFrame(plain('z'))).toBe(false)
    expect(frames.isFramePlace(placeOf(plain('z')))).toBe(false)
  })

  test('is history where its name had an ID only later', () => {
    const frames = framesOf(plain('x'), plain('y'))
    expect(frames.isMixed).toBe(false)
    frames.note(numbered('1'))
    expect(frames.isMixed).toBe(true)
  })

  test('is history unless it says the same again, where its name has come with IDs and others have shown the stream to be mixed', () => {
    const frames = framesOf(numbered('1'), plain('x'), plain('y'), numbered('2', '2', 'b'))
    expect(frames.isFrame(plain('p', 'b'))).toBe(false)
    frames.note(plain('p', 'b'))
    expect(frames.isFrame(plain('p', 'b'))).toBe(true)
    expect(frames.isFrame(plain('q', 'b'))).toBe(false)
  })

  test('of another name is a frame in a mixed stream, too', () => {
    const frames = framesOf(numbered('1'), plain('x'), plain('y'), plain('p', 'ping'), plain('q', 'ping'))
    expect(frames.isFrame(plain('r', 'ping'))).toBe(true)
    expect(frames.isFrame(plain('s', 'never seen'))).toBe(true)
  })

  test('is history where its name is too long to be remembered, and nobody is told of that', () => {
    const long = 'x'.repeat(129)
    const frames = framesOf(numbered('1'), plain('p', long.slice(1)))
    expect(frames.isFrame(plain('p', long.slice(1)))).toBe(true)
    expect(frames.isFrame(plain('p', long))).toBe(false)
    frames.note(plain('p', long))
    expect(frames.isMixed).toBe(true)
    expect(frames.isFramePlace(placeOf(plain('p', long)))).toBe(false)
    expect(frames.habits.map(({ name }) => name)).toEqual([long.slice(1)])
  })

  test('with an empty ID is none that has an ID', () => {
    const frames = framesOf(numbered('', 'x'), numbered('', 'y'))
    expect(frames.isMixed).toBe(false)
    expect(frames.isFrame(plain('z', 'a', ''))).toBe(false)
  })

  test('of a name beyond those that are kept counts as history', () => {
    const frames = framesOf(numbered('1'), plain('x'), plain('y'))
    for (let count = 0; count < 2_000; count++) frames.note(plain('x', `name ${count}`))
    expect(frames.isFrame(plain('z', 'name 1999'))).toBe(false)
    expect(frames.isFrame(plain('z', 'name 5'))).toBe(true)
  })
})

describe('a greeting', () => {
  const greeted = (...events: readonly (readonly [Event, boolean])[]): Frames => {
    const frames = framesOf(numbered('1'))
    for (const [event, isAtOnce] of events) frames.begin(event, isAtOnce)
    return frames
  }

  test('is what connections begin with, under another ID each time', () => {
    const frames = greeted([numbered('7', 'hello'), true], [numbered('8', 'hello'), true])
    expect(frames.greeting).not.toBe(0)
    expect(frames.isFrame(numbered('9', 'hello'))).toBe(true)
    expect(frames.isFramePlace(placeOf(numbered('9', 'hello')))).toBe(true)
    expect(frames.isFrame(numbered('9', 'other'))).toBe(false)
  })

  test('is not known after one connection', () => {
    const frames = greeted([numbered('7', 'hello'), true])
    expect(frames.isFrame(numbered('8', 'hello'))).toBe(false)
  })

  test('is none under the same ID: that is a repetition', () => {
    const frames = greeted([numbered('7', 'hello'), true], [numbered('7', 'hello'), true])
    expect(frames.greeting).toBe(0)
  })

  test('is none that has come later on a connection, too', () => {
    const hello = (id: string) => numbered(id, 'hello')
    const frames = greeted([hello('7'), true], [hello('8'), true], [hello('9'), false])
    expect(frames.greeting).toBe(0)
    frames.begin(hello('10'), true)
    expect(frames.greeting).toBe(0)
  })

  test('is none that has come later before it could be known', () => {
    const hello = (id: string) => numbered(id, 'hello')
    const frames = greeted([hello('7'), true], [hello('8'), false], [hello('9'), true])
    expect(frames.greeting).toBe(0)
  })

  test('is none where connections begin with different things', () => {
    const frames = greeted([numbered('7', 'hello'), true], [numbered('8', 'other'), true])
    expect(frames.greeting).toBe(0)
  })
})

describe('what a former hub has found out', () => {
  test('counts: the stream is mixed, and has a greeting', () => {
    const former = framesOf(numbered('1'), plain('x'), plain('y'))
    former.begin(numbered('7', 'hello'), true)
    former.begin(numbered('8', 'hello'), true)
    const frames = new Frames()
    frames.continue(former.isMixed, former.greeting, former.habits)
    expect(frames.isMixed).toBe(true)
    expect(frames.greeting).toBe(former.greeting)
    expect(frames.isFrame(numbered('9', 'hello'))).toBe(true)
  })

  test('takes an event without an ID for a frame where the stream was not mixed', () => {
    const frames = new Frames()
    frames.continue(false, 0, [])
    expect(frames.isFrame(plain('x'))).toBe(true)
  })

  test('leaves open which names are frames of a mixed stream', () => {
    const frames = new Frames()
    frames.continue(true, 0, [])
    expect(frames.isFrame(plain('x', 'ping'))).toBe(false)
  })

  test('goes on: what differs from what that hub has had without an ID makes the stream mixed', () => {
    const former = framesOf(numbered('1'), plain('x'))
    const frames = new Frames()
    frames.continue(former.isMixed, former.greeting, former.habits)
    frames.note(plain('x'))
    expect(frames.isMixed).toBe(false)
    frames.note(plain('y'))
    expect(frames.isMixed).toBe(true)
  })

  test('counts also where a tab brings it late', () => {
    const frames = framesOf(numbered('8', 'x', 'b'), plain('y'))
    expect(frames.isMixed).toBe(false)
    frames.join(false, [{ name: 'a', hasId: true, digest: placeOf(plain('x')).digest, differs: false }])
    expect(frames.isMixed).toBe(true)
  })

  test('is told in few words, however many names there are', () => {
    const frames = framesOf(numbered('1'))
    for (let count = 0; count < 2_000; count++) frames.note(plain('x', `name ${count}`))
    expect(frames.habits.length).toBeLessThan(20)
    expect(framesOf(numbered('1', 'x', 'b')).habits).toEqual([])
  })
})
