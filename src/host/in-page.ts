import { hubPlatform } from '../../worker/platform.ts'
import type { Host, HostName } from '../link/host.ts'
import { directHost } from './direct.ts'
import { frameFetch } from './frame-fetch.ts'
import { LeaderHost } from './leader.ts'
import type { PagePlatform } from './platform.ts'
import { remedyFor, WorkerFailure } from './worker-failure.ts'

// What a page without a SharedWorker needs: the hub itself, in a separate file.

interface Options {
  readonly host?: 'auto' | HostName
  readonly worker?: unknown
  readonly namespace?: string
}

/** What takes the place of a SharedWorker. */
interface Substitutes {
  readonly leader: Host
  readonly direct: Host
  /** Asks other pages whether the worker's script has failed there, and calls `failed` if it has. */
  ask(failed: () => void): void
}

let made: Substitutes | undefined

/**
 * The page's substitutes, made at the first call.
 *
 * @param dropped called for each malformed message
 */
export const substitutes = (...given: Parameters<typeof make>): Substitutes => {
  made ??= make(...given)
  return made
}

function make(
  page: PagePlatform,
  { host: wanted = 'auto', worker, namespace = '' }: Options,
  dropped: () => void,
): Substitutes {
  // A leader can close its connections in time only if the browser tells pages that they will be frozen.
  const openFetch = 'onfreeze' in (globalThis.document ?? {}) ? frameFetch : undefined
  const failure = new WorkerFailure(() => page.openChannel?.(`tabstream/worker/${worker ?? ''}`))
  globalThis.addEventListener?.('pagehide', () => failure.leave())
  /** It comes to a substitute where the worker has failed, unless that is what was wanted. */
  const substitute = (host: Host): Host => {
    return {
      name: host.name,
      open: (...link) => {
        if (wanted === 'auto') failure.tell()
        return host.open(...link)
      },
      /** Says also what to do where it is the worker's script that has failed. */
      warning: (reasons) => `${host.warning?.(reasons)}${remedyFor(worker, reasons)}`,
      isHere: () => host.isHere?.() ?? false,
      leave: () => host.leave?.(),
    }
  }
  return {
    leader: substitute(new LeaderHost({ ...hubPlatform(), ...page, openFetch }, namespace, dropped)),
    direct: substitute(directHost({ ...hubPlatform(), ...page })),
    ask: (failed) => failure.ask(failed),
  }
}
