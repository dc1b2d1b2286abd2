import { placeKey, placeOf } from '../../src/link/place.ts'
import type { Role } from '../log/log.ts'
import { Adopted, type Held } from './held.ts'
import { type Case, type Judged, type Known, Recognition } from './recognition.ts'

/**
 * So many earlier events in a burst are no longer what a server says one by one: their replay may come in pieces. Long ones
 * count more than once, for what fits in a few packets of the network does not come in pieces.
 */
const STREAK = 9
const LONG = 512

/** So long after the head, in ms, a replay must have begun. What looks like one later is none. */
export const REPLAY_TIME = 10_000

/** How long, in ms, what was asked for may still come when the judge has given it up. */
const LATE = 1_000

export type Outcome =
  /** What was asked for has come, or nothing had to. */
  | 'joined'
  /** It has not come. */
  | 'broken'
  /** It has not come, and what came looks like earlier events, though it is no replay of them: all of it is new. */
  | 'begun again'

/** What the judge has decided on one event. */
export interface Sentence<Event> {
  readonly event: Event
  /** Number of the known event that this is; `undefined` where it is new, or older than all that is known. */
  readonly ordinal: number | undefined
  readonly isNew: boolean
  readonly role: Role
  /** Place of the known event behind which a replay brought it; `undefined` where all that is known lies before it. */
  readonly after: number | undefined
  /** Something before it may be missing. */
  readonly hasGap: boolean
}

/** A number of earlier events, one after the other. */
interface Run {
  /** Place of the last one. */
  readonly at: number
  readonly length: number
  /** How much of the last ones have come in a burst, and how much at most. */
  readonly streak: number
  readonly longest: number
}

type Repeated<Event> = Held<Event> & { readonly known: Known }

/**
 * The judge of replays: sorts what a connection brings into known and new, and decides whether the two join.
 *
 * It holds events back until what was asked for has come, or has had its time, and then decides on all of them at once, in
 * the server's order. ARCHITECTURE.md has the table of its verdicts.
 */
export class Resumption<Event extends Judged> {
  readonly #case: Case
  readonly #recognition: Recognition
  #state: 'searching' | 'following' | 'late' | 'over' = 'searching'
  /** A gap stands before the next new event. */
  #owesGap: boolean
  #held: Held<Event>[] = []
  /** What the judge of the former connection held when that was cut. */
  #adopted = new Adopted<Event>()
  /** The same, where it was too much to be held: the present connection has yet to bring some of it. */
  #awaited = new Adopted<Event>()
  #sentences: Sentence<Event>[] = []
  #run: Run | undefined
  /** That of the former connection. */
  #formerRun: Run | undefined
  #outcome: Outcome | undefined
  #isExact = true
  /** Something unknown has seemed to be a greeting. */
  #hasGreeted = false
  /** Digests of what is held and unknown, and no frame. */
  readonly #unknown = new Set<number>()

  constructor(given: Case) {
    this.#case = given
    this.#recognition = new Recognition(given)
    this.#owesGap = given.isDenied
  }

  /** No later event needs judging, nothing is held, and no gap stands before what comes next. */
  get isOver(): boolean {
    return this.#state === 'over' && !this.isHolding && !this.#owesGap && !this.isAwaiting
  }

  /** What was asked for may still come. */
  get isSearching(): boolean {
    return this.#state === 'searching'
  }

  /** What was asked for has not come in time, but still counts where it comes. */
  get isLate(): boolean {
    return this.#state === 'late' && this.#case.late.isOn
  }

  /** How it has ended; nothing as long as it has not. */
  get outcome(): Outcome | undefined {
    return this.#outcome
  }

  /** The former connection has brought what could not be held. The present one has not brought it again yet. */
  get isAwaiting(): boolean {
    return !this.#awaited.isRepeated
  }

  get isHolding(): boolean {
    return this.#held.length > 0 || this.#adopted.events.length > 0
  }

  /** Something that was asked for has come, and nothing before it is missing. */
  get isInOrder(): boolean {
    return this.#recognition.count > 0 && !this.#owesGap
  }

  /** It began just where it was asked to. */
  get isExact(): boolean {
    return this.#isExact && this.isInOrder
  }

  /** It brings just what the former connection has brought. */
  get isRepeating(): boolean {
    return this.#held.length === 0 && this.isHolding && this.#adopted.isRepeated
  }

  /** How many events have been decided on so far, can be put in order, or have come again: it grows as a replay goes on. */
  get progress(): number {
    return this.#recognition.count + (this.#run?.length ?? 0) + this.#adopted.repeatedCount
  }

  /**
   * Takes over what the judge of the former connection held when that was cut. If a replay joins, what is history comes again,
   * and the rest belonged to that connection. Otherwise it is given.
   */
  adopt(former: Resumption<Event>): void {
    const held = former.#held.filter(({ kind }) => kind !== 'asked')
    const begun = held.map((one, index) => ({ ...one, isBeginning: index === 0 }))
    this.#adopted = new Adopted([...former.#adopted.events, ...begun])
    this.#formerRun = former.#run ?? former.#formerRun
  }

  /**
   * Judges the next event.
   *
   * @param isFrame it belongs to the connection
   * @param isBurst it has come in a burst with the one before
   * @param isTardy it has come long after the head
   */
  take(event: Event, isFrame: boolean, isBurst: boolean, isTardy: boolean): void {
    this.#await(event, isBurst)
    if (this.#state === 'late' && !this.#case.late.isOn) this.#state = 'over'
    if (this.#state === 'following' && !isBurst) this.#state = 'over'
    if (this.isSearching && isTardy && !isFrame && this.#recognition.count === 0 && this.#held.length === 0)
      this.#expire()
    if (this.isSearching && isTardy && !isBurst && this.#run !== undefined) this.#beginAgain()
    if (this.#state === 'over') this.#giveNew(event, isFrame)
    else if (this.#state === 'searching') this.#search(event, isFrame, isBurst)
    else this.#follow(event, isFrame)
  }

  /** What has been given as a greeting was none. */
  beganUnknown(): void {
    if (!this.isSearching || this.isHolding || !this.#hasGreeted) return
    if (!this.#isTrusted) {
      this.#beginAgain()
      return
    }
    this.#join()
    this.#state = 'over'
  }

  /** What was asked for has had its time. */
  giveUp(): void {
    if (this.#state !== 'searching') return
    if (this.#isTrusted && !this.#isLongRun) {
      this.#join()
      return
    }
    if (this.#run !== undefined) {
      this.#beginAgain()
      return
    }
    this.#state = 'late'
    this.#case.late.begin(LATE)
    this.#break()
  }

  /** What a former connection alone has brought is not given: if the server has it still, it comes again. */
  dropLeft(): void {
    this.#held = this.#adopted.among(this.#held, false)
    this.#adopted = new Adopted()
  }

  /** The server answers piece by piece: what it has brought lies in order behind what was asked for. */
  release(): void {
    const isRepeating = this.isRepeating
    const adopted = isRepeating ? new Adopted<Event>() : this.#adopted
    const held = isRepeating ? this.#adopted.events : this.#held
    this.#adopted = new Adopted()
    const tail = held.slice(held.findLastIndex(({ kind }) => kind === 'asked') + 1)
    this.#held = held.slice(0, held.length - tail.length)
    this.#releaseHeld(({ kind }) => kind !== 'unknown', true)
    for (const { event, isFrame, kind, after } of tail) {
      if (kind === 'unknown') this.#pronounce(event, isFrame ? 'frame' : 'history', false, after)
    }
    this.#adopted = adopted
  }

  /** Decisions, in the order of the events. Each is told once. */
  sentences(): readonly Sentence<Event>[] {
    const sentences = this.#sentences
    this.#sentences = []
    return sentences
  }

  #search(event: Event, isFrame: boolean, isBurst: boolean): void {
    const key = placeKey(placeOf(event))
    const asked = this.#recognition.askedAs(event, key)
    if (asked === undefined && this.#adopted.repeat(key, this.#held.length)) return
    const last = this.#held.at(-1)
    const after = last === undefined ? this.#recognition.place : (last.known?.at ?? last.after)
    if (isFrame) {
      const isRepeated =
        asked !== undefined && !this.#recognition.skipsTo(asked) && !this.#recognition.isEarlier(key)
      this.#hasGreeted ||= !isRepeated
      if (isRepeated) this.#accept({ event, key, isFrame, kind: 'asked', known: asked, after })
      else if (!this.isHolding) this.#pronounce(event, 'frame')
      else this.#held.push({ event, key, isFrame, kind: 'unknown', known: undefined, after })
      return
    }
    if (asked !== undefined) {
      this.#meet({ event, key, isFrame, kind: 'asked', known: asked, after }, isBurst)
      return
    }
    const known = this.#recognition.earlierAs(event, key)
    if (known === undefined && this.#isTrusted) {
      this.#join()
      this.#state = 'over'
      this.#giveNew(event, isFrame)
    } else if (known?.at === this.#case.from && this.#held.length === 0 && !this.#isWeak(event, key)) {
      // Some servers repeat the very event after which they were asked to resume.
      this.#isExact = false
      this.#pronounceKnown(event, known.ordinal)
    } else {
      const kind = known === undefined ? 'unknown' : 'earlier'
      this.#held.push({ event, key, isFrame, kind, known, after })
      this.#isExact = false
      const { digest } = placeOf(event)
      if (known === undefined) {
        this.#unknown.add(digest)
      } else if (this.#unknown.has(digest)) {
        // Its content says nothing.
        this.#beginAgain()
        return
      }
      this.#followRun(event, known, isBurst)
      // What the server says outweighs what comes, unless that may be older than all that is known.
      const isDenied = this.#case.isDenied && known === undefined && this.#case.isWhole
      const isTooMuch = this.#held.length + this.#adopted.left > this.#case.room
      if (isTooMuch) {
        this.#awaited = this.#adopted
        this.dropLeft()
      }
      if (isDenied || isTooMuch) this.giveUp()
    }
  }

  /** What the present connection does not bring again in its burst is lost. */
  #await(event: Event, isBurst: boolean): void {
    if (!this.isAwaiting) return
    if (isBurst) {
      this.#awaited.repeat(placeKey(placeOf(event)), 0)
    } else {
      this.#owesGap = true
      this.#awaited = new Adopted()
    }
  }

  /** An event has come that was asked for. */
  #meet(held: Repeated<Event>, isBurst: boolean): void {
    const isOneByOne =
      this.#run !== undefined &&
      !this.#goesOn(isBurst) &&
      (this.#isLongRun || this.#isWeak(held.event, held.key))
    this.#accept(held)
    if (isOneByOne || (this.#isLongRun && !this.#isRunComplete)) this.#beginAgain()
    else if (this.#recognition.isThrough) this.#join()
  }

  #accept(held: Repeated<Event>): void {
    const { event, known } = held
    // A server that resumes from elsewhere may have left out what lies before the first event that it repeats.
    const isFirst = this.#case.isDenied && this.#recognition.count === 0
    const skips = this.#recognition.skipsTo(known) || isFirst
    // Whoever waits for what no server can be asked for is told a gap there. It says nothing of what follows.
    this.#owesGap ||= this.#recognition.skipsAskable(known) || isFirst
    // What a tab was given out of turn does not show its place so exactly.
    if (skips && known.at === known.ordinal) this.#moveBehind(known)
    this.#recognition.meet(event, known)
    // What has been brought twice lies before it.
    const isHeld = this.#held.length + this.#adopted.repeatedCount > 0
    if (!isHeld) this.#pronounceKnown(event, known.ordinal, skips)
    else this.#held.push({ ...held, skips })
  }

  /** What a replay brings in place of required events that it leaves out came after those. */
  #moveBehind(known: Known): void {
    const placeBefore = this.#recognition.placesBefore(known)
    let place = Number.POSITIVE_INFINITY
    for (let index = this.#held.length - 1; this.#held[index]?.kind === 'unknown'; index--) {
      const held = this.#held[index] as Held<Event>
      // It came before what the replay has behind it.
      place = Math.min(place, placeBefore(held.event))
      this.#held[index] = { ...held, after: Math.max(held.after, place) }
    }
  }

  #join(): void {
    const held = this.#adopted.among(this.#held, false)
    if (this.#adopted.isRepeated) this.#run ??= this.#formerRun
    if (isLongRun(held) && !(this.#isRunComplete && isDistinctive(held))) {
      this.#beginAgain()
      return
    }
    this.#outcome = 'joined'
    if (!this.#recognition.isWholeReplay) this.#owesGap = true
    this.#state = 'following'
    this.#held = held
    this.#adopted = new Adopted()
    const isRepeated = this.#isRunComplete
    // The replay begins before the place asked for. What is unknown there may be older than all that is known.
    let mayBeOld = this.#run !== undefined && isRepeated && !this.#case.isWhole
    this.#releaseHeld(({ kind, known }) => {
      if (known === undefined) return mayBeOld
      mayBeOld &&= known.at < this.#case.from
      return kind === 'asked' || isRepeated
    }, true)
  }

  /** The server counts from the beginning, or ignores what it was asked: nothing of what comes is a replay. */
  #beginAgain(): void {
    this.#state = 'over'
    this.#outcome = 'begun again'
    this.#owesGap = true
    this.#releaseHeld(() => false, false)
  }

  /** No replay has come: what was not shown to join is told as a loss, unless nothing could be shown. */
  #expire(): void {
    this.#state = 'over'
    if (this.#isTrusted) this.#outcome = 'joined'
    else this.#break()
  }

  #break(): void {
    this.#outcome = 'broken'
    this.#owesGap = true
    this.#releaseHeld(({ kind }) => kind === 'asked', false)
  }

  /** Behind what was required: more of what was asked for may be repeated, then all is new. */
  #follow(event: Event, isFrame: boolean): void {
    const key = placeKey(placeOf(event))
    const asked = this.#recognition.askedAs(event, key)
    const isRepeated =
      asked !== undefined && (this.#state === 'following' || !this.#recognition.isLikeRequired(event, key))
    if (isRepeated && !(isFrame && this.#recognition.isEarlier(key))) {
      this.#recognition.meet(event, asked)
      this.#pronounceKnown(event, asked.ordinal)
      return
    }
    this.#giveNew(event, isFrame)
  }

  /** Earlier events are held as long as they may be a replay of everything. */
  #followRun({ data }: Event, known: Known | undefined, isBurst: boolean): void {
    const run = this.#run
    const weight = Math.max(1, data.length / LONG)
    if (run === undefined) {
      this.#run = known && { at: known.at, length: 1, streak: weight, longest: weight }
    } else if (known === undefined ? isBurst && !this.#case.isWhole : this.#goesOn(isBurst)) {
      const streak = isBurst ? run.streak + weight : weight
      const { at, length, longest } = run
      this.#run = {
        at: known?.at ?? at,
        length: known ? length + 1 : length,
        streak,
        longest: Math.max(longest, streak),
      }
    } else {
      this.#beginAgain()
    }
  }

  /** A run comes in a burst. A long one may come in pieces. */
  #goesOn(isBurst: boolean): boolean {
    return isBurst || (this.#run?.longest ?? 0) >= STREAK
  }

  #releaseHeld(isKnown: (held: Held<Event>) => boolean, isAhead: boolean): void {
    const held = this.#adopted.among(this.#held, true)
    // Something may have been lost between the connections, too.
    const lost = held.findLastIndex(({ isLeft }) => isLeft) + 1
    this.#adopted = new Adopted()
    this.#held = []
    this.#run = undefined
    const skipping = skippingIn(held)
    const last = isAhead ? -1 : held.findLastIndex(isKnown)
    held.forEach((one, index) => {
      const { event, isFrame, known, after, isLeft, isBeginning } = one
      const hasGap = skipping[index] === true
      this.#owesGap ||= (isLeft && isBeginning) || (lost > 0 && index === lost)
      if (isLeft) this.#giveNew(event, isFrame)
      else if (isKnown(one)) this.#pronounceKnown(event, known?.ordinal, hasGap)
      // What came before the replay is not behind the loss that the replay shows.
      else if (isAhead) this.#pronounce(event, isFrame ? 'frame' : 'ahead', hasGap, after)
      // What came before something known is no newer than that.
      else if (index < last && !isFrame) this.#pronounce(event, 'ahead', this.#owesGap, after)
      else this.#giveNew(event, isFrame)
    })
    this.#owesGap ||= lost > 0 && lost === held.length
  }

  #giveNew(event: Event, isFrame: boolean): void {
    const hasGap = this.#owesGap && !isFrame
    if (hasGap) this.#owesGap = false
    this.#pronounce(event, isFrame ? 'frame' : 'history', hasGap)
  }

  #pronounce(event: Event, role: Role, hasGap = false, after?: number): void {
    this.#sentences.push({ event, ordinal: undefined, isNew: true, role, after, hasGap })
  }

  #pronounceKnown(event: Event, ordinal: number | undefined, hasGap = false): void {
    this.#sentences.push({ event, ordinal, isNew: false, role: 'history', after: undefined, hasGap })
  }

  /** A single earlier event can be a greeting of constant content. */
  get #isLongRun(): boolean {
    return (this.#run?.length ?? 0) > 1
  }

  /** The run of earlier events leads up to what was asked for. */
  get #isRunComplete(): boolean {
    return this.#run?.at === this.#case.from
  }

  /** Its content says nothing: other events that are to come, or have come, are just alike. */
  #isWeak(event: Event, key: string): boolean {
    const { digest } = placeOf(event)
    const isAlike = (one: Held<Event>) => one.key !== key && placeOf(one.event).digest === digest
    return this.#recognition.isLikeRequired(event, key) || this.#held.some(isAlike)
  }

  /** Nothing could be asked to be repeated: take the server at its word. */
  get #isTrusted(): boolean {
    const { required, isUnproven, isDenied } = this.#case
    return isUnproven && required.length === 0 && !isDenied
  }
}

function isLongRun<Event>(held: readonly Held<Event>[]): boolean {
  const isEarlier = ({ kind }: Held<Event>) => kind === 'earlier'
  return held.findIndex(isEarlier) !== held.findLastIndex(isEarlier)
}

/** No two of the events that look like known ones are alike, so each of them is recognised by its content. */
function isDistinctive<Event extends Judged>(held: readonly Held<Event>[]): boolean {
  const known = held.filter(({ kind }) => kind !== 'unknown')
  return new Set(known.map(({ event }) => placeOf(event).digest)).size === known.length
}

/** What is skipped can be missing before any of the unknown events between two known ones: whether it is told before each. */
function skippingIn<Event>(held: readonly Held<Event>[]): boolean[] {
  let skips = false
  const skipping = [...held].reverse().map((one) => {
    if (one.known !== undefined) skips = one.skips === true
    return skips
  })
  return skipping.reverse().map((isSkipping, index) => {
    const isFirst = index === 0 || held[index - 1]?.known !== undefined
    return isFirst && isSkipping
  })
}
