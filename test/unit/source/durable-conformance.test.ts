import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DurableStreamTestServer } from '@durable-streams/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DurableReader, type ReaderOptions } from './durable-reader.ts'

// What the client conformance cases of Durable Streams demand of whoever reads: see DURABLE.md beside this file.

/** How long, in ms, the server waits for something new. Readers ask no more often than that. */
const LONG_POLL = 300

const MODES = ['sse', 'long-poll'] as const
const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain; charset=utf-8'
const WAYS = MODES.flatMap((live) => [JSON_TYPE, TEXT_TYPE].map((type) => ({ live, type })))

const server = new DurableStreamTestServer({ port: 0, longPollTimeout: LONG_POLL })
const readers: DurableReader[] = []
const others: Server[] = []
let origin = ''
let count = 0

beforeAll(async () => {
  origin = await server.start()
})

afterAll(async () => {
  for (const reader of readers) reader.close()
  for (const other of others) other.close().closeAllConnections()
  await server.stop()
})

function listen(url: string, options?: ReaderOptions): DurableReader {
  const reader = new DurableReader(url, options)
  readers.push(reader)
  return reader
}

/** A stream of the reference server. Its messages are texts, which a stream of JSON has as strings. */
class Stream {
  readonly path = `/streams/${++count}`
  readonly url = origin + this.path
  readonly #type: string

  constructor(type: string) {
    this.#type = type
  }

  static async of(type: string, ...messages: readonly string[]): Promise<Stream> {
    const stream = new Stream(type)
    await stream.ask('PUT')
    for (const message of messages) await stream.append(message)
    return stream
  }

  /** The offset behind what has been appended. */
  async append(...messages: readonly string[]): Promise<string> {
    const { headers } = await this.ask('POST', {}, ...messages)
    return headers.get('Stream-Next-Offset') ?? ''
  }

  async ask(
    method: string,
    headers: Record<string, string> = {},
    ...messages: readonly string[]
  ): Promise<Response> {
    const isJson = this.#type === JSON_TYPE
    const body = isJson && messages.length > 0 ? JSON.stringify(messages) : messages.join('')
    const response = await fetch(this.url, {
      method,
      headers: { 'Content-Type': this.#type, ...headers },
      ...(body !== '' && { body }),
    })
    await response.text()
    return response
  }

  /** Waits until a reader has these messages, in order, and none of them twice. */
  async givesTo(reader: DurableReader, ...messages: readonly string[]): Promise<void> {
    if (this.#type === JSON_TYPE) await reader.hears(...messages.map((message) => JSON.stringify(message)))
    else await reader.until(() => reader.text === messages.join(''), messages.join(''))
  }
}

const CLOSED = { 'Stream-Closed': 'true' }

interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: string
}

/** A batch up to this offset, after which nothing more is known. */
const batch = (next: string, body: string, headers: Record<string, string> = {}): Answer => ({
  headers: {
    'Content-Type': JSON_TYPE,
    'Stream-Next-Offset': next,
    'Stream-Up-To-Date': 'true',
    ...headers,
  },
  body,
})

/** Server-Sent Events, each of a name and the lines of its data. */
const events = (...all: readonly (readonly [name: string, ...lines: string[]])[]): Answer => ({
  headers: { 'Content-Type': 'text/event-stream' },
  body: all
    .map(([name, ...lines]) => `event: ${name}\n${lines.map((line) => `data:${line}\n`).join('')}\n`)
    .join(''),
})

/**
 * A server that answers each read as the reference server does not, and keeps the headers of each.
 *
 * @param write writes the body instead
 */
async function serve(
  answer: (query: URLSearchParams, headers: IncomingHttpHeaders) => Answer,
  write?: (response: ServerResponse) => void,
): Promise<{ readonly url: string; readonly seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = []
  const other = createServer(({ url = '', headers }, response) => {
    seen.push(headers)
    const { status = 200, headers: given, body } = answer(new URL(url, origin).searchParams, headers)
    response.writeHead(status, given)
    if (write === undefined) response.end(body)
    else write(response)
  })
  others.push(other)
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(other.address() as AddressInfo).port}/stream`, seen }
}

describe.each(WAYS)('a reader of $type, $live', ({ live, type }) => {
  test('is given what the stream has, and then what is new, in order and once', async () => {
    const stream = await Stream.of(type, 'a')
    await stream.append('b', 'c')
    const reader = listen(stream.url, { live })
    await stream.givesTo(reader, 'a', 'b', 'c')
    await reader.until(() => reader.isWaiting, 'a request that waits')
    for (const message of 'defg') await stream.append(message)
    await stream.givesTo(reader, ...'abcdefg')
    const later = listen(stream.url, { live })
    await stream.givesTo(later, ...'abcdefg')
  })

  test('is given nothing of an empty stream, until something comes', async () => {
    const stream = await Stream.of(type)
    const reader = listen(stream.url, { live })
    await reader.until(() => reader.isWaiting, 'a request that waits')
    expect(reader.heard).toEqual([])
    await stream.append('first')
    await stream.givesTo(reader, 'first')
    expect(reader.errors).toEqual([])
  })

  test('begins behind any offset that the server has given', async () => {
    const stream = await Stream.of(type)
    const offsets = []
    for (const message of 'abc') offsets.push(await stream.append(message))
    const from = [...offsets, ...offsets].map((offset) => listen(stream.url, { live, offset }))
    for (const reader of from) await reader.until(() => reader.isWaiting, 'a request that waits')
    await stream.append('d')
    for (const [index, reader] of from.entries())
      await stream.givesTo(reader, ...'abcd'.slice((index % 3) + 1))
  })

  test.each([
    ['nothing', []],
    ['what it is not given', ['old', 'older']],
  ])('is given from "now" on what comes behind %s', async (_, before) => {
    const stream = await Stream.of(type, ...before)
    const reader = listen(stream.url, { live, offset: 'now' })
    await reader.until(() => reader.isWaiting, 'a request that waits')
    await stream.append('new')
    await stream.givesTo(reader, 'new')
    expect(reader.errors).toEqual([])
  })

  test('is given all of a stream whose producer begins new epochs', async () => {
    const stream = await Stream.of(type)
    const append = async (message: string, epoch: number) => {
      const producer = { 'Producer-Id': 'p', 'Producer-Epoch': `${epoch}`, 'Producer-Seq': '0' }
      const { status } = await stream.ask('POST', producer, message)
      return status
    }
    expect(await append('zero', 0)).toBe(200)
    const reader = listen(stream.url, { live })
    await reader.until(() => reader.isWaiting, 'a request that waits')
    expect(await append('one', 1)).toBe(200)
    expect(await append('late', 0)).toBe(403)
    expect(await append('two', 2)).toBe(200)
    await stream.givesTo(reader, 'zero', 'one', 'two')
    await stream.givesTo(listen(stream.url, { live }), 'zero', 'one', 'two')
  })

  test('sees the end of a stream that is closed while it waits, with the last message', async () => {
    const stream = await Stream.of(type, 'a')
    const reader = listen(stream.url, { live })
    await reader.until(() => reader.isWaiting, 'a request that waits')
    await stream.ask('POST', CLOSED, 'last')
    await stream.givesTo(reader, 'a', 'last')
    await reader.ends()
  })

  test('sees the end of a stream that is closed while it waits, without another message', async () => {
    const stream = await Stream.of(type, 'a')
    const reader = listen(stream.url, { live })
    await reader.until(() => reader.isWaiting, 'a request that waits')
    await stream.ask('POST', CLOSED)
    await reader.ends()
    await stream.givesTo(reader, 'a')
  })

  test.each([
    ['and is empty', []],
    ['and has messages', ['a', 'b']],
  ])('asks once for a stream that has been closed %s', async (_, messages) => {
    const stream = await Stream.of(type, ...messages)
    const { headers } = await stream.ask('POST', CLOSED)
    const reader = listen(stream.url, { live })
    await reader.ends()
    await stream.givesTo(reader, ...messages)
    for (const offset of ['now', headers.get('Stream-Next-Offset') ?? '']) {
      const late = listen(stream.url, { live, offset })
      await late.ends()
      expect(late.heard).toEqual([])
      expect(late.statuses).toEqual([200])
    }
    expect(reader.statuses).toEqual([200])
  })

  test('asks once for a stream that was closed when it was made', async () => {
    const stream = new Stream(type)
    await stream.ask('PUT', CLOSED, 'only')
    const reader = listen(stream.url, { live })
    await reader.ends()
    await stream.givesTo(reader, 'only')
    expect(reader.statuses).toEqual([200])
  })

  test('has one stream without another', async () => {
    const streams = [await Stream.of(type, 'a'), await Stream.of(type, 'b')] as const
    const [one, other] = streams.map(({ url }) => listen(url, { live })) as [DurableReader, DurableReader]
    await streams[0].givesTo(one, 'a')
    await streams[1].givesTo(other, 'b')
    // With a reader at its event stream the server fails.
    one.close()
    await streams[0].ask('DELETE')
    await streams[1].append('c')
    await streams[1].givesTo(other, 'b', 'c')
  })

  test("sends the page's headers with each request", async () => {
    const { url, seen } = await serve(() => batch('b', '', { 'Content-Type': type }))
    const reader = listen(url, { live, headers: [['x-mine', 'yes']] })
    await reader.until(() => seen.length >= 2, 'two requests')
    expect(seen.map((headers) => headers['x-mine'])).toEqual(seen.map(() => 'yes'))
  })
})

describe.each(MODES)("a function for a page's headers, %s", (live) => {
  test('is asked again where a token has expired while the reader waits', async () => {
    const tokens = ['expired', 'fresh']
    const { url, seen } = await serve((query, { authorization }) => {
      if (authorization !== 'fresh' && query.has('live')) return { status: 401 }
      if (!query.has('live')) return batch('b', query.get('offset') === '-1' ? '[1]' : '[]')
      if (live === 'long-poll') return batch('c', '[2]', CLOSED)
      return events(['data', '[2]'], ['control', '{"streamNextOffset":"c","streamClosed":true}'])
    })
    const reader = listen(url, { live, headers: () => [['authorization', tokens.shift() ?? '']] })
    await reader.hears('1', '2')
    await reader.ends()
    expect(seen.map(({ authorization }) => authorization)).toEqual(['expired', 'expired', 'fresh', 'fresh'])
    expect(reader.errors).toEqual([])
  })
})

describe.each(MODES)('what is refused, %s', (live) => {
  test.each(['-1', 'now'])('a stream that there is not, from %s on, is asked for once', async (offset) => {
    const reader = listen(new Stream(JSON_TYPE).url, { live, offset })
    await reader.until(() => reader.refusal === 404, 'a refusal')
    expect(reader.statuses).toEqual([404])
  })

  test('a stream that was deleted', async () => {
    const stream = await Stream.of(JSON_TYPE, 'a')
    await stream.ask('DELETE')
    const reader = listen(stream.url, { live })
    await reader.until(() => reader.refusal === 404, 'a refusal')
    expect(reader.heard).toEqual([])
    await stream.ask('PUT')
    await stream.append('new')
    await stream.givesTo(listen(stream.url, { live }), 'new')
  })

  test('a stream that is deleted while a reader waits', async () => {
    const stream = await Stream.of(JSON_TYPE, 'a')
    // The server never ends an event stream whose stream has been deleted.
    const reader = listen(stream.url, { live: 'long-poll' })
    await stream.givesTo(reader, 'a')
    await reader.until(() => reader.isWaiting, 'a request that waits')
    await stream.ask('DELETE')
    await reader.until(() => reader.refusal === 404, 'a refusal')
    await stream.givesTo(reader, 'a')
  })

  test('an offset that is none', async () => {
    const { url } = await Stream.of(JSON_TYPE, 'a')
    const reader = listen(url, { live, offset: 'none' })
    await reader.until(() => reader.refusal === 400, 'a refusal')
    expect(reader.statuses).toEqual([400])
  })

  test('a stream of bytes', async () => {
    const { url } = await Stream.of('application/octet-stream', 'a')
    const reader = listen(url, { live })
    await reader.until(() => reader.state === 'closed', 'a refusal')
    expect(reader.errors).toEqual([expect.stringContaining('application/octet-stream')])
    expect(reader.heard).toEqual([])
  })

  test("an offset of the page's own behind the end of the stream", async () => {
    const { url } = await Stream.of(JSON_TYPE, 'a')
    const reader = listen(url, { live, offset: '9999999999999999_9999999999999999' })
    await reader.until(() => reader.state === 'closed', 'a refusal')
    expect(reader.errors).toEqual([expect.stringContaining('another history')])
    expect(reader.statuses).toEqual([200])
    expect(reader.heard).toEqual([])
  })
})

type Fault = Parameters<DurableStreamTestServer['injectFault']>[1]

const FAULTS: readonly (readonly [string, Fault, statuses: number[]])[] = [
  ['500', { status: 500 }, [500]],
  ['503', { status: 503 }, [503]],
  ['429 with a time to wait', { status: 429, retryAfter: 1 }, [429]],
  ['500 twice', { status: 500, count: 2 }, [500, 500]],
  ['a connection that is dropped', { dropConnection: true }, [0]],
  ['two connections that are dropped', { dropConnection: true, count: 2 }, [0, 0]],
  ['a delay', { delayMs: 500, jitterMs: 100 }, []],
  ['a delay, and then 503', { delayMs: 200, status: 503 }, [503]],
]

describe.concurrent.each(MODES)('a reader of a server that fails, %s', (live) => {
  test.each(FAULTS)('is given everything once after %s', async (_, fault, statuses) => {
    const stream = await Stream.of(JSON_TYPE, 'a', 'b')
    server.injectFault(stream.path, fault)
    const reader = listen(stream.url, { live })
    await stream.givesTo(reader, 'a', 'b')
    expect(reader.statuses.slice(0, statuses.length + 1)).toEqual([...statuses, 200])
    expect(reader.errors).toHaveLength(statuses.length)
    await stream.append('c')
    await stream.givesTo(reader, 'a', 'b', 'c')
  })

  test('goes on for as long as the server fails, and is told each time', async () => {
    const stream = await Stream.of(JSON_TYPE, 'a')
    server.injectFault(stream.path, { status: 500, count: 4 })
    const reader = listen(stream.url, { live })
    await stream.givesTo(reader, 'a')
    expect(reader.errors).toEqual(Array(4).fill('the server answered with status 500'))
  })

  test('has nothing to do with a fault of another method', async () => {
    const stream = await Stream.of(JSON_TYPE, 'a')
    server.injectFault(stream.path, { status: 503, method: 'POST' })
    const reader = listen(stream.url, { live })
    await stream.givesTo(reader, 'a')
    expect(reader.errors).toEqual([])
  })

  test('is refused with 400, and does not ask again', async () => {
    const stream = await Stream.of(JSON_TYPE, 'a')
    server.injectFault(stream.path, { status: 400 })
    const reader = listen(stream.url, { live })
    await reader.until(() => reader.refusal === 400, 'a refusal')
    expect(reader.statuses).toEqual([400])
  })

  test.each([
    ['cut within its first message', { truncateBodyBytes: 5 }, /does not end/],
    ['cut within its second message', { truncateBodyBytes: 12 }, /does not end/],
    ['cut behind its first character', { truncateBodyBytes: 1 }, /does not end/],
    ['of which nothing is left', { truncateBodyBytes: 0 }, /does not end/],
    ['that has been overwritten', { corruptBody: true }, /no array/],
  ] as const)('is told of JSON %s, and is given everything once', async (_, fault, message) => {
    const stream = await Stream.of(JSON_TYPE, 'first', 'second', 'third')
    server.injectFault(stream.path, fault)
    const reader = listen(stream.url, { live })
    await stream.givesTo(reader, 'first', 'second', 'third')
    expect(reader.errors).toEqual([expect.stringMatching(message)])
  })
})

describe.concurrent('a reader that waits by long-polling', () => {
  test.each(FAULTS)('is given everything once after %s while it waits', async (_, fault) => {
    const stream = await Stream.of(JSON_TYPE, 'a', 'b')
    const reader = listen(stream.url, { live: 'long-poll' })
    await reader.until(() => reader.isWaiting, 'a request that waits')
    server.injectFault(stream.path, { ...fault, method: 'GET' })
    for (const message of 'cde') await stream.append(message)
    await stream.givesTo(reader, ...'abcde')
  })
})

describe('an event stream', () => {
  /** A stream whose event stream begins with such an event, and a reader of it. */
  async function injected(eventType: string, data: string): Promise<[Stream, DurableReader]> {
    const stream = await Stream.of(JSON_TYPE, 'a')
    // The first request is for no event stream, and takes one away.
    server.injectFault(stream.path, { injectSseEvent: { eventType, data }, count: 2 })
    return [stream, listen(stream.url)]
  }

  test.each(['{no json', '', '[]', '{}'])(
    'with an event "control" of %j is told, and read anew',
    async (data) => {
      const [stream, reader] = await injected('control', data)
      await reader.until(() => reader.errors.length > 0, 'an error')
      await stream.append('b')
      await stream.givesTo(reader, 'a', 'b')
      expect(reader.errors).toEqual([expect.stringMatching(/"control" without/)])
    },
  )

  test('may have events that are not known yet', async () => {
    const [stream, reader] = await injected('later-version', '["b"]')
    await reader.until(() => reader.isWaiting, 'a request that waits')
    await stream.append('c')
    await stream.givesTo(reader, 'a', 'c')
    expect(reader.errors).toEqual([])
  })

  test('that ends within a batch is followed by one that has it again, and nothing comes twice', async () => {
    const asked: string[] = []
    const { url } = await serve((query) => {
      asked.push(query.get('offset') ?? '')
      if (asked.length === 1) return batch('b', '[1]')
      if (asked.length === 2) return events(['data', '[2,3]'], ['data', '[4,5]'])
      return batch('c', '[2,3,4,5,6]', CLOSED)
    })
    const reader = listen(url)
    await reader.hears('1', '2', '3', '4', '5', '6')
    await reader.ends()
    expect(asked).toEqual(['-1', 'b', 'b'])
  })

  test('may end its array as the example of the protocol does', async () => {
    const { url } = await serve((query) =>
      query.has('live')
        ? events(
            ['data', '[', '{"k":"v"},', '{"k":"w"},', ']'],
            ['control', '{"streamNextOffset":"c","streamClosed":true}'],
          )
        : batch('b', '[]'),
    )
    const reader = listen(url)
    await reader.hears('{"k":"v"}', '{"k":"w"}')
    await reader.ends()
  })

  test('has the same data as another answer, however the server has written its JSON', async () => {
    const written = ['{\r\n  "a": [\r    1,\n\t 2\n  ]\n}', '"two  words"']
    const body = `[${written.join(',')}]`
    let hasCut = false
    const { url } = await serve((query) => {
      if (query.has('live')) {
        hasCut = true
        return events(['data', ...body.split(/\r\n|\r|\n/)])
      }
      return hasCut ? batch('c', body, CLOSED) : batch('b', '[]')
    })
    const reader = listen(url)
    await reader.hears('{"a": [1,2]}', '"two  words"')
    await reader.ends()
  })
})

describe.each(WAYS)('characters of $type, $live', ({ live, type }) => {
  test.each([
    ['of several bytes', '日本語 🎉 Ñoño'],
    ['that end lines elsewhere', 'a\u0085b\u2028c\u2029d'],
    ['at the ends', '  two blanks, and one '],
    ['that end lines', 'a\nb\r\n\nc\r'],
    ['that mark the byte order', '\uFEFFa\uFEFF'],
  ])('%s come as they are, from before and as they are new', async (_, text) => {
    const stream = await Stream.of(type, text)
    const reader = listen(stream.url, { live })
    await stream.givesTo(reader, text)
    await reader.until(() => reader.isWaiting, 'a request that waits')
    await stream.append(text)
    await stream.givesTo(reader, text, text)
    await stream.givesTo(listen(stream.url, { live }), text, text)
  })
})

describe.each(MODES)('what the reference server does not say, %s', (live) => {
  test('JSON of which nothing is new may have an empty body', async () => {
    const { url } = await serve((query) => {
      if (query.get('offset') === '-1') return batch('b', '[1]', { 'Stream-Up-To-Date': 'false' })
      if (!query.has('live')) return batch('b', '')
      if (live === 'long-poll') return batch('c', '[2]', CLOSED)
      return events(['data', '[2]'], ['control', '{"streamNextOffset":"c","streamClosed":true}'])
    })
    const reader = listen(url, { live })
    await reader.hears('1', '2')
    await reader.ends()
    expect(reader.errors).toEqual([])
  })

  test.each([1, 2])(
    'an empty body does not stand for what lies before another offset: request %i',
    async (lost) => {
      let asked = 0
      const { url } = await serve((query) => {
        asked++
        if (query.get('offset') === '-1')
          return batch('b', lost === 1 && asked === 1 ? '' : '[1]', { 'Stream-Up-To-Date': 'false' })
        return batch('c', lost === 2 && asked === 2 ? '' : '[2]', CLOSED)
      })
      const reader = listen(url, { live })
      await reader.hears('1', '2')
      await reader.ends()
      expect(reader.errors).toEqual([expect.stringContaining('does not end')])
    },
  )

  test('without a cursor it is asked all the same', async () => {
    const asked: string[] = []
    const { url } = await serve((query) => {
      asked.push(query.toString())
      if (asked.length === 1) return batch('b', '[1]')
      const end = { streamNextOffset: 'c', ...(asked.length > 2 && { streamClosed: true }) }
      if (live === 'sse') return events(['data', `[${asked.length}]`], ['control', JSON.stringify(end)])
      return batch('c', `[${asked.length}]`, asked.length > 2 ? CLOSED : {})
    })
    const reader = listen(url, { live })
    await reader.hears('1', '2', '3')
    await reader.ends()
    expect(asked).toEqual(['offset=-1', `live=${live}&offset=b`, `live=${live}&offset=c`])
  })

  test('without an offset it is no stream', async () => {
    const { url } = await serve(() => ({ headers: { 'Content-Type': JSON_TYPE }, body: '[1]' }))
    const reader = listen(url, { live })
    await reader.until(() => reader.errors.length > 0, 'an error')
    expect(reader.errors[0]).toContain('Stream-Next-Offset')
    expect(reader.heard).toEqual([])
  })

  test('without an offset it is not read to an end that never comes', async () => {
    let open = 0
    const { url, seen } = await serve(
      () => ({ headers: { 'Content-Type': 'text/event-stream' } }),
      (response) => {
        open++
        response.on('close', () => open--).write(': an endless stream of another kind\n')
      },
    )
    const reader = listen(url, { live })
    await reader.until(() => seen.length >= 3 && open <= 1, 'one connection')
    reader.close()
    await reader.until(() => open === 0, 'no connection')
  })
})
