import {
  type ConnectionError,
  type Entry,
  type EventEntry,
  type GapReason,
  INITIAL_STATE,
  type Replay,
  type StreamReport,
  type StreamState,
} from '../link/protocol.ts'
import type { Wish } from '../page/page-subscription.ts'
import type { MockRequest } from './mock-stream.ts'
import type { MockSubscription } from './subscription.ts'

/** What comes with an event, before it has a number. */
export interface Sent {
  readonly name: string
  readonly data: string
  readonly id: string | undefined
}

/** Takes the place of a server, a connection and a log: of one stream. */
export class Upstream {
  readonly request: MockRequest
  readonly subscriptions = new Set<MockSubscription>()
  readonly #act: (work: () => void) => void
  readonly #origin: string
  #state: StreamState = INITIAL_STATE
  #log: EventEntry[] = []
  #seq = 0
  #lastId = ''
  #batch: Entry[] | undefined

  /** @param act runs everything that reaches the app */
  constructor(request: MockRequest, act: (work: () => void) => void) {
    this.request = request
    this.#act = act
    this.#origin = new URL(request.url).origin
  }

  get isOpen(): boolean {
    return this.#state.state === 'open'
  }

  get attempt(): number {
    return this.#state.attempt
  }

  get lastId(): string {
    return this.#lastId
  }

  hears(name: string): boolean {
    return [...this.subscriptions].some((subscription) => subscription.wants(name))
  }

  /** A subscription is told how things stand as soon as the code that opens it has run. */
  join(subscription: MockSubscription): void {
    this.subscriptions.add(subscription)
    // `queueMicrotask()` and timers may be a test's own.
    Promise.resolve().then(() => this.welcome())
  }

  /** Tells newcomers how things stand. */
  welcome(): void {
    const news = [...this.subscriptions].filter(({ isNew }) => isNew)
    for (const subscription of news) {
      subscription.isNew = false
      subscription.add([this.#stateEntry(), ...this.#before(subscription.wish)])
    }
    if (news.length > 0) this.#run()
  }

  /** An event of before, which only newcomers may ask for. */
  seed(sent: Sent): void {
    this.#append(sent)
    if (!this.isOpen) this.#change({ state: 'open' })
  }

  /** The row of failures ends with the first event. */
  open(): void {
    this.enter({ state: 'open', attempt: this.attempt })
  }

  send(sent: Sent): void {
    this.welcome()
    if (!this.isOpen) this.open()
    this.#state = { ...this.#state, attempt: 0 }
    this.#publish(this.#append(sent))
  }

  gap(reason: GapReason, before: string, after: string): void {
    this.welcome()
    this.#publish({ type: 'gap', seq: ++this.#seq, reason, before, after })
  }

  /** What is left out is as at the beginning. */
  enter(state: Partial<StreamState>): void {
    this.welcome()
    this.#change(state)
  }

  #change(state: Partial<StreamState>): void {
    const openedAt = state.state === 'open' ? Date.now() : 0
    this.#state = { ...INITIAL_STATE, origin: this.#origin, openedAt, ...state }
    this.#publish(this.#stateEntry())
  }

  /**
   * The stream is over.
   *
   * @param but has closed itself
   */
  end(error: ConnectionError | undefined, but?: MockSubscription): void {
    this.#batch = undefined
    if (but !== undefined) this.subscriptions.delete(but)
    this.enter({ state: 'closed', error })
  }

  batch(work: () => void): void {
    if (this.#batch !== undefined) {
      work()
      return
    }
    const batch: Entry[] = []
    this.#batch = batch
    try {
      work()
    } finally {
      this.#batch = undefined
    }
    if (batch.length > 0) this.#publish(...batch)
  }

  /** As at the beginning, for those who stay. */
  reset(): void {
    this.#log = []
    this.#seq = 0
    this.#lastId = ''
    if (this.#state !== INITIAL_STATE) this.enter({})
    this.#state = INITIAL_STATE
  }

  /** As a hub reports it. */
  report(): StreamReport {
    const { url } = this.request
    const names = [...this.subscriptions].flatMap(({ names }) => names)
    const { state, retryAt } = this.#state
    return {
      url,
      state: state === 'connecting' && retryAt > Date.now() ? 'retrying' : state,
      parked: state === 'parked' ? 'the test says so' : '',
      isVisible: true,
      connections: 1,
      subscribers: this.subscriptions.size,
      names: [...new Set(names)].sort(),
      logEvents: this.#log.length,
      logBytes: 0,
      lastEventId: this.#lastId,
    }
  }

  #append({ name, data, id }: Sent): EventEntry {
    const ordinal = this.#log.length + 1
    const entry = {
      type: 'event',
      seq: ++this.#seq,
      name,
      data,
      id: id ?? `${ordinal}`,
      nth: 0,
      ordinal,
    } as const
    this.#lastId = entry.id
    this.#log.push(entry)
    return entry
  }

  #stateEntry(): Entry {
    return { type: 'state', seq: ++this.#seq, ...this.#state }
  }

  /** What a newcomer is given of what has come before. */
  #before({ since, replay }: Wish): EventEntry[] {
    const at = since === undefined ? -1 : this.#log.findIndex(({ id }) => id === since)
    return at < 0 ? latestOf(this.#log, replay) : this.#log.slice(at + 1)
  }

  /** Everybody has it before anybody's listener runs, since one may end the stream. Newcomers are told apart. */
  #publish(...entries: Entry[]): void {
    if (this.#batch !== undefined) {
      this.#batch.push(...entries)
      return
    }
    const told = [...this.subscriptions].filter(({ isNew }) => !isNew)
    for (const subscription of told) subscription.add(entries)
    if (told.length > 0) this.#run()
  }

  #run(): void {
    this.#act(() => {
      for (const subscription of [...this.subscriptions]) subscription.run()
    })
  }
}

/** The latest events of each name, in their order. */
function latestOf(log: readonly EventEntry[], replay: Replay = 0): EventEntry[] {
  const left = new Map<string, number>()
  const mostOf = (name: string): number => {
    if (replay === 'all') return log.length
    if (typeof replay === 'number') return replay
    return Object.hasOwn(replay, name) ? (replay[name] ?? 0) : 0
  }
  return [...log]
    .reverse()
    .filter(({ name }) => {
      const count = left.get(name) ?? mostOf(name)
      left.set(name, count - 1)
      return count > 0
    })
    .reverse()
}
