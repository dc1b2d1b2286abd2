import type { Position } from '../../src/link/protocol.ts'

/** The positions of a dead hub's tabs: the first connection of its successor resumes from the oldest. */
export class Takeover {
  #start: Position | undefined
  /** How many subscriptions the dead hub had, and how many have come. */
  #expected = 0
  #gathered = 0
  #isSettled = false
  #hasDenied = false

  /** The oldest position that came in time; nothing where the stream begins here. */
  get start(): Position | undefined {
    return this.#start
  }

  /** The first connection has been begun: a position that comes now is too late to be resumed from. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  settle(): void {
    this.#isSettled = true
  }

  /**
   * A tab of a dead hub stood here.
   *
   * @returns how many of that hub's subscriptions have not come yet
   */
  gather(position: Position): number {
    if (!this.#isSettled && (this.#start === undefined || isOlder(position, this.#start)))
      this.#start = position
    this.#expected = Math.max(this.#expected, position.subscribers)
    return this.#expected - ++this.#gathered
  }

  /** Whether the server has said that it did not resume from the start, in the answer that brought the log's first event. */
  setDenied(hasDenied: boolean): void {
    this.#hasDenied = hasDenied
  }

  /** Whether the server was asked, and has not declined, to resume just from this position. */
  hasResumedFrom({ resumeAfter }: Position): boolean {
    return this.#start?.resumeAfter === resumeAfter && !this.#hasDenied
  }
}

/** Positions in different logs cannot be compared; of two at the same event the one that can be proven is better. */
const isOlder = (one: Position, other: Position): boolean => {
  if (one.log !== other.log) return false
  return one.ordinal === other.ordinal ? other.unproven && !one.unproven : one.ordinal < other.ordinal
}
