import { createParser } from 'eventsource-parser'
import { copyOf } from '../../src/link/copy-of.ts'
import type { HubPlatform } from '../platform.ts'
import { tooLarge } from './failure.ts'
import { Lines } from './lines.ts'
import { byFetch, type Format } from './response.ts'
import type { Source } from './source.ts'

/** Server-Sent Events by `fetch`, for one stream. */
export const sse = (platform: HubPlatform): Source => byFetch(platform, EVENT_STREAM)

const EVENT_STREAM: Format = {
  types: ['text/event-stream'],
  asked: (connection) => connection,
  begin({ maxEventSize }, receiver, keep) {
    const parser = createParser({
      onEvent: ({ event, data, id }) => receiver.event(keep(event || 'message', data, id)),
    })
    let isOver = false
    const lines = new Lines(maxEventSize, {
      lines: (text) => parser.feed(text),
      // Where the response has been cut after it, the event that it belongs to is still to come.
      idAlone: (id) => isOver || receiver.idAlone(copyOf(id)),
      retry: (time) => receiver.retry(time),
    })
    let hasEndedWithCr = false
    return (text, isLast) => {
      isOver = isLast
      if (isLast && !receiver.takesUnfinished()) return false
      const rest = hasEndedWithCr && text[0] === '\n' ? text.slice(1) : text
      if (text !== '') hasEndedWithCr = text.endsWith('\r')
      if (!lines.take(withLf(rest) + (isLast ? '\n\n' : ''))) throw tooLarge(maxEventSize)
      return true
    }
  },
}

const LF = 10
const CR = 13

/**
 * Each of CR, LF and CR LF becomes one LF, so that a line that ends with CR ends there and not with the next piece. As bytes: what
 * replaces in texts takes more than ten times as long where there is nothing else.
 */
function withLf(text: string): string {
  if (!text.includes('\r')) return text
  const bytes = new TextEncoder().encode(text)
  let length = 0
  let former = 0
  // An iterator takes twice as long.
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number
    if (byte === CR) bytes[length++] = LF
    else if (byte !== LF || former !== CR) bytes[length++] = byte
    former = byte
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, length))
}
