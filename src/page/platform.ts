import type { LinkEndpoint } from '../link/endpoint.ts'
import { type LinkPlatform, linkPlatform } from '../link/platform.ts'
import { Turns } from './turns.ts'

/** `visible`: the page has become visible; the others are the platform's own. */
export type PageEvent = 'pagehide' | 'pageshow' | 'online' | 'freeze' | 'resume' | 'visible'

/** What a page needs of the world. A simulation replaces it. */
export interface Platform extends LinkPlatform {
  createChannel(): { port1: LinkEndpoint; port2: LinkEndpoint }
  /** A BroadcastChannel; absent where the browser has none. */
  openChannel: ((name: string) => LinkEndpoint) | undefined
  /** Calls `step` until it returns false, each time with an empty stack, and leaves the page responsive. */
  run(step: () => boolean): void
  /** The page's comings and goings, and its network's. */
  onPageEvent(type: PageEvent, listener: () => void): void
  isVisible(): boolean
  /** Both write to the page's console. */
  warn(message: string): void
  error(message: string): void
}

/** The real world. */
export const browserPlatform = (): Platform => {
  const turns = new Turns()
  return {
    ...linkPlatform(),
    createChannel: () => new MessageChannel(),
    openChannel: typeof BroadcastChannel === 'undefined' ? undefined : (name) => new BroadcastChannel(name),
    run: (step) => turns.run(step),
    onPageEvent,
    isVisible,
    warn: (message) => console.warn(message),
    error: (message) => console.error(message),
  }
}

/** A dedicated worker has no visibility of its own. */
const isVisible = (): boolean => globalThis.document?.visibilityState !== 'hidden'

function onPageEvent(type: PageEvent, listener: () => void): void {
  if (type === 'visible') {
    globalThis.document?.addEventListener('visibilitychange', () => isVisible() && listener())
  } else if (type === 'freeze' || type === 'resume') {
    globalThis.document?.addEventListener(type, listener)
  } else {
    globalThis.addEventListener?.(type, listener)
  }
}
