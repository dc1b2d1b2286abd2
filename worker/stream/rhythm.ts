/** How long, in ms, a silence may be of a server of which nothing is known, and of any server. */
const UNKNOWN = 30_000
const LEAST = 10_000

/** A longer silence, in ms, does not count as the server's own: the machine may have slept meanwhile. */
const MOST = 300_000

/** So many ms from its beginning, a connection brings what each one begins with. It says nothing of what follows. */
const BEGINNING = 5_000

/** Learns how long a server is silent, and so whether a connection may have died without a word. */
export class Rhythm {
  readonly #now: () => number
  #openedAt = 0
  #heardAt = 0
  /** The longest silence of the server's so far, in ms. */
  #longest = 0
  /** How long, in ms, a silence may be before the connection is doubted. */
  #patience = UNKNOWN

  /** @param now milliseconds, on a clock that goes on while the machine sleeps */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The connection has lasted for longer than the server is ever silent. */
  get isOverdue(): boolean {
    return this.#now() - this.#heardAt > this.#patience
  }

  /** A request is made, or answered. */
  begin(): void {
    this.#openedAt = this.#now()
    this.rest()
  }

  /** Nothing was read until now, so the silence was not the server's. */
  rest(): void {
    this.#heardAt = this.#now()
  }

  /** The server has sent something. */
  heard(): void {
    const now = this.#now()
    if (now - this.#openedAt > BEGINNING) {
      this.#longest = Math.max(this.#longest, Math.min(now - this.#heardAt, MOST))
      this.#patience = Math.max(LEAST, this.#longest * 1.5)
    }
    this.#heardAt = now
  }

  /** Another connection is made instead. If that is silent too, it is left alone for longer. */
  doubt(): void {
    this.rest()
    this.#patience *= 2
  }
}
