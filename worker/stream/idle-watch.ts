import type { HubPlatform } from '../platform.ts'

/** Detects that the server has sent nothing for too long. */
export class IdleWatch {
  readonly #platform: HubPlatform
  readonly #expired: (timeout: number) => void
  #timer: unknown
  #timeout = Number.POSITIVE_INFINITY
  #isRunning = false

  /** @param expired called with the time-out in ms */
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

  /** @param timeouts of all subscribers, in ms; 0 for no limit. The shortest one counts */
  review(timeouts: readonly number[]): void {
    const least = Math.min(...timeouts.filter((time) => time > 0))
    // Subscribers that come and go restart the timer only if they change the time-out.
    if (least === this.#timeout) return
    this.#timeout = least
    this.alive()
  }
}
