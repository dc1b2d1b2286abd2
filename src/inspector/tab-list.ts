import { element, set } from './dom.ts'
import type { View } from './views/view.ts'

/** Tabs and their panels, by the pattern that screen readers know: arrow keys, Home and End move among tabs. */
export class TabList<Shown extends View> {
  readonly element: HTMLElement
  readonly panels: readonly HTMLElement[]
  readonly views: readonly Shown[]
  readonly #tabs: HTMLButtonElement[]
  readonly #shown: (view: Shown) => void
  current: Shown

  constructor(views: readonly [Shown, ...Shown[]], shown: (view: Shown) => void) {
    this.views = views
    this.#shown = shown
    this.current = views[0]
    this.#tabs = views.map((view, index) =>
      element(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: `tab-${index}`,
          'aria-controls': `panel-${index}`,
          onclick: () => this.show(view),
        },
        view.title,
      ),
    )
    this.panels = views.map((view, index) =>
      element(
        'div',
        {
          role: 'tabpanel',
          id: `panel-${index}`,
          'aria-labelledby': `tab-${index}`,
          tabindex: 0,
          class: 'panel',
        },
        view.element,
      ),
    )
    this.element = element(
      'div',
      { role: 'tablist', 'aria-label': 'Inspector', class: 'tabs', onkeydown: this.#pressed },
      ...this.#tabs,
    )
    this.#mark()
  }

  show(view: Shown): void {
    this.current = view
    this.#mark()
    this.#shown(view)
  }

  focus(): void {
    this.#tabs[this.views.indexOf(this.current)]?.focus()
  }

  #mark(): void {
    this.views.forEach((view, index) => {
      const isCurrent = view === this.current
      const tab = this.#tabs[index] as HTMLElement
      set(tab, 'aria-selected', String(isCurrent))
      set(tab, 'tabindex', isCurrent ? 0 : -1)
      ;(this.panels[index] as HTMLElement).hidden = !isCurrent
    })
  }

  readonly #pressed = (event: KeyboardEvent): void => {
    const last = this.views.length - 1
    const at = this.views.indexOf(this.current)
    const steps: Record<string, number> = {
      ArrowLeft: at === 0 ? last : at - 1,
      ArrowRight: at === last ? 0 : at + 1,
      Home: 0,
      End: last,
    }
    const view = this.views[steps[event.key] ?? -1]
    if (view === undefined) return
    event.preventDefault()
    this.show(view)
    this.focus()
  }
}
