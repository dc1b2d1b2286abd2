import type { Receiver } from './source.ts'

const FIELDS = ['data', 'event', 'id', 'retry'] as const

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

/** What lines mean, in their order. */
export type EventReader = Pick<Receiver, 'event' | 'idAlone' | 'retry'>

/**
 * [spec] Makes events of lines, as they come.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 *
 * An ID counts even in a block without data, and so without an event. Of an event that is too large no more is kept than may
 * be, also where it has many empty lines, or a long name or ID. What means nothing is not kept at all.
 */
export class EventParser {
  readonly #limit: number
  readonly #reader: EventReader
  /** The beginning of a line that has not ended yet, and of how many pieces it is made. */
  #unfinished = ''
  #pieces = 0
  /** Of the present block. */
  #name = ''
  #data = ''
  #id: string | undefined
  #dataLines = 0
  /** Characters of all that it has brought. */
  #size = 0

  /** @param limit how many characters an event may have */
  constructor(limit: number, reader: EventReader) {
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
    let at = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      if (end === at) this.#dispatch()
      else this.#take(text, at, end)
      if (this.#isTooLarge) return false
      at = end + 1
    }
    return true
  }

  #dispatch(): void {
    const id = this.#id
    if (this.#dataLines > 0) this.#reader.event({ name: this.#name || 'message', data: this.#data, id })
    else if (id !== undefined) this.#reader.idAlone(id)
    this.#name = ''
    this.#data = ''
    this.#id = undefined
    this.#dataLines = 0
    this.#size = 0
  }

  get #isTooLarge(): boolean {
    return this.#size > this.#limit || (this.#dataLines > FREE_LINES && this.#dataLines * LINE > this.#limit)
  }

  #take(text: string, at: number, end: number): void {
    const field = FIELDS.find((one) => text.startsWith(one, at))
    if (field === undefined) return
    const colon = at + field.length
    if (colon < end && text[colon] !== ':') return
    // Where there is no colon the value is empty.
    const value = text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1, end)
    if (field === 'retry') {
      if (TIME.test(value)) this.#reader.retry(Number(value))
      return
    }
    this.#size += value.length
    if (field === 'event') {
      this.#name = value
    } else if (field === 'data') {
      // Lines are joined by LF.
      if (this.#dataLines > 0) this.#size++
      this.#data = this.#dataLines++ === 0 ? value : `${this.#data}\n${value}`
    } else if (!value.includes('\0')) {
      this.#id = value
    }
  }
}
