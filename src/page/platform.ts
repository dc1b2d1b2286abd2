import type { LinkEndpoint } from '../../worker/hub.ts'
import { type HubPlatform, hubPlatform } from '../../worker/platform.ts'
import { Turns } from './turns.ts'

/** `visible`: the page has become visible; the others are the platform's own. */
export type PageEvent = 'pagehide' | 'pageshow' | 'online' | 'freeze' | 'resume' | 'visible'

/** What a client needs of the world: a simulation stands in for it. */
export interface Platform extends HubPlatform {
  createChannel(): { port1: LinkEndpoint; port2: LinkEndpoint }
  /** A BroadcastChannel; absent where the browser has none. */
  openChannel: ((name: string) => LinkEndpoint) | undefined
  /** Calls `step` until it returns false, each time with an empty stack, and leaves the page responsive. */
  run(step: () => boolean): void
  /** The page's comings and goings, and its network's. */
  onPageEvent(type: PageEvent, listener: () => void): void
  isVisible(): boolean
  warn(message: string): void
  error(message: string): void
}

/** The real world. */
export const browserPlatform = (): Platform => {
  const turns = new Turns()
  return {
    ...hubPlatform(),
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
