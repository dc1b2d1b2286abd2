import type { LinkEndpoint } from '../../../src/link/endpoint.ts'
import type { Agent } from './agent.ts'

/** Milliseconds a message takes; drawn anew for each. */
export type Delay = () => number

/** One end of a virtual MessageChannel: first in, first out, with delays. */
class VirtualPort implements LinkEndpoint {
  readonly #agent: Agent
  readonly #delay: Delay
  readonly #now: () => number
  readonly #listeners = new Set<(event: MessageEvent) => void>()
  #peer: VirtualPort | undefined
  #isStarted = false
  #isClosed = false
  #queue: unknown[] = []
  #lastArrival = 0

  constructor(agent: Agent, delay: Delay, now: () => number) {
    this.#agent = agent
    this.#delay = delay
    this.#now = now
  }

  connect(peer: VirtualPort): void {
    this.#peer = peer
  }

  postMessage(message: unknown): void {
    if (this.#isClosed || !this.#agent.isAlive) return
    this.#peer?.carry(structuredClone(message))
  }

  addEventListener(_type: string, listener: unknown): void {
    this.#listeners.add(listener as (event: MessageEvent) => void)
  }

  removeEventListener(_type: string, listener: unknown): void {
    this.#listeners.delete(listener as (event: MessageEvent) => void)
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    for (const message of this.#queue.splice(0)) this.#dispatch(message)
  }

  close(): void {
    this.#isClosed = true
  }

  carry(message: unknown): void {
    this.#lastArrival = Math.max(this.#lastArrival, this.#now() + this.#delay())
    this.#agent.schedule(this.#lastArrival - this.#now(), () => {
      if (this.#isStarted) this.#dispatch(message)
      else this.#queue.push(message)
    })
  }

  #dispatch(message: unknown): void {
    this.#agent.schedule(0, () => {
      if (this.#isClosed) return
      for (const listener of [...this.#listeners]) listener({ data: message, origin: '' } as MessageEvent)
    })
  }
}

/** A link between two agents, one port for each. */
export function createLink(
  [one, other]: [Agent, Agent],
  delay: Delay,
  now: () => number,
): { port1: LinkEndpoint; port2: LinkEndpoint } {
  const port1 = new VirtualPort(one, delay, now)
  const port2 = new VirtualPort(other, delay, now)
  port1.connect(port2)
  port2.connect(port1)
  return { port1, port2 }
}
