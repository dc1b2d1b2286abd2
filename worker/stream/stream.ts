import type { Position, StateEntry, StreamReport, StreamRequest } from '../../src/link/protocol.ts'
import { Excerpts } from '../log/excerpts.ts'
import { Log, type LogLimits } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'
import type { Head, Source, SourceEvent } from '../source/source.ts'
import { Connection, type ConnectionStream } from './connection.ts'
import { Pace } from './pace.ts'
import { Reception } from './reception.ts'
import type { Subscriber } from './subscriber.ts'
import { Takeover } from './takeover.ts'

/** How long a stream without subscribers stays open, in ms: a re-render must not reconnect. */
const LINGER = 1_000

/** One upstream connection's logical life, over all its reconnections: a log, its state, and those that it serves. */
export class Stream implements ConnectionStream {
  /** Names the log: sequence numbers mean something only together with it. */
  readonly id: string
  readonly request: StreamRequest
  readonly log: Log
  readonly excerpts: Excerpts
  readonly #platform: HubPlatform
  readonly #ended: () => void
  readonly #subscribers = new Set<Subscriber>()
  readonly #takeover = new Takeover()
  readonly #reception: Reception
  readonly #connection: Connection
  readonly #pace: Pace
  #linger: unknown
  /** The position that was asked for last, and where the log ended then. */
  #known: { readonly at: number; readonly position: Position } | undefined

  /** @param ended called once, when the stream will never bring anything again */
  constructor(
    platform: HubPlatform,
    source: Source,
    id: string,
    request: StreamRequest,
    limits: LogLimits,
    ended: () => void,
  ) {
    this.#platform = platform
    this.id = id
    this.request = request
    this.#ended = ended
    this.log = new Log(limits)
    this.excerpts = new Excerpts(this.log)
    this.#pace = new Pace(this.log, this.#subscribers)
    this.#reception = new Reception(this.log, this.#takeover)
    this.#connection = new Connection(platform, source, this)
  }

  get subscribers(): ReadonlySet<Subscriber> {
    return this.#subscribers
  }

  /** How the stream stands now, for one that did not see it come about. */
  get stateNow(): Omit<StateEntry, 'type' | 'seq' | 'error'> {
    const { state, origin, attempt, retryAt, openedAt } = this.#connection.status
    return { state: state === 'retrying' ? 'connecting' : state, origin, attempt, retryAt, openedAt }
  }

  /** It is settled where the first connection resumes. */
  get isUnderway(): boolean {
    return this.#connection.isUnderway
  }

  /** Whether the server was asked, and has not declined, to resume just there for the tabs of a dead hub. */
  hasResumedFrom(position: Position): boolean {
    return this.#takeover.hasResumedFrom(position)
  }

  /** Where a tab stands that is through with everything up to `seq`. */
  positionAt(seq: number): Position {
    const { id, log } = this
    const subscribers = this.#subscribers.size
    const known = this.#known
    // Most tabs stand at the same place.
    if (known?.at === log.lastSeq && known.position.seq === seq && known.position.subscribers === subscribers)
      return known.position
    const position = { ...this.#reception.anchorAt(seq), log: id, seq, subscribers }
    this.#known = { at: log.lastSeq, position }
    return position
  }

  /** Connects after so many ms; until then positions are gathered to resume from. */
  begin(delay: number): void {
    this.#closeSoon()
    this.#connection.begin(delay)
  }

  /**
   * A tab of a dead hub stood here: the first connection resumes from the oldest such position.
   *
   * @returns how many of that hub's subscriptions have not come yet
   */
  gather(position: Position): number {
    this.#known = undefined
    return this.#takeover.gather(position, this.isUnderway)
  }

  /** Puts the first connection off: from now on, wait so many ms. */
  postpone(delay: number): void {
    this.#connection.postpone(delay)
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber)
    this.#platform.clearTimeout(this.#linger)
    this.#connection.reviewIdleness()
    this.makeRoom()
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
    this.#connection.reviewIdleness()
    this.makeRoom()
    if (this.#subscribers.size === 0) this.#closeSoon()
  }

  /** A subscriber has moved, come or gone: goes on if that is what is waited for. */
  makeRoom(): void {
    this.#connection.review()
    this.#pace.review(this.#connection.isClosed)
  }

  /** The network may be back: do not wait any longer. */
  wake(): void {
    this.#connection.wake()
  }

  /** For all who share the stream: nothing more will come. */
  finish(): void {
    if (this.#connection.isClosed) return
    this.#connection.finish()
    this.close()
  }

  /** Ends the connection; nothing more comes. */
  close(): void {
    if (!this.#connection.isClosed) this.#ended()
    this.#connection.close()
    this.makeRoom()
  }

  report(): StreamReport {
    const names = new Set<string>()
    for (const subscriber of this.#subscribers) for (const name of subscriber.names) names.add(name)
    return {
      url: this.request.url,
      state: this.#connection.status.state,
      connections: this.#connection.count,
      subscribers: this.#subscribers.size,
      names: [...names].sort(),
      logEvents: this.log.length,
      logBytes: this.log.bytes,
      lastEventId: this.log.lastEvent?.id ?? '',
    }
  }

  resume(): string {
    return this.#reception.resume()
  }

  opened(head: Head): void {
    this.#logState()
    this.#reception.opened(head)
    this.#pump()
  }

  event(event: SourceEvent): void {
    if (this.#reception.event(event)) this.#connection.lived()
  }

  idAlone(id: string): void {
    this.#reception.idAlone(id)
  }

  flushed(): Promise<void> | undefined {
    this.#pump()
    return !this.#connection.isClosed && this.#pace.isFarAhead ? this.#pace.wait() : undefined
  }

  lost(): void {
    this.#reception.lost()
  }

  changed(): void {
    this.#logState()
    this.#pump()
  }

  ended(): void {
    this.#ended()
  }

  moved(): Promise<void> {
    return this.#pace.wait()
  }

  #logState(): void {
    this.log.append({ type: 'state', ...this.stateNow, error: this.#connection.status.error })
  }

  #pump(): void {
    for (const subscriber of this.#subscribers) subscriber.pump()
  }

  #closeSoon(): void {
    this.#platform.clearTimeout(this.#linger)
    this.#linger = this.#platform.setTimeout(() => this.close(), LINGER)
  }
}
