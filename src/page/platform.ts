import type { LinkEndpoint } from '../link/endpoint.ts'
import { type LinkPlatform, linkPlatform } from '../link/platform.ts'
import { Turns } from './turns.ts'

/** `visible`: the page has become visible. The others are events of the browser. */
export type PageEvent = 'pagehide' | 'pageshow' | 'online' | 'freeze' | 'resume' | 'visible'

/** What a page needs from its environment. A simulation replaces it. */
export interface Platform extends LinkPlatform {
  createChannel(): { port1: LinkEndpoint; port2: LinkEndpoint }
  /** Opens a BroadcastChannel; `undefined` if the browser has none, or does not allow it. */
  openChannel: ((name: string) => LinkEndpoint | undefined) | undefined
  /** Calls `step` with an empty stack until it returns false, and keeps the page responsive. */
  run(step: () => boolean): void
  /** Listens to changes in the life of the page and its network. */
  onPageEvent(type: PageEvent, listener: () => void): void
  isVisible(): boolean
  /** `warn` and `error` write to the page's console. */
  warn(message: string): void
  error(message: string): void
}

/** The real environment. */
export const browserPlatform = (): Platform => {
  const turns = new Turns()
  return {
    ...linkPlatform(),
    createChannel: () => new MessageChannel(),
    openChannel,
    run: (step) => turns.run(step),
    onPageEvent,
    isVisible,
    warn: (message) => console.warn(message),
    error: (message) => console.error(message),
  }
}

function openChannel(name: string): LinkEndpoint | undefined {
  try {
    return new BroadcastChannel(name)
  } catch {
    return undefined
  }
}

/** A dedicated worker has no visibility, and counts as visible. */
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
