import { LONGEST_TIMER } from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import type { Subscriber } from './subscriber.ts'

/** By how much a visible stream outranks one that is not, whatever their priorities. */
const VISIBLE = 10

/** How much the pages that share a stream care for it now. */
export class Attention {
  readonly #platform: HubPlatform
  readonly #subscribers: ReadonlySet<Subscriber>
  readonly #changed: () => void
  #hiddenSince: number
  #wasVisible = false
  #timer: unknown

  /** @param changed called when it may be without a connection from now on */
  constructor(platform: HubPlatform, subscribers: ReadonlySet<Subscriber>, changed: () => void) {
    this.#platform = platform
    this.#subscribers = subscribers
    this.#changed = changed
    this.#hiddenSince = platform.now()
  }

  get isVisible(): boolean {
    return [...this.#subscribers].some(({ isVisible }) => isVisible)
  }

  /** When it was visible last, in ms since 1970; `Infinity` for now. */
  get shownAt(): number {
    return this.#wasVisible ? Number.POSITIVE_INFINITY : this.#hiddenSince
  }

  /** The higher, the sooner it is to have a connection. */
  get rank(): number {
    const priorities = Array.from(this.#subscribers, ({ policy: { priority } }) =>
      priority === undefined ? 0 : priority === 'high' ? 1 : -1,
    )
    return (this.isVisible ? VISIBLE : 0) + (priorities.length === 0 ? 0 : Math.max(...priorities))
  }

  /** All who share it are hidden, and can do without a connection. */
  get isResting(): boolean {
    return !this.isVisible && this.#platform.now() - this.#hiddenSince >= this.#patience
  }

  /** A subscriber has come or gone, or its page has been shown or hidden. */
  review(): void {
    const { isVisible } = this
    if (this.#wasVisible && !isVisible) this.#hiddenSince = this.#platform.now()
    this.#wasVisible = isVisible
    this.end()
    const left = this.#hiddenSince + this.#patience - this.#platform.now()
    if (!isVisible && left > 0 && left <= LONGEST_TIMER)
      this.#timer = this.#platform.setTimeout(() => {
        // Timers may be a millisecond early by the clock that `now` tells.
        this.review()
        this.#changed()
      }, left)
  }

  /** Nothing more will change. */
  end(): void {
    this.#platform.clearTimeout(this.#timer)
  }

  /** How long, in ms, hidden pages need a connection: as long as the one that needs it longest. */
  get #patience(): number {
    const waits = Array.from(this.#subscribers, ({ policy: { hidden } }) =>
      typeof hidden === 'number' ? hidden : Number.POSITIVE_INFINITY,
    )
    return waits.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...waits)
  }
}
