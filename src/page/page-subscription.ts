import {
  type Batch,
  type ConnectionDetails,
  type ConnectionError,
  type EventEntry,
  type HeadersReason,
  INITIAL_STATE,
  type Position,
  type Replay,
  type StreamRequest,
  type Subscription,
} from '../link/protocol.ts'
import { Dispatched, numberBefore } from './dispatched.ts'
import { Inbox, type PendingBatch, type Receive } from './inbox.ts'
import type { Platform } from './platform.ts'

/** What a page asks of a hub, and what a hub can ask of the page. */
export interface Wish {
  /** A promise if it takes time to determine. The promise must not reject. */
  readonly request: StreamRequest | Promise<StreamRequest>
  readonly policy: Subscription['policy']
  readonly replay?: Replay | undefined
  /** The page has everything up to this ID. */
  readonly since?: string | undefined
  /** As the policy's pointer says. */
  readonly identify?: ((event: EventEntry) => string | undefined) | undefined
  /** Called when a batch has been dispatched completely. */
  readonly through?: (() => void) | undefined
  readonly details?: ((reason: HeadersReason, round: string) => Promise<ConnectionDetails>) | undefined
  /** The request as of the last answer of a function for the headers, where there is no key. */
  readonly latest?: (() => StreamRequest) | undefined
  /** The stream has other headers. Resolves when it is known what to ask for instead. */
  readonly parted?: (() => Promise<void>) | undefined
  readonly retryDelay?: ((attempt: number, error: ConnectionError) => Promise<number | false>) | undefined
}

interface Notices {
  /** Subscriptions that the page closes in the task in which it opens this one. */
  readonly renews?: readonly number[]
  /** Called when the hub must be told of a change. */
  changed(): void
  /** Called now and then while the page takes long over what has arrived. */
  works(): void
  closed(): void
}

/** A page's subscription to one stream. It knows its names and its position, and tells them to a hub. */
export class PageSubscription {
  readonly id: number
  readonly wish: Wish
  /** The present hub has been told of it. */
  isKnown = false
  readonly #receive: Receive
  readonly #notices: Notices
  readonly #inbox: Inbox
  readonly #dispatched: Dispatched
  #request: StreamRequest | undefined
  #names: readonly string[] = []
  #epoch = 0
  #position: Position | undefined
  /** The hub's log, as far as it is known; the position may name another one. */
  #hubLog: string | undefined
  #isAnnounced = false
  #stage: 'open' | 'concluded' | 'closed' = 'open'

  constructor(platform: Platform, id: number, wish: Wish, receive: Receive, notices: Notices) {
    this.id = id
    this.wish = wish
    this.#dispatched = new Dispatched(wish)
    this.#receive = receive
    this.#notices = notices
    const passed = ({ batch, reader: { count } }: PendingBatch) => {
      this.#dispatch(batch, count)
      this.#position = batch.position
      wish.through?.()
    }
    this.#inbox = new Inbox(platform, receive, passed, () => notices.works())
    if (wish.request instanceof Promise) wish.request.then((request) => this.#begin(request))
    else this.#begin(wish.request)
  }

  #begin(request: StreamRequest): void {
    this.#request = request
    this.#announce()
  }

  /** Of the stream that it stands in at its hub; `undefined` before anything has come. */
  get log(): string | undefined {
    return this.#position?.log
  }

  /** Subscribes to exactly these names, beginning after the event that is being dispatched now. */
  setNames(names: Iterable<string>): void {
    if (this.#stage === 'closed') return
    this.#names = [...names]
    this.#drop()
    this.#dispatched.leaveOut(this.#position?.ordinal ?? 0)
    this.#announce()
  }

  /** Continues at a hub that does not know this subscription, after what the former hub has sent. */
  reattach(): void {
    this.#hubLog = undefined
    this.isKnown = false
    this.#epoch++
    if (this.#stage === 'concluded') this.#giveUp()
    else this.#announce()
  }

  /** What the hub must know, and is told; `undefined` until the request is known. */
  message(): Subscription | undefined {
    if (this.#request === undefined) return undefined
    this.isKnown = true
    const { policy, replay, since, latest } = this.wish
    const { renews = [] } = this.#notices
    const { pending } = this.#inbox
    const position = pending.at(-1)?.batch.position ?? this.#position
    return {
      id: this.id,
      epoch: this.#epoch,
      request: latest?.() ?? this.#request,
      policy,
      names: this.#names,
      ...(position && { position }),
      ...(replay !== undefined && { replay }),
      ...(since && !position && { since }),
      ...(renews.length > 0 && { renews }),
      ...(position &&
        position.log !== this.#hubLog && {
          seen: this.#dispatched.before(pending.map(({ batch }) => batch)),
        }),
    }
  }

  /** Resolves when the batch has been dispatched, or dropped because the subscription has changed. */
  deliver(batch: Batch): Promise<void> {
    if (this.#stage === 'closed' || batch.epoch !== this.#epoch) return Promise.resolve()
    // Until the hub knows where the tab stands, its batches name the log of its former hub.
    if (batch.position.log !== this.#position?.log) this.#hubLog = batch.position.log
    return new Promise((done) => this.#inbox.add(batch, done))
  }

  /**
   * No hub is available.
   *
   * @param attempt how many have failed in a row
   * @param retryAt when the next one begins, in ms since 1970; 0 for never
   */
  fail({ message }: Error, attempt = 0, retryAt = 0): void {
    const error = { message, status: 0, contentType: '', body: '' }
    if (retryAt === 0) this.#giveUp(error)
    else this.#receive({ type: 'state', seq: 0, ...INITIAL_STATE, error, attempt, retryAt }, '')
  }

  /**
   * The page knows that the stream has ended, but this subscription may not have received everything yet. No
   * other hub is asked to repeat the request: if this hub dies, the subscription reports a gap and the end.
   */
  conclude(): void {
    if (this.#stage === 'open') this.#stage = 'concluded'
  }

  close(): void {
    if (this.#stage === 'closed') return
    this.#stage = 'closed'
    this.#drop()
    this.#notices.closed()
  }

  /** Reports the end to the page, because nothing more can come. */
  #giveUp(error?: ConnectionError): void {
    if (this.#stage === 'concluded') {
      this.#receive({ type: 'gap', seq: 0, reason: 'slow-tab', before: '', after: '' }, '')
    }
    this.#receive({ type: 'state', seq: 0, ...INITIAL_STATE, state: 'closed', error }, '')
  }

  /** Drops what has arrived and is not dispatched. The hub sends it again, filtered by the new names. */
  #drop(): void {
    const position = this.#positionNow()
    this.#epoch++
    const pending = this.#inbox.empty()
    const [first] = pending
    if (first?.seq !== undefined && first.batch.position.log === position?.log)
      this.#dispatch(first.batch, first.reader.count)
    this.#position = position
    for (const { done } of pending) done()
  }

  /** Remembers the first `count` entries of a batch. */
  #dispatch(batch: Batch, count: number): void {
    const { beginsAnew } = batch
    const first = numberBefore(batch)
    if (beginsAnew) this.#dispatched.renumber(first)
    const former = beginsAnew ? undefined : this.#position
    this.#dispatched.add(batch, count, former?.ordinal ?? first)
  }

  #announce(): void {
    if (this.#isAnnounced) return
    this.#isAnnounced = true
    // Listeners are added one by one, but one message is enough for all of them.
    queueMicrotask(() => {
      this.#isAnnounced = false
      if (this.#stage !== 'closed' && this.#request !== undefined) this.#notices.changed()
    })
  }

  /** Within a batch, the entries that have been dispatched determine the position. */
  #positionNow(): Position | undefined {
    const former = this.#position
    const [pending] = this.#inbox.pending
    if (pending?.seq === undefined) return former
    const { seq, batch, reader } = pending
    const { position } = batch
    const passed = this.#dispatched.passed(batch.entries, reader.count)
    const event = passed.at(-1)
    if (event === undefined) return former?.log === position.log ? { ...former, seq } : former
    // What is given to a tab that looks for its place at another hub does not move it.
    const isMoved = former?.log !== position.log || former.ordinal !== position.ordinal
    if (!isMoved || event.ordinal === position.ordinal) return { ...position, seq }
    const known = batch.beginsAnew ? [] : (former?.latest ?? [])
    const latest = [...known, ...passed]
    const anchor = latest.findLast(
      ({ id, nth, isAside }) => nth === 0 && id !== '' && id !== event.id && !isAside,
    )
    return {
      ...position,
      seq,
      ordinal: event.ordinal,
      resumeAfter: anchor?.id ?? event.id,
      from: anchor?.ordinal ?? event.ordinal,
      latest: [...(anchor === undefined ? [] : [anchor]), event],
      unproven: anchor === undefined,
    }
  }
}
