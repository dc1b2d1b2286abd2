import type { Locks } from '../../../worker/platform.ts'
import type { Agent } from './agent.ts'

interface LockRequest {
  readonly isShared: boolean
  isGranted: boolean
  readonly grant: () => void
}

/** A virtual LockManager: first come first served; a holder's death releases what it held. */
export class VirtualLocks {
  readonly #queues = new Map<string, LockRequest[]>()

  /** Locks held or asked for now, for a check that none dangles. */
  names(): string[] {
    return [...this.#queues.keys()]
  }

  for(agent: Agent): Locks {
    return {
      request: (name, { mode, signal }, granted) =>
        new Promise((resolve, reject) => {
          if (!agent.isAlive) return
          const request: LockRequest = {
            isShared: mode === 'shared',
            isGranted: false,
            grant: () => {
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
            if (request.isGranted) return
            this.#leave(name, request)
            reject(signal.reason)
          })
          this.#grant(queue)
        }),
    }
  }

  #leave(name: string, request: LockRequest): void {
    const queue = this.#queues.get(name)
    const index = queue?.indexOf(request) ?? -1
    if (queue === undefined || index < 0) return
    queue.splice(index, 1)
    if (queue.length === 0) this.#queues.delete(name)
    else this.#grant(queue)
  }

  /** [spec] https://w3c.github.io/web-locks/#lock-concept: exclusive alone, shared together, nobody overtakes. */
  #grant(queue: readonly LockRequest[]): void {
    for (const [index, request] of queue.entries()) {
      if (index > 0 && !(request.isShared && queue[index - 1]?.isShared)) return
      if (request.isGranted) continue
      request.isGranted = true
      request.grant()
    }
  }
}
