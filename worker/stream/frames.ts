import { digestOf } from '../../src/link/place.ts'
import type { EventEntry, Habit, Place } from '../../src/link/protocol.ts'

/** Of how many names it is known how they come. A server may make up names without end; more of them count as history. */
const NAMES = 1_024

/** Events of longer names are history: what is known of a name is told to every tab. */
const LONGEST_NAME = 128

/** More characters of data are not kept to compare others with. */
const SHORT = 1_024

/** How many of them another hub is told. */
const TOLD = 16

type Seen = Pick<EventEntry, 'name' | 'data' | 'id' | 'nth'>

/**
 * Frames belong to the connection: greetings, heartbeats, control. They are no history, so a replay need not bring them, and
 * they are no place to resume from.
 *
 * No server says which events are frames. In a stream that has IDs these are taken for frames: events without an ID whose
 * name has never come with one; events without an ID of other names, as long as all of them had the same data; and what
 * connections begin with, if it has the same content under another ID each time.
 */
export class Frames {
  readonly #habits = new Map<string, Habit>()
  #told: readonly Habit[] | undefined
  #latest: Pick<Seen, 'name' | 'data'> | undefined
  #hasNumbered = false
  #isMixed = false
  /** The stream had events before those that have been noted. */
  #isContinued = false
  /** What the last connection began with. */
  #first: (Pick<Seen, 'name' | 'id'> & { readonly length: number; readonly digest: number }) | undefined
  /** A digest of what connections begin with; 0 where it is not known. */
  #greeting = 0
  /** The same content has come later on a connection, too. */
  #isNoGreeting = false

  /** Some of the history brings no ID of its own. */
  get isMixed(): boolean {
    return this.#isMixed
  }

  /** A digest of what connections begin with, each time under another ID; 0 where it is not known. */
  get greeting(): number {
    return this.#greeting
  }

  /** What another hub should know of names that have come without an ID. */
  get habits(): readonly Habit[] {
    this.#told ??= [...this.#habits.values()].filter(({ digest }) => digest !== undefined).slice(0, TOLD)
    return this.#told
  }

  /** What a former hub has found out about a stream that has IDs. */
  continue(isMixed: boolean, greeting: number, habits: readonly Habit[]): void {
    for (const habit of habits) this.#habits.set(habit.name, habit)
    this.#isContinued = true
    this.#hasNumbered = true
    this.#isMixed ||= isMixed
    this.#greeting ||= greeting
  }

  /** What a tab knows of names that has come late from another hub of the stream. */
  join(isMixed: boolean, habits: readonly Habit[]): void {
    this.#isMixed ||= isMixed
    for (const { name, hasId, digest, differs } of habits) {
      const own = this.#habits.get(name)
      if (own === undefined && this.#habits.size >= NAMES) continue
      const joint = {
        name,
        hasId: hasId || own?.hasId === true,
        digest: own?.digest ?? digest,
        differs: differs || own?.differs === true || (own?.digest ?? digest) !== digest,
      }
      this.#habits.set(name, joint)
      this.#isMixed ||= joint.hasId && joint.differs
    }
    this.#told = undefined
  }

  /** Learns from an event that has been logged. */
  note({ name, data, id, nth }: Seen): void {
    const habit = this.#habits.get(name)
    const isNumbered = nth === 0 && id !== ''
    this.#hasNumbered ||= isNumbered
    if (name.length > LONGEST_NAME) {
      this.#isMixed ||= !isNumbered && this.#hasNumbered
      return
    }
    // Most events change nothing.
    if (isNumbered ? habit?.hasId : habit?.differs || (habit !== undefined && this.#isLatest(name, data)))
      return
    const digest = isNumbered ? habit?.digest : digestOf(name, data)
    const differs = habit?.differs === true || (habit?.digest !== undefined && habit.digest !== digest)
    const hasId = isNumbered || habit?.hasId === true
    if (habit?.digest === digest && habit?.hasId === hasId) return
    if (habit !== undefined || this.#habits.size < NAMES) {
      this.#habits.set(name, { name, hasId, digest, differs })
      this.#told = undefined
    }
    this.#isMixed ||= hasId && differs
  }

  /** Whether the last event without an ID was just like this one: what is often the same need not be digested each time. */
  #isLatest(name: string, data: string): boolean {
    const isLatest = this.#latest?.name === name && this.#latest.data === data
    if (!isLatest && data.length <= SHORT) this.#latest = { name, data }
    return isLatest
  }

  /**
   * Learns how connections begin. Where one begins at once with the same content as the one before, under another ID, that
   * is a greeting; unless the same content has come later on a connection, too.
   *
   * @param isAtOnce it is the first event of its connection, and has come with the head
   */
  begin({ name, data, id }: Seen, isAtOnce: boolean): void {
    const first = this.#first
    // A digest costs more than all else that is done for most events.
    const mayBeLike = first?.name === name && first.length === data.length
    if (!isAtOnce && (this.#isNoGreeting || !mayBeLike)) return
    const digest = digestOf(name, data)
    const isLike = first?.digest === digest
    if (isLike && !isAtOnce) {
      this.#isNoGreeting = true
      this.#greeting = 0
    } else if (isLike && !this.#isNoGreeting && first.id !== id) {
      this.#greeting = digest
    }
    if (isAtOnce) this.#first = { name, length: data.length, digest, id }
  }

  /** The last connection began at once with the same. */
  hasBegunWith({ name, data }: Pick<Seen, 'name' | 'data'>): boolean {
    return this.#first?.name === name && this.#first.digest === digestOf(name, data)
  }

  /** By what is known so far. */
  isFrame(event: Seen): boolean {
    if (event.nth === 0 && event.id !== '') {
      return this.#greeting !== 0 && digestOf(event.name, event.data) === this.#greeting
    }
    if (event.name.length > LONGEST_NAME) return false
    if (!this.#isMixed) return this.#hasNumbered
    // How the names of a former hub's events came is not known.
    if (this.#isContinued) return false
    const habit = this.#habits.get(event.name)
    if (habit === undefined) return this.#habits.size < NAMES
    const { hasId, differs, digest } = habit
    return !hasId || (!differs && digest === digestOf(event.name, event.data))
  }

  /** The same for an event that only a former hub's tab remembers. */
  isFramePlace({ id, nth, digest }: Place): boolean {
    if (nth === 0 && id !== '') return this.#greeting !== 0 && digest === this.#greeting
    return !this.#isMixed && this.#hasNumbered
  }
}
