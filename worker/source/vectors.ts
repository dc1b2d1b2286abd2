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
  readonly topic: string
  readonly partition: number
  readonly offset?: number
  readonly timestamp?: number
}

/** Times in ms, by topic of Kafka and partition, from which on it brings what is new. */
type Times = ReadonlyMap<string, number>

const partitionOf = ({ topic, partition }: Pick<Entry, 'topic' | 'partition'>): string =>
  `${topic}/${partition}`

function timesIn(entries: readonly Entry[]): Times {
  const times = entries.map((entry) => [partitionOf(entry), entry.timestamp ?? 0] as const)
  return new Map(times.filter(([, time]) => time > 0))
}

/** None where one of them is nothing that a server has made. */
const entriesIn = (vector = ''): readonly Entry[] => {
  const entries: unknown = parsed(vector)
  return Array.isArray(entries) && entries.every(isEntry) ? entries : []
}

function isEntry(value: unknown): value is Entry {
  const { topic, partition, offset = 0, timestamp = 0 } = Object(value)
  return typeof topic === 'string' && [partition, offset, timestamp].every((part) => typeof part === 'number')
}

/** No text of half a character can be a part of a URL. */
const encoded = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'))

/** How a connection goes on. */
export interface Resumed {
  readonly connection: ConnectionRequest
  /** Of what it brings, what had come before. */
  readonly hasCome?: (event: SourceEvent) => boolean
}

const PLACE = wantedBy<'topic' | 'partition'>([
  ['topic', ['meta', 'topic']],
  ['partition', ['meta', 'partition']],
])

/** What of Kafka an event has come from, as it says itself. */
function placeOf({ data }: SourceEvent): string {
  const { topic, partition } = new JsonText<'topic' | 'partition'>(data).whole(PLACE) ?? {}
  return partitionOf({ topic: saidBy(topic) ?? '', partition: Number(partition) })
}

/** Makes IDs of vectors, and resumes by them. */
export class Vectors {
  readonly #platform: HubPlatform
  /** Each event of a connection has its topics in its ID. */
  readonly #lists = new WeakMap<ReadonlySet<string>, string>()
  /** What the hub knows and a connection should bring, in order; and what of that has not come. */
  #expected: readonly string[] = []
  #missing = new Set<string>()
  /** Where the present connection has begun. */
  #begin: readonly Entry[] = []
  #held: SourceEvent[] = []
  #timer: unknown

  constructor(platform: HubPlatform) {
    this.#platform = platform
  }

  /** What the hub has as an ID: what names the event, its topic, those that were asked for, and the server's ID. */
  idOf(own: string, topic: string, topics: ReadonlySet<string>, vector: string): string {
    return [own, encoded(topic), this.#listOf(topics), vector].join(SEPARATOR)
  }

  /**
   * The request for these topics. Those of the ID go on exactly where they were; others can only be asked for since a time.
   *
   * @returns nothing where the ID does not say when
   */
  resuming(connection: ConnectionRequest, topics: ReadonlySet<string>): Resumed | undefined {
    const { resumeAfter, url } = connection
    if (resumeAfter === '') return { connection }
    const [, , asked] = resumeAfter.split(SEPARATOR)
    const entries = entriesOf(resumeAfter)
    const times = timesIn(entries)
    // The server has counted one on.
    const time = [...times.values()].reduce((most, one) => Math.max(most, one), Number.NEGATIVE_INFINITY) - 1
    const isEmpty = ({ offset = 0 }: Entry) => offset < 0
    if (entries.length === 0 || (times.size === 0 && entries.some(isEmpty))) return undefined
    if (asked === this.#listOf(topics)) {
      // What has had no events by then may have some before the next connection.
      const resumed = entries.map((entry) =>
        isEmpty(entry)
          ? { topic: entry.topic, partition: entry.partition, timestamp: time - OVERLAP }
          : entry,
      )
      return { connection: { ...connection, resumeAfter: JSON.stringify(resumed) } }
    }
    // Of what has been asked for since a time, and has not come yet, only an offset is known.
    if (!entries.every((entry) => isEmpty(entry) || times.has(partitionOf(entry)))) return undefined
    const since = withParameters(url, [['since', String(time - OVERLAP)]])
    const isThrough = new Set<string>()
    return {
      connection: { ...connection, resumeAfter: '', url: since },
      hasCome(event) {
        const place = placeOf(event)
        if (isThrough.has(place)) return false
        const at = timesIn(entriesIn(event.id)).get(place) ?? Number.POSITIVE_INFINITY
        if (at <= (times.get(place) ?? time)) return true
        isThrough.add(place)
        return false
      },
    }
  }

  /** A connection that resumes should bring these. A server brings one topic of Kafka after another. */
  expect({ resumeAfter, latest = [] }: ConnectionRequest, topics: ReadonlySet<string>): void {
    this.end()
    this.#begin = entriesOf(resumeAfter)
    const names = new Set([...topics].map(encoded))
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
    const reached = new Map(this.#begin.map((entry) => [partitionOf(entry), entry]))
    const held = this.#held.sort((one, other) => rankOf(one) - rankOf(other))
    this.end()
    for (const event of held) give(reaching(event, reached))
  }

  #listOf(topics: ReadonlySet<string>): string {
    const list = this.#lists.get(topics) ?? [...topics].map(encoded).join()
    this.#lists.set(topics, list)
    return list
  }
}

/** @param id as the hub has it */
const entriesOf = (id = ''): readonly Entry[] => entriesIn(id.split(SEPARATOR)[3])

/**
 * With an ID that goes on behind what has been given, in place of behind what had come: the order is another one.
 *
 * @param reached where each partition goes on, which the event moves on
 */
function reaching(event: SourceEvent, reached: Map<string, Entry>): SourceEvent {
  const { id } = event
  if (id === undefined) return event
  const place = placeOf(event)
  const [own, topic, list] = id.split(SEPARATOR)
  // What the server does not bring any more is not among these.
  const vector = entriesOf(id).map((entry) => {
    const partition = partitionOf(entry)
    if (partition === place || !reached.has(partition)) reached.set(partition, entry)
    return reached.get(partition)
  })
  return vector.length === 0
    ? event
    : { ...event, id: [own, topic, list, JSON.stringify(vector)].join(SEPARATOR) }
}
