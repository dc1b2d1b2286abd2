/** What a stream consists of, as it was written. Sizes are in characters, with the ends of the lines. */
export type Frame = Written &
  (
    | {
        readonly type: 'event'
        readonly name: string
        readonly id?: string
        readonly retry?: number
        readonly data: string
      }
    /** An ID without an event. */
    | { readonly type: 'id'; readonly id: string }
    | { readonly type: 'retry'; readonly retry: number }
    | { readonly type: 'comment'; readonly text: string }
  )

interface Written {
  readonly size: number
  /** Lines that mean nothing: no field of this name exists. */
  readonly unknown?: readonly string[]
}

/** So much is kept of a line, of an event's data and of a comment, in characters. */
const MOST_KEPT = 4_096

/** So many unknown lines are kept of a block. */
const MOST_UNKNOWN = 3

/**
 * Reads the text of a stream for people. What counts is what `worker/source` makes of the bytes; this only shows them.
 *
 * It is a reading of its own, because neither eventsource-parser nor `worker/source/lines.ts` tells what people look for: the parser
 * says nothing of a block without data, does not say which block a `retry:` or a comment stood in or how large it was, and holds a
 * line without an end whole; and `lines.ts` keeps comments and unknown lines from it, which is what makes the hub fast. A test holds
 * all three to one reading of the standard, on random bytes cut anywhere.
 */
export class Blocks {
  readonly #take: (frame: Frame) => void
  #line = ''
  #lineLength = 0
  #hasEndedWithCr = false
  #block = emptyBlock()

  constructor(take: (frame: Frame) => void) {
    this.#take = take
  }

  /** Within an event, of which the end has not come yet. */
  get isInBlock(): boolean {
    return this.#lineLength > 0 || this.#block.hasFields
  }

  /** Length of the line that has not ended yet, in characters. */
  get lineLength(): number {
    return this.#lineLength
  }

  read(text: string): void {
    let at = 0
    for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) {
      const isRest = index === 0 && end === '\n' && this.#hasEndedWithCr
      if (!isRest) {
        this.#hold(text.slice(at, index))
        this.#endLine(end.length)
      }
      at = index + end.length
      this.#hasEndedWithCr = false
    }
    if (text.length > 0) this.#hasEndedWithCr = text.endsWith('\r')
    this.#hold(text.slice(at))
  }

  #hold(text: string): void {
    this.#line += text.slice(0, Math.max(0, MOST_KEPT - this.#line.length))
    this.#lineLength += text.length
  }

  #endLine(endLength: number): void {
    const line = this.#line
    const size = this.#lineLength + endLength
    this.#line = ''
    this.#lineLength = 0
    if (line === '') this.#endBlock(size)
    else if (line.startsWith(':'))
      this.#take({ type: 'comment', text: line.slice(1).replace(/^ /, ''), size })
    else this.#field(line, size)
  }

  #field(line: string, size: number): void {
    const block = this.#block
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    block.size += size
    block.hasFields = true
    if (field === 'data') {
      if (block.data.length < MOST_KEPT) block.data += `${block.hasData ? '\n' : ''}${value}`
      block.hasData = true
    } else if (field === 'event') block.name = value
    else if (field === 'id' && !value.includes('\0')) block.id = value
    else if (field === 'retry' && /^\d+$/.test(value)) block.retry = Number(value)
    else if (block.unknown.length < MOST_UNKNOWN) block.unknown.push(line)
  }

  #endBlock(size: number): void {
    const { name, id, retry, data, hasData, hasFields, unknown } = this.#block
    const written = { size: this.#block.size + size, ...(unknown.length > 0 && { unknown }) }
    this.#block = emptyBlock()
    if (!hasFields) return
    const fields = { ...(id !== undefined && { id }), ...(retry !== undefined && { retry }) }
    if (hasData) this.#take({ type: 'event', name: name || 'message', data, ...fields, ...written })
    else if (id !== undefined) this.#take({ type: 'id', id, ...written })
    else if (retry !== undefined) this.#take({ type: 'retry', retry, ...written })
  }
}

const emptyBlock = () => ({
  name: '',
  id: undefined as string | undefined,
  retry: undefined as number | undefined,
  data: '',
  hasData: false,
  hasFields: false,
  size: 0,
  unknown: [] as string[],
})
