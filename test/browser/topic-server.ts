import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Answer } from './server.ts'
import { Changes } from './until.ts'

/** An event, and how many there have been with it. */
interface Published {
  readonly topic: string
  readonly number: number
  readonly id: string
  /** How many there have been with it of its topic. */
  readonly position: number
  /** The second in which it was published, on a clock of the server's own, and how many of its topic came before it in that. */
  readonly second: number
  readonly tag: number
}

interface Open {
  readonly passed: Map<string, Published | undefined>
  readonly response: ServerResponse
}

interface Asked {
  readonly topics: readonly string[]
  readonly after: string | undefined
  /** Answered with 404. */
  readonly isRefused?: boolean
}

/** What tells servers of topics apart. Each double is told by the server's own source. */
export interface Wire {
  /** The topics of a request, and the ID to resume after. */
  read(url: URL, lastEventId: string | undefined): Asked
  /** @param passed the last event of each topic of the connection, this one included */
  write(event: Published, passed: ReadonlyMap<string, Published | undefined>): string
  /** What it brings after an ID, in its order, where that is not just what came behind the event of this ID. */
  resume?(log: readonly Published[], topics: readonly string[], after: string): readonly Published[]
  /** Whether an ID that it does not know brings everything. */
  readonly replaysAllAfterUnknownId?: true
  readonly heartbeat: string
  /** Of an answer, given the ID that it goes on after; `undefined` where it has forgotten that. */
  headers?(after: string | undefined, isKnown: boolean): Record<string, string>
  /** What each connection begins with. */
  readonly greeting?: string
  /** A connection that resumes after nothing does not say how far topics have got of which it has brought nothing. */
  readonly beginsUnknown?: true
}

/** So many events come in one second of the server's clock. */
const IN_A_SECOND = 100

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

/** django-eventstream: parameters `channel`, and an ID that holds a place in each channel. It brings one channel after the other. */
export const PUSHPIN: Wire = {
  read: (url, lastEventId) => ({ topics: url.searchParams.getAll('channel'), after: lastEventId }),
  write: (event, passed) => {
    const id = [...passed].map(([topic, last]) => `${topic}:${last?.position ?? 0}`)
    return `event: message\nid: ${id}\ndata: ${dataOf(event)}\n\n`
  },
  resume(log, topics, after) {
    const positions = new Map(after.split(',').map((part) => part.split(':') as [string, string]))
    const isLeft = ({ topic, position }: Published) =>
      positions.has(topic) && position > Number(positions.get(topic))
    return topics.flatMap((topic) => log.filter((event) => event.topic === topic && isLeft(event)))
  },
  heartbeat: 'event: keep-alive\ndata:\n\n',
  greeting: 'event: stream-open\ndata:\n\n',
}

/** Nchan: channels in the path, and an ID of a second and a tag for each of them. It brings what came in one second in another order. */
export const NCHAN: Wire = {
  read: (url, lastEventId) => ({
    topics: (url.pathname.split('/').at(-1) ?? '').split(',').map(decodeURIComponent),
    after: lastEventId,
  }),
  write(event, passed) {
    const tags = [...passed].map(([topic, last]) => {
      const tag = last?.second === event.second ? String(last.tag) : '-'
      return topic === event.topic && passed.size > 1 ? `[${tag}]` : tag
    })
    return `id: ${event.second}:${tags}\ndata: ${dataOf(event)}\n\n`
  },
  resume(log, topics, after) {
    const [second = '', all = ''] = after.split(':')
    const tags = all.split(',')
    const isValid = tags.length === topics.length && (tags.length === 1 || all.includes('['))
    const tagOf = (topic: string) => {
      const tag = tags[topics.indexOf(topic)]?.replace(/[[\]]/g, '')
      return tag === '-' ? -1 : Number(tag)
    }
    const isLeft = (event: Published) =>
      event.second > Number(second) || (event.second === Number(second) && event.tag > tagOf(event.topic))
    return log
      .filter((event) => isValid && topics.includes(event.topic) && isLeft(event))
      .sort((one, other) => one.second - other.second || one.tag - other.tag)
  },
  heartbeat: 'event: ping\ndata:\n\n',
}

/** In the place of what came before the first event. */
const NOTHING = { number: 0, id: '', position: 0, second: 0, tag: 0 }

/** The time at which an event was made. */
const madeAt = ({ number }: Published): number => 1_700_000_000_000 + number

/** As KafkaSSE takes it from a client. */
type Assignment = { readonly topic: string; readonly timestamp?: number }

const assignmentsIn = (id: string): Assignment[] => JSON.parse(id)

/** Each stream has a topic of Kafka in each of two places, of which one is always empty. */
const PLACES = ['eqiad', 'codfw']

/**
 * Wikimedia's EventStreams: streams in the path, or since a time. An ID is a list of where each topic of Kafka goes on, and whoever
 * names one is sent what that says, whatever the path does; topics of other streams are refused. One topic is sent after the other.
 */
export const WIKIMEDIA: Wire = {
  read(url, lastEventId) {
    const since = url.searchParams.get('since') ?? undefined
    const asked = (url.pathname.split('/').at(-1) ?? '').split(',').map(decodeURIComponent)
    if (lastEventId === undefined) return { topics: asked, after: since }
    const topics = assignmentsIn(lastEventId).map(({ topic }) => topic.replace(/^\w+\./, ''))
    return {
      topics: [...new Set(topics)],
      after: lastEventId,
      isRefused: topics.some((one) => !asked.includes(one)),
    }
  },
  write(event, passed) {
    const id = [...passed].flatMap(([topic, last]) =>
      PLACES.map((place, index) => ({
        topic: `${place}.${topic}`,
        partition: 0,
        ...(index === 0 && last !== undefined ? { timestamp: madeAt(last) + 1 } : { offset: -1 }),
      })),
    )
    const meta = { id: event.id, stream: event.topic, topic: `${PLACES[0]}.${event.topic}`, partition: 0 }
    return `event: message\nid: ${JSON.stringify(id)}\ndata: ${JSON.stringify({ meta, number: event.number })}\n\n`
  },
  resume(log, topics, after) {
    const from = (topic: string) => {
      if (!after.startsWith('[')) return Number(after)
      const [assigned] = assignmentsIn(after).filter((one) => one.topic === `${PLACES[0]}.${topic}`)
      return assigned?.timestamp ?? Number.POSITIVE_INFINITY
    }
    return topics.flatMap((topic) =>
      log.filter((event) => event.topic === topic && madeAt(event) >= from(topic)),
    )
  },
  heartbeat: ':\n\n',
  greeting: ':ok\n\n',
  beginsUnknown: true,
}

/** A server of events of many topics, all of which it keeps until it is told to forget them. */
export class TopicServer {
  /** All events, numbered from 1. */
  readonly log: Published[] = []
  /** The topics of each request, and after which ID. */
  readonly requests: Asked[] = []
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
    const { topics, after, isRefused = false } = request
    if (isRefused) {
      response.writeHead(404).end()
      return
    }
    const kept = this.log.slice(this.#kept)
    const index = kept.findIndex(({ id }) => id === after)
    const isKnown = index >= 0
    const behind =
      isKnown || (after !== undefined && wire.replaysAllAfterUnknownId) ? kept.slice(index + 1) : []
    const replay =
      after === undefined || wire.resume === undefined ? behind : wire.resume(kept, topics, after)
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      ...wire.headers?.(after, isKnown),
    })
    const wanted = replay.filter(({ topic }) => topics.includes(topic))
    const lastOf = (topic: string) => {
      const next = wanted.find((event) => event.topic === topic) ?? { number: Number.POSITIVE_INFINITY }
      return this.log.findLast((event) => event.topic === topic && event.number < next.number)
    }
    const begun = (topic: string) => {
      if (!wire.beginsUnknown) return lastOf(topic)
      return after === undefined ? undefined : (lastOf(topic) ?? { ...NOTHING, topic })
    }
    const open = { passed: new Map(topics.map((topic) => [topic, begun(topic)])), response }
    response.write(
      `retry: 50\n\n${wire.greeting ?? ''}${wanted.map((event) => this.#pass(event, open)).join('')}`,
    )
    this.#open.add(open)
    this.peak = Math.max(this.peak, this.#open.size)
    response.on('close', () => {
      this.#open.delete(open)
      this.changes.changed()
    })
    this.changes.changed()
  }

  publish(topic: string): void {
    const number = this.log.length + 1
    const own = this.log.filter((event) => event.topic === topic)
    const second = 1_700_000_000 + Math.floor(number / IN_A_SECOND)
    const tag = own.filter((event) => event.second === second).length
    const event = { topic, number, id: `urn:uuid:${randomUUID()}`, position: own.length + 1, second, tag }
    this.log.push(event)
    for (const open of this.#open) if (open.passed.has(topic)) open.response.write(this.#pass(event, open))
  }

  #pass(event: Published, { passed }: Open): string {
    passed.set(event.topic, event)
    return this.#wire.write(event, passed)
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
