import type { Host } from '../link/host.ts'
import { PROTOCOL_VERSION } from '../link/protocol.ts'

interface SharedWorkerOptions {
  /** URL of the worker's script; an object is left as it is, for Trusted Types look at it. */
  readonly worker?: string | URL | { toJSON(): string }
  readonly namespace?: string
  /** True if the worker outlives its last page for a moment. */
  readonly keepAlive?: boolean | 'public'
}

/**
 * Runs the hub in a SharedWorker.
 *
 * @param ask asks other pages whether the script has failed there, and calls `failed` if it has
 */
export const sharedWorkerHost = (
  { worker: url, namespace = '', keepAlive = false }: SharedWorkerOptions,
  ask: (failed: () => void) => void,
): Host => {
  return {
    name: 'shared-worker',
    open(generation, { refused }, attempt = 1) {
      if (typeof SharedWorker === 'undefined') throw new Error('this context has no SharedWorker')
      // Pages that differ in any of these must not share a worker. With `extendedLifetime`, that is an error.
      const life = keepAlive ? 'kept' : 'plain'
      const name = `tabstream/${PROTOCOL_VERSION}/${life}/${generation}/${namespace}`
      const extendedLifetime = keepAlive !== false
      // Bundlers recognise exactly this expression. With a variable as the URL, they would miss the worker. Vite reads the
      // options: where a minifier has taken the comment away, it accepts an object as it stands, but no variable.
      const worker =
        url === undefined
          ? new SharedWorker(
              new URL('./worker.js', import.meta.url),
              /* @vite-ignore */ { name, extendedLifetime } as WorkerOptions,
            )
          : new SharedWorker(url as URL, { name, extendedLifetime } as WorkerOptions)
      const fail = () => refused(`the worker script ${url ?? 'worker.js'} could not be loaded or run`)
      worker.addEventListener('error', fail)
      if (attempt > 1) ask(fail)
      return worker.port
    },
  }
}
