import type { StreamEvent } from './shared-stream.ts'

/** A pending call of `next()`. */
interface Waiting {
  resolve(result: IteratorResult<StreamEvent<never, never>>): void
  reject(error: unknown): void
}

const OVER = { done: true, value: undefined } as const

/** One loop over events. It holds at most one event, and accepts another only when `next()` waits for it. */
export class Iteration implements AsyncIterableIterator<StreamEvent<never, never>> {
  readonly #ended: () => void
  readonly #waiting: Waiting[] = []
  /** Resolves the promise that `offer()` returned. */
  #release: (() => void) | undefined
  #held: StreamEvent<unknown> | undefined
  #failure: Error | undefined
  #isOver = false

  /** @param ended called once, when the loop accepts no more events */
  constructor(ended: () => void) {
    this.#ended = ended
  }

  /** So that Vue does not wrap it in a proxy, on which private fields throw. */
  get [Symbol.toStringTag](): string {
    return 'AsyncIterator'
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Accepts an event. Resolves when the next one may be offered; `undefined` if that is at once. */
  offer(event: StreamEvent<unknown>): Promise<void> | undefined {
    const first = this.#waiting.shift()
    if (first === undefined) this.#held = event
    else first.resolve({ done: false, value: event as never })
    if (this.#waiting.length > 0) return undefined
    return new Promise((resolve) => {
      this.#release = resolve
    })
  }

  /** Ends the loop, with `error` if the stream has failed. An event that is held is still delivered. */
  finish(error?: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ended()
    this.#release?.()
    const first = error === undefined ? undefined : this.#waiting.shift()
    if (first === undefined) this.#failure = error
    else first.reject(error)
    for (const { resolve } of this.#waiting.splice(0)) resolve(OVER)
  }

  /** Ends the loop at once, and drops the event that is held. */
  stop(): void {
    this.#held = undefined
    this.finish()
  }

  next(): Promise<IteratorResult<StreamEvent<never, never>>> {
    if (this.#held !== undefined) {
      const value = this.#held as never
      this.#held = undefined
      return Promise.resolve({ done: false, value })
    }
    if (this.#failure !== undefined) {
      const error = this.#failure
      this.#failure = undefined
      return Promise.reject(error)
    }
    if (this.#isOver) return Promise.resolve(OVER)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#release?.()
      this.#release = undefined
    })
  }

  return(): Promise<IteratorResult<StreamEvent<never, never>>> {
    this.stop()
    return Promise.resolve(OVER)
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
