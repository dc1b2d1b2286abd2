import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { centrifugo } from '../../../src/topics/engines.ts'
import { FailedError, type Failure } from '../../../worker/source/failure.ts'
import type { ConnectionRequest, Head, Receiver, Source, SourceEvent } from '../../../worker/source/source.ts'
import { source } from '../../../worker/source/topics.ts'

const URL_OF_STREAM = 'https://dash.test/connection/uni_sse'

const GATHER = 50
const PATIENCE = 2_000
const AGAIN = 5_000

const HEAD: Head = {
  origin: 'https://dash.test',
  status: 200,
  headers: [],
  confirmsResumption: false,
  deniesResumption: false,
}

/** As many publications as there are offsets, each of which is its data as well. */
const publications = (...offsets: number[]) => offsets.map((offset) => ({ data: offset, offset }))

/** How a channel begins. */
const at = (offset: number, epoch = 'x') => ({ recoverable: true, epoch, offset })

/** How one goes on behind an offset. */
const recovered = (offset: number, ...offsets: number[]) => ({
  ...at(offset),
  recovered: true,
  publications: publications(...offsets),
})

/** One response of the server. */
class Response {
  readonly request: ConnectionRequest
  readonly receiver: Receiver
  readonly #resolve: (failure: Failure) => void

  constructor(request: ConnectionRequest, receiver: Receiver, resolve: (failure: Failure) => void) {
    this.request = request
    this.receiver = receiver
    this.#resolve = resolve
    request.signal.addEventListener('abort', () => resolve(new FailedError('given up').failure))
  }

  get isGivenUp(): boolean {
    return this.request.signal.aborted
  }

  get connect(): { subs: Record<string, unknown>; token?: string; name?: string } {
    return JSON.parse(new URL(this.request.url).searchParams.get('cf_connect') ?? this.request.body ?? '')
  }

  /** The head, and the first frame. */
  open(subs: object): this {
    this.receiver.opened(HEAD)
    return this.frame({ connect: { client: 'c', subs, ping: 25 } })
  }

  frame(message: object): this {
    return this.raw(JSON.stringify(message))
  }

  raw(data: string): this {
    this.receiver.event({ name: 'message', data, id: undefined })
    return this
  }

  /** For each of the words a publication: `a1` is of channel `a` and has the offset and the data 1. */
  bring(words: string): this {
    for (const word of words.split(' ')) {
      const offset = Number(word.slice(1))
      this.frame({ channel: word[0], pub: { data: offset, offset } })
    }
    return this
  }

  end(message: string): void {
    this.#resolve(new FailedError(message).failure)
  }
}

/** A source, and what it has brought. */
class Stream {
  readonly responses: Response[] = []
  readonly events: SourceEvent[] = []
  readonly heads: Head[] = []
  readonly advice: string[] = []
  /** The last ID that came by itself. */
  place = ''
  flushes = 0
  readonly source: Source

  constructor(engine = centrifugo()) {
    const events: Source = (request, receiver) =>
      new Promise((resolve) => {
        this.responses.push(new Response(request, receiver, resolve))
      })
    const platform = {
      now: () => Date.now(),
      setTimeout: (callback: () => void, delay: number) => setTimeout(callback, delay),
      clearTimeout: (timer: unknown) => clearTimeout(timer as undefined),
      turn: () => Promise.resolve(),
    }
    this.source = source(platform as never, engine, events)
  }

  connect(request: Partial<ConnectionRequest> = {}): Promise<Failure> {
    const { signal } = new AbortController()
    const usual = {
      url: URL_OF_STREAM,
      method: 'GET',
      headers: [],
      resumeAfter: '',
      maxEventSize: 100,
      signal,
    }
    return this.source({ ...usual, ...request } as unknown as ConnectionRequest, {
      opened: (head) => this.heads.push(head),
      event: (event) => this.events.push(event),
      idAlone: (id) => {
        this.place = id
      },
      retry: () => {},
      takesUnfinished: () => false,
      advise: (message) => this.advice.push(message),
      alive: () => {},
      flushed: () => {
        this.flushes++
        return undefined
      },
    })
  }

  listen(...names: string[]): void {
    this.source.listen?.(names)
  }

  ready(topic: string): Promise<unknown> | undefined {
    return this.source.send?.({ topic })
  }

  get words(): string {
    return this.events
      .map(({ name, data }) => (name === ':unrecovered' ? `gap${data}` : `${name}${data}`))
      .join(' ')
  }

  get ids(): (string | undefined)[] {
    return this.events.map(({ id }) => id)
  }

  get last(): Response {
    const last = this.responses.at(-1)
    if (last === undefined) throw new Error('nothing has been asked for')
    return last
  }
}

/** A response for these channels, opened. */
function opened(subs: Record<string, object>, request?: Partial<ConnectionRequest>) {
  const stream = new Stream()
  stream.listen(...Object.keys(subs))
  const ended = stream.connect(request)
  stream.last.open(subs)
  return { stream, ended, present: stream.last }
}

/** One response that has brought `a1`, and another one that asks for `b` as well, and has not answered. */
async function overlap() {
  const { stream, ended, present } = opened({ a: at(0) })
  present.bring('a1')
  stream.listen('a', 'b')
  await vi.advanceTimersByTimeAsync(GATHER)
  return { stream, ended, present, other: stream.last }
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('Centrifugo is asked', () => {
  test('for channels, in one value with what the URL and the body say', () => {
    const stream = new Stream()
    stream.listen('b', 'a')
    stream.connect({
      url: `${URL_OF_STREAM}?x=1&cf_connect=${encodeURIComponent('{"name":"app","subs":{"c":{}}}')}`,
    })
    expect(stream.last.connect).toEqual({ name: 'app', subs: { a: {}, b: {} } })
    expect(stream.last.request).toMatchObject({ method: 'GET', resumeAfter: '' })
    stream.connect({ method: 'POST', body: '{"data":{"n":1}}' })
    expect(stream.last.request).toMatchObject({ method: 'POST', url: URL_OF_STREAM })
    expect(stream.last.connect).toEqual({ data: { n: 1 }, subs: { a: {}, b: {} } })
  })

  test('with the token that the header has', () => {
    const headers = [
      ['authorization', 'Bearer abc'],
      ['x-app', '1'],
    ] as const
    const stream = new Stream()
    stream.listen('a')
    stream.connect({ headers: [...headers] as never })
    expect(stream.last.connect.token).toBe('abc')
    expect(stream.last.request.headers).toEqual([['x-app', '1']])
    const proxied = new Stream(centrifugo({ proxied: true }))
    proxied.listen('a')
    proxied.connect({ headers: [...headers] as never })
    expect(proxied.last.connect.token).toBeUndefined()
    expect(proxied.last.request.headers).toEqual(headers)
  })

  test('by a POST where the URL would be too long', () => {
    const stream = new Stream()
    const names = Array.from({ length: 200 }, (_, index) => `channel-${index}`)
    stream.listen(...names)
    stream.connect({ url: `${URL_OF_STREAM}?x=1&cf_connect=%7B%22name%22%3A%22app%22%7D` })
    expect(stream.last.request).toMatchObject({ method: 'POST', url: `${URL_OF_STREAM}?x=1` })
    expect(stream.last.connect.name).toBe('app')
    expect(Object.keys(stream.last.connect.subs)).toHaveLength(200)
  })

  test('to go on where an ID says', () => {
    const stream = new Stream()
    stream.listen('a', 'b', 'c', 'd,;:=')
    stream.connect({
      resumeAfter: 'a=x:7␟d%2C%3B%3A%3D=y%3A:3',
      latest: ['b=x:2␟a=x:7', 'a=x:8␟b=x:2,c=z:5'],
    })
    expect(stream.last.connect.subs).toEqual({
      a: { recover: true, epoch: 'x', offset: 7 },
      // It comes again.
      b: { recover: true, epoch: 'x', offset: 1 },
      c: { recover: true, epoch: 'z', offset: 5 },
      'd,;:=': { recover: true, epoch: 'y:', offset: 3 },
    })
  })
})

describe('an event of Centrifugo', () => {
  test('has an ID of how far all channels have come', () => {
    const { stream, present } = opened({ a: at(0), b: at(4) })
    expect(stream.place).toBe('a=x:0,b=x:4')
    present.bring('a1 b5 a2')
    expect(stream.words).toBe('a1 b5 a2')
    expect(stream.ids).toEqual(['a=x:1␟b=x:4', 'b=x:5␟a=x:1', 'a=x:2␟b=x:5'])
    expect(stream.place).toBe('a=x:2␟b=x:5')
  })

  test.each<[string, unknown, string]>([
    ['as it is written', { n: 1.0, big: 1 }, '{"n":1,"big":1}'],
    ['as a text', 'a "text"', 'a "text"'],
  ])('has its data %s', (_, data, expected) => {
    const { stream, present } = opened({ a: at(0) })
    present.frame({ channel: 'a', pub: { data, offset: 1, tags: { x: '1' } } })
    expect(stream.events[0]?.data).toBe(expected)
  })

  test('is given only where its channel was asked for', () => {
    const { stream, present } = opened({ a: at(0) })
    present
      .raw('{}')
      .bring('z9')
      .frame({ channel: 'a', join: { info: {} } })
      .frame({ message: { data: 1 } })
    present.bring('a1')
    expect(stream.words).toBe('a1')
    expect(stream.advice).toEqual([])
    present.raw('what?')
    expect(stream.advice).toEqual(['https://dash.test has sent a message that is not JSON'])
  })

  test('may not be larger than pages allow', async () => {
    const { stream, ended, present } = opened({ a: at(0) })
    present.frame({ channel: 'a', pub: { data: 'x'.repeat(101), offset: 1 } })
    expect(await ended).toMatchObject({ isFinal: true })
    expect(stream.events).toEqual([])
  })
})

describe('a connection that resumes', () => {
  test('brings what is known first, under the IDs that it had', () => {
    const resumeAfter = 'a=x:1␟b=x:1'
    const latest = ['b=x:2␟a=x:1', 'a=x:3␟b=x:3']
    const subs = { a: recovered(1, 2, 3, 4), b: recovered(1, 2, 3, 4), c: at(0) }
    const { stream } = opened(subs, { resumeAfter: `${resumeAfter},c=x:0`, latest })
    expect(stream.words).toBe('b2 b3 a2 a3 a4 b4')
    expect(stream.ids[0]).toBe('b=x:2␟a=x:1')
    expect(stream.ids[3]).toBe('a=x:3␟b=x:3')
    expect(stream.heads).toMatchObject([{ confirmsResumption: true }])
  })

  test('tells a gap where the server has not recovered a channel', () => {
    const subs = { a: recovered(1, 2, 3), b: at(9) }
    const { stream } = opened(subs, { resumeAfter: 'a=x:1␟b=x:1', latest: ['a=x:2␟b=x:1'] })
    expect(stream.words).toBe('a2 gap{"channels":["b"]} a3')
    expect(stream.ids[1]).toBe('a=x:2,b=x:9')
    stream.last.bring('b10')
    expect(stream.ids.at(-1)).toBe('b=x:10␟a=x:3')
  })

  test.each<[string, object]>([
    ['has another epoch', at(2, 'y')],
    ['has gone back', at(1)],
    ['keeps nothing any more', {}],
    ['leaves something out, as a cache does', recovered(1, 4)],
  ])('tells a gap where a channel %s', (_, sub) => {
    const { stream } = opened({ a: sub }, { resumeAfter: 'a=x:1␟', latest: ['a=x:2␟'] })
    expect(stream.words).toMatch(/^gap\{"channels":\["a"\]\}/)
  })

  test('tells none where the history is too short, though nothing is new', () => {
    const { stream } = opened({ a: at(2) }, { resumeAfter: 'a=x:1␟', latest: ['a=x:2␟'] })
    expect(stream.words).toBe('')
    stream.last.bring('a3')
    expect(stream.ids).toEqual(['a=x:3␟'])
  })

  test('tells one where a former hub may have had a channel of which nothing is known', () => {
    const { stream, present } = opened({ a: recovered(1), b: at(4) }, { resumeAfter: 'a=x:1␟' })
    expect(stream.words).toBe('gap{"channels":["b"]}')
    expect(
      stream.source.begin?.(['b'], { had: [], lastId: 'a=x:1␟', from: 0, isElsewhere: true }),
    ).toBeDefined()
    expect(
      stream.source.begin?.(['a'], { had: [], lastId: 'a=x:1␟', from: 0, isElsewhere: true }),
    ).toBeUndefined()
    // By now this hub knows.
    present.end('gone')
    stream.listen('a', 'b', 'c')
    stream.connect({ resumeAfter: 'a=x:1,b=x:4' })
    stream.last.open({ a: recovered(1), b: recovered(4), c: at(0) })
    expect(stream.events).toHaveLength(1)
  })

  test('goes on with a channel that the hub has added, though no event has an ID of it yet', () => {
    const { stream, present } = opened({ a: at(1), b: at(4) })
    present.end('gone')
    stream.connect({ resumeAfter: 'a=x:1␟' })
    expect(stream.last.connect.subs).toMatchObject({ b: { recover: true, epoch: 'x', offset: 4 } })
  })

  test('gives what one frame holds in slices', async () => {
    const offsets = Array.from({ length: 30 }, (_, index) => index + 2)
    const { stream, present } = opened(
      { a: recovered(1, ...offsets), b: at(0) },
      { resumeAfter: 'a=x:1,b=x:0' },
    )
    present.bring('a32')
    expect(stream.events).toHaveLength(8)
    await present.receiver.flushed()
    expect(stream.flushes).toBeGreaterThan(3)
    expect(stream.words).toBe([...offsets, 32].map((offset) => `a${offset}`).join(' '))
    present.bring('a33')
    expect(stream.events).toHaveLength(32)
  })

  test('tells the gap later where the former one has ended before that', async () => {
    const offsets = Array.from({ length: 30 }, (_, index) => index + 2)
    const resumeAfter = 'a=x:1,b=x:1'
    const latest = offsets.map((offset) => `a=x:${offset}␟b=x:1`)
    const { stream, ended, present } = opened(
      { a: recovered(1, ...offsets), b: at(7) },
      { resumeAfter, latest },
    )
    present.frame({ disconnect: { code: 3001, reason: 'shutdown' } })
    await ended
    expect(stream.words).not.toContain('gap')
    stream.connect({ resumeAfter, latest })
    stream.last.open({ a: recovered(1, 2), b: at(7) })
    expect(stream.words).toMatch(/gap\{"channels":\["b"\]\}$/)
  })
})

describe('a channel without offsets', () => {
  test('has events without IDs, and leaves a gap at each connection', () => {
    const { stream, present } = opened({ a: at(0), z: {} })
    present.frame({ channel: 'z', pub: { data: 1 } })
    expect(stream.ids).toEqual([undefined])
    present.end('gone')
    stream.connect({ resumeAfter: stream.place })
    stream.last.open({ a: recovered(0), z: {} })
    expect(stream.words).toBe('z1 gap{"channels":["z"]}')
  })

  test('is one of which something came without one', () => {
    const { stream, present } = opened({ a: at(0) })
    present.frame({ channel: 'a', pub: { data: 1 } })
    present.end('gone')
    stream.connect({ resumeAfter: stream.place })
    stream.last.open({ a: recovered(0) })
    expect(stream.words).toBe('a1 gap{"channels":["a"]}')
  })

  test('leaves one when other channels are asked for, and nothing comes twice', async () => {
    const { stream, present } = opened({ z: {} })
    stream.listen('a', 'z')
    await vi.advanceTimersByTimeAsync(GATHER)
    present.frame({ channel: 'z', pub: { data: 1 } })
    stream.last.open({ a: at(0), z: {} }).frame({ channel: 'z', pub: { data: 2 } })
    expect(stream.words).toBe('z1 gap{"channels":["z"]} z2')
  })

  test('has events that may have come by both, and are given once', async () => {
    const { stream, present } = opened({ a: at(0), z: {} })
    stream.listen('a', 'b', 'z')
    await vi.advanceTimersByTimeAsync(GATHER)
    const publication = { channel: 'z', pub: { data: 1 } }
    stream.last.open({ a: at(1), b: at(0), z: {} }).frame(publication)
    present.frame(publication).bring('a1')
    expect(stream.words).toBe('z1 a1 gap{"channels":["z"]}')
  })
})

describe('when other channels are wanted', () => {
  test('another response goes on where the present one is, and takes over at once', async () => {
    const { stream, present, other } = await overlap()
    expect(other.connect.subs).toEqual({ a: { recover: true, epoch: 'x', offset: 1 }, b: {} })
    present.bring('a2')
    other.open({ a: recovered(1, 2, 3), b: at(6) })
    expect(present.isGivenUp).toBe(true)
    other.bring('b7 a4')
    expect(stream.words).toBe('a1 a2 a3 b7 a4')
    expect(stream.ids.at(-1)).toBe('a=x:4␟b=x:7')
    expect(stream.heads).toHaveLength(1)
  })

  test('it waits for the present one where its channels begin further on', async () => {
    const { stream, present, other } = await overlap()
    const told: string[] = []
    stream.ready('b')?.then(() => told.push('b'))
    other.open({ a: at(3), b: at(0) }).bring('b1 a4')
    expect(stream.words).toBe('a1')
    present.bring('a2')
    await vi.advanceTimersByTimeAsync(0)
    expect(told).toEqual([])
    present.bring('a3')
    expect(stream.words).toBe('a1 a2 a3 b1 a4')
    await vi.advanceTimersByTimeAsync(PATIENCE)
    expect(told).toEqual(['b'])
    expect(stream.responses).toHaveLength(2)
  })

  test('and the present one does not get there, the connection is made anew', async () => {
    const { stream, other, ended } = await overlap()
    other.open({ a: at(3), b: at(0) })
    await vi.advanceTimersByTimeAsync(PATIENCE)
    expect(await ended).toMatchObject({ isMove: true })
    expect(stream.place).toBe('a=x:1␟')
  })

  test('and too much would have to be held, it is made anew', async () => {
    const { other, ended } = await overlap()
    other.open({ a: at(3), b: at(0) })
    for (let offset = 1; offset < 1_002; offset++) other.bring(`b${offset}`)
    expect(await ended).toMatchObject({ isMove: true })
  })

  test('and the server refuses, the present one goes on, and they are asked for again', async () => {
    const { stream, present, other } = await overlap()
    other.receiver.opened(HEAD)
    other.frame({ disconnect: { code: 3501, reason: 'bad request' } })
    present.bring('a2')
    expect(stream.words).toBe('a1 a2')
    expect(stream.advice).toEqual([expect.stringContaining('bad request')])
    await vi.advanceTimersByTimeAsync(AGAIN)
    expect(stream.responses).toHaveLength(3)
  })

  test.each([
    ['the token has expired', 'other', 3005],
    ['a second connection is refused', 'other', 3504],
    ['the first one is sent away for the second', 'present', 3504],
  ] as const)('and %s, another connection is made', async (_, which, code) => {
    const responses = await overlap()
    responses[which].frame({ disconnect: { code, reason: '' } })
    expect(await responses.ended).toMatchObject({ isMove: true })
  })

  test('before there is an answer, the connection is made anew', async () => {
    const stream = new Stream()
    stream.listen('a')
    const ended = stream.connect()
    stream.listen('a', 'b')
    await vi.advanceTimersByTimeAsync(GATHER)
    expect(await ended).toMatchObject({ isMove: true })
  })

  test('and one is not permitted any more, a gap is told', async () => {
    const { stream, other } = await overlap()
    other.open({ b: at(0) })
    expect(stream.words).toBe('a1 gap{"channels":["a"]}')
    expect(stream.advice).toEqual(['https://dash.test has not subscribed this user to "a"'])
  })
})

describe('a page that waits for a channel is told', () => {
  test('when the server has subscribed this user to it, be it later', async () => {
    const stream = new Stream()
    stream.listen('a', 'b')
    stream.connect()
    const told: string[] = []
    for (const channel of ['a', 'b']) stream.ready(channel)?.then(() => told.push(channel))
    stream.last.receiver.opened(HEAD)
    await vi.advanceTimersByTimeAsync(0)
    expect(told).toEqual([])
    stream.last.open({ a: at(0) })
    await vi.advanceTimersByTimeAsync(AGAIN)
    expect(told).toEqual(['a'])
    expect(stream.responses).toHaveLength(1)
    expect(stream.advice).toEqual(['https://dash.test has not subscribed this user to "b"'])
    stream.last.frame({ channel: 'b', subscribe: at(3) }).bring('b4')
    await vi.advanceTimersByTimeAsync(0)
    expect(told).toEqual(['a', 'b'])
    expect(stream.ids).toEqual(['b=x:4␟a=x:0'])
  })
})

describe('the server ends a connection', () => {
  test.each<[number, object]>([
    [3000, { isFinal: false, status: 0 }],
    [3010, { isFinal: false, status: 0 }],
    [3499, { isFinal: false, status: 0 }],
    [3500, { isFinal: true, status: 401 }],
    [3503, { isFinal: true, status: 0 }],
    [3999, { isFinal: true }],
    [4000, { isFinal: false }],
    [4499, { isFinal: false }],
    [4500, { isFinal: true }],
    [4999, { isFinal: true }],
    [5000, { isFinal: false }],
  ])('with the code %d', async (code, failure) => {
    const { stream, ended, present } = opened({ a: at(0) })
    present.frame({ disconnect: { code, reason: 'why' } })
    const message = `the server has ended the connection: why (${code})`
    expect(await ended).toMatchObject({ message, closeCode: code, body: 'why', ...failure })
    present.bring('a1')
    expect(stream.events).toEqual([])
  })

  test('of which one channel is gone, so that all are asked for again', async () => {
    const { ended, present } = opened({ a: at(0) })
    present.frame({ channel: 'b', unsubscribe: { code: 2000 } })
    present.frame({ channel: 'a', unsubscribe: { code: 2000, reason: 'server unsubscribe' } })
    expect(await ended).toMatchObject({
      message: expect.stringContaining('"a"'),
      isFinal: false,
      isMove: false,
    })
  })

  test('of which one channel begins anew', async () => {
    const { ended, present } = opened({ a: at(0) })
    present.frame({ channel: 'a', subscribe: at(7) })
    expect(await ended).toMatchObject({ message: expect.stringContaining('"a"') })
  })
})

test('a connection that the hub ends takes all responses along', async () => {
  const stream = new Stream()
  stream.listen('a')
  const abort = new AbortController()
  const ended = stream.connect({ signal: abort.signal })
  stream.last.open({ a: at(0) })
  abort.abort(new Error('no longer wanted'))
  expect(await ended).toMatchObject({ message: 'no longer wanted' })
  expect(stream.last.isGivenUp).toBe(true)
  const over = stream.connect({ signal: abort.signal })
  expect(await over).toMatchObject({ message: 'no longer wanted' })
})
