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
      onRetry: (milliseconds) => receiver.retry(milliseconds),
    })
    let isOver = false
    const lines = new Lines(maxEventSize, {
      lines: (text) => parser.feed(text),
      // Where the response has been cut after it, the event that it belongs to is still to come.
      idAlone: (id) => isOver || receiver.idAlone(copyOf(id)),
    })
    let hasEndedWithCr = false
    return (text, isLast) => {
      isOver = isLast
      if (isLast && !receiver.takesUnfinished()) return false
      // Each of CR, LF and CR LF becomes one LF, so that a line that ends with CR ends there and not with the next piece.
      const rest = hasEndedWithCr && text[0] === '\n' ? text.slice(1) : text
      if (text !== '') hasEndedWithCr = text.endsWith('\r')
      if (!lines.take(rest.replace(/\r\n?/g, '\n') + (isLast ? '\n\n' : ''))) throw tooLarge(maxEventSize)
      return true
    }
  },
}
