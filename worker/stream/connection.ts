import {
  EVENT_SOURCE_POLICY,
  type HeadersReason,
  INITIAL_STATE,
  type StreamReport,
  type StreamState,
} from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import { errorOf, type Failure, failureOf } from '../source/failure.ts'
import type { Source } from '../source/source.ts'
import type { Attention } from './attention.ts'
import type { Chronicle } from './chronicle.ts'
import type { Claimant, Cost, Share } from './claimant.ts'
import { Asked, type AskingStream, askDetails, asksDetails } from './details.ts'
import { IdleWatch, WHY_SILENT } from './idle-watch.ts'
import type { Pace } from './pace.ts'
import { askRetries } from './page-questions.ts'
import type { Reception } from './reception.ts'
import { isSafe, requestFor } from './request.ts'
import { DEFAULT_RECONNECTION_TIME, reconnectionTime, retryDelay } from './retry.ts'
import type { Subscriber } from './subscriber.ts'

/** A connection that lasted this long, in ms, or brought an event, has lived: back-off starts anew. */
const LIVED = 5_000

/** The reason of a connection that a page has dropped in favour of another. */
const DROPPED = new Error('a page has asked for another connection')

/** The reason of a connection that has failed because a developer wanted to see what happens then. */
const CUT = new Error('a page has cut the connection')

/** The reason of a connection that has been given up because others need it more. */
const PARKED = new Error('another stream needs the connection more')

/**
 * For so long, in ms, a connection that has been given up counts still. Chromium closes it in a task of its own, and would open
 * the next one first.
 */
const CLOSING = 10

/** For whoever looks into the console of a visible page whose stream waits. */
const WITHOUT_LIMIT = 'HTTP/2 and HTTP/3 know no such limit.'

/** Tabs whose functions give different tokens do not share, even if the tokens are of one user. */
const WITHOUT_KEY =
  'Give each stream whose headers a function gives a key, so that tabs share it: connect(url, { headers, key: user.id })'

/** The server wants other credentials. */
const isRefusal = ({ status }: Failure): boolean => [401, 403].includes(status)

/** What a connection needs of its stream. */
export interface ConnectionStream extends AskingStream {
  readonly reception: Reception
  readonly pace: Pace
  readonly attention: Attention
  readonly chronicle: Chronicle
  /** Its share in the connections of all streams. */
  slotFor(claimant: Claimant): Share
  /** Logs the state that has just been entered. */
  logState(): void
  /** Sends subscribers what the log has for them. */
  pump(): void
  /** Tells whoever looks into the console of a page, once. */
  advise(message: string): void
  /** The stream will never bring anything again. */
  ended(): void
}

/** How a stream stands, as its entries tell it. `'retrying'` waits before the next attempt. */
export type Status = {
  -readonly [Key in keyof Omit<StreamState, 'state'>]: StreamState[Key]
} & {
  state: StreamReport['state']
}

/** A stream's attempts to hold a connection: when to connect, when to give up, and how that stands. */
export class Connection implements Claimant {
  readonly status: Status = { ...INITIAL_STATE }
  readonly #platform: HubPlatform
  /** To which pages' messages are given as well. */
  readonly source: Source
  readonly #stream: ConnectionStream
  readonly #idle: IdleWatch
  /** Of the present connection. */
  #abort = new AbortController()
  #timer: unknown
  #count = 0
  /** Attempts, and wishes for one that came since: what pages say of an earlier one does not matter any more. */
  #rounds = 0
  /** The request of the present connection has been made. */
  #isMade = false
  #reconnectionTime = DEFAULT_RECONNECTION_TIME
  /** Until when the server has asked to be left alone, in ms since 1970. */
  #notBefore = 0
  /** The next attempt waits for a subscriber, or until it is known that the stream has not ended. */
  #isHeld = false
  readonly #asked = new Asked()
  /** Someone expected the server to resume when the next attempt was decided on. */
  #resumes = true
  readonly #slot: Share
  /** What the next attempt is for. */
  #reason: HeadersReason = 'connect'
  #whyParked = ''
  #isTurn = false
  /** The next connection follows one that was given up for others. */
  #wasParked = false

  constructor(platform: HubPlatform, source: Source, stream: ConnectionStream) {
    this.#platform = platform
    this.source = source
    this.#stream = stream
    this.#idle = new IdleWatch(platform, (reason) => this.#abort.abort(new Error(reason)))
    this.#slot = stream.slotFor(this)
  }

  get attention(): Attention {
    return this.#stream.attention
  }

  get cost(): Cost {
    const { reception } = this.#stream
    if (this.#isMade && this.#isNotToBeRepeated(0)) return 'everything'
    return this.#expectsResumption() ? reception.costOfLoss : 'gap'
  }

  get caughtUpAt(): number {
    const { reception } = this.#stream
    const { state, openedAt } = this.status
    return state === 'open' && !reception.isHolding ? openedAt : Number.POSITIVE_INFINITY
  }

  granted(isTurn: boolean): void {
    this.#isTurn = isTurn && this.#stream.reception.hasOpened
    this.#connect(this.#reason)
  }

  park(): void {
    this.#abort.abort(PARKED)
    // Nothing more is read of this one, so it waits for nobody.
    this.#stream.pace.review(true)
  }

  waits(why: string): void {
    const { request, attention } = this.#stream
    const isWithoutKey = request.asksHeaders && request.key === ''
    if (attention.isVisible || isWithoutKey)
      this.#stream.advise(
        `${why}, so the other streams take turns. ${isWithoutKey ? WITHOUT_KEY : WITHOUT_LIMIT}`,
      )
    this.#stay(why)
  }

  rests(): void {
    this.#stay('no page that shows it is visible')
  }

  /** Why it is parked, for people; `''` where it is not. */
  get whyParked(): string {
    return this.status.state === 'parked' ? this.#whyParked : ''
  }

  /** It is connected for its turn only: its pages go on being told that it is parked. */
  get isTurn(): boolean {
    return this.#isTurn
  }

  stays(): void {
    if (!this.#isTurn) return
    this.#isTurn = false
    if (this.status.state !== 'open') return
    this.#stream.logState()
    this.#stream.pump()
  }

  get isClosed(): boolean {
    return this.status.state === 'closed'
  }

  /** Connections begun so far. */
  get count(): number {
    return this.#count
  }

  /** Whether someone expects the server to resume. */
  get resumes(): boolean {
    return this.#resumes
  }

  /** The first attempt begins after so many ms. */
  begin(delay: number): void {
    // Until then it must not be granted what it has asked for already.
    this.#slot.release()
    this.#wait(delay, () => this.#take('connect'))
  }

  /** Puts the first attempt off: from now on, it begins after so many ms. */
  postpone(delay: number): void {
    if (delay > 0 && this.#count === 0) this.begin(delay)
  }

  /** Does not put the first attempt off any longer. */
  hasten(): void {
    if (this.#count === 0 && !this.isClosed) this.begin(0)
  }

  /**
   * A page or the network is back: do not wait any longer. A connection that is silent for longer than usual may have died
   * without a word, so another takes its place.
   */
  wake(): void {
    const { state, retryAt } = this.status
    if (state === 'retrying' && retryAt > 0 && this.#platform.now() >= this.#notBefore) this.#attempt()
    else if (!this.#isNotToBeRepeated(0) && this.#idle.doubts()) this.#abort.abort(DROPPED)
  }

  /** A page wants another connection now: drops the present one, or the wait for the next. */
  reconnect(): void {
    if (this.status.state === 'retrying') {
      this.#reconnect()
    } else {
      this.#abort.abort(DROPPED)
      // Nothing more is read of this one, so it waits for nobody.
      this.#stream.pace.review(true)
    }
  }

  /** The connection fails, as if the network had. */
  cut(): void {
    this.#abort.abort(CUT)
    this.#stream.pace.review(true)
  }

  /** A subscriber has moved, come or gone. */
  review(): void {
    if (this.#isHeld) this.#attempt()
    this.#stream.pace.review(this.isClosed)
  }

  /** A subscriber has come or gone, so another time-out may hold. */
  reviewIdleness(): void {
    this.#idle.review([...this.#stream.subscribers].map(({ policy }) => policy.idleTimeout))
  }

  /** It goes on without a connection. */
  giveBack(): void {
    this.#slot.release()
  }

  /** Ends the stream in good order. */
  finish(): void {
    this.#isTurn = false
    this.status.error = undefined
    this.#end()
  }

  /** Ends the connection, and makes no other. */
  close(): void {
    this.status.state = 'closed'
    this.#isHeld = false
    this.#platform.clearTimeout(this.#timer)
    this.#idle.stop()
    this.#abort.abort()
    this.#slot.release()
    this.source.drop?.(true)
  }

  async #connect(reason: HeadersReason): Promise<void> {
    const { status } = this
    status.state = 'connecting'
    status.retryAt = 0
    this.#count++
    this.#rounds++
    this.#isMade = false
    this.#abort = new AbortController()
    const { signal } = this.#abort
    const failure = await this.#hold(reason, signal).catch(failureOf)
    this.#idle.stop()
    this.#stream.chronicle.end(failure)
    if (this.isClosed) return
    const hasLived = status.openedAt > 0 && this.#platform.now() - status.openedAt >= LIVED
    if (hasLived) status.attempt = 0
    if (signal.reason === DROPPED || failure.isMove) this.#reconnect()
    else if (signal.reason === PARKED) this.#parked()
    else await this.#fail(failure, hasLived)
  }

  /** Connects as soon as there is a connection for it. */
  #take(reason: HeadersReason): void {
    this.#reason = reason
    this.#slot.take(this.#slot.origin || new URL(this.#stream.request.url).origin)
  }

  /** It goes on where it stands when it has its turn, or is looked at. */
  #parked(): void {
    this.#wasParked = this.#stream.reception.hasOpened
    this.#leave('parked')
    this.#wait(CLOSING, () => this.#take('retry'))
  }

  #stay(why: string): void {
    this.#whyParked = why
    const { attempt } = this.status
    if (this.status.state !== 'parked') this.#enter('parked', attempt)
  }

  #reconnect(): void {
    this.#rounds++
    this.#leave('retrying')
    this.#attempt()
  }

  /** As after a connection that has ended, but nobody is asked. */
  #leave(state: 'retrying' | 'parked'): void {
    this.#resumes = this.#expectsResumption()
    this.#stream.reception.lost(false)
    this.#enter(state)
  }

  #enter(state: 'retrying' | 'parked', attempt = 0): void {
    Object.assign(this.status, {
      state,
      error: undefined,
      attempt,
      retryAt: 0,
      openedAt: 0,
    } satisfies Partial<Status>)
    this.#stream.logState()
    this.#stream.pump()
  }

  /** Resolves when the connection has ended, and rejects when it could not be begun. */
  async #hold(reason: HeadersReason, signal: AbortSignal): Promise<Failure> {
    const { request, subscribers, reception, pace, chronicle } = this.#stream
    const details = asksDetails(request)
      ? await askDetails(this.#stream, this.#asked, reason, signal)
      : request
    if (reason === 'connect') this.#resumes = this.#expectsResumption()
    const resumeAfter = reception.resume(this.#resumes)
    const asked = requestFor(request, details, resumeAfter)
    chronicle.begin(resumeAfter, reception.findings)
    const { origin } = new URL(asked.url)
    this.#slot.moveTo(origin)
    signal.throwIfAborted()
    this.#isMade = true
    this.#idle.begin((seconds) => {
      this.#stream.advise(`${origin} has not answered for ${seconds} seconds. ${WHY_SILENT}`)
    })
    const limits = [...subscribers].map(({ policy }) => policy.maxEventSize)
    const maxEventSize = limits.length === 0 ? EVENT_SOURCE_POLICY.maxEventSize : Math.max(...limits)
    // A SharedEventSource cannot tell its page, so it does not wait for the words.
    const readsRefusal = [...subscribers].some(({ policy }) => policy.retriesStatuses)
    return this.source(
      { ...asked, resumeAfter, latest: reception.latestIds, maxEventSize, readsRefusal, signal },
      {
        opened: (head) => {
          this.#idle.opened()
          chronicle.opened(head)
          Object.assign(this.status, {
            state: 'open',
            openedAt: this.#platform.now(),
            origin: head.origin,
            protocol: head.protocol,
            error: undefined,
          } satisfies Partial<Status>)
          this.#stream.logState()
          reception.opened(head, this.#wasParked)
          this.#wasParked = false
          this.#stream.pump()
        },
        event: (event) => {
          // What is held may be new: the connection is worth as much as another.
          if (reception.event(event) || reception.isHolding) this.status.attempt = 0
        },
        idAlone: (id) => reception.idAlone(id),
        retry: (milliseconds) => {
          this.#reconnectionTime = reconnectionTime(milliseconds)
        },
        takesUnfinished: () => this.#takesUnfinished(),
        advise: (message) => this.#stream.advise(message),
        alive: (bytes) => {
          chronicle.bytes += bytes
          this.#idle.alive()
        },
        flushed: () => {
          this.#stream.pump()
          return !signal.aborted && pace.isFarAhead ? this.#untilThereIsRoom() : undefined
        },
      },
    )
  }

  /**
   * [spec] An event that is not complete at the end of the stream is discarded. For `until` it can be the last of all, and the
   * request would be made again; but not while someone shares the stream who keeps to the standard.
   * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
   */
  #takesUnfinished(): boolean {
    const policies = [...this.#stream.subscribers].map(({ policy }) => policy)
    return policies.some(({ asksEnd }) => asksEnd) && policies.every(({ retriesStatuses }) => retriesStatuses)
  }

  /** While we do not read, silence says nothing of the server. */
  async #untilThereIsRoom(): Promise<void> {
    const { reception, pace } = this.#stream
    this.#idle.pause()
    reception.pause()
    await pace.room()
    this.#idle.resume()
    reception.readOn()
  }

  /** Tries again as soon as one of those subscribed wants to; to the others the stream has ended. */
  async #fail(failure: Failure, hasLived: boolean): Promise<void> {
    const { status } = this
    const { subscribers, reception } = this.#stream
    this.#resumes = this.#expectsResumption()
    this.#isTurn = false
    status.error = errorOf(failure)
    status.openedAt = 0
    reception.lost(failure.isEnd)
    // The server has said that it was the last of all. Where it has given a code, pages are told that.
    if (failure.isEnd && failure.isFinal && failure.closeCode === undefined) return this.finish()
    // What was good enough for a while has expired since.
    if (hasLived) this.#asked.refused.clear()
    if (this.#isUnauthorized(failure)) return this.#connect('unauthorized')
    this.#slot.release()
    // What the server refuses after an outage is something else.
    if (!isRefusal(failure)) this.#asked.refused.clear()
    status.state = 'retrying'
    this.#notBefore = this.#platform.now() + failure.retryAfter
    if ((failure.isFinal || this.#isMade) && this.#isNotToBeRepeated(failure.status))
      return this.#finishFor(failure)
    const attempt = status.attempt + 1
    const loss = {
      failures: status.attempt,
      hasLived,
      time: this.#reconnectionTime,
      retryAfter: failure.retryAfter,
    }
    const usual = retryDelay(loss, this.#platform.random())
    const asked = [...subscribers].filter(({ isEnded }) => !isEnded)
    const round = ++this.#rounds
    const { delays, refusing } = await askRetries(this.#platform, asked, failure, attempt, usual, (late) => {
      if (this.isClosed || this.#rounds !== round) return
      late.end(status.error)
      late.pump()
    })
    if (this.isClosed || this.#rounds !== round) return
    status.attempt = attempt
    if (failure.isFinal || (delays.length === 0 && this.#isOf(asked))) return this.#end()
    if (refusing.length > 0) reception.decide()
    for (const subscriber of refusing) subscriber.end(status.error)
    const delay = delays.length === 0 ? usual : Math.min(...delays)
    status.retryAt = this.#platform.now() + delay
    this.#stream.logState()
    this.#stream.pump()
    this.#wait(delay, () => this.#attempt())
  }

  /**
   * A request that is not safe may have done something. It is made again only where it has been refused, where an ID lets the
   * server resume, or where a page has asked for it.
   */
  #isNotToBeRepeated(status: number): boolean {
    const { request, subscribers, reception } = this.#stream
    if (isSafe(request.method) || status !== 0 || (this.#resumes && reception.canResume)) return false
    return ![...subscribers].some(({ policy }) => policy.repeatsUnsafe)
  }

  #expectsResumption(): boolean {
    const { subscribers } = this.#stream
    return subscribers.size === 0 || [...subscribers].some(({ policy }) => policy.resumes)
  }

  /** Nothing more comes, and nothing is wrong if the server has ended its answer in good order. */
  #finishFor(failure: Failure): void {
    const why = failure.isFinal ? '' : `; a ${this.#stream.request.method} is not sent again by itself`
    const message = failure.message + why
    this.status.error = failure.isEnd ? undefined : { ...errorOf(failure), message }
    this.#end()
  }

  #wait(delay: number, then: () => void): void {
    this.#platform.clearTimeout(this.#timer)
    this.#timer = this.#platform.setTimeout(then, delay)
  }

  /** Connects, as soon as someone is subscribed, and it is known that the last event was not the last of all. */
  #attempt(): void {
    this.#platform.clearTimeout(this.#timer)
    this.#isHeld = this.#stream.subscribers.size === 0 || this.#mayHaveEnded()
    if (this.#isHeld) this.#slot.release()
    else if (!this.isClosed) this.#take('retry')
  }

  /** Those who would tell have not had everything yet. One that has, and has not told, is enough to go on. */
  #mayHaveEnded(): boolean {
    const judges = [...this.#stream.subscribers].filter(({ policy }) => policy.asksEnd)
    return judges.length > 0 && !judges.some(({ isThrough }) => isThrough)
  }

  /** Whether someone is subscribed, and nobody but these. Who came while they were asked gets an attempt. */
  #isOf(asked: readonly Subscriber[]): boolean {
    const known = new Set(asked.map(({ questions }) => questions))
    return asked.length > 0 && [...this.#stream.subscribers].every(({ questions }) => known.has(questions))
  }

  /** Headers or a URL of another page may help, and new ones of each, once. */
  #isUnauthorized(failure: Failure): boolean {
    const { request, subscribers } = this.#stream
    const isLeft = [...subscribers].some(({ questions: { page } }) => !this.#asked.refused.has(page))
    return isRefusal(failure) && asksDetails(request) && isLeft
  }

  #end(): void {
    // Nothing more comes by which it could be judged.
    this.#stream.reception.decide()
    Object.assign(this.status, { state: 'closed', retryAt: 0, openedAt: 0 } satisfies Partial<Status>)
    this.#slot.release()
    this.source.drop?.(true)
    this.#stream.logState()
    this.#stream.pump()
    this.#stream.ended()
  }
}
