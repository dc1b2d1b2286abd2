import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TabstreamError } from '../../../src/page/errors.ts'
import type { SharedSocket } from '../../../src/websocket/shared-socket.ts'
import type { SocketConnectOptions } from '../../../src/websocket/socket-options.ts'
import type { VirtualServer } from '../../sim/world/server.ts'
import { World } from '../../sim/world/world.ts'
import { enter } from '../current-page.ts'
import { heard, inWords, OPEN, Page } from '../upstream.ts'

const { connectSocket } = await import('../../../src/websocket/connect-socket.ts')

const SCRIPT = 'https://dash.test/websocket-source.js'

const FRAMED: SocketConnectOptions = {
  script: SCRIPT,
  frame: { name: '/type', id: '/seq', data: '/payload' },
  resume: { query: 'after' },
}

type Untyped = (url: unknown, options?: unknown) => SharedSocket

beforeEach(() => {
  vi.stubGlobal('location', { href: 'https://dash.test/app/' })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

const createWorld = () => new World({ kinds: ['strict'], random: () => 0 })

const serverOf = ({ servers }: World) => servers[0] as VirtualServer

/** What `connectSocket()` returns in a page of its own. */
function open(world: World, name: string, options: object = {}, url: unknown = '/0'): SharedSocket {
  enter(new Page(world, name).client)
  return (connectSocket as Untyped)(url, { ...FRAMED, ...options })
}

describe('a socket', () => {
  test('is shared by pages that ask for the same, and its messages are events', async () => {
    const world = createWorld()
    const sockets = ['one', 'other'].map((name) => open(world, name))
    const words = sockets.map((socket) => heard(socket, 'a'))
    await world.clock.advance(OPEN)
    serverOf(world).send('a')
    serverOf(world).send('a')
    await world.clock.advance(OPEN)
    expect(words[0]).toHaveLength(2)
    expect(words[1]).toEqual(words[0])
    expect(serverOf(world).requests).toEqual([''])
  })

  test.each([
    ['another address', { url: 'wss://dash.test/0?x' }, 2],
    ['the same address in other words', { url: 'https://dash.test/0#fragment' }, 1],
    ['another key', { key: 'b' }, 2],
    ['other words first', { hello: ['b'] }, 2],
    ['no words first', { hello: undefined }, 2],
    ['another frame', { frame: {} }, 2],
    ['another protocol', { protocols: 'b' }, 2],
    ['the same protocol as a list', { protocols: ['a'] }, 1],
  ])('and %s', async (_, { url = '/0', ...other }: { url?: string } & object, connections) => {
    const world = createWorld()
    const usual = { key: 'a', hello: ['a'], protocols: 'a' }
    open(world, 'one', usual)
    open(world, 'other', { ...usual, ...other }, url)
    await world.clock.advance(OPEN)
    expect(serverOf(world).connections).toBe(connections)
  })

  test('says first what a function gives, once for all pages with the same key', async () => {
    const world = createWorld()
    const reasons: string[] = []
    const hello = async (reason: string) => [{ token: 'ä€\u{1f600}', count: reasons.push(reason) }]
    for (const name of ['one', 'other']) open(world, name, { key: 'a user', hello })
    await world.clock.advance(OPEN)
    expect(reasons).toEqual(['connect'])
    expect(world.heard.map(({ data }) => data)).toEqual(['{"token":"ä€\u{1f600}","count":1}'])
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(3_000)
    expect(reasons).toEqual(['connect', 'retry'])
  })

  test('is not shared where functions say different things first, and there is no key', async () => {
    const world = createWorld()
    for (const name of ['one', 'other']) open(world, name, { hello: () => [name] })
    await world.clock.advance(OPEN)
    expect(world.heard.map(({ data }) => data).sort()).toEqual(['one', 'other'])
    expect(serverOf(world).connections).toBe(2)
  })

  test('asks a function for each address', async () => {
    const world = createWorld()
    let tickets = 0
    open(world, 'one', { key: 'a user' }, () => `https://dash.test/0?ticket=${++tickets}`)
    await world.clock.advance(OPEN)
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(3_000)
    expect(tickets).toBe(2)
    expect(serverOf(world).requests).toHaveLength(2)
  })

  test('asks a function for the subprotocols of each connection, with the reason, in one of the pages with the key', async () => {
    const world = createWorld()
    const reasons: string[] = []
    const protocols = async (reason: string) => ['v1', `token-${reasons.push(reason)}`]
    const options = { key: 'a user', closeCodes: { 1006: 'unauthorized' }, hello: ['hi'] }
    for (const name of ['one', 'other']) open(world, name, { ...options, protocols })
    await world.clock.advance(OPEN)
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(OPEN)
    expect(reasons).toEqual(['connect', 'unauthorized'])
    expect(world.offered).toEqual([
      ['v1', 'token-1'],
      ['v1', 'token-2'],
    ])
    expect(world.heard.map(({ data }) => data)).toEqual(['hi', 'hi'])
  })

  test('goes on with the subprotocols of another page where the one that was asked dies', async () => {
    const world = createWorld()
    const first = new Page(world, 'first')
    enter(first.client)
    const asked: string[] = []
    const hang = (reason: string) => (asked.push(reason) > 1 ? new Promise(() => {}) : 'of-first')
    ;(connectSocket as Untyped)('/0', { ...FRAMED, key: 'a user', protocols: hang })
    open(world, 'second', { key: 'a user', protocols: () => 'of-second' })
    await world.clock.advance(OPEN)
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(3_000)
    expect(asked).toEqual(['connect', 'retry'])
    expect(world.offered).toEqual([['of-first']])
    first.agent.kill()
    await world.clock.advance(OPEN)
    expect(world.offered).toEqual([['of-first'], ['of-second']])
  })

  test.each([
    ['two keys', 'a user', 'another'],
    ['other answers without a key', undefined, undefined],
  ])('is not shared by two users whose functions give subprotocols: %s', async (_, ...keys) => {
    const world = createWorld()
    for (const [index, key] of keys.entries()) {
      const given = { protocols: () => `token-${index}`, ...(key !== undefined && { key }) }
      open(world, `page ${index}`, given)
    }
    await world.clock.advance(OPEN)
    expect([...world.offered].sort()).toEqual([['token-0'], ['token-1']])
    expect(serverOf(world).connections).toBe(2)
  })

  test.each([undefined, 5, 'a secret, and no token', [''], [{}]])(
    'is not opened with subprotocols that are none, nor is what was given repeated: %s',
    async (given) => {
      const world = createWorld()
      const socket = open(world, 'one', { key: 'a user', protocols: () => given })
      await world.clock.advance(OPEN)
      expect(world.offered).toEqual([])
      expect(socket.status.error?.message).toBe(
        'a page could not give headers or URL: tabstream: the function for protocols must give a name or a list of names',
      )
    },
  )

  test('has none where a function gives none', async () => {
    const world = createWorld()
    open(world, 'one', { key: 'a user', protocols: () => [] })
    await world.clock.advance(OPEN)
    expect(world.offered).toEqual([[]])
  })

  test.each([undefined, null, '', {}, 'https://'])(
    'has no address where a function gives none: %s',
    async (given) => {
      const world = createWorld()
      const socket = open(world, 'one', { key: 'a user' }, () => given)
      await world.clock.advance(OPEN)
      expect(serverOf(world).requests).toEqual([])
      expect(socket.status.error?.message).toMatch(/the function must give an http or https URL/)
    },
  )

  test('is the same where the members of the frame come in another order', async () => {
    const world = createWorld()
    open(world, 'one')
    open(world, 'other', { frame: { data: '/payload', id: '/seq', name: '/type' } })
    await world.clock.advance(OPEN)
    expect(serverOf(world).connections).toBe(1)
  })

  test('asks for credentials again after each time that they have served for a while', async () => {
    const world = createWorld()
    const reasons: string[] = []
    const options = {
      key: 'a user',
      closeCodes: { 1006: 'unauthorized' },
      hello: (reason: string) => [`${reasons.push(reason)}`],
    }
    const socket = open(world, 'one', options)
    for (let time = 0; time < 3; time++) {
      await world.clock.advance(10_000)
      expect(socket.status.state).toBe('open')
      serverOf(world).cut(new TypeError('network error'))
    }
    await world.clock.advance(OPEN)
    expect(reasons).toEqual(['connect', 'unauthorized', 'unauthorized', 'unauthorized'])
    // They are refused at once.
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(OPEN)
    expect(socket.status.state).toBe('closed')
  })

  test('sends nothing that waits once the connection is another user’s', async () => {
    const world = createWorld()
    const users = ['user 1', 'user 1']
    const sockets = users.map((_, index) => open(world, `tab ${index}`, { hello: () => [users[index]] }))
    await world.clock.advance(OPEN)
    expect(world.heard.map(({ data }) => data)).toEqual(['user 1'])
    serverOf(world).refuseWith = 'network error'
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(10)
    const waiting = sockets[1]?.send('of user 1').then(
      () => 'sent',
      ({ type }) => type,
    )
    await world.clock.advance(10)
    users[0] = 'user 2'
    serverOf(world).refuseWith = undefined
    await world.clock.advance(5_000)
    const heard = world.heard.map(({ data, connection }) => `${connection} ${data}`)
    const connectionOf = (text: string) => heard.find((one) => one.endsWith(text))?.split(' ')[0]
    expect(connectionOf('user 2')).toBeDefined()
    expect(connectionOf('of user 1')).not.toBe(connectionOf('user 2'))
    expect(await waiting).toBe('not-sent')
  })

  test('sends nothing while it is not known whether the connection is still the page’s own', async () => {
    const world = createWorld()
    let answer = (_: string[]) => {}
    const asked: string[] = []
    const hello = (reason: string) =>
      asked.push(reason) === 1 ? ['a'] : new Promise<string[]>((resolve) => (answer = resolve))
    const socket = open(world, 'one', { hello })
    await world.clock.advance(OPEN)
    // What was given first is good for the first connection.
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(3_000)
    expect(asked).toEqual(['connect', 'retry'])
    const sending = socket.send('1').catch(({ type }) => type)
    await world.clock.advance(10)
    answer(['a'])
    await world.clock.advance(OPEN)
    expect(await sending).toBe('not-sent')
    const later = socket.send('2')
    await world.clock.advance(OPEN)
    await later
    expect(world.heard.map(({ data }) => data)).toEqual(['a', 'a', '2'])
  })

  test('leaves no gap where the page says that nothing is missing', async () => {
    const world = createWorld()
    const gaps: string[] = []
    for (const resume of [undefined, 'none'])
      open(world, `${resume}`, { resume, key: `${resume}` }).onGap(({ reason }) =>
        gaps.push(`${resume}: ${reason}`),
      )
    await world.clock.advance(OPEN)
    serverOf(world).send('a')
    await world.clock.advance(OPEN)
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(3_000)
    serverOf(world).send('a')
    await world.clock.advance(OPEN)
    expect(gaps).toEqual(['undefined: history-lost'])
  })
})

describe('sending', () => {
  test.each<[unknown, string]>([
    ['text', 'text'],
    ['', ''],
    [{ a: [1] }, '{"a":[1]}'],
    [null, 'null'],
    [0, '0'],
  ])('%j', async (message, sent) => {
    const world = createWorld()
    const socket = open(world, 'one')
    const outcome = socket.send(message as string)
    await world.clock.advance(OPEN)
    await outcome
    expect(world.heard.map(({ data }) => data)).toEqual([sent])
  })

  test('of bytes sends just these', async () => {
    const world = createWorld()
    const socket = open(world, 'one')
    const bytes = Uint8Array.from([1, 2, 3, 4])
    socket.send(bytes.subarray(1, 3))
    socket.send(new DataView(bytes.buffer, 3))
    socket.send(bytes.buffer)
    // What becomes of them later does not matter.
    bytes.fill(9, 0, 3)
    await world.clock.advance(OPEN)
    const all = world.heard.map(({ data }) => [...new Uint8Array(data as unknown as ArrayBuffer)])
    expect(all).toEqual([[2, 3], [4], [1, 2, 3, 4]])
  })

  test('of bytes of another realm sends them', async () => {
    const world = createWorld()
    const bytes = runInNewContext('Uint8Array.from([1, 2]).buffer')
    open(world, 'one').send(bytes)
    await world.clock.advance(OPEN)
    expect(world.heard.map(({ data }) => [...new Uint8Array(data as unknown as ArrayBuffer)])).toEqual([
      [1, 2],
    ])
  })

  test.each([undefined, () => {}, Symbol('a'), 1n, new Map(), new Blob(['a']), new FormData()])(
    'what is no message is refused at the call',
    async (message) => {
      const socket = open(createWorld(), 'one')
      await expect(socket.send(message as never)).rejects.toMatchObject({
        type: 'configuration',
        message: expect.stringContaining('a message must be a string, bytes, or what JSON can express'),
      })
    },
  )

  test.each([
    undefined,
    {},
    { match: {} },
    { match: { ref: 1 } },
    { match: { '/ref': {} } },
    { match: { '/ref': 1 }, timeout: -1 },
    { match: { '/ref': 1 }, timeout: 'soon' },
  ])('a request with %j is refused', async (options) => {
    const socket = open(createWorld(), 'one')
    await expect(socket.request('a', options as never)).rejects.toThrow(
      /match must be|timeout must be|options/,
    )
  })

  test('is over when the page has closed the socket', async () => {
    const world = createWorld()
    const socket = open(world, 'one')
    await world.clock.advance(OPEN)
    socket.close()
    const outcome = expect(socket.send('a')).rejects.toMatchObject({ type: 'not-sent' })
    await world.clock.advance(OPEN)
    await outcome
    expect(world.heard).toEqual([])
  })

  test('is over when the server has ended the stream, and the page is told why', async () => {
    const world = createWorld()
    const socket = open(world, 'one', { retry: false })
    await world.clock.advance(OPEN)
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(OPEN)
    expect(inWords(socket.status)).toBe('closed: the WebSocket was lost, or could not be had (1006)')
    await expect(socket.send('a')).rejects.toMatchObject({ type: 'not-sent' })
  })
})

describe('what makes no sense is refused at the call:', () => {
  test.each<[string, object, string]>([
    ['protocols', { protocols: 'a b' }, 'protocols must be a name or a list of names'],
    ['protocols', { protocols: [1] }, 'protocols must be'],
    ['frame', { frame: { name: 'type' } }, 'frame must be an object of JSON Pointers'],
    ['frame', { frame: { event: '/type' } }, 'frame must be'],
    ['frame', { frame: [] }, 'frame must be'],
    ['binary', { binary: '' }, 'binary must be the name of an event'],
    ['queue', { queue: -1 }, 'queue must be a whole number, not number -1'],
    ['closeCodes', { closeCodes: { 5: 'end' } }, 'closeCodes must be'],
    ['closeCodes', { closeCodes: { 4000: 'stop' } }, 'closeCodes must be'],
    ['resume', { resume: 'auto' }, 'resume must be "none", { query: name } or { hello: JSON Pointer }'],
    ['resume', { resume: { query: '' } }, 'resume must be'],
    ['resume', { resume: { hello: 'after' } }, 'resume must be'],
    ['resume', { resume: { hello: '' } }, 'resume must be'],
    ['resume', { resume: { query: 'a', hello: '/a' } }, 'resume must be'],
    ['resume', { resume: { hello: '/__proto__/x' }, hello: [{}] }, 'resume must be'],
    ['resume', { resume: { hello: '/after' } }, 'resume: { hello } needs a hello'],
    ['hello', { hello: 'hi' }, 'hello must be a list of messages, not "hi"'],
    ['hello', { hello: [1n] }, 'hello must be what JSON can express'],
    [
      'heartbeat',
      { heartbeat: { every: 10, send: '' } },
      'heartbeat.every must be a number of ms, 1000 at least',
    ],
    [
      'heartbeat',
      { heartbeat: { every: 1e4, send: '', within: -1 } },
      'heartbeat.within must be a number of ms',
    ],
    ['heartbeat', { heartbeat: { every: 1e4, send: '', expect: 1 } }, 'heartbeat.expect must be'],
    ['heartbeat', { heartbeat: { every: 1e4 } }, 'heartbeat.send must be what JSON can express'],
    ['headers', { headers: {} }, 'a WebSocket has no headers'],
    ['method', { method: 'GET' }, 'a WebSocket has no method'],
    ['an option', { frames: {} }, 'a stream knows no option "frames"'],
  ])('%s, number %#', (_, options, message) => {
    expect(() => open(createWorld(), 'one', options)).toThrow(TabstreamError)
    expect(() => open(createWorld(), 'one', options)).toThrow(message)
  })

  test('an address', () => {
    expect(() => open(createWorld(), 'one', {}, 'ftp://dash.test')).toThrow('no URL of scheme "ftp:"')
    expect(() => open(createWorld(), 'one', {}, 'http://')).toThrow(DOMException)
    expect(() => open(createWorld(), 'one', {}, () => '/')).toThrow('needs a key')
  })
})
