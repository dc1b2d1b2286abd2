import { PROTOCOL_VERSION } from '../protocol.ts'
import type { Host } from './host.ts'

/**
 * The hub in a SharedWorker.
 *
 * @param url the worker script, where bundlers do not find it by themselves
 * @param namespace keeps apps on one origin apart
 */
export const sharedWorkerHost = (url: string | URL | undefined, namespace: string): Host => ({
  name: 'shared-worker',
  open(generation, refused) {
    if (typeof SharedWorker === 'undefined') throw new Error('this context has no SharedWorker')
    // Different versions or namespaces must not meet in one worker.
    const name = `tabstream/${PROTOCOL_VERSION}/${namespace}/${generation}`
    // Bundlers recognise this very expression; a variable in it would hide the worker from them.
    const worker =
      url === undefined
        ? new SharedWorker(new URL('./worker.js', import.meta.url), /* @vite-ignore */ { name })
        : new SharedWorker(url, { name })
    worker.addEventListener('error', () => {
      refused(`the worker script ${url ?? 'worker.js'} could not be loaded or run`)
    })
    return worker.port
  },
})
