import type { ConnectionLife } from '../../link/protocol.ts'
import { element, facts, list } from '../dom.ts'
import { clock, count, duration, protocolName } from '../format.ts'
import type { Answer } from '../hub.ts'
import type { InspectedStream } from '../model.ts'
import { card } from './card.ts'
import type { Scene, View } from './view.ts'

/** A connection, and the one before it. */
type Pair = readonly [ConnectionLife, ConnectionLife | undefined]

/** A card for each of the latest connections of the chosen stream, the latest first. */
export class Connections implements View {
  readonly title = 'Connections'
  readonly #cards = element('ul', { class: 'cards' })
  readonly #none = element('p', { class: 'quiet' }, 'This stream has had no connection yet.')
  readonly element = element('div', { class: 'page' }, this.#none, this.#cards)
  readonly #update = list<Pair, Scene>(this.#cards, ([{ begunAt }]) => String(begunAt), connectionCard)

  update(scene: Scene): void {
    const connections = scene.chosen?.life.connections ?? []
    this.#none.hidden = connections.length > 0
    const pairs = connections.map((connection, index): Pair => [connection, connections[index - 1]])
    this.#update(pairs.reverse(), scene)
  }
}

/** Of the stream's origin: a browser tells the protocol of a response only when it has ended. */
function protocolOf({ origins }: Answer, chosen: InspectedStream | undefined): string {
  const known = origins.find(({ origin }) => chosen?.report.url.startsWith(`${origin}/`))
  return known ? protocolName(known.protocol) : ''
}

function connectionCard() {
  const about = facts()
  const head = facts()
  const { element: home, entitle } = card([], about.element, element('h4', {}, 'Response'), head.element)
  return {
    element: home,
    update: ([connection, former]: Pair, { answer, chosen, words }: Scene) => {
      const { begunAt, openedAt, endedAt, status, headers } = connection
      const isOver = endedAt > 0 || chosen?.isGone === true
      const state = isOver ? 'closed' : openedAt > 0 ? 'open' : 'connecting'
      entitle(`Begun at ${clock(begunAt)}`, state, state)
      about.update({
        'Asked after': connection.resumeAfter || 'nothing',
        'Came back': count(connection.repeated, 'known event'),
        Outcome: connection.outcome,
        'Time to head': openedAt > 0 ? duration(openedAt - begunAt) : '',
        'Pause before': former?.endedAt && openedAt > 0 ? duration(openedAt - former.endedAt) : '',
        Lasts:
          openedAt > 0 && (endedAt > 0 || !isOver) ? duration((endedAt || answer.life.now) - openedAt) : '',
        Ended: endedAt > 0 ? `${clock(endedAt)}, ${words(connection.end)}` : '',
      })
      head.update({
        Status: status > 0 ? String(status) : 'none has come',
        Protocol: openedAt > 0 ? protocolOf(answer, chosen) : '',
        ...Object.fromEntries(headers.map(([name, value]) => [name, words(value)])),
      })
    },
  }
}
