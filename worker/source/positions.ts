import { ownIn, SEPARATOR } from '../../src/link/place.ts'
import type { Engine } from '../../src/link/topics.ts'
import type { HubPlatform } from '../platform.ts'
import { parsed } from './frame.ts'
import type { ConnectionRequest, SourceEvent } from './source.ts'

/** So many events are remembered that have been given, to know them when they come again. */
const MOST_GIVEN = 2_048

/** How long, in ms, what should come again is waited for when something else has come. */
const PATIENCE = 1_000

/** How far each topic has got. */
interface Place {
  /** Of Nchan: the second in which these positions hold. Whatever has no position has none of its events. */
  readonly time: string
  /** The first is that of the event itself. */
  readonly at: ReadonlyMap<string, string>
}

/** How a server writes that. */
interface Wire {
  /** @param topic of the event, where that is known by something else than its ID */
  read(id: string, topics: readonly string[], topic: string): Place | undefined
  /** The ID to resume after. */
  write(place: Place, topics: readonly string[]): string
  /** A topic without a position begins with what is new. */
  readonly beginsNow: boolean
}

/** As django-eventstream has it: `b:12,a:5`, and `1700000000;b:1,a:0` where there is a second. */
const textOf = ({ time, at }: Place): string =>
  (time && `${time};`) + [...at].map(([topic, position]) => `${encodeURIComponent(topic)}:${position}`).join()

/** What the hub has as an ID: `b:12␟a:5`. What stands before `␟` names the event; pages compare no more than that. */
const idOf = (place: Place): string => textOf(place).replace(',', SEPARATOR)

const SAID = /^(?:(\d+);)?([^:,;␟]+:[^:,;␟]+(?:[,␟][^:,;␟]+:[^:,;␟]+)*)$/

function placeIn(id: string): Place | undefined {
  const [, time = '', entries] = SAID.exec(id) ?? []
  if (entries === undefined) return undefined
  try {
    const at = entries.split(/[,␟]/).map((entry) => entry.split(':') as [string, string])
    return { time, at: new Map(at.map(([topic, position]) => [decodeURIComponent(topic), position])) }
  } catch {
    return undefined
  }
}

/** The same positions, with that of this topic first. */
function ownFirst({ time, at }: Place, topic: string): Place | undefined {
  const own = at.get(topic)
  return own === undefined ? undefined : { time, at: new Map([[topic, own], ...at]) }
}

const EVENTSTREAM: Wire = {
  read(id, _, topic) {
    const place = placeIn(id)
    return place && ownFirst(place, topic)
  },
  write: textOf,
  beginsNow: true,
}

/** `TIME:TAG`, and with several channels a tag for each in the order of the URL, that of the event's own in brackets: `TIME:0,[1],-`. */
const NCHAN: Wire = {
  read(id, topics) {
    const [time = '', tags = ''] = id.split(':')
    const all = tags.split(',')
    const own = topics[all.length === 1 ? 0 : all.findIndex((tag) => tag.startsWith('['))]
    if (own === undefined || all.length !== topics.length) return undefined
    const at = all.map((tag, index) => [topics[index] ?? '', tag.replace(/[[\]]/g, '')] as const)
    return ownFirst({ time, at: new Map(at.filter(([, tag]) => tag !== '-')) }, own)
  },
  write({ time, at }, topics) {
    const own = Math.max(
      0,
      topics.findIndex((topic) => at.has(topic)),
    )
    const tags = topics.map((topic, index) => {
      const tag = at.get(topic) ?? (index === own ? '-1' : '-')
      return index === own && topics.length > 1 ? `[${tag}]` : tag
    })
    return `${time}:${tags}`
  },
  beginsNow: false,
}

/** Those that say the topic of an event, and are one number for each. */
export type NumberedPositions = Exclude<NonNullable<Engine['positions']>, 'kafka'>

const WIRES: Readonly<Record<NumberedPositions, Wire>> = {
  eventstream: EVENTSTREAM,
  nchan: NCHAN,
}

/**
 * IDs that hold a position in each topic. The same event has another one on each connection, and a server that resumes can bring topics in
 * another order. What names an event is its own position. The hub is given IDs by which any set of topics can be asked for, and what it
 * knows under the IDs that it knows, in the order that it knows.
 */
export class Positions {
  readonly #platform: HubPlatform
  readonly #wire: Wire
  readonly #places = new WeakMap<SourceEvent, Place>()
  #place: Place = { time: '', at: new Map() }
  /** Where topics have begun that IDs did not name by then. */
  readonly #begun = new Map<string, string>()
  /** The ID of each event that is not to be given again, by its own position, in order. */
  readonly #given = new Map<string, string>()
  /** The same for what is. */
  readonly #known = new Map<string, string>()
  /** What should come before all else, in order. */
  #expected: string[] = []
  /** What has come before that. */
  readonly #held = new Map<string, SourceEvent>()
  #timer: unknown
  /** How far each connection has got that was asked for what follows an event, by its topics; and how far it had before an event. */
  readonly #courses = new WeakMap<ReadonlySet<string>, Place>()
  readonly #formers = new WeakMap<SourceEvent, Place>()
  /** What has shown that something before it was left out. */
  #torn: string | undefined
  #isTorn = false
  /** The last event given. */
  last: SourceEvent | undefined

  constructor(platform: HubPlatform, kind: NumberedPositions) {
    this.#platform = platform
    this.#wire = WIRES[kind]
  }

  /** Of an event that has the name of its topic, if it says that. */
  read(event: SourceEvent, topics: ReadonlySet<string>): SourceEvent {
    const place = event.id === undefined ? undefined : this.#wire.read(event.id, [...topics], event.name)
    const [own] = place?.at ?? []
    if (place === undefined || own === undefined) return event
    const read = { ...event, name: own[0], id: textOf({ time: place.time, at: new Map([own]) }) }
    this.#places.set(read, place)
    const former = this.#courses.get(topics)
    if (former !== undefined) {
      this.#formers.set(read, former)
      this.#courses.set(topics, place)
    }
    return read
  }

  /** A connection that resumes, in the server's words, and topics of which it cannot say how far they have got. */
  resume(
    connection: ConnectionRequest,
    topics: ReadonlySet<string>,
  ): { readonly after: string; readonly lacks: readonly string[]; readonly isTorn: boolean } {
    const { resumeAfter, latest = [] } = connection
    const isTorn = this.#isTorn
    this.#isTorn = false
    this.end()
    this.last = undefined
    const given = [...this.#given]
    const behind = given.slice(given.findIndex(([own]) => own === ownIn(resumeAfter)) + 1)
    this.#known.clear()
    for (const [own, id] of [...behind, ...latest.map((id) => [ownIn(id), id] as const)]) {
      this.#given.delete(own)
      this.#known.set(own, id)
    }
    const place = placeIn(resumeAfter)
    if (place === undefined) return { after: resumeAfter, lacks: [], isTorn }
    this.#courses.set(topics, place)
    this.#expected = latest.filter((id) => isOf(id, topics)).map(ownIn)
    for (const topic of this.#begun.keys()) if (!topics.has(topic)) this.#begun.delete(topic)
    const at = new Map([...place.at, ...[...this.#begun].filter(([topic]) => !place.at.has(topic))])
    this.#place = this.#wire.beginsNow ? { ...place, at } : place
    const lacks = this.#wire.beginsNow ? [...topics].filter((topic) => !at.has(topic)) : []
    return { after: this.#wire.write(this.#place, [...topics]), lacks, isTorn }
  }

  /** The ID after which the last event comes again; where there is but one, that of it. */
  before(topics: ReadonlySet<string>): string {
    const [last = '', before = last] = [...this.#given.values()].slice(-2).reverse()
    const place = placeIn(before)
    if (place === undefined) return ''
    this.#courses.set(topics, place)
    return this.#wire.write(place, [...topics])
  }

  /**
   * Nchan has left something out, as it does now and then when it resumes: a tag is skipped, or what is known has not come before what lies
   * behind it. Told once for an event.
   */
  isTornBy(event: SourceEvent): boolean {
    const place = this.#places.get(event)
    const { id: own = '' } = event
    if (!place?.time || this.#expected.length > 0 || this.#given.has(own) || own === this.#torn) return false
    const { time, at } = this.#place
    const former = this.#formers.get(event)
    const tag = Number(place.at.get(event.name))
    const isNow = place.time === time
    // It brings what has a lower tag first.
    const brought = isNow ? former && place : former?.time === time ? former : undefined
    const isTorn =
      (isNow && tag > Number(at.get(event.name)) + 1) ||
      [...at].some(([topic, last]) => {
        const isMissing = Number(brought?.at.get(topic) ?? last) < Number(last)
        return isMissing && (!isNow || Number(last) < tag)
      })
    if (isTorn) this.#torn = own
    this.#isTorn ||= isTorn
    return isTorn
  }

  /** Another connection has brought what is known: it says where topics begin that are new. */
  join(event: SourceEvent): void {
    const place = this.#places.get(event)
    if (place === undefined || !this.#wire.beginsNow) return
    this.#begun.clear()
    for (const [topic, position] of place.at) if (!this.#place.at.has(topic)) this.#begun.set(topic, position)
    this.#place = { ...this.#place, at: new Map([...this.#place.at, ...this.#begun]) }
  }

  /** Gives an event when those have been given that come before it. */
  take(event: SourceEvent, give: (event: SourceEvent) => void): void {
    const { id: own = '' } = event
    if (!this.#places.has(event)) give(event)
    else if (this.#expected.length === 0) this.#give(own, event, give)
    else if (!this.#given.has(own)) {
      this.#held.set(own, event)
      if (this.#isAhead(own, event)) this.#release(give)
      else this.#proceed(give)
    }
  }

  /** The server says that some topics have another history now, or all where it does not say which. */
  beginAnew({ id = '', data }: SourceEvent, give: (event: SourceEvent) => void): void {
    this.#release(give)
    const { channels } = Object(parsed(data)) as { readonly channels?: unknown }
    for (const [own, known] of [...this.#given, ...this.#known]) {
      const [topic] = placeIn(own)?.at.keys() ?? []
      // What goes on may bring again what the hub does not expect any more.
      if (Array.isArray(channels) && !channels.includes(topic)) this.#given.set(own, known)
      else this.#given.delete(own)
    }
    this.#known.clear()
    this.#place = placeIn(id) ?? this.#place
  }

  end(): void {
    this.#stop()
    this.#held.clear()
    this.#expected = []
  }

  /** Something of its topic that should have come before it has not. */
  #isAhead(own: string, { name }: SourceEvent): boolean {
    return this.#expected.some(
      (one) => !this.#held.has(one) && isOf(one, new Set([name])) && isBefore(one, own),
    )
  }

  #proceed(give: (event: SourceEvent) => void): void {
    const left = this.#expected.length
    for (let [own = ''] = this.#expected; this.#held.has(own); [own = ''] = this.#expected) {
      this.#expected.shift()
      this.#giveHeld(own, give)
    }
    // Only what it waits for puts it off: other topics may bring something all the time.
    if (this.#expected.length < left) this.#stop()
    if (this.#expected.length === 0 || this.#held.size > MOST_GIVEN) this.#release(give)
    else if (this.#held.size > 0)
      this.#timer ??= this.#platform.setTimeout(() => this.#release(give), PATIENCE)
  }

  #stop(): void {
    this.#platform.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #release(give: (event: SourceEvent) => void): void {
    this.#stop()
    for (const own of [...this.#expected.splice(0), ...this.#held.keys()]) this.#giveHeld(own, give)
  }

  #giveHeld(own: string, give: (event: SourceEvent) => void): void {
    const event = this.#held.get(own)
    this.#held.delete(own)
    if (event !== undefined) this.#give(own, event, give)
  }

  #give(own: string, event: SourceEvent, give: (event: SourceEvent) => void): void {
    if (this.#given.has(own)) return
    const known = this.#known.get(own)
    const place = (known === undefined ? undefined : placeIn(known)) ?? this.#places.get(event)
    if (place !== undefined) this.#place = together(this.#place, place)
    const id = known ?? idOf(this.#place)
    this.#given.set(own, id)
    const [oldest = ''] = this.#given.keys()
    if (this.#given.size > MOST_GIVEN) this.#given.delete(oldest)
    this.last = event
    give({ ...event, id })
  }
}

/** How far topics have got with an event, which is the first of `next`. What has been given counts, not what a connection has brought. */
function together(former: Place, next: Place): Place {
  const [own] = next.at
  if (own === undefined || former.time !== next.time) return next
  const others =
    next.time === ''
      ? [...next.at].map(([topic, at]) => [topic, former.at.get(topic) ?? at] as const)
      : [...next.at, ...former.at]
  return { time: next.time, at: new Map([own, ...others, own]) }
}

function isOf(id: string, topics: ReadonlySet<string>): boolean {
  const [topic] = placeIn(id)?.at.keys() ?? []
  return topic !== undefined && topics.has(topic)
}

/** Of two of one topic. */
function isBefore(one: string, other: string): boolean {
  const [first, second] = [one, other].map((own) => {
    const place = placeIn(own)
    return [Number(place?.time), Number([...(place?.at.values() ?? [])][0])] as const
  })
  return (
    first !== undefined &&
    second !== undefined &&
    (first[0] < second[0] || (first[0] === second[0] && first[1] < second[1]))
  )
}
