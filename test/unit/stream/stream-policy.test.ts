import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { SharedStream } from '../../../src/api/shared-stream.ts'
import type { ConnectionError } from '../../../src/link/protocol.ts'
import type { WorldOptions } from '../../sim/world/world.ts'
import {
  type Answer,
  ASK_TIMEOUT,
  heard,
  inWords,
  OPEN,
  Page,
  statuses,
  UpstreamWorld,
  URL_OF_EVENTS,
} from '../upstream.ts'

// What becomes of a stream that fails: who wants it tried again, when, and how often.

const HOUR = 3_600_000

const NETWORK_ERROR = new TypeError('network error')

function connected(options: ConnectOptions = {}, worldOptions: Partial<WorldOptions> = {}) {
  const world = new UpstreamWorld(worldOptions)
  const page = new Page(world, 'page')
  const stream: SharedStream = page.connect(URL_OF_EVENTS, options as object)
  return { world, page, stream, seen: statuses(stream) }
}

async function opened(options: ConnectOptions = {}, worldOptions: Partial<WorldOptions> = {}) {
  const all = connected(options, worldOptions)
  await all.world.clock.advance(OPEN)
  return all
}

/** When the server was asked, in ms after the first time. */
const times = ({ upstream }: UpstreamWorld): number[] =>
  upstream.requests.map(({ at }) => at - (upstream.requests[0]?.at ?? 0))

/** Answers the first requests with these, and then with an open stream. */
const answering =
  (...answers: (Answer | Error)[]) =>
  (_asked: unknown, number: number) =>
    answers[number - 1]

describe('a status that may pass', () => {
  test.each([408, 425, 429, 500, 502, 503])('(%i) is tried again after, for connect()', async (status) => {
    const { world, stream, seen } = connected()
    world.upstream.answer = answering({ status })
    await world.clock.advance(OPEN + 1_000)
    expect(times(world)).toEqual([0, 1_000])
    expect(seen).toEqual([
      'connecting',
      `retrying 1: the server answered with status ${status}`,
      expect.stringMatching(/^open/),
    ])
    expect(stream.status.state).toBe('open')
  })

  test.each([429, 503])(
    '(%i) ends a SharedEventSource, while connect() on the same stream goes on',
    async (status) => {
      const { world, page, stream } = connected()
      world.upstream.answer = answering({ status })
      const words = heard(stream, 'a')
      const sources = [page.source(), new Page(world, 'other').source()]
      const notes: string[] = []
      for (const source of sources) {
        source.onerror = () => notes.push(`error ${source.readyState}`)
        source.addEventListener('a', () => notes.push('an event'))
      }
      await world.clock.advance(OPEN + 1_000)
      world.upstream.write('event: a\ndata: 1\n\n')
      await world.clock.advance(0)
      expect(notes).toEqual(['error 2', 'error 2'])
      expect(sources.map(({ readyState }) => readyState)).toEqual([2, 2])
      expect(words).toEqual(['a 1'])
      expect(world.report().streams).toMatchObject([{ subscribers: 1 }])
      expect(world.upstream.requests).toHaveLength(2)
    },
  )

  test('ends a SharedEventSource that changes its names just then', async () => {
    const { world, stream } = await opened()
    const page = new Page(world, 'other')
    const source = page.source()
    source.addEventListener('a', () => {})
    await world.clock.advance(OPEN)
    world.upstream.answer = () => ({ status: 503 })
    world.upstream.cut()
    await world.clock.advance(500)
    // What it is told meanwhile it drops, since its names have changed.
    page.agent.freeze()
    await world.clock.advance(1_000)
    page.agent.wake()
    source.addEventListener('b', () => {})
    await world.clock.advance(OPEN)
    expect(source.readyState).toBe(2)
    expect(stream.status.state).toBe('retrying')
  })

  test('that passes lets a later SharedEventSource have the stream', async () => {
    const { world, page } = connected()
    world.upstream.answer = answering({ status: 503 })
    page.source()
    await world.clock.advance(OPEN + 1_000)
    const later = page.source()
    await world.clock.advance(OPEN)
    expect(later.readyState).toBe(1)
    expect(world.upstream.requests).toHaveLength(2)
  })
})

describe('for good ends', () => {
  test.each<[string, Answer]>([
    ['status 204', { status: 204 }],
    ['status 404', { status: 404 }],
    ['status 301', { status: 301 }],
    ['content type "text/html"', { headers: { 'Content-Type': 'text/html' } }],
  ])('%s, for connect() and SharedEventSource', async (words, answer) => {
    const { world, page, stream, seen } = connected()
    world.upstream.answer = () => answer
    const source = page.source()
    await world.clock.advance(HOUR)
    expect(seen).toEqual(['connecting', `closed: the server answered with ${words}`])
    expect(stream.status).toMatchObject({ retryAt: undefined, openedAt: undefined })
    expect(source.readyState).toBe(2)
    expect(world.upstream.requests).toHaveLength(1)
    expect(world.report().streams).toEqual([])
  })

  test.each([
    ['ftp://dash.test/events', 'scheme "ftp:"'],
    ['https://user@dash.test/events', 'user name or password'],
    ['https://user:secret@dash.test/events', 'user name or password'],
  ])('%s, which cannot be fetched', async (url, words) => {
    const world = new UpstreamWorld()
    const stream = new Page(world, 'page').connect(url)
    await world.clock.advance(HOUR)
    expect(stream.status.state).toBe('closed')
    expect(stream.status.error?.message).toContain(words)
    expect(stream.status.error?.message).not.toContain('secret')
    expect(world.upstream.requests).toEqual([])
  })

  test('204 although a function wants to go on', async () => {
    const { world, stream } = connected({ retry: () => 100 })
    world.upstream.answer = () => ({ status: 204 })
    await world.clock.advance(HOUR)
    expect(stream.status.state).toBe('closed')
    expect(world.upstream.requests).toHaveLength(1)
  })
})

describe('Retry-After', () => {
  test.each([
    ['2', 2_000],
    ['0', 1_000],
    ['Thu, 01 Jan 1970 00:00:05 GMT', 5_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 1_000],
    ['soon', 1_000],
    ['99999999999', HOUR],
  ])('of %s is waited for', async (header, wait) => {
    const { world } = connected()
    world.upstream.answer = answering({ status: 503, headers: { 'Retry-After': header } })
    await world.clock.advance(OPEN + wait + 1_000)
    expect(times(world)).toEqual([0, wait])
  })

  test('is not cut short by a page that becomes visible, or comes online', async () => {
    const { world, page } = connected()
    world.upstream.answer = answering({ status: 429, headers: { 'Retry-After': '60' } })
    await world.clock.advance(OPEN)
    for (const type of ['visible', 'online', 'resume'] as const) {
      await world.clock.advance(1_000)
      page.happen(type)
    }
    await world.clock.advance(60_000)
    expect(times(world)).toEqual([0, 60_000])
  })

  test('counts for one failure only', async () => {
    const { world } = connected()
    world.upstream.answer = answering({ status: 503, headers: { 'Retry-After': '7' } }, { status: 503 })
    await world.clock.advance(20_000)
    expect(times(world)).toEqual([0, 7_000, 8_000])
  })
})

describe('attempts in a row', () => {
  test('are as many as maxRetries allows, then the stream ends', async () => {
    const { world, seen } = connected({ maxRetries: 2 })
    world.upstream.answer = () => NETWORK_ERROR
    await world.clock.advance(HOUR)
    expect(times(world)).toHaveLength(3)
    expect(seen).toEqual([
      'connecting',
      'retrying 1: network error',
      'retrying 2: network error',
      'closed 2: network error',
    ])
  })

  test.each<ConnectOptions>([{ maxRetries: 0 }, { retry: false }])('are none with %j', async (options) => {
    const { world, stream } = await opened(options)
    world.upstream.cut()
    await world.clock.advance(HOUR)
    expect(world.upstream.requests).toHaveLength(1)
    expect(stream.status).toMatchObject({
      state: 'closed',
      error: { message: 'the server ended the response' },
    })
  })

  test('are bounded for a function, too', async () => {
    const { world, stream } = connected({ maxRetries: 2, retry: () => 100 })
    world.upstream.answer = () => NETWORK_ERROR
    await world.clock.advance(HOUR)
    expect(times(world)).toEqual([0, 100, 200])
    expect(stream.status.state).toBe('closed')
  })

  test('begin anew when the stream has brought an event', async () => {
    const { world, stream } = connected({ maxRetries: 1 })
    world.upstream.answer = () => ({ text: 'data: x\n\n', ends: true })
    await world.clock.advance(20_000)
    expect(times(world).length).toBeGreaterThan(10)
    expect(stream.status.state).not.toBe('closed')
  })

  test('begin anew when the connection has lasted', async () => {
    const { world, stream } = await opened({ maxRetries: 1 })
    for (let count = 0; count < 5; count++) {
      await world.clock.advance(6_000)
      world.upstream.cut()
      await world.clock.advance(1_000)
    }
    expect(stream.status.state).toBe('open')
    expect(world.upstream.requests).toHaveLength(6)
  })

  test('go on where a connection has not lasted, however long it took to come about', async () => {
    const { world, stream } = connected({
      maxRetries: 1,
      key: 'a',
      headers: () => new Promise((resolve) => world.clock.schedule(6_000, () => resolve({}))),
    })
    world.upstream.answer = () => ({ ends: true })
    await world.clock.advance(HOUR)
    expect(world.upstream.requests).toHaveLength(2)
    expect(stream.status.state).toBe('closed')
  })

  test('of one who gives up go on for the others', async () => {
    const { world, stream } = connected({ maxRetries: 1 })
    const other = new Page(world, 'other').connect(URL_OF_EVENTS, { maxRetries: 3 })
    world.upstream.answer = answering(NETWORK_ERROR, NETWORK_ERROR, NETWORK_ERROR)
    await world.clock.advance(20_000)
    expect(stream.status).toMatchObject({ state: 'closed', error: { message: 'network error' } })
    expect(other.status.state).toBe('open')
    expect(world.upstream.requests).toHaveLength(4)
  })
})

describe('what the server says in place of a stream', () => {
  const refusal = {
    status: 503,
    headers: { 'Content-Type': 'application/json' },
    text: '{"until":"noon"}',
  } satisfies Answer

  test('is in the status of each tab that was there, until a connection opens', async () => {
    const { world, stream } = connected()
    const others = [new Page(world, 'other').connect(URL_OF_EVENTS), stream]
    world.upstream.answer = answering(refusal)
    await world.clock.advance(OPEN)
    for (const { status } of others) {
      expect(status).toMatchObject({
        state: 'retrying',
        error: {
          message: 'the server answered with status 503',
          status: 503,
          contentType: 'application/json',
          body: '{"until":"noon"}',
        },
      })
    }
    const late = new Page(world, 'late').connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    expect(late.status).toMatchObject({ state: 'retrying', error: undefined })
    await world.clock.advance(1_000)
    expect(others.map(({ status }) => status.error)).toEqual([undefined, undefined])
  })

  test('is in the last status of a stream that it ends', async () => {
    const { world, page, stream } = connected()
    page.source()
    world.upstream.answer = () => ({ ...refusal, status: 404 })
    const next = stream.once('a').catch((error: unknown) => error)
    await world.clock.advance(OPEN)
    expect(stream.status).toMatchObject({ state: 'closed', error: { status: 404, body: '{"until":"noon"}' } })
    expect(String(await next)).toBe(
      'TabstreamError: tabstream: the stream has failed (the server answered with status 404)',
    )
  })

  test('delays the next attempt by a second at most where it does not end', async () => {
    const { world, seen } = connected()
    world.upstream.answer = answering({ ...refusal, ends: false })
    await world.clock.advance(OPEN)
    expect(seen).toEqual(['connecting'])
    await world.clock.advance(2_000)
    expect(times(world)).toEqual([0, 2_000])
    expect(world.upstream.open.size).toBe(1)
  })

  test('is not waited for where there is only a SharedEventSource', async () => {
    const world = new UpstreamWorld()
    world.upstream.answer = () => ({ ...refusal, ends: false })
    const source = new Page(world, 'page').source()
    await world.clock.advance(OPEN)
    expect(source.readyState).toBe(2)
    expect(world.upstream.open.size).toBe(0)
  })

  test('ends with the stream where a page has left meanwhile', async () => {
    const { world, stream } = connected()
    world.upstream.answer = () => ({ ...refusal, ends: false })
    await world.clock.advance(OPEN)
    stream.close()
    await world.clock.advance(2_000)
    expect(world.upstream.open.size).toBe(0)
    expect(world.report().streams).toEqual([])
  })
})

describe('a function that decides on retries', () => {
  test('is told which attempt has failed and why, and its answer is kept to', async () => {
    const asked: [number, ConnectionError][] = []
    const { world } = connected({
      retry: (attempt, error) => {
        asked.push([attempt, error])
        return attempt * 2_000
      },
    })
    const login = {
      text: '<p>Log in',
      headers: { 'Content-Type': 'text/html; charset=utf-8' },
    }
    world.upstream.answer = answering(
      NETWORK_ERROR,
      { status: 404, text: '{"code":7}', headers: { 'Content-Type': 'application/json' } },
      { ends: true },
      login,
    )
    await world.clock.advance(60_000)
    expect(times(world)).toEqual([0, 2_000, 6_000, 12_000, 20_000])
    const nothing = { status: 0, contentType: '', body: '' }
    expect(asked).toEqual([
      [1, { ...nothing, message: 'network error' }],
      [
        2,
        {
          message: 'the server answered with status 404',
          status: 404,
          contentType: 'application/json',
          body: '{"code":7}',
        },
      ],
      [3, { ...nothing, message: 'the server ended the response' }],
      [
        4,
        {
          message: 'the server answered with content type "text/html; charset=utf-8"',
          status: 200,
          contentType: 'text/html; charset=utf-8',
          body: '<p>Log in',
        },
      ],
    ])
  })

  test('ends the stream with false', async () => {
    const { world, seen } = connected({ retry: async (attempt) => attempt < 2 && 100 })
    world.upstream.answer = () => NETWORK_ERROR
    await world.clock.advance(HOUR)
    expect(seen.at(-1)).toMatch(/^closed.*: network error$/)
    expect(world.upstream.requests).toHaveLength(2)
  })

  test.each([0, -1, -Infinity, 0.001, Number.NaN])('cannot make a busy loop with %s', async (answer) => {
    const { world } = connected({ retry: () => answer })
    world.upstream.answer = () => NETWORK_ERROR
    await world.clock.advance(20_000)
    expect(world.upstream.requests.length).toBeGreaterThan(1)
    expect(world.upstream.requests.length).toBeLessThanOrEqual(201)
  })

  test('waits an hour at most', async () => {
    const { world } = connected({ retry: () => Infinity })
    world.upstream.answer = answering(NETWORK_ERROR)
    await world.clock.advance(OPEN + HOUR)
    expect(times(world)).toEqual([0, HOUR])
  })

  test.each<[string, ConnectOptions['retry']]>([
    ['throws', () => Promise.reject(new Error('no idea'))],
    ['gives nothing', (() => {}) as unknown as () => number],
    ['gives true', (() => true) as unknown as () => number],
    ['gives a string', (() => 'soon') as unknown as () => number],
  ])('and %s leaves it at the usual', async (_what, retry) => {
    const { world, stream } = connected({ retry: retry as () => number })
    world.upstream.answer = answering(NETWORK_ERROR, { status: 404 })
    await world.clock.advance(20_000)
    expect(times(world)).toEqual([0, 1_000])
    expect(stream.status).toMatchObject({
      state: 'closed',
      error: { message: 'the server answered with status 404' },
    })
  })

  test('and never answers leaves it at the usual after a while', async () => {
    const { world } = connected({ retry: () => new Promise(() => {}) })
    world.upstream.answer = answering(NETWORK_ERROR)
    await world.clock.advance(OPEN + ASK_TIMEOUT + 1_000)
    expect(times(world)).toHaveLength(2)
  })

  test('and answers when the stream is closed meanwhile is not listened to', async () => {
    let answer: (delay: number) => void = () => {}
    const { world, stream } = connected({ retry: () => new Promise((resolve) => (answer = resolve)) })
    world.upstream.answer = () => NETWORK_ERROR
    await world.clock.advance(OPEN)
    stream.close()
    await world.clock.advance(2_000)
    answer(100)
    await world.clock.advance(HOUR)
    expect(world.upstream.requests).toHaveLength(1)
    expect(world.report().streams).toEqual([])
  })

  test('of a page that is frozen holds up nobody', async () => {
    const { world, page } = await opened({ retry: () => 100 })
    const other = new Page(world, 'other').connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    page.agent.freeze()
    world.upstream.cut()
    await world.clock.advance(2_000)
    expect(world.upstream.requests).toHaveLength(2)
    expect(other.status.state).toBe('open')
  })

  test('of a page that is frozen keeps nobody from being told of the end', async () => {
    const { world, page } = await opened({ retry: () => 100 })
    const source = new Page(world, 'other').source()
    await world.clock.advance(OPEN)
    world.upstream.answer = () => ({ status: 503 })
    world.upstream.cut()
    await world.clock.advance(1_500)
    page.agent.freeze()
    await world.clock.advance(2_000)
    expect(source.readyState).toBe(2)
  })

  test('and says false late ends the stream for its own page alone, at once', async () => {
    let answer: (delay: false) => void = () => {}
    const { world, stream } = connected({ retry: () => new Promise((resolve) => (answer = resolve)) })
    const other = new Page(world, 'other').connect(URL_OF_EVENTS, { retry: () => 5_000 })
    world.upstream.answer = answering(NETWORK_ERROR)
    await world.clock.advance(OPEN + 1_000)
    expect(stream.status.state).toBe('retrying')
    answer(false)
    await world.clock.advance(100)
    expect(stream.status).toMatchObject({ state: 'closed', error: { message: 'network error' } })
    expect(other.status.state).toBe('retrying')
    await world.clock.advance(5_000)
    expect(other.status.state).toBe('open')
  })

  test('of a page that dies meanwhile holds up nobody', async () => {
    const { world, page } = await opened({ retry: () => new Promise(() => {}) })
    const other = new Page(world, 'other').connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    world.upstream.cut()
    await world.clock.advance(100)
    page.agent.kill()
    await world.clock.advance(1_000)
    expect(other.status.state).toBe('open')
  })

  test('may be asked while names change, and while others come', async () => {
    let answer: (delay: false) => void = () => {}
    const { world, stream } = await opened({ retry: () => new Promise((resolve) => (answer = resolve)) })
    const source = new Page(world, 'source').source()
    await world.clock.advance(OPEN)
    world.upstream.answer = answering({}, { status: 503 })
    world.upstream.cut()
    await world.clock.advance(0)
    answer(100 as never)
    await world.clock.advance(OPEN)
    // The 503 has been answered, and the function is being asked.
    expect(world.upstream.requests).toHaveLength(2)
    source.addEventListener('a', () => {})
    const newcomer = new Page(world, 'newcomer').connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    answer(false)
    await world.clock.advance(5_000)
    expect(source.readyState).toBe(2)
    expect(stream.status.state).toBe('closed')
    expect(newcomer.status.state).toBe('open')
  })
})

describe('a server', () => {
  test.each(['retry: 0', 'retry: 1', 'retry: -5', 'retry: 00000', 'retry: 1e1', 'retry'])(
    'that says "%s" makes no busy loop',
    async (line) => {
      const { world } = connected()
      world.upstream.answer = () => ({ text: `${line}\n\n`, ends: true })
      await world.clock.advance(20_000)
      expect(world.upstream.requests.length).toBeGreaterThan(10)
      expect(world.upstream.requests.length).toBeLessThanOrEqual(201)
    },
  )

  test('that says an absurdly long time is tried after an hour', async () => {
    const { world } = connected()
    world.upstream.answer = answering({ text: `retry: ${'9'.repeat(400)}\n\n`, ends: true })
    await world.clock.advance(OPEN + HOUR)
    expect(times(world)).toEqual([0, HOUR])
  })

  test.each([
    ['by luck', 0, 21],
    ['on average', 0.5, 7],
    ['at worst', 0.99, 5],
  ])('that opens and closes at once is tried %s (%d) %i times in 20 s', async (_how, chance, most) => {
    const { world } = connected({}, { random: () => chance })
    world.upstream.answer = () => ({ ends: true })
    await world.clock.advance(OPEN + 20_000)
    expect(times(world).length).toBeGreaterThan(2)
    expect(times(world).length).toBeLessThanOrEqual(most)
  })

  test('that goes after a while is tried again up to as long again later, since many may have lost it', async () => {
    const { world } = connected({}, { random: () => 0.5 })
    await world.clock.advance(OPEN + 1_000)
    world.upstream.cut(NETWORK_ERROR)
    await world.clock.advance(1_200)
    const short = world.clock.now
    await world.clock.advance(6_000)
    const long = world.clock.now
    world.upstream.cut(NETWORK_ERROR)
    await world.clock.advance(2_000)
    const [, second = 0, third = 0] = world.upstream.requests.map(({ at }) => at)
    expect(second - (short - 1_200)).toBe(1_100)
    expect(third - long).toBe(1_500)
  })

  test('that opens, sends an event and closes at once is tried once a second at most', async () => {
    const { world } = connected()
    world.upstream.answer = () => ({ text: 'data: x\n\n', ends: true })
    await world.clock.advance(OPEN + 20_000)
    expect(times(world).length).toBeLessThanOrEqual(21)
  })

  test('that is tried again is told so by a page that comes online', async () => {
    const { world, page } = connected({}, { random: () => 0.5 })
    world.upstream.answer = answering(...Array(8).fill(NETWORK_ERROR))
    await world.clock.advance(60_000)
    const before = world.upstream.requests.length
    page.happen('online')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(before + 1)
  })
})

describe('a request that is not safe', () => {
  const POST: ConnectOptions = { method: 'POST', body: 'ask' }

  const afterEnd = async (options: ConnectOptions, text: string, error?: Error) => {
    const { world, stream } = await opened({ ...POST, ...options })
    world.upstream.write(text)
    await world.clock.advance(0)
    world.upstream.cut(error)
    await world.clock.advance(60_000)
    return { requests: world.upstream.requests, status: inWords(stream.status) }
  }

  test('is not made again when its answer has ended, and nothing is wrong', async () => {
    const { requests, status } = await afterEnd({}, 'data: x\n\n')
    expect([requests.length, status]).toEqual([1, 'closed'])
  })

  test('is not made again when its answer breaks off, with an error that says so', async () => {
    const { requests, status } = await afterEnd({}, 'data: x\n\n', NETWORK_ERROR)
    expect([requests.length, status]).toEqual([
      1,
      'closed: network error; a POST is not sent again by itself',
    ])
  })

  test('is made again where an ID lets the server resume', async () => {
    const { requests } = await afterEnd({}, 'id: 7\ndata: x\n\n')
    expect(requests[1]?.headers['Last-Event-ID']).toBe('7')
  })

  test.each<[string, ConnectOptions]>([
    ['retry: true', { retry: true }],
    ['a function', { retry: () => 1_000 }],
    ['maxRetries', { maxRetries: 3 }],
  ])('is made again where the page asks for it by %s', async (_what, options) => {
    const { requests } = await afterEnd(options, 'data: x\n\n')
    expect(requests.length).toBeGreaterThan(1)
  })

  test('is made again where it has been refused for the moment', async () => {
    const { world, stream } = connected(POST)
    world.upstream.answer = answering({ status: 503 })
    await world.clock.advance(10_000)
    expect([world.upstream.requests.length, stream.status.state]).toEqual([2, 'open'])
  })
})

describe('an answer that is no stream', () => {
  const LOGIN = { headers: { 'Content-Type': 'text/html' } }

  test('ends the stream', async () => {
    const { world, stream } = connected({})
    world.upstream.answer = answering(LOGIN)
    await world.clock.advance(10_000)
    expect(world.upstream.requests).toHaveLength(1)
    expect(inWords(stream.status)).toContain('content type "text/html"')
  })

  test('is tried again where the function says so', async () => {
    const { world, stream } = connected({ retry: () => 100 })
    world.upstream.answer = answering(LOGIN)
    await world.clock.advance(10_000)
    expect([world.upstream.requests.length, stream.status.state]).toEqual([2, 'open'])
  })
})

describe('an ID that came alone', () => {
  const resumedAfter = async (text: string): Promise<string | undefined> => {
    const { world, page } = await opened()
    page.source().onmessage = () => {}
    await world.clock.advance(0)
    world.upstream.write(text)
    await world.clock.advance(0)
    world.upstream.cut()
    await world.clock.advance(1_000)
    return world.upstream.requests[1]?.headers['Last-Event-ID']
  }

  test('before any event is what the next connection resumes after', async () => {
    expect(await resumedAfter('id: 7\n\n')).toBe('7')
    expect(await resumedAfter('id: 7\n\nid\n\n')).toBeUndefined()
  })

  test('before each event is, too', async () => {
    expect(await resumedAfter('id: 7\n\ndata: x\n\n')).toBe('7')
  })

  test('after an event is, too', async () => {
    expect(await resumedAfter('id: 7\ndata: x\n\nid: 8\n\n')).toBe('8')
    expect(await resumedAfter('id: 7\ndata: x\n\nid\n\n')).toBeUndefined()
  })
})

describe('idleTimeout', () => {
  test('breaks a connection that brings nothing for so long, says why, and tries again', async () => {
    const { world, seen } = await opened({ idleTimeout: 5_000 })
    await world.clock.advance(4_900)
    expect(world.upstream.requests).toHaveLength(1)
    await world.clock.advance(1_100)
    expect(seen.slice(2)).toEqual([
      expect.stringMatching(/^retrying 1: the server has sent nothing for 5000 ms\. .*X-Accel-Buffering: no/),
      expect.stringMatching(/^open/),
    ])
    expect(world.upstream).toMatchObject({ peak: 1, requests: { length: 2 } })
  })

  test('breaks one that is not answered at all', async () => {
    const { world, seen } = connected({ idleTimeout: 5_000 })
    const { fetch } = world.upstream
    world.upstream.fetch = (agent, url, init, now) =>
      world.upstream.requests.length > 0
        ? fetch.call(world.upstream, agent, url, init, now)
        : new Promise((_resolve, reject) => {
            world.upstream.requests.push({ at: now } as never)
            init.signal?.addEventListener('abort', () => reject(init.signal?.reason))
          })
    await world.clock.advance(OPEN + 7_000)
    expect(seen).toEqual([
      'connecting',
      expect.stringMatching(/^retrying.*5000 ms/),
      expect.stringMatching(/^open/),
    ])
  })

  test.each(['data: x\n\n', ': keep alive\n', ':', 'x'])('is put off by any byte: %j', async (bytes) => {
    const { world, seen } = await opened({ idleTimeout: 5_000 })
    for (let count = 0; count < 5; count++) {
      await world.clock.advance(4_000)
      world.upstream.write(bytes)
    }
    await world.clock.advance(4_900)
    expect(seen).toEqual(['connecting', 'open'])
    await world.clock.advance(200)
    expect(seen).toHaveLength(3)
  })

  test('is the least of those who share the stream, and no longer when that one is gone', async () => {
    const { world, seen } = await opened({ idleTimeout: 20_000 })
    const hasty = new Page(world, 'hasty').connect(URL_OF_EVENTS, { idleTimeout: 2_000 })
    new Page(world, 'patient').connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    await world.clock.advance(2_000)
    expect(seen.at(-1)).toContain('2000 ms')
    await world.clock.advance(1_500)
    expect(seen.at(-1)).toMatch(/^open/)
    hasty.close()
    await world.clock.advance(10_000)
    expect(seen.at(-1)).toMatch(/^open/)
    await world.clock.advance(11_000)
    expect(seen.at(-2)).toContain('20000 ms')
  })

  test('is put off by nobody who changes names', async () => {
    const { world, stream, seen } = await opened({ idleTimeout: 5_000 })
    for (let count = 0; count < 6; count++) {
      stream.on(`name ${count}`, () => {})
      await world.clock.advance(1_000)
    }
    expect(seen[2]).toContain('5000 ms')
  })

  test('does not count while headers are asked for, whoever comes meanwhile', async () => {
    const { world, seen } = connected({
      key: 'a',
      idleTimeout: 1_000,
      headers: () => new Promise((resolve) => world.clock.schedule(5_000, () => resolve({}))),
    })
    await world.clock.advance(OPEN)
    const other = new Page(world, 'other').connect(URL_OF_EVENTS, {
      key: 'a',
      idleTimeout: 1_000,
      headers: () => ({}),
    })
    other.on('a', () => {})
    await world.clock.advance(5_000)
    expect(seen).toEqual(['connecting', 'open'])
  })

  test('does not count while the hub itself does not read', async () => {
    const { world, page, seen } = await opened(
      { idleTimeout: 2_000 },
      { logLimits: { events: 100, bytes: 1_000_000 } },
    )
    const events = page.connect(URL_OF_EVENTS).events('*')
    await world.clock.advance(0)
    for (let number = 0; number < 200; number++) {
      world.upstream.write(`data: ${number}\n\n`)
      await world.clock.advance(0)
    }
    await world.clock.advance(10_000)
    for (let number = 0; number < 200; number++) {
      const next = events.next()
      await world.clock.advance(0)
      expect(await next).toMatchObject({ value: { data: String(number) } })
    }
    expect(seen).toEqual(['connecting', 'open'])
    await world.clock.advance(2_000)
    expect(seen).toHaveLength(3)
  })

  test('is any time for a SharedEventSource', async () => {
    const world = new UpstreamWorld()
    const source = new Page(world, 'page').source()
    await world.clock.advance(24 * HOUR)
    expect(source.readyState).toBe(1)
    expect(world.upstream.requests).toHaveLength(1)
  })
})

describe('maxEventSize', () => {
  test('ends a stream whose server never ends a line, with a clear error, and no other', async () => {
    const { world, page, seen } = await opened({ maxEventSize: 100_000 })
    const other = page.connect(`${URL_OF_EVENTS}/other`)
    const words = heard(other, 'a')
    await world.clock.advance(OPEN)
    for (let count = 0; count < 11; count++) {
      world.upstream.write(`data:${'x'.repeat(10_000)}`, ({ url }) => url === URL_OF_EVENTS)
      await world.clock.advance(0)
    }
    await world.clock.advance(HOUR)
    world.upstream.write('event: a\ndata: 1\n\n')
    await world.clock.advance(0)
    expect(seen.slice(2)).toEqual(['closed: the server sent an event of more than 100,000 characters'])
    expect(words).toEqual(['a 1'])
    expect(world.upstream.requests).toHaveLength(2)
    expect(world.report().streams).toMatchObject([{ url: `${URL_OF_EVENTS}/other` }])
  })

  test.each([
    ['in one chunk', 10_000],
    ['in many', 7],
  ])(
    'ends a stream whose event is a character too long, and lets the longest pass (%s)',
    async (_how, length) => {
      for (const [size, states] of [
        [1_000, ['connecting', 'open']],
        [1_001, ['connecting', 'open', expect.stringContaining('1,000 characters')]],
      ] as const) {
        const { world, stream, seen } = await opened({ maxEventSize: 1_000 })
        const words = heard(stream, 'message')
        await world.clock.advance(0)
        const bytes = `data: ${'x'.repeat(400)}\ndata: ${'y'.repeat(size - 401)}\n\n`
        for (let at = 0; at < bytes.length; at += length) {
          world.upstream.write(bytes.slice(at, at + length))
          await world.clock.advance(0)
        }
        expect(seen).toEqual(states)
        expect(words).toHaveLength(size === 1_000 ? 1 : 0)
      }
    },
  )

  test('is the most that any of those who share the stream allows', async () => {
    const { world, seen } = connected({ maxEventSize: 10 })
    new Page(world, 'other').connect(URL_OF_EVENTS, { maxEventSize: 1_000 })
    await world.clock.advance(OPEN)
    world.upstream.write(`data: ${'x'.repeat(500)}\n\n`)
    await world.clock.advance(0)
    expect(seen).toEqual(['connecting', 'open'])
  })

  test('is 8 Mi characters for a SharedEventSource', async () => {
    const world = new UpstreamWorld()
    const source = new Page(world, 'page').source()
    let longest = 0
    source.onmessage = ({ data }) => {
      longest = Math.max(longest, data.length)
    }
    await world.clock.advance(OPEN)
    world.upstream.write(`data: ${'x'.repeat(8 * 1024 * 1024)}\n\n`)
    await world.clock.advance(0)
    expect([longest, source.readyState]).toEqual([8 * 1024 * 1024, 1])
    world.upstream.write(`data: ${'x'.repeat(8 * 1024 * 1024 + 1)}\n\n`)
    await world.clock.advance(0)
    expect(source.readyState).toBe(2)
  })
})
