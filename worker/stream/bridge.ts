import { placeKey, placeOf } from '../../src/link/place.ts'
import type { Log } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'
import type { Head, Receiver, Source, SourceEvent } from '../source/source.ts'
import type { History } from './history.ts'

/** How long, in ms, the server may take to answer, and then to bring more of what the log does not have. */
const ANSWER = 10_000
const PATIENCE = 1_000

/** No more than this is held. */
const MOST_HELD = 16_384
const MOST_CHARACTERS = 16 * 1_048_576

/** A `placeKey`; of its own for an event without an ID. */
type Key = string | symbol

/** The stream that a bridge leads to. */
export interface Shore {
  readonly log: Log
  readonly history: History
  readonly connection: { readonly isClosed: boolean }
}

/**
 * Asks the server for what lies between an ID and a log that does not reach back to it, on a connection of its own.
 *
 * It holds what comes until something comes that the log had already when the server answered: that shows that the server has
 * resumed, and where the log goes on. Where the log had nothing, what it gets meanwhile will do, if something else came before.
 */
export class Bridge {
  readonly #platform: HubPlatform
  readonly #shore: Shore
  readonly #since: string
  readonly #ended: () => void
  /** In the server's order. */
  readonly #held = new Map<Key, SourceEvent>()
  #characters = 0
  /** Sequence numbers of the log's events, as far as it has been looked at. */
  readonly #logged = new Map<Key, number>()
  #lookedAt: number
  /** Where the log ended when the server answered; 0 where it had no event. */
  #answeredAt = 0
  /** Once it is `'live'`, what comes is what the log gets as well. */
  #state: 'asking' | 'live' | 'joined' | 'ended' = 'asking'
  /** Hands over what comes before the entry of this sequence number, and that. */
  #handOver: (seq: number) => void = () => {}
  #timer: unknown

  /** @param ended called when there is no use for it: the log reaches back to the ID by now, or the server has not resumed */
  constructor(platform: HubPlatform, shore: Shore, since: string, ended: () => void) {
    this.#platform = platform
    this.#shore = shore
    this.#since = since
    this.#ended = ended
    this.#lookedAt = shore.log.replaysFrom - 1
  }

  /** The server is asked from now on. */
  begin(): void {
    if (this.#timer === undefined) this.#wait(ANSWER)
  }

  /** It leads up to the log: what comes before that has been handed over. */
  get isJoined(): boolean {
    return this.#state === 'joined'
  }

  /** A source that tells nothing before the bridge has joined, and goes on without a connection then. */
  over(source: Source): Source {
    return async (connection, receiver) => {
      const { signal } = connection
      const own = new AbortController()
      const over = new Promise((resolve) => signal.addEventListener('abort', resolve))
      over.then(() => own.abort(signal.reason))
      const failure = await source({ ...connection, signal: own.signal }, this.#receiver(receiver, own))
      if (this.isJoined) await over
      else this.end()
      return failure
    }
  }

  /** The log may have grown, or its stream have ended. */
  review(): void {
    if (this.#isOver) return
    const { log, history, connection } = this.#shore
    if (connection.isClosed || history.seqOf(this.#since) !== undefined) {
      this.end()
      return
    }
    for (const event of log.eventsAfter(this.#lookedAt)) {
      this.#lookedAt = event.seq
      if (event.role !== 'history') continue
      const key = placeKey(placeOf(event))
      this.#logged.set(key, event.seq)
      this.#meet(key)
    }
  }

  end(): void {
    this.#platform.clearTimeout(this.#timer)
    if (this.#isOver) return
    this.#state = 'ended'
    this.#ended()
  }

  get #isOver(): boolean {
    return this.isJoined || this.#state === 'ended'
  }

  #receiver(receiver: Receiver, own: AbortController): Receiver {
    let head: Head | undefined
    this.#handOver = (last) => {
      own.abort()
      if (head !== undefined) receiver.opened(head)
      for (const [key, event] of this.#held) {
        const seq = this.#logged.get(key)
        // The log gives the others.
        if (seq === undefined || seq <= last) receiver.event(event)
        if (seq === last) break
      }
      receiver.flushed()
    }
    return {
      ...receiver,
      opened: (given) => {
        head = given
        this.#open(given)
      },
      event: (event) => this.#take(event),
      idAlone: () => {},
      takesUnfinished: () => false,
      flushed: () => undefined,
    }
  }

  #open({ deniesResumption }: Head): void {
    this.review()
    if (this.#logged.size > 0) this.#answeredAt = this.#lookedAt
    if (deniesResumption) this.end()
    else if (!this.#isOver) this.#wait(PATIENCE)
  }

  #take(event: SourceEvent): void {
    const { name, data, id } = event
    const { manners, frames } = this.#shore.history
    if (this.#isOver || manners.isEphemeral(name)) return
    if (manners.tellsGap(name)) {
      this.end()
      return
    }
    // The page has that, and what came before.
    if (id === this.#since) {
      this.#held.clear()
      return
    }
    const place = { name, data, id: id ?? '', nth: 0, same: manners.identityOf(event) }
    const key = id === undefined ? Symbol() : placeKey(placeOf(place))
    // It may be what connections begin with.
    const isGreeting = this.#characters === 0 && frames.hasBegunWith(event)
    this.#characters += name.length + data.length
    this.#held.set(key, event)
    if (this.#held.size > MOST_HELD || this.#characters > MOST_CHARACTERS) this.end()
    else if (this.#logged.has(key) && !isGreeting) this.#meet(key)
    else if (this.#state === 'asking') this.#wait(PATIENCE)
  }

  /** The log has this event. So has the connection, if it is held. */
  #meet(key: Key): void {
    if (this.#isOver || !this.#held.has(key)) return
    const seq = this.#logged.get(key) ?? 0
    const [first = key] = this.#held.keys()
    if (this.#answeredAt > 0 ? seq > this.#answeredAt : this.#logged.has(first)) {
      this.#state = 'live'
      return
    }
    this.#state = 'joined'
    this.#platform.clearTimeout(this.#timer)
    this.#handOver(seq)
  }

  #wait(time: number): void {
    this.#platform.clearTimeout(this.#timer)
    this.#timer = this.#platform.setTimeout(() => this.end(), time)
  }
}
