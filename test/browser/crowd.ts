/** Counts streams that are open at once. */
export class Crowd {
  #now = 0
  readonly #past: { readonly since: number; readonly count: number }[] = []

  get now(): number {
    return this.#now
  }

  /** The most that were open at once. */
  get peak(): number {
    return Math.max(0, ...this.#past.map(({ count }) => count))
  }

  enter(): void {
    this.#become(this.#now + 1)
  }

  leave(): void {
    this.#become(this.#now - 1)
  }

  /** The longest time, in ms, that more than so many were open without a break. */
  longestAbove(limit: number): number {
    let [longest, begun] = [0, Number.NaN]
    for (const { since, count } of [...this.#past, { since: performance.now(), count: 0 }]) {
      if (count > limit) begun = Number.isNaN(begun) ? since : begun
      else if (!Number.isNaN(begun)) [longest, begun] = [Math.max(longest, since - begun), Number.NaN]
    }
    return longest
  }

  /** How often more than so many came to be open. */
  timesAbove(limit: number): number {
    return this.#past.filter(
      ({ count }, index) => count > limit && (this.#past[index - 1]?.count ?? 0) <= limit,
    ).length
  }

  #become(count: number): void {
    this.#now = count
    this.#past.push({ since: performance.now(), count })
  }
}
