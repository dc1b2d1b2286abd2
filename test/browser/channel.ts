import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { Crowd } from './crowd.ts'
import { Changes } from './until.ts'

export interface ServerEvent {
  event?: string
  data?: string
  /** Left out, it is the event's number in the log: '1', '2', … */
  id?: string
  retry?: number
}

export interface Reply {
  status?: number
  headers?: Record<string, string>
  body?: string
}

export interface StreamRequest {
  url: string
  headers: IncomingHttpHeaders
  /** Decoded from the UTF-8 bytes on the wire, which Node hands over as Latin-1. */
  lastEventId: string | undefined
}

/**
 * What a server does with `Last-Event-ID`: replay what came after it; replay it too; ignore it and go on
 * live; send no IDs at all; or replay only as much as it still keeps.
 */
export type Replay = 'strict' | 'inclusive' | 'ignore' | 'no-ids' | 'forgetful'

interface LoggedEvent extends ServerEvent {
  id: string
}

interface Connection {
  response: ServerResponse
  /** Bytes that may still be written before the connection is cut. */
  remaining: number
}

/** One SSE endpoint under a test's control: a log, and whoever is connected to it now. */
export class Channel {
  replay: Replay = 'strict'
  /** How many events a 'forgetful' channel keeps. */
  keep = 10
  /** The `retry:` each stream starts with; small, so that reconnections do not slow the tests. */
  retry: number | undefined = 10
  /** Begins each stream with its head alone, as a server does that has nothing to say yet. */
  beginsWithHead = false
  /** The very first text of each stream. */
  preamble = ''
  lineEnd: '\n' | '\r\n' | '\r' = '\n'
  /** Added to each stream's response, and to the answer of a preflight. */
  headers: Record<string, string> = {}
  /** How often a browser has asked whether it may send `Last-Event-ID` from another origin. */
  preflights = 0
  /** Answered to that. */
  preflight: Reply = { status: 204, headers: { 'access-control-allow-headers': 'last-event-id' } }

  readonly requests: StreamRequest[] = []
  totalConnections = 0
  /** The most that were open at once. */
  peakConnections = 0
  totalCuts = 0

  readonly path: string
  readonly #journal: string[]
  readonly #crowd: Crowd
  readonly #changes = new Changes()
  readonly #open = new Set<Connection>()
  readonly #held: (() => void)[] = []
  #crowdedSince = 0
  #longestCrowd = 0
  #log: LoggedEvent[] = []
  #logged = 0
  #holding = false
  #bytesOfNextConnection = Number.POSITIVE_INFINITY
  #reply: Reply | undefined
  #repliesLeft = 0

  /** @param crowd counts the streams of several channels together */
  constructor(path: string, journal: string[], crowd = new Crowd()) {
    this.path = path
    this.#journal = journal
    this.#crowd = crowd
  }

  /** Open now. */
  get connections(): number {
    return this.#open.size
  }

  /** The longest time, in ms, that more than one was open. */
  get longestCrowd(): number {
    const current = this.#open.size > 1 ? performance.now() - this.#crowdedSince : 0
    return Math.max(this.#longestCrowd, current)
  }

  /** Appends to the log and writes to all open connections, in one write however many the events. */
  send(...events: ServerEvent[]): void {
    const logged = events.map((event): LoggedEvent => ({ id: String(++this.#logged), ...event }))
    this.#log.push(...logged)
    if (this.replay === 'forgetful') this.#log = this.#log.slice(-this.keep)
    this.sendText(this.#encode(logged))
  }

  /** Writes to all open connections and leaves the log alone: comments, broken lines. */
  sendText(text: string): void {
    for (const connection of [...this.#open]) this.#write(connection, text)
  }

  /** Destroys all open connections, as a failing network does. */
  cut(): void {
    for (const connection of [...this.#open]) this.#cut(connection)
  }

  /** Ends all open responses in good order, as a server shutting down does. */
  end(): void {
    for (const { response } of this.#open) response.end()
  }

  /**
   * Destroys a connection after exactly `count` more bytes, wherever in an event that is: the open one,
   * or the next one if none is open.
   */
  cutAfterBytes(count: number): void {
    const [connection] = this.#open
    if (connection) connection.remaining = count
    else this.#bytesOfNextConnection = count
  }

  /** Answers the next `times` requests with something other than a stream. */
  reply(reply: Reply, times = Number.POSITIVE_INFINITY): void {
    this.#reply = reply
    this.#repliesLeft = times
  }

  /** Leaves requests unanswered until `release`. */
  hold(): void {
    this.#holding = true
  }

  release(): void {
    this.#holding = false
    for (const answer of this.#held.splice(0)) answer()
  }

  /** Resolves when exactly `count` connections are open. */
  waitForConnections(count: number): Promise<void> {
    return this.until(() => this.connections === count, `${count} connections`)
  }

  /** Resolves when `isTrue` is, looking again at each request, connection, cut and close. */
  until(isTrue: () => boolean, what: string): Promise<void> {
    return this.#changes.until(isTrue, () => `${what}; ${this.describe()}`)
  }

  describe(): string {
    return `${this.path}: ${this.connections} open, ${this.totalConnections} in all, ${this.requests.length} requests, ${this.totalCuts} cuts, ${this.#logged} events`
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'OPTIONS') {
      this.preflights++
      const { status = 200, headers } = this.preflight
      response.writeHead(status, { ...headers, ...this.headers }).end()
      return
    }
    const header = request.headers['last-event-id']
    const lastEventId =
      typeof header === 'string' ? Buffer.from(header, 'latin1').toString('utf8') : undefined
    this.requests.push({ url: request.url ?? '', headers: request.headers, lastEventId })
    const answer = () => {
      if (request.socket.destroyed) return
      if (this.#reply && this.#repliesLeft > 0) this.#answerOtherwise(response, this.#reply)
      else this.#stream(response, lastEventId)
    }
    if (this.#holding) this.#held.push(answer)
    else answer()
    this.#changes.changed()
  }

  #answerOtherwise(response: ServerResponse, { status = 200, headers = {}, body }: Reply): void {
    this.#repliesLeft--
    response.writeHead(status, headers)
    response.end(body)
  }

  #stream(response: ServerResponse, lastEventId: string | undefined): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      ...this.headers,
    })
    const connection: Connection = { response, remaining: this.#bytesOfNextConnection }
    this.#bytesOfNextConnection = Number.POSITIVE_INFINITY
    this.#open.add(connection)
    this.#crowd.enter()
    this.totalConnections++
    this.peakConnections = Math.max(this.peakConnections, this.#open.size)
    if (this.#open.size === 2) this.#crowdedSince = performance.now()
    response.once('close', () => this.#forget(connection))
    const retry = this.retry === undefined ? ':' : `retry: ${this.retry}`
    const greeting = this.beginsWithHead ? '' : `${this.preamble}${retry}${this.lineEnd}${this.lineEnd}`
    if (this.beginsWithHead) response.flushHeaders()
    this.#write(connection, greeting + this.#encode(this.#missed(lastEventId)))
    this.#changes.changed()
  }

  #missed(lastEventId: string | undefined): LoggedEvent[] {
    if (lastEventId === undefined || this.replay === 'ignore' || this.replay === 'no-ids') return []
    const index = this.#log.findIndex(({ id }) => id === lastEventId)
    if (index === -1) return this.#log
    return this.#log.slice(this.replay === 'inclusive' ? index : index + 1)
  }

  #encode(events: LoggedEvent[]): string {
    const lines: string[] = []
    for (const { event, data = '', id, retry } of events) {
      if (event !== undefined) lines.push(`event: ${event}`)
      for (const line of data.split('\n')) lines.push(`data: ${line}`)
      if (this.replay !== 'no-ids') lines.push(`id: ${id}`)
      if (retry !== undefined) lines.push(`retry: ${retry}`)
      lines.push('')
    }
    return lines.map((line) => line + this.lineEnd).join('')
  }

  #write(connection: Connection, text: string): void {
    const bytes = Buffer.from(text)
    if (bytes.length < connection.remaining) {
      connection.remaining -= bytes.length
      if (bytes.length > 0) connection.response.write(bytes)
    } else {
      this.#cut(connection, bytes.subarray(0, connection.remaining))
    }
  }

  #cut(connection: Connection, lastBytes?: Buffer): void {
    this.totalCuts++
    this.#forget(connection)
    const destroy = () => connection.response.destroy()
    // The socket is destroyed once the kernel has the last bytes: destroying it at once would drop them.
    if (lastBytes && lastBytes.length > 0) connection.response.write(lastBytes, destroy)
    else destroy()
  }

  #forget(connection: Connection): void {
    if (!this.#open.delete(connection)) return
    this.#crowd.leave()
    if (this.#open.size === 1) {
      this.#longestCrowd = Math.max(this.#longestCrowd, performance.now() - this.#crowdedSince)
    }
    this.#journal.push(`closed ${this.path}`)
    this.#changes.changed()
  }
}
