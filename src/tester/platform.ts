import type { HubPlatform } from '../../worker/platform.ts'
import { linkPlatform } from '../link/platform.ts'

/**
 * The hub's environment under Node, for a page of the server's own origin: what a browser asks of another origin is no matter of
 * the stream, and is tested by itself.
 */
export const nodePlatform = (origin: string, fetch: HubPlatform['fetch']): HubPlatform => ({
  ...linkPlatform(),
  // What the judge waits for must not keep the process from its end.
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  random: Math.random,
  origin,
  // So that failed requests are not made again to find out whether another origin refuses them.
  isOnline: () => false,
  protocolOf: () => '',
  fetch,
  turn: () => new Promise((resolve) => setImmediate(resolve)),
})
