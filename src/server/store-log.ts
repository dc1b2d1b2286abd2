import { checked, type EventLog, type LogEvent, type Reading } from './event-log.ts'
import { type Cursor, Tail } from './tail.ts'

/** What {@link storeLog} needs of a store that keeps events in one order: a table, or a stream of a message broker. */
export interface EventStore {
  /** Keeps an event behind all others. Resolves with its ID. */
  append(event: Omit<LogEvent, 'id'>): Promise<string>
  /** The newest events, oldest first, so many at most. */
  newest(count: number): Promise<readonly LogEvent[]>
  /**
   * Events from the one with this ID on, that one first, or from the oldest on; so many at most. None where it is not kept. Where it is,
   * nothing that came after it has been dropped. IDs come from clients: any text must do.
   */
  from(id: string | undefined, count: number): Promise<readonly LogEvent[]>
  /**
   * Gives each event that follows the one with this ID, or the oldest and what follows, as it comes. Ends with the signal, and where it
   * cannot go on without leaving out an event. Rejects where the store cannot be reached; it is then called again.
   */
  follow(id: string | undefined, take: (event: LogEvent) => void, signal: AbortSignal): Promise<void>
}

/** Options of {@link storeLog}. */
export interface StoreLogOptions {
  /**
   * Told why the store could not be followed, once for each outage.
   * @default console.error
   */
  onError?: (error: unknown) => void
}

/** What {@link storeLog} returns. */
export interface StoreLog extends EventLog {
  /** Ends all readings, and follows the store no longer. */
  close(): void
}

/** How much a process holds in memory for clients that come back. */
const BOUNDS = { limit: 1_000, maxSize: 4_194_304 }

/** How many events of what is older are read at a time. */
const PAGE = 500

/** How long, in ms, it waits after a failure, at first and at most. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 2_000

/**
 * A log in a store of your own, for any number of processes.
 *
 * Each process follows the store once, from the first reading on, however many clients it serves. While the store is away, clients stay
 * connected, and receive what has come meanwhile when it is back. Where it comes back without what has been given, and where it has
 * dropped events that a client had still to get, readings end, and clients that come back are told that they may have missed something.
 *
 * @example
 * const log = storeLog({ append, newest, from, follow })
 */
export function storeLog(store: EventStore, { onError = console.error }: StoreLogOptions = {}): StoreLog {
  const follower = new Follower(store, onError)
  return {
    // A promise rejects where the event makes no sense, too.
    append: async (topic, event) => store.append(checked(topic, event)),
    async read(topics, start, signal) {
      const tail = await follower.tail(signal)
      if (start === 'now') return readingOf(tail.fromNow(topics, signal))
      const history = { store, tail, topics, signal }
      if (start !== 'earliest') {
        const cursor = tail.after(start.after, topics, signal)
        if (cursor !== undefined) return readingOf(cursor)
        const [first, ...next] = await store.from(start.after, PAGE)
        if (first?.id === start.after) return new PagedReading(history, true, first.id, next)
      }
      return new PagedReading(history, start === 'earliest', undefined, await store.from(undefined, PAGE))
    },
    close: () => follower.close(),
  }
}

const readingOf = (cursor: Cursor): Reading => ({
  resumed: true,
  get position() {
    return cursor.position
  },
  events: cursor.events(),
})

/** Keeps the newest events in a {@link Tail}. Where history is not continuous it ends the tail, and begins another. */
class Follower {
  readonly #store: EventStore
  readonly #onError: (error: unknown) => void
  readonly #closing = new AbortController()
  #tail: Tail | undefined
  #waiting: { resolve(tail: Tail): void; reject(error: unknown): void }[] = []
  #hasBegun = false

  constructor(store: EventStore, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
  }

  /** Begins to follow when it is called for the first time. Rejects where the store fails. */
  async tail(signal: AbortSignal): Promise<Tail> {
    signal.throwIfAborted()
    if (this.#closing.signal.aborted) throw new Error('the log is closed')
    if (!this.#hasBegun) {
      this.#hasBegun = true
      void this.#run()
    }
    return this.#tail ?? new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  close(): void {
    this.#closing.abort()
    this.#tail?.end()
    this.#reject(new Error('the log is closed'))
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    let pause = FIRST_PAUSE
    while (!signal.aborted) {
      try {
        const tail = this.#tail ?? (await this.#begin())
        const take = (event: LogEvent) => {
          pause = FIRST_PAUSE
          tail.append(event)
        }
        await this.#store.follow(tail.lastId === '' ? undefined : tail.lastId, take, signal)
        tail.end()
        this.#tail = undefined
      } catch (error) {
        if (signal.aborted) return
        this.#reject(error)
        // Once for each outage.
        if (pause === FIRST_PAUSE) this.#onError(error)
        await elapsed(pause, signal)
        pause = Math.min(pause * 2, LONGEST_PAUSE)
      }
    }
  }

  async #begin(): Promise<Tail> {
    const [first, ...others] = await this.#store.newest(BOUNDS.limit + 1)
    const tail = new Tail(BOUNDS, first?.id ?? '')
    for (const event of others) tail.append(event)
    if (this.#closing.signal.aborted) tail.end()
    this.#tail = tail
    for (const { resolve } of this.#waiting.splice(0)) resolve(tail)
    return tail
  }

  #reject(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

interface History {
  readonly store: EventStore
  readonly tail: Tail
  readonly topics: readonly string[]
  readonly signal: AbortSignal
}

/** Of what only the store has any more, page by page, and then of what is in memory. */
class PagedReading implements Reading {
  readonly resumed: boolean
  readonly events: AsyncIterable<LogEvent>
  readonly #history: History
  /** ID of the last event that it is past; nothing where it is at the beginning of an empty store. */
  #last: string | undefined
  #cursor: Cursor | undefined

  /** @param page what follows */
  constructor(history: History, resumed: boolean, after: string | undefined, page: readonly LogEvent[]) {
    this.#history = history
    this.resumed = resumed
    this.#last = after
    this.events = this.#read(page)
  }

  get position(): string | undefined {
    return this.#cursor?.position ?? this.#last
  }

  async *#read(page: readonly LogEvent[]): AsyncGenerator<LogEvent, void> {
    const { store, tail, topics, signal } = this.#history
    const wanted = new Set(topics)
    let following = page
    for (;;) {
      for (const event of following) {
        if (signal.aborted) return
        this.#last = event.id
        if (wanted.has(event.topic)) yield event
      }
      this.#cursor = tail.after(this.#last ?? '', topics, signal)
      if (this.#cursor !== undefined) return yield* this.#cursor.events()
      const last = this.#last
      const [first, ...next] = await store.from(last, PAGE)
      // It has been dropped, and with it perhaps something that would have followed.
      if ((last !== undefined && first?.id !== last) || tail.isOver || signal.aborted) return
      following = last === undefined && first !== undefined ? [first, ...next] : next
      // The process itself has not come so far.
      if (following.length === 0) await tail.moved(signal)
    }
  }
}

function elapsed(time: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, time)
    signal.addEventListener('abort', done)
  })
}
