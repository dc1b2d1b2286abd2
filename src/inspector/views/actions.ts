import { button, element, write } from '../dom.ts'
import type { Action } from '../hub.ts'
import type { Controls, Scene, View } from './view.ts'

/** In ms; 0 ends it. */
const DELAYS = [0, 50, 200, 1_000]

/** Disturbances, for development. */
export class Actions implements View {
  readonly title = 'Actions'
  readonly element: HTMLElement
  readonly #locked = element(
    'p',
    { class: 'notice' },
    'Actions need ',
    element('code', {}, 'configure({ inspector: true })'),
    ' before the page opens a stream. Use it in development only.',
  )
  readonly #problem = element('p', { class: 'error', role: 'alert' })
  readonly #hub = element('fieldset')
  readonly #stream = element('fieldset')
  readonly #name = element('legend')
  readonly #network: HTMLButtonElement
  readonly #controls: Controls
  #scene: Scene | undefined

  constructor(controls: Controls) {
    this.#controls = controls
    const withStream = (type: 'cut' | 'reconnect' | 'skip') => () => {
      const { chosen } = this.#scene as Scene
      if (chosen !== undefined) this.#act({ type, stream: chosen.life.id })
    }
    this.#network = button('Go offline', () =>
      this.#act({ type: 'offline', isOffline: !this.#scene?.answer.life.isOffline }),
    )
    const delay = element(
      'select',
      { id: 'delay', onchange: () => this.#act({ type: 'slow', delay: Number(delay.value) }) },
      ...DELAYS.map((ms) =>
        element('option', { value: ms }, ms === 0 ? 'as fast as it is' : `${ms} ms for each event`),
      ),
    )
    this.#stream.append(
      this.#name,
      line(button('Cut the connection', withStream('cut')), 'It fails, as when the network does.'),
      line(button('Reconnect', withStream('reconnect')), 'Another connection takes its place.'),
      line(button('Drop this tab’s place', withStream('skip')), 'This tab is told of a gap.'),
    )
    this.#hub.append(
      element('legend', {}, 'All streams'),
      line(this.#network, 'All connections fail until you go online.'),
      line(
        button('End the hub', () => this.#act({ type: 'end-hub' })),
        'A worker dies without a word, a leader resigns. Another takes over.',
      ),
      element('div', { class: 'line' }, element('label', { for: 'delay' }, 'Slow this tab'), delay),
    )
    this.element = element(
      'div',
      { class: 'page' },
      this.#locked,
      this.#problem,
      element('div', { class: 'actions' }, this.#stream, this.#hub),
    )
  }

  update(scene: Scene): void {
    this.#scene = scene
    const { mayDisturb, chosen, nameOf, answer } = scene
    this.#locked.hidden = mayDisturb !== false
    this.#hub.disabled = mayDisturb !== true
    this.#stream.disabled = mayDisturb !== true || chosen === undefined || chosen.isGone
    write(this.#name, chosen ? nameOf(chosen) : 'No stream')
    write(this.#network, answer.life.isOffline ? 'Go online' : 'Go offline')
  }

  async #act(action: Action): Promise<void> {
    let problem = ''
    try {
      await this.#controls.disturb(action)
      this.#controls.say(`Done: ${action.type}`)
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
    write(this.#problem, problem)
  }
}

const line = (control: HTMLElement, text: string): HTMLElement =>
  element('div', { class: 'line' }, control, element('span', { class: 'quiet' }, text))
