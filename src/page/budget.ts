/** A task of ours ends after so many ms, for input and painting. */
const BUDGET = 8

/** To look at the clock costs as much as many a listener: it is looked at after so many steps, or each time if they are slow. */
const STEPS_PER_LOOK = 8
const SLOW = 1

/** Tells when a task has lasted long enough. */
export class Budget {
  readonly #now: () => number
  readonly #end: number
  #looked: number
  /** The first step is looked at. */
  #unlooked = STEPS_PER_LOOK - 1

  /** @param now in ms */
  constructor(now: () => number) {
    this.#now = now
    this.#looked = now()
    this.#end = this.#looked + BUDGET
  }

  /** To be asked after each step. */
  isSpent(): boolean {
    if (++this.#unlooked < STEPS_PER_LOOK) return false
    const now = this.#now()
    this.#unlooked = now - this.#looked > SLOW ? STEPS_PER_LOOK : 0
    this.#looked = now
    return now >= this.#end
  }
}
