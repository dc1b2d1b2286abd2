import type { HubPlatform } from '../platform.ts'

/** Tells when the server has sent nothing for too long. */
export class IdleWatch {
  readonly #platform: HubPlatform
  readonly #expired: (timeout: number) => void
  #timer: unknown
  #timeout = Number.POSITIVE_INFINITY
  #isRunning = false

  /** @param expired given the time-out in ms */
  constructor(platform: HubPlatform, expired: (timeout: number) => void) {
    this.#platform = platform
    this.#expired = expired
  }

  /** Watches from now on. */
  start(): void {
    this.#isRunning = true
    this.alive()
  }

  stop(): void {
    this.#isRunning = false
    this.#platform.clearTimeout(this.#timer)
  }

  /** The server has sent something. */
  alive(): void {
    this.#platform.clearTimeout(this.#timer)
    if (!this.#isRunning || this.#timeout === Number.POSITIVE_INFINITY) return
    this.#timer = this.#platform.setTimeout(() => this.#expired(this.#timeout), this.#timeout)
  }

  /** @param timeouts in ms, of all subscribers; 0 for any time. The least one counts */
  review(timeouts: readonly number[]): void {
    const least = Math.min(...timeouts.filter((time) => time > 0))
    // Subscribers that come and go put the end off only where they change how long it takes.
    if (least === this.#timeout) return
    this.#timeout = least
    this.alive()
  }
}
