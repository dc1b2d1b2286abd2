import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import { type Answer, type Asked, OPEN, Page, statuses, UpstreamWorld } from '../upstream.ts'

// Requests to other origins that differ from one connection to the next: by `resume`, by a function for the URL, or because
// a page asks for another. The pages are of https://dash.test.

const FIRST = 'https://api.test/ask'
const SECOND = 'https://replay.test/answers'

const FAILED = new TypeError('Failed to fetch')

/** More than the wait before a second attempt. */
const RETRY = 1_100

beforeEach(() => {
  vi.stubGlobal('location', { href: 'https://dash.test/app/' })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Servers that let everybody read, unless they are `hidden`, and permit `Last-Event-ID` only where it is `permitted`. */
class Servers {
  readonly world = new UpstreamWorld()
  readonly page = new Page(this.world, 'page')
  readonly permitted = new Set<string>()
  readonly hidden = new Set<string>()
  /** What is said where script may read it. */
  says: (asked: Asked) => Answer = () => ({})

  constructor() {
    this.world.upstream.answer = (asked) => this.answer(asked)
  }

  answer(asked: Asked): Answer | Error {
    const { origin } = new URL(asked.url)
    if (asked.mode === 'no-cors') return {}
    const isPreflightRefused = 'Last-Event-ID' in asked.headers && !this.permitted.has(origin)
    return isPreflightRefused || this.hidden.has(origin) ? FAILED : this.says(asked)
  }

  connect(url: string | (() => string), options: ConnectOptions) {
    const stream = this.page.connect(url as string, options as object)
    const gaps: string[] = []
    stream.on('*', () => {})
    stream.onGap(({ reason }) => gaps.push(reason))
    return { stream, gaps, seen: statuses(stream) }
  }

  /** Opens the first connection, which brings two events. */
  async open(): Promise<void> {
    await this.world.clock.advance(OPEN)
    this.world.upstream.write('id: 1\ndata: one\n\nid: 2\ndata: two\n\n')
    await this.world.clock.advance(0)
  }

  /** Opens the first connection, cuts it, and lets the next one begin. */
  async openAndCut(): Promise<void> {
    await this.open()
    this.world.upstream.cut()
    await this.world.clock.advance(RETRY)
  }

  /** What was asked, in words: `GET https://api.test/ask after 1`. */
  asked(since = 0): string[] {
    return this.world.upstream.requests.slice(since).map(({ url, method, mode, headers }) => {
      const id = headers['Last-Event-ID']
      return `${mode === 'no-cors' ? 'probe' : method} ${url}${id === undefined ? '' : ` after ${id}`}`
    })
  }
}

describe('the request that resumes', () => {
  const resume = { url: SECOND }

  test('is made without Last-Event-ID where that is refused, and the first one is not made again', async () => {
    const servers = new Servers()
    const { stream, gaps } = servers.connect(FIRST, { method: 'POST', body: 'ask', resume })
    await servers.openAndCut()
    expect(servers.asked()).toEqual([
      `POST ${FIRST}`,
      `GET ${SECOND} after 1`,
      `GET ${SECOND}`,
      `GET ${SECOND} after 1`,
    ])
    expect(servers.world.upstream.requests.slice(1).map(({ body }) => body)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(stream.status.state).toBe('open')
    servers.world.upstream.write('id: 5\ndata: five\n\n')
    await servers.world.clock.advance(1_100)
    expect(gaps).toEqual(['history-lost'])
    expect(servers.page.warnings).toEqual([
      expect.stringMatching(
        /^tabstream: https:\/\/replay\.test .*Access-Control-Allow-Headers: Last-Event-ID/,
      ),
    ])
  })

  test('is made once at a time where its method is not safe', async () => {
    const servers = new Servers()
    const { stream } = servers.connect(FIRST, { resume: { method: 'POST', body: 'again' } })
    await servers.openAndCut()
    expect(servers.asked()).toEqual([`GET ${FIRST}`, `POST ${FIRST} after 1`])
    expect(stream.status).toMatchObject({ state: 'retrying', error: { message: 'Failed to fetch' } })
  })

  test('ends the stream where its origin has never let itself be read', async () => {
    const servers = new Servers()
    servers.permitted.add('https://replay.test')
    servers.hidden.add('https://replay.test')
    const { stream } = servers.connect(FIRST, { method: 'POST', resume })
    await servers.openAndCut()
    expect(stream.status.state).toBe('closed')
    expect(stream.status.error?.message).toContain('https://replay.test answers, but does not let')
  })

  test('is tried again at the next hub, which cannot know that', async () => {
    const servers = new Servers()
    const { stream, seen } = servers.connect(FIRST, { method: 'POST', resume })
    await servers.open()
    servers.hidden.add('https://replay.test')
    servers.world.workers()[0]?.agent.kill()
    await servers.world.clock.advance(RETRY)
    expect(stream.status.state).toBe('retrying')
    expect(seen.join()).toContain('https://replay.test answers, but no longer lets')
  })
})

describe('a URL that a function gives', () => {
  /** Connections to these origins, one after the other, with tickets that are good for one request. */
  function ticketed(...origins: string[]) {
    const servers = new Servers()
    const used = new Set<string>()
    let count = 0
    servers.says = ({ url }) => {
      if (used.has(url)) return { status: 401, text: 'used', headers: { 'Content-Type': 'text/plain' } }
      used.add(url)
      return {}
    }
    const give = () => `${origins[count % origins.length]}/events?ticket=${++count}`
    return { servers, ...servers.connect(give, { key: 'alice' }) }
  }

  test('is good for one request where Last-Event-ID is refused: preflights do not use it up', async () => {
    const { servers, stream } = ticketed('https://api.test')
    await servers.openAndCut()
    expect(stream.status.state).toBe('open')
    const { length } = servers.world.upstream.requests
    servers.world.upstream.cut()
    await servers.world.clock.advance(RETRY)
    expect(servers.asked(length)).toEqual(['GET https://api.test/events?ticket=3'])
    expect(stream.status.state).toBe('open')
  })

  test('may lead to an origin that permits what another refuses', async () => {
    const { servers, gaps } = ticketed('https://api.test', 'https://other.test')
    servers.permitted.add('https://api.test')
    await servers.openAndCut()
    expect(servers.asked(1)).toEqual([
      'GET https://other.test/events?ticket=2 after 1',
      'GET https://other.test/events?ticket=2',
      'GET https://other.test/events?ticket=2 after 1',
    ])
    servers.world.upstream.write('id: 3\ndata: x\n\nid: 4\ndata: x\n\n')
    await servers.world.clock.advance(0)
    servers.world.upstream.cut()
    await servers.world.clock.advance(RETRY)
    expect(servers.asked(4)).toEqual(['GET https://api.test/events?ticket=3 after 3'])
    expect(gaps).toEqual(['history-lost'])
  })

  test('is tried again where its origin has let itself be read, whatever came between', async () => {
    const { servers, stream } = ticketed('https://api.test', 'https://other.test')
    servers.permitted.add('https://api.test').add('https://other.test')
    await servers.openAndCut()
    servers.hidden.add('https://api.test')
    servers.world.upstream.cut()
    await servers.world.clock.advance(RETRY)
    expect(stream.status.state).toBe('retrying')
    expect(stream.status.error?.message).toContain('https://api.test answers, but no longer lets')
  })

  test('is told of by its own origin where the answer is long in coming', async () => {
    const servers = new Servers()
    servers.world.upstream.fetch = (_agent, _url, { signal }) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    servers.connect(() => 'https://other.test/events?ticket=secret', { key: 'alice' })
    await servers.world.clock.advance(OPEN + 10_000)
    expect(servers.page.warnings).toEqual([
      expect.stringMatching(/^tabstream: https:\/\/other\.test has not answered for 10 seconds\. /),
    ])
    expect(servers.page.warnings[0]).not.toContain('secret')
  })
})

test('what a server says to the request without Last-Event-ID is in the error', async () => {
  const servers = new Servers()
  const { seen, stream } = servers.connect(FIRST, {})
  await servers.open()
  servers.says = () => ({ status: 404, text: '{"code":7}', headers: { 'Content-Type': 'application/json' } })
  servers.world.upstream.cut()
  await servers.world.clock.advance(RETRY)
  expect(seen.at(-1)).toBe('closed 1: the server answered with status 404')
  expect(stream.status.error).toMatchObject({ contentType: 'application/json', body: '{"code":7}' })
})

test.each([2, 3])('reconnect() while it is being found out is not taken for a refusal (%i)', async (nth) => {
  const servers = new Servers()
  servers.permitted.add('https://api.test')
  const { stream, gaps } = servers.connect(FIRST, {})
  const { upstream, clock } = servers.world
  const { fetch } = upstream
  let dropsAt = 0
  upstream.fetch = (agent, url, init, now) => {
    const number = upstream.requests.length + 1
    if (number !== dropsAt) return fetch.call(upstream, agent, url, init, now)
    dropsAt = 0
    stream.reconnect()
    return new Promise((_resolve, reject) => init.signal?.addEventListener('abort', () => reject(FAILED)))
  }
  await servers.open()
  const { length } = upstream.requests
  upstream.answer = (asked, number) => (number === length + 1 ? FAILED : servers.answer(asked))
  dropsAt = length + nth
  upstream.cut()
  await clock.advance(RETRY)
  expect(dropsAt).toBe(0)
  await clock.advance(RETRY)
  expect(servers.asked(length)).toEqual([
    `GET ${FIRST} after 1`,
    ...(nth === 3 ? [`GET ${FIRST}`] : []),
    `GET ${FIRST} after 1`,
  ])
  expect(stream.status.state).toBe('open')
  upstream.write('id: 2\ndata: two\n\nid: 3\ndata: three\n\n')
  await clock.advance(0)
  expect(gaps).toEqual([])
  expect(servers.page.warnings).toEqual([])
})
