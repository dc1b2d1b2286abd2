import type { LineFormat, LineOptions } from '../../src/link/lines.ts'
import type { HubPlatform } from '../platform.ts'
import { tooLarge } from './failure.ts'
import { Frame, parsed, resumingBy } from './frame.ts'
import { byFetch, type Format } from './response.ts'
import type { ConnectionRequest, Receiver, Source, SourceEvent } from './source.ts'
import { SeparateLines, Sequence } from './texts.ts'

// A module of its own, dist/lines-source.js, that hubs fetch.

/** Characters that are handed over at a time: a line can hold more events than a log. */
const SLICE = 32_768

/** What an event costs besides its characters. */
const OVERHEAD = 64

const NDJSON = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/json']

/** What servers say. Some leave it to their library, which sees that it is text. */
const TYPES: Readonly<Record<LineFormat, readonly string[]>> = {
  ndjson: [...NDJSON, 'text/plain'],
  'json-seq': ['application/json-seq', 'application/json'],
  lines: ['text/plain', ...NDJSON],
}

/** Events by `fetch`, each of them a line or a JSON text, for one stream. */
export function source(platform: HubPlatform, options: LineOptions): Source {
  const { format, query } = options
  const lines: Format = {
    types: TYPES[format],
    begin: (connection, receiver, keep) => {
      const { maxEventSize, signal } = connection
      const texts = format === 'json-seq' ? new Sequence() : new SeparateLines()
      const reading = new Reading(options, connection, receiver)
      return async (text, isLast) => {
        let handed = 0
        const ended = texts.take(text)
        for (const one of isLast ? [...ended, reading.last(texts.rest())] : ended) {
          if (one.length > maxEventSize) throw tooLarge(maxEventSize)
          for (const { name, data, id } of reading.eventsOf(one)) {
            receiver.event(keep(name, data, id))
            handed += data.length + OVERHEAD
            if (handed < SLICE) continue
            handed = 0
            await receiver.flushed()
            await platform.turn()
            signal.throwIfAborted()
          }
        }
        if (texts.size > maxEventSize) throw tooLarge(maxEventSize)
        return true
      }
    },
    asked: (connection) => accepting(TYPES[format], resumingBy(query, connection)),
  }
  return byFetch(platform, lines)
}

/** What the page says counts more. */
const accepting = (types: readonly string[], connection: ConnectionRequest): ConnectionRequest => ({
  ...connection,
  headers: [['accept', types.join()], ...connection.headers],
})

/** Reads the lines or texts of one response. */
class Reading {
  readonly #options: LineOptions
  readonly #origin: string
  readonly #receiver: Receiver
  readonly #frame: Frame

  constructor(options: LineOptions, { url }: ConnectionRequest, receiver: Receiver) {
    this.#options = options
    this.#origin = new URL(url).origin
    this.#receiver = receiver
    this.#frame = new Frame(options.frame)
  }

  /** Those that pages are given. Nothing, and an empty object, show only that the server is there. */
  eventsOf(text: string): readonly SourceEvent[] {
    const { format, heartbeat } = this.#options
    const trimmed = text.trim()
    if (trimmed === '') return []
    if (format === 'lines') return [messageOf(text)]
    if (/^\{\s*\}$/.test(trimmed)) return []
    return this.#read(format === 'json-seq' ? trimmed : text, text).filter(({ name, id }) => {
      if (!heartbeat.includes(name)) return true
      // No page is given it, and none needs it again.
      if (id !== undefined) this.#receiver.idAlone(id)
      return false
    })
  }

  /** A response that has ended within a line has been cut by whoever made it. Nothing tells that of a line that is no JSON. */
  last(text: string): string {
    const isComplete =
      this.#options.format === 'lines' ||
      (isTerminated(this.#options.format, text) && parsed(text) !== undefined)
    return isComplete ? text : ''
  }

  /** @param text as it is given to pages @param whole as it came */
  #read(text: string, whole: string): readonly SourceEvent[] {
    const { format } = this.#options
    const isSequence = format === 'json-seq'
    if (!isSequence && !this.#frame.isFramed) return [messageOf(text)]
    const isJson = !isSequence || (isTerminated(format, whole) && parsed(text) !== undefined)
    const events = isJson ? this.#frame.eventsOf(text) : undefined
    if (events !== undefined) return events
    const what = isSequence ? 'text that is not complete JSON; it is left out' : LINE
    this.#receiver.advise(`${this.#origin} has sent a ${what}`)
    return isSequence ? [] : [messageOf(text)]
  }
}

const LINE = 'line that is not JSON; it is an event "message" without an ID'

const messageOf = (data: string): SourceEvent => ({ name: 'message', data, id: undefined })

/** [spec] Without what ends it, a number may have been cut. https://www.rfc-editor.org/rfc/rfc7464#section-2.4 */
const isTerminated = (format: LineFormat, text: string): boolean =>
  format !== 'json-seq' || /[\s}\]"]/.test(text.slice(-1))
