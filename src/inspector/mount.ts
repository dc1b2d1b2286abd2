import type { InspectedHub } from './hub.ts'
import { PAGE_HUB } from './hub.ts'
import { TAG, type TabstreamInspector } from './inspector-element.ts'

/** Options of {@link mountInspector}. */
export interface InspectorOptions {
  /**
   * Where the drawer is put.
   * @default document.body
   */
  container?: HTMLElement
  /**
   * Whether the drawer is open at first. A reload leaves it as it was.
   * @default false
   */
  open?: boolean
  /**
   * Its colours.
   * @default 'auto', which is what the system prefers
   */
  theme?: 'light' | 'dark' | 'auto'
  /**
   * Where the inspector has its data from.
   * @default the page's hub
   */
  hub?: InspectedHub
}

/**
 * Puts the inspector into the page: a drawer at the bottom, closed at first. It asks the hub while it is open, and not at all while
 * it is closed. Does nothing on a server.
 *
 * @returns removes it
 * @example
 * if (import.meta.env.DEV) import('tabstream/inspector').then(({ mountInspector }) => mountInspector())
 */
export function mountInspector({
  container,
  open = false,
  theme = 'auto',
  hub = PAGE_HUB,
}: InspectorOptions = {}): () => void {
  if (!globalThis.document) return () => {}
  const inspector = document.createElement(TAG) as TabstreamInspector
  inspector.hub = hub
  inspector.toggleAttribute('drawer', true)
  inspector.toggleAttribute('open', open)
  if (theme !== 'auto') inspector.setAttribute('theme', theme)
  ;(container ?? document.body).append(inspector)
  return () => inspector.remove()
}
