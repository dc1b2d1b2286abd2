import { setMaxListeners } from 'node:events'
import type { DurableOptions, LiveMode } from '../../../src/link/durable.ts'
import type { SourceRequest } from '../../../src/link/protocol.ts'
import * as durable from '../../../worker/source/durable.ts'
import type { ConnectionRequest, SourceModule } from '../../../worker/source/source.ts'
import type { Agent } from './agent.ts'
import { Incoming } from './incoming.ts'
import { type ServedEvent, type ServerOptions, VirtualServer } from './server.ts'

/** What a server of Durable Streams does, and what it is asked for. */
export interface DurableManners {
  readonly live: LiveMode
  /** Where the first page begins. */
  readonly offset: '-1' | 'now'
  /** How many of the latest messages it keeps; nothing where that is all. */
  readonly keeps?: number | undefined
  /** After a restart another stream is in the place of the former one. */
  readonly isReplaced: boolean
  /** What it answers to an offset that the stream has not reached. */
  readonly beyond: 'tail' | 'gone'
  /** The status with which it says that nothing has come. */
  readonly nothing: 204 | 200
  /** The status with which it refuses for a while; without one nobody reaches it. */
  readonly refusal?: 503 | 429 | undefined
}

const SCRIPT = 'https://dash.test/durable-source.js'

/** What pages ask for whose servers have Durable Streams. */
export function durableSource({ live, offset }: DurableManners): SourceRequest {
  const options: DurableOptions = { live, offset, frame: { name: '/type', data: '/value' } }
  return { script: SCRIPT, options: JSON.stringify(options) }
}

/** How long, in ms, a request waits for something new at most, and an event stream lasts. */
const LONGEST_WAIT = 3_000
const LONGEST_STREAM = 9_000

/** For so long, in ms, the offset of what an event stream has brought may follow it at most. */
const LONGEST_PAUSE = 400

/** Messages in a batch at most: all that is read at a time has to fit into the smallest log. */
const MOST = 8

/** Offsets have their order as texts. Those of two streams in the same place are alike. */
const offsetOf = (index: number): string => String(index).padStart(10, '0')

/** A request that has not been answered to its end. */
interface Open {
  readonly agent: Agent
  /** Without an error: in good order. */
  end(error?: Error): void
  /** Messages have been appended. */
  appended(): void
}

/** Where one reader stands: how many messages of which stream it has been sent. */
interface Standing {
  /** How many events there were before that stream. */
  readonly start: number
  readonly index: number
}

/** Events after one number, up to another. */
interface Stretch {
  readonly after: number
  readonly upTo: number
}

/** A virtual server with a Durable Stream. */
export class DurableServer extends VirtualServer {
  readonly #durable: DurableManners
  readonly #options: ServerOptions
  readonly #open = new Set<Open>()
  /** How many events there were before the present stream. */
  #start = 0
  #isBroken = false
  /** A hub knew no offset that was still there, so it could not know which messages it had had. */
  #hasLostPlaces = false
  /** The first message that a reader was given who asked for the beginning. */
  #beganAt: number | undefined
  /** By the name of the agent that reads. */
  readonly #standings = new Map<string, Standing>()
  /** Connections of hubs that have begun and have made no request yet. */
  readonly #beginnings = new Map<string, ConnectionRequest>()
  /** What no reader could notice. */
  readonly #unnoticed: Stretch[] = []

  constructor(options: ServerOptions, manners: DurableManners) {
    super(options)
    this.#options = options
    this.#durable = manners
  }

  override get connections(): number {
    return this.#open.size
  }

  override connectionsOf(reader: string): number {
    return [...this.#open].filter(({ agent }) => agent.name === reader).length
  }

  /** Between two requests there is none. */
  override get staysConnected(): boolean {
    return false
  }

  override mayBeginAgain(isOneHub: boolean): boolean {
    return !isOneHub || this.#hasLostPlaces
  }

  override get isFaithful(): boolean {
    return !this.#isBroken
  }

  /** The beginning may have moved, and nothing that is known could show that it has not. */
  override isFirstId(id: string): boolean {
    return id.includes('␟-1,')
  }

  override send(name: string): ServedEvent {
    const number = this.events.length + 1
    const data = `${this.name} ${number}`
    // An ID is made of where the reader has been.
    const event = { number, name, id: undefined, data, isLate: false, isTwice: false }
    this.events.push(event)
    for (const open of this.#open) open.appended()
    return event
  }

  override heartbeat(): void {}

  override keeps(): boolean {
    return true
  }

  override restart(): void {
    if (this.#durable.isReplaced && this.events.length > this.#start) {
      this.#start = this.events.length
      this.#isBroken = true
    }
    this.cut(new TypeError('network error'))
  }

  override cut(error?: Error): void {
    this.cutAt = this.#options.now()
    for (const open of this.#open) open.end(error)
  }

  override wasTakenAtItsWord(number: number): boolean {
    return this.#unnoticed.some(({ after, upTo }) => number > after && number <= upTo)
  }

  /** A hub's connection begins, with what it knows that should come. */
  begins(reader: string, connection: ConnectionRequest): void {
    this.#beginnings.set(reader, connection)
  }

  override fetch(agent: Agent, init: RequestInit, url = this.url): Promise<Response> {
    return new Promise((resolve, reject) => {
      const signal = init.signal as AbortSignal
      setMaxListeners(0, signal)
      signal.addEventListener('abort', () => reject(signal.reason))
      agent.schedule(this.#options.latency(), () => {
        if (signal.aborted) return
        const query = new URL(url).searchParams
        const offset = query.get('offset') ?? '-1'
        this.requests.push(offset)
        const answered = (status: number, standing?: Standing, body: unknown = null, isUpToDate = false) =>
          resolve({
            status,
            url: this.url,
            headers: headersOf(status, query, standing, isUpToDate),
            body,
          } as unknown as Response)
        if (this.refuseWith !== undefined) {
          const { refusal } = this.#durable
          if (refusal === undefined) reject(new TypeError('network error'))
          else answered(refusal)
          return
        }
        const length = this.#messages.length
        const index =
          offset === 'now' ? length : offset === '-1' ? this.#beginning(agent.name) : Number(offset)
        if (index < this.#earliest || (index > length && this.#durable.beyond === 'gone')) {
          this.#isBroken = true
          answered(410)
          return
        }
        const live = query.get('live')
        const asked = { agent, signal, index, isNamed: /^\d/.test(offset) }
        if (live === 'sse') answered(200, undefined, this.#stream(asked))
        else if (live === 'long-poll' && index >= length) this.#wait(asked, answered, reject)
        else this.#answer(asked, answered)
      })
    })
  }

  get #messages(): readonly ServedEvent[] {
    return this.events.slice(this.#start)
  }

  get #earliest(): number {
    const { keeps } = this.#durable
    return keeps === undefined ? 0 : Math.max(0, this.#messages.length - keeps)
  }

  /** Whoever begins again there where it has moved meanwhile misses something. */
  #beginning(reader: string): number {
    const earliest = this.#earliest
    const { resumeAfter = '', latest = [] } = this.#beginnings.get(reader) ?? {}
    const offsets = [resumeAfter, ...latest].map((id) => id.split(',')[0] ?? '')
    this.#hasLostPlaces ||= resumeAfter !== '' && offsets.every((offset) => Number(offset) < earliest)
    this.#isBroken ||= earliest > (this.#beganAt ?? earliest)
    this.#beganAt = earliest
    return earliest
  }

  /** The next messages, as many as the server likes to give at a time. */
  #batchFrom(index: number): readonly ServedEvent[] {
    const left = this.#messages.slice(index, index + MOST)
    return left.slice(0, left.length === 0 ? 0 : this.#upTo(left.length))
  }

  #upTo(most: number): number {
    return Math.max(1, this.#options.split?.(most) ?? most)
  }

  /** With what there is. */
  #answer({ agent, signal, index, isNamed }: Asked, answered: Answered): void {
    const length = this.#messages.length
    const batch = this.#batchFrom(index)
    const standing = this.#sent(agent, isNamed, Math.min(index, length), batch.length)
    const body = this.#body(agent, signal, String(index))
    this.#write(body, JSON.stringify(batch.map(messageOf)), batch)
    body.endWhenArrived()
    // It may leave it to the next answer to say so.
    const isUpToDate = standing.index >= length && (batch.length === 0 || this.#upTo(3) > 1)
    answered(200, standing, readable(body), isUpToDate)
  }

  /** Until something has come, or for a while. */
  #wait(asked: Asked, answered: Answered, reject: (error: unknown) => void): void {
    const { agent, signal, index, isNamed } = asked
    const open: Open = {
      agent,
      end: (error) => {
        if (!this.#open.delete(open)) return
        if (error === undefined) nothing()
        else reject(error)
      },
      appended: () => {
        if (this.#messages.length > index) agent.schedule(this.#options.latency(), answer)
      },
    }
    const nothing = () => {
      const standing = this.#sent(agent, isNamed, Math.min(index, this.#messages.length), 0)
      if (this.#durable.nothing === 204) return answered(204, standing, null, true)
      const body = this.#body(agent, signal, String(index))
      this.#write(body, '[]')
      body.endWhenArrived()
      answered(200, standing, readable(body), true)
    }
    const answer = () => {
      if (this.#open.delete(open)) this.#answer(asked, answered)
    }
    this.#opened(open, signal)
    agent.schedule(this.#upTo(LONGEST_WAIT), () => {
      if (this.#open.delete(open)) nothing()
    })
  }

  /** What is new, as Server-Sent Events. */
  #stream({ agent, signal, index, isNamed }: Asked): unknown {
    let next = Math.min(index, this.#messages.length)
    const { start } = this.#sent(agent, isNamed, next, 0)
    let isDue = false
    const flush = () => {
      if (body.isEnded || this.#start !== start) return
      const batch = this.#batchFrom(next)
      const half = batch.length < 2 || this.#upTo(2) === 1 ? batch.length : this.#upTo(batch.length)
      for (const part of [batch.slice(0, half), batch.slice(half)]) {
        if (part.length > 0)
          this.#write(body, `event: data\ndata: ${JSON.stringify(part.map(messageOf))}\n\n`, part)
      }
      next += batch.length
      if (batch.length > 0 && this.#upTo(4) === 1) agent.schedule(this.#upTo(LONGEST_PAUSE), control)
      else control()
    }
    const control = () => {
      if (body.isEnded || this.#start !== start) return
      this.#sent(agent, false, next, 0)
      const isUpToDate = this.#isAt(next)
      const told = { streamNextOffset: offsetOf(next), streamCursor: 'c', upToDate: isUpToDate }
      this.#write(body, `event: control\ndata: ${JSON.stringify(told)}\n\n`)
      isDue = !isUpToDate
      if (isDue) flush()
    }
    const body = this.#body(agent, signal, String(index), () => {
      if (isDue) return
      isDue = true
      agent.schedule(this.#options.latency(), flush)
    })
    isDue = true
    flush()
    agent.schedule(this.#upTo(LONGEST_STREAM), () => body.endWhenArrived())
    return readable(body)
  }

  #isAt(index: number): boolean {
    return index >= this.#messages.length
  }

  #body(agent: Agent, signal: AbortSignal, asked: string, appended = () => {}): Incoming {
    const { latency, now } = this.#options
    const body = new Incoming(agent, latency, now, asked)
    this.allConnections.push(body)
    const open: Open = { agent, end: (error) => body.end(error), appended }
    body.onEnd = () => this.#open.delete(open)
    this.#opened(open, signal)
    signal.addEventListener('abort', () => {
      body.isReadThrough = true
      body.end(signal.reason)
    })
    this.onOpen(agent.name)
    return body
  }

  #opened(open: Open, signal: AbortSignal): void {
    this.#open.add(open)
    this.peak = Math.max(this.peak, this.#open.size)
    const gone = () => this.#open.delete(open)
    open.agent.onDeath(gone)
    signal.addEventListener('abort', gone)
  }

  #write(body: Incoming, text: string, events: readonly ServedEvent[] = []): void {
    const written = events.map(({ number, name, data }) => {
      const looks = JSON.stringify([name, data, ''])
      const at = this.#options.now()
      return { number, looks, looksWithoutId: looks, id: undefined, at, hasArrived: false }
    })
    body.writings.push(...written)
    const bytes = new TextEncoder().encode(text)
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.slice(at, at + this.#upTo(bytes.length - at))
      at += piece.length
      body.push(piece, () => {
        if (at >= bytes.length) for (const one of written) one.hasArrived = true
      })
    }
  }

  /**
   * A reader has been sent so many messages from there on.
   *
   * @param isNamed it has named the offset
   */
  #sent(agent: Agent, isNamed: boolean, index: number, count: number): Standing {
    const { name } = agent
    const former = this.#standings.get(name)
    const beginning = this.#beginnings.get(name)
    this.#beginnings.delete(name)
    // Nothing has come to whoever asks for the beginning again.
    if (isNamed || beginning?.resumeAfter.startsWith('0␟-1,')) this.#notice(index, former, beginning)
    const standing = { start: this.#start, index: index + count }
    this.#standings.set(name, standing)
    return standing
  }

  /** Whether its offset is of another stream, and it knows nothing by which it could notice that. */
  #notice(index: number, former: Standing | undefined, beginning: ConnectionRequest | undefined): void {
    const isFollowing = former?.start === this.#start
    if ((isFollowing && beginning === undefined) || this.#start === 0) return
    if (beginning?.latest?.length) return
    // What it was sent last may not have come: of a connection that begins, nothing need be of the present stream.
    const known =
      beginning === undefined && former !== undefined ? former.start + Math.min(former.index, index) : 0
    const after = isFollowing ? this.#start : known
    const [, skip] = beginning?.resumeAfter.split(',') ?? []
    this.#unnoticed.push({ after, upTo: this.#start + index + (Number(skip) || 0) })
  }
}

interface Asked {
  readonly agent: Agent
  readonly signal: AbortSignal
  readonly index: number
  readonly isNamed: boolean
}

type Answered = (status: number, standing?: Standing, body?: unknown, isUpToDate?: boolean) => void

const messageOf = ({ name, data }: ServedEvent) => ({ type: name, value: data })

const readable = (body: Incoming): unknown => ({ getReader: () => body, cancel: () => body.cancel() })

function headersOf(
  status: number,
  query: URLSearchParams,
  standing: Standing | undefined,
  isUpToDate: boolean,
): Headers {
  const isStream = status === 200 && query.get('live') === 'sse'
  return new Headers({
    'Content-Type': isStream ? 'text/event-stream' : 'application/json',
    ...(standing && { 'Stream-Next-Offset': offsetOf(standing.index) }),
    ...(isUpToDate && { 'Stream-Up-To-Date': 'true' }),
  })
}

/** The module that hubs fetch, which tells the server where each connection of theirs begins. */
export function durableModule(
  agent: Agent,
  serverOf: (connection: ConnectionRequest) => VirtualServer,
): SourceModule {
  return {
    source: (platform, options, events) => {
      const source = durable.source(platform, options as DurableOptions, events)
      return (connection, receiver) => {
        const server = serverOf(connection)
        if (server instanceof DurableServer) server.begins(agent.name, connection)
        return source(connection, receiver)
      }
    },
  }
}

export const isDurable = (script: string): boolean => script === SCRIPT
