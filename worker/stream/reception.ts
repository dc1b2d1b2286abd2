import type { EventEntry } from '../../src/link/protocol.ts'
import { charactersOf, type Log, type Role } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'
import type { Head, SourceEvent } from '../source/source.ts'
import { type Anchor, NOWHERE } from './anchor.ts'
import type { Findings } from './chronicle.ts'
import type { Cost } from './claimant.ts'
import { Dispensing } from './dispensing.ts'
import type { History } from './history.ts'
import type { Judged } from './recognition.ts'
import { REPLAY_TIME, Resumption, type Sentence } from './resumption.ts'
import { Span } from './span.ts'

/** Pieces of a replay come closer together than this, in ms. */
const PAUSE = 50

/** How long, in ms, what was asked for may take to come when something unknown has come first. */
const PATIENCE = 1_000

/** More characters than this are not held: half of what a log holds. */
const MOST_CHARACTERS = 4 * 1_048_576

/** A greeting comes within so many ms after the head. */
const AT_ONCE = 250

/** An event as the connection brought it. */
interface Incoming extends Judged {
  /** The connection had brought no ID by then: that of the last event is still in effect. */
  readonly isInherited: boolean
  /** See {@link SourceEvent}. */
  readonly isOlder: boolean | undefined
}

/** What is known of the present connection. */
interface Course {
  /** Where it resumes. */
  readonly anchor: Anchor
  /** The server is expected to resume. */
  readonly isExpected: boolean
  /** It is asked for what follows the last event. */
  readonly asksForNext: boolean
  /** It has brought an event; one that is in the log now; and one without an ID. */
  hasBegun: boolean
  hasBroughtNew: boolean
  hasBroughtUnnumbered: boolean
  /** It began with something that was asked for. */
  hasResumed: boolean
  /** The server says that it resumes from elsewhere. */
  isDenied: boolean
  /** Something is missing before what is logged next. */
  owesGap: boolean
  /** For people. */
  readonly findings: { -readonly [Key in keyof Findings]: Findings[Key] }
}

const courseOf = (anchor: Anchor, isExpected: boolean, asksForNext: boolean): Course => ({
  anchor,
  isExpected,
  asksForNext,
  hasBegun: false,
  hasBroughtNew: false,
  hasBroughtUnnumbered: false,
  hasResumed: false,
  isDenied: false,
  owesGap: false,
  findings: { repeated: 0, outcome: 'open' },
})

/** What the server sends, on its way into the log: IDs are completed, repetitions dropped, gaps noticed. */
export class Reception {
  readonly #log: Log
  readonly #history: History
  readonly #released: () => void
  /** The last event ID in effect, and how many events since the line that set it. */
  #effective = { id: '', nth: 0, isInherited: false }
  /** The ID that came without an event after the last event, if one did. */
  #lone: string | undefined
  #hasOpened = false
  /** The last time that something was asked for, it did not come. */
  #isDistrusted = false
  /** A replay has joined what was known. */
  #hasJoined = false
  /** Whether there is an ID to resume after, and where the log ended when that was determined. */
  #known: { readonly at: number; readonly canResume: boolean } | undefined
  readonly #dispensing = new Dispensing()
  /** An event belongs to the same burst as the last one. */
  readonly #burst: Span
  /** A greeting may come, and a replay begin. */
  readonly #greeting: Span
  readonly #replay: Span
  readonly #late: Span
  /** What comes so soon may belong to the replay that was asked for, proven or not. */
  readonly #opening: Span
  /** Sequence number of the last event that did. */
  replayedTo = 0
  #course = courseOf(NOWHERE, true, false)
  /** As long as the present connection may bring what is known. */
  #resumption: Resumption<Incoming> | undefined
  /** For what is asked for: it begins anew whenever some of that comes, and holds only so much. */
  readonly #patience: Span
  #progress = 0
  #characters = 0

  readonly #spans: readonly Span[]

  /** @param released called when nothing is held any more, or nothing has come to be held */
  constructor(platform: HubPlatform, log: Log, history: History, released: () => void) {
    this.#burst = new Span(platform)
    this.#greeting = new Span(platform)
    this.#replay = new Span(platform)
    this.#late = new Span(platform)
    this.#opening = new Span(platform, released)
    this.#patience = new Span(platform, () => this.#giveUp())
    this.#spans = [this.#burst, this.#greeting, this.#replay, this.#late, this.#opening, this.#patience]
    this.#log = log
    this.#history = history
    this.#released = released
  }

  /** Nothing is read for now: what does not come meanwhile may have come. */
  pause(): void {
    for (const span of this.#spans) span.pause()
  }

  /** It is read again. */
  readOn(): void {
    for (const span of this.#spans) span.resume()
  }

  /** What the present connection has turned out to be, for people. */
  get findings(): Findings {
    return this.#course.findings
  }

  /** There is an ID to resume after. */
  get canResume(): boolean {
    return this.#anchorNow().resumeAfter !== ''
  }

  /** The ID that came without an event after the last event, if one did. */
  get lone(): string | undefined {
    return this.#lone
  }

  get hasOpened(): boolean {
    return this.#hasOpened
  }

  /** What a server that is expected to resume would cost those who listen if the connection were lost now. */
  get costOfLoss(): Cost {
    if (!this.#hasOpened) return 'nothing'
    if (this.#isDistrusted || !this.#hasAnchor()) return 'gap'
    return this.#hasJoined ? 'nothing' : 'unknown'
  }

  /** As `canResume`. It is asked for often, and where no event has an ID the whole log is looked through. */
  #hasAnchor(): boolean {
    const { lastSeq } = this.#log
    if (this.#known?.at !== lastSeq) this.#known = { at: lastSeq, canResume: this.canResume }
    return this.#known.canResume
  }

  /** A replay is under way. */
  get isJudging(): boolean {
    return this.#resumption?.isSearching === true
  }

  /** It has brought something that is not in the log yet. */
  get isHolding(): boolean {
    return this.#resumption?.isHolding === true
  }

  /** It has, or is still to begin, so soon after the head. */
  get isReplaying(): boolean {
    return this.isHolding || (this.isJudging && this.#opening.isOn)
  }

  /**
   * A connection begins. Answers with the ID to resume after, `''` for none.
   *
   * @param resumes the server is expected to resume; otherwise nothing is missing where it has not
   */
  resume(resumes: boolean): string {
    this.#history.settle()
    if (!resumes) this.#expectNothing()
    const anchor = resumes ? this.#anchorNow() : NOWHERE
    this.#course = courseOf(anchor, resumes, resumes && this.#asksForNext)
    const { resumeAfter } = anchor
    this.#effective = {
      id: resumes ? resumeAfter : (this.#lone ?? ''),
      nth: 0,
      isInherited: this.#lone === undefined,
    }
    return resumeAfter
  }

  /** IDs of the known events that the present connection should bring. */
  get latestIds(): string[] {
    return this.#history.requiredAfter(this.#course.anchor).map(({ id }) => id)
  }

  /** @param isOwed a gap is told even where nobody expects the server to resume: the hub has given the last connection up */
  opened({ deniesResumption, confirmsResumption }: Head, isOwed = false): void {
    const { anchor, isExpected } = this.#course
    const isFirst = !this.#hasOpened
    this.#hasOpened = true
    this.#greeting.begin(AT_ONCE)
    this.#replay.begin(REPLAY_TIME)
    this.#course.isDenied = deniesResumption
    if (anchor.resumeAfter === '' || this.#history.isEmpty) {
      if (!isFirst && (isExpected || isOwed) && !confirmsResumption) this.#gap('unresumable', '')
      return
    }
    this.#burst.end()
    this.#opening.begin(AT_ONCE)
    // What is held waits for what this connection brings.
    this.#patience.end()
    this.#judge()
    this.#settle()
  }

  #judge(): void {
    const { anchor, isDenied } = this.#course
    const { from, resumeAfter, mixed, unproven } = anchor
    const required = this.#history.requiredAfter(anchor)
    const { isDoubtful } = this.#history
    const former = this.#resumption
    this.#resumption = new Resumption({
      from,
      after: resumeAfter,
      required,
      isMixed: mixed,
      isDenied,
      // All that was known can turn out to be greetings.
      isUnproven: !isDoubtful && (unproven || (!mixed && required.length === 0)),
      isWhole: this.#history.isWhole,
      index: () => this.#history.index(),
      room: this.#log.room,
      late: this.#late,
    })
    if (former !== undefined) this.#resumption.adopt(former)
  }

  /**
   * The connection has ended.
   *
   * @param isEnd the server has ended its answer in good order: nothing more would have come
   */
  lost(isEnd: boolean): void {
    const resumption = this.#resumption
    const course = this.#course
    const { asksForNext } = course
    if (
      isEnd &&
      resumption?.isHolding &&
      ((this.#history.isCatchingUp && (resumption.isInOrder || resumption.isRepeating)) || asksForNext)
    ) {
      resumption.release()
      this.#settle()
    }
    if (resumption?.isAwaiting) this.#gap('history-lost', '')
    this.#dispensing.ended(isEnd, course.hasBroughtNew, course.hasResumed, asksForNext)
    // What is held is judged together with what the next connection brings.
    if (resumption?.isHolding !== true) this.#resumption = undefined
    // Only a server that has said all it has to say is given no more time.
    else if (!isEnd) this.#patience.end()
  }

  idAlone(id: string): void {
    this.#takeId(id)
    // During a replay it may be an old one.
    if (!this.isJudging) this.#lone = id
    this.#known = undefined
  }

  /** Tells whether something new has been logged. */
  event({ name, data, id, isOlder }: SourceEvent): boolean {
    const { manners, frames } = this.#history
    if (manners.isEphemeral(name)) return this.#passEphemeral(name, data, id)
    if (id === undefined) this.#effective.nth++
    else this.#takeId(id)
    const { nth, isInherited } = this.#effective
    const same = manners.identityOf({ name, data })
    // Spreading costs as much as a tenth of all that is done with an event.
    const event: Incoming = { name, data, id: this.#effective.id, nth, isInherited, same, isOlder }
    if (manners.tellsGap(name)) return this.#beginAnew(event)
    const course = this.#course
    const { greeting } = frames
    frames.begin(event, !course.hasBegun && this.#greeting.isOn)
    if (greeting !== 0 && frames.greeting === 0) this.#resumption?.beganUnknown()
    // A greeting is required from no replay, and only now it is known that some of the history are greetings.
    if (!course.hasBegun && frames.greeting !== greeting && this.isJudging) this.#judge()
    course.hasBegun = true
    course.hasBroughtUnnumbered ||= event.nth > 0
    const isFrame = frames.isFrame(event)
    if (this.#resumption === undefined) {
      this.#append(event, isFrame ? 'frame' : 'history')
      return true
    }
    this.#history.learn(event)
    this.#resumption.take(event, isFrame, this.#burst.isOn, !this.#replay.isOn)
    this.#burst.begin(PAUSE)
    this.#characters += charactersOf(event)
    if (this.#characters > MOST_CHARACTERS) this.#resumption.giveUp()
    return this.#settle()
  }

  /** It is given at once, and nothing is resumed after its ID. */
  #passEphemeral(name: string, data: string, id: string | undefined): boolean {
    const { id: lastId, nth } = this.#effective
    const place = id === undefined ? { id: lastId, nth: nth + 1 } : { id, nth: 0 }
    this.#history.append({ name, data, ...place }, 'frame')
    return true
  }

  /** The server says that history is gone: what outlives that is new. */
  #beginAnew(event: Incoming): boolean {
    this.#resumption?.dropLeft()
    this.#expectNothing()
    this.#gap('history-lost', event.isInherited ? '' : event.id)
    this.#append(event, 'history', undefined, event.id !== '' && event.nth === 0)
    return true
  }

  /** Logs what has been judged. Tells whether something new was among it. */
  #settle(): boolean {
    const resumption = this.#resumption
    if (resumption === undefined) return false
    if (resumption.isHolding && this.#isDistrusted && !this.#history.isSelective) resumption.giveUp()
    let hasNew = false
    for (const sentence of resumption.sentences()) hasNew = this.#carryOut(sentence, resumption) || hasNew
    if (resumption.outcome !== undefined) {
      this.#isDistrusted = resumption.outcome !== 'joined'
      this.#hasJoined ||= !this.#isDistrusted
      const { findings } = this.#course
      // A gap that has been told says more.
      if (!this.#isDistrusted && findings.outcome === 'open')
        findings.outcome = findings.repeated > 0 ? 'joined' : 'unproven'
    }
    this.#course.hasResumed ||= resumption.isExact
    if (resumption.progress !== this.#progress) this.#patience.end()
    this.#progress = resumption.progress
    if (resumption.isHolding) {
      if (!this.#patience.isOn) this.#patience.begin(PATIENCE)
    } else {
      this.#characters = 0
      this.#patience.end()
    }
    if (resumption.isOver) this.#resumption = undefined
    return hasNew
  }

  #carryOut(sentence: Sentence<Incoming>, { outcome, isLate }: Resumption<Incoming>): boolean {
    const { event, ordinal, isNew, role, after, hasGap } = sentence
    const isPending = ordinal !== undefined && this.#history.isPending(ordinal)
    this.#course.owesGap ||= hasGap
    if (ordinal !== undefined) this.#course.findings.repeated++
    if (!isNew && !isPending) return false
    if (after !== undefined && event.isOlder) return false
    if (this.#course.owesGap && (role === 'history' || this.#history.isCatchingUp)) {
      this.#course.owesGap = false
      this.#gap(this.#history.isMixed ? 'unresumable' : 'history-lost', event.isInherited ? '' : event.id)
    }
    if (isPending) {
      this.#course.hasBroughtNew = true
      this.#history.appendPending(event, ordinal)
      return true
    }
    // What the tabs further back have not been given by now will not come.
    if (role === 'history' && after === undefined && outcome !== undefined) this.#history.conclude(isLate)
    const { isMixed } = this.#history
    this.#append(event, role, after)
    // Only now it is known that the replay may have left out events without an ID.
    if (this.#history.isMixed && !isMixed && outcome === 'joined' && !this.#course.hasBroughtUnnumbered)
      this.#gap('unresumable', '')
    return true
  }

  /** Decides at once on what is held: it must not be given to those who come later. */
  decide(): void {
    if (!this.isHolding) return
    this.#resumption?.giveUp()
    this.#settle()
  }

  /** Nothing that is known will come again. */
  #expectNothing(): void {
    this.#resumption?.giveUp()
    this.#settle()
    this.#resumption = undefined
    this.#history.conclude()
  }

  #giveUp(): void {
    this.#resumption?.giveUp()
    this.#settle()
    this.replayedTo = this.#log.lastSeq
    this.#released()
  }

  #append(event: Incoming, role: Role, after?: number, beginsAnew = false): void {
    this.#lone = undefined
    this.#course.hasBroughtNew = true
    const { name, data, same } = event
    const { id, nth } = this.#completed(event)
    this.#history.append({ name, data, id, nth, same, beginsAnew }, role, after)
    if (this.#opening.isOn) this.replayedTo = this.#log.lastSeq
    if (event.isInherited && this.#effective.isInherited && !this.isJudging)
      this.#effective = { id, nth, isInherited: true }
  }

  /** [spec] The last event ID outlives a connection that brings none; ours was set back to resume earlier.
   *  https://html.spec.whatwg.org/multipage/server-sent-events.html#concept-event-stream-last-event-id */
  #completed(event: Incoming): Pick<EventEntry, 'id' | 'nth'> {
    const { last } = this.#history
    return event.isInherited && last !== undefined ? { id: last.id, nth: last.nth + 1 } : event
  }

  /** It is asked for what follows the last event, which it cannot prove to do. */
  get #asksForNext(): boolean {
    return this.#dispensing.asksForNext && !this.#history.hasGroups
  }

  /** Where the next connection resumes. */
  #anchorNow(): Anchor {
    const anchor = this.#history.anchorAt(this.#log.lastSeq)
    // The server has moved the place to resume after past the last event: nothing known lies behind it.
    if (this.#lone !== undefined) {
      return { ...anchor, resumeAfter: this.#lone, from: anchor.ordinal, latest: [], unproven: true }
    }
    const last = anchor.latest.findLast(({ isAside }) => !isAside)
    if (!this.#asksForNext || last === undefined || last.id === '' || last.nth > 0) return anchor
    return { ...anchor, resumeAfter: last.id, from: last.at ?? last.ordinal, unproven: true }
  }

  #takeId(id: string): void {
    this.#effective = { id, nth: 0, isInherited: false }
  }

  #gap(reason: 'unresumable' | 'history-lost', after: string): void {
    this.#course.findings.outcome = 'gap'
    const { nextSeq: seq } = this.#log
    this.#log.append({ type: 'gap', seq, reason, before: this.#history.last?.id ?? '', after })
  }
}
