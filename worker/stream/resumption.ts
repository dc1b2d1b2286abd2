import { placeOf, samePlace } from '../../src/link/place.ts'
import type { EventEntry, Place, Position } from '../../src/link/protocol.ts'
import type { Log } from '../log/log.ts'

/**
 * Has continuity been kept? IDs are opaque, so a server that ignores `Last-Event-ID`, or has forgotten the ID, looks
 * just like one that had nothing to add. Therefore we ask to resume after an *earlier* event than the last one: a
 * server that does resume then first repeats what is known already, and that proves it.
 */

/** How many known events a position names, and how far back an earlier ID is looked for. */
const EXPECT_LIMIT = 16
const SEARCH_LIMIT = 1_024

/** What {@link Position} says of the stream, less the log and those who read it. */
export type Anchor = Omit<Position, 'log' | 'seq' | 'subscribers'>

/** Nothing has been received yet, or nothing with an ID. */
export const NOWHERE: Anchor = { ordinal: 0, resumeAfter: '', expect: [], unproven: true, mixed: false }

/**
 * From where to resume so as to join the log just after `seq`; `undefined` where no event stands before it.
 *
 * Goes back to the newest event with another ID. In a stream where some events bring no ID it goes back over one of
 * those as well, since many servers do not keep them: their return shows that this one does.
 *
 * @param mixed the stream has had events without an ID of their own
 * @param origin the ID after which the log begins, `''` where that is not known
 */
export function anchorAt(log: Log, seq: number, mixed: boolean, origin: string): Anchor | undefined {
  const expect: Place[] = []
  const least = Math.max(log.firstSeq, seq - SEARCH_LIMIT)
  let last: EventEntry | undefined
  let hasUnnumbered = false
  for (let at = seq; at >= least; at--) {
    const entry = log.at(at)
    if (entry?.type !== 'event') continue
    last ??= entry
    if (last.id === '') return { ...NOWHERE, ordinal: last.ordinal }
    const bringsOtherId = entry.nth === 0 && entry.id !== '' && entry.id !== last.id
    if (bringsOtherId && (hasUnnumbered || !mixed)) {
      return {
        ordinal: last.ordinal,
        resumeAfter: entry.id,
        expect: expect.reverse(),
        unproven: false,
        mixed,
      }
    }
    hasUnnumbered ||= entry.nth > 0
    if (expect.length < EXPECT_LIMIT) expect.push(placeOf(entry))
  }
  if (last === undefined) return undefined
  if (least === 1 && origin !== '') {
    return { ordinal: last.ordinal, resumeAfter: origin, expect: expect.reverse(), unproven: false, mixed }
  }
  return { ordinal: last.ordinal, resumeAfter: last.id, expect: [placeOf(last)], unproven: !mixed, mixed }
}

export type Verdict =
  /** Dispatched before: drop it. */
  | 'seen'
  /** The next event of an unbroken stream. */
  | 'new'
  /** New, but something before it may be missing. */
  | 'gap'
  /** Not known, and what is known has not come yet: new, after a loss, unless the replay still brings it. */
  | 'unknown'

/** Sorts the events of a replay into known and new, and tells when the two do not join. */
export class Resumption {
  readonly #anchor: Anchor
  readonly #isKnown: (event: EventEntry) => boolean
  readonly #isTrustworthy: () => boolean
  /** How many of the expected events have come. */
  #passed = 0
  #hasSkipped = false
  #state: 'searching' | 'joined' | 'doubtful' = 'searching'

  /**
   * @param isKnown whether an event that is not expected next has been dispatched all the same
   * @param isTrustworthy whether the server was asked for just what follows, where nothing could be asked to be repeated
   */
  constructor(anchor: Anchor, isKnown: (event: EventEntry) => boolean, isTrustworthy: () => boolean) {
    this.#anchor = anchor
    this.#isKnown = isKnown
    this.#isTrustworthy = isTrustworthy
  }

  /** Everything known has been passed: no later event needs judging. */
  get isOver(): boolean {
    return this.#state === 'joined'
  }

  /** Something known may still come. */
  get isSearching(): boolean {
    return this.#state === 'searching'
  }

  /** Whether an event was passed before, or is among those that a replay should bring. */
  knows(event: EventEntry): boolean {
    if (event.id === '') return false
    return (
      this.#indexOf(event) >= 0 || this.#isBeforeLast(event) || this.#isAnchor(event) || this.#isKnown(event)
    )
  }

  /** @param matters whether the event would be dispatched; others are only looked at for where they stand */
  judge(event: EventEntry, matters: boolean): Verdict {
    if (this.#state === 'searching' && this.#recognise(event)) return 'seen'
    if (!matters || this.#state === 'joined') return 'new'
    if (this.#state === 'searching' && !this.#isTrusted()) return 'unknown'
    const isDoubtful = this.#state === 'doubtful'
    this.#state = 'joined'
    return isDoubtful ? 'gap' : 'new'
  }

  /** Nothing known will come any more. */
  giveUp(): void {
    this.#state = 'joined'
  }

  #recognise(event: EventEntry): boolean {
    if (!this.knows(event)) return false
    const index = this.#indexOf(event)
    if (index >= 0) this.#pass(index)
    return true
  }

  /** What comes is looked for from where the replay has got to, since events may be alike. */
  #indexOf(event: EventEntry): number {
    const { expect } = this.#anchor
    const place = placeOf(event)
    return expect.findIndex((expected, index) => index >= this.#passed && samePlace(expected, place))
  }

  #pass(index: number): void {
    this.#hasSkipped ||= index !== this.#passed
    this.#passed = index + 1
    if (this.#passed < this.#anchor.expect.length) return
    this.#state = this.#hasSkipped || !this.#isWholeReplay() ? 'doubtful' : 'joined'
  }

  /** Of the last event's ID, and nearer to the line that brought it. */
  #isBeforeLast({ id, nth }: EventEntry): boolean {
    const last = this.#anchor.expect.at(-1)
    return last !== undefined && id === last.id && nth < last.nth
  }

  /** Where some events bring no ID, one of those must have come: many servers do not keep them. */
  #isWholeReplay(): boolean {
    const { mixed, expect } = this.#anchor
    return !mixed || expect.some(({ nth }) => nth > 0)
  }

  /** Some servers repeat the very event after which they were asked to resume. */
  #isAnchor({ id, nth }: EventEntry): boolean {
    const { resumeAfter, expect } = this.#anchor
    return nth === 0 && id === resumeAfter && id !== expect.at(-1)?.id
  }

  /** Nothing could be asked to be repeated, and the ID came with or after the last event: take the server at its word. */
  #isTrusted(): boolean {
    const { unproven, resumeAfter, expect } = this.#anchor
    const [last, ...others] = expect
    const isBehindId = last === undefined ? resumeAfter !== '' : last.nth === 0 && others.length === 0
    return unproven && this.#passed === 0 && isBehindId && this.#isTrustworthy()
  }
}
