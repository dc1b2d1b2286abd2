import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import { text } from '../../../src/api/decode.ts'
import { EVENT_SOURCE_POLICY } from '../../../src/link/protocol.ts'
import { type Asked, heard, OPEN, Page, statuses, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

const misuse = (message: string) =>
  expect.objectContaining({
    name: 'TabstreamError',
    type: 'configuration',
    message: expect.stringContaining(message),
  })

/** What the server is asked for by a page that connects with these options. */
async function askedFor(options: ConnectOptions, url: string | URL = URL_OF_EVENTS): Promise<Asked> {
  const world = new UpstreamWorld()
  new Page(world, 'page').connect(url, options as object)
  await world.clock.advance(OPEN)
  const [asked] = world.upstream.requests
  if (asked === undefined) throw new Error('nothing was asked for')
  return asked
}

/** Opens a stream in a page of its own for each of these. */
async function pagesOf(...wishes: readonly (readonly [url: string, options: ConnectOptions])[]) {
  const world = new UpstreamWorld()
  const pages = wishes.map((_wish, index) => new Page(world, `page ${index}`))
  const streams = wishes.map(([url, options], index) => pages[index]?.connect(url, options as object))
  await world.clock.advance(OPEN)
  return { world, pages, streams }
}

describe('connect() complains', () => {
  const connect = (options: unknown, url = URL_OF_EVENTS) =>
    new Page(new UpstreamWorld(), 'page').connect(url, options as object)

  test.each([null, 'GET', 7])('of %s in place of options', (options) => {
    expect(() => connect(options)).toThrow(misuse('the options of a stream are an object'))
  })

  test('of an option that it does not know, and names those that it does', () => {
    expect(() => connect({ constructor: 1 })).toThrow(misuse('no option "constructor"; it takes'))
    expect(() => connect({ header: {} })).toThrow(
      misuse('no option "header"; it takes method, body, headers'),
    )
  })

  test.each<[string, unknown, string]>([
    ['method', '', 'method must be a method that fetch() takes'],
    ['method', 7, 'method must be a method that fetch() takes'],
    ['method', 'NOT A METHOD', 'method must be a method that fetch() takes'],
    ['method', 'trace', 'method must be a method that fetch() takes'],
    ['headers', 'Authorization: x', 'headers must be an object, or a function that gives one'],
    ['headers', null, 'headers must be an object, or a function that gives one'],
    ['key', 7, 'key must be a string'],
    ['key', '', 'key must be a string that is not empty'],
    ['credentials', 'always', 'credentials must be "omit" or "same-origin" or "include", not "always"'],
    ['withCredentials', 'include', 'withCredentials must be true or false, not "include"'],
    ['redirect', 'manual', 'redirect must be "follow" or "error", not "manual"'],
    ['redirect', true, 'redirect must be "follow" or "error"'],
    ['events', 'cpu', 'events must be an object that gives each name json(), text, a function or a schema'],
    ['events', { cpu: 'json' }, 'events must be an object that gives each name json()'],
    ['events', { cpu: {} }, 'events must be an object that gives each name json()'],
    ['replay', -1, 'replay must be a number of events'],
    ['replay', 'some', 'replay must be a number of events'],
    [
      'since',
      7,
      'since must be an ID without line breaks that is not empty; leave it out where there is none',
    ],
    ['since', '', 'since must be an ID without line breaks'],
    ['since', null, 'since must be an ID without line breaks'],
    ['since', 'a\nb', 'since must be an ID without line breaks'],
    ['since', '1\r', 'since must be an ID without line breaks'],
    ['since', '1\n', 'since must be an ID without line breaks'],
    ['since', '1\0', 'since must be an ID without line breaks'],
    ['retry', 1_000, 'retry must be true, false or a function'],
    ['maxRetries', -1, 'maxRetries must be a whole number, or Infinity'],
    ['maxRetries', 1.5, 'maxRetries must be a whole number, or Infinity'],
    ['maxRetries', Number.NaN, 'maxRetries must be a whole number, or Infinity'],
    ['idleTimeout', 15, 'idleTimeout must be a number of ms: 1000 at least, or 0 for none, not number 15'],
    ['idleTimeout', 999, 'idleTimeout must be a number of ms: 1000 at least'],
    ['idleTimeout', -1, 'idleTimeout must be a number of ms: 1000 at least'],
    ['idleTimeout', Number.NaN, 'idleTimeout must be a number of ms: 1000 at least'],
    ['idleTimeout', '5s', 'idleTimeout must be a number of ms: 1000 at least, or 0 for none, not "5s"'],
    ['replay', [1], 'replay must be a number of events'],
    ['replay', new Map([['a', 1]]), 'replay must be a number of events'],
    ['maxEventSize', 0, 'maxEventSize must be a number greater than 0'],
    ['until', '[DONE]', 'until must be a function, not "[DONE]"'],
    ['signal', {}, 'signal must be an AbortSignal'],
    ['resume', 'never', 'resume must be "auto", "none", or an object of method, url and body, not "never"'],
    ['resume', true, 'resume must be "auto", "none", or an object'],
    ['resume', null, 'resume must be "auto", "none", or an object'],
    ['resume', [], 'resume must be "auto", "none", or an object'],
    ['resume', { headers: {} }, 'resume must be "auto", "none", or an object of method, url and body'],
    ['resume', { method: 'trace' }, 'resume must be "auto", "none", or an object'],
    ['resume', { url: 7 }, 'resume must be "auto", "none", or an object'],
    ['resume', { method: 'POST', body: () => {} }, 'resume must be "auto", "none", or an object'],
    ['resume', { body: 'x' }, 'a GET request has no body; say method: "POST"'],
  ])('of %s: %j', (name, value, message) => {
    expect(() => connect({ [name]: value })).toThrow(misuse(message))
  })

  test('of headers that HTTP cannot carry, without repeating what may be secret', () => {
    expect(() => connect({ headers: { 'not a name': 'x' } })).toThrow(misuse('headers must be'))
    const wrong = () => connect({ headers: { Authorization: 'Bearer secret\n1' } })
    expect(wrong).toThrow(misuse('headers must be'))
    expect(wrong).not.toThrow('secret')
  })

  test.each(['GET', 'get', 'HEAD', undefined])('of a body with method %s', (method) => {
    expect(() => connect({ method, body: 'x' })).toThrow(misuse('say method: "POST"'))
  })

  const circle: { self?: unknown } = {}
  circle.self = circle
  test.each<[string, unknown]>([
    ['a function', () => {}],
    ['a symbol', Symbol('x')],
    ['a bigint', 7n],
    ['what contains itself', circle],
    ['a form', new FormData()],
    ['parameters', new URLSearchParams('a=1')],
    ['a blob', new Blob(['x'])],
    ['bytes', new Uint8Array(2)],
  ])('of %s as body, which would not arrive as it is', (_what, body) => {
    expect(() => connect({ method: 'POST', body })).toThrow(misuse('body must be a string, or what JSON'))
  })

  test('of a URL that is none, as EventSource does', () => {
    expect(() => connect({}, 'http://')).toThrow(expect.objectContaining({ name: 'SyntaxError' }))
  })

  test('before anything is asked for', async () => {
    const world = new UpstreamWorld()
    const page = new Page(world, 'page')
    expect(() => page.connect(URL_OF_EVENTS, { retry: 7 } as object)).toThrow()
    await world.clock.advance(OPEN)
    expect(world.hubs).toEqual([])
  })

  test('of nothing where an option is undefined', () => {
    const names = [
      'method',
      'body',
      'headers',
      'key',
      'credentials',
      'events',
      'replay',
      'since',
      'retry',
      'until',
    ]
    expect(() => connect(Object.fromEntries(names.map((name) => [name, undefined])))).not.toThrow()
  })
})

describe('the request', () => {
  test('is a GET of the same origin that asks for an event stream, unless told otherwise', async () => {
    expect(await askedFor({})).toMatchObject({
      url: URL_OF_EVENTS,
      method: 'GET',
      body: undefined,
      credentials: 'same-origin',
      headers: { accept: 'text/event-stream' },
    })
  })

  test('has no fragment', async () => {
    expect(await askedFor({}, new URL(`${URL_OF_EVENTS}?a=1#here`))).toMatchObject({
      url: `${URL_OF_EVENTS}?a=1`,
    })
  })

  test.each([
    [{ credentials: 'omit' }, 'omit'],
    [{ credentials: 'include' }, 'include'],
    [{ withCredentials: true }, 'include'],
    [{ withCredentials: false, credentials: 'omit' }, 'omit'],
  ] as const)('has with %j the credentials mode %s', async (options, credentials) => {
    expect(await askedFor(options)).toMatchObject({ credentials })
  })

  test('has its method in capitals', async () => {
    expect(await askedFor({ method: 'post' })).toMatchObject({ method: 'POST', body: undefined })
  })

  test('brings a string as it is, of no particular type', async () => {
    const { body, headers } = await askedFor({ method: 'POST', body: '{"a":1}' })
    expect(body).toBe('{"a":1}')
    expect(headers).toEqual({ accept: 'text/event-stream' })
  })

  test.each([
    [{ model: 'm', stream: true }, '{"model":"m","stream":true}'],
    [[1, 2], '[1,2]'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [false, 'false'],
    [null, 'null'],
  ])('brings %j as JSON, and says so', async (body, json) => {
    const asked = await askedFor({ method: 'POST', body })
    expect(asked.body).toBe(json)
    expect(asked.headers['content-type']).toBe('application/json')
  })

  test.each<[string, NonNullable<ConnectOptions['headers']>]>([
    ['an object', { 'Content-Type': 'application/vnd.a+json' }],
    ['a function', async () => ({ 'content-type': 'application/vnd.a+json' })],
  ])('keeps the content type that %s gives', async (_what, headers) => {
    const asked = await askedFor({ method: 'POST', body: {}, headers })
    expect(asked.headers['content-type']).toBe('application/vnd.a+json')
  })

  test.each<[string, HeadersInit]>([
    ['an object', { 'X-B': '2', Authorization: ' Bearer x ' }],
    [
      'pairs',
      [
        ['x-b', '2'],
        ['AUTHORIZATION', 'Bearer x'],
      ],
    ],
    ['Headers', new Headers({ 'X-B': '2', Authorization: 'Bearer x' })],
  ])('has the headers of %s, normalised', async (_what, headers) => {
    const normal = { accept: 'text/event-stream', authorization: 'Bearer x', 'x-b': '2' }
    expect((await askedFor({ headers })).headers).toEqual(normal)
    expect((await askedFor({ headers: () => headers })).headers).toEqual(normal)
  })

  test('may have an Accept header of its own', async () => {
    expect((await askedFor({ headers: { Accept: 'text/event-stream, */*' } })).headers).toEqual({
      accept: 'text/event-stream, */*',
    })
  })

  test('begins after an ID that the page gives, and goes on after the stream’s own', async () => {
    const world = new UpstreamWorld()
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS, { headers: { 'Last-Event-ID': '41' } })
    heard(stream, '*')
    await world.clock.advance(OPEN)
    world.upstream.write('id: 42\ndata: x\n\nid: 43\ndata: y\n\n')
    await world.clock.advance(0)
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(world.upstream.requests.map(({ headers }) => headers)).toEqual([
      { accept: 'text/event-stream', 'last-event-id': '41' },
      { accept: 'text/event-stream', 'Last-Event-ID': '42' },
    ])
  })

  test('has the limits that the options set, in ms that a timer can bear', () => {
    const policies: unknown[] = []
    const world = new UpstreamWorld()
    const page = new Page(world, 'page')
    const { client } = page
    const subscribe = client.subscribe.bind(client)
    client.subscribe = (wish, receive) => {
      policies.push(wish.policy)
      return subscribe(wish, receive)
    }
    const usual = { ...EVENT_SOURCE_POLICY, retriesStatuses: true }
    page.connect(URL_OF_EVENTS)
    page.connect(URL_OF_EVENTS, { idleTimeout: 7_000, maxEventSize: 8, maxRetries: 9 })
    page.connect(URL_OF_EVENTS, { idleTimeout: Infinity })
    page.connect(URL_OF_EVENTS, { retry: false, maxRetries: 9 })
    page.connect(URL_OF_EVENTS, { retry: () => false })
    page.connect(URL_OF_EVENTS, { resume: 'none' })
    page.connect(URL_OF_EVENTS, { resume: 'auto' })
    page.connect(URL_OF_EVENTS, { resume: {} })
    expect(policies).toEqual([
      usual,
      { ...usual, idleTimeout: 7_000, maxEventSize: 8, retries: 9, repeatsUnsafe: true },
      { ...usual, idleTimeout: 2 ** 31 - 1 },
      { ...usual, retries: 0, repeatsUnsafe: true },
      { ...usual, asksRetry: true, repeatsUnsafe: true },
      { ...usual, resumes: false },
      usual,
      usual,
    ])
  })
})

describe('what is given', () => {
  test('may be an iterator of headers, which can be gone through only once', async () => {
    const pairs = [
      ['Accept-Language', 'de'],
      ['X-User', '7'],
    ] as const
    const headers = pairs[Symbol.iterator]() as unknown as HeadersInit
    expect((await askedFor({ headers })).headers).toMatchObject({ 'accept-language': 'de', 'x-user': '7' })
    const map = new Map(pairs) as unknown as HeadersInit
    expect((await askedFor({ headers: map })).headers).toMatchObject({ 'x-user': '7' })
  })

  test('may be wrapped in a proxy, as frameworks do it', async () => {
    const wrapped = <Value extends object>(value: Value) => new Proxy(value, {})
    const world = new UpstreamWorld()
    const page = new Page(world, 'page')
    const first = page.connect(URL_OF_EVENTS)
    const words = heard(first, 'a')
    await world.clock.advance(OPEN)
    world.upstream.write('event: a\ndata: 1\n\nevent: a\ndata: 2\n\n')
    await world.clock.advance(0)
    const late = page.connect(URL_OF_EVENTS, wrapped({ replay: wrapped({ a: 1 }), headers: wrapped({}) }))
    const source = page.source(URL_OF_EVENTS, { replay: wrapped({ a: 1 }) })
    source.addEventListener('a', ({ data }) => words.push(`source ${data}`))
    const replayed = heard(late, 'a')
    await world.clock.advance(OPEN)
    expect(replayed).toEqual(['a 2'])
    expect(words).toEqual(['a 1', 'a 2', 'source 2'])
  })
})

describe('a stream is shared', () => {
  const alice = { Authorization: 'Bearer alice' }

  test.each<[string, ConnectOptions, ConnectOptions]>([
    ['nothing in particular is asked for', {}, {}],
    ['only the ways of listening differ', { replay: 1, events: { a: text } }, { until: () => false }],
    ['only the policies differ', { idleTimeout: 5_000, retry: false }, { maxRetries: 7 }],
    [
      'headers are the same in another order and case',
      { headers: { A: '1', b: '2' } },
      { headers: { B: '2', a: '1' } },
    ],
    ['only one says that the server does not resume', { resume: 'none' }, { resume: 'auto' }],
    [
      'they resume in the same way',
      { resume: { url: URL_OF_EVENTS } },
      { resume: { method: 'get', url: new URL(`${URL_OF_EVENTS}#x`) } },
    ],
    ['what to do with a redirect is said or not', { redirect: 'follow' }, {}],
    [
      'redirects are refused, by a word or by headers',
      { key: 'a', headers: alice },
      { key: 'a', headers: alice, redirect: 'error' },
    ],
    [
      'redirects of what begins and of what resumes are refused, by a word or by bodies',
      { method: 'POST', body: 'a', resume: { method: 'POST', body: 'b' } },
      { method: 'POST', body: 'a', resume: { method: 'POST', body: 'b' }, redirect: 'error' },
    ],
    ['bodies are equal', { method: 'POST', body: { a: 1 } }, { method: 'post', body: { a: 1 } }],
    ['keys are equal', { key: 'alice' }, { key: 'alice' }],
    ['credentials are said in another way', { withCredentials: true }, { credentials: 'include' }],
    [
      'functions have equal keys, whatever they give',
      { key: 'alice', headers: () => alice },
      { key: 'alice', headers: async () => ({ Authorization: 'Bearer alice, another one' }) },
    ],
    [
      'functions without a key give equal headers first',
      { headers: () => alice },
      { headers: async () => new Headers(alice) },
    ],
  ])('where %s', async (_what, one, other) => {
    const { world } = await pagesOf([URL_OF_EVENTS, one], [URL_OF_EVENTS, other])
    expect(world.report().streams).toMatchObject([{ subscribers: 2 }])
    expect(world.upstream).toMatchObject({ peak: 1, requests: { length: 1 } })
  })

  test('with a SharedEventSource of the same URL', async () => {
    const { world, pages } = await pagesOf([URL_OF_EVENTS, {}])
    pages[0]?.source()
    await world.clock.advance(OPEN)
    expect(world.report().streams).toMatchObject([{ subscribers: 2 }])
  })

  test('where URLs differ in the fragment only', async () => {
    const { world } = await pagesOf([`${URL_OF_EVENTS}#one`, {}], [`${URL_OF_EVENTS}#other`, {}])
    expect(world.upstream.requests).toHaveLength(1)
  })
})

describe('a stream is not shared', () => {
  const alice = { Authorization: 'Bearer alice' }
  const bob = { Authorization: 'Bearer bob' }
  const fails = () => {
    throw new Error('nobody is logged in')
  }

  const redirectsOf = (resume: ConnectOptions['resume'] & object, options: ConnectOptions = {}) =>
    [
      { ...options, resume },
      { ...options, resume, redirect: 'follow' },
    ] as const

  test.each<[string, ConnectOptions, ConnectOptions]>([
    ['methods differ', {}, { method: 'POST' }],
    ['bodies differ', { method: 'POST', body: 'a' }, { method: 'POST', body: 'b' }],
    ['one has an empty body', { method: 'POST' }, { method: 'POST', body: '' }],
    ['headers differ', { headers: alice }, { headers: bob }],
    ['only one has headers', {}, { headers: alice }],
    ['credentials modes differ', { credentials: 'omit' }, {}],
    ['only one resumes by another request', { method: 'POST' }, { method: 'POST', resume: {} }],
    [
      'they resume in other ways',
      { resume: { method: 'POST', body: 'a' } },
      { resume: { method: 'POST', body: 'b' } },
    ],
    [
      'only one follows what redirects the request that resumes',
      ...redirectsOf({ method: 'POST', body: 'a' }),
    ],
    [
      'only one follows what redirects the request that begins',
      ...redirectsOf({}, { method: 'POST', body: 'a' }),
    ],
    ['keys differ', { key: 'alice' }, { key: 'bob' }],
    ['only one has a key', { key: 'alice' }, {}],
    [
      'functions have different keys',
      { key: 'alice', headers: () => alice },
      { key: 'bob', headers: () => alice },
    ],
    ['of two functions only one has a key', { key: 'alice', headers: () => alice }, { headers: () => alice }],
    ['functions without a key give different headers', { headers: () => alice }, { headers: () => bob }],
    ['one headers are given and the others asked for', { headers: alice }, { headers: () => alice }],
    [
      'headers are given with the key of a function',
      { key: 'a', headers: {} },
      { key: 'a', headers: () => alice },
    ],
    ['headers are cut in another way', { headers: { a: '1", "b' } }, { headers: { a: '1', b: '' } }],
  ])('where %s', async (_what, one, other) => {
    const { world } = await pagesOf([URL_OF_EVENTS, one], [URL_OF_EVENTS, other])
    expect(world.report().streams.map(({ subscribers }) => subscribers)).toEqual([1, 1])
    expect(world.upstream.requests).toHaveLength(2)
  })

  test('where URLs differ', async () => {
    const { world } = await pagesOf([URL_OF_EVENTS, {}], [`${URL_OF_EVENTS}?a=1`, {}])
    expect(world.report().streams).toHaveLength(2)
  })

  test('by functions without a key that fail at first, with nobody', async () => {
    const { world } = await pagesOf(
      [URL_OF_EVENTS, { headers: fails }],
      [URL_OF_EVENTS, { headers: fails }],
      [URL_OF_EVENTS, { headers: () => ({}) }],
      [URL_OF_EVENTS, {}],
    )
    expect(world.report().streams.map(({ subscribers }) => subscribers)).toEqual([1, 1, 1, 1])
  })

  test('by two users in four tabs: none is given what is another’s, not even after a failure', async () => {
    const userOf = (name: string): ConnectOptions => ({
      headers: () => ({ Authorization: `Bearer ${name}` }),
    })
    const { world, streams } = await pagesOf(
      ...['alice', 'bob', 'alice', 'bob'].map((name) => [URL_OF_EVENTS, userOf(name)] as const),
    )
    const given = streams.map((stream) => (stream === undefined ? [] : heard(stream, '*')))
    const tell = async () => {
      for (const name of ['alice', 'bob']) {
        world.upstream.write(
          `data: for ${name}\n\n`,
          ({ headers }) => headers.authorization === `Bearer ${name}`,
        )
      }
      await world.clock.advance(0)
    }
    await world.clock.advance(0)
    await tell()
    world.upstream.cut()
    await world.clock.advance(1_000)
    await tell()
    const [forAlice, forBob] = ['alice', 'bob'].map((name) => Array(2).fill(`message for ${name}`))
    expect(given).toEqual([forAlice, forBob, forAlice, forBob])
    expect(world.upstream.requests).toHaveLength(4)
  })
})

describe('a function without a key', () => {
  test('is asked before anything else, and once for the first connection', async () => {
    const world = new UpstreamWorld()
    const reasons: string[] = []
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS, {
      headers: (reason) => {
        reasons.push(reason)
        return { a: String(reasons.length) }
      },
    })
    expect(stream.status.state).toBe('connecting')
    await world.clock.advance(OPEN)
    expect(reasons).toEqual(['connect'])
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(reasons).toEqual(['connect', 'retry'])
    expect(world.upstream.requests.map(({ headers }) => headers.a)).toEqual(['1', '2'])
  })

  test('may take its time, in which listeners are added and taken away', async () => {
    const world = new UpstreamWorld()
    let give: (headers: HeadersInit) => void = () => {}
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS, {
      headers: () => new Promise((resolve) => (give = resolve)),
    })
    const off = stream.on('b', () => {})
    await world.clock.advance(60_000)
    expect(world.hubs).toEqual([])
    const words = heard(stream, 'a')
    off()
    give({})
    await world.clock.advance(OPEN)
    expect(world.report().streams).toMatchObject([{ names: ['a'] }])
    world.upstream.write('event: a\ndata: 1\n\n')
    await world.clock.advance(0)
    expect(words).toEqual(['a 1'])
  })

  test('gives nothing stale to a hub that connects much later', async () => {
    const world = new UpstreamWorld()
    let token = 'old'
    const pages = ['asked', 'never asked'].map((name) => new Page(world, name))
    for (const page of pages) page.connect(URL_OF_EVENTS, { headers: () => ({ token }) })
    await world.clock.advance(60_000)
    token = 'new'
    pages[0]?.agent.kill()
    world.workers()[0]?.agent.kill()
    await world.clock.advance(5_000)
    expect(world.upstream.requests.map(({ headers }) => headers.token)).toEqual(['old', 'new'])
  })

  test('asks for nothing where the stream is closed meanwhile', async () => {
    const world = new UpstreamWorld()
    let give: (headers: HeadersInit) => void = () => {}
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS, {
      headers: () => new Promise((resolve) => (give = resolve)),
    })
    const words = statuses(stream)
    stream.on('a', () => {})
    await world.clock.advance(OPEN)
    stream.close()
    give({})
    await world.clock.advance(60_000)
    expect(world.hubs).toEqual([])
    expect(words).toEqual(['closed'])
  })

  test('asks for nothing where the page goes meanwhile, and for the stream when it comes back', async () => {
    const world = new UpstreamWorld()
    let give: (headers: HeadersInit) => void = () => {}
    const page = new Page(world, 'page')
    const stream = page.connect(URL_OF_EVENTS, {
      headers: () => new Promise((resolve) => (give = resolve)),
    })
    stream.on('a', () => {})
    await world.clock.advance(OPEN)
    page.happen('pagehide')
    give({})
    await world.clock.advance(5_000)
    expect(world.upstream.requests).toEqual([])
    page.happen('pageshow')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(1)
    expect(stream.status.state).toBe('open')
  })
})
