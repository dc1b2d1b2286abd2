import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StreamRequest } from '../../../src/link/protocol.ts'
import type { HubPlatform } from '../../../worker/platform.ts'
import { FailedError } from '../../../worker/source/failure.ts'
import type { Head, Receiver, SourceEvent } from '../../../worker/source/source.ts'
import { sse } from '../../../worker/source/sse.ts'
import { requestTo } from '../../sim/world/samples.ts'
import { cut, drawnBytes, readingOf } from '../event-stream.ts'
import { heapInUse } from '../heap.ts'

const REQUEST = requestTo('https://dash.test/events')

const EVENT_STREAM = { 'Content-Type': 'text/event-stream' }

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A body that brings these chunks, then ends, or fails where there is an error. */
const bodyOf = (chunks: readonly Uint8Array[], error?: Error): ReadableStream => {
  const left = [...chunks]
  return new ReadableStream({
    pull(controller) {
      const chunk = left.shift()
      if (chunk !== undefined) controller.enqueue(chunk)
      else if (error !== undefined) controller.error(error)
      else controller.close()
    },
  })
}

const responseOf = (...chunks: Uint8Array[]): Response =>
  new Response(bodyOf(chunks), { headers: EVENT_STREAM })

class Reading implements Receiver {
  readonly events: SourceEvent[] = []
  readonly retries: number[] = []
  readonly advice: string[] = []
  head: Head | undefined
  /** What was called, in order. */
  readonly calls: string[] = []
  readonly asked: { url: string; init: RequestInit }[] = []
  readonly abort = new AbortController()
  maxEventSize = 1_000_000
  followsRedirects = true
  isUnfinishedTaken = false
  now = (): number => Date.now()
  /** How often others have had theirs. */
  turns = 0
  readonly #answer: () => Promise<Response>

  constructor(answer: () => Response | Promise<Response>) {
    this.#answer = async () => answer()
  }

  /** Rejects unless the server ends the response. */
  async read(resumeAfter = '', request = REQUEST): Promise<void> {
    const fetch = (url: string, init: RequestInit) => {
      this.asked.push({ url, init })
      return this.#answer()
    }
    const { maxEventSize, followsRedirects } = this
    const { signal } = this.abort
    const world = { now: this.now, setTimeout, clearTimeout, isOnline: () => true }
    const turn = async () => {
      this.turns++
      await new Promise((resolve) => setImmediate(resolve))
    }
    const platform = { fetch, origin: 'https://dash.test', turn, ...world } as unknown as HubPlatform
    const failure = await sse(platform)(
      { ...request, followsRedirects, resumeAfter, maxEventSize, readsRefusal: true, signal },
      this,
    )
    if (failure.message !== 'the server ended the response') throw new FailedError(failure.message, failure)
  }

  get headers(): Record<string, string> {
    return this.asked[0]?.init.headers as Record<string, string>
  }

  opened(head: Head): void {
    this.head = head
    this.calls.push('opened')
  }

  event(event: SourceEvent): void {
    this.events.push(event)
    this.calls.push(event.data)
  }

  idAlone(id: string): void {
    this.calls.push(`id ${id}`)
  }

  takesUnfinished(): boolean {
    return this.isUnfinishedTaken
  }

  advise(message: string): void {
    this.advice.push(message)
  }

  alive(): void {}

  retry(milliseconds: number): void {
    this.retries.push(milliseconds)
  }

  flushed(): undefined {
    this.calls.push('flushed')
  }
}

/** The events of a response whose body is this text. */
async function eventsIn(text: string): Promise<SourceEvent[]> {
  const reading = new Reading(() => responseOf(bytesOf(text)))
  await reading.read()
  return reading.events
}

const dataIn = async (text: string): Promise<string[]> => (await eventsIn(text)).map(({ data }) => data)

describe('the request', () => {
  const ask = async (lastEventId: string, request?: StreamRequest) => {
    const reading = new Reading(() => responseOf())
    await reading.read(lastEventId, request)
    return reading
  }

  test('goes to the URL and asks for an event stream', async () => {
    const { asked, headers } = await ask('')
    expect(asked.map(({ url }) => url)).toEqual([REQUEST.url])
    expect(headers.accept).toBe('text/event-stream')
  })

  test('bypasses the cache', async () => {
    expect((await ask('')).asked[0]?.init.cache).toBe('no-store')
  })

  test.each(['same-origin', 'include'] as const)('passes on credentials mode %s', async (credentials) => {
    expect((await ask('', { ...REQUEST, credentials })).asked[0]?.init.credentials).toBe(credentials)
  })

  test.each<[boolean, RequestRedirect]>([
    [true, 'follow'],
    [false, 'manual'],
  ])('follows redirects or not: %s', async (followsRedirects, redirect) => {
    const reading = new Reading(() => responseOf())
    reading.followsRedirects = followsRedirects
    await reading.read()
    expect(reading.asked[0]?.init.redirect).toBe(redirect)
  })

  test('has no Last-Event-ID where there is none', async () => {
    expect(Object.keys((await ask('')).headers)).toEqual(['accept'])
  })

  test('carries the last event ID', async () => {
    expect((await ask('1795421911:0')).headers['Last-Event-ID']).toBe('1795421911:0')
  })

  test('carries an ID beyond Latin-1 as its UTF-8 bytes', async () => {
    const header = (await ask('é🙂')).headers['Last-Event-ID']
    expect(header).toBe('\xc3\xa9\xf0\x9f\x99\x82')
    expect(() => new Headers({ 'Last-Event-ID': String(header) })).not.toThrow()
  })
})

describe('the ID that the server says it resumes after', () => {
  const denies = async (lastEventId: string, headers: Record<string, string>): Promise<boolean> => {
    const reading = new Reading(() => new Response(bodyOf([]), { headers: { ...EVENT_STREAM, ...headers } }))
    await reading.read(lastEventId)
    return reading.head?.deniesResumption === true
  }

  test('need not be told', async () => {
    expect(await denies('7', {})).toBe(false)
  })

  test.each(['Last-Event-ID', 'Mercure-Last-Event-ID'])('is read from %s', async (header) => {
    expect(await denies('7', { [header]: '7' })).toBe(false)
    expect(await denies('7', { [header]: 'earliest' })).toBe(true)
  })

  test('need not be told where the server says whether it has resumed', async () => {
    expect(await denies('7', { 'Tabstream-Resumed': '1' })).toBe(false)
    expect(await denies('7', { 'Tabstream-Resumed': '0' })).toBe(true)
  })

  test.each([
    ['1', true],
    ['0', false],
  ])('is confirmed by Tabstream-Resumed: %s: %s', async (value, confirms) => {
    const headers = { ...EVENT_STREAM, 'Tabstream-Resumed': value }
    const reading = new Reading(() => new Response(bodyOf([]), { headers }))
    await reading.read('7')
    expect(reading.head?.confirmsResumption).toBe(confirms)
  })

  test('is the same with and without the blanks that a header cannot keep', async () => {
    expect(await denies(' 7 ', { 'Last-Event-ID': '7' })).toBe(false)
    expect(await denies('é', { 'Last-Event-ID': 'Ã©' })).toBe(false)
  })
})

describe('a request that cannot be made', () => {
  test.each([
    ['ftp://dash.test/', 'scheme "ftp:"'],
    ['ws://dash.test/', 'scheme "ws:"'],
    ['javascript:0', 'scheme "javascript:"'],
    ['about:blank', 'scheme "about:"'],
    ['https://user@dash.test/', 'user name or password'],
    ['https://:secret@dash.test/', 'user name or password'],
  ])('is not made, and not to be tried again: %s', async (url, words) => {
    const reading = new Reading(() => responseOf(bytesOf('data: x\n\n')))
    const error = await reading.read('', requestTo(url)).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(FailedError)
    expect(error).toMatchObject({
      message: expect.stringContaining(words),
      failure: { isFinal: true, status: 0 },
    })
    expect(String(error)).not.toContain('secret')
    expect(reading.asked).toEqual([])
  })

  test.each([
    'http://dash.test/',
    'https://dash.test/',
    'data:text/event-stream,data:x',
    'blob:https://dash.test/1',
  ])('is none of these: %s', async (url) => {
    const reading = new Reading(() => responseOf(bytesOf('data: x\n\n')))
    await reading.read('', requestTo(url))
    expect(reading.events).toMatchObject([{ data: 'x' }])
  })
})

describe('the answer', () => {
  test.each(['text/event-stream', 'text/event-stream;charset=utf-8', 'Text/Event-Stream ; charset=UTF-8'])(
    'is accepted as %s',
    async (type) => {
      const reading = new Reading(
        () => new Response(bodyOf([bytesOf('data: x\n\n')]), { headers: { 'Content-Type': type } }),
      )
      await reading.read()
      expect(reading.calls).toEqual(['opened', 'x', 'flushed'])
    },
  )

  test.each(['text/html', 'text/event-streams', 'application/json; text/event-stream', ''])(
    'is refused as "%s"',
    async (type) => {
      const reading = new Reading(
        () => new Response(bodyOf([bytesOf('data: x\n\n')]), { headers: { 'Content-Type': type } }),
      )
      await expect(reading.read()).rejects.toThrow(FailedError)
      await expect(reading.read()).rejects.toThrow(`content type "${type}"`)
      expect(reading.calls).toEqual([])
    },
  )

  test.each([204, 206, 301, 404, 500, 503])('is refused with status %i', async (status) => {
    const body = status === 204 ? null : bodyOf([bytesOf('data: x\n\n')])
    const reading = new Reading(() => new Response(body, { status, headers: EVENT_STREAM }))
    await expect(reading.read()).rejects.toThrow(FailedError)
    expect(reading.calls).toEqual([])
  })

  test('is refused with the status in the message', async () => {
    const reading = new Reading(() => new Response('gone', { status: 410 }))
    await expect(reading.read()).rejects.toThrow('status 410')
  })

  test('is refused for good where it is a redirect that must not be followed', async () => {
    const redirect = { type: 'opaqueredirect', status: 0, headers: new Headers(), body: null, url: '' }
    const reading = new Reading(() => redirect as unknown as Response)
    await expect(reading.read()).rejects.toMatchObject({
      failure: { isFinal: true, message: expect.stringContaining('say redirect: "follow"') },
    })
    expect(reading.calls).toEqual([])
  })

  test('ends its connection where it is refused', async () => {
    let isCancelled = false
    const body = new ReadableStream({
      cancel: () => {
        isCancelled = true
      },
    })
    const reading = new Reading(() => new Response(body, { status: 500 }))
    await expect(reading.read()).rejects.toThrow(FailedError)
    expect(isCancelled).toBe(true)
  })

  test('may have no body', async () => {
    const reading = new Reading(() => new Response(null, { headers: EVENT_STREAM }))
    await reading.read()
    expect(reading.calls).toEqual(['opened'])
  })
})

describe('an event without the blank line after it, at the end of the response', () => {
  const read = async (
    chunks: readonly string[],
    { isTaken = true, error }: { isTaken?: boolean; error?: Error },
  ) => {
    const body = bodyOf(chunks.map(bytesOf), error)
    const reading = new Reading(() => new Response(body, { headers: EVENT_STREAM }))
    reading.isUnfinishedTaken = isTaken
    await reading.read().catch(() => {})
    return reading
  }

  test.each<[string, string[]]>([
    ['after its line', ['data: 1\n\nevent: end\ndata: [DONE]\n']],
    ['within its line', ['data: 1\n\nevent: end\ndata: [DONE]']],
    ['after CR', ['data: 1\n\nevent: end\rdata: [DONE]\r']],
    ['in chunks', ['data: 1\n\neve', 'nt: end\nda', 'ta: [DO', 'NE]']],
  ])('counts where it is asked for: %s', async (_where, chunks) => {
    const { events, calls } = await read(chunks, {})
    expect(events.map(({ name, data }) => [name, data])).toEqual([
      ['message', '1'],
      ['end', '[DONE]'],
    ])
    expect(calls.slice(-2)).toEqual(['[DONE]', 'flushed'])
  })

  test('counts with a character that is cut at its end', async () => {
    const reading = new Reading(() => responseOf(bytesOf('data: x'), Uint8Array.of(0xc3)))
    reading.isUnfinishedTaken = true
    await reading.read()
    expect(reading.events.map(({ data }) => data)).toEqual(['x\ufffd'])
  })

  test('counts with its ID, and with all its lines', async () => {
    const { events } = await read(['data: 1\ndata: 2\nid: 7'], {})
    expect(events).toEqual([{ name: 'message', data: '1\n2', id: '7' }])
  })

  test.each<[string, string]>([
    ['a complete event', 'data: 1\n\n'],
    ['a comment', 'data: 1\n\n: end'],
    ['a name', 'data: 1\n\nevent: end'],
    ['an ID', 'data: 1\n\nid: 7'],
    ['half a field', 'data: 1\n\ndat'],
  ])('is none after %s', async (_what, text) => {
    expect((await read([text], {})).events.map(({ data }) => data)).toEqual(['1'])
  })

  test('gives no ID to resume after where it has been cut behind the ID', async () => {
    expect((await read(['data: 1\n\nid: 7\n'], {})).calls).not.toContain('id 7')
    expect((await read(['data: 1\n\nid: 7\n\n'], {})).calls).toContain('id 7')
  })

  test('is as large as any other may be', async () => {
    const reading = new Reading(() => responseOf(bytesOf(`data: ${'x'.repeat(500)}\nid: ${'x'.repeat(501)}`)))
    reading.isUnfinishedTaken = true
    reading.maxEventSize = 1_000
    await expect(reading.read()).rejects.toMatchObject({ failure: { isFinal: true } })
    expect(reading.events).toEqual([])
  })

  test('is discarded where it is not asked for', async () => {
    expect((await read(['data: 1\n\ndata: [DONE]'], { isTaken: false })).calls).toEqual([
      'opened',
      '1',
      'flushed',
    ])
  })

  test('is discarded where the connection breaks', async () => {
    const { calls } = await read(['data: 1\n\ndata: [DONE]'], { error: new TypeError('network error') })
    expect(calls).toEqual(['opened', '1', 'flushed'])
  })
})

describe('events', () => {
  test('carry name, data and ID', async () => {
    expect(await eventsIn('event: cpu\nid: 7\ndata: 0.5\n\n')).toEqual([
      { name: 'cpu', data: '0.5', id: '7' },
    ])
  })

  test('are called message and have no ID where the server says nothing else', async () => {
    expect(await eventsIn('data: x\n\n')).toEqual([{ name: 'message', data: 'x', id: undefined }])
  })

  test('may reset the ID', async () => {
    expect(await eventsIn('id: 1\ndata: x\n\nid\ndata: y\n\nid:\ndata: z\n\n')).toMatchObject([
      { id: '1' },
      { id: '' },
      { id: '' },
    ])
  })

  test('do not take an ID that contains NULL', async () => {
    expect(await eventsIn('id: 1\nid: 2\0\ndata: x\n\n')).toMatchObject([{ id: '1' }])
  })

  test('join their data lines', async () => {
    expect(await dataIn('data: one\ndata:two\ndata\ndata:  four\n\n')).toEqual(['one\ntwo\n\n four'])
  })

  test('without data are none', async () => {
    expect(await dataIn('event: a\n\ndata: x\n\n')).toEqual(['x'])
    expect(await eventsIn('event: a\n\ndata: x\n\n')).toMatchObject([{ name: 'message' }])
  })

  test('may have empty data', async () => {
    expect(await dataIn('data\n\ndata:\n\n')).toEqual(['', ''])
  })

  test.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('end with %s', async (_name, newline) => {
    expect(await dataIn(['data: x', 'data: y', '', 'data: z', '', ''].join(newline))).toEqual(['x\ny', 'z'])
  })

  test('end with CR', async () => {
    expect(await dataIn(['data: x', 'data: y', '', 'data: z', '', ''].join('\r'))).toEqual(['x\ny', 'z'])
  })

  test('end with CR without waiting for what comes next', async () => {
    const reading = new Reading(() => responseOf(bytesOf('data: x\r\r'), bytesOf(':\r')))
    await reading.read()
    expect(reading.calls).toEqual(['opened', 'x', 'flushed', 'flushed'])
  })

  test('follow a byte order mark', async () => {
    expect(await dataIn('\ufeffdata: x\n\n')).toEqual(['x'])
  })

  test('do not follow a second byte order mark', async () => {
    expect(await dataIn('\ufeff\ufeffdata: x\n\ndata: y\n\n')).toEqual(['y'])
  })

  test('are not disturbed by comments and unknown fields', async () => {
    expect(await dataIn(': hello\ndata: x\n:\nfield: y\ndata: z\n\n: bye\n\n')).toEqual(['x\nz'])
  })

  test('that the end of the response leaves unfinished are dropped', async () => {
    expect(await dataIn('data: x\n\ndata: y\n')).toEqual(['x'])
    expect(await dataIn('data: x\n\ndata: y')).toEqual(['x'])
  })

  test('are all handed over before the end of their chunk is told', async () => {
    const reading = new Reading(() => responseOf(bytesOf('data: x\n\ndata: y\n\nda'), bytesOf('ta: z\n\n')))
    await reading.read()
    expect(reading.calls).toEqual(['opened', 'x', 'y', 'flushed', 'z', 'flushed'])
  })

  test('of a backlog let others have their turn now and then, and those that come one by one never', async () => {
    const chunk = bytesOf('data: x\n\n')
    const backlog = new Reading(() => responseOf(...Array(30).fill(chunk)))
    // Each takes four milliseconds.
    backlog.now = () => 4 * backlog.events.length
    await backlog.read()
    expect(backlog.turns).toBe(6)
    const slow = new Reading(() => responseOf(...Array(30).fill(chunk)))
    let calls = 0
    slow.now = () => 10 * calls++
    await slow.read()
    expect(slow.turns).toBe(0)
  })

  test('of a very large chunk are all there, in order', async () => {
    const all = Array.from({ length: 20_000 }, (_, index) => String(index))
    expect(await dataIn(all.map((data) => `data: ${data}\r\n\r\n`).join(''))).toEqual(all)
  })
})

// [spec] The last event ID is set before it is seen that there is no data.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#dispatchMessage
describe('an ID in a block without data', () => {
  /** What is told of it, cut after each byte, and whole. */
  async function toldOf(text: string): Promise<string[]> {
    const bytes = bytesOf(text)
    const whole = await callsFor(bytes)
    for (let border = 1; border < bytes.length; border++) {
      expect(await callsFor(bytes.slice(0, border), bytes.slice(border)), `at byte ${border}`).toEqual(whole)
    }
    expect(await callsFor(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole)
    return whole
  }

  async function callsFor(...chunks: Uint8Array[]): Promise<string[]> {
    const reading = new Reading(() => responseOf(...chunks))
    await reading.read()
    return reading.calls.filter((call) => !['opened', 'flushed'].includes(call))
  }

  test.each([
    ['alone', 'id: 7\n\ndata: x\n\n', ['id 7', 'x']],
    ['alone, once it has come before an event', 'id: 7\n\ndata: x\n\n\n\ndata: y\n\n', ['id 7', 'x', 'y']],
    ['with a time and no data', 'id: 7\nretry: 5\n\ndata: x\n\n', ['id 7', 'x']],
    ['with a name', 'event: a\nid: 7\n\n', ['id 7']],
    ['between comments', ': a\nid: 7\n: b\n\n', ['id 7']],
    ['twice: the last counts', 'id: 7\nid: 8\n\n', ['id 8']],
    ['between two events', 'data: x\n\nid: 7\n\ndata: y\n\n', ['x', 'id 7', 'y']],
    ['with CRLF', 'id: 7\r\n\r\ndata: x\r\n\r\n', ['id 7', 'x']],
    ['with CR', 'id: 7\r\rdata: x\r\r', ['id 7', 'x']],
    ['beyond Latin-1', 'id: é🙂\n\n', ['id é🙂']],
    ['without a space', 'id:7\n\n', ['id 7']],
    ['with two spaces', 'id:  7\n\n', ['id  7']],
    ['with colons', 'id: 7:8\n\n', ['id 7:8']],
    ['after a byte order mark', '\ufeffid: 7\n\n', ['id 7']],
    ['by an empty value', 'id:\n\n', ['id ']],
    ['by a name alone', 'id\n\n', ['id ']],
    ['with NULL, which is ignored', 'id: 7\0\n\n', []],
    ['and NULL after it', 'id: 7\nid: 8\0\n\n', ['id 7']],
  ])('is told: %s', async (_how, text, told) => {
    expect(await toldOf(text)).toEqual(told)
  })

  test.each([
    ['where there are data, which bring it', 'id: 7\ndata: x\n\n', ['x']],
    ['where data are empty', 'id: 7\ndata\n\n', ['']],
    ['where the block does not end', 'id: 7\n', []],
    ['where the field is another', 'ID: 7\nids: 8\nid : 9\n id: 10\n\n', []],
    ['twice', 'id: 7\n\n\n\n', ['id 7']],
    ['again by a block that has none', 'id: 7\ndata: x\n\nevent: a\n\n', ['x']],
  ])('is not told %s', async (_when, text, told) => {
    expect(await toldOf(text)).toEqual(told)
  })

  test('is told once for several that come together: the last counts', async () => {
    const bytes = bytesOf('id: 6\n\nid: 7\n:\n\n\ndata: x\n\n:\n\nid: 8\n\nevent: a\n\nid: 9\n: b\n\n')
    expect(await callsFor(bytes)).toEqual(['id 7', 'x', 'id 9'])
  })

  test('is told before the stream is given up for an event that is too large', async () => {
    const reading = new Reading(() => responseOf(bytesOf(`data: x\n\nid: 7\n\ndata: ${'y'.repeat(20)}\n\n`)))
    reading.maxEventSize = 10
    await expect(reading.read()).rejects.toThrow('more than 10 characters')
    expect(reading.calls).toEqual(['opened', 'x', 'id 7'])
  })

  test('is told wherever a slice of a large chunk ends', async () => {
    const SLICE = 32_768
    const text = 'data: x\n\nid: 7\n\ndata: y\n\n'
    for (let at = 0; at <= text.length; at++) {
      const padding = `:${'x'.repeat(SLICE - at - 2)}\n`
      expect(await callsFor(bytesOf(padding + text)), `after ${at} characters`).toEqual(['x', 'id 7', 'y'])
    }
  })
})

describe('the size of an event', () => {
  const read = (maxEventSize: number, ...chunks: string[]) => {
    const reading = new Reading(() => responseOf(...chunks.map(bytesOf)))
    reading.maxEventSize = maxEventSize
    return reading.read().then(() => reading.events.map(({ data }) => data.length))
  }

  const tooLarge = {
    failure: { isFinal: true, message: 'the server sent an event of more than 1,000 characters' },
  }

  test('is bounded, however it is cut', async () => {
    const line = `data: ${'x'.repeat(1_001)}\n\n`
    await expect(read(1_000, line)).rejects.toMatchObject(tooLarge)
    await expect(read(1_000, ...line)).rejects.toMatchObject(tooLarge)
    await expect(read(1_000, `data: ${'x'.repeat(2_000)}`)).rejects.toMatchObject(tooLarge)
    await expect(read(1_000, 'data: x\n'.repeat(501), '\n')).rejects.toMatchObject(tooLarge)
  })

  test('may reach the bound, however it is cut', async () => {
    const line = `data: ${'x'.repeat(1_000)}\n\n`
    expect(await read(1_000, line)).toEqual([1_000])
    expect(await read(1_000, ...line)).toEqual([1_000])
    expect(await read(1_000, line + line, line)).toEqual([1_000, 1_000, 1_000])
  })

  test('is that of lines that never end, too', async () => {
    await expect(read(1_000, 'data:', ...Array(2_000).fill('x'))).rejects.toMatchObject(tooLarge)
    await expect(read(1_000, 'id:', ...Array(2_000).fill('x'))).rejects.toMatchObject(tooLarge)
  })

  test.each([':', 'x', 'datas:', 'retry:', 'retry:1'])(
    'is not that of a line without a meaning: %s',
    async (line) => {
      const chunks = [line, ...Array(2_000).fill('1'), '\ndata:x\n\n']
      expect(await read(1_000, ...chunks)).toEqual([1])
      expect(await read(1_000, chunks.join(''))).toEqual([1])
    },
  )

  test('ends its connection where it is too large', async () => {
    let isCancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytesOf('data: 12345')),
      cancel: () => {
        isCancelled = true
      },
    })
    const reading = new Reading(() => new Response(body, { headers: EVENT_STREAM }))
    reading.maxEventSize = 1
    await expect(reading.read()).rejects.toMatchObject({ failure: { isFinal: true } })
    expect(isCancelled).toBe(true)
  })

  test('counts name and ID', async () => {
    const half = 'x'.repeat(500)
    for (const field of ['event', 'id']) {
      expect(await read(1_000, `${field}:${half}\ndata:${half}\n\n`)).toEqual([500])
      await expect(read(1_000, `${field}:${half}\ndata:${half}x\n\n`)).rejects.toMatchObject(tooLarge)
      await expect(read(1_000, `${field}:${half}${half}x\n\n`)).rejects.toMatchObject(tooLarge)
    }
  })

  test('counts each of very many lines, which cost memory even where they are empty', async () => {
    const lines = (count: number) => `${'data\n'.repeat(count)}\n`
    expect(await read(100_000, lines(6_250))).toEqual([6_249])
    await expect(read(100_000, lines(6_251))).rejects.toMatchObject({ failure: { isFinal: true } })
    expect(await read(1_100, lines(1_024))).toEqual([1_023])
  })

  test('is counted anew for each event', async () => {
    const text = `event:${'x'.repeat(400)}\nid:${'x'.repeat(200)}\ndata:${'x'.repeat(400)}\n\n`
    expect(await read(1_000, text + text, text)).toEqual([400, 400, 400])
  })
})

describe('what bytes cost', () => {
  const friendly = 'event: cpu\nid: 1795421911:0\ndata: {"load":0.52,"cores":[12,3,44,5,61,7,8,92]}\n\n'
  const SIZE = 131_072

  /** The least of some times in ms: what else the machine does only adds. */
  async function costOf(shape: string, size = SIZE, chunk = size): Promise<number> {
    const bytes = bytesOf(shape.repeat(Math.ceil(size / shape.length)).slice(0, size))
    const chunks = Array.from({ length: Math.ceil(size / chunk) }, (_, index) =>
      bytes.subarray(index * chunk, (index + 1) * chunk),
    )
    let least = Number.POSITIVE_INFINITY
    for (let time = 0; time < 3; time++) {
      const reading = new Reading(() => responseOf(...chunks))
      reading.maxEventSize = 8 * 1_048_576
      const begin = performance.now()
      await reading.read()
      least = Math.min(least, performance.now() - begin)
    }
    return least
  }

  /** So many times the cost of friendly bytes is bearable, on a machine that does other things meanwhile. */
  const MOST = 40

  async function expectBearable(shape: string): Promise<void> {
    let ratio = Number.POSITIVE_INFINITY
    // Whatever else the machine does passes, and what grows with the square of the size does not.
    for (let time = 0; time < 5 && ratio >= MOST; time++) {
      const cost = await costOf(shape)
      ratio = Math.min(ratio, cost / Math.max(await costOf(friendly), 0.5))
    }
    expect(ratio, JSON.stringify(shape)).toBeLessThan(MOST)
  }

  test.each([
    '\n',
    '\r',
    ':\n\n',
    'id:1\n\n',
    'event:a\n\n',
    'data\n\n',
    'data\n',
    'x\n',
    'x:\n',
    'retry:x\n',
    '\0',
  ])('is bearable for %j', expectBearable)

  test('property: is bearable whatever is repeated', async () => {
    const word = fc.constantFrom(
      'data',
      'event',
      'id',
      'retry',
      'x',
      ':',
      ' ',
      '\n',
      '\n\n',
      '\r',
      '\r\n',
      '1',
      '\0',
      'é',
    )
    const shape = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(''))
    await fc.assert(fc.asyncProperty(shape, expectBearable), { numRuns: 40 })
  })

  test('grows no faster than a line does', async () => {
    const costOfLine = (size: number) => costOf(`data:${'x'.repeat(size)}`, size, 8_192)
    const small = Math.max(await costOfLine(524_288), 0.5)
    expect((await costOfLine(8_388_608)) / small).toBeLessThan(16 * 6)
  })

  test('grows no faster than they do', async () => {
    for (const shape of ['id:1\n\n', 'x\n', 'data\n']) {
      const small = Math.max(await costOf(shape, 65_536), 0.5)
      expect((await costOf(shape, 1_048_576)) / small, JSON.stringify(shape)).toBeLessThan(16 * 6)
    }
  })

  test('is no memory, where little of them is an event', async () => {
    const chunk = bytesOf(`:${'x'.repeat(32_000)}\nid:${'7'.repeat(20)}\ndata:${'x'.repeat(20)}\n\n`)
    const reading = new Reading(() => responseOf(...Array(1_000).fill(chunk)))
    const before = heapInUse()
    await reading.read()
    expect(reading.events).toHaveLength(1_000)
    expect(heapInUse() - before).toBeLessThan(4_000_000)
  })
})

describe('retry lines', () => {
  const retriesIn = async (text: string): Promise<number[]> => {
    const reading = new Reading(() => responseOf(bytesOf(text)))
    await reading.read()
    return reading.retries
  }

  test('are handed over at once, event or not, the last one where several have come together', async () => {
    expect(await retriesIn('retry:50\n')).toEqual([50])
    expect(await retriesIn('retry: 3000\ndata: x\n\nretry:50\n')).toEqual([50])
  })

  test('are ignored where they are no number', async () => {
    expect(await retriesIn('retry: soon\nretry: -1\nretry: 1.5\nretry\nretry: 1e3\n')).toEqual([])
  })
})

describe('the end', () => {
  test('of the response resolves', async () => {
    await expect(new Reading(() => responseOf(bytesOf('data: x\n\n'))).read()).resolves.toBeUndefined()
  })

  test("by a failed request has the platform's reason", async () => {
    const error = new TypeError('Failed to fetch')
    const reading = new Reading(() => Promise.reject(error))
    await expect(reading.read()).rejects.toMatchObject({
      failure: { message: error.message, status: 0, isFinal: false },
    })
  })

  test("by a broken connection has the platform's reason, after the events before", async () => {
    const error = new TypeError('network error')
    const body = bodyOf([bytesOf('data: x\n\ndata: y\n')], error)
    const reading = new Reading(() => new Response(body, { headers: EVENT_STREAM }))
    await expect(reading.read()).rejects.toMatchObject({
      failure: { message: error.message, status: 0, isFinal: false },
    })
    expect(reading.calls).toEqual(['opened', 'x', 'flushed'])
  })

  test('by abortion is in the hands of the platform', async () => {
    const reading = new Reading(() => responseOf())
    await reading.read()
    const signal = reading.asked[0]?.init.signal
    expect(signal?.aborted).toBe(false)
    reading.abort.abort('a reason')
    expect(signal).toMatchObject({ aborted: true, reason: 'a reason' })
  })
})

describe('chunks', () => {
  const TEXT =
    '\ufeffretry: 10\r\n: hé\r\nevent: cpu\r\nid: ü\r\ndata: 🙂\r\ndata: é\r\n\r\nid: 2\ndata: y\n\ndata: z\r\rdata: {}\n\n'
  const EVENTS = [
    { name: 'cpu', data: '🙂\né', id: 'ü' },
    { name: 'message', data: 'y', id: '2' },
    { name: 'message', data: 'z', id: undefined },
    { name: 'message', data: '{}', id: undefined },
  ]

  test('may end between any two bytes', async () => {
    const bytes = bytesOf(TEXT)
    for (let border = 0; border <= bytes.length; border++) {
      const reading = new Reading(() => responseOf(bytes.slice(0, border), bytes.slice(border)))
      await reading.read()
      expect(reading.events, `split at byte ${border}`).toEqual(EVENTS)
      expect(reading.retries).toEqual([10])
    }
  })

  test('may be empty, between the halves of a CRLF too', async () => {
    const reading = new Reading(() =>
      responseOf(...['data: x\r', '', '\ndata: y\r', '', '\n\r\n'].map(bytesOf)),
    )
    await reading.read()
    expect(reading.events).toMatchObject([{ data: 'x\ny' }])
  })

  test('may be single bytes', async () => {
    const reading = new Reading(() => responseOf(...Array.from(bytesOf(TEXT), (byte) => Uint8Array.of(byte))))
    await reading.read()
    expect(reading.events).toEqual(EVENTS)
  })

  test('property: any events, cut anywhere, come through as they are', async () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n\0]/g, ''))
    const drawnEvent = fc.record({
      name: line,
      data: fc.array(line, { minLength: 1, maxLength: 3 }),
      id: fc.option(line, { nil: undefined }),
      newline: fc.constantFrom('\n', '\r\n'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(drawnEvent), fc.array(fc.nat(1_000)), async (events, borders) => {
        const text = events
          .map(({ name, data, id, newline }) =>
            [
              `event: ${name}`,
              ...(id === undefined ? [] : [`id: ${id}`]),
              ...data.map((one) => `data: ${one}`),
              '',
              '',
            ].join(newline),
          )
          .join('')
        const bytes = bytesOf(text)
        const cuts = [
          0,
          ...borders.filter((border) => border < bytes.length).sort((a, b) => a - b),
          bytes.length,
        ]
        const chunks = cuts.slice(1).map((cut, index) => bytes.slice(cuts[index], cut))
        const reading = new Reading(() => responseOf(...chunks))
        await reading.read()
        expect(reading.events).toEqual(
          events.map(({ name, data, id }) => ({
            name: name === '' ? 'message' : name,
            data: data.join('\n'),
            id,
          })),
        )
      }),
    )
  })
  // [spec] https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
  test('property: any bytes, cut anywhere, mean what they mean as a whole', async () => {
    const interpret = async (chunks: readonly Uint8Array[]) => {
      const reading = new Interpretation(() => responseOf(...chunks))
      await reading.read()
      const { given: events, retries, lastEventId } = reading
      return { events, retry: retries.at(-1), lastEventId }
    }
    await fc.assert(
      fc.asyncProperty(drawnBytes(), fc.array(fc.nat(300)), async (bytes, borders) => {
        const { retries, ...rest } = readingOf(bytes)
        const meant = { ...rest, retry: retries.at(-1) }
        expect(await interpret([bytes])).toEqual(meant)
        expect(await interpret(cut(bytes, borders))).toEqual(meant)
        expect(await interpret(cut(bytes, [...bytes.keys()]))).toEqual(meant)
      }),
      { numRuns: 400 },
    )
  })
})

/** Keeps the last event ID as a stream does. */
class Interpretation extends Reading {
  readonly given: { name: string; data: string; lastEventId: string }[] = []
  lastEventId = ''

  override event({ name, data, id }: SourceEvent): void {
    this.lastEventId = id ?? this.lastEventId
    this.given.push({ name, data, lastEventId: this.lastEventId })
  }

  override idAlone(id: string): void {
    this.lastEventId = id
  }
}
