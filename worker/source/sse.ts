import { createParser } from 'eventsource-parser'
import type { StreamRequest } from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import { type Failure, parseRetryAfter } from '../stream/retry.ts'

/** One event as the server sent it. */
export interface ServerEvent {
  readonly name: string
  readonly data: string
  /** Absent where the event had no `id` line. */
  readonly id: string | undefined
}

export interface Handlers {
  opened(response: Response): void
  event(event: ServerEvent): void
  /** An `id` line in a block without data, which is no event. */
  id(id: string): void
  /** A `retry:` line; the value is in ms and unchecked. */
  retry(milliseconds: number): void
  /** Some bytes have come. */
  alive(): void
  /** Every event of a slice has been handed over; reading goes on when the promise, if any, resolves. */
  parsed(): Promise<void> | undefined
}

export interface Connection {
  readonly lastEventId: string
  readonly headers: StreamRequest['headers']
  readonly signal: AbortSignal
  /** How many characters an event may have. */
  readonly maxEventSize: number
}

/** Characters parsed at a time: one chunk of a fast server can hold more events than a log. */
const SLICE = 32_768

const SCHEMES = ['http:', 'https:', 'data:', 'blob:']

/** The connection has failed for a reason that says whether to try again. */
export class FailedError extends Error {
  override name = 'FailedError'
  readonly failure: Failure

  constructor(message: string, details: Partial<Failure> = {}) {
    super(message)
    this.failure = { message, status: 0, retryAfter: 0, isFinal: false, ...details }
  }
}

/**
 * Holds one connection until it ends.
 *
 * Resolves when the server ends the response; rejects with {@link FailedError} where the reason is known, and with the
 * platform's error when the network fails or `signal` aborts.
 */
export async function readEvents(
  platform: HubPlatform,
  request: StreamRequest,
  { lastEventId, headers, signal, maxEventSize }: Connection,
  handlers: Handlers,
): Promise<void> {
  const obstacle = whyImpossible(new URL(request.url))
  if (obstacle !== undefined) throw new FailedError(obstacle, { isFinal: true })
  const response = await platform.fetch(request.url, {
    method: request.method,
    headers: headersOf(headers, lastEventId),
    signal,
    credentials: request.credentials,
    cache: 'no-store',
    ...(request.body !== undefined && { body: request.body }),
  })
  const refusal = whyRefused(response, platform.now())
  if (refusal !== undefined) {
    response.body?.cancel().catch(() => {})
    throw refusal
  }
  handlers.opened(response)
  if (response.body !== null) await parse(response.body, maxEventSize, handlers)
}

/** A last event ID replaces the one that the page may have given to begin with. */
function headersOf(headers: StreamRequest['headers'], lastEventId: string): Record<string, string> {
  const all: Record<string, string> = {
    accept: 'text/event-stream',
    ...Object.fromEntries(headers),
  }
  if (lastEventId === '') return all
  const { 'last-event-id': _, ...others } = all
  return { ...others, 'Last-Event-ID': toByteString(lastEventId) }
}

/** What `fetch` would refuse again and again, in words that do not tell. */
function whyImpossible({ protocol, username, password }: URL): string | undefined {
  if (!SCHEMES.includes(protocol)) return `a URL of scheme "${protocol}" cannot be fetched`
  if (username !== '' || password !== '') {
    return 'a URL with a user name or password cannot be fetched; send them in a header'
  }
  return undefined
}

/** [spec] Anything but 200 with an event stream fails the connection.
 *  https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model */
function whyRefused({ status, headers }: Response, now: number): FailedError | undefined {
  if (status !== 200) {
    return new FailedError(`the server answered with status ${status}`, {
      status,
      retryAfter: parseRetryAfter(headers.get('Retry-After'), now),
      isFinal: status === 204,
    })
  }
  const type = headers.get('Content-Type') ?? ''
  if (essenceOf(type) === 'text/event-stream') return undefined
  return new FailedError(`the server answered with content type "${type}"`, { status, isFinal: true })
}

/** [spec] Of several values the last one that is a type counts, unless it is any type; parameters do not.
 *  https://fetch.spec.whatwg.org/#concept-header-extract-mime-type */
function essenceOf(contentType: string): string | undefined {
  const values = contentType.match(/(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g) ?? []
  const types = values.map((value) => /^\s*([^\s;/]+\/[^\s;/]+)\s*(?:;|$)/.exec(value)?.[1]?.toLowerCase())
  return types.filter((type) => type !== undefined && type !== '*/*').at(-1)
}

async function parse(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxEventSize: number,
  handlers: Handlers,
): Promise<void> {
  const tooLarge = () => {
    const message = `the server sent an event of more than ${maxEventSize.toLocaleString('en')} characters`
    return new FailedError(message, { isFinal: true })
  }
  const parser = createParser({
    onEvent: ({ event, data, id }) => {
      if (data.length > maxEventSize) throw tooLarge()
      handlers.event({ name: event ?? 'message', data, id })
    },
    onRetry: handlers.retry,
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') throw tooLarge()
    },
    maxBufferSize: maxEventSize + 'data: '.length,
  })
  // It takes the letters ï»¿ at the beginning for a byte order mark, which the decoder has dealt with.
  parser.feed('')
  // The decoder strips the byte order mark; it also mends multi-byte characters split between chunks.
  const decoder = new TextDecoder()
  const lines = new LineEnds()
  const ids = new DatalessIds()
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      handlers.alive()
      const text = lines.normalise(decoder.decode(value, { stream: true }))
      for (let at = 0; at < text.length; at += SLICE) {
        const slice = text.slice(at, at + SLICE)
        let fed = 0
        for (const { end, id } of ids.find(slice)) {
          parser.feed(slice.slice(fed, end))
          handlers.id(id)
          fed = end
        }
        parser.feed(slice.slice(fed))
        await handlers.parsed()
      }
    }
  } finally {
    // Whatever has gone wrong here, the rest is not wanted.
    reader.cancel().catch(() => {})
  }
}

/** Makes each of CR, LF and CR LF one LF, so that a line that ends with CR ends there and not with the next chunk. */
class LineEnds {
  #hasEndedWithCr = false

  normalise(text: string): string {
    const isSecondHalf = this.#hasEndedWithCr && text.startsWith('\n')
    if (text !== '') this.#hasEndedWithCr = text.endsWith('\r')
    const rest = isSecondHalf ? text.slice(1) : text
    return rest.includes('\r') ? rest.replace(/\r\n?/g, '\n') : rest
  }
}

/** Characters of an unfinished line that are kept: more than that is no ID. */
const ID_LIMIT = 65_536

/** [spec] An `id` line counts even where there is no data and so no event; the parser says nothing of such blocks.
 *  https://html.spec.whatwg.org/multipage/server-sent-events.html#dispatchMessage */
class DatalessIds {
  /** The beginning of a line that has not ended yet. */
  #line = ''
  /** Some of a block has come and its end has not. */
  #isInside = false
  #blockId: string | undefined
  #hasData = false
  #id = ''

  /** Blocks of this text, after all that came before, that have an ID and no data, and where each ends. */
  find(text: string): { end: number; id: string }[] {
    const found: { end: number; id: string }[] = []
    let at = 0
    while (at < text.length) {
      if (!this.#isInside) at = this.#pass(text, at)
      const end = text.indexOf('\n', at)
      if (end < 0) break
      if (this.#line !== '') this.#take(this.#line + text.slice(at, end))
      else if (end > at) this.#take(text, at, end)
      else if (this.#endBlock()) found.push({ end: end + 1, id: this.#id })
      this.#isInside = this.#line !== '' || end > at
      this.#line = ''
      at = end + 1
    }
    this.#isInside ||= at < text.length
    if (this.#line.length < ID_LIMIT) this.#line += text.slice(at, at + ID_LIMIT)
    return found
  }

  /** Nearly all blocks have data, and there is nothing else to know of them. Gives the beginning of the first other one. */
  #pass(text: string, from: number): number {
    let at = from
    for (let end = text.indexOf('\n\n', at); end >= 0; end = text.indexOf('\n\n', at)) {
      const data = text.startsWith('data:', at) ? at : text.indexOf('\ndata:', at)
      if (data < 0 || data >= end) return at
      at = end + 2
    }
    return at
  }

  #take(text: string, from = 0, to = text.length): void {
    if (isField('data', text, from, to)) {
      this.#hasData = true
    } else if (isField('id', text, from, to)) {
      const value = text.slice(from + 'id:'.length, to).replace(/^ /, '')
      if (!value.includes('\0')) this.#blockId = value
    }
  }

  /** Whether there is something to tell, in `#id`. */
  #endBlock(): boolean {
    const id = this.#hasData ? undefined : this.#blockId
    this.#hasData = false
    this.#blockId = undefined
    if (id !== undefined) this.#id = id
    return id !== undefined
  }
}

const isField = (name: string, text: string, from: number, to: number): boolean =>
  text.startsWith(name, from) && (to === from + name.length || text[from + name.length] === ':')

/** A header value takes one byte per character: the UTF-8 bytes of the ID, as browsers send them. */
export const toByteString = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')
