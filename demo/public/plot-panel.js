import { unknown } from './definitions.js'
import { createElement, setText } from './element.js'
import { createPlot, WINDOW } from './plot.js'

/** @typedef {{ time: number }} Sample `time` in milliseconds */

// More than two samples of the slowest event are missing: a line across would claim to know them.
const BREAK = 5000

/**
 * Rows as a plot wants them, with an empty one wherever samples are missing.
 *
 * @param {Sample[]} samples
 */
const toRows = (samples) => {
  /** @type {{ time: number, sample: Sample | undefined }[]} */
  const rows = []
  let before = samples[0]?.time ?? 0
  for (const sample of samples) {
    if (sample.time - before > BREAK) rows.push({ time: before + 1, sample: undefined })
    rows.push({ time: sample.time, sample })
    before = sample.time
  }
  return rows
}

/**
 * The first figure's line comes last, and so lies on top.
 *
 * @param {import('./definitions.js').PlotDefinition} definition
 * @param {Sample} sample shows how many lines there are
 */
const toLines = ({ figures, lines }, sample) => {
  /** @type {import('./definitions.js').ReadLine[]} */
  const all = lines?.(sample) ?? []
  for (const figure of figures.toReversed()) {
    const { color, read } = figure
    if (color && read) all.push({ color, read, filled: figure === figures[0] })
  }
  return all
}

export class PlotPanel {
  element
  /** @type {Sample[]} */
  #samples = []
  /** @type {{ time: number, sample: Sample | undefined }[]} */
  #rows = []
  #definition
  #texts
  #detail = createElement('p')
  #bars = createElement('div', { class: 'bars', 'aria-hidden': 'true' })
  #canvas
  /** @type {ReturnType<typeof createPlot> | undefined} */
  #plot
  /** @type {import('./definitions.js').ReadLine[]} */
  #lines = []

  /** @param {import('./definitions.js').PlotDefinition} definition */
  constructor(definition) {
    const { title, figures } = definition
    this.#definition = definition
    this.#texts = figures.map(() => createElement('dd', {}, '–'))
    this.#canvas = createElement('div', {
      class: 'plot',
      role: 'img',
      'aria-label': `${title} over the last two minutes`,
    })
    this.element = createElement(
      'section',
      { class: 'card panel', 'aria-label': title },
      createElement('h2', {}, title),
      createElement('dl', { class: 'figures' }, ...figures.map((figure, index) => this.#cell(figure, index))),
      this.#canvas,
      createElement('div', { class: 'detail' }, this.#detail, this.#bars),
    )
  }

  /** @param {Sample[]} added in any order, known ones included */
  add(added) {
    const byTime = new Map([...this.#samples, ...added].map((sample) => [sample.time, sample]))
    const sorted = [...byTime.values()].sort((one, other) => one.time - other.time)
    const newest = sorted.at(-1)?.time ?? 0
    this.#samples = sorted.filter(({ time }) => time >= newest - WINDOW * 1000 - BREAK)
  }

  draw() {
    const newest = this.#samples.at(-1)
    if (!newest) return
    this.#rows = toRows(this.#samples)
    this.#plot ??= this.#createPlot(newest)
    const columns = this.#lines.map(({ read }) => this.#rows.map(({ sample }) => sample && read(sample)))
    this.#plot.plot.setData([
      this.#rows.map(({ time }) => time / 1000),
      ...columns.map((column) => column.map((value) => value ?? null)),
    ])
    this.#showFigures()
    setText(this.#detail, this.#definition.detail(newest))
    this.#showBars(newest)
  }

  remove() {
    this.#plot?.destroy()
    this.element.remove()
  }

  /** @param {import('./definitions.js').Figure} figure @param {number} index */
  #cell({ label, color }, index) {
    const term = createElement('dt', color ? { class: 'keyed' } : {}, label)
    if (color) term.style.setProperty('--key', `var(${color})`)
    return createElement('div', {}, term, /** @type {HTMLElement} */ (this.#texts[index]))
  }

  /** @param {Sample} sample */
  #createPlot(sample) {
    this.#lines = toLines(this.#definition, sample)
    return createPlot(this.#canvas, this.#lines, this.#definition, () => this.#showFigures())
  }

  /** Those under the pointer, or the newest. */
  #showFigures() {
    const index = this.#plot?.plot.cursor.idx
    const sample = (index != null && this.#rows[index]?.sample) || this.#samples.at(-1)
    if (!sample) return
    const { figures, format } = this.#definition
    for (const [position, { text, read }] of figures.entries()) {
      const value = read?.(sample)
      const shown = text?.(sample) ?? (value == null ? unknown : format(value))
      setText(/** @type {HTMLElement} */ (this.#texts[position]), shown)
    }
  }

  /** @param {Sample} sample */
  #showBars(sample) {
    const bars = this.#definition.bars?.(sample) ?? []
    while (this.#bars.childElementCount < bars.length) this.#bars.append(createElement('i'))
    for (const [index, { color, part }] of bars.entries()) {
      const { style } = /** @type {HTMLElement} */ (this.#bars.children[index])
      style.setProperty('--part', String(part))
      style.setProperty('--key', color)
    }
  }
}
