import { hubPlatform } from '../../worker/platform.ts'
import type { Host } from '../link/host.ts'
import { directHost } from './direct.ts'
import { frameFetch } from './frame-fetch.ts'
import { LeaderHost } from './leader.ts'
import type { PagePlatform } from './platform.ts'
import { remedyFor, WorkerFailure } from './worker-failure.ts'

// What a page without a SharedWorker needs: the hub itself, in a separate file.

interface Options {
  readonly worker?: unknown
  readonly namespace?: string
}

/** What takes the place of a SharedWorker. */
interface Substitutes {
  readonly leader: Host
  readonly direct: Host
  /**
   * Tells other pages that the worker's script has failed, or asks them.
   *
   * @param heard called if it has
   */
  share(hasFailed: boolean, heard: () => void): void
}

/** @param dropped called for each malformed message */
export function substitutes(
  page: PagePlatform,
  { worker, namespace = '' }: Options,
  dropped: () => void,
): Substitutes {
  // A leader can close its connections in time only if the browser tells pages that they will be frozen.
  const openFetch = 'onfreeze' in (globalThis.document ?? {}) ? frameFetch : undefined
  const failure = new WorkerFailure(() => page.openChannel?.(`tabstream/worker/${worker ?? ''}`))
  globalThis.addEventListener?.('pagehide', () => failure.leave())
  return {
    leader: advising(new LeaderHost({ ...hubPlatform(), ...page, openFetch }, namespace, dropped), worker),
    direct: advising(directHost({ ...hubPlatform(), ...page }), worker),
    share: (hasFailed, heard) => failure.share(hasFailed, heard),
  }
}

/** Says also what to do where it is the worker's script that has failed. */
function advising(host: Host, worker: unknown): Host {
  const warning = host.warning?.bind(host)
  return Object.assign(host, {
    warning: (reasons: string) =>
      `${warning?.(reasons)}${reasons.includes('worker script') ? remedyFor(worker) : ''}`,
  })
}
