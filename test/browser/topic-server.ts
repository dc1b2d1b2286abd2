import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Answer } from './server.ts'
import { Changes } from './until.ts'

/** An event, and how many there have been with it. */
interface Published {
  readonly topic: string
  readonly number: number
  readonly id: string
}

interface Open {
  readonly topics: readonly string[]
  readonly response: ServerResponse
}

/** What tells servers of topics apart. Each double is told by the server's own source. */
export interface Wire {
  /** The topics of a request, and the ID to resume after. */
  read(url: URL, lastEventId: string | undefined): { topics: readonly string[]; after: string | undefined }
  write(event: Published): string
  /** Whether an ID that it does not know brings everything. */
  readonly replaysAllAfterUnknownId?: true
  readonly heartbeat: string
  /** Of an answer, given the ID that it goes on after; `undefined` where it has forgotten that. */
  headers?(after: string | undefined, isKnown: boolean): Record<string, string>
  /** What each connection begins with. */
  readonly greeting?: string
}

const dataOf = ({ topic, number }: Published): string => JSON.stringify({ topic, number })

/** A server of one's own. */
export const PLAIN: Wire = {
  read: (url, lastEventId) => ({ topics: url.searchParams.getAll('topic'), after: lastEventId }),
  write: (event) => `id: ${event.id}\ndata: ${dataOf(event)}\n\n`,
  heartbeat: ':\n\n',
}

/** A Mercure hub of version 1.0, which names in its answer the update after which it goes on. */
export const MERCURE: Wire = {
  ...PLAIN,
  headers: (after, isKnown) =>
    after === undefined ? {} : { 'mercure-last-event-id': isKnown ? after : 'earliest' },
}

const ntfyMessage = (event: string, rest: object): string =>
  JSON.stringify({ id: randomUUID(), event, ...rest })

/** ntfy: topics in the path, IDs in the JSON, heartbeats that are events, and all it has where it does not know the ID. */
export const NTFY: Wire = {
  read: (url) => ({
    topics: (url.pathname.split('/').at(-2) ?? '').split(',').map(decodeURIComponent),
    after: url.searchParams.get('since') ?? undefined,
  }),
  write: (event) =>
    `data: ${ntfyMessage('message', { id: event.id, topic: event.topic, message: String(event.number), number: event.number })}\n\n`,
  heartbeat: `event: keepalive\ndata: ${ntfyMessage('keepalive', { topic: 'any' })}\n\n`,
  greeting: `event: open\ndata: ${ntfyMessage('open', { topic: 'any' })}\n\n`,
  replaysAllAfterUnknownId: true,
}

/** django-eventstream: parameters `channel`, and an ID that holds a place in each channel. */
export const PUSHPIN: Wire = {
  read: (url, lastEventId) => ({ topics: url.searchParams.getAll('channel'), after: lastEventId }),
  write: (event) => `event: message\nid: ${event.id}\ndata: ${dataOf(event)}\n\n`,
  heartbeat: 'event: keep-alive\ndata:\n\n',
  greeting: 'event: stream-open\ndata:\n\n',
}

/** A server of events of many topics, all of which it keeps until it is told to forget them. */
export class TopicServer {
  /** All events, numbered from 1. */
  readonly log: Published[] = []
  /** The topics of each request, and after which ID. */
  readonly requests: { topics: readonly string[]; after: string | undefined }[] = []
  /** The highest number of connections at one time. */
  peak = 0
  readonly changes = new Changes()
  readonly #wire: Wire
  readonly #open = new Set<Open>()
  #kept = 0
  #isDown = false

  constructor(wire: Wire = PLAIN) {
    this.#wire = wire
  }

  get connections(): number {
    return this.#open.size
  }

  readonly answer: Answer = ({ url = '', headers }, response) => {
    if (this.#isDown) {
      response.destroy()
      return
    }
    const asked = headers['last-event-id']
    const wire = this.#wire
    const request = wire.read(new URL(url, 'http://topics.test'), Array.isArray(asked) ? asked[0] : asked)
    this.requests.push(request)
    const { topics, after } = request
    const kept = this.log.slice(this.#kept)
    const index = kept.findIndex(({ id }) => id === after)
    const isKnown = index >= 0
    const replay =
      isKnown || (after !== undefined && wire.replaysAllAfterUnknownId) ? kept.slice(index + 1) : []
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      ...wire.headers?.(after, isKnown),
    })
    const wanted = replay.filter(({ topic }) => topics.includes(topic))
    response.write(`retry: 50\n\n${wire.greeting ?? ''}${wanted.map((event) => wire.write(event)).join('')}`)
    const open = { topics, response }
    this.#open.add(open)
    this.peak = Math.max(this.peak, this.#open.size)
    response.on('close', () => {
      this.#open.delete(open)
      this.changes.changed()
    })
    this.changes.changed()
  }

  publish(topic: string): void {
    const event = { topic, number: this.log.length + 1, id: `urn:uuid:${randomUUID()}` }
    this.log.push(event)
    for (const { topics, response } of this.#open)
      if (topics.includes(topic)) response.write(this.#wire.write(event))
  }

  heartbeat(): void {
    for (const { response } of this.#open) response.write(this.#wire.heartbeat)
  }

  write(text: string): void {
    for (const { response } of this.#open) response.write(text)
  }

  cut(): void {
    for (const { response } of this.#open) response.destroy()
  }

  /** Keeps nothing of what there was, and loses its connections. */
  forget(): void {
    this.#kept = this.log.length
    this.cut()
  }

  /** The numbers of the events of a topic behind the first so many events. */
  numbersOf(topic: string, after: number): number[] {
    return this.log
      .filter((event) => event.topic === topic && event.number > after)
      .map(({ number }) => number)
  }
}
