import { unpack } from '../link/pack.ts'
import { placeOf } from '../link/place.ts'
import type { EventEntry, PackedEntries, Place } from '../link/protocol.ts'

/** How many dispatched events are remembered, to recognise them when another hub sends them. */
const LIMIT = 512

/** Up to this many characters per event, it is cheaper to keep the entries than to digest them at once. */
const KEEP_LIMIT = 1_024

/** A number of dispatched entries, and the places of the events among them. */
interface Part {
  readonly count: number
  readonly places: () => readonly Place[]
}

/** The latest events that a subscription has dispatched. */
export class Dispatched {
  /** Oldest first. */
  readonly #parts: Part[] = []
  /** How many entries the parts have in total. */
  #count = 0

  /** Adds the first `count` of these entries. */
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

  /** Places of the latest events, first those dispatched, then the pending ones. */
  placesBefore(pending: readonly PackedEntries[]): Place[] {
    return [
      ...this.#parts.flatMap(({ places }) => places()),
      ...pending.flatMap((entries) => placesOf(entries)),
    ].slice(-LIMIT)
  }
}

/** The events among the first `count` entries, each as a separate object. */
export const eventsOf = (entries: PackedEntries, count?: number): EventEntry[] =>
  unpack(entries, count).filter((entry) => entry.type === 'event')

const placesOf = (entries: PackedEntries, count?: number): Place[] => eventsOf(entries, count).map(placeOf)
