import { type Placed, placeKey, placeOf } from '../../src/link/place.ts'
import type { Passed } from '../../src/link/protocol.ts'
import type { Span } from './span.ts'
import { placeIn } from './takeover.ts'

/** What can be judged. */
export type Judged = Placed

/** A known event. */
export interface Known {
  readonly ordinal: number
  /** Its place in the server's order; that of most is their number. */
  readonly at: number
  /** It came ahead of a replay. */
  readonly isAhead: boolean
}

/** In order, by `placeKey`. */
export type KnownEvents = ReadonlyMap<string, readonly Known[]>

/** What the judge must know. */
export interface Case {
  /** Number of the event after which the server was asked to resume, and its ID. */
  readonly from: number
  readonly after: string
  /** What a faithful replay brings before anything new, in order. */
  readonly required: readonly Passed[]
  /** Some of the history brings no ID. */
  readonly isMixed: boolean
  /** The server says that it resumes from elsewhere. */
  readonly isDenied: boolean
  /** Nothing could be asked to be repeated. */
  readonly isUnproven: boolean
  /** All earlier events are known. */
  readonly isWhole: boolean
  /** Asked for only where something comes that is not required. */
  readonly index: () => KnownEvents
  /** So many events may be held. */
  readonly room: number
  /** As long as it is on, what was asked for may still come when the judge has given it up. */
  readonly late: Pick<Span, 'begin' | 'isOn'>
}

/** Recognises known events, and keeps count of those that a replay has brought. */
export class Recognition {
  readonly #case: Case
  readonly #required: ReadonlyMap<string, Passed>
  /** The required events in their places, and how many of them lie at or before the latest that has come. */
  readonly #inPlace: readonly Passed[]
  #passed = 0
  #index: KnownEvents | undefined
  /** Numbers of the asked events that have come, and the places of the latest and of the last. */
  readonly #met = new Set<number>()
  #latest: number
  #place: number
  #hasMetUnnumbered = false

  constructor(given: Case) {
    this.#case = given
    this.#latest = this.#place = given.from
    this.#required = new Map(given.required.map((event) => [placeKey(event), event]))
    this.#inPlace = [...this.#required.values()].sort((one, other) => placeIn(one) - placeIn(other))
  }

  /** How many of the asked events have come. */
  get count(): number {
    return this.#met.size
  }

  /** Place of the one that has come last, which need not be the latest; at first, of the event after which the server was asked to resume. */
  get place(): number {
    return this.#place
  }

  /** The last of the required events has come; where none is required, any of those that may come. */
  get isThrough(): boolean {
    const last = this.#case.required.at(-1)
    return last === undefined ? this.count > 0 : this.#met.has(last.ordinal)
  }

  /** In a mixed stream an event without an ID must have come: many servers do not keep them. */
  get isWholeReplay(): boolean {
    const { isMixed, required } = this.#case
    return !isMixed || required.length === 0 || this.#hasMetUnnumbered
  }

  /** An event has come that was asked for. */
  meet({ nth }: Judged, { ordinal, at }: Known): void {
    this.#met.add(ordinal)
    this.#hasMetUnnumbered ||= nth > 0
    this.#place = at
    this.#latest = Math.max(this.#latest, at)
    while (this.#placeAt(this.#passed) <= this.#latest) this.#passed++
  }

  /** The event behind the place asked for that this is, looked for from where the replay has got to. */
  askedAs(event: Judged, key: string): Known | undefined {
    if (event.id === '') return undefined
    const { from } = this.#case
    const required = this.#required.get(key)
    if (required !== undefined && placeIn(required) > this.#latest) return knownOf(required)
    const asked = this.#find(key).filter(({ at, ordinal }) => at > from && !this.#met.has(ordinal))
    const known = asked.find(({ at }) => at > this.#latest) ?? asked[0]
    return known ?? (this.#isBeforeLast(event) ? { ordinal: from, at: from, isAhead: false } : undefined)
  }

  /** The event before that place, or at it, that this is. */
  earlierAs({ id }: Judged, key: string): Known | undefined {
    return id === '' ? undefined : this.#find(key).findLast(({ at }) => at <= this.#case.from)
  }

  isEarlier(key: string): boolean {
    return this.#find(key).some(({ at }) => at <= this.#case.from)
  }

  /** Some of what is required before this event has not come. */
  skipsTo({ at }: Known): boolean {
    return this.#placeAt(this.#passed) < at
  }

  /** Some of that can be asked for: what has the very ID after which the server resumes is not behind it. */
  skipsAskable({ at }: Known): boolean {
    const { after } = this.#case
    for (const { id, nth } of this.#skippedBefore(at)) if (id !== after || nth > 0) return true
    return false
  }

  /**
   * Of what is unknown and has come just before this event: the place of the last of them that it follows. What follows the line with an ID
   * follows that line. To be asked from the last event to the first, so that each of them is looked at once.
   */
  placesBefore({ at }: Known): (event: Judged) => number {
    const followers = new Map<
      string,
      { bound?: number | undefined; readonly left: { readonly nth: number; readonly before: number }[] }
    >()
    let place = this.#latest
    for (const skipped of this.#skippedBefore(at)) {
      const { id, nth } = skipped
      if (nth > 0) {
        const same = followers.get(id) ?? { left: [] }
        followers.set(id, same)
        same.left.push({ nth, before: place })
      }
      place = placeIn(skipped)
    }
    return ({ id, nth }) => {
      const same = followers.get(id)
      while (same !== undefined && (same.left.at(-1)?.nth ?? 0) > nth) same.bound = same.left.pop()?.before
      return same?.bound ?? place
    }
  }

  *#skippedBefore(at: number): Iterable<Passed> {
    for (let count = this.#passed; this.#placeAt(count) < at; count++) yield this.#inPlace[count] as Passed
  }

  #placeAt(count: number): number {
    const event = this.#inPlace[count]
    return event === undefined ? Number.POSITIVE_INFINITY : placeIn(event)
  }

  /** Another event that is required has the same content. */
  isLikeRequired(event: Judged, key: string): boolean {
    const { digest } = placeOf(event)
    return this.#case.required.some((one) => one.digest === digest && placeKey(one) !== key)
  }

  #find(key: string): readonly Known[] {
    this.#index ??= this.#case.index()
    return this.#index.get(key) ?? []
  }

  /** Of the last event's ID, and nearer to the line that brought it. */
  #isBeforeLast({ id, nth }: Judged): boolean {
    const last = this.#case.required.at(-1)
    return last !== undefined && id === last.id && nth < last.nth
  }
}

const knownOf = ({ ordinal, at = ordinal }: Passed): Known => ({ ordinal, at, isAhead: false })
