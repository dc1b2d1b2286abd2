import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/link/topics.ts'
import type { Failure } from '../../../worker/source/failure.ts'
import type { SourceEvent } from '../../../worker/source/source.ts'
import { heapInUse } from '../heap.ts'
import { type Response, Stream } from './topics-stream.ts'

const GATHER = 50
const PATIENCE = 2_000
const LINGER = 30_000

/** One response that has brought an event, and another one, open, that asks for one topic more. */
async function overlap(): Promise<{
  stream: Stream
  present: Response
  other: Response
  ended: Promise<Failure>
}> {
  const stream = new Stream()
  stream.listen('a')
  const ended = stream.connect()
  const present = stream.last.open()
  present.bring('a1')
  stream.listen('a', 'b')
  await vi.advanceTimersByTimeAsync(GATHER)
  return { stream, present, other: stream.last, ended }
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('a stream of topics asks', () => {
  test('for those that pages listen to, sorted, and for nothing before there is one', async () => {
    const stream = new Stream()
    stream.listen()
    stream.connect()
    await vi.advanceTimersByTimeAsync(LINGER)
    expect(stream.responses).toHaveLength(0)
    stream.listen('b', 'a', '*')
    await vi.advanceTimersByTimeAsync(GATHER)
    expect(stream.last.request.url).toBe('https://dash.test/events?a=1&topic=a&topic=b')
  })

  test.each<[Engine, string, string]>([
    [{ parameter: 'channel' }, '/events', '/events?channel=a%20%2F%C3%A4&channel=b'],
    [{ separator: ',' }, '/events', '/events?topic=a%20%2F%C3%A4%2Cb'],
    [{}, '/sub/{topics}/sse?x', '/sub/a%20%2F%C3%A4,b/sse?x'],
    [{ separator: '+' }, '/sub/{topics}', '/sub/a%20%2F%C3%A4+b'],
    [{}, '/sub?of={topics}&x', '/sub?of=a%20%2F%C3%A4,b&x'],
  ])('as the engine %j says, at %s', (engine, path, asked) => {
    const stream = new Stream(engine)
    stream.listen('a /ä', 'b')
    stream.connect({ url: new URL(path, 'https://dash.test').href })
    expect(stream.last.request.url).toBe(`https://dash.test${asked}`)
  })

  test('after the last ID by a header, or by the parameter that the engine names', () => {
    const stream = new Stream()
    stream.listen('a')
    stream.connect({ resumeAfter: '7' })
    expect(stream.last.request).toMatchObject({ resumeAfter: '7' })
    const other = new Stream({ resume: 'since' })
    other.listen('a')
    other.connect({ resumeAfter: '7' })
    expect(other.last.request.url).toBe('https://dash.test/events?a=1&topic=a&since=7')
    expect(other.last.request.resumeAfter).toBe('')
  })

  test('once for what is added at a time', async () => {
    const { stream, other } = await overlap()
    expect(stream.responses).toHaveLength(2)
    expect(other.topics).toEqual(['a', 'b'])
    expect(other.request.resumeAfter).toBe('')
    stream.listen('a', 'b', 'c')
    await vi.advanceTimersByTimeAsync(GATHER)
    expect(stream.responses).toHaveLength(2)
    other.open().bring('a2')
    stream.responses[0]?.bring('a2')
    await vi.advanceTimersByTimeAsync(GATHER)
    expect(stream.last.topics).toEqual(['a', 'b', 'c'])
  })

  test('not again for what is gone by then', async () => {
    const stream = new Stream()
    stream.listen('a')
    stream.connect()
    stream.last.open()
    stream.listen('a', 'b')
    stream.listen('a')
    await vi.advanceTimersByTimeAsync(GATHER)
    expect(stream.responses).toHaveLength(1)
  })

  test('not again for what the first connection has asked for', async () => {
    const stream = new Stream()
    stream.listen('a')
    stream.connect()
    stream.last.open()
    await vi.advanceTimersByTimeAsync(GATHER)
    expect(stream.responses).toHaveLength(1)
  })

  test('anew at once where the server has not answered yet', async () => {
    const stream = new Stream()
    stream.listen('a')
    const ended = stream.connect()
    stream.listen('a', 'b')
    await vi.advanceTimersByTimeAsync(GATHER)
    expect(await ended).toMatchObject({ isMove: true })
    expect(stream.last.isGivenUp).toBe(true)
  })
})

describe('an event is of the topic', () => {
  const read = (engine: Engine, event: Partial<SourceEvent>, topics = ['a', 'b']) => {
    const stream = new Stream(engine)
    stream.listen(...topics)
    stream.connect()
    stream.last.open().raw({ name: 'message', data: '', id: '1', ...event })
    return stream
  }

  test.each<[string, Engine, Partial<SourceEvent>, Partial<SourceEvent>]>([
    [
      'that its data name',
      { topic: '/of' },
      { data: '{"of":"b"}' },
      { name: 'b', data: '{"of":"b"}', id: '1' },
    ],
    ['that is its name', { topic: 'event' }, { name: 'b', data: 'x' }, { name: 'b', data: 'x' }],
    ['with the ID in its data', { topic: '/of', id: '/n' }, { data: '{"of":"b","n":7}' }, { id: '7' }],
    [
      'with data in its data',
      { topic: '/of', data: '/d' },
      { data: '{"of":"b","d":{"x":1}}' },
      { data: '{"x":1}' },
    ],
    ['with a text in its data', { topic: '/of', data: '/d' }, { data: '{"of":"b","d":"x"}' }, { data: 'x' }],
  ])('%s', (_, engine, event, expected) => {
    expect(read(engine, event).events).toEqual([expect.objectContaining(expected)])
  })

  test('that is the only one', () => {
    expect(read({}, { data: 'x' }, ['a']).events).toMatchObject([{ name: 'a', data: 'x' }])
  })

  test.each([
    ['of none', '{}', /does not say of which topic/],
    ['of another', '{"of":"c"}', /of topic "c", by which no page has asked/],
    ['in no JSON', 'x', /does not say of which topic/],
  ])('or of no use: %s', (_, data, advice) => {
    const stream = read({ topic: '/of' }, { data })
    expect(stream.events).toEqual([])
    expect(stream.advice).toEqual([expect.stringMatching(advice)])
  })

  test('or it is about the connection', async () => {
    const engine: Engine = { topic: '/of', heartbeats: ['ping'], gaps: ['reset'], errors: ['oops'] }
    expect(read(engine, { name: 'ping' })).toMatchObject({ events: [], advice: [] })
    expect(read(engine, { name: 'reset', data: '{}' }).words).toBe('reset1')
    const stream = new Stream(engine)
    stream.listen('a', 'b')
    const ended = stream.connect()
    stream.last.open().raw({ name: 'oops', data: 'no such channel', id: 'error' })
    expect(await ended).toMatchObject({ message: 'the server says: no such channel', isMove: false })
    expect(stream.last.isGivenUp).toBe(true)
  })
})

describe('while two responses are open', () => {
  test('the present one goes on until the other one has answered', async () => {
    const { stream, present, other } = await overlap()
    present.bring('a2')
    other.open().bring('a2 b3')
    expect(present.isGivenUp).toBe(true)
    other.bring('a4')
    expect(stream.words).toBe('a1 a2 b3 a4')
    expect(stream.heads).toHaveLength(1)
  })

  test('nothing is given again that the present one has brought meanwhile', async () => {
    const { stream, present, other } = await overlap()
    present.bring('a2 a3')
    other.open().bring('a2 a3 a4')
    expect(stream.words).toBe('a1 a2 a3 a4')
  })

  test('several events under one ID are several', async () => {
    const { stream, present, other } = await overlap()
    for (const n of [1, 2]) present.raw({ name: '', data: `{"topic":"a","n":${n}}`, id: '2' })
    other.open()
    for (const n of [1, 2, 3]) other.raw({ name: '', data: `{"topic":"a","n":${n}}`, id: '2' })
    expect(stream.events.map(({ data }) => JSON.parse(data).n)).toEqual([undefined, 1, 2, 3])
  })

  test('of several events under one ID the other one may bring the later ones only', async () => {
    const { stream, present, other } = await overlap()
    const eventOf = (n: number) => ({ name: '', data: `{"topic":"a","n":${n}}`, id: '2' })
    other.open().raw(eventOf(2))
    present.raw(eventOf(1))
    present.raw(eventOf(2))
    expect(stream.events.map(({ data }) => JSON.parse(data).n)).toEqual([undefined, 1, 2])
  })

  test('and a third one follows at once, nothing is given again', async () => {
    const { stream, present, other } = await overlap()
    present.bring('a2 a3')
    other.open().bring('a2')
    stream.listen('a', 'b', 'c')
    await vi.advanceTimersByTimeAsync(GATHER)
    expect(stream.responses).toHaveLength(3)
    // The second one comes to this only now.
    other.bring('a3 a4')
    expect(stream.words).toBe('a1 a2 a3 a4')
  })

  test('and the other one does not answer, it is given up before too much has to be remembered', async () => {
    const { stream, present, other } = await overlap()
    for (let id = 2; id < 1_003; id++) present.bring(`a${id}`)
    expect(other.isGivenUp).toBe(true)
    expect(present.isGivenUp).toBe(false)
    expect(stream.events).toHaveLength(1_002)
    expect(stream.advice).toEqual([expect.stringContaining('does not answer')])
  })

  test('what the other one brings first waits for the present one', async () => {
    const { stream, present, other } = await overlap()
    other.open().bring('b3 a4 b5')
    expect(stream.words).toBe('a1')
    present.bring('a2 a4')
    expect(stream.words).toBe('a1 a2 b3 a4 b5')
    // It has been given up, but has not noticed yet.
    present.bring('a6')
    other.bring('a6')
    expect(stream.words).toBe('a1 a2 b3 a4 b5 a6')
  })

  test('what the present one brings first waits for the other one', async () => {
    const { stream, present, other } = await overlap()
    other.open()
    present.bring('a2 a4 a6')
    expect(stream.words).toBe('a1')
    other.bring('b3 a4 b5 a6')
    expect(stream.words).toBe('a1 a2 b3 a4 b5 a6')
  })

  test('of what only the present one has brought nothing is given twice, or lost', async () => {
    const { stream, present, other } = await overlap()
    present.bring('a2')
    other.open().bring('b3')
    present.bring('a4')
    other.bring('a2 a4 b5')
    expect(stream.words).toBe('a1 a2 b3 a4 b5')
  })

  test('and nothing comes by both, the connection is made anew', async () => {
    const { stream, other, ended } = await overlap()
    other.open().bring('b2')
    await vi.advanceTimersByTimeAsync(PATIENCE)
    expect(await ended).toMatchObject({ isMove: true })
    expect(stream.words).toBe('a1')
    expect(stream.responses.map(({ isGivenUp }) => isGivenUp)).toEqual([true, true])
  })

  test('and what is held cannot be left to the next connection, it shows whether that resumes', async () => {
    const { stream, present, other, ended } = await overlap()
    other.open()
    present.bring('a1 a1 a2 a3')
    other.bring('b4')
    await vi.advanceTimersByTimeAsync(PATIENCE)
    expect(await ended).toMatchObject({ isMove: true })
    expect(stream.words).toBe('a1 a1 a1 a2')

    const again = stream.connect({ resumeAfter: '1' })
    stream.last.open()
    stream.listen('a', 'b', 'c')
    await vi.advanceTimersByTimeAsync(GATHER)
    stream.last.open()
    stream.responses.at(-2)?.bring('a3')
    stream.last.end('gone')
    expect(await again).toMatchObject({ message: 'gone' })
    expect(stream.words).toBe('a1 a1 a1 a2')
  })

  test('and end with nothing to resume after, nothing is given behind which the next one would resume', async () => {
    const stream = new Stream()
    stream.listen('a')
    const ended = stream.connect()
    const present = stream.last.open()
    stream.listen('a', 'b')
    await vi.advanceTimersByTimeAsync(GATHER)
    stream.last.open().bring('b1')
    present.bring('a2')
    present.end('gone')
    expect(await ended).toMatchObject({ message: 'gone' })
    expect(stream.words).toBe('')
  })

  test('and there has never been anything to resume after, the other one goes on', async () => {
    const stream = new Stream()
    stream.listen('a')
    stream.connect()
    stream.last.open()
    stream.listen('a', 'b')
    await vi.advanceTimersByTimeAsync(GATHER)
    stream.last.open().bring('b1')
    await vi.advanceTimersByTimeAsync(PATIENCE)
    expect(stream.responses.map(({ isGivenUp }) => isGivenUp)).toEqual([true, false])
    stream.last.bring('a2')
    expect(stream.words).toBe('b1 a2')
  })

  test('and the other one goes on, it may yet bring what the present one has brought', async () => {
    const stream = new Stream()
    stream.listen('a')
    stream.connect()
    const present = stream.last.open()
    stream.listen('a', 'b')
    await vi.advanceTimersByTimeAsync(GATHER)
    const other = stream.last.open()
    present.bring('a1')
    await vi.advanceTimersByTimeAsync(PATIENCE)
    expect(stream.words).toBe('a1')
    other.bring('a1 b2')
    expect(stream.words).toBe('a1 b2')
  })

  test('events without IDs cannot be told apart', async () => {
    const { other, ended } = await overlap()
    other.open().bring('b')
    expect(await ended).toMatchObject({ isMove: true })
  })

  test('only so many are kept', async () => {
    const { other, ended } = await overlap()
    other.open()
    for (let id = 2; id < 1_004; id++) other.bring(`b${id}`)
    expect(await ended).toMatchObject({ isMove: true })
  })

  test.each(['present', 'other'] as const)('the end of the %s one ends the connection', async (which) => {
    const responses = await overlap()
    responses.other.open()
    responses[which].end('gone')
    expect(await responses.ended).toMatchObject({ message: 'gone' })
    // What it said last may still come.
    responses.other.bring('a2')
    expect(responses.stream.words).toBe('a1')
  })

  test('and the other one is refused, the present one goes on, and it is asked for again', async () => {
    const { stream, present, other } = await overlap()
    present.bring('a2')
    other.end('status 503')
    await vi.advanceTimersByTimeAsync(0)
    present.bring('a3')
    expect(stream.words).toBe('a1 a2 a3')
    expect(stream.advice).toEqual([expect.stringContaining('status 503')])
    await vi.advanceTimersByTimeAsync(5_000)
    expect(stream.responses).toHaveLength(3)
    stream.last.open().bring('a4 b5')
    present.bring('a4')
    expect(stream.words).toBe('a1 a2 a3 a4 b5')
  })

  test('only IDs of the present one say where to resume', async () => {
    const { stream, present, other } = await overlap()
    other.open().idAlone('9')
    present.idAlone('2')
    expect(stream.idsAlone).toEqual(['2'])
  })
})

test('a connection that the hub ends takes all responses along', async () => {
  const { stream, ended } = await overlap()
  stream.abort.abort(new Error('no longer wanted'))
  expect(await ended).toMatchObject({ message: 'no longer wanted', isMove: false })
  expect(stream.responses.map(({ isGivenUp }) => isGivenUp)).toEqual([true, true])
})

test('a connection ends while it waits for a topic', async () => {
  const stream = new Stream()
  const ended = stream.connect()
  stream.abort.abort(new Error('no longer wanted'))
  expect(await ended).toMatchObject({ message: 'no longer wanted' })
  stream.listen('a')
  await vi.advanceTimersByTimeAsync(GATHER)
  expect(stream.responses).toHaveLength(0)
})

describe('a topic that nobody wants any more', () => {
  test('takes no memory, however large its events are', () => {
    const stream = new Stream()
    stream.listen('a', 'b')
    stream.connect()
    stream.last.open().bring('a1 b2')
    stream.listen('a')
    const before = heapInUse()
    for (let id = 10; id < 100; id++)
      stream.last.raw({
        name: 'message',
        data: `{"topic":"b","x":"${`${id}`.repeat(100_000)}"}`,
        id: `${id}`,
      })
    expect(stream.events).toHaveLength(2)
    expect(heapInUse() - before).toBeLessThan(5_000_000)
  })

  const begin = () => {
    const stream = new Stream()
    stream.listen('a', 'b')
    const ended = stream.connect()
    stream.last.open().bring('a1 b2')
    stream.listen('a')
    return { stream, ended }
  }
  const bringMany = (stream: Stream) => {
    for (let id = 3; id < 19; id++) stream.last.bring(`a${id}`)
  }

  test('is asked for until others have brought what proves that the server resumes', () => {
    const { stream } = begin()
    stream.last.end()
    stream.connect({ resumeAfter: '1' })
    expect(stream.last.topics).toEqual(['a', 'b'])
    stream.last.open()
    bringMany(stream)
    stream.last.end()
    stream.connect({ resumeAfter: '17' })
    expect(stream.last.topics).toEqual(['a'])
  })

  test('is not passed on, and is left out when it has gone on for long', async () => {
    const { stream } = begin()
    bringMany(stream)
    stream.last.bring('b19')
    expect(stream.events).toHaveLength(18)
    await vi.advanceTimersByTimeAsync(LINGER)
    expect(stream.responses).toHaveLength(1)
    stream.last.bring('b20')
    expect(stream.last.topics).toEqual(['a'])
  })

  test('shows by what is known of it that the server resumes', () => {
    const { stream } = begin()
    stream.last.end()
    stream.connect({ resumeAfter: '1' })
    stream.last.open().bring('b2 b3 a4')
    expect(stream.words).toBe('a1 b2 b2 a4')
  })

  test('is not passed on late, by a connection that resumes', () => {
    const { stream } = begin()
    stream.last.bring('b3')
    stream.listen('a', 'b')
    stream.last.end()
    stream.connect({ resumeAfter: '1' })
    stream.last.open().bring('b2 b3 b4')
    expect(stream.words).toBe('a1 b2 b2 b4')
    for (let id = 5; id < 25; id++) stream.last.bring(`a${id}`)
    stream.last.bring('b3')
    expect(stream.words).toMatch(/ b3$/)
  })

  test('is passed on where nothing had come before it by which the server can prove that it resumes', () => {
    const stream = new Stream()
    stream.listen('a', 'b')
    stream.connect()
    stream.listen('a')
    stream.last.open().bring('b b1 b2 a3')
    expect(stream.words).toBe('b1 a3')
  })

  test('is passed on when it is wanted again', () => {
    const { stream } = begin()
    stream.last.bring('b3')
    stream.listen('a', 'b')
    stream.last.bring('b4')
    expect(stream.words).toBe('a1 b2 b4')
    expect(stream.responses).toHaveLength(1)
  })
})

describe('a page that waits for a topic is told', () => {
  test('when the server has been asked for it, and has answered', async () => {
    const { stream, other } = await overlap()
    const told: string[] = []
    for (const topic of ['a', 'b']) stream.ready(topic)?.then(() => told.push(topic))
    await vi.advanceTimersByTimeAsync(0)
    expect(told).toEqual(['a'])
    other.open()
    await vi.advanceTimersByTimeAsync(0)
    expect(told).toEqual(['a', 'b'])
  })

  test('nothing when nobody wants the topic any more', async () => {
    const { stream, other } = await overlap()
    expect(await stream.ready('c')).toBeUndefined()
    stream.listen('a', 'b', 'c')
    const [given, left] = [stream.ready('b'), stream.ready('c')]
    stream.listen('a', 'b')
    expect(await left).toBeUndefined()
    other.open()
    expect(await given).toBe(true)
  })

  test('nothing when the stream has ended', async () => {
    const stream = new Stream()
    stream.listen('a')
    const ready = stream.ready('a')
    stream.source.drop?.(false)
    stream.source.drop?.(true)
    expect(await ready).toBeUndefined()
  })
})

describe('what a page has passed lacks', () => {
  test('a topic that has been added, until it has passed something behind that', async () => {
    const { stream, present, other } = await overlap()
    expect(stream.lacks('a')).toBe(false)
    expect(stream.lacks('a b')).toBe(true)
    other.open().bring('b7 a2')
    present.bring('a2')
    other.bring('b8')
    expect(stream.lacks('b', '1')).toBe(true)
    expect(stream.lacks('b', '8')).toBe(false)
    expect(stream.lacks('a', '1')).toBe(false)
  })

  test('a topic of which something came while nobody wanted it', () => {
    const stream = new Stream()
    stream.listen('a', 'b')
    expect(stream.lacks('c')).toBe(false)
    stream.connect()
    stream.last.open().bring('a1')
    expect(stream.lacks('b *')).toBe(false)
    stream.listen('a')
    stream.listen('a', 'b')
    expect(stream.lacks('b', '1')).toBe(false)
    stream.listen('a')
    stream.last.bring('b2')
    expect(stream.lacks('b', '1')).toBe(true)
    stream.listen('a', 'b')
    stream.last.bring('a3')
    expect(stream.lacks('b', '1')).toBe(true)
    expect(stream.lacks('b', '3')).toBe(false)
    expect(stream.lacks('a', '1')).toBe(false)
  })

  test('what a later connection brings again of that, and what it had before that', () => {
    const stream = new Stream()
    stream.listen('a', 'b')
    stream.connect()
    stream.last.open().bring('a1 a2')
    stream.listen('a')
    stream.last.bring('b3')
    stream.last.end()
    stream.connect({ resumeAfter: '1' })
    stream.last.open().bring('a2 b3')
    stream.listen('a', 'b')
    expect(stream.lacks('b', '2')).toBe(true)
    expect(stream.lacks('a', '2')).toBe(false)
    stream.last.bring('a4')
    expect(stream.lacks('b', '4')).toBe(false)
  })

  test('nothing of a topic that a connection asks for at first which resumes where it stands', () => {
    const stream = new Stream()
    stream.listen('a', 'b')
    stream.connect()
    stream.last.open().bring('a1 a2 a3')
    stream.listen('a')
    stream.last.bring('b4')
    stream.last.end()
    stream.listen('a', 'c')
    stream.connect({ resumeAfter: '2' })
    expect(stream.lacks('c', '1')).toBe(true)
    expect(stream.lacks('c', '2')).toBe(false)
    // What nobody wanted is not given when it comes again.
    expect(stream.lacks('b', '3')).toBe(true)
  })

  test('nothing that a later connection brings from before its topic was asked for', async () => {
    const { stream, present, other } = await overlap()
    other.open().bring('a2')
    present.bring('a2')
    other.end()
    stream.connect({ resumeAfter: '1' })
    stream.last.open().bring('b7 a2 b8')
    expect(stream.events.slice(2).map(({ id, isOlder }) => [id, isOlder])).toEqual([
      ['7', true],
      ['2', undefined],
      ['8', undefined],
    ])
  })

  test('still what it has lacked, on later connections', async () => {
    const { stream, present, other } = await overlap()
    other.open().bring('a2')
    present.bring('a2')
    other.end()
    stream.connect({ resumeAfter: '1' })
    expect(stream.lacks('b')).toBe(true)
    expect(stream.lacks('a')).toBe(false)
  })
})
