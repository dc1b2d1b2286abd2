/** A task ends after this many ms, so that the page can handle input and paint. */
const BUDGET = 8

/** Reading the clock can cost as much as a listener, so it is read once in this many steps. */
const STEPS_PER_LOOK = 8

/** While more than this many ms pass between readings, it is read after each step. */
const SLOW = 1

/** Tells when a task has lasted long enough. */
export class Budget {
  readonly #now: () => number
  readonly #end: number
  #looked: number
  /** Steps since the last reading. It starts high, so that the clock is read after the first step. */
  #unlooked = STEPS_PER_LOOK - 1

  /** @param now a clock in ms */
  constructor(now: () => number) {
    this.#now = now
    this.#looked = now()
    this.#end = this.#looked + BUDGET
  }

  /** Call it after each step. */
  isSpent(): boolean {
    if (++this.#unlooked < STEPS_PER_LOOK) return false
    const now = this.#now()
    this.#unlooked = now - this.#looked > SLOW ? STEPS_PER_LOOK : 0
    this.#looked = now
    return now >= this.#end
  }
}
