import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Asked, subscribed } from '../sim/world/centrifugo.ts'
import type { Answer } from './server.ts'
import { Changes } from './until.ts'

interface Publication {
  readonly data: unknown
  readonly offset: number
}

/** What a channel keeps. One without an epoch keeps nothing, and gives no offsets. */
interface Channel {
  epoch: string | undefined
  top: number
  history: Publication[]
  keeps: number
}

interface ConnectRequest {
  readonly token?: string
  readonly name?: string
  readonly subs?: Readonly<Record<string, Asked>>
}

/** What has been asked for, and how. */
export interface Requested extends ConnectRequest {
  readonly method: string | undefined
  readonly topics: readonly string[]
}

interface Client {
  readonly channels: Set<string>
  readonly response: ServerResponse
  /** What is on the way to it, in order within each channel. */
  readonly pending: Map<string, object[]>
}

/**
 * Centrifugo's `uni_sse`, told by the sources of Centrifugo 6 (`internal/unisse/handler.go`) and centrifuge (`connectCmd()`, `subscribeCmd()` and
 * `isStreamRecovered()` of `client.go`). Each client is given the channels in an order of its own.
 */
export class CentrifugoServer {
  /** All publications, numbered from 1. */
  readonly log: { readonly topic: string; readonly number: number }[] = []
  readonly requests: Requested[] = []
  readonly changes = new Changes()
  /** Channels that it subscribes nobody to. */
  readonly denied = new Set<string>()
  /** How the next clients are refused. */
  refusal: { readonly code: number; readonly reason: string } | undefined
  readonly #channels = new Map<string, Channel>()
  readonly #clients = new Set<Client>()

  get connections(): number {
    return this.#clients.size
  }

  readonly answer: Answer = async (request, response) => {
    const asked = await connectRequestOf(request)
    const channels = Object.keys(asked.subs ?? {})
    this.requests.push({ ...asked, method: request.method, topics: channels })
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'private, no-cache, no-store, must-revalidate, max-age=0',
      'x-accel-buffering': 'no',
    })
    response.write('\r\n')
    if (this.refusal !== undefined) {
      response.end(frameOf({ disconnect: this.refusal }))
      return
    }
    const granted = channels.filter((name) => !this.denied.has(name))
    const client = { channels: new Set(granted), response, pending: new Map() }
    const subs = granted.map((name) => [name, this.#subscribe(name, asked.subs?.[name] ?? {})] as const)
    const connect = { client: randomUUID(), version: '6.0.0', ping: 25, session: randomUUID() }
    response.write(
      frameOf({ connect: { ...connect, ...(subs.length > 0 && { subs: Object.fromEntries(subs) }) } }),
    )
    this.#clients.add(client)
    response.on('close', () => {
      this.#clients.delete(client)
      this.changes.changed()
    })
    this.changes.changed()
  }

  /** How many publications a channel keeps; none, and no offsets, where that is 0. */
  keep(name: string, count: number): void {
    const channel = this.#channel(name)
    channel.keeps = count
    if (count === 0) channel.epoch = undefined
    channel.history = count === 0 ? [] : channel.history.slice(-count)
  }

  publish(name: string): void {
    const number = this.log.length + 1
    this.log.push({ topic: name, number })
    const data = { topic: name, number }
    const channel = this.#channel(name)
    const pub = channel.epoch === undefined ? { data } : { data, offset: ++channel.top }
    if ('offset' in pub) channel.history = [...channel.history, pub as Publication].slice(-channel.keeps)
    for (const client of this.#clients) {
      if (!client.channels.has(name)) continue
      if (client.pending.size === 0) setImmediate(() => flush(client))
      client.pending.set(name, [...(client.pending.get(name) ?? []), { channel: name, pub }])
    }
  }

  heartbeat(): void {
    this.push({})
  }

  /** To all clients. */
  push(message: object): void {
    for (const { response } of this.#clients) response.write(frameOf(message))
  }

  cut(): void {
    for (const { response } of this.#clients) response.destroy()
  }

  /** Keeps nothing of what there was, and loses its connections. */
  forget(): void {
    for (const channel of this.#channels.values()) channel.history = []
    this.cut()
  }

  /** Begins to count anew, as where an engine has lost its data. */
  renew(name: string): void {
    this.#channels.delete(name)
    this.push({ disconnect: { code: 3010, reason: 'insufficient state' } })
    this.cut()
  }

  /** Sends its clients away. */
  disconnect(code: number, reason: string): void {
    for (const { response } of this.#clients) response.end(frameOf({ disconnect: { code, reason } }))
  }

  unsubscribe(name: string): void {
    for (const { channels, response } of this.#clients) {
      if (channels.delete(name))
        response.write(frameOf({ channel: name, unsubscribe: { code: 2000, reason: 'server unsubscribe' } }))
    }
  }

  /** The numbers of the publications of a channel behind the first so many of all. */
  numbersOf(name: string, after: number): number[] {
    return this.log
      .filter(({ topic, number }) => topic === name && number > after)
      .map(({ number }) => number)
  }

  #channel(name: string): Channel {
    const known = this.#channels.get(name)
    if (known !== undefined) return known
    const channel = { epoch: randomUUID().slice(0, 4), top: 0, history: [], keeps: 10_000 }
    this.#channels.set(name, channel)
    return channel
  }

  #subscribe(name: string, asked: Asked): object {
    const { epoch, top, history } = this.#channel(name)
    return epoch === undefined ? {} : subscribed(asked, epoch, top, history)
  }
}

const frameOf = (message: object): string => `data: ${JSON.stringify(message)}\n\n`

/** In an order of the channels that differs from client to client. */
function flush({ pending, response }: Client): void {
  const queues = [...pending.values()].sort(() => Math.random() - 0.5)
  pending.clear()
  for (const message of queues.flat()) response.write(frameOf(message))
}

async function connectRequestOf(request: IncomingMessage): Promise<ConnectRequest> {
  const { searchParams } = new URL(request.url ?? '', 'http://centrifugo.test')
  if (request.method !== 'POST') return JSON.parse(searchParams.get('cf_connect') ?? '{}')
  let body = ''
  for await (const chunk of request) body += chunk
  return JSON.parse(body)
}
