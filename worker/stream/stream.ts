import type {
  ConnectionDetails,
  Position,
  Seen,
  StreamReport,
  StreamRequest,
  StreamState,
  Subscription,
} from '../../src/link/protocol.ts'
import { Excerpts } from '../log/excerpts.ts'
import { Log, type LogLimits } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'
import type { Beginning, Source } from '../source/source.ts'
import { Attention } from './attention.ts'
import { Chronicle } from './chronicle.ts'
import type { Claimant, Share } from './claimant.ts'
import { Connection, type ConnectionStream } from './connection.ts'
import { History } from './history.ts'
import { Pace } from './pace.ts'
import { Reception } from './reception.ts'
import type { Subscriber } from './subscriber.ts'
import { sinceOf, snapshotAt, Takeover } from './takeover.ts'

/** How long, in ms, a stream without subscribers stays open, for those who may take it up. */
const LINGER = 1_000

/** What a stream tells its hub. */
export interface StreamNotices {
  /** For the console of a page that subscribes to the stream. */
  advise(message: string): void
  /** Its share in the connections of all streams. */
  slotFor(claimant: Claimant): Share
  /** Another share may be due to it. */
  reviewSlots(): void
  /** Called once, when the stream will never bring another entry. */
  ended(): void
  /**
   * Whether the stream is the one of this request.
   *
   * @param mayChange it is to become that, unless there is another
   */
  isOf(request: StreamRequest, mayChange: boolean): boolean
  /** A subscriber has moved. */
  moved?(): void
}

/** Brings those who have everything up to an ID to a stream whose log does not reach back to it. */
export interface Leading {
  /** They are subscribed to this one meanwhile. */
  readonly stream: Stream
  /** The log that it leads to may have grown. */
  review(): void
  /** It is over: they go on there as well as they can. */
  end(): void
}

/** Who held a stream last. */
export interface Departure {
  readonly tab: object
  /** ID of the subscription in the tab. */
  readonly subscription: number
}

/** One upstream connection over all its reconnections: its log, its state and its subscribers. */
export class Stream implements ConnectionStream {
  /** Identifies the log. Sequence numbers are valid only together with it. */
  readonly id: string
  request: StreamRequest
  readonly log: Log
  readonly excerpts: Excerpts
  readonly subscribers = new Set<Subscriber>()
  /** Where this one only leads to another. */
  shore: Stream | undefined
  /** By the ID that they start from. */
  readonly bridges = new Map<string, Leading>()
  readonly takeover: Takeover
  readonly history: History
  readonly reception: Reception
  readonly pace: Pace
  readonly attention: Attention
  readonly chronicle: Chronicle
  readonly connection: Connection
  /** Of the last subscriber, where there is none. */
  left: Departure | undefined
  readonly #platform: HubPlatform
  readonly #notices: StreamNotices
  #linger: unknown
  /** The state that was logged last. */
  #told: StreamState['state'] | undefined
  /** The latest position, and where the log ended when it was determined. */
  #known: { readonly at: number; readonly position: Position } | undefined

  constructor(
    platform: HubPlatform,
    source: Source,
    id: string,
    request: StreamRequest,
    limits: LogLimits,
    notices: StreamNotices,
  ) {
    this.#platform = platform
    this.id = id
    this.request = request
    this.#notices = notices
    this.log = new Log(limits)
    this.excerpts = new Excerpts(this.log)
    this.pace = new Pace(platform, this.log, this.subscribers)
    this.attention = new Attention(
      platform,
      () => this.#caring,
      () => notices.reviewSlots(),
    )
    this.chronicle = new Chronicle(platform)
    this.takeover = new Takeover(request.source?.isSelective && (() => new Set(this.#names)))
    this.history = new History(this.log, this.takeover)
    this.reception = new Reception(platform, this.log, this.history, () => this.pump())
    this.connection = new Connection(platform, source, this)
  }

  /** The stream's present state, for a subscriber that did not see it change. */
  get stateNow(): StreamState {
    if (this.shore !== undefined) return this.shore.stateNow
    const { status, isTurn } = this.connection
    return { ...status, state: isTurn ? 'parked' : status.state === 'retrying' ? 'connecting' : status.state }
  }

  /** Somebody listens, or is on the way. */
  get isHeld(): boolean {
    return this.subscribers.size + this.bridges.size > 0
  }

  get isJudging(): boolean {
    return this.reception.isJudging
  }

  get isHolding(): boolean {
    return this.reception.isHolding
  }

  get isReplaying(): boolean {
    return this.reception.isReplaying
  }

  get replayedTo(): number {
    return this.reception.replayedTo
  }

  get resumes(): boolean {
    return this.connection.resumes
  }

  /** The position of a tab that has dispatched everything up to `seq`. */
  positionAt(seq: number): Position {
    const { id, log } = this
    const subscribers = this.subscribers.size
    const known = this.#known
    // Most tabs have the same position.
    if (known?.at === log.lastSeq && known.position.seq === seq && known.position.subscribers === subscribers)
      return known.position
    const position = { ...this.history.anchorAt(seq), log: id, seq, subscribers }
    this.#known = { at: log.lastSeq, position }
    return position
  }

  /** Where a subscription begins; `undefined` for now, or where the log does not reach back to the ID that it has everything up to. */
  startOf(subscription: Subscription): Position | undefined {
    const since = sinceOf(subscription)
    if (since === undefined) return subscription.position
    const snapshot = snapshotAt(since)
    if (subscription.policy.resumes !== false && this.takeover.begin(snapshot)) return snapshot
    const seq = since === this.reception.lone ? this.log.lastSeq : this.history.seqOf(since)
    return seq === undefined ? undefined : this.positionAt(seq)
  }

  /** How often what has come has been hidden from those who come later. */
  seals = 0

  /** Since when tabs of a dead hub are waited for, in ms since 1970. */
  gathersFrom = 0

  /** Connects after `delay` ms. Until then, it gathers positions to resume from. */
  begin(delay: number): void {
    this.#closeSoon()
    this.connection.begin(delay)
  }

  /** Nobody will come from a dead hub. */
  hasten(): void {
    if (!this.takeover.hasGathered) this.connection.hasten()
  }

  /**
   * A tab of a dead hub had this position. The first connection resumes from the oldest one.
   *
   * @returns how many of that hub's subscriptions are still missing
   */
  gather(position: Position, seen: Seen | undefined): number {
    this.#known = undefined
    if (this.takeover.isSettled) this.history.frames.join(position.mixed, position.habits)
    return this.takeover.gather(position, seen)
  }

  add(subscriber: Subscriber): void {
    this.subscribers.add(subscriber)
    this.history.manners.learn(subscriber.policy)
    this.#platform.clearTimeout(this.#linger)
    this.#reviewSubscribers()
  }

  remove(subscriber: Subscriber): void {
    if (!this.subscribers.delete(subscriber)) return
    this.#reviewSubscribers()
    if (this.subscribers.size === 0) this.#closeSoon()
  }

  #reviewSubscribers(): void {
    const { connection } = this
    connection.reviewIdleness()
    connection.review()
    if (this.request.source?.isSelective) connection.source.listen?.(this.#names)
    this.reviewAttention()
  }

  /** Its pages may care more or less for it than before. */
  reviewAttention(): void {
    this.attention.review()
    this.shore?.attention.review()
    this.#notices.reviewSlots()
  }

  /** Who is on the way to it cares as well. */
  get #caring(): Subscriber[] {
    const coming = [...this.bridges.values()].flatMap(({ stream }) => [...stream.subscribers])
    return [...this.subscribers, ...coming]
  }

  slotFor(claimant: Claimant): Share {
    return this.#notices.slotFor(claimant)
  }

  isOf({ headers, key = '' }: ConnectionDetails, mayChange: boolean): boolean {
    const request = { ...this.request, headers, key }
    const isOf = this.#notices.isOf(request, mayChange)
    if (isOf) this.request = request
    return isOf
  }

  /** A subscriber has moved. The connection goes on if it was waiting for that. */
  moved(): void {
    this.connection.review()
    this.#notices.moved?.()
  }

  /** Ends the stream for everyone who shares it. */
  finish(): void {
    if (this.connection.isClosed) return
    this.connection.finish()
    this.close()
  }

  /** Closes the connection for good. */
  close(): void {
    if (!this.connection.isClosed) this.ended()
    this.connection.close()
    this.connection.review()
    this.attention.end()
    for (const { stream } of this.bridges.values()) stream.close()
  }

  report(): StreamReport {
    return {
      url: this.request.url,
      state: this.connection.status.state,
      parked: this.connection.whyParked,
      isVisible: this.attention.isVisible,
      connections: this.connection.count,
      subscribers: this.subscribers.size,
      names: this.#names,
      logEvents: this.log.length,
      logBytes: this.log.bytes,
      lastEventId: this.history.last?.id ?? '',
    }
  }

  /** What its subscribers listen to, sorted. */
  get #names(): string[] {
    return [...new Set([...this.subscribers].flatMap(({ names }) => [...names]))].sort()
  }

  /** A tab comes that has been at this stream before. See {@link Source.begin}. */
  beginBehindGap(
    names: ReadonlySet<string>,
    { log, latest }: Position,
    seen: Seen | undefined,
  ): Beginning | undefined {
    return this.connection.source.begin?.([...names], {
      had: [...latest, ...(seen?.events ?? [])],
      lastId: latest.at(-1)?.id ?? '',
      from: Math.max(this.log.lastEvent?.at ?? 0, this.takeover.end),
      isElsewhere: log !== this.id,
    })
  }

  /** Must be called only once. */
  ended(): void {
    this.#notices.ended()
  }

  advise(message: string): void {
    this.#notices.advise(message)
  }

  /** Shows nothing of what has come so far to those who come from now on. */
  seal(): void {
    this.seals++
    this.connection.source.drop?.(false)
    this.reception.decide()
    this.log.seal()
    this.pump()
  }

  logState(): void {
    const { stateNow } = this
    // Turns without end must not push events off the log.
    const isKnown = stateNow.state === 'parked' && this.#told === 'parked'
    this.#told = stateNow.state
    if (!isKnown) this.log.append({ type: 'state', seq: this.log.nextSeq, ...stateNow })
  }

  pump(): void {
    this.chronicle.arrived(this.log.lastSeq)
    for (const subscriber of this.subscribers) subscriber.pump()
    for (const bridge of this.bridges.values()) bridge.review()
  }

  #closeSoon(): void {
    this.#platform.clearTimeout(this.#linger)
    this.#linger = this.#platform.setTimeout(() => {
      // Without a subscriber no connection is made, so those on the way have to come now.
      for (const bridge of this.bridges.values()) bridge.end()
      if (this.subscribers.size > 0) return
      if (this.isHeld) this.#closeSoon()
      else this.close()
    }, LINGER)
  }
}
