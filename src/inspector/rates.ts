/** How many seconds are remembered. */
export const SECONDS = 60

/** A rate is the mean of so many seconds, of which each is over. */
const MEAN = 5

/** What has come in each of the last 60 seconds. Times are in ms since 1970. */
export class Rate {
  readonly #amounts = new Array<number>(SECONDS).fill(0)
  #second = 0

  /** Spreads what has come within a time evenly over its seconds. */
  add(amount: number, from: number, to: number): void {
    this.#forget(to)
    const last = this.#second
    const count = Math.min(Math.max(Math.round((to - from) / 1_000), 1), SECONDS)
    for (let second = last; second > last - count; second--)
      this.#set(second, this.#at(second) + amount / count)
  }

  /** Oldest first. The second that is not over yet is left out. */
  history(now: number): number[] {
    this.#forget(now)
    return Array.from({ length: SECONDS - 1 }, (_, index) => this.#at(this.#second + 1 + index))
  }

  /** A second, of late. */
  current(now: number): number {
    return (
      this.history(now)
        .slice(-MEAN)
        .reduce((sum, amount) => sum + amount, 0) / MEAN
    )
  }

  #forget(now: number): void {
    const second = Math.floor(now / 1_000)
    const from = Math.max(this.#second + 1, second - SECONDS + 1)
    for (let passed = from; passed <= second; passed++) this.#set(passed, 0)
    this.#second = Math.max(this.#second, second)
  }

  #at(second: number): number {
    return this.#amounts.at(second % SECONDS) ?? 0
  }

  #set(second: number, amount: number): void {
    this.#amounts[(second + SECONDS) % SECONDS] = amount
  }
}

/** Events, and bytes or characters. */
export class Traffic {
  readonly events = new Rate()
  readonly size = new Rate()
}
