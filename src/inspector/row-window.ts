import { element, set } from './dom.ts'

/** Of each row, in CSS pixels; styles say the same. */
export const ROW_HEIGHT = 24

/** Rows beyond each edge, so that a quick scroll shows no blank. Nobody scrolls while all rows are new, so none then. */
const BEYOND = 6

/**
 * A list box that shows any number of rows of one height by as many elements as fit. It stays at the end when rows come, unless
 * the reader has gone up.
 */
export class RowWindow<Row> {
  readonly element: HTMLElement
  readonly #inner = element('div', { class: 'inner', role: 'none' })
  readonly #elements: HTMLElement[] = []
  readonly #fill: (element: HTMLElement, row: Row) => void
  readonly #choose: (row: Row) => void
  #rows: readonly Row[] = []
  #chosen: Row | undefined
  #height = 0
  #follows = true
  #isAsked = false
  /** Index of the row in the first element. */
  #drawnFrom = 0

  /** @param fill writes a row into an element that has had another one */
  constructor(label: string, fill: (element: HTMLElement, row: Row) => void, choose: (row: Row) => void) {
    this.#fill = fill
    this.#choose = choose
    this.element = element(
      'div',
      {
        class: 'rows',
        role: 'listbox',
        tabindex: 0,
        'aria-label': label,
        onscroll: this.#scrolled,
        onkeydown: this.#pressed,
        onclick: this.#clicked,
      },
      this.#inner,
    )
    new ResizeObserver(([entry]) => {
      this.#height = entry?.contentRect.height ?? 0
      if (this.#follows) this.#toEnd()
      else if (this.#chosen !== undefined) this.#reveal(this.#rows.indexOf(this.#chosen))
      this.#draw()
    }).observe(this.element)
  }

  /** @param lost how many rows have gone from the beginning */
  show(rows: readonly Row[], lost = 0): void {
    this.#rows = rows
    this.#inner.style.height = `${rows.length * ROW_HEIGHT}px`
    if (!this.#follows && lost > 0) this.element.scrollTop -= lost * ROW_HEIGHT
    this.#draw()
    // It lays out what has been drawn, which would be done a second time otherwise.
    if (this.#follows) this.#toEnd()
  }

  choose(row: Row | undefined): void {
    this.#chosen = row
    this.#draw()
  }

  #toEnd(): void {
    this.element.scrollTop = this.#rows.length * ROW_HEIGHT
  }

  readonly #scrolled = (): void => {
    const { scrollTop } = this.element
    this.#follows = scrollTop + this.#height >= (this.#rows.length - 1) * ROW_HEIGHT
    if (this.#isAsked) return
    this.#isAsked = true
    requestAnimationFrame(() => {
      this.#isAsked = false
      this.#draw()
    })
  }

  readonly #pressed = (event: KeyboardEvent): void => {
    const last = this.#rows.length - 1
    const at = this.#chosen === undefined ? last + 1 : this.#rows.indexOf(this.#chosen)
    const page = Math.max(Math.floor(this.#height / ROW_HEIGHT) - 1, 1)
    const steps: Record<string, number> = {
      ArrowUp: at - 1,
      ArrowDown: at + 1,
      PageUp: at - page,
      PageDown: at + page,
      Home: 0,
      End: last,
    }
    const to = steps[event.key]
    if (to === undefined || last < 0) return
    event.preventDefault()
    this.#go(Math.min(Math.max(to, 0), last))
  }

  #go(index: number): void {
    this.#reveal(index)
    this.#take(this.#rows[index] as Row, index === this.#rows.length - 1)
  }

  /** Scrolls as little as need be. @param index -1 for a row that is not kept any more */
  #reveal(index: number): void {
    if (index < 0) return
    const top = index * ROW_HEIGHT
    const { scrollTop } = this.element
    this.element.scrollTop = Math.max(Math.min(scrollTop, top), top + ROW_HEIGHT - this.#height)
  }

  readonly #clicked = (event: MouseEvent): void => {
    const index = this.#elements.findIndex((one) => one.contains(event.target as Node))
    const row = this.#rows[this.#drawnFrom + index]
    if (index >= 0 && row !== undefined) this.#take(row, false)
  }

  #take(row: Row, follows: boolean): void {
    this.#follows = follows
    this.choose(row)
    this.#choose(row)
  }

  #draw(): void {
    const { length } = this.#rows
    const follows = this.#follows
    const count = Math.min(Math.ceil(this.#height / ROW_HEIGHT) + (follows ? 1 : 2 * BEYOND), length)
    const last = length - count
    const top = follows ? last : Math.floor(this.element.scrollTop / ROW_HEIGHT) - BEYOND
    const first = Math.max(Math.min(top, last), 0)
    while (this.#elements.length < count) {
      const made = element('div', { role: 'option', id: `row-${this.#elements.length}` })
      this.#elements.push(made)
      this.#inner.append(made)
    }
    this.#drawnFrom = first
    let active = ''
    this.#elements.forEach((one, index) => {
      const row = index < count ? this.#rows[first + index] : undefined
      one.hidden = row === undefined
      if (row === undefined) {
        one.replaceChildren()
        return
      }
      const isChosen = row === this.#chosen
      one.style.transform = `translateY(${(first + index) * ROW_HEIGHT}px)`
      set(one, 'aria-setsize', length)
      set(one, 'aria-posinset', first + index + 1)
      set(one, 'aria-selected', String(isChosen))
      if (isChosen) active = one.id
      this.#fill(one, row)
    })
    set(this.element, 'aria-activedescendant', active !== '' && active)
  }
}
