import type { Position } from '../../src/link/protocol.ts'

/** Gathers the positions of a dead hub's tabs. Its successor's first connection resumes from the oldest. */
export class Takeover {
  #start: Position | undefined
  /** How many subscriptions the dead hub had, and how many have come so far. */
  #expected = 0
  #gathered = 0
  #isSettled = false
  #hasDenied = false

  /** The oldest position that came in time; `undefined` if there is none to resume from. */
  get start(): Position | undefined {
    return this.#start
  }

  /** True once the first connection has begun. A later position cannot be resumed from. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  settle(): void {
    this.#isSettled = true
  }

  /**
   * A tab of a dead hub had this position.
   *
   * @returns how many of that hub's subscriptions are still missing
   */
  gather(position: Position): number {
    if (!this.#isSettled && (this.#start === undefined || isOlder(position, this.#start)))
      this.#start = position
    this.#expected = Math.max(this.#expected, position.subscribers)
    return this.#expected - ++this.#gathered
  }

  /** Notes whether the server denied having resumed from `start`, in the response with the first event. */
  setDenied(hasDenied: boolean): void {
    this.#hasDenied = hasDenied
  }

  /** True if the server was asked to resume from exactly this position, and has not denied it. */
  hasResumedFrom({ resumeAfter }: Position): boolean {
    return this.#start?.resumeAfter === resumeAfter && !this.#hasDenied
  }
}

/** Positions in different logs cannot be compared. Of two at the same event, one that can be proven wins. */
const isOlder = (one: Position, other: Position): boolean => {
  if (one.log !== other.log) return false
  return one.ordinal === other.ordinal ? other.unproven && !one.unproven : one.ordinal < other.ordinal
}
