import { element, set } from './dom.ts'

/** Of the drawer, in CSS pixels. */
const LEAST = 160
const USUAL = 360

/** How far an arrow key moves the edge. */
const STEP = 24

/** Where a tab of the browser remembers its drawer. */
const KEY = 'tabstream-inspector'

/** What outlasts a reload. */
interface State {
  readonly isOpen: boolean
  readonly height: number
}

/** Holds the panel at the bottom of the page: closed, or open at a height that the developer chooses. */
export class Drawer {
  readonly element: HTMLElement
  readonly #launcher: HTMLElement
  readonly #edge: HTMLElement
  readonly #holder: HTMLElement
  readonly #toggled: (isOpen: boolean) => void
  #state: State

  /** @param toggled is told when it has opened or closed, and at first */
  constructor(panel: HTMLElement, isOpen: boolean, toggled: (isOpen: boolean) => void) {
    this.#toggled = toggled
    this.#state = { isOpen, height: USUAL, ...restored() }
    this.#launcher = element(
      'button',
      { type: 'button', class: 'launcher', 'aria-expanded': 'false', onclick: () => this.toggle(true) },
      'tabstream',
    )
    this.#edge = element('div', {
      class: 'edge',
      role: 'separator',
      tabindex: 0,
      'aria-orientation': 'horizontal',
      'aria-label': 'Height of the inspector',
      'aria-valuemin': LEAST,
      onkeydown: this.#pressed,
      onpointerdown: this.#grabbed,
      onpointermove: this.#moved,
    })
    this.#holder = element('div', { class: 'drawer' }, this.#edge, panel)
    this.element = element('div', {}, this.#launcher, this.#holder)
    this.#show()
  }

  toggle(isOpen: boolean): void {
    this.#change({ isOpen })
    this.#toggled(isOpen)
    if (!isOpen) this.#launcher.focus()
  }

  get isOpen(): boolean {
    return this.#state.isOpen
  }

  #change(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change }
    this.#show()
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.#state))
    } catch {
      // A page without storage forgets.
    }
  }

  #show(): void {
    const { isOpen, height } = this.#state
    const most = Math.max(innerHeight - STEP, LEAST)
    const shown = Math.min(Math.max(height, LEAST), most)
    this.#launcher.hidden = isOpen
    this.#holder.hidden = !isOpen
    this.#holder.style.height = `${shown}px`
    set(this.#edge, 'aria-valuenow', Math.round(shown))
    set(this.#edge, 'aria-valuemax', most)
  }

  #resize(height: number): void {
    this.#change({ height: Math.min(Math.max(height, LEAST), innerHeight - STEP) })
  }

  readonly #pressed = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowUp: STEP, ArrowDown: -STEP }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    this.#resize(this.#state.height + step)
  }

  readonly #grabbed = (event: PointerEvent): void => {
    this.#edge.setPointerCapture(event.pointerId)
  }

  readonly #moved = (event: PointerEvent): void => {
    if (this.#edge.hasPointerCapture(event.pointerId)) this.#resize(innerHeight - event.clientY)
  }
}

/** What is stored may be of anyone. */
function restored(): Partial<State> {
  try {
    const { isOpen, height } = JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Record<string, unknown>
    return {
      ...(typeof isOpen === 'boolean' && { isOpen }),
      ...(typeof height === 'number' && { height }),
    }
  } catch {
    return {}
  }
}
