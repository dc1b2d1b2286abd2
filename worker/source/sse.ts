import { createParser } from 'eventsource-parser'
import type { HubPlatform } from '../platform.ts'
import { Asking, toByteString } from './asking.ts'
import { DatalessIds } from './dataless-ids.ts'
import { FailedError, failureOf } from './failure.ts'
import { refusalOf } from './refusal.ts'
import type { ConnectionRequest, Receiver, Source } from './source.ts'

/** Characters that are parsed at a time. One chunk of a fast server can hold more events than a log. */
const SLICE = 32_768

const SCHEMES = ['http:', 'https:', 'data:', 'blob:']

/** Server-Sent Events by `fetch`, for one stream. */
export function sse(platform: HubPlatform): Source {
  // Functions and resumption can lead to other origins, and each has its own set-up.
  const askings = new Map<string, Asking>()
  return async (connection, receiver) => {
    try {
      const { origin } = new URL(connection.url)
      // At another hub, the stream may have been read before, but not where it leads only now.
      const asking = askings.get(origin) ?? new Asking(platform, askings.size === 0)
      askings.set(origin, asking)
      await readEvents(platform, asking, connection, receiver)
      return new FailedError('the server ended the response', { isEnd: true }).failure
    } catch (error) {
      const failure = failureOf(error)
      // An EventSource has no other place to say it.
      if (failure.isUnreadable) receiver.advise(failure.message)
      return failure
    }
  }
}

/**
 * Resolves when the server ends the response. Rejects with {@link FailedError} where the reason is known, and with the
 * platform's error when the network fails or the signal aborts.
 */
async function readEvents(
  platform: HubPlatform,
  asking: Asking,
  connection: ConnectionRequest,
  receiver: Receiver,
): Promise<void> {
  const { url, resumeAfter, maxEventSize, readsRefusal } = connection
  const { origin } = new URL(url)
  const obstacle = whyImpossible(new URL(url))
  if (obstacle !== undefined) throw new FailedError(obstacle, { isFinal: true })
  const { response, namesEvent } = await asking.ask(connection)
  const refusal = await refusalOf(platform, response, readsRefusal)
  if (refusal !== undefined) throw refusal
  const isUnasked = resumeAfter !== '' && !namesEvent
  if (isUnasked) receiver.advise(cannotResume(origin))
  // Mercure's way to say that it no longer has the event asked for. The header's name has changed with version 1.0.
  const resumedAfter = response.headers.get('Mercure-Last-Event-ID') ?? response.headers.get('Last-Event-ID')
  receiver.opened({
    origin: new URL(response.url || url).origin,
    // A header's value loses the blanks at its ends.
    deniesResumption:
      isUnasked || (resumedAfter !== null && resumedAfter.trim() !== toByteString(resumeAfter).trim()),
  })
  if (response.body !== null) await parse(response.body, maxEventSize, receiver)
}

const cannotResume = (origin: string): string =>
  `${origin} does not permit the header Last-Event-ID, so each reconnection leaves a gap: it has to send for OPTIONS ` +
  '"Access-Control-Allow-Headers: Last-Event-ID"'

/** What `fetch` would refuse again and again, in words that do not tell. */
function whyImpossible({ protocol, username, password }: URL): string | undefined {
  if (!SCHEMES.includes(protocol)) return `a URL of scheme "${protocol}" cannot be fetched`
  if (username !== '' || password !== '') {
    return 'a URL with a user name or password cannot be fetched; send them in a header'
  }
  return undefined
}

async function parse(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxEventSize: number,
  receiver: Receiver,
): Promise<void> {
  const tooLarge = () => {
    const message = `the server sent an event of more than ${maxEventSize.toLocaleString('en')} characters`
    return new FailedError(message, { isFinal: true })
  }
  const parser = createParser({
    onEvent: ({ event, data, id }) => {
      if (data.length > maxEventSize) throw tooLarge()
      receiver.event({ name: event ?? 'message', data, id })
    },
    onRetry: (milliseconds) => receiver.retry(milliseconds),
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
      if (done) {
        if (!receiver.takesUnfinished()) return
        parser.feed(`${lines.normalise(decoder.decode())}\n\n`)
        await receiver.flushed()
        return
      }
      receiver.alive()
      const text = lines.normalise(decoder.decode(value, { stream: true }))
      for (let at = 0; at < text.length; at += SLICE) {
        const slice = text.slice(at, at + SLICE)
        let fed = 0
        for (const { end, id } of ids.find(slice)) {
          parser.feed(slice.slice(fed, end))
          receiver.idAlone(id)
          fed = end
        }
        parser.feed(slice.slice(fed))
        await receiver.flushed()
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
