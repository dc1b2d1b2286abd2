import type { SubscriptionLife, TabLife } from '../../link/protocol.ts'
import { behind, tabName } from '../advice.ts'
import { element, facts, list, write } from '../dom.ts'
import { duration, number } from '../format.ts'
import { card, namesOf } from './card.ts'
import type { Scene, View } from './view.ts'

/** A page that owes an answer for so many ms is said not to answer. */
const SILENT = 2_000

/** A card for each tab, with what it listens to and how far behind it is. This one comes first. */
export class Tabs implements View {
  readonly title = 'Tabs'
  readonly #cards = element('ul', { class: 'cards' })
  readonly element = element('div', { class: 'page' }, this.#cards)
  readonly #update = list<TabLife, Scene>(this.#cards, ({ id }) => id, tabCard)

  update(scene: Scene): void {
    const { tabs } = scene.answer.life
    this.#update(
      [...tabs].sort((one, other) => Number(other.isYou) - Number(one.isYou)),
      scene,
    )
  }
}

function tabCard() {
  const streams = element('ul', { class: 'plain' })
  const updateStreams = list<readonly [string, SubscriptionLife], Scene>(
    streams,
    ([key]) => key,
    subscriptionLine,
  )
  const { element: home, entitle } = card([], streams)
  return {
    element: home,
    update: ({ id, isYou, isVisible, silentSince, subscriptions }: TabLife, scene: Scene) => {
      const silence = silentSince > 0 ? scene.answer.life.now - silentSince : 0
      const isSilent = silence > SILENT
      entitle(
        tabName(id, isYou),
        isSilent ? 'retrying' : isVisible ? 'open' : 'parked',
        `${isVisible ? 'visible' : 'hidden'}${isSilent ? `, not answering for ${duration(silence)}` : ''}`,
      )
      updateStreams(
        subscriptions.map((subscription, index) => [String(index), subscription]),
        scene,
      )
    },
  }
}

function subscriptionLine() {
  const title = element('code')
  const about = facts()
  return {
    element: element('li', {}, title, about.element),
    update: ([, subscription]: readonly [string, SubscriptionLife], { model, answer, nameOf }: Scene) => {
      const { names, next, unacknowledged, gaps } = subscription
      const stream = model.live.get(subscription.stream)
      if (stream === undefined) return
      write(title, nameOf(stream))
      about.update({
        'Listens to': namesOf(names) || 'nothing',
        Behind: `${number(behind(stream.life, next))} entries, ${duration(stream.lagOf(subscription, answer.life.now))}`,
        Unacknowledged: `${number(unacknowledged)} ${unacknowledged === 1 ? 'batch' : 'batches'}`,
        'Gaps of its own': number(gaps),
      })
    },
  }
}
