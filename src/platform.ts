import type { LinkEndpoint } from '../worker/hub.ts'
import { type HubPlatform, hubPlatform } from '../worker/platform.ts'
import { Turns } from './turns.ts'

/** What a client needs of the world: a simulation stands in for it. */
export interface Platform extends HubPlatform {
  createChannel(): { port1: LinkEndpoint; port2: LinkEndpoint }
  /** Calls `step` until it returns false, each time with an empty stack, and leaves the page responsive. */
  run(step: () => boolean): void
  /** The page's comings and goings: `pagehide` and `pageshow`. */
  onPageEvent(type: 'pagehide' | 'pageshow', listener: () => void): void
  warn(message: string): void
}

/** The real world. */
export const browserPlatform = (): Platform => {
  const turns = new Turns()
  return {
    ...hubPlatform(),
    createChannel: () => new MessageChannel(),
    run: (step) => turns.run(step),
    onPageEvent: (type, listener) => globalThis.addEventListener?.(type, listener),
    warn: (message) => console.warn(message),
  }
}
