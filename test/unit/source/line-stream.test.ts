import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LineOptions } from '../../../src/link/lines.ts'
import type { HubPlatform } from '../../../worker/platform.ts'
import type { Failure } from '../../../worker/source/failure.ts'
import { source } from '../../../worker/source/line-stream.ts'
import type { Head, Receiver, SourceEvent } from '../../../worker/source/source.ts'
import { requestTo } from '../../sim/world/samples.ts'

const FRAME = { name: '/event', id: '/id', data: '/message' }

const NDJSON: LineOptions = { format: 'ndjson', frame: FRAME, heartbeat: [] }

const SEQUENCE: LineOptions = { ...NDJSON, format: 'json-seq' }

const LINES: LineOptions = { format: 'lines', frame: {}, heartbeat: [] }

const TYPES = { ndjson: 'application/x-ndjson', 'json-seq': 'application/json-seq', lines: 'text/plain' }

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** One stream of lines, and all that it has brought. */
class Stream implements Receiver {
  readonly events: SourceEvent[] = []
  readonly idsAlone: string[] = []
  readonly advice: string[] = []
  readonly asked: { url: string; headers: Record<string, string>; init: RequestInit }[] = []
  /** How many events had come by each time that a slice was handed over. */
  readonly flushes: number[] = []
  head: Head | undefined
  bytes = 0
  maxEventSize = 1_000
  type: string
  status = 200
  url = 'https://dash.test/json?poll=0&since=all'
  headers: readonly (readonly [string, string])[] = []
  /** How the response ends; in good order without one. */
  error: Error | undefined
  readonly abort = new AbortController()
  readonly #options: LineOptions

  constructor(options: Partial<LineOptions> = {}) {
    this.#options = { ...NDJSON, ...options }
    this.type = TYPES[this.#options.format]
  }

  /** Reads a response of these chunks. */
  read(chunks: readonly (string | Uint8Array)[], resumeAfter = ''): Promise<Failure> {
    let count = 0
    const body = new ReadableStream({
      pull: (controller) => {
        const chunk = chunks[count++]
        if (chunk !== undefined) controller.enqueue(typeof chunk === 'string' ? bytesOf(chunk) : chunk)
        else if (this.error !== undefined) controller.error(this.error)
        else controller.close()
      },
    })
    const fetch = async (url: string, init: RequestInit) => {
      this.asked.push({ url, headers: init.headers as Record<string, string>, init })
      return new Response(body, { status: this.status, headers: { 'Content-Type': this.type } })
    }
    const platform = {
      fetch,
      origin: 'https://dash.test',
      now: () => 0,
      setTimeout,
      clearTimeout,
      turn: async () => {},
      isOnline: () => true,
    } as unknown as HubPlatform
    return source(platform, this.#options)(
      {
        ...requestTo(this.url, { headers: this.headers }),
        followsRedirects: true,
        resumeAfter,
        maxEventSize: this.maxEventSize,
        readsRefusal: true,
        signal: this.abort.signal,
      },
      this,
    )
  }

  opened(head: Head): void {
    this.head = head
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

  flushed(): undefined {
    this.flushes.push(this.events.length)
  }
}

async function readFrom(options: Partial<LineOptions>, ...chunks: (string | Uint8Array)[]): Promise<Stream> {
  const stream = new Stream(options)
  expect(await stream.read(chunks)).toMatchObject({ isEnd: true })
  return stream
}

const dataOf = async (options: Partial<LineOptions>, ...chunks: (string | Uint8Array)[]) =>
  (await readFrom(options, ...chunks)).events.map(({ data }) => data)

describe('a line of NDJSON', () => {
  test('is an event with its name, ID and data', async () => {
    const { events } = await readFrom(
      {},
      '{"event":"a","id":7,"message":{"n":1}}\n{"id":"x","message":"text"}\n',
    )
    expect(events).toEqual([
      { name: 'a', id: '7', data: '{"n":1}' },
      { name: 'message', id: 'x', data: 'text' },
    ])
  })

  test.each([
    ['LF', '{"id":1}\n{"id":2}\n'],
    ['CR LF', '{"id":1}\r\n{"id":2}\r\n'],
    ['LF, and blank lines between', '\n{"id":1}\n\n  \n{"id":2}\n\r\n'],
    ['nothing at the end', '{"id":1}\n{"id":2}'],
    ['LF, after a byte order mark', '\ufeff{"id":1}\n{"id":2}\n'],
  ])('ends with %s', async (_, text) => {
    expect((await readFrom({}, text)).events.map(({ id }) => id)).toEqual(['1', '2'])
  })

  test('brings several events where it has a list', async () => {
    const { events } = await readFrom(
      { frame: { each: '/list', id: '/id' } },
      '{"list":[{"id":1},{"id":2}]}\n{"list":[]}\n',
    )
    expect(events.map(({ id }) => id)).toEqual(['1', '2'])
  })

  test('is the data where nobody has said how to read it', async () => {
    expect(await dataOf({ frame: {} }, '{"id":1}\nno JSON\n')).toEqual(['{"id":1}', 'no JSON'])
  })

  test('that is no JSON is an event without an ID, and whoever runs the server is told', async () => {
    const { events, advice } = await readFrom({}, 'hello\n{"id":1,"message":"x"}\n')
    expect(events[0]).toEqual({ name: 'message', data: 'hello', id: undefined })
    expect(events[1]?.id).toBe('1')
    expect(advice).toEqual([expect.stringContaining('https://dash.test has sent a line that is not JSON')])
  })

  test('that is empty, or an empty object, shows only that the server is there', async () => {
    const stream = await readFrom({}, '{}\n', '\n', '{ }\r\n')
    expect(stream.events).toEqual([])
    expect(stream.bytes).toBe(9)
  })

  test.each([
    ['counts where it is complete', '{"message":"b"}', undefined, ['a', 'b']],
    ['does not where it is not', '{"message":"b', undefined, ['a']],
    ['does not where the connection is cut', '{"message":"b"}', new TypeError('network error'), ['a']],
  ])('at the end, without an end of its own, %s', async (_, rest, error, expected) => {
    const stream = new Stream()
    stream.error = error
    await stream.read([`{"message":"a"}\n${rest}`])
    expect(stream.events.map(({ data }) => data)).toEqual(expected)
    expect(stream.advice).toEqual([])
  })
})

describe('a heartbeat', () => {
  test('is given to no page, and its ID counts', async () => {
    const { events, idsAlone } = await readFrom(
      { heartbeat: ['keepalive', 'BOOKMARK'] },
      '{"event":"keepalive"}\n{"event":"BOOKMARK","id":9}\n{"event":"a","message":"x"}\n',
    )
    expect(events.map(({ name }) => name)).toEqual(['a'])
    expect(idsAlone).toEqual(['9'])
  })
})

describe('a JSON text of a sequence', () => {
  test.each([
    ['on a line', '\x1e{"id":1}\n\x1e{"id":2}\n'],
    ['on several', '\x1e{\n"id":\n1}\n\x1e{"id":2\n}\n'],
    ['without an end', '\x1e{"id":1}\x1e{"id":2}'],
    ['after an empty one', '\x1e\x1e\n\x1e{}\n\x1e{"id":1}\n\x1e{"id":2}\n'],
    ['with brackets and quotes within its strings', '\x1e{"id":1,"x":"}]\\"{"}\n\x1e{"id":2}\n'],
  ])('%s', async (_, text) => {
    const { events, advice } = await readFrom(SEQUENCE, text)
    expect(events.map(({ id }) => id)).toEqual(['1', '2'])
    expect(advice).toEqual([])
  })

  test('is given as soon as its line has ended', async () => {
    const stream = new Stream(SEQUENCE)
    stream.error = new TypeError('network error')
    await stream.read(['\x1e{"id":1,\n"x":"}]\\"{"}\n'])
    expect(stream.events).toHaveLength(1)
  })

  test('that is cut is left out, and those around it are given', async () => {
    const { events, advice } = await readFrom(SEQUENCE, '\x1e{"id":1}\n\x1e{"id":2,"mes\x1e{"id":3}\n')
    expect(events.map(({ id }) => id)).toEqual(['1', '3'])
    expect(advice).toEqual([expect.stringContaining('not complete JSON')])
  })

  test.each([
    ['true\x1e12\x1e34\n', ['34']],
    ['"a"\x1e[1]\x1enull\n', ['"a"', '[1]', 'null']],
  ])('may have been cut where nothing shows its end: %j', async (text, expected) => {
    expect(await dataOf({ ...SEQUENCE, frame: {} }, `\x1e${text}`)).toEqual(expected)
  })
})

describe('a plain line', () => {
  test('is the data of a message, whatever it says', async () => {
    const { events } = await readFrom(LINES, ' a\n\n{}\r\nb')
    expect(events.map(({ data }) => data)).toEqual([' a', '{}', 'b'])
    expect(events.every(({ name, id }) => name === 'message' && id === undefined)).toBe(true)
  })
})

describe('chunks', () => {
  const SAMPLES: readonly (readonly [Partial<LineOptions>, string])[] = [
    [{}, '\ufeff{"event":"ä","id":"€","message":"\u{1f600}"}\r\n\n{"id":2}\nno\n{"message":"end"}'],
    [SEQUENCE, '\x1e{"id":"ä",\r\n"message":"\u{1f600}]"}\n\x1e\x1e{"id":\x1e[1]\n\x1e3\n\x1e"x\\""'],
    [LINES, 'ä\r\n\r\n€ \u{1f600}\nend'],
  ]

  test.each(SAMPLES)('may end anywhere: %j', async (options, text) => {
    const bytes = bytesOf(text)
    const { events } = await readFrom(options, bytes)
    expect(events.length).toBeGreaterThan(2)
    for (let border = 0; border <= bytes.length; border++) {
      const { events: found } = await readFrom(options, bytes.slice(0, border), bytes.slice(border))
      expect(found, `at byte ${border}`).toEqual(events)
    }
    expect((await readFrom(options, ...Array.from(bytes, (byte) => Uint8Array.of(byte)))).events).toEqual(
      events,
    )
  })

  test('bring what was written, however they are cut', async () => {
    const message = fc.record({
      event: fc.string({ minLength: 1 }),
      id: fc.nat(),
      message: fc.string({ unit: 'grapheme' }),
    })
    const formats = fc.constantFrom('ndjson', 'json-seq')
    const cuts = fc.array(fc.nat())
    await fc.assert(
      fc.asyncProperty(fc.array(message), formats, cuts, async (messages, format, cuts) => {
        const mark = format === 'json-seq' ? '\x1e' : ''
        const bytes = bytesOf(messages.map((one) => `${mark}${JSON.stringify(one)}\n`).join(''))
        const borders = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
        const chunks = [0, ...borders].map((from, index) => bytes.slice(from, borders[index]))
        const stream = new Stream({ format })
        stream.maxEventSize = 1e6
        await stream.read(chunks)
        expect(stream.events).toEqual(
          messages.map(({ event, id, message }) => ({ name: event, id: String(id), data: message })),
        )
      }),
      { numRuns: 100 },
    )
  })
})

describe('a line that is too long', () => {
  const tooLarge = { message: 'the server sent an event of more than 1,000 characters', isFinal: true }

  test.each([
    ['whole', [`{"message":"${'x'.repeat(1_000)}"}\n`]],
    ['before it has ended', ['x'.repeat(600), 'x'.repeat(600)]],
    ['behind others', [`{}\n${'x'.repeat(1_001)}`]],
  ])('ends the stream: %s', async (_, chunks) => {
    for (const options of [NDJSON, SEQUENCE, LINES]) {
      const stream = new Stream(options)
      expect(await stream.read(chunks)).toMatchObject(tooLarge)
      expect(stream.events.filter(({ data }) => data !== '{}')).toEqual([])
    }
  })

  test('may come in many pieces', async () => {
    const stream = new Stream(LINES)
    stream.maxEventSize = 1e6
    const piece = bytesOf('x')
    await stream.read([...Array.from({ length: 100_000 }, () => piece), '\n'])
    expect(stream.events[0]?.data).toBe('x'.repeat(100_000))
  })

  test('of many events is handed over in parts', async () => {
    const stream = new Stream({ frame: { each: '' } })
    stream.maxEventSize = 1e6
    const list = Array.from({ length: 5_000 }, (_, number) => ({ number }))
    await stream.read([`${JSON.stringify(list)}\n`])
    expect(stream.events).toHaveLength(5_000)
    const parts = stream.flushes.map((count, index) => count - (stream.flushes[index - 1] ?? 0))
    expect(Math.max(...parts)).toBeLessThan(1_000)
  })
})

describe('a request', () => {
  test('accepts what the format is sent as, unless the page says otherwise', async () => {
    const stream = await readFrom({})
    expect(stream.asked[0]?.headers.accept).toBe(
      'application/x-ndjson,application/ndjson,application/jsonl,application/json,text/plain',
    )
    const other = new Stream()
    other.headers = [['accept', 'application/x-ndjson']]
    await other.read([])
    expect(other.asked[0]?.headers.accept).toBe('application/x-ndjson')
  })

  test('names the ID to resume after in a header', async () => {
    const stream = new Stream()
    await stream.read([], 'ä 1')
    expect(stream.asked[0]).toMatchObject({ url: stream.url, headers: { 'Last-Event-ID': '\xc3\xa4 1' } })
    expect(stream.head?.deniesResumption).toBe(false)
  })

  test('names it in a parameter where the page says so, and in no header', async () => {
    const stream = new Stream({ query: 'since' })
    await stream.read([], 'ä 1')
    expect(stream.asked[0]?.url).toBe('https://dash.test/json?poll=0&since=%C3%A4%201')
    expect(Object.keys(stream.asked[0]?.headers ?? {})).toEqual(['accept'])
    expect(stream.head?.deniesResumption).toBe(false)
  })

  test('is as the page has made it where there is no ID', async () => {
    const stream = new Stream({ query: 'since' })
    await stream.read([])
    expect(stream.asked[0]?.url).toBe(stream.url)
  })
})

describe('a response', () => {
  test.each([
    [NDJSON, 'application/x-ndjson; charset=utf-8'],
    [NDJSON, 'application/json'],
    [NDJSON, 'application/jsonl'],
    [NDJSON, 'text/plain'],
    [SEQUENCE, 'application/json-seq'],
    [LINES, 'text/plain;charset=UTF-8'],
  ])('is a stream: %j as %s', async (options, type) => {
    const stream = new Stream(options)
    stream.type = type
    expect(await stream.read([])).toMatchObject({ isEnd: true })
    expect(stream.head?.status).toBe(200)
  })

  test.each([
    [200, 'text/html', 'the server answered with content type "text/html"'],
    [200, 'text/event-stream', 'the server answered with content type "text/event-stream"'],
    [503, 'application/x-ndjson', 'the server answered with status 503'],
  ])('is none: %d %s', async (status, type, message) => {
    const stream = new Stream()
    Object.assign(stream, { status, type })
    const failure = await stream.read(['Log in'])
    expect(failure).toMatchObject({ message, status, isEnd: false })
    expect(failure.body).toBe(type.startsWith('text/') ? 'Log in' : '')
    expect(stream.head).toBeUndefined()
    expect(stream.events).toEqual([])
  })
})
