import { type Advice, adviceOn } from '../advice.ts'
import { element, facts, list, write } from '../dom.ts'
import { count, number } from '../format.ts'
import type { Answer } from '../hub.ts'
import type { Scene, View } from './view.ts'

/** Advice, where the hub lives, and how many connections it may hold. */
export class Overview implements View {
  readonly title = 'Overview'
  readonly #advice = element('ul', { class: 'advice' })
  readonly #none = element('p', { class: 'quiet' }, 'Nothing to advise: what has come so far looks well.')
  readonly #facts = facts()
  readonly #origins = element('ul', { class: 'plain' })
  readonly #refused = element('section', {}, element('h3', {}, 'Hosts that are not available'))
  readonly #refusals = element('ul', { class: 'plain' })
  readonly element = element(
    'div',
    { class: 'page' },
    element('section', {}, element('h3', {}, 'Advice'), this.#none, this.#advice),
    element('section', {}, element('h3', {}, 'Hub'), this.#facts.element),
    element('section', {}, element('h3', {}, 'Connections to each origin'), this.#origins),
    this.#refused,
  )
  readonly #updateAdvice = list<Advice>(this.#advice, ({ key }) => key, advicePart)
  readonly #updateOrigins = list<Answer['origins'][number]>(this.#origins, ({ origin }) => origin, originPart)
  readonly #updateRefusals = list<string>(this.#refusals, String, (text) => ({
    element: element('li', {}, text),
    update: () => {},
  }))

  constructor() {
    this.#refused.append(this.#refusals)
  }

  update({ model, answer, words, nameOf }: Scene): void {
    const advice = adviceOn(answer, model.streams, nameOf, words)
    this.#none.hidden = advice.length > 0
    this.#updateAdvice(advice)
    this.#facts.update({
      Host: answer.host,
      'Lives in this page': answer.isHere ? 'yes' : 'no',
      Tabs: number(answer.tabs),
      Streams: number(answer.streams.length),
      Malformed: count(answer.malformed, 'message'),
      Network: answer.life.isOffline ? 'offline, because a panel has asked for it' : '',
    })
    this.#updateOrigins(answer.origins)
    this.#refused.hidden = answer.refused.length === 0
    this.#updateRefusals(answer.refused.map(({ host, reason }) => `${host}: ${words(reason)}`))
  }
}

function advicePart() {
  const about = element('span', { class: 'about' })
  const says = element('strong')
  const remedy = element('p')
  return {
    element: element('li', {}, says, about, remedy),
    update: (advice: Advice) => {
      write(about, advice.about)
      write(says, advice.says)
      write(remedy, advice.remedy)
    },
  }
}

const PROTOCOLS: Record<string, string> = {
  'http/1.1': 'HTTP/1.1',
  h2: 'HTTP/2',
  h3: 'HTTP/3',
  '': 'protocol not known, counts as HTTP/1.1',
}

function originPart() {
  const text = element('span')
  const name = element('code')
  return {
    element: element('li', {}, name, ' ', text),
    update: ({ origin, protocol, live, limit, parked }: Answer['origins'][number]) => {
      write(name, origin)
      const connections = Number.isFinite(limit)
        ? `${live} of ${count(limit, 'connection')}`
        : count(live, 'connection')
      const parts = [connections, PROTOCOLS[protocol] ?? protocol, parked > 0 && `${parked} parked`]
      write(text, parts.filter(Boolean).join(', '))
    },
  }
}
