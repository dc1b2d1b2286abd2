import { Reader, unpack } from '../link/pack.ts'
import { placeOf } from '../link/place.ts'
import type {
  Batch,
  ConnectionError,
  Entry,
  EventEntry,
  HeadersReason,
  PackedEntries,
  Place,
  Policy,
  Position,
  Replay,
  StreamRequest,
  Subscription,
} from '../link/protocol.ts'
import { Budget } from './budget.ts'
import type { Platform } from './platform.ts'

/**
 * What is to happen before the next entry: nothing, all microtasks that have been queued (a turn), or what a promise
 * stands for.
 */
export type Pause = undefined | 'turn' | Promise<void>

/** Takes one entry, an event only for as long as it is called; what it throws is its own affair. */
export type Receive = (entry: Entry) => Pause

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

/** Characters of an event up to which it is cheaper to keep than to digest at once. */
const KEEP_LIMIT = 1_024

interface PendingBatch {
  readonly batch: Batch
  /** Stands at the entry that was dispatched last. */
  readonly reader: Reader
  /** Sends the acknowledgement. */
  readonly done: () => void
  /** Sequence number of that entry; nothing before the first. */
  seq: number | undefined
}

/** Entries that have been dispatched, from which the places of the events can still be told. */
interface Dispatched {
  readonly count: number
  readonly places: () => readonly Place[]
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
  /** The latest, oldest first, and how many entries they are. */
  readonly #dispatched: Dispatched[] = []
  #dispatchedCount = 0
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
      this.#pending.push({ batch, reader: new Reader(batch.entries), done, seq: undefined })
      if (this.#isRunning) return
      this.#isRunning = true
      // The platform has just called us, with nothing else on the stack: what comes first needs no turn of its own.
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

  /** Dispatches entries up to a pause; tells whether others may follow after a turn. */
  #run(): boolean {
    let budget: Budget | undefined
    while (this.#isRunning) {
      const pending = this.#pending[0]
      const pause = pending && this.#dispatch(pending)
      if (pause instanceof Promise) {
        pause.then(() => {
          this.#settle(pending)
          if (this.#isRunning) this.#platform.run(() => this.#run())
        })
        return false
      }
      this.#settle(pending)
      if (pause === 'turn') break
      budget ??= new Budget(this.#platform.now)
      if (budget.isSpent()) break
    }
    return this.#isRunning
  }

  #dispatch(pending: PendingBatch): Pause {
    const entry = pending.reader.next()
    if (entry === undefined) return undefined
    pending.seq = entry.seq
    return this.#receive(entry)
  }

  /** Acknowledges a batch of which everything has been dispatched. */
  #settle(pending: PendingBatch | undefined): void {
    // A listener may have changed or closed the subscription, which has settled everything already.
    if (pending !== undefined && this.#pending[0] === pending && pending.reader.isThrough) {
      this.#pending.shift()
      this.#remember(pending)
      this.#position = pending.batch.position
      pending.done()
    }
    this.#isRunning = this.#pending.length > 0
  }

  #remember({ batch: { entries }, reader: { count } }: PendingBatch): void {
    if (count === 0) return
    const places = entries.text.length > count * KEEP_LIMIT ? placesOf(entries, count) : undefined
    this.#dispatched.push({ count, places: () => places ?? placesOf(entries, count) })
    this.#dispatchedCount += count
    for (;;) {
      const left = this.#dispatchedCount - (this.#dispatched[0]?.count ?? 0)
      if (left < SEEN_LIMIT) return
      this.#dispatched.shift()
      this.#dispatchedCount = left
    }
  }

  #seenAndPending(): Place[] {
    return [
      ...this.#dispatched.flatMap(({ places }) => places()),
      ...this.#pending.flatMap(({ batch }) => placesOf(batch.entries)),
    ].slice(-SEEN_LIMIT)
  }

  /** Forgets what has arrived and is not dispatched; the hub sends it again, filtered anew. */
  #drop(): void {
    this.#position = this.#positionNow()
    this.#epoch++
    const pending = this.#pending
    this.#pending = []
    if (pending[0] !== undefined) this.#remember(pending[0])
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
    if (pending?.seq === undefined) return former
    const { seq, batch, reader } = pending
    const { position } = batch
    const passed = eventsOf(batch.entries, reader.count)
    const event = passed.at(-1)
    if (event === undefined) return former?.log === position.log ? { ...former, seq } : former
    if (event.ordinal === position.ordinal) return { ...position, seq }
    const earlier = passed.findLast(({ id, nth }) => nth === 0 && id !== event.id)
    return {
      log: position.log,
      seq,
      ordinal: event.ordinal,
      resumeAfter: earlier?.id ?? former?.expect.at(-1)?.id ?? event.id,
      expect: [placeOf(event)],
      unproven: false,
      mixed: position.mixed,
      subscribers: position.subscribers,
    }
  }
}

const eventsOf = (entries: PackedEntries, count?: number): EventEntry[] =>
  unpack(entries, count).filter((entry) => entry.type === 'event')

const placesOf = (entries: PackedEntries, count?: number): Place[] => eventsOf(entries, count).map(placeOf)
