import { type LinkPlatform, linkPlatform } from '../src/link/platform.ts'

/** What a hub needs from its environment. A simulation replaces it. */
export interface HubPlatform extends LinkPlatform {
  /** Uniform in [0, 1). */
  random(): number
  /** Of the hub's script or page, as requests to other origins name it. */
  readonly origin: string
  /** False only where a network is known to be missing. */
  isOnline(): boolean
  fetch(url: string, init: RequestInit): Promise<Response>
}

/** The real environment. */
export const hubPlatform = (): HubPlatform => ({
  ...linkPlatform(),
  random: Math.random,
  origin: globalThis.origin,
  isOnline: () => globalThis.navigator?.onLine !== false,
  fetch: (url, init) => fetch(url, init),
})
