import type { LinkEndpoint } from '../../../src/link/endpoint.ts'
import type { Agent } from './agent.ts'
import type { Delay } from './link.ts'

/** The BroadcastChannels of a virtual browser profile. */
export class VirtualChannels {
  readonly #open = new Map<string, Set<VirtualChannel>>()

  open(agent: Agent, name: string, delay: Delay, now: () => number): LinkEndpoint {
    const channels = this.#open.get(name) ?? new Set()
    this.#open.set(name, channels)
    const channel = new VirtualChannel(agent, channels, delay, now)
    channels.add(channel)
    return channel
  }

  /** Writes to every channel of this name as some script of the origin might. */
  inject(name: string, message: unknown): void {
    for (const channel of this.#open.get(name) ?? []) channel.carry(undefined, message)
  }

  /** Names of the channels that are open in living agents. */
  names(): string[] {
    return [...this.#open]
      .filter(([, channels]) => [...channels].some(({ agent }) => agent.isAlive))
      .map(([name]) => name)
  }
}

/** Each message reaches every other channel of the same name after a delay of its own; those of one sender stay in order. */
class VirtualChannel implements LinkEndpoint {
  readonly agent: Agent
  readonly #others: Set<VirtualChannel>
  readonly #delay: Delay
  readonly #now: () => number
  readonly #listeners = new Set<(event: MessageEvent) => void>()
  readonly #lastArrivals = new Map<VirtualChannel | undefined, number>()

  constructor(agent: Agent, others: Set<VirtualChannel>, delay: Delay, now: () => number) {
    this.agent = agent
    this.#others = others
    this.#delay = delay
    this.#now = now
  }

  postMessage(message: unknown): void {
    if (!this.#others.has(this)) throw new DOMException('the channel is closed', 'InvalidStateError')
    if (!this.agent.isAlive) return
    for (const other of this.#others) if (other !== this) other.carry(this, structuredClone(message))
  }

  addEventListener(_type: string, listener: unknown): void {
    this.#listeners.add(listener as (event: MessageEvent) => void)
  }

  removeEventListener(_type: string, listener: unknown): void {
    this.#listeners.delete(listener as (event: MessageEvent) => void)
  }

  close(): void {
    this.#others.delete(this)
  }

  carry(sender: VirtualChannel | undefined, message: unknown): void {
    const arrival = Math.max(this.#lastArrivals.get(sender) ?? 0, this.#now() + this.#delay())
    this.#lastArrivals.set(sender, arrival)
    this.agent.schedule(arrival - this.#now(), () => {
      if (!this.#others.has(this)) return
      for (const listener of [...this.#listeners]) listener({ data: message, origin: '' } as MessageEvent)
    })
  }
}
