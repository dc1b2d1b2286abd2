import { type LinkPlatform, linkPlatform } from '../src/link/platform.ts'

/** What a hub needs from its environment. A simulation replaces it. */
export interface HubPlatform extends LinkPlatform {
  /** Uniform in [0, 1). */
  random(): number
  fetch(url: string, init: RequestInit): Promise<Response>
}

/** The real environment. */
export const hubPlatform = (): HubPlatform => ({
  ...linkPlatform(),
  random: Math.random,
  fetch: (url, init) => fetch(url, init),
})
