import { set } from './dom.ts'

const WIDTH = 118
const HEIGHT = 20
const SVG = 'http://www.w3.org/2000/svg'

/** A small curve of the last minute. It is hidden from screen readers: the rate stands beside it as text. */
export class Sparkline {
  readonly element = document.createElementNS(SVG, 'svg')
  readonly #line = document.createElementNS(SVG, 'path')

  constructor() {
    set(this.element, 'viewBox', `0 -1 ${WIDTH} ${HEIGHT + 2}`)
    set(this.element, 'aria-hidden', 'true')
    set(this.element, 'class', 'spark')
    this.element.append(this.#line)
  }

  show(amounts: readonly number[]): void {
    const most = Math.max(...amounts, 1)
    const step = WIDTH / (amounts.length - 1)
    const points = amounts.map(
      (amount, index) => `${(index * step).toFixed(1)} ${(HEIGHT - (amount / most) * HEIGHT).toFixed(1)}`,
    )
    set(this.#line, 'd', `M${points.join('L')}`)
  }
}
