import type { EventEntry, Position, StateEntry, StreamReport, StreamRequest } from '../src/protocol.ts'
import type { Cursor } from './cursor.ts'
import { Log, type LogLimits } from './log.ts'
import type { HubPlatform } from './platform.ts'
import { type Anchor, anchorAt, NOWHERE, Resumption } from './resumption.ts'
import { DEFAULT_RECONNECTION_TIME, reconnectionTime, retryDelay } from './retry.ts'
import { RefusedError, readEvents, type ServerEvent, toByteString } from './sse.ts'

/** A connection that lasted this long, in ms, or brought an event, has lived: back-off starts anew. */
const LIVED = 5_000

/** How long a stream without subscribers stays open, in ms: a re-render must not reconnect. */
const LINGER = 1_000

/** One upstream connection's logical life, over all its reconnections. */
export class Stream {
  readonly id: string
  readonly request: StreamRequest
  readonly log: Log
  readonly #platform: HubPlatform
  readonly #ended: () => void
  readonly #cursors = new Set<Cursor>()
  readonly #abort = new AbortController()
  #state: StreamReport['state'] = 'connecting'
  #timer: unknown
  #linger: unknown
  #connections = 0
  #hasOpened = false
  #failures = 0
  #reconnectionTime = DEFAULT_RECONNECTION_TIME
  #origin = ''
  #error = ''
  #start: Position | undefined
  /** The last event ID in effect, and how many events since the line that set it. */
  #lastEventId = ''
  #nth = 0
  /** Continues reading. */
  readonly #room = new Set<() => void>()
  #eventCount = 0
  #hasNumbered = false
  #hasUnnumbered = false
  /** The server has answered that it resumes from elsewhere than it was asked to. */
  #hasDenied = false
  /** It has answered so to the request that brought the log's first event. */
  #hasDeniedStart = false
  /** The present connection has brought an `id` line. */
  #hasBroughtId = false
  #resumption: Resumption | undefined

  /**
   * @param id names the log: sequence numbers mean something only together with it
   * @param ended called once, when the stream will never bring anything again
   */
  constructor(
    platform: HubPlatform,
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
  }

  get state(): StreamReport['state'] {
    return this.#state
  }

  get origin(): string {
    return this.#origin
  }

  /** Whether a first connection has been begun. */
  get isUnderway(): boolean {
    return this.#connections > 0
  }

  /** Whether the server was asked, and has not declined, to resume just there for the tabs of a dead hub. */
  hasResumedFrom({ resumeAfter }: Position): boolean {
    return this.#start?.resumeAfter === resumeAfter && !this.#hasDeniedStart
  }

  /** Where a tab stands that is through with everything up to `seq`. */
  anchorAt(seq: number): Anchor {
    const start = this.#start
    return anchorAt(this.log, seq, this.#isMixed, start?.resumeAfter ?? '') ?? start ?? NOWHERE
  }

  /** Connects after so many ms; until then positions are gathered to resume from. */
  begin(delay: number): void {
    this.#closeSoon()
    this.#timer = this.#platform.setTimeout(() => this.#connect(), delay)
  }

  /**
   * A tab of a dead hub stood here: the first connection resumes from the oldest such position.
   *
   * @param delay how long, in ms, to wait for others from now on
   */
  gather(position: Position, delay: number): void {
    if (this.#connections > 0 || position.resumeAfter === '') return
    if (delay > 0) {
      this.#platform.clearTimeout(this.#timer)
      this.#timer = this.#platform.setTimeout(() => this.#connect(), delay)
    }
    if (this.#start === undefined || isOlder(position, this.#start)) this.#start = position
  }

  add(cursor: Cursor): void {
    this.#cursors.add(cursor)
    this.#platform.clearTimeout(this.#linger)
    this.makeRoom()
  }

  /** Some cursor has moved, come or gone: reads on if that is what reading waits for. */
  makeRoom(): void {
    if (this.#room.size === 0 || this.#isFarAhead()) return
    for (const resolve of this.#room) resolve()
    this.#room.clear()
  }

  remove(cursor: Cursor): void {
    this.#cursors.delete(cursor)
    this.makeRoom()
    if (this.#cursors.size === 0) this.#closeSoon()
  }

  /** The network may be back: do not wait any longer. */
  wake(): void {
    if (this.#state !== 'retrying') return
    this.#platform.clearTimeout(this.#timer)
    this.#connect()
  }

  report(): StreamReport {
    const names = new Set<string>()
    for (const cursor of this.#cursors) for (const name of cursor.names) names.add(name)
    return {
      url: this.request.url,
      state: this.#state,
      connections: this.#connections,
      subscribers: this.#cursors.size,
      names: [...names].sort(),
      logEvents: this.log.length,
      logBytes: this.log.bytes,
      lastEventId: this.#lastEvent()?.id ?? '',
    }
  }

  async #connect(): Promise<void> {
    this.#state = 'connecting'
    this.#connections++
    const anchor = this.anchorAt(this.log.lastSeq)
    const begun = this.#platform.now()
    this.#lastEventId = anchor.resumeAfter
    this.#nth = 0
    this.#hasBroughtId = false
    try {
      await readEvents(this.#platform, this.request, anchor.resumeAfter, this.#abort.signal, {
        opened: (response) => this.#opened(response, anchor),
        event: (event) => this.#receive(event),
        retry: (milliseconds) => {
          this.#reconnectionTime = reconnectionTime(milliseconds)
        },
        parsed: () => {
          this.#pump()
          return this.#isFarAhead() ? new Promise((resolve) => this.#room.add(resolve)) : undefined
        },
      })
      this.#error = 'the server ended the response'
    } catch (error) {
      if (this.#isClosed()) return
      this.#error = error instanceof Error ? error.message : String(error)
      if (error instanceof RefusedError) return this.#refused()
    }
    if (this.#isClosed()) return
    if (this.state === 'open' && this.#platform.now() - begun >= LIVED) this.#failures = 0
    this.#retry()
  }

  #opened(response: Response, anchor: Anchor): void {
    this.#state = 'open'
    this.#origin = new URL(response.url || this.request.url).origin
    this.#error = ''
    // Mercure's way to say that it no longer has the event asked for.
    const resumedAfter = response.headers.get('Last-Event-ID')
    this.#hasDenied = resumedAfter !== null && resumedAfter !== toByteString(anchor.resumeAfter)
    this.#enter('open')
    if (this.#eventCount === 0) this.#hasDeniedStart = this.#hasDenied
    const isFirst = !this.#hasOpened
    this.#hasOpened = true
    if (this.#lastEvent() !== undefined && anchor.resumeAfter !== '') {
      this.#resumption = this.#resumptionFrom(anchor)
    } else if (!isFirst) {
      this.#gap('unresumable', '')
    }
    this.#pump()
  }

  #resumptionFrom(anchor: Anchor): Resumption {
    let probe = this.log.lastSeq
    const isKnown = (event: EventEntry): boolean => {
      // A replay comes in the log's order, so the entry after the last one found is the likeliest.
      for (let step = 0; step < this.log.length; step++) {
        const seq = probe + 1 + step
        const at = seq > this.log.lastSeq ? this.log.firstSeq + (seq - this.log.lastSeq - 1) : seq
        if (isSameEvent(this.log.at(at), event)) {
          probe = at
          return true
        }
      }
      return false
    }
    return new Resumption(anchor, isKnown, () => !this.#hasDenied)
  }

  #receive(event: ServerEvent): void {
    if (event.id !== undefined) {
      this.#lastEventId = event.id
      this.#nth = 0
      this.#hasBroughtId = true
    } else {
      this.#nth++
    }
    const entry = { type: 'event', name: event.name, data: event.data } as const
    if (this.#resumption !== undefined) {
      const verdict = this.#resumption.judge({ ...entry, ...this.#placeNow(), seq: 0, ordinal: 0 }, true)
      if (verdict === 'seen') return
      this.#resumption = undefined
      this.#continueId()
      if (verdict !== 'new') this.#gap(this.#isMixed ? 'unresumable' : 'history-lost', this.#lastEventId)
    }
    this.#failures = 0
    if (this.#nth > 0) this.#hasUnnumbered = true
    else if (this.#lastEventId !== '') this.#hasNumbered = true
    this.log.append({ ...entry, ...this.#placeNow(), ordinal: ++this.#eventCount })
  }

  /** Some events bring an ID and some do not. */
  get #isMixed(): boolean {
    return (this.#hasNumbered && this.#hasUnnumbered) || this.#start?.mixed === true
  }

  #placeNow(): Pick<EventEntry, 'id' | 'nth'> {
    return { id: this.#lastEventId, nth: this.#nth }
  }

  /** [spec] The last event ID outlives a connection that brings none; ours was set back to resume earlier.
   *  https://html.spec.whatwg.org/multipage/server-sent-events.html#concept-event-stream-last-event-id */
  #continueId(): void {
    if (this.#hasBroughtId) return
    const last = this.#lastEvent()
    if (last === undefined) return
    this.#lastEventId = last.id
    this.#nth = last.nth + 1
  }

  #lastEvent(): EventEntry | undefined {
    for (let seq = this.log.lastSeq; seq >= this.log.firstSeq; seq--) {
      const entry = this.log.at(seq)
      if (entry?.type === 'event') return entry
    }
    return undefined
  }

  #gap(reason: 'unresumable' | 'history-lost', after: string): void {
    this.log.append({ type: 'gap', reason, before: this.#lastEvent()?.id ?? '', after })
  }

  #enter(state: StateEntry['state']): void {
    this.log.append({ type: 'state', state, origin: this.#origin, error: this.#error })
  }

  #pump(): void {
    for (const cursor of this.#cursors) cursor.pump()
  }

  #retry(): void {
    this.#state = 'retrying'
    this.#resumption = undefined
    this.#enter('connecting')
    this.#pump()
    const delay = retryDelay(this.#failures, this.#reconnectionTime, this.#platform.random())
    this.#failures++
    this.#timer = this.#platform.setTimeout(() => this.#connect(), delay)
  }

  #refused(): void {
    this.#state = 'closed'
    this.#enter('closed')
    this.#pump()
    this.#ended()
  }

  /**
   * Whether every tab that listens is so far behind that reading on would soon push off the log what none of them has
   * had. One that keeps up is enough to go on: the others hold up nobody.
   */
  #isFarAhead(): boolean {
    if (this.#isClosed() || !this.log.isHalfFull) return false
    let hasListener = false
    for (const { names, next } of this.#cursors) {
      if (names.size === 0) continue
      hasListener = true
      if (this.log.lastSeq - next < this.log.length / 2) return false
    }
    return hasListener
  }

  #closeSoon(): void {
    this.#platform.clearTimeout(this.#linger)
    this.#linger = this.#platform.setTimeout(() => this.close(), LINGER)
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Ends the connection; nothing more comes. */
  close(): void {
    if (!this.#isClosed()) this.#ended()
    this.#state = 'closed'
    this.#platform.clearTimeout(this.#timer)
    this.#abort.abort()
    this.makeRoom()
  }
}

/** Positions in different logs cannot be compared; of two at the same event the one that can be proven is better. */
const isOlder = (one: Position, other: Position): boolean => {
  if (one.log !== other.log) return false
  return one.ordinal === other.ordinal ? other.unproven && !one.unproven : one.ordinal < other.ordinal
}

const isSameEvent = (entry: ReturnType<Log['at']>, event: EventEntry): boolean =>
  entry?.type === 'event' &&
  entry.id === event.id &&
  entry.nth === event.nth &&
  entry.data === event.data &&
  entry.name === event.name
