import { createElement, setText } from './element.js'

const ROWS = 8

// Percent. Bars fill with the largest, but those of an idle machine must not look busy.
const LEAST_SCALE = 10

/**
 * @typedef {{ name: string, pid: number, cpu: number, memory: number }} Process
 * @typedef {{ time: number, all: number, list: Process[] }} Sample
 */

const createRow = () => {
  const cells = ['name', 'pid', 'share', 'share'].map((name) => createElement('td', { class: name }))
  return createElement('tr', {}, ...cells)
}

// With its decimal always, unlike elsewhere: these stand below each other.
/** @param {number} value */
const share = (value) => `${value.toFixed(1)} %`

/** @param {Process[]} list @param {(process: Process) => number} read */
const barScale = (list, read) => Math.max(LEAST_SCALE, ...list.map(read))

/** @param {HTMLTableRowElement} row @param {Process | undefined} process @param {number[]} scales */
const fillRow = (row, process, [cpuScale = 1, memoryScale = 1]) => {
  const texts = process && [process.name, process.pid, share(process.cpu), share(process.memory)]
  const parts = process && [0, 0, process.cpu / cpuScale, process.memory / memoryScale]
  for (const [index, cell] of [...row.cells].entries()) {
    setText(cell, String(texts?.[index] ?? ''))
    cell.style.setProperty('--part', String(parts?.[index] ?? 0))
  }
}

export class ProcessPanel {
  element
  // All rows are there from the start, so that nothing moves when the figures arrive.
  #rows = Array.from({ length: ROWS }, createRow)
  #total = createElement('p', {}, '–')
  /** @type {Sample | undefined} */
  #newest

  constructor() {
    const heads = ['Name', 'PID', 'CPU', 'Memory'].map((text) => createElement('th', { scope: 'col' }, text))
    this.element = createElement(
      'section',
      { class: 'card panel', 'aria-label': 'Busiest processes' },
      createElement('h2', {}, 'Busiest processes'),
      createElement(
        'table',
        {},
        createElement('thead', {}, createElement('tr', {}, ...heads)),
        createElement('tbody', {}, ...this.#rows),
      ),
      createElement('div', { class: 'detail' }, this.#total),
    )
  }

  /** @param {any[]} added */
  add(added) {
    for (const sample of added) if (sample.time > (this.#newest?.time ?? 0)) this.#newest = sample
  }

  draw() {
    if (!this.#newest) return
    const { list, all } = this.#newest
    const scales = [barScale(list, ({ cpu }) => cpu), barScale(list, ({ memory }) => memory)]
    for (const [index, row] of this.#rows.entries()) fillRow(row, list[index], scales)
    setText(this.#total, `${all} in all`)
  }

  remove() {
    this.element.remove()
  }
}
