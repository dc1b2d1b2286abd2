/** A line costs as much, besides its characters, as so many pieces of which it is made. */
const PIECE = 16
const FREE_PIECES = 1_024

const RS = '\x1e'

/** Takes what comes, and gives the texts that are in it, each as soon as it has ended. */
export interface Texts {
  /** @returns the texts that have ended */
  take(text: string): readonly string[]
  /** How many characters the text has that has not ended yet. */
  readonly size: number
  /** What has not ended when the response has; the texts of which that makes one are complete. */
  rest(): string
}

/** Text that comes piece by piece, in time and memory of its length. */
class Unfinished {
  #text = ''
  #pieces = 0

  get length(): number {
    return this.#text.length
  }

  add(text: string): void {
    this.#text += text
    // A text that was joined keeps its pieces until it is looked into.
    if (++this.#pieces * PIECE <= this.#text.length + FREE_PIECES * PIECE) return
    this.#text.charCodeAt(0)
    this.#pieces = 0
  }

  /** What there is; it begins anew. */
  end(): string {
    const text = this.#text
    this.#text = ''
    this.#pieces = 0
    return text
  }
}

/** Each line is one: it ends with LF, or CR LF. */
export class SeparateLines implements Texts {
  readonly #unfinished = new Unfinished()

  get size(): number {
    return this.#unfinished.length
  }

  take(text: string): readonly string[] {
    const end = text.lastIndexOf('\n')
    if (end < 0) {
      this.#unfinished.add(text)
      return []
    }
    this.#unfinished.add(text.slice(0, end))
    const lines = this.#unfinished.end().split('\n')
    this.#unfinished.add(text.slice(end + 1))
    return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  }

  rest(): string {
    return this.#unfinished.end()
  }
}

/** [spec] A sequence of JSON texts, each after RS. It ends with LF. https://www.rfc-editor.org/rfc/rfc7464 */
export class Sequence implements Texts {
  readonly #unfinished = new Unfinished()
  #nesting = new Nesting()

  get size(): number {
    return this.#unfinished.length
  }

  take(text: string): readonly string[] {
    const [first = '', ...others] = text.split(RS)
    const texts = this.#add(first)
    for (const other of others) {
      texts.push(this.rest())
      texts.push(...this.#add(other))
    }
    return texts
  }

  rest(): string {
    this.#nesting = new Nesting()
    return this.#unfinished.end()
  }

  /** A text ends with a line that closes all that it has opened. Further lines of it come otherwise. */
  #add(text: string): string[] {
    const texts: string[] = []
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) {
      const line = text.slice(from, end + 1)
      from = end + 1
      this.#unfinished.add(line)
      this.#nesting.follow(line)
      if (this.#nesting.isClosed) texts.push(this.rest())
    }
    const line = text.slice(from)
    this.#unfinished.add(line)
    this.#nesting.follow(line)
    return texts
  }
}

const [QUOTE, BACKSLASH, BRACKET, BRACE] = [34, 92, 91, 123]

/** How deep within a JSON text one is. */
class Nesting {
  #depth = 0
  #isInString = false
  #isEscaped = false

  get isClosed(): boolean {
    return this.#depth <= 0 && !this.#isInString
  }

  follow(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (this.#isEscaped) this.#isEscaped = false
      else if (this.#isInString) {
        if (code === BACKSLASH) this.#isEscaped = true
        else if (code === QUOTE) this.#isInString = false
      } else if (code === QUOTE) this.#isInString = true
      else if (code === BRACKET || code === BRACE) this.#depth++
      // Two code units behind is what closes it.
      else if (code === BRACKET + 2 || code === BRACE + 2) this.#depth--
    }
  }
}
