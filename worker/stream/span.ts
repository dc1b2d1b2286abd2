import type { HubPlatform } from '../platform.ts'

/**
 * A span of time in which something may come.
 *
 * A busy or frozen thread is no pause of the server's. Therefore no clock is read: what has come in the meantime is handled
 * before a second timer fires, and so within the span.
 */
export class Span {
  readonly #platform: HubPlatform
  readonly #over: () => void
  #timer: unknown

  /** @param over called when it is over, unless it was ended */
  constructor(platform: HubPlatform, over: () => void = () => {}) {
    this.#platform = platform
    this.#over = over
  }

  get isOn(): boolean {
    return this.#timer !== undefined
  }

  /** From now on, for so many ms. */
  begin(duration: number): void {
    this.end()
    this.#timer = this.#platform.setTimeout(() => {
      this.#timer = this.#platform.setTimeout(() => {
        this.end()
        this.#over()
      }, 0)
    }, duration)
  }

  end(): void {
    this.#platform.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
