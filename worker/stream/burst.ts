import type { HubPlatform } from '../platform.ts'

/** Pieces of a replay come closer together than this, in ms. */
const PAUSE = 50

/**
 * Tells whether events come in a burst.
 *
 * A busy thread is no pause of the server's. Therefore no clock is read: what has come in the meantime is handled before a
 * second timer fires.
 */
export class Burst {
  readonly #platform: HubPlatform
  #timer: unknown

  constructor(platform: HubPlatform) {
    this.#platform = platform
  }

  /** Notes that an event has come. Tells whether it belongs to the same burst as the last one. */
  goOn(): boolean {
    const goesOn = this.#timer !== undefined
    this.end()
    this.#timer = this.#platform.setTimeout(() => {
      this.#timer = this.#platform.setTimeout(() => this.end(), 0)
    }, PAUSE)
    return goesOn
  }

  end(): void {
    this.#platform.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
