import { passedOf } from '../../src/link/place.ts'
import type { Habit, Passed, Position } from '../../src/link/protocol.ts'
import type { LoggedEvent } from '../log/log.ts'

/** How many known events a position names, and over how many events an earlier ID is looked for. */
const LATEST_LIMIT = 16
const SEARCH_LIMIT = 1_024

/** What {@link Position} says of the stream, less the log and those who read it. */
export type Anchor = Omit<Position, 'log' | 'seq' | 'subscribers'>

/** Nothing has been received yet, or nothing with an ID. */
export const NOWHERE: Anchor = {
  ordinal: 0,
  resumeAfter: '',
  from: 0,
  latest: [],
  unproven: true,
  mixed: false,
  greeting: 0,
  habits: [],
}

/**
 * Goes back over the events, newest first, and finds from where to resume.
 *
 * IDs are opaque, so a server that ignores `Last-Event-ID`, or has forgotten the ID, looks just like one that had nothing to
 * add. Therefore the hub asks to resume after an *earlier* event than the last one: a server that does resume then first
 * repeats what is known already, and that proves it.
 *
 * That is the newest event with another ID. In a mixed stream an event without an ID must lie between as well, since many
 * servers do not keep those: its return shows that this server does. What is aside is no place to resume from.
 */
export class AnchorSearch {
  readonly #mixed: boolean
  readonly #greeting: number
  readonly #habits: readonly Habit[]
  readonly #hasTopics: boolean
  /** Newest first. */
  readonly #latest: Passed[] = []
  #count = 0
  #ordinal: number | undefined
  /** The newest event that is not aside. */
  #last: Passed | undefined
  #lastAt = 0
  #anchor: Passed | undefined
  #from = 0
  #hasUnnumbered = false
  /** A place to resume from where the events without an ID behind it are aside. */
  #second: { readonly id: string; readonly from: number } | undefined
  #hasUnnumberedAside = false
  #isAtBeginning = false

  /**
   * @param mixed some of the history brings no ID of its own
   * @param greeting a digest of what connections begin with; 0 where it is not known
   * @param habits of names that have come without an ID
   * @param hasTopics the server is asked only for what pages hear
   */
  constructor(mixed: boolean, greeting: number, habits: readonly Habit[], hasTopics = false) {
    this.#hasTopics = hasTopics
    this.#mixed = mixed
    this.#greeting = greeting
    this.#habits = habits
  }

  get isOver(): boolean {
    return (
      this.#anchor !== undefined ||
      this.#isAtBeginning ||
      this.#last?.id === '' ||
      this.#count >= SEARCH_LIMIT
    )
  }

  /**
   * Passes an event that is neither recognised nor resumed after.
   *
   * @param upTo number up to which all events had come by then
   */
  skip(upTo: number): void {
    this.#ordinal ??= upTo
  }

  /**
   * Passes the next older event.
   *
   * @param upTo number up to which all events had come by then
   * @param at its place in the server's order
   * @param beginsAnew nothing before it can be asked for
   */
  pass(event: LoggedEvent | Passed, isAside: boolean, upTo: number, at: number, beginsAnew = false): void {
    this.#count++
    this.#ordinal ??= upTo
    const { id, nth, ordinal } = event
    if (beginsAnew) this.#isAtBeginning = true
    const isUnnumbered = nth > 0
    this.#hasUnnumberedAside ||= isAside && isUnnumbered
    const isNeeded =
      this.#latest.length < LATEST_LIMIT || (!isAside && !isUnnumbered && id !== this.#last?.id)
    if (!isNeeded) {
      this.#hasUnnumbered ||= !isAside && isUnnumbered
      return
    }
    const place = 'digest' in event ? event : passedOf(event)
    const topic = 'name' in event ? event.name : event.topic
    const passed: Passed = {
      id,
      nth,
      digest: place.digest,
      ...(place.same !== undefined && { same: place.same }),
      ordinal,
      ...(at !== ordinal && { at }),
      ...(isAside && { isAside }),
      ...(beginsAnew && { beginsAnew }),
      ...(this.#hasTopics && topic !== undefined && { topic }),
    }
    if (!isAside && this.#last !== undefined && nth === 0 && id !== '' && id !== this.#last.id) {
      if (this.#hasUnnumbered || !this.#mixed) {
        this.#anchor = passed
        this.#from = at
      } else if (this.#hasUnnumberedAside) {
        this.#second ??= { id, from: at }
      }
    }
    if (!isAside) {
      if (this.#last === undefined) {
        this.#last = passed
        this.#lastAt = at
      }
      this.#hasUnnumbered ||= isUnnumbered
    }
    if (this.#latest.length < LATEST_LIMIT || this.#anchor !== undefined) this.#latest.push(passed)
  }

  /** @param start where the events that have been passed begin, where that is known and all have been passed */
  result(start: Position | undefined): Anchor {
    const ordinal = this.#ordinal ?? start?.ordinal ?? 0
    const [mixed, greeting, habits] = [this.#mixed, this.#greeting, this.#habits]
    const latest = [...this.#latest].reverse()
    // While a replay is under way, frames are given ahead of what it brings. Only the first one is no later than any of it.
    const last = this.#last ?? this.#latest.findLast(({ id }) => id !== '')
    const found = { ordinal, latest, mixed, greeting, habits, unproven: false }
    if (last === undefined || last.id === '') return { ...NOWHERE, ordinal }
    if (this.#anchor !== undefined) {
      return { ...found, resumeAfter: this.#anchor.id, from: this.#from }
    }
    if (this.#second !== undefined) {
      return { ...found, resumeAfter: this.#second.id, from: this.#second.from }
    }
    if (
      start !== undefined &&
      !this.#isAtBeginning &&
      !start.unproven &&
      this.#last !== undefined &&
      this.#count < SEARCH_LIMIT
    ) {
      return { ...found, resumeAfter: start.resumeAfter, from: start.from }
    }
    // The server is asked for what comes next. Only in a mixed stream it may have to repeat something first.
    const isRepeated = mixed && this.#last !== undefined
    const origin = this.#latest.find(({ id, nth }) => nth === 0 && id === last.id)
    const from = !isRepeated || last.nth === 0 ? this.#lastAt || last.ordinal : (origin?.ordinal ?? 0)
    return { ...found, resumeAfter: last.id, from, unproven: !isRepeated }
  }
}
