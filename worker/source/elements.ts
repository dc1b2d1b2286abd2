const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [34, 92, 44, 91, 123]

/** The elements of an array in JSON that comes piece by piece, each as soon as it has ended. */
export class Elements {
  /** What has come of the present one. */
  #text = ''
  #depth = 0
  #isInString = false
  #isEscaped = false
  #isOver = false

  /** How many characters the element has that has not ended yet. */
  get size(): number {
    return this.#text.length
  }

  /** The array has ended. */
  get isComplete(): boolean {
    return this.#isOver
  }

  /** @returns the elements that have ended, as they are written; `undefined` where this is no array */
  take(text: string): string[] | undefined {
    const elements: string[] = []
    let from = 0
    const end = (at: number) => {
      const element = (this.#text + text.slice(from, at)).trim()
      this.#text = ''
      from = at + 1
      // [spec] A comma may be the last: the protocol's example has one.
      if (element !== '' || !this.#isOver) elements.push(element)
    }
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (this.#depth === 0) {
        if (code === BRACKET && !this.#isOver) {
          this.#depth = 1
          from = at + 1
        } else if (!/\s/.test(text[at] as string)) return undefined
      } else if (this.#isEscaped) this.#isEscaped = false
      else if (this.#isInString) {
        if (code === BACKSLASH) this.#isEscaped = true
        else if (code === QUOTE) this.#isInString = false
      } else if (code === QUOTE) this.#isInString = true
      else if (code === BRACKET || code === BRACE) this.#depth++
      // Two code units behind is what closes it.
      else if (code === BRACKET + 2 || code === BRACE + 2) {
        this.#isOver = --this.#depth === 0
        if (this.#isOver) end(at)
      } else if (code === COMMA && this.#depth === 1) end(at)
    }
    if (this.#depth > 0) this.#text += text.slice(from)
    return elements
  }
}
