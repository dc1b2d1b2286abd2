import { hubPlatform } from '../../worker/platform.ts'
import type { Host } from '../link/host.ts'
import { directHost } from './direct.ts'
import { frameFetch } from './frame-fetch.ts'
import { LeaderHost } from './leader.ts'
import type { PagePlatform } from './platform.ts'

// What a page needs where it has no SharedWorker: the hub itself, in a file of its own.

export const hostDirectly = (page: PagePlatform): Host => directHost({ ...hubPlatform(), ...page })

/** @param dropped called for each message that makes no sense */
export const hostByLeader = (page: PagePlatform, namespace: string, dropped: () => void): Host => {
  // Only where pages are told that they are frozen can a leader end its connections in time.
  const openFetch = 'onfreeze' in (globalThis.document ?? {}) ? frameFetch : undefined
  return new LeaderHost({ ...hubPlatform(), ...page, openFetch }, namespace, dropped)
}
