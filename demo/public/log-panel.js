import { createElement } from './element.js'

/** Lines that stay on the page. */
const MOST = 300

/** How far from the end, in pixels, counts as the end. */
const NEAR = 24

// Colour alone must not tell them apart.
/** @type {Record<string, string>} */
const marks = { step: '▸ ', warning: '⚠ ', good: '✓ ', note: '· ' }

/** @param {number} time */
const clock = (time) => new Date(time).toLocaleTimeString('en', { hour12: false })

/** The lines of one build, the newest at the bottom. Those of a hidden page are drawn when it is seen again. */
export class LogPanel {
  element
  // Two lines a second are no news to be read out.
  #log = createElement('div', { class: 'log', role: 'log', 'aria-live': 'off', tabindex: '0' })
  /** @type {HTMLElement[]} */
  #waiting = []
  #drawing = 0
  // The newest line stays in sight until the reader scrolls up.
  #follows = true

  /** @param {string} title */
  constructor(title) {
    this.#log.setAttribute('aria-label', title)
    this.#log.addEventListener('scroll', () => {
      const { scrollHeight, scrollTop, clientHeight } = this.#log
      this.#follows = scrollHeight - scrollTop - clientHeight < NEAR
    })
    this.element = createElement(
      'section',
      { class: 'card panel', 'aria-label': title },
      createElement('h2', {}, title),
      this.#log,
    )
  }

  /** @param {{ time: number, kind: string, text: string }} line */
  add({ time, kind, text }) {
    const when = createElement('time', { datetime: new Date(time).toISOString() }, clock(time))
    this.#waiting.push(
      createElement(
        'p',
        { 'data-kind': kind },
        when,
        createElement('span', {}, `${marks[kind] ?? ''}${text}`),
      ),
    )
    if (this.#waiting.length > MOST) this.#waiting.shift()
    if (this.#drawing === 0) this.#drawing = requestAnimationFrame(() => this.#draw())
  }

  /** What happened to the stream. @param {string} text */
  note(text) {
    this.add({ time: Date.now(), kind: 'note', text })
  }

  clear() {
    this.#waiting = []
    this.#log.replaceChildren()
  }

  #draw() {
    this.#drawing = 0
    this.#log.append(...this.#waiting)
    this.#waiting = []
    while (this.#log.childElementCount > MOST) this.#log.firstElementChild?.remove()
    if (this.#follows) this.#log.scrollTop = this.#log.scrollHeight
  }
}
