import { placeOf } from '../worker/resumption.ts'
import type { Platform } from './platform.ts'
import type {
  Batch,
  ConnectionError,
  Entry,
  EventEntry,
  HeadersReason,
  Place,
  Policy,
  Position,
  Replay,
  StreamRequest,
  Subscription,
} from './protocol.ts'

/** Takes one entry; what it throws is its own affair. Where it gives a promise, the next entry waits for that. */
export type Receive = (entry: Entry) => Promise<void> | undefined

/** What a page asks for, and what it can be asked for in turn. */
export interface Wish {
  /** A promise where it has to be found out, which must not reject. */
  readonly request: StreamRequest | Promise<StreamRequest>
  readonly policy: Policy
  readonly replay?: Replay | undefined
  readonly headers?: ((reason: HeadersReason) => Promise<StreamRequest['headers']>) | undefined
  readonly retryDelay?: ((attempt: number, error: ConnectionError) => Promise<number | false>) | undefined
}

/** How many dispatched events are remembered, to recognise them at another hub. */
const SEEN_LIMIT = 512

/** Characters of data up to which it is cheaper to keep an event than to digest it at once. */
const KEEP_LIMIT = 1_024

interface PendingBatch {
  readonly batch: Batch
  /** Sends the acknowledgement. */
  readonly done: () => void
  /** Index of the next entry to dispatch. */
  next: number
}

interface Notices {
  /** The hub must be told. */
  changed(): void
  /** @param endsStream for all who share it */
  closed(endsStream: boolean): void
}

/** A page's subscription to one stream: takes batches in, gives entries out, knows how far it has come. */
export class PageSubscription {
  readonly #platform: Platform
  readonly #id: number
  readonly wish: Wish
  #request: StreamRequest | undefined
  readonly #receive: Receive
  readonly #notices: Notices
  #names: readonly string[] = []
  #epoch = 0
  #pending: PendingBatch[] = []
  #position: Position | undefined
  #seen: (EventEntry | Place)[] = []
  /** The hub may not know the log that the position names. */
  #isNewHub = true
  #isRunning = false
  #isAnnounced = false
  #isClosed = false

  constructor(platform: Platform, id: number, wish: Wish, receive: Receive, notices: Notices) {
    this.#platform = platform
    this.#id = id
    this.wish = wish
    this.#receive = receive
    this.#notices = notices
    if (wish.request instanceof Promise) wish.request.then((request) => this.#begin(request))
    else this.#begin(wish.request)
  }

  #begin(request: StreamRequest): void {
    this.#request = request
    this.#announce()
  }

  /** Asks for exactly these names, beginning after the event that is being dispatched now. */
  setNames(names: Iterable<string>): void {
    if (this.#isClosed) return
    this.#names = [...names]
    this.#drop()
    this.#announce()
  }

  /** Goes on at a hub that does not know this subscription, after what the former one has sent. */
  reattach(): void {
    this.#isNewHub = true
    this.#epoch++
    this.#announce()
  }

  /** Nothing as long as the request is not known. */
  message(): Subscription | undefined {
    if (this.#request === undefined) return undefined
    const { policy, replay } = this.wish
    const position = this.#pending.at(-1)?.batch.position ?? this.#position
    return {
      id: this.#id,
      epoch: this.#epoch,
      request: this.#request,
      policy,
      names: this.#names,
      ...(position && { position }),
      ...(replay !== undefined && { replay }),
      ...(position && this.#isNewHub && { seen: this.#seenAndPending() }),
    }
  }

  /** Resolves when the batch has been dispatched, or dropped because the subscription has changed. */
  deliver(batch: Batch): Promise<void> {
    if (this.#isClosed || batch.epoch !== this.#epoch) return Promise.resolve()
    if (batch.position.log !== this.#position?.log) this.#isNewHub = false
    return new Promise((done) => {
      this.#pending.push({ batch, done, next: 0 })
      if (this.#isRunning) return
      this.#isRunning = true
      // The platform has just called us, with nothing else on the stack: the first entry needs no turn of its own.
      if (this.#run()) this.#platform.run(() => this.#run())
    })
  }

  /** No hub can be had. */
  fail(error: Error): void {
    const nowhere = { origin: '', attempt: 0, retryAt: 0, openedAt: 0 }
    this.#receive({ type: 'state', seq: 0, state: 'closed', ...nowhere, error: error.message })
  }

  /** @param endsStream for all who share it */
  close(endsStream = false): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#drop()
    this.#notices.closed(endsStream)
  }

  /** Dispatches one entry; tells whether the next may follow at once. */
  #run(): boolean {
    const pending = this.#pending[0]
    const entry = pending?.batch.entries[pending.next++]
    const pause = entry && this.#dispatch(entry)
    if (pause !== undefined) {
      pause.then(() => {
        this.#settle(pending)
        if (this.#isRunning) this.#platform.run(() => this.#run())
      })
      return false
    }
    this.#settle(pending)
    return this.#isRunning
  }

  /** Acknowledges a batch of which everything has been dispatched. */
  #settle(pending: PendingBatch | undefined): void {
    // A listener may have changed or closed the subscription, which has settled everything already.
    if (
      pending !== undefined &&
      this.#pending[0] === pending &&
      pending.next >= pending.batch.entries.length
    ) {
      this.#pending.shift()
      this.#position = pending.batch.position
      pending.done()
    }
    this.#isRunning = this.#pending.length > 0
  }

  #dispatch(entry: Entry): Promise<void> | undefined {
    if (entry.type === 'event') this.#remember(entry)
    return this.#receive(entry)
  }

  #remember(event: EventEntry): void {
    this.#seen.push(event.data.length > KEEP_LIMIT ? placeOf(event) : event)
    // Trimming at twice the limit keeps the cost per event constant.
    if (this.#seen.length >= 2 * SEEN_LIMIT) this.#seen = this.#seen.slice(-SEEN_LIMIT)
  }

  #seenAndPending(): Place[] {
    const pending = this.#pending
      .flatMap(({ batch, next }) => batch.entries.slice(next))
      .filter((entry) => entry.type === 'event')
    return [...this.#seen, ...pending]
      .slice(-SEEN_LIMIT)
      .map((event) => ('digest' in event ? event : placeOf(event)))
  }

  /** Forgets what has arrived and is not dispatched; the hub sends it again, filtered anew. */
  #drop(): void {
    this.#position = this.#positionNow()
    this.#epoch++
    const pending = this.#pending
    this.#pending = []
    for (const { done } of pending) done()
  }

  #announce(): void {
    if (this.#isAnnounced) return
    this.#isAnnounced = true
    // Listeners are added one by one: one message for all of them.
    queueMicrotask(() => {
      this.#isAnnounced = false
      if (!this.#isClosed && this.#request !== undefined) this.#notices.changed()
    })
  }

  /** In the midst of a batch only what has been dispatched tells where we are. */
  #positionNow(): Position | undefined {
    const former = this.#position
    const [pending] = this.#pending
    const last = pending?.batch.entries[pending.next - 1]
    if (pending === undefined || last === undefined) return former
    const { position, entries } = pending.batch
    const passed = entries.slice(0, pending.next).filter((entry) => entry.type === 'event')
    const event = passed.at(-1)
    if (event === undefined) return former?.log === position.log ? { ...former, seq: last.seq } : former
    if (event.ordinal === position.ordinal) return { ...position, seq: last.seq }
    const earlier = passed.findLast(({ id, nth }) => nth === 0 && id !== event.id)
    return {
      log: position.log,
      seq: last.seq,
      ordinal: event.ordinal,
      resumeAfter: earlier?.id ?? former?.expect.at(-1)?.id ?? event.id,
      expect: [placeOf(event)],
      unproven: false,
      mixed: position.mixed,
      subscribers: position.subscribers,
    }
  }
}
