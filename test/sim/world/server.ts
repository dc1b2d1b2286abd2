import { setMaxListeners } from 'node:events'
import type { StreamRequest } from '../../../src/link/protocol.ts'
import type { Agent } from './agent.ts'

/** How a server treats `Last-Event-ID`. */
export type ServerKind =
  /** Replays what came after the ID. */
  | 'strict'
  /** Replays from the ID on, the event itself included. */
  | 'inclusive'
  /** Keeps a few events; replays all of them where it has forgotten the ID. */
  | 'forgetful'
  /** Like `forgetful`, and says so in the `Last-Event-ID` header of its answer, as Mercure does. */
  | 'candid'
  /** Never replays. */
  | 'ignoring'
  /** Replays everything, always. */
  | 'repeating'
  /** Sends no IDs. */
  | 'without-ids'
  /** Sends an ID with every third event only, and keeps them all. */
  | 'sparse'
  /** Sends an ID with every third event only, and keeps only those. */
  | 'sparse-ephemeral'
  /** The same ID on three events in a row; replays what came after the last of them. */
  | 'grouped'

export interface ServedEvent {
  /** Place in the server's order; its data is the server's name and this. */
  readonly number: number
  readonly name: string
  readonly id: string | undefined
}

const FORGETFUL_LIMIT = 12

interface Connection {
  /** Resumed nothing and has brought no ID yet. */
  isFresh: boolean
  push(bytes: Uint8Array): void
  /** Ends the response after what has arrived so far. */
  end(error?: Error): void
}

/** A virtual event stream server. */
export class VirtualServer {
  readonly kind: ServerKind
  readonly url: string
  readonly credentials: StreamRequest['credentials']
  readonly events: ServedEvent[] = []
  /** The `Last-Event-ID` of each request, `''` where it had none. */
  readonly requests: string[] = []
  /** The highest number of connections at one time. */
  peak = 0
  /** What the next requests are answered with instead of a stream. */
  refuseWith: { status: number; contentType: string } | 'network error' | undefined
  /** First events with an ID on connections that resumed nothing: no earlier ID can be asked for. */
  readonly #firsts = new Set<ServedEvent>()
  /** Resumptions from such an event. */
  readonly #takenAtItsWord: { after: number; upTo: number }[] = []
  readonly #connections = new Set<Connection>()
  readonly #latency: () => number
  readonly #now: () => number
  /** Splits what is written into chunks. */
  readonly #split: (length: number) => number

  constructor(options: {
    url: string
    credentials?: StreamRequest['credentials']
    kind: ServerKind
    latency: () => number
    now: () => number
    split?: (length: number) => number
  }) {
    this.url = options.url
    this.credentials = options.credentials ?? 'same-origin'
    this.kind = options.kind
    this.#latency = options.latency
    this.#now = options.now
    this.#split = options.split ?? ((length) => length)
  }

  /** As its events' data names it: the URL, which two servers may share. */
  get name(): string {
    return this.credentials === 'include' ? `${this.url}?credentials` : this.url
  }

  get connections(): number {
    return this.#connections.size
  }

  send(name: string): ServedEvent {
    const number = this.events.length + 1
    const event = { number, name, id: this.#idFor(number) }
    this.events.push(event)
    for (const connection of this.#connections) this.#writeEvent(connection, event)
    return event
  }

  /** Whether an event fell between two connections where a client had no earlier ID to ask for. */
  wasTakenAtItsWord(number: number): boolean {
    return this.#takenAtItsWord.some(({ after, upTo }) => number > after && number <= upTo)
  }

  /** Whether a client may have known no earlier ID than this. */
  isFirstId(id: string): boolean {
    return [...this.#firsts].some((first) => first.id === id)
  }

  /** Writes as it is, for what no well-behaved server sends. */
  write(text: string): void {
    for (const connection of this.#connections) this.#write(connection, text)
  }

  /** Ends every connection: cleanly, or with an error and somewhere within what is on its way. */
  cut(error?: Error): void {
    for (const connection of this.#connections) connection.end(error)
  }

  /** Answers a request that the agent makes. */
  fetch(agent: Agent, init: RequestInit): Promise<Response> {
    return new Promise((resolve, reject) => {
      const signal = init.signal as AbortSignal
      setMaxListeners(0, signal)
      signal.addEventListener('abort', () => reject(signal.reason))
      agent.schedule(this.#latency(), () => {
        if (signal.aborted) return
        const lastEventId = (init.headers as Record<string, string>)['Last-Event-ID'] ?? ''
        this.requests.push(lastEventId)
        if (this.refuseWith === 'network error') return reject(new TypeError('network error'))
        const { status, contentType } = this.refuseWith ?? { status: 200, contentType: 'text/event-stream' }
        const body = this.refuseWith === undefined ? this.#open(agent, signal, lastEventId) : emptyBody
        resolve({
          status,
          url: this.url,
          headers: new Headers({ 'Content-Type': contentType, ...this.#resumedAfter(lastEventId) }),
          body,
        } as unknown as Response)
      })
    })
  }

  #open(agent: Agent, signal: AbortSignal, lastEventId: string): unknown {
    const incoming = new Incoming(agent, this.#latency, this.#now)
    this.#connections.add(incoming)
    this.peak = Math.max(this.peak, this.#connections.size)
    const gone = () => this.#connections.delete(incoming)
    incoming.onEnd = gone
    agent.onDeath(gone)
    signal.addEventListener('abort', () => incoming.end(signal.reason))
    this.#write(incoming, 'retry: 100\n\n')
    incoming.isFresh = lastEventId === ''
    for (const first of this.#firsts) {
      if (first.id === lastEventId)
        this.#takenAtItsWord.push({ after: first.number, upTo: this.events.length })
    }
    for (const event of this.#replay(lastEventId)) this.#writeEvent(incoming, event)
    return { getReader: () => incoming, cancel: async () => incoming.end() }
  }

  #writeEvent(connection: Connection, event: ServedEvent): void {
    if (connection.isFresh && event.id !== undefined) {
      connection.isFresh = false
      this.#firsts.add(event)
    }
    this.#write(connection, this.#textOf(event))
  }

  #write(connection: Connection, text: string): void {
    const bytes = new TextEncoder().encode(text)
    for (let at = 0; at < bytes.length; ) {
      const length = Math.max(1, this.#split(bytes.length - at))
      connection.push(bytes.slice(at, at + length))
      at += length
    }
  }

  #textOf({ number, name, id }: ServedEvent): string {
    return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${this.name} ${number}\n\n`
  }

  #idFor(number: number): string | undefined {
    switch (this.kind) {
      case 'without-ids':
        return undefined
      case 'sparse':
      case 'sparse-ephemeral':
        return number % 3 === 1 ? `id-${number}` : undefined
      case 'grouped':
        return `group-${Math.ceil(number / 3)}`
      default:
        return `id-${number}`
    }
  }

  #resumedAfter(lastEventId: string): Record<string, string> {
    if (this.kind !== 'candid' || lastEventId === '') return {}
    return { 'Last-Event-ID': this.#kept().some(({ id }) => id === lastEventId) ? lastEventId : 'earliest' }
  }

  #replay(lastEventId: string): ServedEvent[] {
    const kept = this.#kept()
    if (this.kind === 'repeating') return kept
    if (lastEventId === '' || this.kind === 'ignoring' || this.kind === 'without-ids') return []
    const at = kept.findLastIndex(({ id }) => id === lastEventId)
    if (at < 0) return this.#isForgetful ? kept : []
    return kept.slice(this.kind === 'inclusive' ? at : at + 1)
  }

  get #isForgetful(): boolean {
    return this.kind === 'forgetful' || this.kind === 'candid'
  }

  #kept(): ServedEvent[] {
    if (this.#isForgetful) return this.events.slice(-FORGETFUL_LIMIT)
    if (this.kind === 'sparse-ephemeral') return this.events.filter(({ id }) => id !== undefined)
    return this.events
  }
}

const emptyBody = { cancel: async () => {} }

/** The client's end of a connection: a reader whose chunks arrive in virtual time. */
class Incoming implements Connection {
  isFresh = false
  readonly #agent: Agent
  onEnd: () => void = () => {}
  readonly #latency: () => number
  readonly #now: () => number
  readonly #chunks: Uint8Array[] = []
  #waiting: { resolve: (result: unknown) => void; reject: (error: unknown) => void } | undefined
  #lastArrival = 0
  #isEnded = false
  #error: Error | undefined

  constructor(agent: Agent, latency: () => number, now: () => number) {
    this.#agent = agent
    this.#latency = latency
    this.#now = now
  }

  push(bytes: Uint8Array): void {
    this.#lastArrival = Math.max(this.#lastArrival, this.#now() + this.#latency())
    this.#agent.schedule(this.#lastArrival - this.#now(), () => {
      if (this.#isEnded) return
      this.#chunks.push(bytes)
      this.#serve()
    })
  }

  end(error?: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#error = error
    this.onEnd()
    this.#agent.schedule(0, () => this.#serve())
  }

  async cancel(): Promise<void> {
    this.end()
  }

  read(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#serve()
    })
  }

  #serve(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    const chunk = this.#chunks.shift()
    if (chunk === undefined && !this.#isEnded) return
    this.#waiting = undefined
    if (chunk !== undefined) waiting.resolve({ done: false, value: chunk })
    else if (this.#error !== undefined) waiting.reject(this.#error)
    else waiting.resolve({ done: true, value: undefined })
  }
}
