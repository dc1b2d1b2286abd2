import {
  EVENT_SOURCE_POLICY,
  type HeadersReason,
  type StateEntry,
  type StreamReport,
} from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import { type Failure, failureOf } from '../source/failure.ts'
import type { ConnectionRequest, Head, Receiver, Source } from '../source/source.ts'
import { IdleWatch } from './idle-watch.ts'
import { askHeaders, askRetries } from './page-questions.ts'
import { Backoff } from './retry.ts'
import type { Subscriber } from './subscriber.ts'

/** A connection that lasted this long, in ms, or brought an event, has lived: back-off starts anew. */
const LIVED = 5_000

/** What a connection needs of its stream. Of what the source brings, the stream takes events and IDs. */
export interface ConnectionStream extends Pick<Receiver, 'opened' | 'event' | 'idAlone' | 'flushed'> {
  readonly request: ConnectionRequest['request']
  readonly subscribers: ReadonlySet<Subscriber>
  /** A connection begins. Answers with the ID to resume after, `''` for none. */
  resume(): string
  /** The connection has ended; another may follow. */
  lost(): void
  /** The status has changed, and everybody is to know. */
  changed(): void
  /** The stream will never bring anything again. */
  ended(): void
  /** Resolves when a subscriber has come or gone, or the stream has been closed. */
  moved(): Promise<void>
}

type Status = { -readonly [Key in keyof Omit<StateEntry, 'type' | 'seq' | 'state'>]: StateEntry[Key] } & {
  state: StreamReport['state']
}

/** A stream's attempts to hold a connection: when to connect, when to give up, what state that is. */
export class Connection {
  readonly #platform: HubPlatform
  readonly #source: Source
  readonly #stream: ConnectionStream
  readonly #idle: IdleWatch
  readonly #backoff = new Backoff()
  readonly #status: Status = {
    state: 'connecting',
    origin: '',
    error: '',
    attempt: 0,
    retryAt: 0,
    openedAt: 0,
  }
  /** Of the present connection. */
  #abort = new AbortController()
  #timer: unknown
  #count = 0
  #isUnderway = false
  /** The next attempt waits for a subscriber, or until it is known that the stream has not ended. */
  #isHeld = false
  /** Headers have been asked for anew since the server refused the last ones. */
  #hasAskedAgain = false

  constructor(platform: HubPlatform, source: Source, stream: ConnectionStream) {
    this.#platform = platform
    this.#source = source
    this.#stream = stream
    this.#idle = new IdleWatch(platform, (timeout) => {
      this.#abort.abort(new Error(`the server has sent nothing for ${timeout} ms`))
    })
  }

  get status(): Readonly<Status> {
    return this.#status
  }

  get isOpen(): boolean {
    return this.#status.state === 'open'
  }

  get isClosed(): boolean {
    return this.#status.state === 'closed'
  }

  /** Connections begun so far. */
  get count(): number {
    return this.#count
  }

  /** The server has been asked, or is about to be: it is settled where the first connection resumes. */
  get isUnderway(): boolean {
    return this.#isUnderway
  }

  /** The first attempt begins after so many ms. */
  begin(delay: number): void {
    this.#timer = this.#platform.setTimeout(() => this.#connect('connect'), delay)
  }

  /** Puts the first attempt off: from now on, it begins after so many ms. */
  postpone(delay: number): void {
    if (delay <= 0 || this.#count > 0) return
    this.#platform.clearTimeout(this.#timer)
    this.begin(delay)
  }

  /** The network may be back: do not wait any longer. */
  wake(): void {
    const { state, retryAt } = this.#status
    if (state !== 'retrying' || retryAt === 0 || this.#platform.now() < this.#backoff.notBefore) return
    this.#platform.clearTimeout(this.#timer)
    this.#attempt()
  }

  /** A subscriber has moved, come or gone. */
  review(): void {
    if (this.#isHeld) this.#attempt()
  }

  /** A subscriber has come or gone, so another time-out may hold. */
  reviewIdleness(): void {
    this.#idle.review(Array.from(this.#stream.subscribers, ({ policy }) => policy.idleTimeout))
  }

  /** Something that is no repetition has come: back-off starts anew. */
  lived(): void {
    this.#status.attempt = 0
  }

  /** Ends the stream in good order. */
  finish(): void {
    this.#status.error = ''
    this.#end()
  }

  /** Ends the connection, and makes no other. */
  close(): void {
    this.#status.state = 'closed'
    this.#isHeld = false
    this.#platform.clearTimeout(this.#timer)
    this.#idle.stop()
    this.#abort.abort()
  }

  async #connect(reason: HeadersReason): Promise<void> {
    this.#status.state = 'connecting'
    this.#status.retryAt = 0
    this.#count++
    this.#abort = new AbortController()
    const failure = await this.#hold(reason, this.#abort.signal).catch(failureOf)
    this.#idle.stop()
    if (this.isClosed) return
    if (this.isOpen && this.#platform.now() - this.#status.openedAt >= LIVED) this.lived()
    await this.#fail(failure)
  }

  /** Resolves when the connection has ended, and rejects when it could not be begun. */
  async #hold(reason: HeadersReason, signal: AbortSignal): Promise<Failure> {
    const { request, subscribers } = this.#stream
    const headers = request.asksHeaders
      ? await askHeaders(subscribers, reason, signal, () => this.#stream.moved())
      : request.headers
    this.#isUnderway = true
    const resumeAfter = this.#stream.resume()
    this.#idle.start()
    const limits = Array.from(subscribers, ({ policy }) => policy.maxEventSize)
    const maxEventSize = limits.length === 0 ? EVENT_SOURCE_POLICY.maxEventSize : Math.max(...limits)
    return this.#source({ request, headers, resumeAfter, maxEventSize, signal }, this.#receiver())
  }

  #receiver(): Receiver {
    const stream = this.#stream
    return {
      opened: (head) => this.#opened(head),
      event: (event) => stream.event(event),
      idAlone: (id) => stream.idAlone(id),
      retry: (milliseconds) => this.#backoff.setTime(milliseconds),
      alive: () => this.#idle.alive(),
      flushed: () => {
        const room = stream.flushed()
        return room && this.#untilThereIs(room)
      },
    }
  }

  /** While we do not read, silence says nothing of the server. */
  async #untilThereIs(room: Promise<void>): Promise<void> {
    this.#idle.stop()
    await room
    this.#idle.start()
  }

  #opened(head: Head): void {
    this.#idle.alive()
    this.#status.state = 'open'
    this.#status.openedAt = this.#platform.now()
    this.#status.origin = head.origin
    this.#status.error = ''
    this.#stream.opened(head)
  }

  /** Tries again as soon as one of those subscribed wants to; to the others the stream has ended. */
  async #fail(failure: Failure): Promise<void> {
    const status = this.#status
    status.error = failure.message
    status.openedAt = 0
    this.#stream.lost()
    if (this.#isUnauthorized(failure)) {
      this.#hasAskedAgain = true
      return this.#connect('unauthorized')
    }
    // What the server refuses after an outage are other headers.
    if (failure.status !== 401 && failure.status !== 403) this.#hasAskedAgain = false
    status.state = 'retrying'
    const attempt = status.attempt + 1
    const usual = this.#backoff.delayAfter(
      failure,
      status.attempt,
      this.#platform.now(),
      this.#platform.random(),
    )
    const asked = [...this.#stream.subscribers].filter(({ isEnded }) => !isEnded)
    const round = this.#count
    const late = (subscriber: Subscriber, delay: number | false) => {
      if (status.state === 'retrying' && this.#count === round) this.#answerLate(subscriber, delay)
    }
    const { delay, refusing } = await askRetries(this.#platform, asked, failure, attempt, usual, late)
    if (this.isClosed) return
    status.attempt = attempt
    if (failure.isFinal || (delay === undefined && this.#isOf(asked))) return this.#end()
    for (const subscriber of refusing) subscriber.end(status.error)
    this.#attemptIn(delay ?? usual)
    this.#stream.changed()
  }

  #attemptIn(delay: number): void {
    this.#platform.clearTimeout(this.#timer)
    this.#status.retryAt = this.#platform.now() + delay
    this.#timer = this.#platform.setTimeout(() => this.#attempt(), delay)
  }

  /** A page has said what it wants when others did not wait any longer. */
  #answerLate(subscriber: Subscriber, delay: number | false): void {
    if (delay === false) {
      subscriber.end(this.#status.error)
      subscriber.pump()
    } else if (this.#platform.now() + delay < this.#status.retryAt) {
      this.#attemptIn(delay)
    }
  }

  /** Connects, as soon as someone is subscribed, and it is known that the last event was not the last of all. */
  #attempt(): void {
    this.#isHeld = this.#stream.subscribers.size === 0 || this.#mayHaveEnded()
    if (!this.#isHeld && !this.isClosed) this.#connect('retry')
  }

  /** Those who would tell have not had everything yet. One that has, and has not told, is enough to go on. */
  #mayHaveEnded(): boolean {
    const judges = [...this.#stream.subscribers].filter(({ policy }) => policy.asksEnd)
    return judges.length > 0 && !judges.some(({ isThrough }) => isThrough)
  }

  /** Whether someone is subscribed, and nobody but these. Who came while they were asked gets an attempt. */
  #isOf(subscribers: readonly Subscriber[]): boolean {
    const known = new Set(subscribers.map(({ questions }) => questions))
    return (
      subscribers.length > 0 && [...this.#stream.subscribers].every(({ questions }) => known.has(questions))
    )
  }

  /** New headers may help, once. */
  #isUnauthorized({ status }: Failure): boolean {
    return (status === 401 || status === 403) && this.#stream.request.asksHeaders && !this.#hasAskedAgain
  }

  #end(): void {
    this.#status.state = 'closed'
    this.#status.retryAt = 0
    this.#status.openedAt = 0
    this.#stream.changed()
    this.#stream.ended()
  }
}
