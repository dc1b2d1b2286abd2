import { newEpoch } from './epoch.ts'
import { type Appended, checked, type EventLog, type LogEvent, type Reading } from './event-log.ts'
import { type RedisClient, sendBy } from './redis-client.ts'
import { DATA, eventOf, idOf, type Known, NAME, RedisReader, TOPIC } from './redis-reader.ts'
import { type Entry, EPOCH, isBefore, RedisStream } from './redis-stream.ts'
import type { Cursor } from './tail.ts'

/** Options of {@link redisLog}. */
export interface RedisLogOptions {
  /**
   * What the keys in Redis begin with. Logs with other prefixes know nothing of each other.
   * @default 'tabstream'
   */
  prefix?: string
  /**
   * How many events Redis keeps at least, of all topics together; it drops older ones when it is convenient.
   * @default 10_000
   */
  maxLength?: number
  /** For how many ms Redis keeps events at least. Older ones are dropped when others are appended. */
  maxAge?: number
  /**
   * Told why the stream could not be read, once for each outage.
   * @default console.error
   */
  onError?: (error: unknown) => void
}

/** What is appended to a {@link RedisLog}. */
export interface RedisAppended extends Appended {
  /**
   * Chosen for this event alone. Within ten minutes, whoever appends with a key that is known changes nothing, and is given the ID of the event
   * that has come with it. So what may or may not have been carried out can be repeated, by any process.
   */
  readonly idempotencyKey?: string
}

/** What {@link redisLog} returns. */
export interface RedisLog extends EventLog {
  append(topic: string, event: RedisAppended): Promise<string>
  /** Ends all readings, and the connection that reads. The client that was handed in stays connected. */
  close(): void
}

/** How much of the stream a process holds in memory for clients that come back. */
const BOUNDS = { limit: 1_000, maxSize: 4_194_304 }

/** How many entries of what is older are read at a time. */
const PAGE = 500

/**
 * A log in a Redis stream, for any number of processes. It needs Redis 6.2 or later.
 *
 * Each process reads the stream by one connection, which it makes with `client.duplicate()` at the first reading, however many clients it
 * serves. While Redis is away, clients stay connected, and receive what has come meanwhile when it is back. Where Redis comes back
 * without what has been read, and where it has dropped events that a client had still to get, readings end, and clients that come back
 * are told that they may have missed something.
 *
 * @param client of the package `ioredis`, or a connected one of `redis`
 * @example
 * import { Redis } from 'ioredis'
 *
 * const log = redisLog(new Redis('redis://cache:6379'), { maxLength: 100_000 })
 */
export function redisLog(client: RedisClient, options: RedisLogOptions = {}): RedisLog {
  const { prefix = 'tabstream', maxLength = 10_000, maxAge, onError = console.error } = options
  const stream = new RedisStream(sendBy(client), prefix)
  const reader = new RedisReader(client, prefix, BOUNDS, onError)
  return {
    async append(topic, event) {
      const { name, data } = checked(topic, event)
      const { idempotencyKey } = event
      if (idempotencyKey === '') throw new TypeError('an idempotency key is a text of at least one character')
      const fields = [TOPIC, topic, ...(name === undefined ? [] : [NAME, name]), DATA, data]
      const minId = maxAge === undefined ? '' : String(Math.max(0, Date.now() - maxAge))
      const { era, id } = await stream.append(newEpoch(), maxLength, minId, fields, idempotencyKey)
      return idOf(era, id)
    },
    async read(topics, start, signal) {
      const known = await reader.known(signal)
      const { tail, era } = known
      if (start === 'now') return new TailReading(tail.fromNow(topics, signal))
      const history = { stream, known, topics, signal }
      if (start === 'earliest')
        return new PagedReading(history, true, era.mark, await stream.range('-', PAGE))
      const cursor = tail.after(start.after, topics, signal)
      if (cursor !== undefined) return new TailReading(cursor)
      const [epoch, id = ''] = start.after.split('.')
      // Anything else would be a command's argument of a client's choice.
      const page = /^\d{1,15}-\d{1,15}$/.test(id) ? await stream.range(id, PAGE) : []
      const [first, ...next] = page
      if (first?.id === id) return new PagedReading(history, epoch === era.epoch, id, next)
      // What is newer than all there is belongs to a history that is lost.
      const kept = page.length > 0 ? page : await stream.range('-', PAGE)
      return new PagedReading(history, false, era.mark, kept)
    },
    close: () => reader.close(),
  }
}

/** Of what is in memory. */
class TailReading implements Reading {
  readonly resumed = true
  readonly events: AsyncIterable<LogEvent>
  readonly #cursor: Cursor

  constructor(cursor: Cursor) {
    this.#cursor = cursor
    this.events = cursor.events()
  }

  get position(): string {
    return this.#cursor.position
  }
}

interface History {
  readonly stream: RedisStream
  readonly known: Known
  readonly topics: readonly string[]
  readonly signal: AbortSignal
}

/** Of what only Redis has any more, page by page, and then of what is in memory. */
class PagedReading implements Reading {
  readonly resumed: boolean
  readonly events: AsyncIterable<LogEvent>
  readonly #history: History
  /** The last entry that it is past. */
  #last: string
  #cursor: Cursor | undefined

  /**
   * @param after an entry of the stream
   * @param page what follows
   */
  constructor(history: History, resumed: boolean, after: string, page: readonly Entry[]) {
    this.#history = history
    this.resumed = resumed
    this.#last = after
    this.events = this.#read(page)
  }

  get position(): string {
    return this.#cursor?.position ?? idOf(this.#history.known.era, this.#last)
  }

  async *#read(page: readonly Entry[]): AsyncGenerator<LogEvent, void> {
    const { stream, known, topics, signal } = this.#history
    const { era, tail } = known
    const wanted = new Set(topics)
    let following = page
    for (;;) {
      for (const entry of following) {
        if (signal.aborted) return
        const isMark = entry.fields.has(EPOCH)
        // Another history begins there.
        if (isMark && isBefore(era.mark, entry.id)) return
        this.#last = entry.id
        const event = eventOf(entry, era)
        if (!isMark && wanted.has(event.topic)) yield event
      }
      this.#cursor = tail.after(idOf(era, this.#last), topics, signal)
      if (this.#cursor !== undefined) return yield* this.#cursor.events()
      const last = this.#last
      const [proof, ...next] = await stream.range(last, PAGE)
      // It has been dropped, and with it perhaps something that would have followed.
      if (proof?.id !== last || tail.isOver || signal.aborted) return
      // Whoever reads for this process has not come so far.
      if (next.length === 0) await tail.moved(signal)
      following = next
    }
  }
}
