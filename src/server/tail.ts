import type { LogEvent } from './event-log.ts'

/** How much a {@link Tail} keeps. The newest event is kept whatever its size. */
export interface Bounds {
  readonly limit: number
  /** Characters of data, names, topics and IDs. */
  readonly maxSize: number
}

/**
 * How many readers go on in one turn. Each is passed from promise to promise, and whoever is among many would be given nothing until all
 * are through; nor would the process do anything else.
 */
const AT_ONCE = 200

/**
 * The newest events of a log, in memory, and everybody who reads there. A reader costs a position, not a queue.
 *
 * Events have numbers, which grow by one. A reader that waits is woken by events of its topics only.
 */
export class Tail {
  readonly #bounds: Bounds
  readonly #events = new Map<number, LogEvent>()
  readonly #numbers = new Map<string, number>()
  readonly #waiting = new Map<string, Set<Cursor>>()
  /** Readers that have been woken, and have yet to go on. */
  #due: (() => void)[] = []
  #moved: (() => void)[] = []
  #size = 0
  #first = 1
  #next = 1
  #lastId: string
  /** The event before the first that is kept. */
  #before: string
  #isOver = false

  /** @param id the place where it begins */
  constructor(bounds: Bounds, id: string) {
    this.#bounds = bounds
    this.#lastId = id
    this.#before = id
  }

  /** ID of the newest event, or of the place where the tail began. */
  get lastId(): string {
    return this.#lastId
  }

  get isOver(): boolean {
    return this.#isOver
  }

  append(event: LogEvent): void {
    const number = this.#next++
    const before = this.#lastId
    this.#events.set(number, event)
    this.#numbers.set(event.id, number)
    this.#lastId = event.id
    this.#size += sizeOf(event)
    this.#evict()
    const isIdle = this.#due.length === 0
    for (const cursor of [...(this.#waiting.get(event.topic) ?? [])])
      this.#due.push(cursor.wake(number, before))
    if (isIdle) this.#goOn()
    this.#tellMoved()
  }

  /** Ends all readings: history does not go on here. */
  end(): void {
    this.#isOver = true
    for (const cursors of [...this.#waiting.values()]) for (const cursor of cursors) cursor.stop()
    this.#tellMoved()
  }

  /** Begins with the oldest event that is kept. */
  fromFirst(topics: Iterable<string>, signal: AbortSignal): Cursor {
    return new Cursor(this, this.#first, this.#before, topics, signal)
  }

  /** Begins with what is to come. */
  fromNow(topics: Iterable<string>, signal: AbortSignal): Cursor {
    return new Cursor(this, this.#next, this.#lastId, topics, signal)
  }

  /** Begins right behind this event; `undefined` where not everything is kept that came after it. */
  after(id: string, topics: Iterable<string>, signal: AbortSignal): Cursor | undefined {
    const number = id === this.#before ? this.#first - 1 : this.#numbers.get(id)
    return number === undefined ? undefined : new Cursor(this, number + 1, id, topics, signal)
  }

  /** Resolves with the next event of any topic, with the end of the tail, and with the signal. */
  moved(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver || signal.aborted) return resolve()
      const done = () => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done)
      this.#moved.push(done)
    })
  }

  /** For cursors: the event with this number, if it is kept. */
  at(number: number): LogEvent | undefined {
    return this.#events.get(number)
  }

  /** For cursors: whether an event with this number has come. */
  has(number: number): boolean {
    return number < this.#next
  }

  /** For cursors. */
  wait(cursor: Cursor): void {
    for (const topic of cursor.topics) {
      const cursors = this.#waiting.get(topic)
      if (cursors === undefined) this.#waiting.set(topic, new Set([cursor]))
      else cursors.add(cursor)
    }
  }

  /** For cursors. */
  leave(cursor: Cursor): void {
    for (const topic of cursor.topics) {
      const cursors = this.#waiting.get(topic)
      cursors?.delete(cursor)
      if (cursors?.size === 0) this.#waiting.delete(topic)
    }
  }

  #evict(): void {
    const { limit, maxSize } = this.#bounds
    while (this.#events.size > 1 && (this.#events.size > limit || this.#size > maxSize)) {
      const event = this.#events.get(this.#first) as LogEvent
      this.#events.delete(this.#first++)
      this.#numbers.delete(event.id)
      this.#size -= sizeOf(event)
      this.#before = event.id
    }
  }

  #goOn(): void {
    for (const goOn of this.#due.splice(0, AT_ONCE)) goOn()
    if (this.#due.length > 0) setTimeout(() => this.#goOn())
  }

  #tellMoved(): void {
    const moved = this.#moved
    this.#moved = []
    for (const tell of moved) tell()
  }
}

const sizeOf = ({ id, topic, name = '', data }: LogEvent): number =>
  id.length + topic.length + name.length + data.length

/** One reader's place in a {@link Tail}. Its events can be read once. */
export class Cursor {
  readonly topics: ReadonlySet<string>
  readonly #tail: Tail
  readonly #signal: AbortSignal
  #next: number
  #passed: string
  #wake: ((goesOn: boolean) => void) | undefined

  /** @param passed ID of the event before `next` */
  constructor(tail: Tail, next: number, passed: string, topics: Iterable<string>, signal: AbortSignal) {
    this.#tail = tail
    this.#next = next
    this.#passed = passed
    this.topics = new Set(topics)
    this.#signal = signal
  }

  /** ID of the newest event that it is past, of whatever topic. */
  get position(): string {
    return this.#wake === undefined ? this.#passed : this.#tail.lastId
  }

  /** Ends with the signal, with the tail, and where the next event is no longer kept. */
  async *events(): AsyncGenerator<LogEvent, void> {
    // Once, because it costs more than an event does.
    const stop = () => this.stop()
    this.#signal.addEventListener('abort', stop)
    try {
      while (!this.#signal.aborted) {
        if (!this.#tail.has(this.#next)) {
          if (this.#tail.isOver || !(await this.#woken())) return
          continue
        }
        const event = this.#tail.at(this.#next)
        if (event === undefined) return
        this.#next++
        this.#passed = event.id
        if (this.topics.has(event.topic)) yield event
      }
    } finally {
      this.#signal.removeEventListener('abort', stop)
    }
  }

  /** All events up to this one were of other topics, since it waits at the end. It goes on when what is returned is called. */
  wake(number: number, before: string): () => void {
    this.#next = number
    this.#passed = before
    return this.#settled(true)
  }

  stop(): void {
    this.#passed = this.position
    this.#settled(false)()
  }

  #settled(goesOn: boolean): () => void {
    const wake = this.#wake
    this.#wake = undefined
    this.#tail.leave(this)
    return () => wake?.(goesOn)
  }

  /** Resolves with `false` when there is nothing to wait for. */
  #woken(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#tail.wait(this)
    })
  }
}
