import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { ServerEvent } from '../browser/channel.ts'
import type { Sender } from '../browser/feed.ts'
import type { Answer } from '../browser/server.ts'

// Servers that no package brings. What they send and keep is told by their sources; here they have one topic, and nobody logs in.

const NO_CACHE = 'private, no-cache, no-store, must-revalidate, max-age=0'

/** What all of them do. */
export abstract class Double implements Sender {
  /** Stands in the place of the server. */
  abstract readonly answer: Answer
  protected readonly open = new Set<ServerResponse>()

  abstract send(event: ServerEvent): void

  /** What it sends when nothing happens. */
  abstract heartbeat(): void

  /** Breaks all connections off. */
  cut(): void {
    for (const response of this.open) response.destroy()
  }

  protected begin(response: ServerResponse, headers: Record<string, string>, first: string): void {
    const head = { 'content-type': 'text/event-stream', 'cache-control': NO_CACHE, 'x-accel-buffering': 'no' }
    response.writeHead(200, { ...head, ...headers })
    response.write(first)
    this.open.add(response)
    response.on('close', () => this.open.delete(response))
  }

  protected broadcast(text: string): void {
    for (const response of this.open) response.write(text)
  }
}

/** The header by which Mercure says after which update it goes on. */
export type MercureHeader = 'last-event-id' | 'mercure-last-event-id'

/**
 * A Mercure hub. Each update has a UUID. Where it knows the one that is asked for, it sends what came after it, and names it in a
 * header. Where not, it names the latest that it has, or `earliest`, and sends what is new from then on.
 */
export class Mercure extends Double {
  readonly #header: MercureHeader
  #history: { id: string; text: string }[] = []

  constructor(header: MercureHeader) {
    super()
    this.#header = header
  }

  readonly answer: Answer = ({ headers }, response) => {
    const asked = headers['last-event-id']
    if (asked === undefined) return this.begin(response, {}, ':\n')
    const index = this.#history.findIndex(({ id }) => id === asked)
    const isKnown = index >= 0
    const after = isKnown ? String(asked) : (this.#history.at(-1)?.id ?? 'earliest')
    const replay = isKnown ? this.#history.slice(index + 1) : []
    this.begin(response, { [this.#header]: after }, `:\n${replay.map(({ text }) => text).join('')}`)
  }

  send({ event = '', data = '' }: ServerEvent): void {
    const id = `urn:uuid:${randomUUID()}`
    const text = `event: ${event}\nid: ${id}\ndata: ${data}\n\n`
    this.#history.push({ id, text })
    this.broadcast(text)
  }

  heartbeat(): void {
    this.broadcast(':\n')
  }

  /** As a hub does that keeps its updates in memory, when it is restarted. */
  restart(): void {
    this.#history = []
    this.cut()
  }
}

/**
 * ntfy. Its messages have IDs within their JSON, and none by which a browser could resume; it knows `since=` only. It begins with an
 * event of its own, and its heartbeats are such events.
 */
export class Ntfy extends Double {
  readonly #messages: { id: string; text: string }[] = []

  readonly answer: Answer = ({ url = '' }, response) => {
    const since = new URL(url, 'http://ntfy.test').searchParams.get('since')
    // An ID that it does not know brings everything.
    const index = this.#messages.findIndex(({ id }) => id === since)
    const replay = since === null ? [] : this.#messages.slice(index + 1)
    const opened = `event: open\ndata: ${this.#json('open', {})}\n\n`
    this.begin(response, {}, opened + replay.map(({ text }) => text).join(''))
  }

  send({ data = '' }: ServerEvent): void {
    const id = randomUUID()
    const text = `data: ${this.#json('message', { id, message: data })}\n\n`
    this.#messages.push({ id, text })
    this.broadcast(text)
  }

  heartbeat(): void {
    this.broadcast(`event: keepalive\ndata: ${this.#json('keepalive', {})}\n\n`)
  }

  #json(event: string, rest: object): string {
    return JSON.stringify({
      id: randomUUID(),
      time: Math.floor(Date.now() / 1_000),
      event,
      topic: 'busy',
      ...rest,
    })
  }
}

/**
 * Centrifugo's `uni_sse`. Where a publication stands is told by an offset and an epoch within the JSON; a client that wants to recover
 * says both in the URL. The first message is about the connection, and heartbeats are empty objects.
 */
export class Centrifugo extends Double {
  readonly #publications: object[] = []
  readonly #epoch = randomUUID().slice(0, 4)

  readonly answer: Answer = (_request, response) => {
    const subscription = {
      recoverable: true,
      positioned: true,
      epoch: this.#epoch,
      offset: this.#publications.length,
    }
    const connect = { client: randomUUID(), version: '6.0.0', subs: { busy: subscription }, ping: 25 }
    this.begin(response, {}, `\r\n${this.#frame({ connect })}`)
  }

  send({ data = '' }: ServerEvent): void {
    const pub = { data: { number: Number(data) }, offset: this.#publications.length + 1 }
    this.#publications.push(pub)
    this.broadcast(this.#frame({ channel: 'busy', pub }))
  }

  heartbeat(): void {
    this.broadcast(this.#frame({}))
  }

  /** It says why it goes before it does. */
  override cut(): void {
    this.broadcast(this.#frame({ disconnect: { code: 3001, reason: 'shutdown' } }))
    for (const response of this.open) response.end()
  }

  #frame(message: object): string {
    return `data: ${JSON.stringify(message)}\n\n`
  }
}
