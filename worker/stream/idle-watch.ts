import type { HubPlatform } from '../platform.ts'
import { Rhythm } from './rhythm.ts'

/** How long, in ms, a server may take to answer before whoever looks into the console is told why that may be. */
const LATE = 10_000

/** Why an answer may be long in coming, and what to do. For people. */
export const WHY_SILENT =
  'If a proxy buffers the answer, send it with the header "X-Accel-Buffering: no" (or "proxy_buffering off" in nginx). ' +
  'If the server holds the head back until the first event, send a comment at once.'

/** Notices that the server takes long to answer, has sent nothing for too long, or for longer than usual. */
export class IdleWatch {
  readonly #platform: HubPlatform
  readonly #expired: (reason: string) => void
  readonly #rhythm: Rhythm
  #timer: unknown
  /** Runs until the server has answered. */
  #lateTimer: unknown
  #timeout = Number.POSITIVE_INFINITY
  #isRunning = false
  /** The body of the answer has begun. */
  #hasHeard = false

  /** @param expired called when nothing has come within the time-out, with the reason for people */
  constructor(platform: HubPlatform, expired: (reason: string) => void) {
    this.#platform = platform
    this.#expired = expired
    this.#rhythm = new Rhythm(() => platform.now())
  }

  /**
   * A request is made. Watches from now on.
   *
   * @param late called when there has been no answer for so many seconds
   */
  begin(late: (seconds: number) => void): void {
    this.#hasHeard = false
    this.#rhythm.begin()
    this.#lateTimer = this.#platform.setTimeout(() => late(LATE / 1_000), LATE)
    this.resume()
  }

  /** The server has answered. */
  opened(): void {
    this.#platform.clearTimeout(this.#lateTimer)
    this.#rhythm.begin()
    this.#restart()
  }

  /** The server has sent something. */
  alive(): void {
    this.#hasHeard = true
    this.#rhythm.heard()
    this.#restart()
  }

  /** True, once, if the connection has been silent for longer than the server usually is. */
  doubts(): boolean {
    if (!this.#isRunning || !this.#rhythm.isOverdue) return false
    this.#rhythm.doubt()
    return true
  }

  pause(): void {
    this.#isRunning = false
    this.#platform.clearTimeout(this.#timer)
  }

  resume(): void {
    this.#isRunning = true
    this.#rhythm.rest()
    this.#restart()
  }

  /** The connection has ended. */
  stop(): void {
    this.pause()
    this.#platform.clearTimeout(this.#lateTimer)
  }

  /** @param timeouts of all subscribers, in ms; 0 for no limit. The shortest one counts */
  review(timeouts: readonly number[]): void {
    const least = Math.min(...timeouts.filter((time) => time > 0))
    // Subscribers that come and go restart the timer only if they change the time-out.
    if (least === this.#timeout) return
    this.#timeout = least
    this.#restart()
  }

  #restart(): void {
    this.#platform.clearTimeout(this.#timer)
    if (!this.#isRunning || this.#timeout === Number.POSITIVE_INFINITY) return
    this.#timer = this.#platform.setTimeout(() => {
      const reason = `the server has sent nothing for ${this.#timeout} ms`
      this.#expired(this.#hasHeard ? reason : `${reason}. ${WHY_SILENT}`)
    }, this.#timeout)
  }
}
