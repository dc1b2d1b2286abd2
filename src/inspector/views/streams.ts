import { button, element, facts, list, write } from '../dom.ts'
import { bytes, count, duration, number } from '../format.ts'
import type { InspectedStream } from '../model.ts'
import type { Rate, Traffic } from '../rates.ts'
import { Sparkline } from '../sparkline.ts'
import { card, namesOf } from './card.ts'
import type { Controls, Scene, View } from './view.ts'

/** Names that have a curve; those that have sent most of late come first. */
const NAMES = 12

/** A card for each stream. */
export class Streams implements View {
  readonly title = 'Streams'
  readonly element: HTMLElement
  readonly #none = element('p', { class: 'quiet' }, 'No stream is open.')
  readonly #update: (streams: readonly InspectedStream[], scene: Scene) => void

  constructor(controls: Controls) {
    const cards = element('ul', { class: 'cards' })
    const queries = element('input', {
      type: 'checkbox',
      role: 'switch',
      onchange: () => controls.showQueries(queries.checked),
    })
    this.element = element(
      'div',
      { class: 'page' },
      element('label', { class: 'choice' }, queries, 'Show queries of URLs, which may be secret'),
      this.#none,
      cards,
    )
    this.#update = list(
      cards,
      ({ key }) => key,
      (stream) => streamCard(stream, controls),
    )
  }

  update(scene: Scene): void {
    this.#none.hidden = scene.model.streams.length > 0
    this.#update(scene.model.streams, scene)
  }
}

function streamCard(stream: InspectedStream, controls: Controls) {
  const about = facts()
  const error = element('p', { class: 'error' })
  const curves = curvesOf('events a second', 'a second')
  const names = element('ul', { class: 'names' })
  const updateNames = list<[string, Traffic], number>(names, ([name]) => name, nameLine)
  const { element: home, entitle } = card(
    ['Events', 'Connections'].map((view) => button(view, () => controls.open(view, stream))),
    error,
    element('div', { class: 'curves' }, ...curves.elements),
    about.element,
    names,
  )
  return {
    element: home,
    update: (_: InspectedStream, { answer, nameOf, words }: Scene) => {
      const { now } = answer.life
      const { report, life, isGone, traffic } = stream
      entitle(nameOf(stream), isGone ? 'closed' : report.state, stateOf(stream, now))
      write(error, life.status.error ? words(life.status.error.message) : '')
      curves.update(traffic, now)
      about.update(factsOf(stream, now))
      updateNames(busiest(stream, now), now)
    },
  }
}

function nameLine() {
  const title = element('span', { class: 'name' })
  const curves = curvesOf('/s', '/s')
  return {
    element: element('li', {}, title, ...curves.elements),
    update: ([name, traffic]: [string, Traffic], now: number) => {
      write(title, name)
      curves.update(traffic, now)
    },
  }
}

function curvesOf(eventsPerSecond: string, bytesPerSecond: string) {
  const events = curve(eventsPerSecond)
  const size = curve(bytesPerSecond)
  return {
    elements: [events.element, size.element],
    update: (traffic: Traffic, now: number) => {
      events.update(traffic.events, now, number)
      size.update(traffic.size, now, bytes)
    },
  }
}

function curve(unit: string) {
  const line = new Sparkline()
  const value = element('b')
  return {
    element: element('span', { class: 'curve' }, line.element, element('span', {}, value, ` ${unit}`)),
    update: (rate: Rate, now: number, inWords: (amount: number) => string) => {
      write(value, inWords(rate.current(now)))
      line.show(rate.history(now))
    },
  }
}

function busiest({ names }: InspectedStream, now: number): [string, Traffic][] {
  const sums = [...names].map((entry) => [entry, sum(entry[1].events.history(now))] as const)
  return sums
    .sort((one, other) => other[1] - one[1])
    .slice(0, NAMES)
    .map(([entry]) => entry)
    .sort(([one], [other]) => (one < other ? -1 : 1))
}

const sum = (amounts: readonly number[]): number => amounts.reduce((all, amount) => all + amount, 0)

/** With a countdown, and why it is parked. */
function stateOf({ report, life, isGone }: InspectedStream, now: number): string {
  const { retryAt, state } = life.status
  if (isGone) return state === 'closed' ? 'has ended' : 'gone: no tab listens any more'
  if (retryAt > now) return `${report.state}, next attempt in ${duration(retryAt - now)}`
  return report.parked ? `${report.state}: ${report.parked}` : report.state
}

function factsOf({ report, life }: InspectedStream, now: number): Record<string, string> {
  const { attempt, openedAt } = life.status
  return {
    'Open for': openedAt > 0 ? duration(now - openedAt) : '',
    'Failed attempts': attempt > 0 ? number(attempt) : '',
    'Connections so far': number(report.connections),
    'Last ID': report.lastEventId || 'none',
    Log: `${count(report.logEvents, 'event')}, ${bytes(report.logBytes)}`,
    'Header names': life.headers.join(', '),
    'Listened to': namesOf(report.names),
    Subscribers: `${number(report.subscribers)}${life.isYours ? ', this tab is one' : ''}`,
    Visible: report.isVisible ? 'in a tab' : 'in no tab',
  }
}
