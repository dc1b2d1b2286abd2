import { unpack } from '../link/pack.ts'
import { placeOf } from '../link/place.ts'
import type { EventEntry, PackedEntries, Place } from '../link/protocol.ts'

/** How many dispatched events are remembered, to recognise them at another hub. */
const LIMIT = 512

/** Characters of an event up to which it is cheaper to keep than to digest at once. */
const KEEP_LIMIT = 1_024

/** Entries that have been dispatched, from which the places of the events can still be told. */
interface Part {
  readonly count: number
  readonly places: () => readonly Place[]
}

/** The latest events that a subscription has dispatched. */
export class Dispatched {
  /** Oldest first. */
  readonly #parts: Part[] = []
  /** How many entries they are. */
  #count = 0

  /** The first `count` of these entries have been dispatched. */
  add(entries: PackedEntries, count: number): void {
    if (count === 0) return
    const places = entries.text.length > count * KEEP_LIMIT ? placesOf(entries, count) : undefined
    this.#parts.push({ count, places: () => places ?? placesOf(entries, count) })
    this.#count += count
    for (;;) {
      const left = this.#count - (this.#parts[0]?.count ?? 0)
      if (left < LIMIT) return
      this.#parts.shift()
      this.#count = left
    }
  }

  /** Of the latest events, and of those that are about to be dispatched after them. */
  placesBefore(pending: readonly PackedEntries[]): Place[] {
    return [
      ...this.#parts.flatMap(({ places }) => places()),
      ...pending.flatMap((entries) => placesOf(entries)),
    ].slice(-LIMIT)
  }
}

/** The events among the first `count` entries, each an object of its own. */
export const eventsOf = (entries: PackedEntries, count?: number): EventEntry[] =>
  unpack(entries, count).filter((entry) => entry.type === 'event')

const placesOf = (entries: PackedEntries, count?: number): Place[] => eventsOf(entries, count).map(placeOf)
