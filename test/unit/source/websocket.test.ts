import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  HELLO,
  type Outcome,
  type Outgoing,
  PROTOCOLS,
  type SocketOptions,
} from '../../../src/link/socket.ts'
import { errorOf, type Failure } from '../../../worker/source/failure.ts'
import type { Head, Receiver, Source, SourceEvent } from '../../../worker/source/source.ts'
import { source } from '../../../worker/source/websocket.ts'
import { requestTo } from '../../sim/world/samples.ts'

const OPTIONS: SocketOptions = {
  protocols: [],
  frame: { name: '/type', id: '/seq', data: '/payload' },
  binary: 'binary',
  closeCodes: {},
  queue: 3,
}

const URL_OF_SOCKET = 'wss://dash.test/live?a=1'

/** The server's end of a socket: a test says what it does. */
class Socket extends EventTarget {
  readyState = 0
  bufferedAmount = 0
  protocol = ''
  binaryType = ''
  readonly sent: unknown[] = []
  readonly url: string
  readonly offered: readonly string[]

  constructor(url: string, offered: readonly string[]) {
    super()
    this.url = url
    this.offered = offered
  }

  send(data: unknown): void {
    // As a browser does, which drops it without a word.
    if (this.readyState === 1) this.sent.push(data)
  }

  close(): void {
    this.readyState = 3
  }

  open(): void {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }

  bring(...messages: unknown[]): void {
    for (const message of messages) {
      const data =
        typeof message === 'string' || message instanceof ArrayBuffer ? message : JSON.stringify(message)
      this.dispatchEvent(new MessageEvent('message', { data }))
    }
  }

  end(code: number, reason = ''): void {
    this.readyState = 3
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }))
  }
}

/** One stream by WebSocket, and all that it has brought. */
class Stream implements Receiver {
  readonly sockets: Socket[] = []
  readonly events: SourceEvent[] = []
  readonly heads: Head[] = []
  readonly advice: string[] = []
  readonly idsAlone: string[] = []
  /** How many events had come by each time that a slice was handed over. */
  readonly flushes: number[] = []
  /** How often everything else has had its turn. */
  turns = 0
  url = URL_OF_SOCKET
  now = () => 0
  bytes = 0
  maxEventSize = 1_000
  /** Settles when what has come has been taken. */
  room: Promise<void> | undefined
  abort = new AbortController()
  readonly #source: Source

  constructor(options: Partial<SocketOptions> = {}) {
    const openSocket = (url: string, protocols: readonly string[]) => {
      const socket = new Socket(url, protocols)
      this.sockets.push(socket)
      return socket as unknown as WebSocket
    }
    const turn = async () => {
      this.turns++
    }
    const platform = { now: () => this.now(), setTimeout, clearTimeout, turn, openSocket }
    this.#source = source(platform as never, { ...OPTIONS, ...options })
  }

  connect(resumeAfter = '', hello?: unknown, protocols?: string): Promise<Failure> {
    this.abort = new AbortController()
    const headers: [string, string][] = hello === undefined ? [] : [[HELLO, JSON.stringify(hello)]]
    if (protocols !== undefined) headers.push([PROTOCOLS, protocols])
    const connection = {
      ...requestTo(this.url, { headers }),
      followsRedirects: true,
      resumeAfter,
      maxEventSize: this.maxEventSize,
      readsRefusal: true,
      signal: this.abort.signal,
    }
    return this.#source(connection, this)
  }

  /** The socket of the latest connection, open. */
  async open(resumeAfter?: string, hello?: unknown): Promise<{ socket: Socket; end: Promise<Failure> }> {
    const end = this.connect(resumeAfter, hello)
    const socket = this.sockets.at(-1) as Socket
    socket.open()
    return { socket, end }
  }

  send(data: string, more: Partial<Outgoing> = {}): Promise<Outcome> {
    return this.#source.send?.({ data, ...more }) as Promise<Outcome>
  }

  end(): void {
    this.#source.drop?.(true)
  }

  /** To another user. */
  handOn(): void {
    this.#source.drop?.(false)
  }

  opened(head: Head): void {
    this.heads.push(head)
  }

  event(event: SourceEvent): void {
    this.events.push(event)
  }

  idAlone(id: string): void {
    this.idsAlone.push(id)
  }

  retry(): void {}

  takesUnfinished(): boolean {
    return false
  }

  advise(message: string): void {
    this.advice.push(message)
  }

  alive(bytes: number): void {
    this.bytes += bytes
  }

  flushed(): Promise<void> | undefined {
    this.flushes.push(this.events.length)
    return this.room
  }
}

/** Lets what was said above happen. */
const settled = () => vi.advanceTimersByTimeAsync(0)

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('messages', () => {
  /** The event that a message is. */
  const eventOf = async (message: unknown, frame: SocketOptions['frame'] = OPTIONS.frame) => {
    const stream = new Stream({ frame })
    const { socket } = await stream.open()
    socket.bring(message)
    await settled()
    expect(stream.events).toHaveLength(1)
    return { ...stream.events[0], advice: stream.advice.length }
  }

  test.each<[string, unknown, Partial<SourceEvent>]>([
    ['all members', { type: 'a', seq: '7', payload: 'text' }, { name: 'a', id: '7', data: 'text' }],
    ['a number as the ID', { type: 'a', seq: 7, payload: '' }, { name: 'a', id: '7', data: '' }],
    ['0 as the ID', { type: 'a', seq: 0, payload: '' }, { name: 'a', id: '0' }],
    ['data that are no text', { type: 'a', payload: { x: [1] } }, { data: '{"x":[1]}', id: undefined }],
    ['data null', { type: 'a', payload: null }, { data: 'null' }],
    ['no name', { payload: 'x' }, { name: 'message', data: 'x' }],
    ['a name that is none', { type: 5, payload: 'x' }, { name: 'message' }],
    ['no data: all of it', { type: 'a', seq: 1 }, { data: '{"type":"a","seq":1}' }],
    ['an ID with a line break, which is none', { seq: 'a\nb', payload: 'x' }, { id: undefined }],
    ['an ID that is an object, which is none', { seq: {}, payload: 'x' }, { id: undefined }],
    ['a whole number that JavaScript rounds', '{"seq":9007199254740993}', { id: '9007199254740993' }],
    ['a whole number in another form', '{"seq":7.0e1}', { id: '70' }],
    ['such a number that JavaScript rounds', '{"seq":1e30}', { id: undefined }],
    ['data as the server writes them', '{"payload":{"price": 1.10}}', { data: '{"price": 1.10}' }],
    ['an ID that is no text', { seq: 'a\ud800' }, { id: undefined }],
    ['JSON that is no object', '[1]', { name: 'message', data: '[1]' }],
  ])('%s', async (_, message, expected) => {
    expect(await eventOf(message)).toMatchObject(expected)
  })

  test('that are no JSON are events without an ID, and whoever runs the server is told', async () => {
    expect(await eventOf('hello')).toEqual({ name: 'message', data: 'hello', id: undefined, advice: 1 })
  })

  test('may be nested as deep as they like', async () => {
    const payload = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const stream = new Stream()
    stream.maxEventSize = 1e6
    const { socket } = await stream.open()
    socket.bring(`{"payload":${payload}}`)
    await settled()
    expect(stream.events).toEqual([{ name: 'message', data: payload, id: undefined }])
  })

  test('are the data where nobody has said how to read them', async () => {
    const text = '{"type":"a","seq":7}'
    expect(await eventOf(text, {})).toEqual({ name: 'message', data: text, id: undefined, advice: 0 })
  })

  test('of bytes have a character for each', async () => {
    const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => index)
    const stream = new Stream()
    stream.maxEventSize = 1e6
    const { socket } = await stream.open()
    socket.bring(bytes.buffer)
    await settled()
    const { name, data = '' } = stream.events[0] ?? {}
    expect(name).toBe('binary')
    expect(Uint8Array.from(data, (character) => character.charCodeAt(0))).toEqual(bytes)
    expect(stream.bytes).toBe(20_000)
  })

  test('of members deep inside, whose names have slashes', async () => {
    const frame = { name: '/a~1b/0', id: '/~0' }
    const event = await eventOf({ 'a/b': ['deep'], '~': 'id' }, frame)
    expect(event).toMatchObject({ name: 'deep', id: 'id' })
  })

  test.each<[string, string, unknown, Partial<SourceEvent>[]]>([
    ['a list', '', [{ type: 'a', seq: 1 }, { payload: 'b' }], [{ name: 'a', id: '1' }, { data: 'b' }]],
    ['a list inside', '/list', { list: [{ type: 'a' }, 'text'] }, [{ name: 'a' }, { data: '"text"' }]],
    ['an empty list', '/list', { list: [] }, []],
    ['no list, which is one event', '/list', { type: 'a', list: 5 }, [{ name: 'a' }]],
  ])('of several events: %s', async (_, each, message, expected) => {
    const stream = new Stream({ frame: { ...OPTIONS.frame, each } })
    const { socket } = await stream.open()
    socket.bring(JSON.stringify(message))
    await settled()
    expect(stream.events).toMatchObject(expected)
    expect(stream.events).toHaveLength(expected.length)
  })

  test('that are too large end the stream', async () => {
    const stream = new Stream()
    const { socket, end } = await stream.open()
    socket.bring('x'.repeat(1_001), { payload: 'never' })
    expect(await end).toMatchObject({
      isFinal: true,
      message: 'the server sent an event of more than 1,000 characters',
    })
    expect(stream.events).toEqual([])
    expect(socket.readyState).toBe(3)
  })
})

describe('reading', () => {
  test('waits for room, and keeps the order', async () => {
    const stream = new Stream({ frame: {} })
    const { socket } = await stream.open()
    let go = () => {}
    stream.room = new Promise((resolve) => {
      go = resolve
    })
    socket.bring('1')
    await settled()
    socket.bring('2', '3')
    await settled()
    expect(stream.events.map(({ data }) => data)).toEqual(['1'])
    stream.room = undefined
    go()
    await settled()
    expect(stream.events.map(({ data }) => data)).toEqual(['1', '2', '3'])
  })

  test('closes a connection that brings more than 16 Mi characters meanwhile', async () => {
    const stream = new Stream({ frame: {} })
    stream.maxEventSize = 1_048_576
    const { socket, end } = await stream.open()
    stream.room = new Promise(() => {})
    socket.bring('1')
    await settled()
    const large = 'x'.repeat(1_048_576)
    for (let count = 0; count <= 16; count++) socket.bring(large)
    expect(await end).toMatchObject({
      isFinal: false,
      message: expect.stringMatching(/more than pages can take/),
    })
    expect(socket.readyState).toBe(3)
  })

  /** Otherwise a log would push off what tabs that work have yet to be given. */
  test.each([
    ['of one event each', {}, (events: readonly unknown[]) => events],
    ['of many events', { each: '' }, (events: readonly unknown[]) => [events]],
  ])(
    'lets tabs take what has come every 32,768 characters or so, in messages %s',
    async (_, frame, messagesOf) => {
      const stream = new Stream({ frame: { ...OPTIONS.frame, ...frame } })
      stream.maxEventSize = 1e9
      const { socket, end } = await stream.open()
      const events = Array.from({ length: 10_000 }, (_, seq) => ({ seq, payload: 'x'.repeat(100) }))
      socket.bring(...messagesOf(events))
      socket.end(1000)
      await end
      expect(stream.events).toHaveLength(10_000)
      const slices = stream.flushes.map((count, index) => count - (stream.flushes[index - 1] ?? 0))
      expect(Math.max(...slices)).toBeLessThanOrEqual(300)
    },
  )

  test('lets everything else have its turn when that has waited for 16 ms', async () => {
    const stream = new Stream()
    const { socket, end } = await stream.open()
    let now = 0
    stream.now = () => (now += 4)
    const begun = stream.turns
    socket.bring(...Array.from({ length: 4_000 }, (_, seq) => ({ seq, payload: 'x'.repeat(100) })))
    socket.end(1000)
    await end
    expect(stream.flushes.length).toBeGreaterThan(16)
    expect(stream.turns - begun).toBe(1 + Math.floor((stream.flushes.length - 1) / 5))
  })

  test('ends where handing over fails, rather than standing still', async () => {
    const stream = new Stream({ frame: {} })
    const { socket, end } = await stream.open()
    stream.event = () => {
      throw new Error('out of memory')
    }
    socket.bring('a')
    expect(await end).toMatchObject({ message: 'out of memory', isFinal: false })
    expect(socket.readyState).toBe(3)
  })

  test('closes a connection that brings empty messages without end meanwhile', async () => {
    const stream = new Stream({ frame: {} })
    const { socket, end } = await stream.open()
    stream.room = new Promise(() => {})
    socket.bring('1')
    await settled()
    for (let count = 0; count <= 262_144; count++) socket.bring('')
    expect(await end).toMatchObject({ message: expect.stringMatching(/more than pages can take/) })
  })

  test('ends for good with a message that is larger than all that may wait', async () => {
    const stream = new Stream({ frame: {} })
    const { socket, end } = await stream.open()
    socket.bring('x'.repeat(17 * 1_048_576))
    expect(await end).toMatchObject({ isFinal: true })
  })

  test('hands over what has come just before the end', async () => {
    const stream = new Stream({ frame: {} })
    const { socket, end } = await stream.open()
    socket.bring('last words')
    socket.end(1000)
    expect(await end).toMatchObject({ isEnd: true, isFinal: false })
    expect(stream.events.map(({ data }) => data)).toEqual(['last words'])
  })

  test('ends with the reason of whoever ends it', async () => {
    const stream = new Stream()
    const { socket, end } = await stream.open()
    stream.abort.abort(new Error('enough'))
    expect(await end).toMatchObject({ message: 'enough' })
    socket.bring({ payload: 'never' })
    await settled()
    expect(stream.events).toEqual([])
    expect(socket.readyState).toBe(3)
  })
})

describe('resumption', () => {
  test('by a parameter of the URL', async () => {
    const stream = new Stream({ resume: { query: 'after' } })
    await stream.open()
    await stream.open('x y&')
    expect(stream.sockets.map(({ url }) => url)).toEqual([URL_OF_SOCKET, `${URL_OF_SOCKET}&after=x%20y%26`])
    expect(stream.heads.map(({ deniesResumption }) => deniesResumption)).toEqual([false, false])
  })

  test('by the first object that is said', async () => {
    const stream = new Stream({ resume: { hello: '/resume/after' } })
    const { socket: first } = await stream.open('', ['hi', { type: 'begin' }])
    const { socket: second } = await stream.open('7', ['hi', { type: 'begin' }])
    expect(first.sent).toEqual(['hi', '{"type":"begin"}'])
    expect(second.sent).toEqual(['hi', '{"type":"begin","resume":{"after":"7"}}'])
  })

  test('leaves the rest of the URL as it is', async () => {
    const stream = new Stream({ resume: { query: 'after' } })
    stream.url = 'wss://dash.test/live?sig=a%20b~c(d)&after=3&flag'
    await stream.open('7')
    expect(stream.sockets[0]?.url).toBe('wss://dash.test/live?sig=a%20b~c(d)&flag&after=7')
  })

  test.each([
    ['nothing is said', undefined],
    ['no object is', ['hi']],
    ['it would be a member of a list', [['auth', 1]]],
  ])('is not believed where the ID has no place: %s', async (_, hello) => {
    const stream = new Stream({ resume: { hello: '/after' } })
    await stream.open('7', hello)
    expect(stream.heads).toMatchObject([{ deniesResumption: true }])
  })

  test('finds its place behind a list', async () => {
    const stream = new Stream({ resume: { hello: '/after' } })
    const { socket } = await stream.open('7', [['auth', 1], { a: 1 }])
    expect(socket.sent).toEqual(['["auth",1]', '{"a":1,"after":"7"}'])
    expect(stream.heads).toMatchObject([{ deniesResumption: false }])
  })

  test('finds its place in a list', async () => {
    const stream = new Stream({ resume: { hello: '/1/after' } })
    const { socket } = await stream.open('7', [['join', {}]])
    expect(socket.sent).toEqual(['["join",{"after":"7"}]'])
  })

  test('is not believed of a server that is told nothing', async () => {
    const stream = new Stream()
    await stream.open('7')
    expect(stream.heads).toMatchObject([{ deniesResumption: true, status: 101, origin: 'wss://dash.test' }])
  })
})

test('the subprotocol that the server has chosen is told to the pages alone', async () => {
  const stream = new Stream({ protocols: ['a', 'token'] })
  const end = stream.connect()
  const socket = stream.sockets.at(-1) as Socket
  socket.protocol = 'token'
  socket.open()
  expect(stream.heads).toMatchObject([{ protocol: 'token', headers: [] }])
  stream.abort.abort()
  await end
})

test('subprotocols are those that a page has given for the connection, or those of all', () => {
  const stream = new Stream({ protocols: ['of all'] })
  stream.connect()
  stream.connect('', undefined, 'v1,token')
  expect(stream.sockets.map(({ offered }) => offered)).toEqual([['of all'], ['v1', 'token']])
})

describe('the end of a connection', () => {
  test.each<[number, Partial<Failure>]>([
    [1000, { isEnd: true, isFinal: false, status: 0 }],
    [1001, { isEnd: true, isFinal: false }],
    [1006, { isEnd: false, isFinal: false, status: 0 }],
    [1011, { isFinal: false, status: 0 }],
    [1013, { isFinal: false, status: 0 }],
    [1008, { isFinal: true, status: 1008 }],
    [4000, { isFinal: true, status: 4000 }],
    [4401, { isFinal: false, status: 401 }],
  ])('%i', async (code, expected) => {
    const stream = new Stream()
    const { socket, end } = await stream.open()
    socket.end(code, 'because')
    const failure = await end
    expect(failure).toMatchObject({ ...expected, closeCode: code, body: 'because' })
    // What the server says is for the stream's own pages; the message is told to others.
    expect(failure.message).toMatch(new RegExp(`^the (server closed the )?WebSocket [^:]*\\(${code}\\)$`))
    expect(errorOf(failure)).toEqual({
      message: failure.message,
      status: code,
      contentType: '',
      body: 'because',
    })
  })

  test('that nobody has closed is not put down to the server', async () => {
    const stream = new Stream()
    const { socket, end } = await stream.open()
    socket.end(1006)
    expect((await end).message).toBe('the WebSocket was lost, or could not be had (1006)')
  })

  test('that was given up comes late, and is not that of the next one', async () => {
    const stream = new Stream()
    const { socket: old } = await stream.open()
    stream.abort.abort(new Error('another is wanted'))
    const { socket } = await stream.open()
    const asking = stream.send('ask', { match: [['/ref', 'x']] })
    old.end(1006)
    expect(await stream.send('1')).toEqual({ type: 'sent' })
    socket.bring({ ref: 'x' })
    expect(await asking).toMatchObject({ type: 'answered' })
    expect(socket.sent).toEqual(['ask', '1'])
  })

  test('means what the page says', async () => {
    const stream = new Stream({ closeCodes: { 4000: 'retry', 1013: 'end', 4001: 'unauthorized' } })
    const failures: Failure[] = []
    for (const code of [4000, 1013, 4001]) {
      const { socket, end } = await stream.open()
      socket.end(code)
      failures.push(await end)
    }
    expect(failures).toMatchObject([
      { isFinal: false, status: 0 },
      { isFinal: true, status: 1013 },
      { isFinal: false, status: 401 },
    ])
  })
})

describe('a heartbeat', () => {
  const heartbeat = { every: 5_000, send: 'ping', expect: 'pong', within: 1_000 }

  test('is sent after silence, and its answer is no event', async () => {
    const stream = new Stream({ heartbeat })
    const { socket } = await stream.open()
    await vi.advanceTimersByTimeAsync(4_000)
    socket.bring({ type: 'a', payload: '' })
    await vi.advanceTimersByTimeAsync(4_000)
    expect(socket.sent).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(socket.sent).toEqual(['ping'])
    socket.bring({ type: 'pong' })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(socket.sent).toEqual(['ping', 'ping'])
    expect(stream.events.map(({ name }) => name)).toEqual(['a'])
  })

  test('that nobody answers ends the connection', async () => {
    const stream = new Stream({ heartbeat })
    const { socket, end } = await stream.open()
    await vi.advanceTimersByTimeAsync(6_000)
    expect(await end).toMatchObject({
      isFinal: false,
      message: 'the server has answered no heartbeat for 1 seconds',
    })
    expect(socket.readyState).toBe(3)
  })

  test('may be answered by mere text, or by what has an ID', async () => {
    const stream = new Stream({ heartbeat })
    const { socket } = await stream.open()
    socket.bring('pong', { type: 'pong', seq: 8 })
    await settled()
    expect(stream.events).toEqual([])
    expect(stream.advice).toEqual([])
    expect(stream.idsAlone).toEqual(['8'])
  })

  test('needs no answer where the page wants none', async () => {
    const stream = new Stream({ heartbeat: { ...heartbeat, within: 0 } })
    const { socket } = await stream.open()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(socket.sent).toEqual(['ping', 'ping', 'ping', 'ping'])
    expect(socket.readyState).toBe(1)
  })
})

describe('sending', () => {
  test('waits for a connection, in order, behind what is said first', async () => {
    const stream = new Stream()
    const outcomes = Promise.all([stream.send('1'), stream.send('2')])
    const { socket } = await stream.open('', ['hello'])
    expect(socket.sent).toEqual(['hello', '1', '2'])
    expect(await outcomes).toEqual([{ type: 'sent' }, { type: 'sent' }])
  })

  test('waits for the next connection where the last one is closing', async () => {
    const stream = new Stream()
    const { socket } = await stream.open()
    socket.readyState = 2
    const outcome = stream.send('1')
    await settled()
    expect(socket.sent).toEqual([])
    socket.end(1006)
    const { socket: next } = await stream.open()
    expect(next.sent).toEqual(['1'])
    expect(await outcome).toEqual({ type: 'sent' })
  })

  test('is refused where too many wait', async () => {
    const stream = new Stream()
    const outcomes = ['1', '2', '3', '4'].map((data) => stream.send(data))
    expect(await outcomes[3]).toEqual({ type: 'not-sent', message: '3 messages wait already' })
    const { socket } = await stream.open()
    expect(socket.sent).toEqual(['1', '2', '3'])
  })

  test('waits while the socket has more than 1 MiB to send', async () => {
    const stream = new Stream()
    const { socket } = await stream.open()
    socket.bufferedAmount = 1_048_577
    const outcome = stream.send('1')
    await vi.advanceTimersByTimeAsync(100)
    expect(socket.sent).toEqual([])
    socket.bufferedAmount = 0
    await vi.advanceTimersByTimeAsync(20)
    expect(socket.sent).toEqual(['1'])
    expect(await outcome).toEqual({ type: 'sent' })
  })

  test('is over when the stream is', async () => {
    const stream = new Stream()
    const waiting = stream.send('1')
    stream.end()
    const ended = { type: 'not-sent', message: 'the stream has ended' }
    expect(await waiting).toEqual(ended)
    expect(await stream.send('2')).toEqual(ended)
  })

  test('is over for what waits when the stream is another user’s', async () => {
    const stream = new Stream()
    const waiting = stream.send('1')
    stream.handOn()
    expect(await waiting).toEqual({ type: 'not-sent', message: 'the connection is another user’s now' })
    const later = stream.send('2')
    const { socket } = await stream.open()
    expect(socket.sent).toEqual(['2'])
    expect(await later).toEqual({ type: 'sent' })
  })

  test.each([
    undefined,
    'text',
    { data: 1 },
    { data: 'a', match: [] },
    { data: 'a', match: [['no pointer', 1]] },
    { data: 'a', timeout: '1' },
  ])('%j is no message', async (message) => {
    const sending = source({ setTimeout, clearTimeout } as never, OPTIONS).send?.(message)
    expect(await sending).toEqual({ type: 'not-sent', message: 'it is no message' })
  })
})

describe('a request', () => {
  const ASKING = { match: [['/ref', 'x']], timeout: 1_000 } as const

  test('is answered by the message that it waits for, which is no event', async () => {
    const stream = new Stream()
    const { socket } = await stream.open()
    const outcome = stream.send('ask', ASKING)
    socket.bring({ type: 'a', ref: 'y' }, { ref: 'x', of: 'it' }, { type: 'b', ref: 'x' })
    expect(await outcome).toEqual({ type: 'answered', data: '{"ref":"x","of":"it"}' })
    await settled()
    // Only the first is.
    expect(stream.events.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  test('is answered where nobody has said how to read messages', async () => {
    const stream = new Stream({ frame: {} })
    const { socket } = await stream.open()
    const outcome = stream.send('ask', ASKING)
    socket.bring('no JSON', { ref: 'x' })
    expect(await outcome).toEqual({ type: 'answered', data: '{"ref":"x"}' })
    expect(stream.events.map(({ data }) => data)).toEqual(['no JSON'])
    expect(stream.advice).toEqual([])
  })

  test('is answered though pages are slow, and in good time for the end; its ID counts in its turn', async () => {
    const stream = new Stream()
    const { socket, end } = await stream.open()
    let go = () => {}
    stream.room = new Promise((resolve) => {
      go = resolve
    })
    const outcome = stream.send('ask', ASKING)
    socket.bring({ type: 'a', seq: 1 })
    await settled()
    socket.bring({ type: 'b', seq: 2 }, { ref: 'x', seq: 3 })
    socket.end(1006)
    expect(await outcome).toMatchObject({ type: 'answered' })
    expect(stream.idsAlone).toEqual([])
    stream.room = undefined
    go()
    await end
    expect(stream.events.map(({ id }) => id)).toEqual(['1', '2'])
    expect(stream.idsAlone).toEqual(['3'])
  })

  test('is found among ten thousand of as many messages in linear time', async () => {
    const stream = new Stream({ queue: 10_000 })
    stream.maxEventSize = 1e9
    const { socket } = await stream.open()
    const COUNT = 10_000
    const ask = (ref: number) => stream.send('ask', { match: [['/ref', ref]] })
    const outcomes = Array.from({ length: COUNT }, (_, ref) => ask(ref))
    const lookups = vi.spyOn(Object, 'hasOwn')
    for (let ref = COUNT; ref > 0; ref--) socket.bring({ ref: ref - 1 })
    const calls = lookups.mock.calls.length
    lookups.mockRestore()
    expect(await Promise.all(outcomes)).toHaveLength(COUNT)
    expect(calls).toBeLessThanOrEqual(3 * COUNT)
  })

  test('of several tabs with equal values is answered in the order of sending', async () => {
    const stream = new Stream()
    const { socket } = await stream.open()
    const outcomes = [stream.send('one', ASKING), stream.send('other', ASKING)]
    const wanted = {
      match: [
        ['/ref', 'x'],
        ['/ok', true],
      ],
    } as const
    const narrow = stream.send('narrow', wanted)
    socket.bring({ ref: 'x', n: 1 }, { ref: 'x', n: 2 }, { ref: 'x', ok: 'true' }, { ref: 'x', ok: true })
    expect(await Promise.all(outcomes)).toMatchObject([
      { data: '{"ref":"x","n":1}' },
      { data: '{"ref":"x","n":2}' },
    ])
    expect(await narrow).toMatchObject({ data: '{"ref":"x","ok":true}' })
  })

  test('has so much time from when it is sent', async () => {
    const stream = new Stream()
    const outcome = stream.send('ask', ASKING)
    await vi.advanceTimersByTimeAsync(5_000)
    await stream.open()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await outcome).toEqual({ type: 'no-answer', message: 'no answer has come in 1000 ms' })
  })

  test('is not answered on another connection', async () => {
    const stream = new Stream()
    const { socket } = await stream.open()
    const outcome = stream.send('ask', ASKING)
    socket.end(1006)
    expect(await outcome).toMatchObject({ type: 'no-answer' })
    const { socket: next } = await stream.open()
    next.bring({ type: 'a', ref: 'x' })
    await settled()
    expect(next.sent).toEqual([])
    expect(stream.events.map(({ name }) => name)).toEqual(['a'])
  })
})

test('a socket that cannot be had ends the stream', async () => {
  const openSocket = () => {
    throw new DOMException('wrong protocol', 'SyntaxError')
  }
  const connect = source(
    { now: () => 0, setTimeout, clearTimeout, turn: async () => {}, openSocket } as never,
    OPTIONS,
  )
  const stream = new Stream()
  const connection = {
    ...requestTo(URL_OF_SOCKET),
    followsRedirects: true,
    resumeAfter: '',
    maxEventSize: 1_000,
    readsRefusal: true,
    signal: new AbortController().signal,
  }
  expect(await connect(connection, stream)).toMatchObject({
    isFinal: true,
    message: 'no WebSocket can be opened (wrong protocol)',
  })
})
