/** Counts the events of one page; keeps none of them. */
export class Meter {
  count = 0
  characters = 0
  /** 0 before the first event. */
  lastId = 0
  /** Events that were left out between one and the next. */
  missing = 0
  /** Events that came after a later one, or twice. */
  disorders = 0
  /** How often the library has told that events may be missing. */
  gaps = 0
  /** @type {number[] | undefined} times of sending, in ms since 1970, while they are wanted */
  sent
  /** @type {number[]} times at which these have come */
  come = []
  #goal = Number.POSITIVE_INFINITY
  #reached = (_time) => {}

  take(data, id) {
    const number = Number(id)
    this.count++
    // Reading the text is what each listener does at least, and it costs where text is kept in another form.
    this.characters += data.length
    if (number !== this.lastId + 1 && this.lastId !== 0) this.#notice(number)
    this.lastId = number
    if (this.sent !== undefined) this.#keepTimes(data)
    if (number >= this.#goal) this.#arrive()
  }

  /** Resolves with the time in ms since 1970 at which the event with this ID, or a later one, has come. */
  reach(id) {
    return new Promise((resolve) => {
      this.#goal = id
      this.#reached = resolve
      if (this.lastId >= id) this.#arrive()
    })
  }

  /** From now on the times of each event are kept. */
  keepTimes() {
    this.sent = []
    this.come = []
  }

  /** Ends {@link keepTimes}. */
  takeTimes() {
    const { sent, come } = this
    this.sent = undefined
    this.come = []
    return { sent, come }
  }

  /** Tells what has come, and begins to count what is missing anew. */
  takeReport() {
    const { count, characters, lastId, missing, disorders, gaps } = this
    this.missing = this.disorders = this.gaps = 0
    return { count, characters, lastId, missing, disorders, gaps }
  }

  #keepTimes(data) {
    this.come.push(now())
    this.sent.push(JSON.parse(data).sent)
  }

  #notice(number) {
    if (number <= this.lastId) this.disorders++
    else this.missing += number - this.lastId - 1
  }

  #arrive() {
    this.#goal = Number.POSITIVE_INFINITY
    this.#reached(now())
  }
}

export const now = () => performance.timeOrigin + performance.now()
