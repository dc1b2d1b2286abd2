import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { HeadersReason } from '../../../src/link/protocol.ts'
import { inspectClient } from '../../../src/page/inspect-client.ts'
import { heard, OPEN, Page, statuses, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// A function in a page that gives the URL of each connection: who is asked, when, and what of it can be seen.

type UrlFunction = (reason: HeadersReason) => string | URL | Promise<string | URL>

const SECRET = 'd34db33f'

beforeEach(() => {
  vi.stubGlobal('location', { href: 'https://dash.test/app/' })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A page whose tickets are good for one request, and tell whose they are. */
function holder(world: UpstreamWorld, name: string, options: ConnectOptions = {}) {
  const page = new Page(world, name)
  const reasons: HeadersReason[] = []
  const stream = page.connect(
    (reason) => {
      reasons.push(reason)
      return `/events?ticket=${name}-${reasons.length}#now`
    },
    { key: 'alice', ...options } as { key: string },
  )
  return { page, stream, reasons, seen: statuses(stream) }
}

const urls = ({ upstream }: UpstreamWorld): string[] => upstream.requests.map(({ url }) => url)

const ticket = (words: string): string => `https://dash.test/events?ticket=${words}`

describe('the function', () => {
  test('is asked before each connection, with the reason', async () => {
    const world = new UpstreamWorld()
    const { reasons } = holder(world, 'a')
    await world.clock.advance(OPEN)
    expect(reasons).toEqual(['connect'])
    world.upstream.answer = (_asked, number) => (number === 2 ? { status: 401 } : undefined)
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(reasons).toEqual(['connect', 'retry', 'unauthorized'])
    expect(urls(world)).toEqual([ticket('a-1'), ticket('a-2'), ticket('a-3')])
  })

  test('comes with the headers that the page gave first, whatever becomes of the object', async () => {
    const world = new UpstreamWorld()
    const headers = { authorization: 'Alice' }
    holder(world, 'a', { headers })
    await world.clock.advance(OPEN)
    headers.authorization = 'Bob'
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(world.upstream.requests).toMatchObject(Array(2).fill({ headers: { authorization: 'Alice' } }))
  })

  test('is asked of one page only, and of another where that is gone', async () => {
    const world = new UpstreamWorld()
    const [a, b] = [holder(world, 'a'), holder(world, 'b')]
    await world.clock.advance(OPEN)
    expect([a.reasons, b.reasons]).toEqual([['connect'], []])
    a.page.agent.kill()
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(b.reasons).toEqual(['retry'])
    expect(urls(world)).toEqual([ticket('a-1'), ticket('b-1')])
    expect(b.stream.status.state).toBe('open')
  })

  test('is asked together with a function for the headers', async () => {
    const world = new UpstreamWorld()
    const asked: string[] = []
    const headers = (reason: HeadersReason) => {
      asked.push(reason)
      return { n: String(asked.length) }
    }
    holder(world, 'a', { headers })
    await world.clock.advance(OPEN)
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(asked).toEqual(['connect', 'retry'])
    expect(world.upstream.requests).toMatchObject([
      { url: ticket('a-1'), headers: { n: '1' } },
      { url: ticket('a-2'), headers: { n: '2' } },
    ])
  })

  test('goes with headers that are fixed', async () => {
    const world = new UpstreamWorld()
    holder(world, 'a', { headers: { n: '7' }, method: 'POST', body: { a: 1 } })
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toMatchObject([
      { url: ticket('a-1'), method: 'POST', body: '{"a":1}', headers: { n: '7' } },
    ])
  })

  test.each<[string, UrlFunction, string]>([
    ['a URL object', () => new URL('https://other.test/x'), 'https://other.test/x'],
    ['a promise', async () => 'stream', 'https://dash.test/app/stream'],
  ])('may give %s', async (_what, give, url) => {
    const world = new UpstreamWorld()
    new Page(world, 'a').connect(give, { key: 'alice' })
    await world.clock.advance(OPEN)
    expect(urls(world)).toEqual([url])
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['nothing that it promised', Promise.resolve()],
    ['an empty string', ''],
    ['a number', 7],
    ['what is no URL', `https://${SECRET}:port/`],
    ['another scheme', `ftp://dash.test/${SECRET}`],
    ['a data URL', `data:text/event-stream,${SECRET}`],
  ])('that gives %s counts as one that fails, and the status says so', async (_what, given) => {
    const world = new UpstreamWorld()
    const stream = new Page(world, 'a').connect(() => given as string, { key: 'alice', maxRetries: 1 })
    const seen = statuses(stream)
    await world.clock.advance(OPEN + 5_000)
    const words = 'a page could not give headers or URL: the function must give an http or https URL'
    expect(seen).toEqual([
      'connecting',
      expect.stringContaining(`retrying 1: ${words}`),
      expect.stringContaining(`closed 1: ${words}`),
    ])
    expect(seen.join()).not.toContain(SECRET)
    expect(world.upstream.requests).toEqual([])
  })

  test('that throws is asked again after a while', async () => {
    const world = new UpstreamWorld()
    let count = 0
    const stream = new Page(world, 'a').connect(
      () => {
        if (++count === 1) throw new Error('no ticket')
        return URL_OF_EVENTS
      },
      { key: 'alice' },
    )
    const seen = statuses(stream)
    await world.clock.advance(OPEN + 1_000)
    expect(seen).toEqual([
      'connecting',
      'retrying 1: a page could not give headers or URL: no ticket',
      'open 1',
    ])
  })

  test('must come with a key', () => {
    const connect = (options: unknown) =>
      new Page(new UpstreamWorld(), 'page').connect(() => '/', options as never)
    for (const options of [undefined, {}, { key: undefined }]) {
      expect(() => connect(options)).toThrow(
        'a function for the URL needs a key that names the stream and the user',
      )
    }
  })
})

describe('a stream whose URL changes', () => {
  test('goes on where it was', async () => {
    const world = new UpstreamWorld()
    const { stream } = holder(world, 'a')
    const words = heard(stream, 'message')
    const gaps: unknown[] = []
    stream.onGap((gap) => gaps.push(gap))
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n')
    await world.clock.advance(0)
    world.upstream.cut()
    await world.clock.advance(1_000)
    world.upstream.write('id: 2\ndata: 2\n\nid: 3\ndata: 3\n\n')
    await world.clock.advance(0)
    expect(world.upstream.requests).toMatchObject([
      { url: ticket('a-1') },
      { url: ticket('a-2'), headers: { 'Last-Event-ID': '1' } },
    ])
    expect(words).toEqual(['message 1', 'message 2', 'message 3'])
    expect(gaps).toEqual([])
  })

  test('goes on at the next hub, with a URL of its own', async () => {
    const world = new UpstreamWorld()
    const { stream, reasons } = holder(world, 'a')
    const words = heard(stream, 'message')
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n')
    await world.clock.advance(0)
    world.workers()[0]?.agent.kill()
    await world.clock.advance(1_000)
    world.upstream.write('id: 2\ndata: 2\n\nid: 3\ndata: 3\n\n')
    await world.clock.advance(0)
    expect(reasons).toEqual(['connect', 'connect'])
    expect(urls(world)).toEqual([ticket('a-1'), ticket('a-2')])
    expect(words).toEqual(['message 1', 'message 2', 'message 3'])
  })
})

describe('who shares a stream', () => {
  const give = (url: string) => () => url

  test('is told by the key, whatever the functions give', async () => {
    const world = new UpstreamWorld()
    for (const name of ['a', 'b']) new Page(world, name).connect(give(`/${name}`), { key: 'alice' })
    await world.clock.advance(OPEN)
    expect(world.report().streams).toMatchObject([{ subscribers: 2 }])
    expect(urls(world)).toEqual(['https://dash.test/a'])
  })

  test.each<[string, ConnectOptions & { key: string }]>([
    ['the keys differ', { key: 'bob' }],
    ['the methods differ', { key: 'alice', method: 'POST' }],
    ['the credentials modes differ', { key: 'alice', credentials: 'include' }],
    ['the headers differ', { key: 'alice', headers: { a: '1' } }],
    ['only one has a function for the headers', { key: 'alice', headers: () => ({}) }],
  ])('is nobody else where %s', async (_what, options) => {
    const world = new UpstreamWorld()
    new Page(world, 'a').connect(give(URL_OF_EVENTS), { key: 'alice' })
    new Page(world, 'b').connect(give(URL_OF_EVENTS), options as { key: string })
    await world.clock.advance(OPEN)
    expect(world.report().streams.map(({ subscribers }) => subscribers)).toEqual([1, 1])
  })

  test('is nobody whose URL is given, even where it is the same', async () => {
    const world = new UpstreamWorld()
    const options = { key: 'alice' }
    new Page(world, 'a').connect(give('/'), options)
    new Page(world, 'b').connect('/', options)
    new Page(world, 'c').connect('/', { ...options, headers: () => ({}) })
    await world.clock.advance(OPEN)
    expect(world.report().streams.map(({ subscribers }) => subscribers)).toEqual([1, 1, 1])
  })

  test('is the same from every path of the origin', async () => {
    const world = new UpstreamWorld()
    new Page(world, 'a').connect(give(URL_OF_EVENTS), { key: 'alice' })
    vi.stubGlobal('location', { href: 'https://dash.test/elsewhere/?a=1#b' })
    new Page(world, 'b').connect(give(URL_OF_EVENTS), { key: 'alice' })
    await world.clock.advance(OPEN)
    expect(world.report().streams).toMatchObject([{ subscribers: 2 }])
  })
})

describe('what the function gives', () => {
  test('is in no report, name or warning', async () => {
    const world = new UpstreamWorld({ protocol: 'h2' })
    const pages = Array.from({ length: 7 }, (_, index) => {
      const page = new Page(world, `page ${index}`)
      page.connect(() => `/${SECRET}/${index}?ticket=${SECRET}`, { key: `stream ${index}` })
      return page
    })
    await world.clock.advance(OPEN)
    const inspections = Promise.all(pages.map(({ client }) => inspectClient(client)))
    await world.clock.advance(OPEN)
    const seen = JSON.stringify([
      await inspections,
      world.locks.names(),
      world.channels.names(),
      pages.map(({ warnings }) => warnings),
    ])
    expect(urls(world).join()).toContain(SECRET)
    expect(seen).not.toContain(SECRET)
    expect(pages.flatMap(({ warnings }) => warnings)).toEqual([])
    expect(world.report().streams.map(({ url }) => url)).toEqual(Array(7).fill('https://dash.test/'))
  })

  test('is the origin of events', async () => {
    const world = new UpstreamWorld()
    const stream = new Page(world, 'a').connect(() => 'https://other.test/x', { key: 'alice' })
    const origins: string[] = []
    stream.on('*', ({ origin }) => origins.push(origin))
    await world.clock.advance(OPEN)
    world.upstream.write('data: 1\n\n')
    await world.clock.advance(0)
    expect(origins).toEqual(['https://other.test'])
  })
})
