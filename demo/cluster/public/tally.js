/** What has come of the numbers 1, 2, 3 …, from any of them on. */
export class Tally {
  received = 0
  last = 0
  doubled = 0
  outOfOrder = 0
  gaps = 0
  /** Numbers that are missing where a gap was told. */
  skipped = 0
  /** In ms. */
  longestPause = 0
  /** @type {Set<number>} */
  #missing = new Set()
  #isGap = false
  #lastTime = 0

  /** Numbers that are missing, and nobody has said so. */
  get lost() {
    return this.#missing.size
  }

  /** @param {number} number @param {number} time in ms */
  take(number, time) {
    if (this.received++ > 0) this.#compare(number, time)
    if (number > this.last) this.last = number
    this.#lastTime = time
    this.#isGap = false
  }

  tellGap() {
    this.gaps++
    this.#isGap = true
  }

  /** @param {number} number @param {number} time */
  #compare(number, time) {
    this.longestPause = Math.max(this.longestPause, time - this.#lastTime)
    if (number > this.last) {
      if (this.#isGap) this.skipped += number - this.last - 1
      else for (let missing = this.last + 1; missing < number; missing++) this.#missing.add(missing)
    } else if (this.#missing.delete(number)) this.outOfOrder++
    else this.doubled++
  }
}
