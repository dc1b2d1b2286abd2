import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import { type Answer, type Asked, heard, OPEN, Page, statuses, UpstreamWorld } from '../upstream.ts'

// The pages are of https://dash.test, and the server is not.

const ELSEWHERE = 'https://api.test/events'

const FAILED = new TypeError('Failed to fetch')

/** More than the wait before a second attempt. */
const RETRY = 1_100

const HOUR = 3_600_000

/** A server as a browser lets script see it. */
class CrossOriginServer {
  isUp = true
  /** Whether it lets other origins read. */
  isReadable = true
  /** The request headers that it permits, in lower case. */
  permitted: readonly string[] = []
  /** What it says otherwise. */
  says: Answer = {}

  answer({ headers, mode }: Asked): Answer | Error {
    if (!this.isUp) return FAILED
    if (mode === 'no-cors') return {}
    const isPermitted = Object.keys(headers).every(
      (name) => name === 'accept' || this.permitted.includes(name.toLowerCase()),
    )
    return this.isReadable && isPermitted ? this.says : FAILED
  }
}

function begin(options: ConnectOptions = {}, url = ELSEWHERE) {
  const world = new UpstreamWorld()
  const server = new CrossOriginServer()
  world.upstream.answer = (asked) => server.answer(asked)
  const page = new Page(world, 'page')
  const stream = page.connect(url, options as object)
  const gaps: string[] = []
  stream.onGap(({ reason }) => gaps.push(reason))
  const open = async () => {
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: one\n\nid: 2\ndata: two\n\n')
    await world.clock.advance(0)
  }
  return { world, server, page, stream, gaps, open, seen: statuses(stream) }
}

/** What the server has been asked since the request of this number, in words: `GET after 1`, `probe`. */
const asked = ({ upstream }: UpstreamWorld, since = 0): string[] =>
  upstream.requests.slice(since).map(({ method, mode, headers }) => {
    if (mode === 'no-cors') return 'probe'
    const id = headers['Last-Event-ID']
    return id === undefined ? method : `${method} after ${id}`
  })

describe('a server that refuses Last-Event-ID', () => {
  test('is connected to again without it, and a gap is told', async () => {
    const { world, stream, gaps, open } = begin()
    const words = heard(stream, 'message')
    await open()
    world.upstream.cut()
    await world.clock.advance(RETRY)
    expect(stream.status.state).toBe('open')
    world.upstream.write('id: 5\ndata: five\n\n')
    await world.clock.advance(1_100)
    expect(words).toEqual(['message one', 'message two', 'message five'])
    expect(gaps).toEqual(['history-lost'])
    // The last one makes sure that the server was not just away for the first.
    expect(asked(world)).toEqual(['GET', 'GET after 1', 'GET', 'GET after 1'])
    expect(world.upstream.open.size).toBe(1)
  })

  test('is not asked for it again for ten minutes', async () => {
    const { world, open } = begin()
    await open()
    const reconnect = async (id: string) => {
      const { length } = world.upstream.requests
      world.upstream.cut()
      await world.clock.advance(RETRY)
      world.upstream.write(`id: ${id}\ndata: x${id}\n\n`)
      await world.clock.advance(1_100)
      return asked(world, length)
    }
    expect(await reconnect('3')).toHaveLength(3)
    expect(await reconnect('4')).toEqual(['GET'])
    expect(await reconnect('5')).toEqual(['GET'])
    await world.clock.advance(590_000)
    expect(await reconnect('5b')).toEqual(['GET'])
    await world.clock.advance(10_000)
    expect(await reconnect('6')).toEqual(['GET after 5', 'GET', 'GET after 5'])
    expect(await reconnect('7')).toEqual(['GET'])
  })

  test('is left alone with it while it is away, however long', async () => {
    const { world, server, open } = begin({ retry: () => 1_000 })
    await open()
    world.upstream.cut()
    await world.clock.advance(RETRY)
    server.isUp = false
    world.upstream.cut()
    await world.clock.advance(600_000)
    const { length } = world.upstream.requests
    await world.clock.advance(10_000)
    expect(new Set(asked(world, length))).toEqual(new Set(['GET', 'probe']))
  })

  test('leaves a gap even if only one event had come', async () => {
    const { world, gaps } = begin()
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: one\n\n')
    await world.clock.advance(0)
    world.upstream.cut()
    await world.clock.advance(RETRY)
    world.upstream.write('id: 5\ndata: five\n\n')
    await world.clock.advance(0)
    expect(gaps).toEqual(['history-lost'])
  })

  test('is found out where it comes back only for the probe', async () => {
    const { world, server, stream, open } = begin()
    await open()
    world.upstream.cut()
    const { length } = world.upstream.requests
    world.upstream.answer = (request, number) =>
      number === length + 1 || number === length + 2 ? FAILED : server.answer(request)
    await world.clock.advance(RETRY)
    expect(asked(world, length)).toEqual(['GET after 1', 'GET', 'probe', 'GET after 1', 'GET', 'GET after 1'])
    expect(stream.status.state).toBe('open')
  })

  test('is found out at any attempt after a restart', async () => {
    const { world, server, stream, open } = begin()
    await open()
    server.isUp = false
    world.upstream.cut()
    await world.clock.advance(RETRY)
    expect(stream.status.attempt).toBe(2)
    server.isUp = true
    await world.clock.advance(RETRY)
    expect(stream.status.state).toBe('open')
  })

  test('is told of in the console, once', async () => {
    const { world, page, open } = begin()
    const other = page.connect(`${ELSEWHERE}/other`)
    await open()
    for (let count = 0; count < 3; count++) {
      world.upstream.cut()
      await world.clock.advance(RETRY)
      world.upstream.write(`id: ${count + 3}\ndata: x\n\n`)
      await world.clock.advance(1_100)
    }
    expect(other.status.state).toBe('open')
    expect(page.warnings).toEqual([
      expect.stringMatching(/^tabstream: https:\/\/api\.test .*Access-Control-Allow-Headers: Last-Event-ID/),
    ])
  })

  test('is found out behind a redirect, too', async () => {
    const { world, server, stream, open } = begin({}, 'https://dash.test/events')
    const { fetch } = world.upstream
    world.upstream.fetch = async (...request) =>
      Object.assign(await fetch.apply(world.upstream, request), { url: ELSEWHERE })
    await open()
    world.upstream.cut()
    await world.clock.advance(RETRY)
    expect(server.permitted).toEqual([])
    expect(stream.status.state).toBe('open')
  })

  test('loses no header that the page has given, but the ID to begin with', async () => {
    const { world, server, open } = begin({ headers: { 'X-Tenant': '7', 'Last-Event-ID': '0' } })
    server.permitted = ['x-tenant', 'last-event-id']
    await open()
    server.permitted = ['x-tenant']
    world.upstream.cut()
    await world.clock.advance(RETRY)
    expect(world.upstream.requests[2]?.headers).toEqual({ accept: 'text/event-stream', 'x-tenant': '7' })
  })
})

describe('a server that permits Last-Event-ID', () => {
  test('is asked once for each connection', async () => {
    const { world, server, gaps, open } = begin()
    server.permitted = ['last-event-id']
    await open()
    world.upstream.cut()
    await world.clock.advance(RETRY)
    expect(asked(world)).toEqual(['GET', 'GET after 1'])
    world.upstream.write('id: 2\ndata: two\n\nid: 3\ndata: three\n\n')
    await world.clock.advance(0)
    expect(gaps).toEqual([])
  })

  test('is asked once at a time, except at the first of five failures, while it is away', async () => {
    const { world, server, open } = begin({ retry: () => 1_000 })
    server.permitted = ['last-event-id']
    await open()
    for (const expected of [
      // Nothing has shown yet that it is permitted.
      ['GET after 1', 'GET', 'probe', 'GET after 1', 'GET', 'GET after 1', 'GET', 'GET after 1'],
      ['GET after 1', 'GET', 'probe', 'GET after 1', 'GET after 1', 'GET after 1'],
    ]) {
      const { length } = world.upstream.requests
      server.isUp = false
      world.upstream.cut()
      await world.clock.advance(3_500)
      server.isUp = true
      await world.clock.advance(1_000)
      expect(asked(world, length)).toEqual(expected)
    }
  })

  test('and comes back between two requests is resumed all the same', async () => {
    const { world, server, gaps, page, open } = begin()
    server.permitted = ['last-event-id']
    await open()
    world.upstream.cut()
    const { length } = world.upstream.requests
    world.upstream.answer = (request, number) => (number === length + 1 ? FAILED : server.answer(request))
    await world.clock.advance(RETRY)
    await world.clock.advance(5_000)
    expect(asked(world, length)).toEqual(['GET after 1', 'GET', 'GET after 1'])
    expect([...world.upstream.open].map((one) => one.asked.headers['Last-Event-ID'])).toEqual(['1'])
    world.upstream.write('id: 2\ndata: two\n\nid: 3\ndata: three\n\n')
    await world.clock.advance(60_000)
    expect(gaps).toEqual([])
    expect(page.warnings).toEqual([])
    expect(asked(world, length)).toHaveLength(3)
  })

  test('and refuses a second connection is not taken for one that refuses the header', async () => {
    const { world, server, stream, page, open } = begin()
    server.permitted = ['last-event-id']
    await open()
    world.upstream.cut()
    const { length } = world.upstream.requests
    world.upstream.answer = (request, number) => {
      if (number === length + 1) return FAILED
      return number === length + 3 ? { status: 429, ends: false } : server.answer(request)
    }
    await world.clock.advance(RETRY)
    expect(asked(world, length)).toEqual(['GET after 1', 'GET', 'GET after 1'])
    expect(stream.status.state).toBe('open')
    expect(world.upstream.open.size).toBe(1)
    world.upstream.cut()
    await world.clock.advance(RETRY)
    expect(asked(world, length + 3)).toEqual(['GET after 1'])
    expect(page.warnings).toEqual([])
  })

  test('and then takes its time to answer is not taken for one that refuses the header', async () => {
    const { world, server, stream, page, gaps, open } = begin()
    server.permitted = ['last-event-id']
    await open()
    world.upstream.cut()
    const { length } = world.upstream.requests
    world.upstream.answer = (request, number) => {
      if (number === length + 1) return FAILED
      return number === length + 3 ? { isMissing: true } : server.answer(request)
    }
    await world.clock.advance(RETRY + 5_000)
    expect(stream.status.state).toBe('open')
    world.upstream.cut()
    await world.clock.advance(RETRY)
    expect(asked(world, length)).toEqual(['GET after 1', 'GET', 'GET after 1', 'GET after 1'])
    world.upstream.write('id: 2\ndata: two\n\nid: 3\ndata: three\n\n')
    await world.clock.advance(0)
    expect(page.warnings).toEqual([])
    expect(gaps).toEqual([])
  })

  test('and answers with a status when it comes back is not taken for one that refuses', async () => {
    const { world, server, open } = begin()
    server.permitted = ['last-event-id']
    await open()
    world.upstream.cut()
    const { length } = world.upstream.requests
    server.says = { status: 503 }
    world.upstream.answer = (request, number) => (number === length + 1 ? FAILED : server.answer(request))
    await world.clock.advance(RETRY)
    server.says = {}
    await world.clock.advance(2 * RETRY)
    expect(asked(world, length)).toEqual(['GET after 1', 'GET', 'GET after 1'])
  })
})

describe('a server that does not let this origin read', () => {
  test('ends connect() and SharedEventSource at once, with what it has to send', async () => {
    const { world, server, page, stream, seen } = begin()
    server.isReadable = false
    const source = page.source(ELSEWHERE)
    const states: number[] = []
    source.onerror = () => states.push(source.readyState)
    await world.clock.advance(HOUR)
    expect(seen).toEqual([
      'connecting',
      'closed: https://api.test answers, but does not let https://dash.test read it: it has to send ' +
        '"Access-Control-Allow-Origin: https://dash.test"',
    ])
    expect(states).toEqual([2])
    expect(stream.status.state).toBe('closed')
    expect(asked(world)).toEqual(['GET', 'probe', 'GET'])
    // The probe is over as soon as there is an answer.
    expect(world.upstream.open.size).toBe(0)
    expect(page.warnings).toEqual([`tabstream: ${stream.status.error?.message}`])
  })

  test('is asked with the same credentials, and no header but the plainest', async () => {
    const { world, server, stream } = begin({
      withCredentials: true,
      headers: { Authorization: 'secret', 'Accept-Language': 'de' },
    })
    server.isReadable = false
    await world.clock.advance(OPEN)
    expect(world.upstream.requests[1]).toMatchObject({
      url: ELSEWHERE,
      method: 'GET',
      mode: 'no-cors',
      credentials: 'include',
      headers: { accept: 'text/event-stream' },
    })
    expect(stream.status.error?.message).toContain('"Access-Control-Allow-Credentials: true"')
    expect(stream.status.error?.message).toContain('"Access-Control-Allow-Headers: authorization"')
    expect(stream.status.error?.message).not.toContain('secret')
  })

  test('ends a SharedEventSource, and is tried again for connect(), where it was read before', async () => {
    const { world, server, page, stream, open } = begin()
    const source = page.source(ELSEWHERE)
    await open()
    server.isReadable = false
    world.upstream.cut()
    await world.clock.advance(RETRY)
    expect(source.readyState).toBe(2)
    expect(stream.status).toMatchObject({ state: 'retrying', attempt: 2 })
    expect(stream.status.error?.message).toContain('no longer lets https://dash.test read it')
    server.isReadable = true
    server.permitted = ['last-event-id']
    await world.clock.advance(3 * RETRY)
    expect(stream.status.state).toBe('open')
  })

  test('is tried again where a function says so', async () => {
    const { world, server, stream } = begin({ retry: () => 1_000 })
    server.isReadable = false
    await world.clock.advance(OPEN)
    server.isReadable = true
    await world.clock.advance(RETRY)
    expect(stream.status.state).toBe('open')
  })

  test('is not asked a second time by a POST', async () => {
    const { world, server } = begin({ method: 'POST', body: 'x', retry: true })
    server.isReadable = false
    await world.clock.advance(OPEN)
    expect(asked(world)).toEqual(['POST'])
  })
})

describe('a network that is down', () => {
  test('is tried again for ever, and looked into at the first of five failures', async () => {
    const { world, server, stream } = begin({ retry: () => 1_000 })
    server.isUp = false
    await world.clock.advance(OPEN + 10_500)
    expect(asked(world).join(' ')).toBe('GET probe GET GET GET GET GET probe GET GET GET GET GET probe')
    expect(stream.status).toMatchObject({
      state: 'retrying',
      attempt: 11,
      error: { message: 'Failed to fetch' },
    })
  })

  test('that is back between two requests is connected to', async () => {
    const { world, server, stream, seen } = begin()
    world.upstream.answer = (request, number) => (number === 1 ? FAILED : server.answer(request))
    await world.clock.advance(OPEN)
    expect(asked(world)).toEqual(['GET', 'probe', 'GET'])
    expect(stream.status.state).toBe('open')
    expect(world.upstream.open.size).toBe(1)
    expect(seen).toEqual(['connecting', 'open'])
  })

  test('is not looked into where the browser knows, nor within the origin', async () => {
    const within = begin({}, 'https://dash.test/events')
    within.server.isUp = false
    await within.world.clock.advance(OPEN)
    expect(asked(within.world)).toEqual(['GET'])

    const offline = begin()
    offline.server.isUp = false
    offline.world.isOnline = false
    await offline.world.clock.advance(OPEN)
    expect(asked(offline.world)).toEqual(['GET'])
  })

  test('is what a server seems to be that takes too long to tell', async () => {
    const { world, server, stream } = begin()
    server.isReadable = false
    const { fetch } = world.upstream
    world.upstream.fetch = (agent, url, init, now) =>
      init.mode === 'no-cors'
        ? new Promise((_resolve, reject) => init.signal?.addEventListener('abort', () => reject(FAILED)))
        : fetch.call(world.upstream, agent, url, init, now)
    await world.clock.advance(4_900)
    expect(stream.status.state).toBe('connecting')
    await world.clock.advance(200)
    expect(stream.status).toMatchObject({ state: 'retrying', error: { message: 'Failed to fetch' } })
  })

  test('leaves nothing behind when the stream is closed meanwhile', async () => {
    const { world, server, stream } = begin()
    server.isReadable = false
    let isAborted = false
    const { fetch } = world.upstream
    world.upstream.fetch = (agent, url, init, now) => {
      if (init.mode !== 'no-cors') return fetch.call(world.upstream, agent, url, init, now)
      return new Promise((_resolve, reject) => {
        init.signal?.addEventListener('abort', () => {
          isAborted = true
          reject(FAILED)
        })
      })
    }
    await world.clock.advance(OPEN)
    stream.close()
    await world.clock.advance(2_000)
    expect(isAborted).toBe(true)
    expect(asked(world)).toEqual(['GET'])
  })
})

test('reconnect() while it is being found out why makes one connection, and concludes nothing', async () => {
  const { world, server, page, stream, open } = begin()
  server.permitted = ['last-event-id']
  await open()
  const { length } = world.upstream.requests
  const { fetch } = world.upstream
  let drops = 0
  world.upstream.fetch = (agent, url, init, now) => {
    const number = world.upstream.requests.length + 1
    if (number !== length + 4 || drops++ > 0) return fetch.call(world.upstream, agent, url, init, now)
    server.isUp = true
    server.isReadable = true
    stream.reconnect()
    return new Promise((_resolve, reject) => init.signal?.addEventListener('abort', () => reject(FAILED)))
  }
  server.isReadable = false
  world.upstream.cut()
  await world.clock.advance(2 * RETRY)
  expect(drops).toBeGreaterThan(0)
  expect(asked(world, length)).toEqual(['GET after 1', 'GET', 'probe', 'GET after 1'])
  expect(stream.status.state).toBe('open')
  expect(page.warnings).toEqual([])
})
