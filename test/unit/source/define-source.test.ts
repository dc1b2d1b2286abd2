import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { SourceConnection, SourceParts } from '../../../src/source/app-source.ts'
import { defineSource } from '../../../src/source/define-source.ts'
import type { Failure } from '../../../worker/source/failure.ts'
import type { Head, Receiver, Source, SourceEvent } from '../../../worker/source/source.ts'
import { requestTo } from '../../sim/world/samples.ts'

const AT = 'https://dash.test/graphql'

/** One stream by an app's source, and all that it has brought. */
class Stream {
  readonly told: SourceConnection[] = []
  readonly events: SourceEvent[] = []
  readonly heads: Head[] = []
  readonly stop = vi.fn()
  readonly sent: unknown[] = []
  alive = 0
  maxEventSize = 1_000
  /** Settles when what has come has been taken. */
  room: Promise<void> | undefined
  abort = new AbortController()
  readonly source: Source
  readonly define = vi.fn()

  constructor(parts: Partial<SourceParts> = {}) {
    const make = (stream: unknown) => {
      this.define(stream)
      return {
        open: (connection: SourceConnection) => {
          this.told.push(connection)
          return this.stop
        },
        send: (message: unknown) => void this.sent.push(message),
        ...parts,
      }
    }
    const made = defineSource(make) as (platform: object, given: unknown) => unknown
    this.source = made({ now: () => 0, turn: async () => {} }, { options: { query: 'q' } }) as Source
  }

  connect(resumeAfter = ''): Promise<Failure> {
    this.abort = new AbortController()
    const receiver: Partial<Receiver> = {
      opened: (head) => void this.heads.push(head),
      event: (event) => void this.events.push(event),
      alive: () => void this.alive++,
      flushed: () => this.room,
    }
    const connection = {
      ...requestTo(AT, { headers: [['authorization', 'Bearer 1']] }),
      followsRedirects: true,
      resumeAfter,
      maxEventSize: this.maxEventSize,
      readsRefusal: true,
      signal: this.abort.signal,
    }
    return this.source(connection, receiver as Receiver)
  }

  get connection(): SourceConnection {
    return this.told.at(-1) as SourceConnection
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

const send = (stream: Stream, message: unknown) =>
  stream.source.send?.({ data: JSON.stringify(message) }) as Promise<unknown>

let stream: Stream
beforeEach(() => {
  stream = new Stream()
})

test('is told of its stream once, and of each connection', async () => {
  const end = stream.connect('7')
  const { url, lastEventId, headers, signal } = stream.connection
  expect([url, lastEventId, headers.get('Authorization'), signal.aborted]).toEqual([
    AT,
    '7',
    'Bearer 1',
    false,
  ])
  stream.connection.ended()
  expect(await end).toMatchObject({ isEnd: true, isFinal: false })
  stream.connect()
  expect(stream.define.mock.calls).toEqual([[{ url: AT, options: { query: 'q' } }]])
})

describe('what a connection brings', () => {
  test.each([
    [undefined, false, false],
    [{ resumed: true }, true, false],
    [{ resumed: false }, false, true],
  ])('is opened with %o', (about, confirmsResumption, deniesResumption) => {
    stream.connect()
    stream.connection.opened(about)
    stream.connection.opened({ resumed: true })
    expect(stream.heads).toEqual([
      { origin: 'https://dash.test', status: 200, headers: [], confirmsResumption, deniesResumption },
    ])
  })

  test('is open with its first event', async () => {
    stream.connect()
    stream.connection.alive()
    stream.connection.emit({ data: 'a' })
    stream.connection.emit({ name: 'b', data: 'c', id: '1' })
    expect(stream.heads).toHaveLength(1)
    stream.connection.alive()
    await settled()
    expect(stream.events).toMatchObject([
      { name: 'message', data: 'a', id: undefined },
      { name: 'b', data: 'c', id: '1' },
    ])
    expect(stream.alive).toBe(3)
  })

  test.each<[string, unknown, RegExp]>([
    ['data that are no text', { data: { a: 1 } }, /data of an event must be a string, not object/],
    ['no data', {}, /data of an event must be a string, not undefined/],
    ['nothing', undefined, /data of an event must be a string/],
    ['a name that is none', { data: '', name: 5 }, /name of an event must be a string, not number/],
    ['a number as the ID', { data: '', id: 5 }, /ID of an event must be a string without line breaks/],
    ['an ID with a line break', { data: '', id: 'a\n' }, /ID of an event must be/],
  ])('with %s fails the connection, and throws nothing', async (_, event, message) => {
    const end = stream.connect()
    stream.connection.emit(event as never)
    expect(await end).toMatchObject({ message: expect.stringMatching(message), isFinal: false })
    expect(stream.events).toEqual([])
  })

  test('is handed over before the failure that follows it', async () => {
    const end = stream.connect()
    stream.connection.emit({ data: 'a' })
    stream.connection.failed(new Error('gone'))
    stream.connection.emit({ data: 'b' })
    expect(await end).toMatchObject({ message: 'gone' })
    expect(stream.events).toHaveLength(1)
  })

  test('waits for slow tabs, up to 16 Mi characters', async () => {
    stream.maxEventSize = 1_048_576
    stream.room = new Promise(() => {})
    const end = stream.connect()
    const data = 'x'.repeat(1_048_576)
    for (let count = 0; count <= 16; count++) stream.connection.emit({ data })
    expect(await end).toMatchObject({
      message: expect.stringContaining('more than pages can take'),
      isFinal: false,
    })
    expect(stream.stop).toHaveBeenCalledOnce()
  })
})

describe('a connection ends', () => {
  test.each<[string, unknown, object | undefined, Partial<Failure>]>([
    ['for an error', new Error('gone'), undefined, { message: 'gone', status: 0, isFinal: false }],
    ['for a text', 'gone', { final: true }, { message: 'gone', isFinal: true }],
    ['for good credentials', 'no', { status: 401 }, { status: 401 }],
    ['for a while', 'busy', { retryAfter: 5_000 }, { retryAfter: 5_000 }],
    ['for whatever is said of it', 'x', { retryAfter: 'soon', status: '7' }, { retryAfter: 0, status: 0 }],
    ['with a socket', { code: 1006, reason: '' }, undefined, { message: expect.stringContaining('(1006)') }],
    ['with an event', new Event('error'), undefined, { message: 'the connection has failed' }],
    ['for several errors', [{ message: 'a' }, { message: 'b' }], undefined, { message: 'a; b' }],
  ])('%s', async (_, error, about, expected) => {
    const end = stream.connect()
    stream.connection.failed(error, about)
    expect(await end).toMatchObject(expected)
  })

  test('once, is closed once, and what is called later is ignored', async () => {
    const end = stream.connect()
    await settled()
    const { connection } = stream
    connection.failed('first')
    connection.failed('second')
    connection.ended()
    stream.abort.abort(new Error('third'))
    expect(await end).toMatchObject({ message: 'first' })
    connection.opened()
    connection.emit({ data: 'a' })
    connection.alive()
    await settled()
    expect([stream.heads, stream.events, connection.signal.aborted]).toEqual([[], [], true])
    expect(stream.stop).toHaveBeenCalledOnce()
  })

  test('where nobody wants it any more', async () => {
    const end = stream.connect()
    await settled()
    stream.abort.abort(new Error('enough'))
    expect(await end).toMatchObject({ message: 'enough' })
    expect(stream.stop).toHaveBeenCalledOnce()
  })

  test('before what closes it has come', async () => {
    const stop = vi.fn()
    let give = (_: () => void) => {}
    const late = new Stream({
      open: () =>
        new Promise((resolve) => {
          give = resolve
        }),
    })
    const end = late.connect()
    late.abort.abort(new Error('enough'))
    await end
    give(stop)
    await settled()
    expect(stop).toHaveBeenCalledOnce()
  })

  test.each<[string, Partial<SourceParts>]>([
    [
      'throws',
      {
        open: () => {
          throw new Error('a mistake')
        },
      },
    ],
    ['rejects', { open: async () => Promise.reject(new Error('a mistake')) }],
    ['is none', { open: undefined as never }],
  ])('where open() %s', async (_, parts) => {
    expect(await new Stream(parts).connect()).toMatchObject({ isFinal: false })
  })

  test('though what closes it throws', async () => {
    stream.stop.mockImplementation(() => {
      throw new Error('a mistake')
    })
    const end = stream.connect()
    await settled()
    stream.connection.ended()
    expect(await end).toMatchObject({ isEnd: true })
  })
})

describe('a message', () => {
  test('waits until a connection is open, and comes as what it was', async () => {
    const first = send(stream, { a: 1 })
    stream.connect()
    const bytes = stream.source.send?.({ data: new ArrayBuffer(2) })
    await settled()
    expect(stream.sent).toEqual([])
    stream.connection.opened()
    expect(await Promise.all([first, bytes])).toEqual([{ type: 'sent' }, { type: 'sent' }])
    expect(stream.sent).toEqual([{ a: 1 }, new ArrayBuffer(2)])
    stream.connection.failed('gone')
    const second = send(stream, 'b')
    await settled()
    expect(stream.sent).toHaveLength(2)
    stream.connect()
    stream.connection.opened()
    await second
    expect(stream.sent.at(-1)).toBe('b')
  })

  test.each<[string, SourceParts['send'], string]>([
    [
      'send() throws',
      () => {
        throw new Error('too long')
      },
      'too long',
    ],
    ['send() rejects', async () => Promise.reject(new Error('refused')), 'refused'],
    ['there is no send()', undefined, 'the source has no send()'],
  ])('is not sent where %s', async (_, sending, message) => {
    const other = new Stream({ send: sending as never })
    other.connect()
    other.connection.opened()
    expect(await send(other, 1)).toEqual({ type: 'not-sent', message })
  })

  test('is turned away where 64 wait, and where the stream has ended', async () => {
    const waiting = Array.from({ length: 64 }, () => send(stream, 1))
    expect(await send(stream, 1)).toMatchObject({ message: '64 messages wait already' })
    stream.source.drop?.(false)
    expect(await Promise.all(waiting)).toContainEqual({
      type: 'not-sent',
      message: 'the connection is another user’s now',
    })
    const last = send(stream, 1)
    stream.source.drop?.(true)
    expect(await last).toMatchObject({ type: 'not-sent' })
    expect(await send(stream, 1)).toMatchObject({ message: 'the stream has ended' })
  })

  test('that the source is at when the stream ends may have been sent', async () => {
    const other = new Stream({ send: () => new Promise(() => {}) })
    other.connect()
    other.connection.opened()
    const sending = send(other, 1)
    other.source.drop?.(true)
    expect(await sending).toMatchObject({ type: 'no-answer' })
  })
})

test('is made of a function', () => {
  expect(() => defineSource({} as never)).toThrow(/needs a function/)
})
