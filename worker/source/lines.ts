const LF = 10
const COLON = 58

/** How a line begins that means something. As a time, a number with very many digits does not. */
const KNOWN = /^(?:data:|event:|id:|retry:[\d ]{0,1000}$)/
const TIME = /^\d{1,1000}$/

/** A line can be told by its beginning from so many characters on; from so many on nothing is left to tell. */
const TELLING = 'event:'.length
const TOLD = 1_024

/** So many characters at most come before the value of a line. */
const LONGEST_PREFIX = 'event: '.length

/**
 * Up to so many lines of an event only their characters count. In memory a further line costs as much as so many
 * characters, be it empty.
 */
const FREE_LINES = 1_024
const LINE = 16

/** Where the lines go. */
export interface LineReader {
  /** Whole lines, all of which the parser knows. */
  lines(text: string): void
  /** An ID that came without data, after those lines. */
  idAlone(id: string): void
  /** After how many ms to reconnect. */
  retry(time: number): void
}

/**
 * Goes before the parser, and does in one pass what that does not:
 *
 * - An ID counts even in a block without data, and so without an event. The parser says nothing of it.
 * - The parser makes an error object of each line that it does not know: a hundred times the cost of any other.
 * - An event is too large before it has filled the memory, also with many empty lines, or a long name or ID.
 *
 * [spec] https://html.spec.whatwg.org/multipage/server-sent-events.html#dispatchMessage
 */
export class Lines {
  readonly #limit: number
  readonly #reader: LineReader
  /** The beginning of a line that has not ended yet, and of how many pieces it is made. */
  #unfinished = ''
  #pieces = 0
  /** Of the present block: lines that mean something, those with data, their characters, and the ID. The last time, of whatever block, is told with each piece. */
  #lines = 0
  #dataLines = 0
  #size = 0
  #id: string | undefined
  #time: string | undefined

  /** @param limit how many characters an event may have */
  constructor(limit: number, reader: LineReader) {
    this.#limit = limit
    this.#reader = reader
  }

  /**
   * Takes what comes next, in which each line ends with LF.
   *
   * @returns false where the event that it belongs to is too large: nothing more may be given
   */
  take(text: string): boolean {
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) {
      const whole = this.#unfinished + text.slice(0, end)
      this.#unfinished = ''
      this.#pieces = 0
      if (!this.#read(whole)) return false
    }
    this.#hold(text.slice(end))
    return this.#size + this.#unfinished.length - LONGEST_PREFIX <= this.#limit
  }

  #hold(text: string): void {
    const isTold = this.#unfinished.length >= TOLD
    this.#unfinished += text
    // Whatever follows, it means nothing: as little as a comment.
    if (!isTold && this.#unfinished.length >= TELLING && !KNOWN.test(this.#unfinished)) this.#unfinished = ':'
    // Each piece costs as much as a line of data, until the text is looked into.
    if (++this.#pieces * LINE <= this.#unfinished.length + FREE_LINES * LINE) return
    this.#unfinished.charCodeAt(0)
    this.#pieces = 0
  }

  #read(text: string): boolean {
    let from = 0
    let at = 0
    // Where the present block begins, unless that was in an earlier piece; and an ID without an event that is not told yet.
    let block = this.#lines === 0 ? 0 : -1
    let alone: string | undefined
    const tell = () => {
      if (alone !== undefined) this.#reader.idAlone(alone)
      alone = undefined
    }
    const hand = (upTo: number) => {
      if (upTo <= from) return
      tell()
      this.#reader.lines(text.slice(from, upTo))
    }
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      let next = end + 1
      if (end > at && this.#note(text, at, end)) {
        if (this.#isTooLarge) {
          hand(at)
          tell()
          return false
        }
        this.#lines++
      } else if (end > at) {
        // A comment within a block costs the parser less than what is around it by itself.
        if (this.#lines === 0 || text.charCodeAt(at) !== COLON) {
          hand(at)
          from = next
        }
        if (this.#lines === 0) block = next
      } else {
        while (text.charCodeAt(next) === LF) next++
        if (this.#dataLines === 0) {
          // The parser sees none of it, unless it has seen some. Of any number of IDs without an event the last one counts.
          hand(from > block ? next : block)
          from = next
          alone = this.#id ?? alone
        }
        block = next
        this.#lines = 0
        this.#dataLines = 0
        this.#size = 0
        this.#id = undefined
      }
      at = next
    }
    hand(text.length)
    tell()
    if (this.#time !== undefined) this.#reader.retry(Number.parseInt(this.#time, 10))
    this.#time = undefined
    return true
  }

  get #isTooLarge(): boolean {
    return this.#size > this.#limit || (this.#dataLines > FREE_LINES && this.#dataLines * LINE > this.#limit)
  }

  /** Notes what a line means for its block. False where it means nothing. */
  #note(text: string, at: number, end: number): boolean {
    switch (text[at]) {
      case 'd': {
        const value = startOfValue('data', text, at, end)
        if (value < 0) return false
        // Lines are joined by LF.
        this.#size += end - value + (this.#dataLines++ === 0 ? 0 : 1)
        return true
      }
      case 'e': {
        const value = startOfValue('event', text, at, end)
        if (value < 0) return false
        this.#size += end - value
        return true
      }
      case 'i': {
        const value = startOfValue('id', text, at, end)
        if (value < 0) return false
        this.#size += end - value
        const id = text.slice(value, end)
        if (!id.includes('\0')) this.#id = id
        return true
      }
      case 'r': {
        const value = startOfValue('retry', text, at, end)
        const time = value < 0 ? '' : text.slice(value, end)
        if (!TIME.test(time)) return false
        this.#time = time
        return true
      }
      default:
        return false
    }
  }
}

/** Where the value of this field begins; -1 where the line is of another one. */
function startOfValue(field: string, text: string, at: number, end: number): number {
  const colon = at + field.length
  // One by one: a part of the text would be made for each line. Prototype.js has a startsWith() that knows no position.
  for (let index = 0; index < field.length; index++) {
    if (text.charCodeAt(at + index) !== field.charCodeAt(index)) return -1
  }
  if (colon === end) return end
  if (text[colon] !== ':') return -1
  return text[colon + 1] === ' ' ? colon + 2 : colon + 1
}
