import { placeKey, placeOf } from '../../src/link/place.ts'
import type { StreamRequest } from '../../src/link/protocol.ts'
import { charactersOf, type LogLimits } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'
import type { ConnectionRequest, Head, Receiver, Source, SourceEvent } from '../source/source.ts'
import { Span } from './span.ts'
import { type Leading, Stream, type StreamNotices } from './stream.ts'
import { logOf } from './takeover.ts'

/** How long, in ms, the server may take to answer, and then to bring more of what the log does not have. */
const ANSWER = 10_000
const PATIENCE = 1_000

/** More characters than this are not held. */
const MOST_CHARACTERS = 16 * 1_048_576

/** A `placeKey`; of its own for an event without an ID. */
type Key = string | symbol

/** What a bridge tells its hub. */
export interface BridgeNotices extends Pick<StreamNotices, 'slotFor' | 'reviewSlots'> {
  /** For the console of a page that is on it. */
  advise(message: string): void
  /** Whether the stream that it leads to is the one of this request. */
  isOf(request: StreamRequest): boolean
  /** Those on it can go on at the stream that it leads to: who is through with it; or all, where it has not joined. */
  cross(): void
}

/**
 * Asks the server for what lies between an ID and the log of a stream, the shore, that does not reach back to it, on a
 * connection of its own.
 *
 * It holds what comes until something comes that the log had already when the server answered: that shows that the server has
 * resumed, and where the log goes on. Where the log had nothing, what it gets meanwhile will do, if something else came before.
 */
export class Bridge implements Leading {
  /** Those on the bridge are subscribed to this one, which brings nothing before the bridge has joined. */
  readonly stream: Stream
  readonly shore: Stream
  readonly #since: string
  readonly #notices: BridgeNotices
  /** In the server's order. */
  readonly #held = new Map<Key, SourceEvent>()
  #characters = 0
  /** Sequence numbers of the log's events, as far as it has been looked at. */
  readonly #logged = new Map<Key, number>()
  #lookedAt: number
  /** Where the log ended when the server answered; 0 where it had no event. */
  #answeredAt = 0
  #state: 'asking' | 'joined' | 'ended' = 'asking'
  /** Hands over what is held, up to this event. */
  #handOver: (last: Key) => void = () => {}
  readonly #patience: Span

  /** @param id of its stream */
  constructor(
    platform: HubPlatform,
    source: Source,
    id: string,
    shore: Stream,
    since: string,
    limits: LogLimits,
    notices: BridgeNotices,
  ) {
    this.#patience = new Span(platform, () => this.end())
    this.shore = shore
    this.seals = shore.seals
    this.#since = since
    this.#notices = notices
    this.#lookedAt = shore.log.replaysFrom - 1
    const own = (connection: ConnectionRequest, receiver: Receiver) => this.#ask(source, connection, receiver)
    this.stream = new Stream(platform, own, `${logOf(since)} ${id}`, shore.request, limits, {
      ...notices,
      ended: () => {
        shore.bridges.delete(since)
        this.end()
      },
      moved: () => {
        if (this.isJoined) this.#cross()
      },
    })
    this.stream.shore = shore
    shore.bridges.set(since, this)
    this.review()
  }

  /** How often the shore had got other headers when this was built. */
  readonly seals: number

  /** It leads up to the log: what comes before that has been handed over. */
  get isJoined(): boolean {
    return this.#state === 'joined'
  }

  review(): void {
    if (this.#state !== 'asking') return
    const { connection, log } = this.shore
    const hasBegun = this.#patience.isOn
    // Once it has begun, only what is new in the log can be its beginning.
    if (connection.isClosed || (!hasBegun && this.#isReached)) {
      this.end()
      return
    }
    if (!hasBegun) {
      if (connection.status.state === 'open') {
        this.#wait(ANSWER)
        this.stream.begin(0)
      } else {
        // What its log lacks may still come.
        this.stream.logState()
        this.stream.pump()
      }
    }
    for (const event of log.eventsAfter(this.#lookedAt)) {
      this.#lookedAt = event.seq
      if (event.id === this.#since && this.#isReached) {
        this.end()
        return
      }
      if (event.role === 'history') this.#note(placeKey(placeOf(event)), event.seq)
    }
  }

  end(): void {
    this.#patience.end()
    if (this.#state !== 'asking') return
    this.#state = 'ended'
    this.#cross()
  }

  /** The log reaches back to where the bridge begins. */
  get #isReached(): boolean {
    return this.shore.history.seqOf(this.#since) !== undefined
  }

  #cross(): void {
    this.#notices.cross()
    if (this.stream.subscribers.size === 0) this.stream.close()
  }

  /** As a source: once the bridge has joined, it goes on without a connection. */
  async #ask(source: Source, connection: ConnectionRequest, receiver: Receiver): ReturnType<Source> {
    const { signal } = connection
    const own = new AbortController()
    const over = new Promise((resolve) => signal.addEventListener('abort', resolve))
    over.then(() => own.abort(signal.reason))
    let head: Head | undefined
    this.#handOver = (last) => {
      own.abort()
      if (head !== undefined) receiver.opened(head)
      for (const [key, event] of this.#held) {
        receiver.event(event)
        if (key === last) break
      }
      receiver.flushed()
    }
    const failure = await source(
      { ...connection, signal: own.signal },
      {
        ...receiver,
        opened: (given) => {
          head = given
          this.review()
          if (this.#logged.size > 0) this.#answeredAt = this.#lookedAt
          if (given.deniesResumption) this.end()
          else this.#wait(PATIENCE)
        },
        event: (event) => this.#take(event),
        idAlone: () => {},
        takesUnfinished: () => false,
        flushed: () => undefined,
      },
    )
    if (this.isJoined) await over
    else this.end()
    return failure
  }

  #take(event: SourceEvent): void {
    if (this.#state !== 'asking') return
    const { name, data, id } = event
    // The page has that, and what came before.
    if (id === this.#since) {
      this.#held.clear()
      return
    }
    const { manners, frames } = this.shore.history
    const place = { name, data, id: id ?? '', nth: 0, same: manners.identityOf(event) }
    const key = id === undefined ? Symbol() : placeKey(placeOf(place))
    // It may be what connections begin with.
    const isGreeting = this.#characters === 0 && frames.hasBegunWith(event)
    this.#characters += charactersOf(place)
    this.#held.set(key, event)
    if (this.#characters > MOST_CHARACTERS) this.end()
    else if (this.#logged.has(key) && !isGreeting) this.#meet(key)
    else this.#wait(PATIENCE)
  }

  #note(key: Key, seq: number): void {
    this.#logged.set(key, seq)
    if (this.#held.has(key)) this.#meet(key)
  }

  /** Both have this event. */
  #meet(key: Key): void {
    if (this.#state !== 'asking') return
    const [first = key] = this.#held.keys()
    const isLive =
      this.#answeredAt > 0 ? (this.#logged.get(key) ?? 0) > this.#answeredAt : this.#logged.has(first)
    if (isLive) {
      this.end()
      return
    }
    this.#state = 'joined'
    this.#patience.end()
    this.#handOver(key)
    this.stream.connection.giveBack()
  }

  #wait(time: number): void {
    if (this.#state === 'asking') this.#patience.begin(time)
  }
}
