import type { Log } from '../log/log.ts'
import type { Subscriber } from './subscriber.ts'

/** Decides when a stream stops reading from its server, and when it reads on. */
export class Pace {
  readonly #log: Log
  readonly #subscribers: ReadonlySet<Subscriber>
  /** Resolvers of the promises that `wait()` has returned. */
  readonly #waiting = new Set<() => void>()

  constructor(log: Log, subscribers: ReadonlySet<Subscriber>) {
    this.#log = log
    this.#subscribers = subscribers
  }

  /**
   * True when reading on would soon evict entries that are still needed: entries that no listening subscriber
   * has been sent, or entries that a working one still needs while no subscriber has run out of work. A tab
   * that is slower than others, or has stopped, delays nobody.
   */
  get isFarAhead(): boolean {
    const log = this.#log
    if (!log.isHalfFull) return false
    const latest = log.lastSeq - log.length / 2
    const listening = [...this.#subscribers].filter(({ names }) => names.size > 0)
    const late = listening.filter(({ next }) => next <= latest)
    if (late.length === listening.length) return late.length > 0
    return late.some(({ isAtWork }) => isAtWork) && !listening.some(({ isThrough }) => isThrough)
  }

  /** Resolves when a subscriber's move, coming or going has made room in the log, or when the stream ends. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  /** @param isEnding true if nothing more will be read */
  review(isEnding: boolean): void {
    if (this.#waiting.size === 0 || (!isEnding && this.isFarAhead)) return
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
