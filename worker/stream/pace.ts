import type { Log } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'
import type { Subscriber } from './subscriber.ts'

/** While a stream is not read from, it is asked so often, in ms, whether those that are waited for stand still. */
const LOOK_INTERVAL = 250

/** Decides when a stream stops reading from its server, and when it reads on. */
export class Pace {
  readonly #platform: HubPlatform
  readonly #log: Log
  readonly #subscribers: ReadonlySet<Subscriber>
  /** Resolvers of the promises that `wait()` has returned. */
  readonly #waiting = new Set<() => void>()
  #timer: unknown

  constructor(platform: HubPlatform, log: Log, subscribers: ReadonlySet<Subscriber>) {
    this.#platform = platform
    this.#log = log
    this.#subscribers = subscribers
  }

  /**
   * True when reading on would soon evict entries that are still needed: by a tab that goes on working, or by all of them. A
   * tab that stands still delays no other, and one that looks for its place waits for what is read.
   */
  get isFarAhead(): boolean {
    const log = this.#log
    if (!log.isHalfFull) return false
    const latest = log.lastSeq - log.length / 2
    const listening = [...this.#subscribers].filter(({ names }) => names.size > 0)
    const late = listening.filter(({ next, isSeeking }) => next <= latest && !isSeeking)
    if (late.length === listening.length) return late.length > 0
    return late.some(({ policy, isAtWork }) => isAtWork && policy.lag === 'wait')
  }

  /** Nothing is read for now. */
  get isStopped(): boolean {
    return this.#timer !== undefined
  }

  /** Resolves when a subscriber has moved, come or gone, and there is room in the log; or when the stream ends. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  /** The same, and when those that are waited for stand still. */
  room(): Promise<void> {
    this.#look()
    return this.wait()
  }

  /** @param isEnding true if nothing more will be read */
  review(isEnding: boolean): void {
    if (this.#waiting.size === 0 || (!isEnding && this.isFarAhead)) return
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
    this.#platform.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Nothing tells when a tab stands still. */
  #look(): void {
    this.#timer ??= this.#platform.setTimeout(() => {
      this.#timer = undefined
      this.review(false)
      if (this.#waiting.size > 0) this.#look()
    }, LOOK_INTERVAL)
  }
}
