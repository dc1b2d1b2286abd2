import type { StreamEvent } from './shared-stream.ts'

/** Someone who has asked for the next event. */
interface Waiting {
  resolve(result: IteratorResult<StreamEvent<never, never>>): void
  reject(error: unknown): void
}

const OVER = { done: true, value: undefined } as const

/** One loop over events. It takes an event when it is asked for one, and holds one at most. */
export class Iteration implements AsyncIterableIterator<StreamEvent<never, never>> {
  readonly #ended: () => void
  readonly #waiting: Waiting[] = []
  /** Lets the next event come. */
  #release: (() => void) | undefined
  #held: StreamEvent<unknown> | undefined
  #failure: Error | undefined
  #isOver = false

  /** @param ended called once, when no event is taken any more */
  constructor(ended: () => void) {
    this.#ended = ended
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Hands an event over; resolves when another may come. */
  offer(event: StreamEvent<unknown>): Promise<void> | undefined {
    const first = this.#waiting.shift()
    if (first === undefined) this.#held = event
    else first.resolve({ done: false, value: event as never })
    if (this.#waiting.length > 0) return undefined
    return new Promise((resolve) => {
      this.#release = resolve
    })
  }

  /** Nothing more will come, because of an error if one is given. What is held is still handed over. */
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

  /** Ends the loop at once. */
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
