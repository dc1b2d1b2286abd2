import type { Host } from '../link/host.ts'
import type { Client } from '../page/client.ts'
import type { Platform } from '../page/platform.ts'
import { frameFetch } from './frame-fetch.ts'
import { LeaderHost } from './leader.ts'

// What a page needs where it has no SharedWorker: the hub itself, in a file of its own.
export { directHost } from './direct.ts'

/** Only where pages are told that they are frozen can a leader end its connections in time. */
export const leaderHost = (platform: Platform, namespace: string, dropped: Client['dropped']): Host => {
  const openFetch = 'onfreeze' in (globalThis.document ?? {}) ? frameFetch : undefined
  return new LeaderHost({ ...platform, openFetch }, namespace, dropped)
}
