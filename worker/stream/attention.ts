import { LONGEST_TIMER, type Policy } from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import type { Care } from './claimant.ts'
import type { Subscriber } from './subscriber.ts'

/** By how much a visible stream outranks one that is not, whatever their priorities. */
const VISIBLE = 10

/** From low to high. */
const PRIORITIES: readonly Policy['priority'][] = ['low', 'auto', 'high']

/** How much the pages that share a stream care for it now: how many of them are visible, and what they say. */
export class Attention implements Care {
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

  get shownAt(): number {
    return this.#wasVisible ? Number.POSITIVE_INFINITY : this.#hiddenSince
  }

  get rank(): number {
    const ranks = [...this.#subscribers].map(({ policy }) => PRIORITIES.indexOf(policy.priority))
    return (this.isVisible ? VISIBLE : 0) + Math.max(...ranks)
  }

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
    if (this.#subscribers.size === 0) return Number.POSITIVE_INFINITY
    return Math.max(...[...this.#subscribers].map(({ policy }) => patienceOf(policy.hidden)))
  }
}

function patienceOf(hidden: Policy['hidden']): number {
  if (typeof hidden === 'object') return hidden.parkAfter
  return hidden === 'park' ? 0 : Number.POSITIVE_INFINITY
}
