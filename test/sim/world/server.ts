import { setMaxListeners } from 'node:events'
import type { StreamRequest } from '../../../src/link/protocol.ts'
import type { Agent } from './agent.ts'
import { Incoming } from './incoming.ts'
import { type Frame, type Manners, mannersOf, type ServerKind } from './kinds.ts'
import { topicsOf } from './topics.ts'
import { EVENT_STREAM, type Looks, type Wire } from './wire.ts'

export type { ServerKind } from './kinds.ts'

/** An event that belongs to the server's history. */
export interface ServedEvent {
  /** Its place in the order in which the server numbers its events; restarts do not reset it. */
  readonly number: number
  readonly name: string
  /** As the server keeps it. Where a server counts per connection, each connection has an ID and data of its own. */
  readonly id: string | undefined
  readonly data: string
  /** It is never sent live. */
  readonly isLate: boolean
  /** It is sent twice when it is sent live. */
  readonly isTwice: boolean
}

/** A late event that a connection has brought counts as brought if the connection lasts so many ms longer. */
const SETTLING_TIME = 3_000

/** Nothing proves that a server resumes after an ID without an event. These do, or say that they do not. */
const BOOKMARKING: readonly ServerKind[] = ['strict', 'inclusive', 'candid', 'mercure']

const looksOf = ({ name, data, id = '' }: Looks): string => JSON.stringify([name, data, id])

export interface ServerOptions {
  readonly url: string
  readonly credentials?: StreamRequest['credentials']
  readonly kind: ServerKind
  readonly latency: () => number
  readonly now: () => number
  /** Splits what is written into chunks. */
  readonly split?: (length: number) => number
  /** How it writes. @default Server-Sent Events */
  readonly wire?: Wire
}

/** A virtual event stream server. */
export class VirtualServer {
  readonly kind: ServerKind
  readonly url: string
  readonly credentials: StreamRequest['credentials']
  /** All that it has ever sent or kept, less the frames. */
  readonly events: ServedEvent[] = []
  /** The ID that each request asked to resume after, `''` where it was none. */
  readonly requests: string[] = []
  /** Those that have ended as well, in the order in which they were opened. */
  readonly allConnections: Incoming[] = []
  /** The highest number of connections at one time. */
  peak = 0
  /** When it ended its connections last. */
  cutAt = Number.NEGATIVE_INFINITY
  /** Called with each connection that it has opened, and the name of the agent that reads it. */
  onOpen: (reader: string) => void = () => {}
  /** What the next requests are answered with instead of a stream. */
  refuseWith: { status: number; contentType: string } | 'network error' | undefined
  readonly #manners: Manners
  /** How many events it had sent when it started last. */
  #start = 0
  /** It was asked to resume after an ID that it did not know (any more). */
  #hasForgotten = false
  /** First IDs on connections that resumed nothing: no earlier ID can be asked for. */
  readonly #firsts: { id: string; number: number; connection: Incoming }[] = []
  /** Resumptions from such an ID. `isCertain`: that connection had brought no other ID. */
  readonly #takenAtItsWord: { after: number; upTo: number; isCertain: boolean }[] = []
  /** How many events there were before each greeting with an ID. */
  readonly #greetings = new Map<string, number>()
  /** How often each frame has been written. */
  readonly #frames = new Map<string, number>()
  /** Late events that a connection has brought. */
  readonly #brought = new Set<number>()
  /** What each event has looked like. */
  readonly #looks = new Map<number, Set<string>>()
  readonly #connections = new Set<Incoming>()
  readonly #latency: () => number
  readonly #now: () => number
  /** Splits what is written into chunks. */
  readonly #split: (length: number) => number
  readonly #wire: Wire

  constructor(options: ServerOptions) {
    this.url = options.url
    this.credentials = options.credentials ?? 'same-origin'
    this.kind = options.kind
    this.#manners = mannersOf(options.kind)
    this.#latency = options.latency
    this.#now = options.now
    this.#split = options.split ?? ((length) => length)
    this.#wire = options.wire ?? EVENT_STREAM
  }

  /** As its events' data names it: the URL, which two servers may share. */
  get name(): string {
    return this.credentials === 'include' ? `${this.url}?credentials` : this.url
  }

  get connections(): number {
    return this.#connections.size
  }

  /** How many of them this agent reads. */
  connectionsOf(reader: string): number {
    return [...this.#connections].filter((connection) => connection.reader === reader).length
  }

  /** Whether this agent has yet to read the end of a response. */
  isReadBy(reader: string): boolean {
    const last = this.allConnections.findLast((connection) => connection.reader === reader)
    return last?.isReadThrough === false
  }

  /** Whether it holds connections open, rather than ending each response. */
  get staysConnected(): boolean {
    return this.#manners.endsAfterEvents === undefined
  }

  /** Whether the data of its events do not tell which event it is. */
  get hasAlikeEvents(): boolean {
    return this.#manners.data !== undefined
  }

  /** Whether events may come again behind a gap, because their IDs are made by hubs and a hub could not know those that they had. */
  mayBeginAgain(_isOneHub: boolean): boolean {
    return false
  }

  get saysWhereItResumes(): boolean {
    return this.#manners.resumedAfterHeader !== undefined
  }

  /** Whether each resumption has brought all that came after the ID asked for: a gap needs something that is missing. */
  get isFaithful(): boolean {
    const { replays = 'after', keepsOnlyEventsWithIds } = this.#manners
    const canResume = (replays === 'after' || replays === 'from') && !keepsOnlyEventsWithIds
    return canResume && !this.#hasForgotten
  }

  /** @param name of the event, unless this kind of server names its events itself */
  send(name: string): ServedEvent {
    const number = this.events.length + 1
    const n = number - this.#start
    const { id = (n) => `id-${n}`, name: nameOf, data, commitsLate, stutters } = this.#manners
    const event: ServedEvent = {
      number,
      name: nameOf?.(n) ?? name,
      id: id(n),
      data: data?.(n) ?? `${this.name} ${number}`,
      isLate: commitsLate?.(n) === true,
      isTwice: stutters?.(n) === true,
    }
    this.events.push(event)
    if (event.isLate) return event
    for (const connection of [...this.#connections].filter((one) => one.wants(event.name))) {
      this.#writeEvent(connection, event)
      if (event.isTwice) this.#writeEvent(connection, event)
      this.#endPolled(connection)
    }
    return event
  }

  /** Sends a heartbeat, or the ID of the last event by itself, if this kind of server does that. */
  heartbeat(): void {
    const { heartbeat } = this.#manners
    const bookmark = BOOKMARKING.includes(this.kind) && this.#wire.bookmark?.(this.events.at(-1)?.id ?? '')
    for (const connection of this.#connections) {
      if (heartbeat !== undefined) this.#writeFrame(connection, heartbeat)
      if (bookmark) this.#write(connection, bookmark)
    }
  }

  /** Loses its connections, and whatever else it keeps in memory. */
  restart(): void {
    if (this.#manners.forgetsAtRestart && this.events.length > this.#start) {
      this.#start = this.events.length
      this.#hasForgotten = true
    }
    this.cut(new TypeError('network error'))
  }

  /** The name of such a frame, `undefined` where this kind of server sends none. */
  nameOf(frame: 'heartbeat' | 'greeting'): string | undefined {
    const { heartbeat, greeting } = this.#manners
    return frame === 'heartbeat' ? heartbeat?.name : greeting?.(0).name
  }

  /** Whether a replay can bring this event, as long as the server has not forgotten it. */
  keeps({ id }: ServedEvent): boolean {
    return id !== undefined || !this.#manners.keepsOnlyEventsWithIds
  }

  /** Whether an event has looked like this on a connection. */
  hasLooked(number: number, looks: Looks): boolean {
    return this.#looks.get(number)?.has(looksOf(looks)) === true
  }

  /** How often a frame that looks like this has been written; 0 where it is no frame. */
  framesLike({ name, data, id }: Looks): number {
    // Pages are told the ID of an earlier event where a frame has none.
    return this.#frames.get(looksOf({ name, data, id })) ?? this.#frames.get(looksOf({ name, data })) ?? 0
  }

  /** Whether a frame with this very ID has been written. */
  hasFrame(looks: Looks): boolean {
    return this.#frames.has(looksOf(looks))
  }

  /** Whether this is the ID of a greeting, on a connection that has not shown it to be one by a replay. */
  isUnprovenGreeting(id: string): boolean {
    return this.allConnections.some(({ greetingId, hasReplayed }) => greetingId === id && !hasReplayed)
  }

  /** Whether a late event was written on a connection that lasted. */
  hasBrought(number: number): boolean {
    return this.#brought.has(number)
  }

  /**
   * Whether an event fell between two connections where a client had no earlier ID to ask for.
   *
   * @param isOneHub the client has known all that its connections had brought
   */
  wasTakenAtItsWord(number: number, isOneHub: boolean): boolean {
    return this.#takenAtItsWord.some(
      ({ after, upTo, isCertain }) => number > after && number <= upTo && (isCertain || !isOneHub),
    )
  }

  /** Whether a client may have known no earlier ID than this. */
  isFirstId(id: string): boolean {
    return this.#firsts.some((first) => first.id === id)
  }

  /** Writes as it is, for what no well-behaved server sends. */
  write(text: string): void {
    for (const connection of this.#connections) this.#write(connection, text)
  }

  /** Ends every connection: cleanly, or with an error and somewhere within what is on its way. */
  cut(error?: Error): void {
    this.cutAt = this.#now()
    for (const connection of this.#connections) connection.end(error)
  }

  /** Answers a request that the agent makes. */
  fetch(agent: Agent, init: RequestInit, url?: string): Promise<Response> {
    return new Promise((resolve, reject) => {
      const signal = init.signal as AbortSignal
      setMaxListeners(0, signal)
      signal.addEventListener('abort', () => reject(signal.reason))
      agent.schedule(this.#latency(), () => {
        if (signal.aborted) return
        const lastEventId = this.#wire.asked(url, init.headers as Record<string, string>)
        this.requests.push(lastEventId)
        if (this.refuseWith === 'network error') return reject(new TypeError('network error'))
        const { status, contentType } = this.refuseWith ?? {
          status: 200,
          contentType: this.#wire.contentType,
        }
        const headers = { 'Content-Type': contentType, ...this.#resumedAfter(lastEventId) }
        const body =
          this.refuseWith === undefined ? this.#open(agent, signal, lastEventId, topicsOf(url)) : emptyBody
        resolve({ status, url: this.url, headers: new Headers(headers), body } as unknown as Response)
      })
    })
  }

  #open(
    agent: Agent,
    signal: AbortSignal,
    lastEventId: string,
    topics: ReadonlySet<string> | undefined,
  ): unknown {
    const { isMerged } = this.#wire
    const incoming = new Incoming(agent, this.#latency, this.#now, lastEventId, topics, isMerged)
    this.#connections.add(incoming)
    this.allConnections.push(incoming)
    this.peak = Math.max(this.peak, this.#connections.size)
    this.onOpen(incoming.reader)
    const gone = () => this.#connections.delete(incoming)
    incoming.onEnd = gone
    agent.onDeath(gone)
    signal.addEventListener('abort', () => {
      incoming.isReadThrough = true
      incoming.end(signal.reason)
    })
    for (const { id, number, connection } of this.#firsts) {
      if (id !== lastEventId) continue
      const isCertain = connection.idsArrived.size <= 1
      this.#takenAtItsWord.push({ after: number, upTo: this.events.length, isCertain })
    }
    const replay = this.#replay(lastEventId)
      .filter(({ name }) => incoming.wants(name))
      .slice(0, this.#manners.replaysAtMost)
    incoming.hasReplayed = replay.length > 0
    this.#write(incoming, this.#wire.beginning)
    this.#greet(incoming)
    for (const event of replay) {
      this.#writeEvent(incoming, event)
      if (event.isLate)
        agent.schedule(SETTLING_TIME, () => incoming.isEnded || this.#brought.add(event.number))
    }
    if (replay.length > 0) this.#endPolled(incoming)
    return { getReader: () => incoming, cancel: async () => incoming.end() }
  }

  #greet(connection: Incoming): void {
    const greeting = this.#manners.greeting?.(this.allConnections.length)
    if (greeting === undefined) return
    if (greeting.id !== undefined) {
      connection.greetingId = greeting.id
      if (!this.#greetings.has(greeting.id)) {
        const isConstant = this.#manners.beginsWithEverything === true
        this.#greetings.set(greeting.id, isConstant ? 0 : this.events.length)
      }
    }
    this.#writeFrame(connection, greeting)
  }

  #writeFrame(connection: Incoming, frame: Frame): void {
    const looks = looksOf(frame)
    this.#frames.set(looks, (this.#frames.get(looks) ?? 0) + 1)
    this.#writeLooks(connection, frame, this.events.length)
  }

  #writeEvent(connection: Incoming, event: ServedEvent): void {
    const looks = this.#manners.countsPerConnection ? this.#counted(connection, event) : event
    const { number } = event
    const { id, ...withoutId } = looks
    const written = {
      number,
      looks: looksOf(looks),
      looksWithoutId: looksOf(withoutId),
      id,
      at: this.#now(),
      hasArrived: false,
    }
    connection.writings.push(written)
    this.#looks.set(number, (this.#looks.get(number) ?? new Set()).add(written.looks))
    this.#writeLooks(connection, looks, number, () => {
      written.hasArrived = true
    })
  }

  /** The event as the next one of its connection. */
  #counted({ writings }: Incoming, { name }: ServedEvent): Looks {
    const n = writings.length + 1
    return { name, id: this.#manners.id?.(n), data: this.#manners.data?.(n) ?? '' }
  }

  /** @param number of the last event that a client has had which resumes after this one's ID */
  #writeLooks(connection: Incoming, { name, data, id }: Looks, number: number, arrived?: () => void): void {
    if (connection.isFresh && id !== undefined) {
      connection.isFresh = false
      this.#firsts.push({ id, number, connection })
    }
    this.#write(
      connection,
      this.#wire.write({ name, data, id }),
      () => {
        if (id !== undefined) connection.idsArrived.add(id)
        arrived?.()
      },
      this.#wire.spare,
    )
  }

  /** @param spare bytes at the end without which it counts, if the response ends in good order */
  #write(connection: Incoming, text: string, arrived?: () => void, spare = 0): void {
    const bytes = new TextEncoder().encode(text)
    for (let at = 0; at < bytes.length; ) {
      const length = Math.max(1, this.#split(bytes.length - at))
      const left = bytes.length - at - length
      connection.push(bytes.slice(at, at + length), left <= spare ? arrived : undefined, left > 0)
      at += length
    }
  }

  #endPolled(connection: Incoming): void {
    if (!this.#manners.endsAfterEvents) return
    this.#connections.delete(connection)
    connection.endWhenArrived()
  }

  #resumedAfter(lastEventId: string): Record<string, string> {
    const { resumedAfterHeader } = this.#manners
    if (resumedAfterHeader === undefined || lastEventId === '') return {}
    const isKept = this.#kept().some(({ id }) => id === lastEventId)
    if (resumedAfterHeader === 'Tabstream-Resumed') return { [resumedAfterHeader]: isKept ? '1' : '0' }
    return { [resumedAfterHeader]: isKept ? lastEventId : 'earliest' }
  }

  #replay(lastEventId: string): ServedEvent[] {
    const { replays = 'after', replaysAllAfterUnknownId, beginsWithEverything } = this.#manners
    const kept = this.#kept()
    if (lastEventId === '') return beginsWithEverything ? kept : []
    if (replays === 'everything') return kept
    if (replays === 'nothing') return []
    const greetedAt = this.#greetings.get(lastEventId)
    if (greetedAt !== undefined) return kept.filter(({ number }) => number > greetedAt)
    const at = kept.findLastIndex(({ id }) => id === lastEventId)
    if (at >= 0) return kept.slice(replays === 'from' ? at : at + 1)
    this.#hasForgotten = true
    return replaysAllAfterUnknownId ? kept : []
  }

  #kept(): ServedEvent[] {
    const { keeps } = this.#manners
    const kept = this.events.slice(this.#start).filter((event) => {
      const isCommitted = !event.isLate || event.number < this.events.length
      return isCommitted && this.keeps(event)
    })
    return keeps === undefined ? kept : kept.slice(-keeps)
  }
}

const emptyBody = { cancel: async () => {} }
