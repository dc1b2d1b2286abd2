import { pack } from '../../src/link/pack.ts'
import { EVERY_NAME, type PackedEntries } from '../../src/link/protocol.ts'
import { charactersOf, type Entry, isOutOfLine, type Log } from './log.ts'

/** The most that one batch carries, unless a single event is larger. */
export const BATCH_ENTRIES = 8_192
export const BATCH_CHARACTERS = 1_048_576

/**
 * Excerpts end where the log's numbers are multiples of this, unless that makes them small. So cursors that
 * have drifted apart meet again, and share excerpts from then on.
 */
const GRID = 4_096
const SMALL = 1_024

/** How many excerpts are kept for other cursors, and how many characters they may have together. */
const KEPT = 8
const KEPT_CHARACTERS = 4 * BATCH_CHARACTERS

/** A part of a log, without the events that some cursors do not want. */
export interface Excerpt {
  readonly entries: PackedEntries
  readonly isEmpty: boolean
  /** Sequence number of the first entry after it. */
  readonly next: number
  /** ID of the last event passed, even if the excerpt leaves it out; `undefined` if there is none. */
  readonly lastEventId: string | undefined
}

interface Kept {
  readonly excerpt: Excerpt
  /** Sequence number of its first entry. */
  readonly seq: number
  readonly characters: number
}

/**
 * Makes excerpts of a log, each once for all cursors that stand at the same place and want the same names. Tabs that keep
 * up stand at the same place.
 *
 * A cursor that has something to settle first (a newcomer's state, a replay that is judged, a gap) makes its batches by
 * itself, and shares excerpts afterwards.
 */
export class Excerpts {
  readonly #log: Log
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>()
  #characters = 0

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * @param seq sequence number of an entry that has not fallen off the log
   * @param key a text that is equal for equal names
   */
  from(seq: number, names: ReadonlySet<string>, key: string): Excerpt {
    // An excerpt up to the end of the log is good only until the log grows, so its key holds that end.
    const place = placeOf(seq, key)
    const kept = this.#kept.get(place) ?? this.#kept.get(placeOf(seq, key, this.#log.lastSeq))
    if (kept !== undefined) return kept.excerpt
    const entries: Entry[] = []
    const hearsAll = names.has(EVERY_NAME)
    let next = seq
    let characters = 0
    let lastEventId: string | undefined
    let entry = this.#log.at(next)
    while (entry !== undefined && entries.length < BATCH_ENTRIES && characters < BATCH_CHARACTERS) {
      if (entry.type !== 'event') {
        entries.push(entry)
      } else {
        lastEventId = entry.id
        if (hearsAll || names.has(entry.name)) {
          entries.push(entry)
          characters += charactersOf(entry)
        }
      }
      next++
      if (entries.length > 0 && entry.type === 'event' && isOutOfLine(entry)) break
      if (next % GRID === 0 && entries.length >= SMALL) break
      entry = this.#log.at(next)
    }
    const excerpt = { entries: pack(entries), isEmpty: entries.length === 0, next, lastEventId }
    if (characters > 2 * BATCH_CHARACTERS) return excerpt
    const reachesEnd = next > this.#log.lastSeq
    const named = reachesEnd ? placeOf(seq, key, this.#log.lastSeq) : place
    this.#keep(named, { excerpt, seq, characters: characters + key.length })
    return excerpt
  }

  /** No cursor begins any more at what has fallen off the log. */
  #keep(place: string, kept: Kept): void {
    this.#kept.set(place, kept)
    this.#characters += kept.characters
    for (const [oldest, { seq, characters }] of this.#kept) {
      const isTooMuch = this.#kept.size > KEPT || this.#characters > KEPT_CHARACTERS
      if (!isTooMuch && seq >= this.#log.firstSeq) continue
      this.#kept.delete(oldest)
      this.#characters -= characters
    }
  }
}

/** @param end where the log ended, if the excerpt reached its end */
const placeOf = (seq: number, key: string, end = -1): string => `${seq} ${end} ${key}`
