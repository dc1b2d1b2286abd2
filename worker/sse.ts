import { createParser } from 'eventsource-parser'
import type { StreamRequest } from '../src/protocol.ts'
import type { HubPlatform } from './platform.ts'

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
  /** A `retry:` line; the value is in ms and unchecked. */
  retry(milliseconds: number): void
  /** Every event of a slice has been handed over; reading goes on when the promise, if any, resolves. */
  parsed(): Promise<void> | undefined
}

/** Characters parsed at a time: one chunk of a fast server can hold more events than a log. */
const SLICE = 32_768

/** The server gave an answer after which the standard forbids to reconnect. */
export class RefusedError extends Error {
  override name = 'RefusedError'
}

/**
 * Holds one connection until it ends.
 *
 * Resolves when the server ends the response; rejects with {@link RefusedError} where a reconnection is pointless
 * and with the platform's error when the network fails or `signal` aborts.
 */
export async function readEvents(
  platform: HubPlatform,
  request: StreamRequest,
  lastEventId: string,
  signal: AbortSignal,
  handlers: Handlers,
): Promise<void> {
  const headers: Record<string, string> = { Accept: 'text/event-stream' }
  if (lastEventId !== '') headers['Last-Event-ID'] = toByteString(lastEventId)
  const response = await platform.fetch(request.url, {
    headers,
    signal,
    credentials: request.credentials,
    cache: 'no-store',
  })
  const refusal = whyRefused(response)
  if (refusal !== undefined) {
    response.body?.cancel().catch(() => {})
    throw new RefusedError(refusal)
  }
  handlers.opened(response)
  if (response.body !== null) await parse(response.body, handlers)
}

/** [spec] Anything but 200 with an event stream fails the connection for good.
 *  https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model */
function whyRefused(response: Response): string | undefined {
  if (response.status !== 200) return `the server answered with status ${response.status}`
  const type = response.headers.get('Content-Type') ?? ''
  const essence = type.split(';', 1)[0]?.trim().toLowerCase()
  if (essence !== 'text/event-stream') return `the server answered with content type "${type}"`
  return undefined
}

async function parse(body: ReadableStream<Uint8Array<ArrayBuffer>>, handlers: Handlers): Promise<void> {
  const parser = createParser({
    onEvent: ({ event, data, id }) => handlers.event({ name: event ?? 'message', data, id }),
    onRetry: handlers.retry,
  })
  // The decoder strips the byte order mark; it also mends multi-byte characters split between chunks.
  const decoder = new TextDecoder()
  const lines = new LineEnds()
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const text = lines.normalise(decoder.decode(value, { stream: true }))
    for (let at = 0; at < text.length; at += SLICE) {
      parser.feed(text.slice(at, at + SLICE))
      await handlers.parsed()
    }
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

/** A header value takes one byte per character: the UTF-8 bytes of the ID, as browsers send them. */
export const toByteString = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')
