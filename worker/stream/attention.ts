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
  readonly #subscribers: () => readonly Subscriber[]
  readonly #changed: () => void
  #hiddenSince: number
  #isVisible = false
  #priority = Number.NEGATIVE_INFINITY
  /** How long, in ms, hidden pages need a connection: as long as the one that needs it longest. */
  #patience = Number.POSITIVE_INFINITY
  #timer: unknown

  /** @param changed called when it may be without a connection from now on */
  constructor(platform: HubPlatform, subscribers: () => readonly Subscriber[], changed: () => void) {
    this.#platform = platform
    this.#subscribers = subscribers
    this.#changed = changed
    this.#hiddenSince = platform.now()
  }

  get isVisible(): boolean {
    return this.#isVisible
  }

  get shownAt(): number {
    return this.#isVisible ? Number.POSITIVE_INFINITY : this.#hiddenSince
  }

  get rank(): number {
    return (this.#isVisible ? VISIBLE : 0) + this.#priority
  }

  get isResting(): boolean {
    return !this.#isVisible && this.#platform.now() - this.#hiddenSince >= this.#patience
  }

  /** A subscriber has come or gone, or its page has been shown or hidden. */
  review(): void {
    const wasVisible = this.#isVisible
    this.#isVisible = false
    this.#priority = Number.NEGATIVE_INFINITY
    let patience = Number.NEGATIVE_INFINITY
    const subscribers = this.#subscribers()
    for (const { isVisible, policy } of subscribers) {
      this.#isVisible ||= isVisible
      this.#priority = Math.max(this.#priority, PRIORITIES.indexOf(policy.priority))
      patience = Math.max(patience, patienceOf(policy.hidden))
    }
    this.#patience = subscribers.length === 0 ? Number.POSITIVE_INFINITY : patience
    if (wasVisible && !this.#isVisible) this.#hiddenSince = this.#platform.now()
    this.end()
    const left = this.#hiddenSince + this.#patience - this.#platform.now()
    if (!this.#isVisible && left > 0 && left <= LONGEST_TIMER)
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
}

function patienceOf(hidden: Policy['hidden']): number {
  if (typeof hidden === 'object') return hidden.parkAfter
  return hidden === 'park' ? 0 : Number.POSITIVE_INFINITY
}
