import { hubPlatform } from '../../worker/platform.ts'
import type { Host } from '../link/host.ts'
import { directHost } from './direct.ts'
import { frameFetch } from './frame-fetch.ts'
import { LeaderHost } from './leader.ts'
import type { PagePlatform } from './platform.ts'

// What a page without a SharedWorker needs: the hub itself, in a separate file.

export const hostDirectly = (page: PagePlatform): Host => directHost({ ...hubPlatform(), ...page })

/** @param dropped called for each malformed message */
export const hostByLeader = (page: PagePlatform, namespace: string, dropped: () => void): Host => {
  // A leader can close its connections in time only if the browser tells pages that they will be frozen.
  const openFetch = 'onfreeze' in (globalThis.document ?? {}) ? frameFetch : undefined
  return new LeaderHost({ ...hubPlatform(), ...page, openFetch }, namespace, dropped)
}
