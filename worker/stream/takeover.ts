import type { Passed, Position, Seen, Subscription } from '../../src/link/protocol.ts'
import { NOWHERE } from './anchor.ts'

/** Where a page stands that has everything up to this ID: behind an event of which nothing else is known. */
export function snapshotAt(id: string): Position {
  const event = { id, nth: 0, digest: 0, ordinal: 1 }
  const at = { ordinal: 1, from: 1, resumeAfter: id, latest: [event] }
  // Only snapshots of one ID can be compared with each other.
  return { ...NOWHERE, ...at, log: logOf(id), seq: 0, subscribers: 0 }
}

/** The ID up to which a page has everything, as long as it has had nothing else. */
export const sinceOf = ({ since, position }: Subscription): string | undefined =>
  position !== undefined && position.log === logOf(position.resumeAfter) ? position.resumeAfter : since

/** The log of those who are at, or on a bridge from, this ID: at the next hub others count for more. */
export const logOf = (id: string): string => `${SINCE}${id}`

const SINCE = 'since '

const isMinor = ({ log }: Position): boolean => log.startsWith(SINCE)

/** Gathers what a dead hub's tabs remember. Its successor's first connection resumes from the oldest position. */
export class Takeover {
  #start: Position | undefined
  #furthest: Position | undefined
  /** All in the log of `start`, by their numbers. */
  readonly #positions = new Map<number, Position>()
  readonly #events = new Map<number, Passed>()
  /** Numbers of those that a position names. What only pages remember can have been a frame, or out of place. */
  readonly #named = new Set<number>()
  /** What pages listen to, where the server is asked for nothing else. */
  readonly wanted: (() => ReadonlySet<string>) | undefined
  #end = 0
  /** How many subscriptions the dead hub had, and how many have come so far. */
  #expected = 0
  #gathered = 0
  #isSettled = false

  /** @param wanted what pages listen to, where the server is asked for nothing else: nothing else needs to come again */
  constructor(wanted?: () => ReadonlySet<string>) {
    this.wanted = wanted
  }

  /**
   * The oldest position that came in time, less those too far behind the others; `undefined` if there is none to resume from.
   */
  get start(): Position | undefined {
    return this.#start
  }

  /** The stream can resume after this event. */
  isNamed(ordinal: number): boolean {
    return this.#named.has(ordinal)
  }

  /** Where nothing that is known has to come again, that says nothing for the server. */
  get isDoubtful(): boolean {
    return this.wanted !== undefined && this.#start !== undefined
  }

  /** Someone has come from a dead hub. */
  get hasGathered(): boolean {
    return this.#gathered > 0
  }

  /** The newest position in the log of `start`: it knows most of the stream. */
  get furthest(): Position | undefined {
    return this.#furthest
  }

  /** Number of the last event that one of these tabs has passed, in the log of `start`. */
  get end(): number {
    return this.#end
  }

  /** True once the first connection has begun. A later position cannot be resumed from. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  /**
   * No later position counts any more.
   *
   * @param room so many events of a replay can be held. Who stands further back than that is told of a gap: otherwise all would be
   *   given again what came since, because nothing shows that it joins.
   * @returns what these tabs have passed of the log of `start`, in its order
   */
  settle(room: number): Passed[] {
    this.#isSettled = true
    const { ordinal = 0 } = this.#furthest ?? {}
    const near = [...this.#positions.values()].filter((position) => position.ordinal > ordinal - room)
    this.#positions.clear()
    if (near.length > 0) this.#start = near.reduce((start, one) => (isOlder(one, start) ? one : start))
    const events = [...this.#events.values()].sort((one, other) => placeIn(one) - placeIn(other))
    this.#events.clear()
    const wanted = this.wanted?.()
    return events.map((event) =>
      wanted === undefined || event.topic === undefined
        ? event
        : { ...event, isAside: !wanted.has(event.topic) },
    )
  }

  /**
   * A tab of a dead hub had this position.
   *
   * @returns how many of that hub's subscriptions are still missing
   */
  gather(position: Position, seen: Seen | undefined): number {
    // Where there is no ID, nothing can be resumed after. Still, it is one that has come.
    if (!this.#isSettled && position.resumeAfter !== '') {
      if (this.#start === undefined || (isMinor(this.#start) && !isMinor(position))) {
        this.#start = position
        this.#furthest = undefined
        this.#positions.clear()
        this.#events.clear()
        this.#named.clear()
        this.#end = 0
      }
      // Positions in different logs cannot be compared.
      if (position.log === this.#start.log) this.#add(position, seen?.events ?? [])
    }
    this.#expected = Math.max(this.#expected, position.subscribers)
    return this.#expected - ++this.#gathered
  }

  /** A page stands at a snapshot. Tells whether the first connection resumes there. */
  begin(snapshot: Position): boolean {
    if (this.#isSettled) return false
    this.#start ??= snapshot
    if (this.#start.log !== snapshot.log) return false
    this.#add(snapshot, [])
    return true
  }

  #add(position: Position, seen: readonly Passed[]): void {
    if (this.#start === undefined || isOlder(position, this.#start)) this.#start = position
    if (this.#furthest === undefined || isOlder(this.#furthest, position)) this.#furthest = position
    this.#end = Math.max(this.#end, position.ordinal)
    const same = this.#positions.get(position.ordinal)
    if (same === undefined || isOlder(position, same)) this.#positions.set(position.ordinal, position)
    // What a position has of an event says more.
    for (const event of inPlace(seen.filter(({ ordinal }) => ordinal > 0)))
      if (!this.#events.has(event.ordinal)) this.#events.set(event.ordinal, event)
    for (const event of position.latest) {
      this.#events.set(event.ordinal, event)
      this.#named.add(event.ordinal)
    }
  }
}

/** Its place in the server's order. */
export const placeIn = ({ ordinal, at = ordinal }: Passed): number => at

/** An event that was given before one with a lower number has its place before that. */
function inPlace(events: readonly Passed[]): Passed[] {
  const placed: Passed[] = []
  let next = Number.POSITIVE_INFINITY
  let inARow = 0
  for (const event of [...events].reverse()) {
    const isOutOfPlace = event.ordinal > next
    inARow = isOutOfPlace ? inARow + 1 : 0
    if (!isOutOfPlace) next = event.ordinal
    placed.push(isOutOfPlace ? { ...event, at: next - 1 + 1 / (inARow + 1) } : event)
  }
  return placed.reverse()
}

/**
 * Of two at the same event, one that can be proven wins: it resumes from an earlier one. So does one that stands further back behind what has
 * never come.
 */
const isOlder = (one: Position, other: Position): boolean =>
  one.ordinal === other.ordinal ? one.from < other.from : one.ordinal < other.ordinal
