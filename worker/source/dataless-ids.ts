/** Characters of an unfinished line that are kept: more than that is no ID. */
const ID_LIMIT = 65_536

/** [spec] An `id` line counts even where there is no data and so no event; the parser says nothing of such blocks.
 *  https://html.spec.whatwg.org/multipage/server-sent-events.html#dispatchMessage */
export class DatalessIds {
  /** The beginning of a line that has not ended yet. */
  #line = ''
  #hasData = false
  /** Of the present block. */
  #id: string | undefined

  /** Blocks of this text, after all that came before, that have an ID and no data, and where each ends. */
  find(text: string): { end: number; id: string }[] {
    const found: { end: number; id: string }[] = []
    const lines = text.split('\n')
    const unfinished = lines.pop() ?? ''
    let end = 0
    for (const rest of lines) {
      const line = this.#line + rest
      this.#line = ''
      end += rest.length + 1
      if (line !== '') {
        this.#take(line)
      } else {
        if (!this.#hasData && this.#id !== undefined) found.push({ end, id: this.#id })
        this.#hasData = false
        this.#id = undefined
      }
    }
    if (this.#line.length < ID_LIMIT) this.#line += unfinished.slice(0, ID_LIMIT)
    return found
  }

  #take(line: string): void {
    if (this.#hasData) return
    if (line.startsWith('data')) {
      this.#hasData = line.length === 4 || line[4] === ':'
    } else if (line === 'id' || line.startsWith('id:')) {
      const id = line.slice('id:'.length).replace(/^ /, '')
      if (!id.includes('\0')) this.#id = id
    }
  }
}
