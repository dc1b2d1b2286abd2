import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { placeKey, placeOf } from '../../../src/link/place.ts'
import type { Engine } from '../../../src/link/topics.ts'
import { nchan, pushpin } from '../../../src/topics/index.ts'
import type { Response } from './topics-stream.ts'
import { Stream } from './topics-stream.ts'

const GATHER = 50
const PATIENCE = 1_000

const EVENTSTREAM: Engine = pushpin({ topic: 'event' })

const NCHAN_URL = 'https://dash.test/events/{topics}'

interface Asked {
  topics?: string
  resumeAfter?: string
  latest?: string
}

/** IDs as the hub has them, each written here as the server would: what names the event stands before `␟`. */
const hubs = ({ resumeAfter = '', latest = '' }: Pick<Asked, 'resumeAfter' | 'latest'>) => ({
  resumeAfter: resumeAfter.replace(',', '␟'),
  latest: latest
    .split(' ')
    .map((id) => id.replace(',', '␟'))
    .join(' '),
})

/** A stream of Nchan that has been asked for topics. */
function askNchan({ topics = 'a b', ...request }: Asked = {}): Stream {
  const stream = new Stream(nchan())
  stream.listen(...topics.split(' '))
  stream.connect({ url: NCHAN_URL, ...hubs(request) })
  stream.last.open()
  return stream
}

/** The same of django-eventstream. */
function ask({ topics = 'a b', ...request }: Asked = {}): Stream {
  const stream = new Stream(EVENTSTREAM)
  stream.listen(...topics.split(' '))
  stream.connect(hubs(request))
  stream.last.open()
  return stream
}

/** Events of Nchan, which has no names, by their IDs. */
const bringIds = (response: Response, ids: string) => {
  for (const id of ids.split(' ')) response.raw({ name: 'message', data: '', id })
}

/** Events of topics: `a=a:1,b:2`. */
const bring = (response: Response, events: string) => {
  for (const event of events.split(' ')) {
    const [name = '', id] = event.split('=')
    response.raw({ name, data: '', id })
  }
}

const idsIn = ({ events }: Stream): string => events.map(({ id }) => id?.replace('␟', ',')).join(' ')

/** Another topic is wanted. Answers with the response that is asked for it. */
async function change(stream: Stream, ...topics: string[]): Promise<Response> {
  stream.listen(...topics)
  await vi.advanceTimersByTimeAsync(GATHER)
  return stream.last
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

test.each([
  ['Nchan', askNchan, '100:[1],0', '101:[0],-', '100:2,[1]'],
  ['django-eventstream', ask, 'a:1,b:0', 'a:2,b:0', 'b:1,a:0'],
])('%s names an event the same way wherever else a hub has begun', (_, begin, id, next, other) => {
  const streams = [begin(), begin()]
  const name = (said: string) => (said.startsWith('b') || said.endsWith(']') ? 'b' : 'a')
  for (const [index, stream] of streams.entries()) {
    if (index === 1) stream.last.raw({ name: name(other), data: '', id: other })
    for (const said of [id, next]) stream.last.raw({ name: name(said), data: '', id: said })
  }
  const [places = [], others = []] = streams.map(({ events }) =>
    events.map((event) => placeKey(placeOf({ ...event, id: event.id ?? '', nth: 0 }))),
  )
  expect(others.slice(1)).toEqual(places)
  expect(new Set(others).size).toBe(3)
})

describe('Nchan', () => {
  test('says the topic of an event by the place of its tag, and how far each has got in this second', () => {
    const stream = askNchan()
    bringIds(stream.last, '100:[0],- 100:0,[0] 100:[1],0 101:-,[0]')
    expect(stream.events.map(({ name }) => name)).toEqual(['a', 'b', 'a', 'b'])
    expect(idsIn(stream)).toBe('100;a:0 100;b:0,a:0 100;a:1,b:0 101;b:0')
  })

  test('has one tag for one channel', () => {
    const stream = askNchan({ topics: 'a' })
    bringIds(stream.last, '100:0 100:1')
    expect(idsIn(stream)).toBe('100;a:0 100;a:1')
  })

  test.each([
    ['a b', '100;b:1,a:0', '100:[0],1'],
    ['a b c', '100;b:1', '100:-,[1],-'],
    ['a c', '100;b:1', '100:[-1],-'],
    ['b', '100;b:1,a:0', '100:1'],
    ['a', '100;b:1', '100:-1'],
    ['a /', '100;%2F:1', '100:[1],-'],
  ])('is asked for %s after %s in its own words', (topics, resumeAfter, expected) => {
    expect(askNchan({ topics, resumeAfter }).last.request.resumeAfter).toBe(expected)
  })

  test.each(['100:[0],-,-', '100:0', '100', '100:0,1'])('has an ID for other channels: %s', (id) => {
    const stream = askNchan()
    bringIds(stream.last, id)
    expect(stream.events).toEqual([])
    expect(stream.advice).toEqual([expect.stringContaining('does not say of which topic')])
  })

  test('brings in another order what came in one second: it is given as it is known', () => {
    const stream = askNchan({ resumeAfter: '100;a:0', latest: '100;a:1 100;b:0,a:1 100;a:2,b:0' })
    bringIds(stream.last, '100:0,[0] 100:[1],0 100:1,[1] 100:[2],1 101:[0],-')
    expect(idsIn(stream)).toBe('100;a:1 100;b:0,a:1 100;a:2,b:0 100;b:1,a:2 101;a:0')
  })

  test('says nothing for a topic of which nothing has come: all of this second is asked for', () => {
    const stream = askNchan({ topics: 'a b c', resumeAfter: '100;a:0' })
    bringIds(stream.last, '100:0,-,[0] 100:0,[0],0')
    expect(idsIn(stream)).toBe('100;c:0,a:0 100;b:0,a:0,c:0')
    expect(stream.heads).toMatchObject([{ deniesResumption: false }])
  })
})

describe('django-eventstream', () => {
  test('has a position of each channel in each ID, of which that of the event comes first', () => {
    const stream = ask()
    bring(stream.last, 'a=a:1,b:7 b=a:1,b:8')
    expect(idsIn(stream)).toBe('a:1,b:7 b:8,a:1')
  })

  test('brings one channel after the other: it is given as it is known', () => {
    const stream = ask({ resumeAfter: 'a:1,b:7', latest: 'b:8,a:1 a:2,b:8' })
    expect(stream.last.request.resumeAfter).toBe('a:1,b:7')
    bring(stream.last, 'a=a:2,b:7 a=a:3,b:7')
    expect(idsIn(stream)).toBe('')
    bring(stream.last, 'b=a:3,b:8 b=a:3,b:9')
    expect(idsIn(stream)).toBe('b:8,a:1 a:2,b:8 a:3,b:8 b:9,a:3')
  })

  test('has other IDs for the server’s own words, which are left as they are', () => {
    const stream = ask({ resumeAfter: 'urn:uuid:1', latest: 'urn:uuid:2' })
    expect(stream.last.request.resumeAfter).toBe('urn:uuid:1')
    bring(stream.last, 'a=urn:uuid:2 b=17 a=a b=%:1,b')
    expect(idsIn(stream)).toBe('urn:uuid:2 17 a %:1,b')
    expect(stream.heads).toMatchObject([{ deniesResumption: false }])
  })

  test('brings an event twice, which is given once', () => {
    const stream = ask()
    bring(stream.last, 'a=a:1,b:7 b=a:1,b:8 a=a:1,b:8 b=a:1,b:8')
    expect(idsIn(stream)).toBe('a:1,b:7 b:8,a:1')
  })

  test('does not say how far a topic has got that it was asked for: that cannot be resumed', () => {
    expect(ask({ resumeAfter: 'a:1' }).heads).toMatchObject([{ deniesResumption: true }])
  })

  test('has not been asked for a topic before: nothing of that is missing', () => {
    const stream = ask({ topics: 'a' })
    bring(stream.last, 'a=a:1 a=a:2')
    stream.last.end()
    stream.listen('a', 'b')
    stream.connect({ resumeAfter: 'a:1', latest: 'a:2' })
    stream.last.open()
    expect(stream.heads.at(-1)).toMatchObject({ deniesResumption: false })
  })

  test('says that a topic has another history: its IDs are new, and others go on', () => {
    const stream = ask({ resumeAfter: 'a:1,b:7', latest: 'b:8,a:1 a:2,b:8' })
    stream.last.raw({ name: 'stream-reset', data: '{"channels":["a"]}', id: 'a:0,b:7' })
    bring(stream.last, 'b=a:0,b:8 b=a:0,b:9 a=a:1,b:9 a=a:2,b:9')
    expect(idsIn(stream)).toBe('a:0,b:7 b:9,a:0 a:1,b:9 a:2,b:9')
  })

  test('says that there is another history, and not of what', () => {
    const stream = ask()
    bring(stream.last, 'a=a:1,b:7 b=a:1,b:8')
    stream.last.raw({ name: 'stream-reset', data: '', id: 'a:0,b:0' })
    bring(stream.last, 'a=a:1,b:0')
    expect(idsIn(stream)).toBe('a:1,b:7 b:8,a:1 a:0,b:0 a:1,b:0')
  })
})

describe('what is known and does not come again', () => {
  const begin = () => ask({ resumeAfter: 'a:1,b:7', latest: 'b:8,a:1 a:2,b:8 a:3,b:8' })

  test('is not waited for when something later of its topic has come', () => {
    const stream = begin()
    bring(stream.last, 'a=a:3,b:7')
    expect(idsIn(stream)).toBe('a:3,b:8')
    bring(stream.last, 'a=a:4,b:7 b=a:4,b:8')
    expect(idsIn(stream)).toBe('a:3,b:8 a:4,b:7 b:8,a:1')
  })

  test('is waited for while something earlier of its topic comes', () => {
    const stream = ask({ resumeAfter: 'a:1,b:7', latest: 'b:8,a:1 a:3,b:8' })
    bring(stream.last, 'a=a:2,b:7 a=a:3,b:7')
    expect(idsIn(stream)).toBe('')
    bring(stream.last, 'b=a:3,b:8')
    expect(idsIn(stream)).toBe('b:8,a:1 a:3,b:8 a:2,b:8')
  })

  test('is waited for a second when something has come', async () => {
    const stream = begin()
    await vi.advanceTimersByTimeAsync(PATIENCE)
    bring(stream.last, 'a=a:2,b:7')
    await vi.advanceTimersByTimeAsync(PATIENCE - 1)
    expect(idsIn(stream)).toBe('')
    await vi.advanceTimersByTimeAsync(1)
    expect(idsIn(stream)).toBe('a:2,b:8')
  })

  test('is waited for no longer because something comes of others all the time', async () => {
    const stream = ask({ resumeAfter: 'a:1,b:7', latest: 'b:8,a:1' })
    for (const position of [2, 3, 4]) {
      bring(stream.last, `a=a:${position},b:7`)
      await vi.advanceTimersByTimeAsync(PATIENCE / 2)
    }
    expect(idsIn(stream)).toBe('a:2,b:7 a:3,b:7 a:4,b:7')
  })

  test('is waited for by so many events at most', () => {
    const stream = ask({ resumeAfter: 'a:1,b:7', latest: 'b:8,a:1' })
    for (let position = 2; position < 2_052; position++) bring(stream.last, `a=a:${position},b:7`)
    expect(stream.events).toHaveLength(2_050)
  })

  test('is left to the next connection', async () => {
    const stream = begin()
    bring(stream.last, 'a=a:2,b:7')
    stream.last.end()
    await vi.advanceTimersByTimeAsync(PATIENCE)
    expect(idsIn(stream)).toBe('')
    stream.connect(hubs({ resumeAfter: 'a:1,b:7', latest: 'b:8,a:1 a:2,b:8' }))
    stream.last.open()
    bring(stream.last, 'a=a:2,b:7 b=a:2,b:8')
    expect(idsIn(stream)).toBe('b:8,a:1 a:2,b:8')
  })

  test('is of a topic that is not asked for', () => {
    const stream = ask({ topics: 'a', resumeAfter: 'a:1,b:7', latest: 'b:8,a:1 a:2,b:8' })
    bring(stream.last, 'a=a:2')
    expect(idsIn(stream)).toBe('a:2,b:8')
  })
})

describe('another response', () => {
  test('is asked to repeat the last event, and takes over with that', async () => {
    const stream = ask({ topics: 'a' })
    const present = stream.last
    bring(present, 'a=a:1 a=a:2')
    const other = await change(stream, 'a', 'b')
    expect(other.request.resumeAfter).toBe('a:1')
    bring(present, 'a=a:3')
    other.open()
    bring(other, 'a=a:2,b:7')
    expect(present.isGivenUp).toBe(true)
    bring(other, 'a=a:3,b:7 b=a:3,b:8 a=a:4,b:8')
    expect(idsIn(stream)).toBe('a:1 a:2 a:3 b:8,a:3 a:4,b:8')
  })

  test('of Nchan, too', async () => {
    const stream = askNchan({ topics: 'a' })
    bringIds(stream.last, '100:0 100:1')
    const other = await change(stream, 'a', 'b')
    expect(other.request.resumeAfter).toBe('100:[0],-')
    other.open()
    bringIds(other, '100:0,[0] 100:[1],0 100:[2],0')
    expect(idsIn(stream)).toBe('100;a:0 100;a:1 100;b:0,a:1 100;a:2,b:0')
  })

  test('is asked for what follows the only event', async () => {
    const stream = ask({ topics: 'a' })
    const present = stream.last
    bring(present, 'a=a:1')
    const other = await change(stream, 'a', 'b')
    expect(other.request.resumeAfter).toBe('a:1')
    other.open()
    bring(other, 'a=a:2,b:7')
    bring(present, 'a=a:2')
    expect(idsIn(stream)).toBe('a:1 a:2,b:7')
  })

  test('is asked for what is new where nothing has come', async () => {
    const stream = ask({ topics: 'a' })
    expect((await change(stream, 'a', 'b')).request.resumeAfter).toBe('')
  })

  test('says where a topic begins, so that nothing of that is missing when the next connection resumes before it', async () => {
    const stream = ask({ topics: 'a' })
    bring(stream.last, 'a=a:1 a=a:2')
    const other = await change(stream, 'a', 'b')
    other.open()
    bring(other, 'a=a:2,b:7 b=a:2,b:8')
    other.end()
    stream.connect(hubs({ resumeAfter: 'a:2', latest: 'b:8,a:2' }))
    expect(stream.last.request.resumeAfter).toBe('a:2,b:7')
    stream.last.open()
    expect(stream.heads.at(-1)).toMatchObject({ deniesResumption: false })
  })

  test('says nothing any more of where a topic had begun that has been given up since', async () => {
    const stream = ask({ topics: 'a' })
    bring(stream.last, 'a=a:1 a=a:2')
    const other = await change(stream, 'a', 'b')
    other.open()
    bring(other, 'a=a:2,b:7')
    stream.listen('a')
    for (let position = 3; position < 20; position++) bring(other, `a=a:${position},b:7`)
    other.end()
    stream.connect(hubs({ resumeAfter: 'a:18,b:7', latest: 'a:19,b:7' }))
    expect(stream.last.topics).toEqual(['a'])
    stream.last.open()
    bring(stream.last, 'a=a:19 a=a:20')
    stream.last.end()
    stream.listen('a', 'b')
    stream.connect({ resumeAfter: 'a:20' })
    expect(stream.last.request.resumeAfter).toBe('a:20')
  })
})

describe('what Nchan has left out is told', () => {
  /** Whether the connection has been given up, and the next one says that something is missing. */
  async function isTorn(stream: Stream): Promise<boolean> {
    const { isGivenUp } = stream.last
    const [{ id: resumeAfter = '' } = {}, { id: latest = '' } = {}] = stream.events.slice(-2)
    stream.connect({ url: NCHAN_URL, resumeAfter, latest })
    stream.last.open()
    expect(stream.heads.at(-1)?.deniesResumption).toBe(isGivenUp)
    return isGivenUp
  }

  test.each([
    ['one tag follows the other', '100:[0],- 100:0,[0] 100:[1],0 101:[0],-', false],
    ['a tag is skipped', '100:[0],- 100:0,[0] 100:[2],0', true],
    ['a topic begins in the midst of a second', '100:[7],- 100:7,[5] 100:[8],5 101:-,[0]', false],
  ])('%s', async (_, ids, expected) => {
    const stream = askNchan()
    bringIds(stream.last, ids)
    expect(await isTorn(stream)).toBe(expected)
  })

  /** Another topic is asked for behind `100;a:1`, which is followed by `100;a:2`. */
  async function turn(): Promise<Stream> {
    const stream = askNchan({ topics: 'a' })
    bringIds(stream.last, '100:0 100:1')
    const present = stream.last
    const other = await change(stream, 'a', 'b')
    bringIds(present, '100:2')
    other.open()
    bringIds(other, '100:[1],-')
    return stream
  }

  test.each([
    ['what is known has come again by the end of the second', '100:[2],- 100:2,[0] 101:[0],-', false],
    ['it has come again behind what is new', '100:1,[0] 100:[2],0 101:-,[0]', false],
    ['it has not come before what has a higher tag', '100:1,[3]', true],
    ['nothing else has come in that second', '101:[0],-', true],
    ['what is known has not come again by then', '100:1,[0] 101:[0],-', true],
  ])('%s', async (_, ids, expected) => {
    const stream = await turn()
    bringIds(stream.last, ids)
    expect(await isTorn(stream)).toBe(expected)
  })

  test('once', async () => {
    const stream = await turn()
    bringIds(stream.last, '100:1,[0] 101:[0],-')
    expect(await isTorn(stream)).toBe(true)
    bringIds(stream.last, '100:2,[0] 101:[0],-')
    expect(idsIn(stream)).toMatch(/ 101;a:0$/)
    expect(stream.last.isGivenUp).toBe(false)
  })

  test('not of a topic that is asked for no more', async () => {
    const stream = askNchan({ topics: 'a', resumeAfter: '100;b:3,a:0' })
    bringIds(stream.last, '100:1 100:2 101:0 101:1')
    expect(stream.last.isGivenUp).toBe(false)
  })
})
