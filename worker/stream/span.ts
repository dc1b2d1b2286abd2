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
  /** In ms. None unless it is on. */
  #duration: number | undefined

  /** @param over called when it is over, unless it was ended */
  constructor(platform: HubPlatform, over: () => void = () => {}) {
    this.#platform = platform
    this.#over = over
  }

  get isOn(): boolean {
    return this.#duration !== undefined
  }

  /** From now on, for so many ms. */
  begin(duration: number): void {
    this.end()
    this.#duration = duration
    this.#timer = this.#platform.setTimeout(() => {
      this.#timer = this.#platform.setTimeout(() => {
        this.end()
        this.#over()
      }, 0)
    }, duration)
  }

  /** It stays on, however long, until it goes on. */
  pause(): void {
    this.#platform.clearTimeout(this.#timer)
  }

  /** If it is on, it begins anew. */
  resume(): void {
    if (this.#duration !== undefined) this.begin(this.#duration)
  }

  end(): void {
    this.#platform.clearTimeout(this.#timer)
    this.#duration = undefined
  }
}
