import { passedOf, placeKey, placeOf } from '../../src/link/place.ts'
import type { EventEntry, Passed } from '../../src/link/protocol.ts'
import { isOutOfLine, type Log, type LoggedEvent, type Role } from '../log/log.ts'
import { type Anchor, AnchorSearch } from './anchor.ts'
import { Frames } from './frames.ts'
import { Manners } from './manners.ts'
import type { Known, KnownEvents } from './recognition.ts'
import { placeIn, type Takeover } from './takeover.ts'

/** An event that is to be logged. */
export type NewEvent = Pick<LoggedEvent, 'name' | 'data' | 'id' | 'nth'> &
  Partial<Pick<LoggedEvent, 'same' | 'beginsAnew'>>

/**
 * What is known of a stream's events: the log, and before that what the tabs of a dead hub remember. An event keeps its
 * number from hub to hub.
 */
export class History {
  readonly manners = new Manners()
  readonly frames = new Frames()
  readonly #log: Log
  readonly #takeover: Takeover
  /** What all tabs of a dead hub have had, in order. It lies before the log. */
  #before: readonly Passed[] = []
  /** The ID of an event among these of which nothing else is known yet. */
  #snapshot: string | undefined
  /** What only some of them have had, in order. The replay brings it for the others. */
  readonly #pending = new Map<number, Passed>()
  /** The same for what a faithful replay may leave out. */
  readonly #optional = new Map<number, Passed>()
  /** What was pending when something new came in its place, in order. It may still come: late, or by the next connection. */
  readonly #late = new Map<number, Passed>()
  /** The highest number so far. */
  #end = 0
  /** The highest number of what tabs of a dead hub have had. */
  #inherited = 0
  /** States can push it off the log. */
  #newest: LoggedEvent | undefined
  #anchor: Anchor | undefined
  #hasGroups = false

  constructor(log: Log, takeover: Takeover) {
    this.#log = log
    this.#takeover = takeover
  }

  /** No other position of a dead hub counts any more. */
  settle(): void {
    if (this.#takeover.isSettled) return
    const events = this.#takeover.settle(this.#log.room)
    const { start, furthest } = this.#takeover
    if (start === undefined || furthest === undefined) return
    this.frames.continue(furthest.mixed, furthest.greeting, furthest.habits)
    // Something before these may never have come.
    const reached = Math.max(start.ordinal, ...start.latest.map(placeIn))
    this.#before = events.filter(({ ordinal }) => ordinal <= reached)
    this.#snapshot = this.#before.find(isSnapshot)?.id
    this.#hasGroups = events.some(({ id, nth }, index) => nth === 0 && id === events[index - 1]?.id)
    const after = events.filter(({ ordinal }) => ordinal > reached)
    for (const event of after) this.#optional.set(event.ordinal, event)
    for (const event of this.#required(after)) {
      this.#optional.delete(event.ordinal)
      this.#pending.set(event.ordinal, event)
    }
    // A tab that had not found its place was given events behind its position.
    this.#end = events.reduce((end, { ordinal }) => Math.max(end, ordinal), this.#takeover.end)
    this.#inherited = this.#end
  }

  /** There are no events, not even some that a former hub had. */
  get isEmpty(): boolean {
    return this.#newest === undefined && this.#takeover.start === undefined
  }

  /** Some of the history brings no ID. */
  get isMixed(): boolean {
    return this.frames.isMixed
  }

  /** Nothing that is known is sure to come again, although it may. */
  get isDoubtful(): boolean {
    return this.#newest === undefined && this.#takeover.isDoubtful
  }

  /** Several events have come under one ID, so that its last one need not have come yet. */
  get hasGroups(): boolean {
    return this.#hasGroups
  }

  /** The newest event that the tabs furthest back have had, or will have. */
  get last(): Pick<EventEntry, 'id' | 'nth'> | undefined {
    return this.#newest ?? this.#before.at(-1)
  }

  /** All events up to this number have come, or will not come. */
  get upTo(): number {
    if (this.#pending.size === 0) return this.#end
    const [ordinal = 0] = this.#pending.keys()
    return ordinal - 1
  }

  /** The log has all events from the beginning on. */
  get isWhole(): boolean {
    return this.#log.isWhole && this.#takeover.start === undefined && !this.isSelective
  }

  /** The server is asked only for what pages listen to: more of it can come before what is known. */
  get isSelective(): boolean {
    return this.#takeover.wanted !== undefined
  }

  /** Some tabs of a dead hub still wait for events that others have had. */
  get isCatchingUp(): boolean {
    return this.#pending.size > 0
  }

  /** Tabs of a dead hub have had this event, which goes to those that still wait for it. */
  isInherited({ ordinal, former = ordinal }: LoggedEvent): boolean {
    return former <= this.#inherited
  }

  /** Some tabs of a dead hub still wait for this event. */
  isPending(ordinal: number): boolean {
    return this.#pending.has(ordinal) || this.#optional.has(ordinal) || this.#late.has(ordinal)
  }

  /** None of the events up to this number can still come. */
  isThroughTo(ordinal: number): boolean {
    return this.upTo >= ordinal && [...this.#optional.keys()].every((one) => one > ordinal)
  }

  /** Some of the events up to this number can still come late. */
  mayBeLate(ordinal: number): boolean {
    const [first = Number.POSITIVE_INFINITY] = this.#late.keys()
    return first <= ordinal
  }

  /**
   * Events that are pending will not come any more.
   *
   * @param mayBeLate they may, but behind what is new
   */
  conclude(mayBeLate = false): void {
    if (!mayBeLate) this.#late.clear()
    const left = mayBeLate ? [...this.#pending, ...this.#optional] : []
    for (const [ordinal, event] of left.sort(([one], [other]) => one - other)) this.#late.set(ordinal, event)
    this.#pending.clear()
    this.#optional.clear()
  }

  /** Of the last event in a page's snapshot only the ID is known, until the server repeats it. */
  learn(event: NewEvent): void {
    if (this.#snapshot !== event.id || event.nth > 0) return
    this.#snapshot = undefined
    this.#before = this.#before.map((one) => (isSnapshot(one) ? { ...one, ...placeOf(event) } : one))
  }

  /** @param after place of the known event behind which a replay brought it, if it is not the newest */
  append(event: NewEvent, role: Role, after?: number): void {
    const ordinal = ++this.#end
    this.#add(event, ordinal, role, after === undefined ? ordinal : this.#placeBehind(after))
  }

  appendPending(event: NewEvent, ordinal: number): void {
    if (this.#late.delete(ordinal)) {
      const newest = ++this.#end
      this.#add(event, newest, 'history', newest, ordinal)
      return
    }
    const known = this.#pending.get(ordinal) ?? this.#optional.get(ordinal)
    const at = known?.at ?? ordinal
    const role = this.#optional.has(ordinal) || at !== ordinal ? 'ahead' : 'history'
    this.#pending.delete(ordinal)
    this.#optional.delete(ordinal)
    this.#add(event, ordinal, role, at)
  }

  /** The events behind an anchor that a faithful replay brings, in order. */
  requiredAfter({ from, latest }: Anchor): Passed[] {
    return this.#required([...latest.filter((event) => placeIn(event) > from), ...this.#pending.values()])
  }

  /**
   * All known events, in order, by `placeKey`.
   *
   * @param since sequence number: what is older is sealed, and shows nothing
   */
  index(since = 1): KnownEvents {
    const index = new Map<string, Known[]>()
    const add = (event: Passed, at: number, isAhead = false) => {
      const key = placeKey(event)
      const known = { ordinal: event.ordinal, at, isAhead }
      const others = index.get(key)
      if (others === undefined) index.set(key, [known])
      else others.push(known)
    }
    const left = [this.#pending, this.#optional, this.#late].flatMap((events) => [...events.values()])
    const remembered = [...this.#before, ...left]
    if (since === 1) for (const event of remembered) add(event, placeIn(event))
    for (const event of this.#log.eventsAfter(since - 1)) {
      add(passedOf(event), event.at, event.role === 'ahead')
    }
    return index
  }

  /** Sequence number of the entry behind which everything follows on this ID; `undefined` where the log does not reach back to it. */
  seqOf(id: string): number | undefined {
    const { firstSeq, lastSeq, replaysFrom, isWhole } = this.#log
    for (let seq = lastSeq; seq >= Math.max(firstSeq, replaysFrom - 1); seq--) {
      const entry = this.#log.at(seq)
      if (entry?.type !== 'event' || entry.id !== id || entry.nth > 0 || entry.role !== 'history') continue
      // In the midst of a replay no position can say what a page has had that was not there.
      return isOutOfLine(entry) ? undefined : seq
    }
    const before = this.#before.at(-1)
    return before?.id === id && before.nth === 0 && isWhole && replaysFrom === 1 ? firstSeq - 1 : undefined
  }

  /**
   * From where to resume so as to join the log just after `seq`.
   */
  anchorAt(seq: number): Anchor {
    const search = new AnchorSearch(this.isMixed, this.frames.greeting, this.frames.habits, this.isSelective)
    for (let at = seq; at >= this.#log.firstSeq && !search.isOver; at--) {
      const event = this.#log.at(at)
      if (event?.type !== 'event') continue
      if (this.manners.isEphemeral(event.name)) search.skip(event.upTo)
      else search.pass(event, this.#isAside(event), event.upTo, event.at, event.beginsAnew)
    }
    const { start } = this.#takeover
    if (start === undefined || !this.#log.isWhole) {
      const anchor = search.result(undefined)
      if (anchor.ordinal > 0) this.#anchor = anchor
      return this.#anchor ?? anchor
    }
    for (let at = this.#before.length - 1; at >= 0 && !search.isOver; at--) {
      const event = this.#before[at] as Passed
      if (this.#takeover.isNamed(event.ordinal))
        search.pass(event, this.#isPlaceAside(event), start.ordinal, placeIn(event), event.beginsAnew)
    }
    return search.result(start)
  }

  /** Less what a faithful replay may leave out. What has come twice need not come twice again. */
  #required(events: readonly Passed[]): Passed[] {
    const lastOf = new Map(events.map((event) => [placeKey(event), event]))
    return events.filter((event) => !this.#isPlaceAside(event) && lastOf.get(placeKey(event)) === event)
  }

  #isAside(event: LoggedEvent): boolean {
    return event.role === 'ahead' || this.frames.isFrame(event)
  }

  #isPlaceAside(event: Passed): boolean {
    return event.isAside === true || this.frames.isFramePlace(event)
  }

  /** A place of its own before the next known event. */
  #placeBehind(after: number): number {
    const next = Math.floor(after) + 1
    const former = this.#newest?.at ?? 0
    return ((former > after && former < next ? former : after) + next) / 2
  }

  #add(event: NewEvent, ordinal: number, role: Role, at: number, former?: number): void {
    const { name, data, id, nth, same, beginsAnew = false } = event
    if (!this.manners.isEphemeral(name)) this.frames.note(event)
    const { upTo } = this
    const entry = {
      type: 'event',
      seq: this.#log.nextSeq,
      name,
      data,
      id,
      nth,
      ordinal,
      role,
      at,
      upTo,
      same,
      beginsAnew,
      former,
    } as const
    this.#hasGroups ||= id !== '' && nth === 0 && id === this.last?.id
    this.#log.append(entry)
    this.#newest = entry
  }
}

/** See `snapshotAt()`. */
const isSnapshot = ({ digest }: Passed): boolean => digest === 0
