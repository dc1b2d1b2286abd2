import type { Entry } from '../link/protocol.ts'
import type { Receive } from '../page/inbox.ts'
import type { PageSubscription, Wish } from '../page/page-subscription.ts'

/** The end of a batch. */
const THROUGH = Symbol('through')

interface Notices {
  /** Runs what reaches the app outside of a test's own calls. */
  act(work: () => void): void
  closed(): void
}

/** Takes the place of a `PageSubscription`: given entries directly, it dispatches them at once. */
export class MockSubscription
  implements Pick<PageSubscription, 'id' | 'wish' | 'isKnown' | 'setNames' | 'conclude' | 'close'>
{
  readonly id: number
  readonly wish: Wish
  readonly isKnown = true
  /** It has not been told yet how the stream stands. */
  isNew = true
  readonly #receive: Receive
  readonly #notices: Notices
  #names: ReadonlySet<string> = new Set()
  readonly #queue: (Entry | typeof THROUGH)[] = []
  #isRunning = false
  #isClosed = false
  /** A loop or an asynchronous decoder is not ready for the next entry. */
  #isPaused = false

  constructor(id: number, wish: Wish, receive: Receive, notices: Notices) {
    this.id = id
    this.wish = wish
    this.#receive = receive
    this.#notices = notices
  }

  get names(): readonly string[] {
    return [...this.#names]
  }

  wants(name: string): boolean {
    return this.#names.has(name) || this.#names.has('*')
  }

  setNames(names: Iterable<string>): void {
    this.#names = new Set(names)
  }

  /** How much has been added and not dispatched. */
  get size(): number {
    return this.#queue.length
  }

  /** Holds a batch until `run()` is called. */
  add(entries: readonly Entry[]): void {
    this.#queue.push(...entries, THROUGH)
  }

  /** Dispatches what has been added, up to where a loop or a decoder takes its time. Nothing is awaited otherwise. */
  run(): void {
    // A listener may send.
    if (this.#isRunning || this.#isPaused) return
    this.#isRunning = true
    try {
      while (!this.#isPaused && !this.#isClosed) {
        const next = this.#queue.shift()
        if (next === undefined) break
        if (next === THROUGH) this.wish.through?.()
        else this.#dispatch(next)
      }
    } finally {
      this.#isRunning = false
    }
  }

  #dispatch(entry: Entry): void {
    if (entry.type === 'event' && !this.wants(entry.name)) return
    const pause = this.#receive(entry, 'mock')
    // The real one runs microtasks before the next entry where it is told to. Here everything is over when a call returns.
    if (typeof pause !== 'object') return
    this.#isPaused = true
    pause.then(() => {
      this.#isPaused = false
      if (this.#queue.length > 0) this.#notices.act(() => this.run())
    })
  }

  /** What has been added is still dispatched. */
  conclude(): void {}

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#notices.closed()
  }
}
