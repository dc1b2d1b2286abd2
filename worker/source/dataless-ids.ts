/** Characters of an unfinished line that are kept: more than that is no ID. */
const ID_LIMIT = 65_536

/** [spec] An `id` line counts even where there is no data and so no event; the parser says nothing of such blocks.
 *  https://html.spec.whatwg.org/multipage/server-sent-events.html#dispatchMessage */
export class DatalessIds {
  /** The beginning of a line that has not ended yet. */
  #line = ''
  /** Some of a block has come and its end has not. */
  #isInside = false
  #blockId: string | undefined
  #hasData = false
  #id = ''

  /** Blocks of this text, after all that came before, that have an ID and no data, and where each ends. */
  find(text: string): { end: number; id: string }[] {
    const found: { end: number; id: string }[] = []
    let at = 0
    while (at < text.length) {
      if (!this.#isInside) at = this.#pass(text, at)
      const end = text.indexOf('\n', at)
      if (end < 0) break
      if (this.#line !== '') this.#take(this.#line + text.slice(at, end))
      else if (end > at) this.#take(text, at, end)
      else if (this.#endBlock()) found.push({ end: end + 1, id: this.#id })
      this.#isInside = this.#line !== '' || end > at
      this.#line = ''
      at = end + 1
    }
    this.#isInside ||= at < text.length
    if (this.#line.length < ID_LIMIT) this.#line += text.slice(at, at + ID_LIMIT)
    return found
  }

  /** Nearly all blocks have data, and there is nothing else to know of them. Gives the beginning of the first other one. */
  #pass(text: string, from: number): number {
    let at = from
    for (let end = text.indexOf('\n\n', at); end >= 0; end = text.indexOf('\n\n', at)) {
      const data = text.startsWith('data:', at) ? at : text.indexOf('\ndata:', at)
      if (data < 0 || data >= end) return at
      at = end + 2
    }
    return at
  }

  #take(text: string, from = 0, to = text.length): void {
    if (isField('data', text, from, to)) {
      this.#hasData = true
    } else if (isField('id', text, from, to)) {
      const value = text.slice(from + 'id:'.length, to).replace(/^ /, '')
      if (!value.includes('\0')) this.#blockId = value
    }
  }

  /** Whether there is something to tell, in `#id`. */
  #endBlock(): boolean {
    const id = this.#hasData ? undefined : this.#blockId
    this.#hasData = false
    this.#blockId = undefined
    if (id !== undefined) this.#id = id
    return id !== undefined
  }
}

const isField = (name: string, text: string, from: number, to: number): boolean =>
  text.startsWith(name, from) && (to === from + name.length || text[from + name.length] === ':')
