import type { Locks } from '../../../worker/platform.ts'
import type { Agent } from './agent.ts'

interface LockRequest {
  readonly agent: Agent
  readonly grant: () => void
}

/** A virtual LockManager: exclusive locks, first come first served, released by their holder's death. */
export class VirtualLocks {
  readonly #queues = new Map<string, LockRequest[]>()

  /** Locks held now, for a check that none dangles. */
  held(): string[] {
    return [...this.#queues.keys()]
  }

  for(agent: Agent): Locks {
    return {
      request: (name, { signal }, granted) =>
        new Promise((resolve, reject) => {
          let isGranted = false
          const request: LockRequest = {
            agent,
            grant: () => {
              isGranted = true
              agent.schedule(0, () => {
                granted()
                  .finally(() => this.#leave(name, request))
                  .then(resolve, reject)
              })
            },
          }
          const queue = this.#queues.get(name) ?? []
          this.#queues.set(name, queue)
          queue.push(request)
          agent.onDeath(() => this.#leave(name, request))
          signal?.addEventListener('abort', () => {
            if (isGranted) return
            this.#leave(name, request)
            reject(signal.reason)
          })
          if (queue.length === 1) request.grant()
        }),
    }
  }

  #leave(name: string, request: LockRequest): void {
    const queue = this.#queues.get(name)
    const index = queue?.indexOf(request) ?? -1
    if (queue === undefined || index < 0) return
    queue.splice(index, 1)
    if (queue.length === 0) this.#queues.delete(name)
    else if (index === 0) queue[0]?.grant()
  }
}
