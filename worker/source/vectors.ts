import { ownIn, SEPARATOR } from '../../src/link/place.ts'
import type { HubPlatform } from '../platform.ts'
import { parsed, saidBy, withParameters } from './frame.ts'
import { JsonText, wantedBy } from './json-text.ts'
import type { ConnectionRequest, SourceEvent } from './source.ts'

// IDs of KafkaSSE, which Wikimedia's EventStreams are: a list in JSON of where each topic of Kafka goes on. The same event has another one
// on each connection, and a server that is given one sends what that names, whatever the URL says.

/** How much older, in ms, than an event can be what had not come before it: topics of Kafka do not wait for each other. */
const OVERLAP = 5_000

/** How long, in ms, what is known is waited for when something else has come. */
const PATIENCE = 1_000

/** So many events wait for that at most. */
const MOST_HELD = 2_048

/** As the server has it: with a time, or, where that has had no events yet, with the offset -1, which means the end. */
interface Entry {
  readonly topic?: unknown
  readonly partition?: unknown
  readonly offset?: unknown
  readonly timestamp?: unknown
}

/** Times in ms, by topic of Kafka and partition, from which on it brings what is new. */
type Times = ReadonlyMap<string, number>

const partitionOf = ({ topic, partition }: Entry): string => `${topic}/${partition}`

function timesIn(entries: readonly Entry[]): Times {
  const times = entries.map((entry) => [partitionOf(entry), Number(entry.timestamp)] as const)
  return new Map(times.filter(([, time]) => time > 0))
}

const entriesIn = (vector = ''): readonly Entry[] => {
  const entries: unknown = parsed(vector)
  return Array.isArray(entries) ? entries.map(Object) : []
}

/** How a connection goes on. */
export interface Resumed {
  readonly connection: ConnectionRequest
  /** Of what it brings, what had come before. */
  readonly hasCome?: (event: SourceEvent) => boolean
}

/** Of the data of an event: what of Kafka it has come from. */
const PLACE = wantedBy<'topic' | 'partition'>([
  ['topic', ['meta', 'topic']],
  ['partition', ['meta', 'partition']],
])

/** Makes IDs of vectors, and resumes by them. */
export class Vectors {
  readonly #platform: HubPlatform
  /** Each event of a connection has its topics in its ID. */
  readonly #lists = new WeakMap<ReadonlySet<string>, string>()
  /** What the hub knows and a connection should bring, in order; and what of that has not come. */
  #expected: readonly string[] = []
  #missing = new Set<string>()
  #held: SourceEvent[] = []
  #timer: unknown

  constructor(platform: HubPlatform) {
    this.#platform = platform
  }

  /** What the hub has as an ID: what names the event, its topic, those that were asked for, and the server's ID. */
  idOf(own: string, topic: string, topics: ReadonlySet<string>, vector: string): string {
    return [own, encodeURIComponent(topic), this.#listOf(topics), vector].join(SEPARATOR)
  }

  /**
   * The request for these topics. Those of the ID go on exactly where they were; others can only be asked for since a time.
   *
   * @returns nothing where the ID does not say when
   */
  resuming(connection: ConnectionRequest, topics: ReadonlySet<string>): Resumed | undefined {
    const { resumeAfter, url } = connection
    if (resumeAfter === '') return { connection }
    const [, , asked, vector] = resumeAfter.split(SEPARATOR)
    const entries = entriesIn(vector)
    const times = timesIn(entries)
    // The server has counted one on.
    const time = Math.max(...times.values()) - 1
    const isEmpty = ({ offset }: Entry) => Number(offset) < 0
    if (entries.length === 0 || (times.size === 0 && entries.some(isEmpty))) return undefined
    if (asked === this.#listOf(topics)) {
      // What has had no events by then may have some before the next connection.
      const resumed = entries.map((entry) =>
        isEmpty(entry) ? { topic: entry.topic, partition: entry.partition, timestamp: time } : entry,
      )
      return { connection: { ...connection, resumeAfter: JSON.stringify(resumed) } }
    }
    // Of what has been asked for since a time, and has not come yet, only an offset is known.
    if (!entries.every((entry) => isEmpty(entry) || times.has(partitionOf(entry)))) return undefined
    const since = withParameters(url, [['since', String(time - OVERLAP)]])
    const isThrough = new Set<string>()
    return {
      connection: { ...connection, resumeAfter: '', url: since },
      hasCome({ id, data }) {
        const { topic = '', partition = '' } = new JsonText<'topic' | 'partition'>(data).whole(PLACE) ?? {}
        const place = partitionOf({ topic: saidBy(topic), partition })
        if (isThrough.has(place)) return false
        const at = timesIn(entriesIn(id)).get(place) ?? Number.POSITIVE_INFINITY
        if (at <= (times.get(place) ?? time)) return true
        isThrough.add(place)
        return false
      },
    }
  }

  /** A connection that resumes should bring these. A server brings one topic of Kafka after another. */
  expect(latest: readonly string[], topics: ReadonlySet<string>): void {
    this.end()
    const names = new Set([...topics].map(encodeURIComponent))
    this.#expected = latest.flatMap((id) => {
      const [own = '', topic = ''] = id.split(SEPARATOR)
      return names.has(topic) ? [own] : []
    })
    this.#missing = new Set(this.#expected)
  }

  /** Gives the hub what it knows first, in the order that it knows. */
  take(event: SourceEvent, give: (event: SourceEvent) => void): void {
    if (this.#expected.length === 0) {
      give(event)
      return
    }
    this.#held.push(event)
    this.#missing.delete(ownIn(event.id ?? ''))
    if (this.#missing.size === 0 || this.#held.length > MOST_HELD) this.#release(give)
    else this.#timer ??= this.#platform.setTimeout(() => this.#release(give), PATIENCE)
  }

  end(): void {
    this.#platform.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#expected = []
    this.#held = []
  }

  #release(give: (event: SourceEvent) => void): void {
    const rank = new Map(this.#expected.map((own, index) => [own, index]))
    const rankOf = ({ id = '' }: SourceEvent) => rank.get(ownIn(id)) ?? rank.size
    const held = this.#held.sort((one, other) => rankOf(one) - rankOf(other))
    this.end()
    for (const event of held) give(event)
  }

  #listOf(topics: ReadonlySet<string>): string {
    const list = this.#lists.get(topics) ?? [...topics].map(encodeURIComponent).join()
    this.#lists.set(topics, list)
    return list
  }
}
