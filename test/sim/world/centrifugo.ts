import { setMaxListeners } from 'node:events'
import type { SourceRequest } from '../../../src/link/protocol.ts'
import { centrifugo } from '../../../src/topics/engines.ts'
import type { Agent } from './agent.ts'
import { Incoming } from './incoming.ts'
import { type ServedEvent, type ServerOptions, VirtualServer } from './server.ts'
import { TOPICS_SOURCE } from './topics.ts'

/** What a server does that speaks Centrifugo's protocol. */
export interface CentrifugoManners {
  /** How many of the latest publications of a channel it keeps; nothing where that is all. */
  readonly keeps?: number | undefined
  /** After a restart all channels are counted anew. */
  readonly isRenewed: boolean
  /** This channel has no history, and no offsets. */
  readonly loose?: string | undefined
  /** For so long, in ms, a publication of one channel may lie behind those of others at most. */
  readonly lag: number
}

const ENGINE = centrifugo()

export const CENTRIFUGO_GAPS = ENGINE.gaps

/** What pages ask for whose servers speak that protocol. */
export const CENTRIFUGO_SOURCE: SourceRequest = { ...TOPICS_SOURCE, options: JSON.stringify(ENGINE) }

/** What a client asks of a channel. */
export interface Asked {
  readonly recover?: boolean
  readonly epoch?: string
  readonly offset?: number
}

/** What a server answers to that: of a channel that can recover, its publications that are still there. */
export function subscribed<Publication extends { readonly offset: number }>(
  { recover = false, epoch: known = '', offset = 0 }: Asked,
  epoch: string,
  top: number,
  history: readonly Publication[],
) {
  const sub = { recoverable: true, positioned: true, epoch }
  // What is zero, empty or false is left out.
  const end = { ...sub, ...(top > 0 && { offset: top }) }
  if (!recover) return end
  const missed = history.filter((one) => one.offset > offset)
  const isWhole = missed.length === 0 ? top === offset : missed[0]?.offset === offset + 1
  if ((known !== '' && known !== epoch) || !isWhole) return { ...end, was_recovering: true }
  return {
    ...sub,
    recovered: true,
    was_recovering: true,
    ...(offset > 0 && { offset }),
    ...(missed.length > 0 && { publications: missed }),
  }
}

interface Publication {
  readonly event: ServedEvent
  readonly offset: number
}

/** A virtual server that keeps a history for each channel. */
export class CentrifugoServer extends VirtualServer {
  readonly #options: ServerOptions
  readonly #manners: CentrifugoManners
  readonly #open = new Map<Incoming, Agent>()
  /** How many events there were before the present epoch. */
  #start = 0
  #epoch = 1
  #hasLost = false

  constructor(options: ServerOptions, manners: CentrifugoManners) {
    super(options)
    this.#options = options
    this.#manners = manners
  }

  override get connections(): number {
    return this.#open.size
  }

  override connectionsOf(reader: string): number {
    return [...this.#open.values()].filter(({ name }) => name === reader).length
  }

  override get isFaithful(): boolean {
    return !this.#hasLost && this.#manners.loose === undefined
  }

  override keeps({ name }: ServedEvent): boolean {
    return name !== this.#manners.loose
  }

  override send(name: string): ServedEvent {
    const number = this.events.length + 1
    const data = `${this.name} ${number}`
    const event = { number, name, id: undefined, data, isLate: false, isTwice: false }
    this.events.push(event)
    const message = { channel: name, pub: this.#published(event, this.#top(name)) }
    for (const connection of this.#open.keys())
      if (connection.wants(name)) this.#publish(connection, name, message, event)
    return event
  }

  override heartbeat(): void {
    for (const connection of this.#open.keys()) this.#write(connection, {})
  }

  override restart(): void {
    if (this.#manners.isRenewed && this.events.length > this.#start) {
      this.#start = this.events.length
      this.#epoch++
      this.#hasLost = true
    }
    this.cut(new TypeError('network error'))
  }

  override cut(error?: Error): void {
    this.cutAt = this.#options.now()
    for (const connection of this.#open.keys()) connection.end(error)
  }

  override fetch(agent: Agent, init: RequestInit, url = this.url): Promise<Response> {
    return new Promise((resolve, reject) => {
      const signal = init.signal as AbortSignal
      setMaxListeners(0, signal)
      signal.addEventListener('abort', () => reject(signal.reason))
      agent.schedule(this.#options.latency(), () => {
        if (signal.aborted) return
        const connect = new URL(url).searchParams.get('cf_connect') ?? String(init.body)
        this.requests.push(connect)
        if (this.refuseWith !== undefined) {
          reject(new TypeError('network error'))
          return
        }
        const body = this.#connect(agent, signal, JSON.parse(connect).subs)
        const headers = new Headers({ 'Content-Type': 'text/event-stream; charset=utf-8' })
        resolve({ status: 200, url: this.url, headers, body } as unknown as Response)
      })
    })
  }

  #connect(agent: Agent, signal: AbortSignal, asked: Readonly<Record<string, Asked>>): unknown {
    const { latency, now } = this.#options
    const channels = new Set(Object.keys(asked))
    const connection = new Incoming(agent, latency, now, JSON.stringify(asked), channels)
    this.#open.set(connection, agent)
    this.allConnections.push(connection)
    this.peak = Math.max(this.peak, this.#open.size)
    this.onOpen(agent.name)
    const gone = () => this.#open.delete(connection)
    connection.onEnd = gone
    agent.onDeath(gone)
    signal.addEventListener('abort', () => {
      connection.isReadThrough = true
      connection.end(signal.reason)
    })
    const subs = [...channels].map((name) => [name, this.#subscribe(name, asked[name] ?? {})])
    this.#write(connection, { connect: { client: agent.name, subs: Object.fromEntries(subs) } })
    return { getReader: () => connection, cancel: async () => connection.end() }
  }

  #subscribe(name: string, asked: Asked): object {
    if (name === this.#manners.loose) return {}
    const history = this.#history(name).map(({ event, offset }) => ({ data: event.data, offset }))
    const sub = subscribed(asked, `e${this.#epoch}`, this.#top(name), history)
    if (asked.recover && !('recovered' in sub)) this.#hasLost = true
    return sub
  }

  #published({ name, data }: ServedEvent, offset: number): object {
    return name === this.#manners.loose ? { data } : { data, offset }
  }

  #of(name: string): readonly ServedEvent[] {
    return this.events.slice(this.#start).filter((event) => event.name === name)
  }

  #top(name: string): number {
    return this.#of(name).length
  }

  #history(name: string): readonly Publication[] {
    const all = this.#of(name).map((event, index) => ({ event, offset: index + 1 }))
    return this.#manners.keeps === undefined ? all : all.slice(-this.#manners.keeps)
  }

  readonly #due = new WeakMap<Incoming, Map<string, number>>()

  /** Each connection is given the channels in an order of its own. */
  #publish(connection: Incoming, name: string, message: object, { number, data }: ServedEvent): void {
    const { now, split } = this.#options
    const due = this.#due.get(connection) ?? new Map<string, number>()
    this.#due.set(connection, due)
    const { lag } = this.#manners
    const at = Math.max(due.get(name) ?? 0, now() + (lag > 0 ? (split?.(lag) ?? 0) : 0))
    due.set(name, at)
    const looks = JSON.stringify([name, data, ''])
    const written = { number, looks, looksWithoutId: looks, id: undefined, at, hasArrived: false }
    const write = () => {
      if (connection.isEnded) return
      connection.writings.push(written)
      this.#write(connection, message, () => {
        written.hasArrived = true
      })
    }
    if (at === now()) write()
    else this.#open.get(connection)?.schedule(at - now(), write)
  }

  #write(connection: Incoming, message: object, arrived?: () => void): void {
    const bytes = new TextEncoder().encode(`data: ${JSON.stringify(message)}\n\n`)
    for (let at = 0; at < bytes.length; ) {
      const length = Math.max(1, this.#options.split?.(bytes.length - at) ?? bytes.length - at)
      const isLast = at + length >= bytes.length
      connection.push(bytes.slice(at, at + length), isLast ? arrived : undefined)
      at += length
    }
  }
}
