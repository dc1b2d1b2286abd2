import { button, element, offer, write } from './dom.ts'
import type { InspectedHub } from './hub.ts'
import { masked, unmasked, type Words } from './masked.ts'
import { type InspectedStream, Model } from './model.ts'
import { TabList } from './tab-list.ts'
import { Actions } from './views/actions.ts'
import { Connections } from './views/connections.ts'
import { Events } from './views/events.ts'
import { Overview } from './views/overview.ts'
import { Streams } from './views/streams.ts'
import { Tabs } from './views/tabs.ts'
import type { Controls, Scene, View } from './views/view.ts'
import { Watch } from './watch.ts'

/** Everything that the inspector shows, without the drawer around it. */
export class Panel {
  readonly element: HTMLElement
  readonly tabs: TabList<View>
  readonly #hub: InspectedHub
  readonly #model = new Model()
  readonly #watch: Watch
  readonly #chosen = element('select', { 'aria-label': 'Stream', onchange: () => this.#update() })
  readonly #problem = element('p', { class: 'error', role: 'alert' })
  readonly #live = element('p', { class: 'unseen', role: 'status' })
  readonly #states = new Map<string, string>()
  #words: Words = masked
  #mayDisturb: boolean | undefined
  #isAsked = false

  /** @param close adds a button that calls it */
  constructor(hub: InspectedHub, close?: () => void) {
    this.#hub = hub
    const controls: Controls = {
      open: (title, stream) => this.#open(title, stream),
      showQueries: (isOn) => {
        this.#words = isOn ? unmasked : masked
        // Hidden views too, so that nothing of what was shown stays in the page.
        this.#update(this.tabs.views)
      },
      refresh: () => this.#update(),
      disturb: (action) => this.#hub.disturb(action),
      say: (text) => write(this.#live, text),
    }
    this.tabs = new TabList<View>(
      [
        new Overview(),
        new Streams(controls),
        new Tabs(),
        new Events(controls),
        new Connections(),
        new Actions(controls),
      ],
      () => this.#update(),
    )
    this.element = element(
      'section',
      { class: 'inspector', 'aria-label': 'tabstream inspector' },
      element(
        'header',
        {},
        this.tabs.element,
        this.#chosen,
        ...(close ? [button('×', close, { class: 'close', 'aria-label': 'Close the inspector' })] : []),
      ),
      this.#problem,
      ...this.tabs.panels,
      this.#live,
    )
    this.#watch = new Watch(hub, this.#model, (problem) => this.#changed(problem))
  }

  start(): void {
    this.#watch.start()
    if (this.#mayDisturb !== undefined) return
    // It changes nothing, and tells whether the page lets anything be changed.
    this.#hub.disturb({ type: 'slow', delay: 0 }).then(
      () => this.#allow(true),
      () => this.#allow(false),
    )
  }

  stop(): void {
    this.#watch.stop()
  }

  #allow(mayDisturb: boolean): void {
    this.#mayDisturb = mayDisturb
    this.#update()
  }

  #open(title: string, { key }: InspectedStream): void {
    this.#chosen.value = key
    const view = this.tabs.views.find((one) => one.title === title)
    if (view === undefined) return
    this.tabs.show(view)
    this.tabs.focus()
  }

  #changed(problem: string): void {
    write(this.#problem, problem && `The hub does not answer: ${this.#words(problem)}`)
    this.#say()
    if (this.#isAsked) return
    this.#isAsked = true
    requestAnimationFrame(() => {
      this.#isAsked = false
      this.#update()
    })
  }

  /** Changes of state are said, events are not: there would be no end to it. */
  #say(): void {
    const said = this.#model.streams.flatMap((stream) => {
      const state = stream.isGone ? 'gone' : stream.report.state
      const former = this.#states.get(stream.key)
      this.#states.set(stream.key, state)
      return former === undefined || former === state ? [] : `${this.#nameOf(stream)}: ${state}`
    })
    if (said.length > 0) write(this.#live, said.join('. '))
  }

  #update(views: readonly View[] = [this.tabs.current]): void {
    const { answer, streams } = this.#model
    if (answer === undefined) return
    const options = streams.map((stream) => [stream.key, this.#nameOf(stream)] as const)
    offer(this.#chosen, options.length > 0 ? options : [['', 'No stream']])
    const scene: Scene = {
      model: this.#model,
      answer,
      chosen: streams.find(({ key }) => key === this.#chosen.value),
      words: this.#words,
      nameOf: (stream) => this.#nameOf(stream),
      mayDisturb: this.#mayDisturb,
    }
    for (const view of views) view.update(scene)
  }

  #nameOf({ life, report }: InspectedStream): string {
    const { origin } = location
    const url = report.url.startsWith(`${origin}/`) ? report.url.slice(origin.length) : report.url
    return this.#words(`${life.method} ${url}`)
  }
}
