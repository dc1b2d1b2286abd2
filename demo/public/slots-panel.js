import { createElement, setText } from './element.js'

/**
 * @typedef {import('tabstream').StreamReport} StreamReport
 * @typedef {import('tabstream').HubReport['origins'][number]} OriginReport
 */

const columns = ['Stream', 'State', 'Page', 'Connections', 'Why parked']
const figures = ['Protocol', 'Limit', 'Live', 'Parked']

/** @type {Record<string, string>} by ALPN name */
const protocols = {
  '': 'unknown',
  'http/1.0': 'HTTP/1.0',
  'http/1.1': 'HTTP/1.1',
  h2: 'HTTP/2',
  h3: 'HTTP/3',
}

/** @param {string} url */
const nameOf = (url) => {
  const { pathname, search } = new URL(url)
  return pathname.startsWith('/streams/') ? `Build ${pathname.slice('/streams/'.length)}` : pathname + search
}

/** @param {StreamReport} one @param {StreamReport} other */
const byUrl = (one, other) => one.url.localeCompare(other.url, 'en', { numeric: true })

/** @param {Element} parent @param {number} count @param {() => Element} create */
const resize = (parent, count, create) => {
  while (parent.childElementCount < count) parent.append(create())
  while (parent.childElementCount > count) parent.lastElementChild?.remove()
  return [...parent.children]
}

// On a phone the rows are laid out as grids, and some browsers take what is no table to the eye for none: hence the roles.
const createRow = () =>
  createElement(
    'tr',
    { role: 'row' },
    createElement('th', { scope: 'row', role: 'rowheader' }),
    ...columns.slice(1).map(() => createElement('td', { role: 'cell' })),
  )

/** One origin: who has its connections, and who waits for one. */
class OriginBlock {
  element
  #origin
  #values = figures.map(() => createElement('dd'))
  #slots = createElement('ol', { class: 'slots', 'aria-label': 'Who has a connection' })
  #body = createElement('tbody', { role: 'rowgroup' })

  /** @param {string} origin */
  constructor(origin) {
    this.#origin = origin
    const heads = columns.map((text) => createElement('th', { scope: 'col', role: 'columnheader' }, text))
    this.element = createElement(
      'section',
      { 'aria-label': origin },
      createElement('h3', {}, origin),
      createElement(
        'dl',
        { class: 'figures' },
        ...figures.map((text, index) =>
          createElement(
            'div',
            {},
            createElement('dt', {}, text),
            /** @type {HTMLElement} */ (this.#values[index]),
          ),
        ),
      ),
      this.#slots,
      createElement(
        'table',
        { class: 'streams', role: 'table', 'aria-label': `Streams of ${origin}` },
        createElement('thead', { role: 'rowgroup' }, createElement('tr', { role: 'row' }, ...heads)),
        this.#body,
      ),
    )
  }

  /** @param {OriginReport} report @param {StreamReport[]} streams @param {string} own URL of the page's */
  show({ protocol, limit, live, parked }, streams, own) {
    const limited = limit === Number.POSITIVE_INFINITY ? 'none' : String(limit)
    const texts = [protocols[protocol] ?? protocol, limited, String(live), String(parked)]
    for (const [index, value] of this.#values.entries()) setText(value, texts[index] ?? '')
    this.#showSlots(
      limit === Number.POSITIVE_INFINITY ? live : limit,
      streams.filter(({ state }) => state !== 'parked' && state !== 'closed'),
    )
    const rows = resize(this.#body, streams.length, createRow)
    for (const [index, stream] of streams.entries()) {
      this.#showStream(/** @type {HTMLTableRowElement} */ (rows[index]), stream, own)
    }
  }

  /** @param {number} count @param {StreamReport[]} holders */
  #showSlots(count, holders) {
    const slots = resize(this.#slots, Math.max(count, holders.length), () => createElement('li'))
    for (const [index, slot] of slots.entries()) {
      const holder = holders[index]
      setText(slot, holder ? nameOf(holder.url) : 'free')
      slot.toggleAttribute('data-free', !holder)
    }
  }

  /** @param {HTMLTableRowElement} row @param {StreamReport} stream @param {string} own */
  #showStream(row, { url, state, isVisible, connections, parked }, own) {
    // The heading names the origin.
    const why = parked.replace(` to ${this.#origin}`, '')
    const texts = [nameOf(url), state, isVisible ? 'visible' : 'hidden', String(connections), why]
    for (const [index, cell] of [...row.cells].entries()) setText(cell, texts[index] ?? '')
    row.dataset.state = state
    row.toggleAttribute('data-own', url === own)
  }
}

/** Shows how the hub shares its connections out. */
export class SlotsPanel {
  element
  #words = createElement('p', { class: 'empty' }, 'Asking the hub…')
  #blocks = createElement('div', { class: 'origins' })
  /** @type {Map<string, OriginBlock>} */
  #byOrigin = new Map()

  constructor() {
    const title = 'Connections of the hub'
    this.element = createElement(
      'section',
      { class: 'card panel', 'aria-label': title },
      createElement('h2', {}, title),
      this.#words,
      this.#blocks,
    )
  }

  /** @param {import('tabstream').HubReport} report @param {string} own URL of the page's stream */
  show({ origins, streams }, own) {
    setText(this.#words, origins.length === 0 ? 'The hub has no streams yet.' : '')
    for (const origin of this.#byOrigin.keys()) {
      if (!origins.some((report) => report.origin === origin)) this.#remove(origin)
    }
    for (const report of origins) {
      const its = streams.filter(({ url }) => new URL(url).origin === report.origin)
      this.#block(report.origin).show(report, its.sort(byUrl), own)
    }
  }

  /** In place of the hub. @param {string} words */
  say(words) {
    for (const origin of [...this.#byOrigin.keys()]) this.#remove(origin)
    setText(this.#words, words)
  }

  /** @param {string} origin */
  #block(origin) {
    const block = this.#byOrigin.get(origin) ?? new OriginBlock(origin)
    this.#byOrigin.set(origin, block)
    if (!block.element.isConnected) this.#blocks.append(block.element)
    return block
  }

  /** @param {string} origin */
  #remove(origin) {
    this.#byOrigin.get(origin)?.element.remove()
    this.#byOrigin.delete(origin)
  }
}
