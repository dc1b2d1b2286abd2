import { type Advice, adviceOn } from '../advice.ts'
import { element, facts, list, write } from '../dom.ts'
import { count, number, protocolName } from '../format.ts'
import type { Answer } from '../hub.ts'
import type { Scene, View } from './view.ts'

/** Advice, where the hub lives, and how many connections it may hold. */
export class Overview implements View {
  readonly title = 'Overview'
  readonly #advice = element('ul', { class: 'advice' })
  readonly #none = element('p', { class: 'quiet' }, 'Nothing to advise: what has come so far looks well.')
  readonly #facts = facts()
  readonly #origins = facts()
  readonly #refused = facts()
  readonly #refusedSection = section('Hosts that are not available', this.#refused.element)
  readonly element = element(
    'div',
    { class: 'page' },
    section('Advice', this.#none, this.#advice),
    section('Hub', this.#facts.element),
    section('Connections to each origin', this.#origins.element),
    this.#refusedSection,
  )
  readonly #updateAdvice = list<Advice>(this.#advice, ({ key }) => key, advicePart)

  update({ model, answer, words, nameOf }: Scene): void {
    const advice = adviceOn(answer, model, nameOf, words)
    this.#none.hidden = advice.length > 0
    this.#updateAdvice(advice)
    this.#facts.update({
      Host: answer.host,
      'Lives in this page': answer.isHere ? 'yes' : 'no',
      Tabs: number(answer.tabs),
      Streams: number(answer.streams.length),
    })
    this.#origins.update(Object.fromEntries(answer.origins.map((one) => [one.origin, connectionsOf(one)])))
    this.#refusedSection.hidden = answer.refused.length === 0
    this.#refused.update(Object.fromEntries(answer.refused.map(({ host, reason }) => [host, words(reason)])))
  }
}

const section = (title: string, ...content: readonly Node[]): HTMLElement =>
  element('section', {}, element('h3', {}, title), ...content)

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

function connectionsOf({ protocol, live, limit, parked }: Answer['origins'][number]): string {
  const most = Number.isFinite(limit) ? `${live} of ${count(limit, 'connection')}` : count(live, 'connection')
  return [most, protocolName(protocol), parked > 0 && `${parked} parked`].filter(Boolean).join(', ')
}
