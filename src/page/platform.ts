import type { LinkEndpoint } from '../link/endpoint.ts'
import { type LinkPlatform, linkPlatform } from '../link/platform.ts'
import { Turns } from './turns.ts'

/** `visible`, `hidden`: the page has become that. The others are events of the browser. */
export type PageEvent = 'pagehide' | 'pageshow' | 'online' | 'freeze' | 'resume' | 'visible' | 'hidden'

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
  /** ALPN name of the protocol by which the page has come; `undefined` where that is not known. */
  protocol(): string | undefined
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
    protocol,
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

/** jsdom knows nothing of it. */
const protocol = (): string | undefined => {
  const [navigation] = performance.getEntriesByType?.('navigation') ?? []
  return (navigation as PerformanceNavigationTiming | undefined)?.nextHopProtocol || undefined
}

function onPageEvent(type: PageEvent, listener: () => void): void {
  if (type === 'visible' || type === 'hidden') {
    globalThis.document?.addEventListener(
      'visibilitychange',
      () => isVisible() === (type === 'visible') && listener(),
    )
  } else if (type === 'freeze' || type === 'resume') {
    globalThis.document?.addEventListener(type, listener)
  } else {
    globalThis.addEventListener?.(type, listener)
  }
}
