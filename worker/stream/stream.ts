import {
  EVENT_SOURCE_POLICY,
  type EventEntry,
  type HeadersReason,
  type Position,
  type StateEntry,
  type StreamReport,
  type StreamRequest,
} from '../../src/link/protocol.ts'
import type { Cursor } from '../delivery/cursor.ts'
import { Excerpts } from '../delivery/excerpts.ts'
import { Log, type LogLimits } from '../delivery/log.ts'
import type { HubPlatform } from '../platform.ts'
import { FailedError, readEvents, type ServerEvent, toByteString } from '../source/sse.ts'
import { type Anchor, anchorAt, NOWHERE, Resumption } from './resumption.ts'
import { DEFAULT_RECONNECTION_TIME, type Failure, reconnectionTime, retryDelay } from './retry.ts'

/** A connection that lasted this long, in ms, or brought an event, has lived: back-off starts anew. */
const LIVED = 5_000

/** How long a stream without subscribers stays open, in ms: a re-render must not reconnect. */
const LINGER = 1_000

/** One upstream connection's logical life, over all its reconnections. */
export class Stream {
  readonly id: string
  readonly request: StreamRequest
  readonly log: Log
  readonly excerpts: Excerpts
  readonly #platform: HubPlatform
  readonly #ended: () => void
  readonly #cursors = new Set<Cursor>()
  /** Of the present connection. */
  #abort = new AbortController()
  #state: StreamReport['state'] = 'connecting'
  #timer: unknown
  #linger: unknown
  #idle: unknown
  /** The idle time-out, in ms, that is being watched. */
  #patience = Number.POSITIVE_INFINITY
  /** The server has been asked, and its answer has not ended. */
  #isAwaited = false
  #connections = 0
  #isUnderway = false
  /** The next attempt waits for a subscriber, or until it is known that the stream has not ended. */
  #isHeld = false
  #hasOpened = false
  #failures = 0
  #reconnectionTime = DEFAULT_RECONNECTION_TIME
  #origin = ''
  #error = ''
  #retryAt = 0
  /** Until when the server has asked to be left alone, in ms since 1970. */
  #notBefore = 0
  #openedAt = 0
  /** Headers have been asked for anew since the server refused the last ones. */
  #hasAskedAgain = false
  #start: Position | undefined
  /** Of a dead hub's subscriptions: how many there were, and how many have come. */
  #expected = 0
  #gathered = 0
  /** The last event ID in effect, and how many events since the line that set it. */
  #lastEventId = ''
  #nth = 0
  /** Continues what waits for a cursor to move, come or go. */
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
  /** The position that was asked for last, and where the log ended then. */
  #known: { readonly at: number; readonly position: Position } | undefined

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
    this.excerpts = new Excerpts(this.log)
  }

  get state(): StreamReport['state'] {
    return this.#state
  }

  /** How the stream stands now, for one that did not see it come about. */
  get stateNow(): Omit<StateEntry, 'type' | 'seq' | 'error'> {
    return {
      state: this.#state === 'retrying' ? 'connecting' : this.#state,
      origin: this.#origin,
      attempt: this.#failures,
      retryAt: this.#retryAt,
      openedAt: this.#openedAt,
    }
  }

  get subscribers(): number {
    return this.#cursors.size
  }

  /** Whether a first connection has been begun. */
  get isUnderway(): boolean {
    return this.#isUnderway
  }

  /** Whether the server was asked, and has not declined, to resume just there for the tabs of a dead hub. */
  hasResumedFrom({ resumeAfter }: Position): boolean {
    return this.#start?.resumeAfter === resumeAfter && !this.#hasDeniedStart
  }

  /** Where a tab stands that is through with everything up to `seq`. */
  positionAt(seq: number): Position {
    const { id, subscribers, log } = this
    const known = this.#known
    // Most tabs stand at the same place.
    if (known?.at === log.lastSeq && known.position.seq === seq && known.position.subscribers === subscribers)
      return known.position
    const position = { ...this.#anchorAt(seq), log: id, seq, subscribers }
    this.#known = { at: log.lastSeq, position }
    return position
  }

  #anchorAt(seq: number): Anchor {
    const start = this.#start
    return anchorAt(this.log, seq, this.#isMixed, start?.resumeAfter ?? '') ?? start ?? NOWHERE
  }

  /** Where the next connection resumes. Before the first event, an ID may have come alone. */
  #anchorNow(): Anchor {
    const anchor = this.#anchorAt(this.log.lastSeq)
    if (anchor.resumeAfter !== '' || this.#lastEvent() !== undefined) return anchor
    return { ...anchor, resumeAfter: this.#lastEventId }
  }

  /** Connects after so many ms; until then positions are gathered to resume from. */
  begin(delay: number): void {
    this.#closeSoon()
    this.#timer = this.#platform.setTimeout(() => this.#connect(), delay)
  }

  /**
   * A tab of a dead hub stood here: the first connection resumes from the oldest such position.
   *
   * @returns how many of that hub's subscriptions have not come yet
   */
  gather(position: Position): number {
    if (!this.#isUnderway && (this.#start === undefined || isOlder(position, this.#start))) {
      this.#start = position
      this.#known = undefined
    }
    this.#expected = Math.max(this.#expected, position.subscribers)
    return this.#expected - ++this.#gathered
  }

  /** Puts the first connection off: from now on, wait so many ms. */
  postpone(delay: number): void {
    if (delay <= 0 || this.#connections > 0) return
    this.#platform.clearTimeout(this.#timer)
    this.#timer = this.#platform.setTimeout(() => this.#connect(), delay)
  }

  add(cursor: Cursor): void {
    this.#cursors.add(cursor)
    this.#platform.clearTimeout(this.#linger)
    this.#reviewIdleness()
    this.makeRoom()
  }

  /** Some cursor has moved, come or gone: goes on if that is what is waited for. */
  makeRoom(): void {
    if (this.#isHeld) this.#attempt()
    if (this.#room.size === 0 || this.#isFarAhead()) return
    for (const resolve of this.#room) resolve()
    this.#room.clear()
  }

  remove(cursor: Cursor): void {
    this.#cursors.delete(cursor)
    this.#reviewIdleness()
    this.makeRoom()
    if (this.#cursors.size === 0) this.#closeSoon()
  }

  /** The network may be back: do not wait any longer. */
  wake(): void {
    if (this.#state !== 'retrying' || this.#retryAt === 0 || this.#platform.now() < this.#notBefore) return
    this.#platform.clearTimeout(this.#timer)
    this.#attempt()
  }

  report(): StreamReport {
    const names = new Set<string>()
    for (const cursor of this.#cursors) for (const name of cursor.names) names.add(name)
    return {
      url: this.request.url,
      state: this.#state,
      connections: this.#connections,
      subscribers: this.subscribers,
      names: [...names].sort(),
      logEvents: this.log.length,
      logBytes: this.log.bytes,
      lastEventId: this.#lastEvent()?.id ?? '',
    }
  }

  async #connect(reason: HeadersReason = this.#connections === 0 ? 'connect' : 'retry'): Promise<void> {
    this.#state = 'connecting'
    this.#retryAt = 0
    this.#connections++
    this.#abort = new AbortController()
    const { signal } = this.#abort
    try {
      const headers = await this.#headersFor(reason, signal)
      this.#isUnderway = true
      const anchor = this.#anchorNow()
      this.#lastEventId = anchor.resumeAfter
      this.#nth = 0
      this.#hasBroughtId = false
      this.#isAwaited = true
      this.#watchIdleness()
      const limits = Array.from(this.#cursors, ({ policy }) => policy.maxEventSize)
      const maxEventSize = limits.length === 0 ? EVENT_SOURCE_POLICY.maxEventSize : Math.max(...limits)
      const connection = { lastEventId: anchor.resumeAfter, headers, signal, maxEventSize }
      await readEvents(this.#platform, this.request, connection, {
        opened: (response) => this.#opened(response, anchor),
        event: (event) => this.#receive(event),
        id: (id) => this.#takeId(id),
        retry: (milliseconds) => {
          this.#reconnectionTime = reconnectionTime(milliseconds)
        },
        alive: () => this.#watchIdleness(),
        parsed: () => {
          this.#pump()
          return this.#isFarAhead() ? this.#untilThereIsRoom() : undefined
        },
      })
      throw new FailedError('the server ended the response')
    } catch (error) {
      this.#isAwaited = false
      this.#platform.clearTimeout(this.#idle)
      if (this.#isClosed()) return
      if (this.state === 'open' && this.#platform.now() - this.#openedAt >= LIVED) this.#failures = 0
      await this.#fail(failureOf(error))
    }
  }

  /** What a page's function gives, where there is one. Of several pages any will do; one that goes is replaced. */
  async #headersFor(reason: HeadersReason, signal: AbortSignal): Promise<StreamRequest['headers']> {
    if (!this.request.asksHeaders) return this.request.headers
    const asked = new Set<Cursor['standing']>()
    for (;;) {
      // The last one has gone; another may come before the stream closes.
      if (this.#cursors.size === 0) await new Promise<void>((resolve) => this.#room.add(resolve))
      signal.throwIfAborted()
      const cursor = [...this.#cursors].find(({ standing }) => !asked.has(standing))
      if (cursor === undefined) throw new FailedError('no page could give the headers')
      asked.add(cursor.standing)
      const headers = await cursor.askHeaders(reason)
      signal.throwIfAborted()
      if (headers !== undefined) return headers
    }
  }

  /** Breaks the connection when nothing has come for as long as the least patient of those subscribed allows. */
  #watchIdleness(): void {
    this.#platform.clearTimeout(this.#idle)
    const timeout = this.#patience
    if (timeout === Number.POSITIVE_INFINITY || !this.#isAwaited || this.#room.size > 0) return
    this.#idle = this.#platform.setTimeout(() => {
      this.#abort.abort(new FailedError(`the server has sent nothing for ${timeout} ms`))
    }, timeout)
  }

  /** Those who come and go put the end off only where they change how long it takes. */
  #reviewIdleness(): void {
    const timeouts = Array.from(this.#cursors, ({ policy }) => policy.idleTimeout)
    const least = Math.min(...timeouts.filter((time) => time > 0))
    if (least === this.#patience) return
    this.#patience = least
    this.#watchIdleness()
  }

  /** While we do not read, silence says nothing of the server. */
  async #untilThereIsRoom(): Promise<void> {
    this.#platform.clearTimeout(this.#idle)
    await new Promise<void>((resolve) => this.#room.add(resolve))
    this.#watchIdleness()
  }

  #opened(response: Response, anchor: Anchor): void {
    this.#watchIdleness()
    this.#state = 'open'
    this.#openedAt = this.#platform.now()
    this.#origin = new URL(response.url || this.request.url).origin
    this.#error = ''
    // Mercure's way to say that it no longer has the event asked for.
    const resumedAfter = response.headers.get('Last-Event-ID')
    this.#hasDenied = resumedAfter !== null && resumedAfter !== toByteString(anchor.resumeAfter)
    this.#enter()
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

  #takeId(id: string): void {
    this.#lastEventId = id
    this.#nth = 0
    this.#hasBroughtId = true
  }

  #receive(event: ServerEvent): void {
    if (event.id !== undefined) {
      this.#takeId(event.id)
    } else {
      this.#nth++
    }
    const { name, data } = event
    if (this.#resumption !== undefined) {
      const entry = { type: 'event', seq: 0, name, data, ...this.#placeNow(), ordinal: 0 } as const
      const verdict = this.#resumption.judge(entry, true)
      if (verdict === 'seen') return
      this.#resumption = undefined
      this.#continueId()
      if (verdict !== 'new') this.#gap(this.#isMixed ? 'unresumable' : 'history-lost', this.#lastEventId)
    }
    this.#failures = 0
    if (this.#nth > 0) this.#hasUnnumbered = true
    else if (this.#lastEventId !== '') this.#hasNumbered = true
    this.log.append({
      type: 'event',
      name,
      data,
      id: this.#lastEventId,
      nth: this.#nth,
      ordinal: ++this.#eventCount,
    })
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

  #enter(): void {
    this.log.append({ type: 'state', ...this.stateNow, error: this.#error })
  }

  #pump(): void {
    for (const cursor of this.#cursors) cursor.pump()
  }

  /** Tries again as soon as one of those subscribed wants to; to the others the stream has ended. */
  async #fail(failure: Failure): Promise<void> {
    this.#error = failure.message
    this.#openedAt = 0
    this.#resumption = undefined
    if (this.#isUnauthorized(failure)) {
      this.#hasAskedAgain = true
      return this.#connect('unauthorized')
    }
    // What the server refuses after an outage are other headers.
    if (failure.status !== 401 && failure.status !== 403) this.#hasAskedAgain = false
    this.#notBefore = this.#platform.now() + failure.retryAfter
    this.#state = 'retrying'
    const attempt = this.#failures + 1
    const delay = Math.max(
      retryDelay(this.#failures, this.#reconnectionTime, this.#platform.random()),
      failure.retryAfter,
    )
    const cursors = [...this.#cursors].filter(({ isEnded }) => !isEnded)
    const delays = await Promise.all(cursors.map((cursor) => cursor.retryDelay(failure, attempt, delay)))
    if (this.#isClosed()) return
    this.#failures = attempt
    const wanted = delays.filter((one) => one !== false)
    if (failure.isFinal || (wanted.length === 0 && this.#isOf(cursors))) return this.#end()
    const least = wanted.length === 0 ? delay : Math.min(...wanted)
    this.#retryAt = this.#platform.now() + least
    for (const [index, cursor] of cursors.entries()) if (delays[index] === false) cursor.end(this.#error)
    this.#enter()
    this.#pump()
    this.#timer = this.#platform.setTimeout(() => this.#attempt(), least)
  }

  /** Connects, as soon as someone is subscribed, and it is known that the last event was not the last of all. */
  #attempt(): void {
    this.#isHeld = this.#cursors.size === 0 || this.#mayHaveEnded()
    if (!this.#isHeld && !this.#isClosed()) this.#connect()
  }

  /** Those who would tell have not had everything yet. One that has, and has not told, is enough to go on. */
  #mayHaveEnded(): boolean {
    const judges = [...this.#cursors].filter(({ policy }) => policy.asksEnd)
    return judges.length > 0 && !judges.some(({ isThrough }) => isThrough)
  }

  /** Whether someone is subscribed, and nobody but these. Who came while they were asked gets an attempt. */
  #isOf(cursors: readonly Cursor[]): boolean {
    const known = new Set(cursors.map(({ standing }) => standing))
    return cursors.length > 0 && [...this.#cursors].every(({ standing }) => known.has(standing))
  }

  /** New headers may help, once. */
  #isUnauthorized({ status }: Failure): boolean {
    return (status === 401 || status === 403) && this.request.asksHeaders && !this.#hasAskedAgain
  }

  /** For all who share the stream: nothing more will come. */
  finish(): void {
    if (this.#isClosed()) return
    this.#error = ''
    this.#end()
    this.close()
  }

  #end(): void {
    this.#state = 'closed'
    this.#retryAt = 0
    this.#openedAt = 0
    this.#enter()
    this.#pump()
    this.#ended()
  }

  /**
   * Whether reading on would soon push off the log what tabs have yet to be given: what none of those that listen has had;
   * or what some have not had that are at work, as long as nobody has run out of work. A tab that is slower than others, or
   * stands still, holds up nobody.
   */
  #isFarAhead(): boolean {
    if (this.#isClosed() || !this.log.isHalfFull) return false
    const latest = this.log.lastSeq - this.log.length / 2
    const listening = [...this.#cursors].filter(({ names }) => names.size > 0)
    const late = listening.filter(({ next }) => next <= latest)
    if (late.length === listening.length) return late.length > 0
    return late.some(({ isAtWork }) => isAtWork) && !listening.some(({ isThrough }) => isThrough)
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
    this.#isHeld = false
    this.#platform.clearTimeout(this.#timer)
    this.#platform.clearTimeout(this.#idle)
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

/** An error of another realm is no instance of this one's `Error`. */
const failureOf = (error: unknown): Failure => {
  if (error instanceof FailedError) return error.failure
  return new FailedError((error as Error | undefined)?.message ?? String(error)).failure
}
