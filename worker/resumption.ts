import type { EventEntry, Place, Position, SeenEvent } from '../src/protocol.ts'
import type { Log } from './log.ts'

/**
 * Has continuity been kept? IDs are opaque, so a server that ignores `Last-Event-ID`, or has forgotten the ID, looks
 * just like one that had nothing to add. Therefore we ask to resume after an *earlier* event than the last one: a
 * server that does resume then first repeats what is known already, and that proves it.
 */

/** How many known events a position names, and how far back an earlier ID is looked for. */
const EXPECT_LIMIT = 16
const SEARCH_LIMIT = 1_024

export const placeOf = (event: Pick<EventEntry, 'id' | 'nth' | 'name' | 'data'>): Place => ({
  id: event.id,
  nth: event.nth,
  digest: digestOf(event.name, event.data),
})

/** FNV-1a over the name and at most 128 characters of the data: cheap for any size. */
function digestOf(name: string, data: string): number {
  const sample = data.length <= 128 ? data : data.slice(0, 64) + data.slice(-64)
  const text = `${name}\n${data.length}\n${sample}`
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

const samePlace = (one: Place, other: Place): boolean =>
  one.id === other.id && one.nth === other.nth && one.digest === other.digest

export const seenKey = (event: SeenEvent): string => `${event.nth}:${event.size}:${event.id}`

/** What {@link Position} says of the stream, less the hub and the sequence number. */
export type Anchor = Pick<Position, 'resumeAfter' | 'expect' | 'unproven'>

/** Nothing has been received yet, or nothing with an ID. */
export const NOWHERE: Anchor = { resumeAfter: '', expect: [], unproven: true }

/**
 * From where to resume so as to join the log just after `seq`.
 *
 * Goes back to the newest event with another ID. In a stream where some events bring no ID it goes back over one of
 * those as well, since many servers do not keep them: their return shows that this one does.
 *
 * @param mixed the stream has had events without an ID of their own
 */
export function anchorAt(log: Log, seq: number, mixed: boolean): Anchor | undefined {
  const expect: Place[] = []
  let last: EventEntry | undefined
  let hasUnnumbered = false
  for (let at = seq; at >= Math.max(log.firstSeq, seq - SEARCH_LIMIT); at--) {
    const entry = log.at(at)
    if (entry?.type !== 'event') continue
    last ??= entry
    if (last.id === '') return NOWHERE
    const bringsOtherId = entry.nth === 0 && entry.id !== '' && entry.id !== last.id
    if (bringsOtherId && (hasUnnumbered || !mixed)) {
      return { resumeAfter: entry.id, expect: expect.reverse(), unproven: false }
    }
    hasUnnumbered ||= entry.nth > 0
    if (expect.length < EXPECT_LIMIT) expect.push(placeOf(entry))
  }
  if (last === undefined) return undefined
  return { resumeAfter: last.id, expect: [placeOf(last)], unproven: !mixed }
}

export type Verdict =
  /** Dispatched before: drop it. */
  | 'seen'
  /** The next event of an unbroken stream. */
  | 'new'
  /** New, but something before it may be missing. */
  | 'gap'

/** Sorts the events of a replay into known and new, and tells when the two do not join. */
export class Resumption {
  readonly #expect: readonly Place[]
  readonly #unproven: boolean
  readonly #isKnown: (event: EventEntry) => boolean
  #matched = 0
  #state: 'searching' | 'joined' | 'doubtful' = 'searching'

  /** @param isKnown whether an event that is not expected next has been dispatched all the same */
  constructor(anchor: Anchor, isKnown: (event: EventEntry) => boolean) {
    this.#expect = anchor.expect
    this.#unproven = anchor.unproven
    this.#isKnown = isKnown
  }

  /** Everything known has been passed: no later event needs judging. */
  get isOver(): boolean {
    return this.#state === 'joined'
  }

  /** @param matters whether the event would be dispatched; others are only looked at for where they stand */
  judge(event: EventEntry, matters: boolean): Verdict {
    if (this.#state === 'searching' && this.#recognise(event)) return 'seen'
    if (!matters || this.#state === 'joined') return 'new'
    const broken = this.#state === 'doubtful' || !this.#isTrusted()
    this.#state = 'joined'
    return broken ? 'gap' : 'new'
  }

  #recognise(event: EventEntry): boolean {
    const place = placeOf(event)
    const next = this.#expect[this.#matched]
    if (next !== undefined && samePlace(next, place)) {
      this.#matched++
      if (this.#matched === this.#expect.length) this.#state = 'joined'
      return true
    }
    const last = this.#expect.at(-1)
    if (last !== undefined && samePlace(last, place)) {
      this.#state = 'doubtful'
      return true
    }
    return this.#isKnown(event)
  }

  /** Nothing could be asked to be repeated, and the last event had an ID: take the server at its word. */
  #isTrusted(): boolean {
    return this.#unproven && this.#matched === 0 && this.#expect.length === 1 && this.#expect[0]?.nth === 0
  }
}
