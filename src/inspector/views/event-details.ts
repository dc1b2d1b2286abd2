import { button, element, facts, write } from '../dom.ts'
import { bytes, clock, sizeOf } from '../format.ts'
import { jsonTree } from '../json-tree.ts'
import type { Words } from '../masked.ts'
import { describe, type Row } from '../rows.ts'

/** Most characters that are shown, or parsed as JSON. */
const MOST = 200_000

/** Everything of one line of the log. */
export class EventDetails {
  readonly #facts = facts()
  readonly #body = element('div', { class: 'body' })
  readonly #copied = element('span', { role: 'status', class: 'quiet' })
  readonly element: HTMLElement
  #row: Row | undefined
  /** What is copied. */
  #text = ''

  constructor(close: () => void) {
    this.element = element(
      'section',
      { class: 'details', 'aria-label': 'Chosen line', tabindex: 0, hidden: true },
      element('div', { class: 'head' }, button('Copy', this.#copy), button('Close', close), this.#copied),
      this.#facts.element,
      this.#body,
    )
  }

  show(row: Row | undefined, words: Words): void {
    this.element.hidden = row === undefined
    if (row === this.#row) return
    this.#row = row
    write(this.#copied, '')
    this.#body.replaceChildren()
    if (row === undefined) return
    const isEvent = row.type === 'event'
    this.#text = isEvent ? row.data : describe(row, words)
    this.#facts.update({
      Time: clock(row.at),
      ...(isEvent && { Name: row.name, ID: row.id || 'none', Size: bytes(sizeOf(row.data)) }),
    })
    this.#body.append(isEvent ? contentOf(row.data) : element('pre', {}, this.#text))
  }

  readonly #copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(this.#text)
      write(this.#copied, 'Copied')
    } catch {
      write(this.#copied, 'The browser does not let this page copy')
    }
  }
}

function contentOf(data: string): HTMLElement {
  if (data.length <= MOST) {
    try {
      const value: unknown = JSON.parse(data)
      if (typeof value === 'object' && value !== null)
        return element('div', { class: 'tree' }, jsonTree(value))
    } catch {
      // It is text.
    }
  }
  const rest = data.length - MOST
  return element('pre', {}, rest > 0 ? `${data.slice(0, MOST)}\n… ${rest} more characters` : data)
}
