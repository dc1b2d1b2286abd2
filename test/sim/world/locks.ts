import type { Locks } from '../../../src/link/platform.ts'
import type { Agent } from './agent.ts'
import type { Delay } from './link.ts'

interface LockRequest {
  readonly isShared: boolean
  isGranted: boolean
  forget?: () => void
  readonly grant: () => void
  readonly lose: () => void
}

/** A virtual LockManager: first come first served; a holder's death releases what it held. */
export class VirtualLocks {
  readonly #queues = new Map<string, LockRequest[]>()
  readonly #delay: Delay

  /** @param delay how long it takes until one who is granted a lock, or has lost it, is told */
  constructor(delay: Delay) {
    this.#delay = delay
  }

  /** Locks held or asked for now, for a check that none dangles. */
  names(): string[] {
    return [...this.#queues.keys()]
  }

  for(agent: Agent): Locks {
    return {
      query: () =>
        new Promise((resolve) => {
          agent.schedule(this.#delay(), () => {
            const held = [...this.#queues].flatMap(([name, queue]) =>
              queue.filter(({ isGranted }) => isGranted).map(() => ({ name })),
            )
            agent.schedule(this.#delay(), () => resolve({ held }))
          })
        }),
      request: (name, { mode, signal, steal }, granted) =>
        new Promise((resolve, reject) => {
          if (!agent.isAlive) return
          const request: LockRequest = {
            isShared: mode === 'shared',
            isGranted: false,
            grant: () => {
              agent.schedule(this.#delay(), () => {
                granted()
                  .finally(() => this.#leave(name, request))
                  .then(resolve, reject)
              })
            },
            lose: () => {
              agent.schedule(this.#delay(), () =>
                reject(new DOMException('the lock was stolen', 'AbortError')),
              )
            },
          }
          const queue = this.#queues.get(name) ?? []
          this.#queues.set(name, queue)
          if (steal) this.#steal(queue, request)
          else queue.push(request)
          request.forget = agent.onDeath(() => this.#leave(name, request))
          signal?.addEventListener('abort', () => {
            if (request.isGranted) return
            this.#leave(name, request)
            reject(signal.reason)
          })
          this.#grant(queue)
        }),
    }
  }

  /** Takes the lock from whoever holds it, and overtakes all who wait. */
  #steal(queue: LockRequest[], thief: LockRequest): void {
    const holders = queue.filter(({ isGranted }) => isGranted)
    queue.splice(0, holders.length, thief)
    for (const { lose } of holders) lose()
  }

  #leave(name: string, request: LockRequest): void {
    const queue = this.#queues.get(name)
    const index = queue?.indexOf(request) ?? -1
    if (queue === undefined || index < 0) return
    queue.splice(index, 1)
    request.forget?.()
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
