import type { StreamRequest } from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import { EventParser } from './event-parser.ts'
import { FailedError, failureOf, parseRetryAfter } from './failure.ts'
import type { ConnectionRequest, Receiver, Source } from './source.ts'

/** Bytes that are parsed at a time. One chunk of a fast server can hold more events than a log. */
const SLICE = 32_768

/** What is kept of events may keep so many times its characters in memory, and so many slices besides. */
const WASTE = 4

const SCHEMES = ['http:', 'https:', 'data:', 'blob:']

/** Server-Sent Events by `fetch`. */
export const sse =
  (platform: HubPlatform): Source =>
  async (connection, receiver) => {
    try {
      await readEvents(platform, connection, receiver)
      return new FailedError('the server ended the response', { isEnd: true }).failure
    } catch (error) {
      return failureOf(error)
    }
  }

/**
 * Resolves when the server ends the response. Rejects with {@link FailedError} where the reason is known, and with the
 * platform's error when the network fails or the signal aborts.
 */
async function readEvents(
  platform: HubPlatform,
  { request, headers, resumeAfter, maxEventSize, signal }: ConnectionRequest,
  receiver: Receiver,
): Promise<void> {
  const obstacle = whyImpossible(new URL(request.url))
  if (obstacle !== undefined) throw new FailedError(obstacle, { isFinal: true })
  const response = await platform.fetch(request.url, {
    method: request.method,
    headers: headersOf(headers, resumeAfter),
    signal,
    credentials: request.credentials,
    cache: 'no-store',
    redirect: followsRedirects(request) ? 'follow' : 'manual',
    ...(request.body !== undefined && { body: request.body }),
  })
  if (response.type === 'opaqueredirect') throw new FailedError(REDIRECTED, { isFinal: true })
  const refusal = whyRefused(response, platform.now())
  if (refusal !== undefined) {
    response.body?.cancel().catch(() => {})
    throw refusal
  }
  // Mercure's way to say that it no longer has the event asked for. The header's name has changed with version 1.0.
  const resumedAfter = response.headers.get('Mercure-Last-Event-ID') ?? response.headers.get('Last-Event-ID')
  receiver.opened({
    origin: new URL(response.url || request.url).origin,
    // A header's value loses the blanks at its ends.
    deniesResumption: resumedAfter !== null && resumedAfter.trim() !== toByteString(resumeAfter).trim(),
  })
  if (response.body !== null) await parse(response.body, maxEventSize, receiver)
}

const REDIRECTED =
  "the server redirects the request, and the page's headers and body are not sent elsewhere by themselves; " +
  'connect to where it leads, or say redirect: "follow"'

/** `fetch` sends headers and body along to another origin, and does not tell beforehand where a redirect leads. */
export const followsRedirects = ({ redirect, body, headers, asksHeaders }: StreamRequest): boolean =>
  redirect === 'follow' ||
  (redirect === undefined && body === undefined && headers.length === 0 && !asksHeaders)

/** A last event ID replaces the one that the page may have given to begin with. */
function headersOf(headers: StreamRequest['headers'], resumeAfter: string): Record<string, string> {
  const all: Record<string, string> = {
    accept: 'text/event-stream',
    ...Object.fromEntries(headers),
  }
  if (resumeAfter === '') return all
  const { 'last-event-id': _, ...others } = all
  return { ...others, 'Last-Event-ID': toByteString(resumeAfter) }
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
  return new FailedError(`the server answered with content type "${type}"`, { status })
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
  receiver: Receiver,
): Promise<void> {
  // Characters received for which no event can be shown.
  let waste = 0
  const parser = new EventParser(maxEventSize, {
    event: ({ name, data, id }) => {
      waste = Math.max(0, waste - WASTE * (name.length + data.length + (id?.length ?? 0)))
      const own = waste > WASTE * SLICE ? copyOf : whole
      receiver.event({ name: own(name), data: own(data), id: id && own(id) })
    },
    idAlone: (id) => receiver.idAlone(copyOf(id)),
    retry: (milliseconds) => receiver.retry(milliseconds),
  })
  // The decoder strips the byte order mark; it also mends multi-byte characters split between chunks.
  const decoder = new TextDecoder()
  const ends = new LineEnds()
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      receiver.alive()
      const bytes = ends.normalise(value)
      for (let at = 0; at < bytes.length; at += SLICE) {
        const text = decoder.decode(bytes.subarray(at, at + SLICE), { stream: true })
        waste += text.length
        if (!parser.take(text)) {
          const message = `the server sent an event of more than ${maxEventSize.toLocaleString('en')} characters`
          throw new FailedError(message, { isFinal: true })
        }
        await receiver.flushed()
      }
    }
  } finally {
    // Whatever has gone wrong here, the rest is not wanted.
    reader.cancel().catch(() => {})
  }
}

const LF = 10
const CR = 13

/** Makes each of CR, LF and CR LF one LF, so that a line that ends with CR ends there and not with the next chunk. */
class LineEnds {
  #hasEndedWithCr = false

  normalise(bytes: Uint8Array): Uint8Array {
    if (!this.#hasEndedWithCr && !bytes.includes(CR)) return bytes
    const normal = new Uint8Array(bytes.length)
    let length = 0
    for (const byte of bytes) {
      if (byte !== LF || !this.#hasEndedWithCr) normal[length++] = byte === CR ? LF : byte
      this.#hasEndedWithCr = byte === CR
    }
    return normal.subarray(0, length)
  }
}

/** In V8 a part of a text keeps the whole text alive, and a text that was joined keeps its pieces until it is looked into. */
const copyOf = (text: string): string => ` ${text}`.slice(1)

const whole = (text: string): string => {
  text.includes('\n')
  return text
}

/** A header value takes one byte per character: the UTF-8 bytes of the ID, as browsers send them. */
const toByteString = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')
