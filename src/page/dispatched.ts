import { copyOf } from '../link/copy-of.ts'
import { unpack } from '../link/pack.ts'
import { passedOf } from '../link/place.ts'
import type { Batch, EventEntry, PackedEntries, Passed, Policy, Seen } from '../link/protocol.ts'

/** How many dispatched events are remembered, to recognise them when another hub sends them. */
const LIMIT = 512

/** Up to this many characters per event, it is cheaper to keep the entries than to digest them at once. */
const KEEP_LIMIT = 1_024

/** How many characters are kept. A server can make IDs so long that fewer events are remembered. */
const MOST_CHARACTERS = LIMIT * KEEP_LIMIT

/** A number of dispatched entries, and the events among them. */
interface Part {
  readonly count: number
  readonly characters: number
  readonly events: () => readonly Passed[]
}

/** What the page says of the server. */
interface Manners {
  readonly policy: Pick<Policy, 'ephemeral' | 'gapEvents'>
  readonly identify?: ((event: EventEntry) => string | undefined) | undefined
}

/** The latest events that a subscription has dispatched. */
export class Dispatched {
  /** Oldest first. */
  #parts: Part[] = []
  /** How many entries the parts have in total, and how many characters. */
  #count = 0
  #characters = 0
  /** Behind this number nothing is left out, as far as it is remembered. */
  #since = 0
  readonly #manners: Manners

  constructor(manners: Manners) {
    this.#manners = manners
  }

  /**
   * Adds the first `count` entries of a batch.
   *
   * @param before number of the last event before them
   */
  add(batch: Batch, count: number, before: number): void {
    const { entries, position } = batch
    if (count === 0) return
    const part = this.#partOf(entries, count)
    // Of IDs that are too long nothing is remembered.
    if (part.count === 0) return
    if (this.#count === 0) this.leaveOut(before)
    if (hasGap(batch)) this.leaveOut(position.ordinal)
    this.#parts.push(part)
    this.#count += part.count
    this.#characters += part.characters
    for (;;) {
      const [first] = this.#parts
      const isTooMuch = this.#characters > MOST_CHARACTERS && this.#parts.length > 1
      if (first === undefined || (!isTooMuch && this.#count - first.count < LIMIT)) return
      this.leaveOut(first.events().at(-1)?.ordinal ?? 0)
      this.#parts.shift()
      this.#count -= first.count
      this.#characters -= first.characters
    }
  }

  /** Some events up to this number may have been left out: the tab did not listen to them, or was told of a gap. */
  leaveOut(ordinal: number): void {
    this.#since = Math.max(this.#since, ordinal)
  }

  /**
   * Another log goes on, whose numbers are other ones: what has been dispatched has none in it.
   *
   * @param before number of the last event before those that follow
   */
  renumber(before: number): void {
    const { events } = this.before([])
    const part = digested(events.map(unnumbered))
    this.#parts = [part]
    this.#count = part.count
    this.#characters = part.characters
    this.#since = before
  }

  /** What has been dispatched, and then the batches that are pending. */
  before(pending: readonly Batch[]): Seen {
    let all = this.#parts.flatMap(({ events }) => events())
    let since = this.#since
    for (const batch of pending) {
      if (batch.beginsAnew) {
        all = all.map(unnumbered)
        since = numberBefore(batch)
      }
      if (hasGap(batch)) since = batch.position.ordinal
      all.push(...this.passed(batch.entries))
    }
    const { events, since: left } = latest(all)
    return { events, since: Math.max(since, left) }
  }

  /** The events among the first `count` entries. */
  passed(entries: PackedEntries, count?: number): Passed[] {
    const { policy, identify } = this.#manners
    return unpack(entries, count)
      .filter((entry) => entry.type === 'event')
      .map((event) => ({
        ...passedOf(event),
        ...(identify && { same: identify(event) }),
        ...(policy.ephemeral?.includes(event.name) && { isAside: true }),
        ...(policy.gapEvents?.includes(event.name) && event.nth === 0 && { beginsAnew: true }),
      }))
  }

  #partOf(entries: PackedEntries, count: number): Part {
    const characters = entries.names.reduce((sum, name) => sum + name.length, entries.text.length)
    if (characters <= count * KEEP_LIMIT)
      return { count, characters, events: () => this.passed(entries, count) }
    const { events, since } = latest(this.passed(entries, count))
    this.leaveOut(since)
    return digested(events)
  }
}

const unnumbered = (event: Passed): Passed => ({ ...event, ordinal: 0 })

/** Number of the last event before those of a batch. */
export const numberBefore = ({ entries, position }: Batch): number =>
  entries.ordinal === 0 ? position.ordinal : entries.ordinal - 1

const hasGap = ({ entries }: Batch): boolean => entries.others.some(({ type }) => type === 'gap')

/** Keeps nothing else: functions that are made in one place keep alive what any of them needs. */
function digested(events: readonly Passed[]): Part {
  const own = events.map((event) => ({ ...event, id: copyOf(event.id) }))
  return {
    count: own.length,
    characters: own.reduce((sum, { id }) => sum + id.length, 0),
    events: () => own,
  }
}

/** As many of the last ones as are remembered. */
function latest(events: readonly Passed[]): Seen {
  let characters = 0
  const from = events.findLastIndex(({ id }) => {
    characters += id.length
    return characters > MOST_CHARACTERS
  })
  const left = Math.max(from + 1, events.length - LIMIT)
  return { events: events.slice(left), since: events[left - 1]?.ordinal ?? 0 }
}
