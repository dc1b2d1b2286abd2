import { placeOf } from '../link/place.ts'
import type {
  Batch,
  ConnectionError,
  HeadersReason,
  Policy,
  Position,
  Replay,
  StreamRequest,
  Subscription,
} from '../link/protocol.ts'
import { Dispatched, eventsOf } from './dispatched.ts'
import { Inbox, type Receive } from './inbox.ts'
import type { Platform } from './platform.ts'

/** What a page asks for, and what it can be asked for in turn. */
export interface Wish {
  /** A promise where it has to be found out, which must not reject. */
  readonly request: StreamRequest | Promise<StreamRequest>
  readonly policy: Policy
  readonly replay?: Replay | undefined
  readonly headers?: ((reason: HeadersReason) => Promise<StreamRequest['headers']>) | undefined
  readonly retryDelay?: ((attempt: number, error: ConnectionError) => Promise<number | false>) | undefined
}

interface Notices {
  /** The hub must be told. */
  changed(): void
  /** @param endsStream for all who share it */
  closed(endsStream: boolean): void
}

/** A page's subscription to one stream: knows its names and how far it has come, and tells a hub. */
export class PageSubscription {
  readonly wish: Wish
  readonly #id: number
  readonly #receive: Receive
  readonly #notices: Notices
  readonly #inbox: Inbox
  readonly #dispatched = new Dispatched()
  #request: StreamRequest | undefined
  #names: readonly string[] = []
  #epoch = 0
  #position: Position | undefined
  /** The hub may not know the log that the position names. */
  #isNewHub = true
  #isAnnounced = false
  #stage: 'open' | 'concluded' | 'closed' = 'open'

  constructor(platform: Platform, id: number, wish: Wish, receive: Receive, notices: Notices) {
    this.#id = id
    this.wish = wish
    this.#receive = receive
    this.#notices = notices
    this.#inbox = new Inbox(platform, receive, ({ batch, reader: { count } }) => {
      this.#dispatched.add(batch.entries, count)
      this.#position = batch.position
    })
    if (wish.request instanceof Promise) wish.request.then((request) => this.#begin(request))
    else this.#begin(wish.request)
  }

  #begin(request: StreamRequest): void {
    this.#request = request
    this.#announce()
  }

  /** Asks for exactly these names, beginning after the event that is being dispatched now. */
  setNames(names: Iterable<string>): void {
    if (this.#stage === 'closed') return
    this.#names = [...names]
    this.#drop()
    this.#announce()
  }

  /** Goes on at a hub that does not know this subscription, after what the former one has sent. */
  reattach(): void {
    this.#isNewHub = true
    this.#epoch++
    if (this.#stage === 'concluded') this.#giveUp('')
    else this.#announce()
  }

  /** Nothing as long as the request is not known. */
  message(): Subscription | undefined {
    if (this.#request === undefined) return undefined
    const { policy, replay } = this.wish
    const { pending } = this.#inbox
    const position = pending.at(-1)?.batch.position ?? this.#position
    return {
      id: this.#id,
      epoch: this.#epoch,
      request: this.#request,
      policy,
      names: this.#names,
      ...(position && { position }),
      ...(replay !== undefined && { replay }),
      ...(position &&
        this.#isNewHub && { seen: this.#dispatched.placesBefore(pending.map(({ batch }) => batch.entries)) }),
    }
  }

  /** Resolves when the batch has been dispatched, or dropped because the subscription has changed. */
  deliver(batch: Batch): Promise<void> {
    if (this.#stage === 'closed' || batch.epoch !== this.#epoch) return Promise.resolve()
    if (batch.position.log !== this.#position?.log) this.#isNewHub = false
    return new Promise((done) => this.#inbox.add(batch, done))
  }

  /** No hub can be had. */
  fail({ message }: Error): void {
    this.#giveUp(message)
  }

  /**
   * The page knows that the stream has ended, though this subscription may not have had everything yet: no other hub is asked
   * to make the request again. Where this one dies, a gap is told, and the end.
   */
  conclude(): void {
    if (this.#stage === 'open') this.#stage = 'concluded'
  }

  /** @param endsStream for all who share it */
  close(endsStream = false): void {
    if (this.#stage === 'closed') return
    this.#stage = 'closed'
    this.#drop()
    this.#notices.closed(endsStream)
  }

  /** Nothing more can come. */
  #giveUp(error: string): void {
    if (this.#stage === 'concluded') {
      this.#receive({ type: 'gap', seq: 0, reason: 'slow-tab', before: '', after: '' }, '')
    }
    const nowhere = { origin: '', attempt: 0, retryAt: 0, openedAt: 0 }
    this.#receive({ type: 'state', seq: 0, state: 'closed', ...nowhere, error }, '')
  }

  /** Forgets what has arrived and is not dispatched; the hub sends it again, filtered anew. */
  #drop(): void {
    this.#position = this.#positionNow()
    this.#epoch++
    const pending = this.#inbox.empty()
    if (pending[0] !== undefined) this.#dispatched.add(pending[0].batch.entries, pending[0].reader.count)
    for (const { done } of pending) done()
  }

  #announce(): void {
    if (this.#isAnnounced) return
    this.#isAnnounced = true
    // Listeners are added one by one: one message for all of them.
    queueMicrotask(() => {
      this.#isAnnounced = false
      if (this.#stage !== 'closed' && this.#request !== undefined) this.#notices.changed()
    })
  }

  /** In the midst of a batch only what has been dispatched tells where we are. */
  #positionNow(): Position | undefined {
    const former = this.#position
    const [pending] = this.#inbox.pending
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
