/** After so many answers without anything new a server may be one that brings a single event at a time. */
const FRUITLESS = 3

/**
 * Some servers answer each request with one event, and end the answer. Where such a server is asked to repeat an event as a
 * proof, it brings nothing else, for ever. Then it is asked for what follows the last event.
 */
export class Dispensing {
  /** So many answers in a row have ended in good order that brought what was asked to be repeated, and nothing else. */
  #fruitless = 0
  /** The server has gone on only when it was asked for what follows the last event. */
  #isProven = false

  /** The next connection is to ask for what follows the last event, which cannot prove that the server resumes. */
  get asksForNext(): boolean {
    return this.#fruitless >= (this.#isProven ? 1 : FRUITLESS)
  }

  /**
   * A connection has ended.
   *
   * @param isEnd the server has ended its answer in good order
   * @param hasBroughtNew something of it is in the log now
   * @param hasResumed it began with something that was asked for
   * @param hasAskedForNext it was asked for what follows the last event
   */
  ended(isEnd: boolean, hasBroughtNew: boolean, hasResumed: boolean, hasAskedForNext: boolean): void {
    if (isEnd && hasBroughtNew && hasAskedForNext) this.#isProven = true
    if (!isEnd || hasBroughtNew) this.#fruitless = 0
    else if (hasResumed) this.#fruitless++
  }
}
