import { unpack } from '../link/pack.ts'
import { placeOf } from '../link/place.ts'
import type { EventEntry, PackedEntries, Place } from '../link/protocol.ts'

/** How many dispatched events are remembered, to recognise them when another hub sends them. */
const LIMIT = 512

/** Up to this many characters per event, it is cheaper to keep the entries than to digest them at once. */
const KEEP_LIMIT = 1_024

/** How many characters are kept. A server can make IDs so long that fewer events are remembered. */
const MOST_CHARACTERS = LIMIT * KEEP_LIMIT

/** A number of dispatched entries, and the places of the events among them. */
interface Part {
  readonly count: number
  readonly characters: number
  readonly places: () => readonly Place[]
}

/** The latest events that a subscription has dispatched. */
export class Dispatched {
  /** Oldest first. */
  readonly #parts: Part[] = []
  /** How many entries the parts have in total, and how many characters. */
  #count = 0
  #characters = 0

  /** Adds the first `count` of these entries. */
  add(entries: PackedEntries, count: number): void {
    if (count === 0) return
    const part = partOf(entries, count)
    // Of IDs that are too long nothing is remembered.
    if (part.count === 0) return
    this.#parts.push(part)
    this.#count += part.count
    this.#characters += part.characters
    for (;;) {
      const [first] = this.#parts
      const isTooMuch = this.#characters > MOST_CHARACTERS && this.#parts.length > 1
      if (first === undefined || (!isTooMuch && this.#count - first.count < LIMIT)) return
      this.#parts.shift()
      this.#count -= first.count
      this.#characters -= first.characters
    }
  }

  /** Places of the latest events, first those dispatched, then the pending ones. */
  placesBefore(pending: readonly PackedEntries[]): Place[] {
    return latest([
      ...this.#parts.flatMap(({ places }) => places()),
      ...pending.flatMap((entries) => placesOf(entries)),
    ])
  }
}

function partOf(entries: PackedEntries, count: number): Part {
  const characters = entries.names.reduce((sum, name) => sum + name.length, entries.text.length)
  if (characters > count * KEEP_LIMIT) return digested(latest(placesOf(entries, count)))
  return { count, characters, places: () => placesOf(entries, count) }
}

/** Keeps nothing else: functions that are made in one place keep alive what any of them needs. */
function digested(places: readonly Place[]): Part {
  // In V8 an ID that is part of a text keeps the whole text alive.
  const own = places.map((place) => ({ ...place, id: ` ${place.id}`.slice(1) }))
  return {
    count: own.length,
    characters: own.reduce((sum, { id }) => sum + id.length, 0),
    places: () => own,
  }
}

/** As many of the last ones as are remembered. */
function latest(places: readonly Place[]): Place[] {
  let characters = 0
  const from = places.findLastIndex(({ id }) => {
    characters += id.length
    return characters > MOST_CHARACTERS
  })
  return places.slice(Math.max(from + 1, places.length - LIMIT))
}

/** The events among the first `count` entries, each as a separate object. */
export const eventsOf = (entries: PackedEntries, count?: number): EventEntry[] =>
  unpack(entries, count).filter((entry) => entry.type === 'event')

const placesOf = (entries: PackedEntries, count?: number): Place[] => eventsOf(entries, count).map(placeOf)
