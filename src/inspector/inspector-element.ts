import { element } from './dom.ts'
import { Drawer } from './drawer.ts'
import { type InspectedHub, PAGE_HUB } from './hub.ts'
import { Panel } from './panel.ts'
import { STYLES } from './styles.ts'

/** The name of the element. */
export const TAG = 'tabstream-inspector'

/** A server has no elements. */
const Base: typeof HTMLElement = globalThis.HTMLElement ?? (class {} as never)

/**
 * `<tabstream-inspector>` shows what the page's hub does. It fills its container, and asks the hub while it is in a visible page.
 * With the attribute `drawer` it lies at the bottom of the page, and asks while it is open; `open` opens it at first. `theme` is
 * `light` or `dark`, and otherwise what the system prefers.
 */
export class TabstreamInspector extends Base {
  /** Set it before the element is put into the page. */
  hub: InspectedHub = PAGE_HUB
  #panel: Panel | undefined
  #drawer: Drawer | undefined

  connectedCallback(): void {
    if (this.#panel === undefined) this.#build()
    this.#toggle(this.#drawer?.isOpen ?? true)
  }

  disconnectedCallback(): void {
    this.#panel?.stop()
  }

  #build(): void {
    const root = this.attachShadow({ mode: 'open' })
    const isDrawer = this.hasAttribute('drawer')
    const panel = new Panel(this.hub, isDrawer ? () => this.#drawer?.toggle(false) : undefined)
    this.#panel = panel
    if (isDrawer)
      this.#drawer = new Drawer(panel.element, this.hasAttribute('open'), (isOpen) => {
        this.#toggle(isOpen)
        if (isOpen) panel.tabs.focus()
      })
    dress(root)
    root.append(this.#drawer?.element ?? panel.element)
  }

  #toggle(isOpen: boolean): void {
    if (isOpen) this.#panel?.start()
    else this.#panel?.stop()
  }
}

/** A sheet that is adopted needs no permission of the page's Content-Security-Policy. Safari has had them since 16.4. */
function dress(root: ShadowRoot): void {
  if ('adoptedStyleSheets' in root) {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLES)
    root.adoptedStyleSheets = [sheet]
  } else (root as ShadowRoot).append(element('style', {}, STYLES))
}

/** Once, whoever imports this a second time. */
export function define(): void {
  if (globalThis.customElements && !customElements.get(TAG)) customElements.define(TAG, TabstreamInspector)
}
