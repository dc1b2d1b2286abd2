import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { placeKey, placeOf } from '../../../src/link/place.ts'
import { wikimedia } from '../../../src/topics/index.ts'
import type { Response } from './topics-stream.ts'
import { Stream } from './topics-stream.ts'

const BASE = 'https://dash.test/v2/stream/'
const TIME = 1_700_000_000_000
const OVERLAP = 5_000
const GATHER = 50
const PATIENCE = 1_000
const MOST_HELD = 2_048

/** Of the words `a:5 b:-1 c:#7`: a topic of Kafka that has got so far, in ms, that has had nothing, or begins at an offset. */
const vectorOf = (words: string): string =>
  JSON.stringify(
    words.split(' ').map((word) => {
      const [topic, at] = word.split(':')
      const offset = at?.startsWith('#') ? Number(at.slice(1)) : -1
      const position = offset >= 0 || at === '-1' ? { offset } : { timestamp: TIME + Number(at) }
      return { topic: `eqiad.${topic}`, partition: 0, ...position }
    }),
  )

/** An event of a topic, with a vector of what comes behind it. */
function bring(response: Response, own: string, vector: string): void {
  const [topic] = own
  const meta = { id: own, stream: topic, topic: `eqiad.${topic}`, partition: 0 }
  response.raw({ name: 'message', data: JSON.stringify({ meta }), id: vectorOf(vector) })
}

function ask(topics: string, request: { resumeAfter?: string; latest?: string } = {}): Stream {
  const stream = new Stream(wikimedia())
  stream.listen(...topics.split(' '))
  stream.connect({ url: `${BASE}{topics}`, ...request })
  stream.last.open()
  return stream
}

/** What an event was given as by a hub that had asked for these topics. */
function idOf(own: string, topics: string, vector: string): string {
  const stream = ask(topics)
  bring(stream.last, own, vector)
  return stream.events[0]?.id ?? ''
}

const namesIn = ({ events }: Stream): string => events.map(({ id = '' }) => id.split('␟')[0]).join(' ')

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

const nested = '['.repeat(50_000) + ']'.repeat(50_000)

describe('EventStreams are asked', () => {
  test('for nothing but topics at first', () => {
    const { request } = ask('a b').last
    expect([request.url, request.resumeAfter]).toEqual([`${BASE}a,b`, ''])
  })

  test('by the same list again, with a time for what has had nothing', () => {
    const { request } = ask('a b', { resumeAfter: idOf('a1', 'a b', 'a:6 b:-1') }).last
    expect([request.url, request.resumeAfter]).toEqual([`${BASE}a,b`, vectorOf(`a:6 b:${5 - OVERLAP}`)])
  })

  test.each(['a:6 b:#7', 'a:#5 b:#7'])('by the same list again, with offsets: %s', (vector) => {
    expect(ask('a b', { resumeAfter: idOf('a1', 'a b', vector) }).last.request.resumeAfter).toBe(
      vectorOf(vector),
    )
  })

  test.each(['a b', 'b'])('since a time where others are wanted: %s', (topics) => {
    const { request } = ask(topics, { resumeAfter: idOf('a1', 'a', 'a:6') }).last
    expect(request.resumeAfter).toBe('')
    expect(request.url).toBe(`${BASE}${topics.replace(' ', ',')}?since=${TIME + 5 - OVERLAP}`)
  })

  test.each([
    ['a list without times', idOf('a1', 'a', 'a:-1'), 'b'],
    ['an offset of what has not come yet', idOf('a1', 'a b', 'a:6 b:#7'), 'a'],
    ['nothing but offsets', idOf('a1', 'a', 'a:#7'), 'b'],
    ['the same, though topics are', idOf('a1', 'a', 'a:-1'), 'a'],
    ['another ID', 'urn:uuid:1', 'a'],
    ['no list', 'a1␟a␟a␟{}', 'a'],
    ['a time that is none', `a1␟a␟a␟[{"topic":"a","partition":0,"timestamp":${nested}}]`, 'a'],
    ['a partition that is none', `a1␟a␟a␟[{"topic":"a","partition":${nested},"timestamp":1}]`, 'a'],
  ])('for what is new behind a gap, where an ID has %s', (_, resumeAfter, topics) => {
    const stream = ask(topics, { resumeAfter })
    expect([stream.last.request.url, stream.last.request.resumeAfter]).toEqual([BASE + topics, ''])
    expect(stream.heads[0]?.deniesResumption).toBe(true)
  })
})

describe('an event', () => {
  test('is the same on each connection', () => {
    const [one = '', other = ''] = [idOf('a1', 'a', 'a:6'), idOf('a1', 'a b', 'a:6 b:-1')].map((id) =>
      placeKey(placeOf({ name: 'a', data: '', id, nth: 0 })),
    )
    expect(one).toBe(other)
    expect(placeKey(placeOf({ name: 'a', data: '', id: idOf('a2', 'a', 'a:6'), nth: 0 }))).not.toBe(one)
  })

  test('has an ID also where its topic is no text that a URL can have', () => {
    const stream = ask('a')
    stream.last.raw({ name: 'message', data: '{"meta":{"id":"a1","stream":"\\ud800"}}', id: vectorOf('a:6') })
    bring(stream.last, 'a2', 'a:7')
    expect(stream.events.map(({ id }) => id?.slice(0, 2))).toEqual(['a1', 'a2'])
  })

  test('without an ID of its own has that of the server', () => {
    const stream = ask('a')
    stream.last.raw({ name: 'message', data: '{"meta":{"stream":"a"}}', id: 'x' })
    expect(stream.events.map(({ id }) => id)).toEqual([undefined])
  })

  test('named error is one', async () => {
    const stream = new Stream(wikimedia())
    stream.listen('a')
    const ended = stream.connect({ url: `${BASE}{topics}` })
    stream.last.open().raw({ name: 'error', data: 'broken', id: undefined })
    expect((await ended).message).toBe('the server says: broken')
  })
})

describe('what is brought since a time', () => {
  const resumeAfter = idOf('a1', 'a b', 'a:6 b:3')

  test('is left out where it had come before, of topics that are new as well', () => {
    const stream = ask('a b c', { resumeAfter })
    const { last } = stream
    bring(last, 'a0', 'a:5 b:2 c:2')
    bring(last, 'a1', 'a:6 b:2 c:2')
    bring(last, 'b0', 'a:6 b:3 c:2')
    bring(last, 'b1', 'a:6 b:4 c:2')
    bring(last, 'c0', 'a:6 b:4 c:5')
    bring(last, 'c1', 'a:6 b:4 c:6')
    bring(last, 'a2', 'a:7 b:4 c:6')
    expect(namesIn(stream)).toBe('b1 c1 a2')
  })

  test('is not left out behind what is new, though it is older: it had not come', () => {
    const stream = ask('a b c', { resumeAfter })
    bring(stream.last, 'a2', 'a:7 b:4 c:2')
    bring(stream.last, 'a3', 'a:5 b:4 c:2')
    expect(namesIn(stream)).toBe('a2 a3')
  })

  test('is given as usual when it is no JSON', () => {
    const stream = ask('a', { resumeAfter })
    stream.last.raw({ name: 'message', data: 'x', id: vectorOf('a:7') })
    expect(stream.events.map(({ data }) => data)).toEqual(['x'])
  })
})

describe('what is known', () => {
  const known = [idOf('b1', 'a b', 'a:6 b:8'), idOf('a2', 'a b', 'a:9 b:8')]
  const begin = (topics = 'a b') =>
    ask(topics, { resumeAfter: idOf('a1', 'a b', 'a:6 b:7'), latest: known.join(' ') })

  test('comes first, in the order that the hub knows', () => {
    const stream = begin()
    bring(stream.last, 'a2', 'a:9 b:7')
    bring(stream.last, 'a3', 'a:10 b:7')
    expect(namesIn(stream)).toBe('')
    bring(stream.last, 'b1', 'a:10 b:8')
    bring(stream.last, 'b2', 'a:10 b:9')
    expect(namesIn(stream)).toBe('b1 a2 a3 b2')
  })

  test('is behind what the IDs of what comes later say', () => {
    const stream = begin()
    bring(stream.last, 'a3', 'a:10 b:7')
    bring(stream.last, 'a2', 'a:11 b:7')
    bring(stream.last, 'b1', 'a:11 b:8')
    const vectors = stream.events.map(({ id = '' }) => id.split('␟')[3])
    expect(vectors).toEqual(['a:6 b:8', 'a:11 b:8', 'a:10 b:8'].map(vectorOf))
  })

  test('that is not wanted any more is not in the IDs of what comes later', () => {
    const stream = ask('a', { resumeAfter: idOf('a1', 'a b', 'a:6 b:7'), latest: known.join(' ') })
    bring(stream.last, 'a3', 'a:10')
    bring(stream.last, 'a2', 'a:11')
    expect(stream.events.map(({ id = '' }) => id.split('␟')[3])).toEqual(['a:11', 'a:10'].map(vectorOf))
  })

  test('is not waited for any longer than a second', async () => {
    const stream = begin()
    bring(stream.last, 'a3', 'a:10 b:7')
    bring(stream.last, 'b1', 'a:10 b:8')
    await vi.advanceTimersByTimeAsync(PATIENCE - 1)
    expect(namesIn(stream)).toBe('')
    await vi.advanceTimersByTimeAsync(1)
    expect(namesIn(stream)).toBe('b1 a3')
  })

  test('is not waited for where too much has come before it', () => {
    const stream = begin()
    for (let count = 0; count < MOST_HELD; count++) bring(stream.last, `a${count + 3}`, 'a:10 b:7')
    expect(namesIn(stream)).toBe('')
    bring(stream.last, 'b1', 'a:10 b:8')
    expect(stream.events).toHaveLength(MOST_HELD + 1)
    expect(stream.events[0]?.id).toMatch(/^b1␟/)
  })

  test('is not waited for where nobody wants its topic', () => {
    const stream = begin('a')
    bring(stream.last, 'a2', 'a:9')
    bring(stream.last, 'a3', 'a:10')
    expect(namesIn(stream)).toBe('a2 a3')
  })

  test('is not waited for by the next connection', async () => {
    const stream = begin()
    bring(stream.last, 'a2', 'a:9 b:7')
    stream.abort.abort(new Error('cut'))
    await vi.advanceTimersByTimeAsync(2 * PATIENCE)
    expect(namesIn(stream)).toBe('')
  })
})

test('two connections are told to bring the same by what names it', async () => {
  const stream = ask('a')
  const former = stream.last
  bring(former, 'a1', 'a:6')
  stream.listen('a', 'b')
  await vi.advanceTimersByTimeAsync(GATHER)
  expect(stream.last.request.url).toBe(`${BASE}a,b`)
  stream.last.open()
  bring(former, 'a2', 'a:7')
  bring(stream.last, 'a2', 'a:7 b:-1')
  expect(former.isGivenUp).toBe(true)
  bring(stream.last, 'b1', 'a:7 b:9')
  expect(namesIn(stream)).toBe('a1 a2 b1')
})
