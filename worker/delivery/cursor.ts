import type { Remote } from 'comlink'
import { pack } from '../../src/link/pack.ts'
import {
  type ConnectionError,
  type Entry,
  EVENT_SOURCE_POLICY,
  type EventEntry,
  type GapEntry,
  type GapReason,
  type PackedEntries,
  type Policy,
  type Position,
  type Seen,
  type StateEntry,
  type StreamState,
  type Subscription,
  type SubscriptionLife,
  type TabSide,
} from '../../src/link/protocol.ts'
import { BATCH_CHARACTERS, BATCH_ENTRIES, type Excerpts } from '../log/excerpts.ts'
import { charactersOf, isOutOfLine, type LoggedEvent } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'
import { PageQuestions } from '../stream/page-questions.ts'
import type { Beginning, Questions, Subscriber } from '../stream/subscriber.ts'
import { Joining } from './joining.ts'
import { type Fate, Rejoin, type RejoinedStream } from './rejoin.ts'
import { Sender } from './sender.ts'

/** A hidden page that wants few batches is sent one in so many ms. */
const BATCH_INTERVAL = 1_000

/** A batch of these tells a position only. */
const NO_ENTRIES = pack([])

/** What a cursor needs of its stream. */
export interface CursorStream extends RejoinedStream {
  readonly id: string
  readonly excerpts: Excerpts
  readonly stateNow: StreamState
  /** What comes, or is held, may be a replay. */
  readonly isReplaying: boolean
  positionAt(seq: number): Position
  beginBehindGap(
    names: ReadonlySet<string>,
    position: Position,
    seen: Seen | undefined,
  ): Beginning | undefined
  add(subscriber: Subscriber): void
  remove(subscriber: Subscriber): void
  /** The subscriber's page has got further. */
  moved(): void
}

/** What stays when the page changes its names and another cursor takes over. */
interface Standing {
  /** Where the stream has ended for this subscription alone, and why. */
  finale: { readonly seq: number; readonly error: ConnectionError | undefined } | undefined
  readonly questions: PageQuestions
}

/** What a cursor needs of its tab. */
export type CursorTab = Pick<Remote<TabSide>, 'deliver' | 'details' | 'part' | 'retryDelay'>

/** One subscription's place in a log: the next entry to look at, and what has to be said before it. */
export class Cursor implements Subscriber {
  readonly policy: Policy
  readonly #stream: CursorStream
  readonly #subscription: Subscription
  readonly #joining: Joining
  /** Equal for equal names. */
  readonly #namesKey: string
  readonly #standing: Standing
  readonly #sender: Sender
  readonly #platform: HubPlatform
  /** Runs until the next batch for a hidden page. */
  #batchTimer: unknown
  readonly #page: { readonly isVisible: boolean }
  /** Goes out before anything from the log. */
  readonly #lead: Entry[] = []
  /** As long as a tab that comes from another hub has not found its place. */
  #rejoin: Rejoin | undefined
  /** As long as what it has had may come again. */
  #beginning: Beginning | undefined
  /** It is to begin behind all that has come. */
  #isToBegin = false
  #hasBegun = false
  #next: number
  #lastEventId = ''
  #isClosed = false
  /** The tab has been told that the stream has ended for this subscription alone. */
  #isTold = false
  /** That it has told its tab alone. */
  #gapCount = 0

  /** @param former the cursor that this one takes over from: the page has changed its names */
  constructor(
    platform: HubPlatform,
    hubId: string,
    stream: CursorStream,
    subscription: Subscription,
    tab: CursorTab,
    page: { readonly isVisible: boolean },
    former?: Cursor,
  ) {
    this.#platform = platform
    this.#stream = stream
    this.#page = page
    this.policy = { ...EVENT_SOURCE_POLICY, ...subscription.policy }
    this.#subscription = subscription
    this.#joining = new Joining(new Set(subscription.names))
    this.#namesKey = JSON.stringify([...this.names].sort())
    const forerunner = former !== undefined && former.#stream === stream ? former : undefined
    this.#standing =
      forerunner === undefined
        ? { finale: undefined, questions: new PageQuestions(platform, tab, subscription.id) }
        : forerunner.#standing
    this.#standing.questions.holder = this
    this.#next = this.#startingPoint(platform, forerunner)
    this.#sender = new Sender(platform, hubId, subscription, tab, this.#next - 1, () => {
      this.pump()
      this.#stream.moved()
    })
    if (this.policy.lag === 'latest') this.#joining.keepLatest(stream.log)
    stream.add(this)
  }

  get names(): ReadonlySet<string> {
    return this.#joining.names
  }

  get questions(): Questions {
    return this.#standing.questions
  }

  get isVisible(): boolean {
    return this.#page.isVisible
  }

  get isEnded(): boolean {
    return this.#standing.finale !== undefined
  }

  get isThrough(): boolean {
    return this.#sender.isIdle && this.#next > this.#stream.log.lastSeq
  }

  get isAtWork(): boolean {
    return this.#sender.isAtWork
  }

  /** The page is not through with what it has been sent, but gets on with it. */
  noteWork(): void {
    this.#sender.noteWork()
  }

  get isSeeking(): boolean {
    return this.#isToBegin || this.#rejoin?.isSeeking === true
  }

  get next(): number {
    return this.#next
  }

  /** For whoever looks into the hub's life. */
  get life(): SubscriptionLife & { readonly silentSince: number } {
    const { unacknowledged, silentSince } = this.#sender
    const { id } = this.#stream
    return {
      stream: id,
      names: [...this.names].sort(),
      next: this.#next,
      unacknowledged,
      gaps: this.#gapCount,
      silentSince,
    }
  }

  /** Passes over what it has not sent, and tells a gap: a developer wants to see what happens then. */
  skip(): void {
    const { lastSeq } = this.#stream.log
    this.#fallBehind('slow-tab', lastSeq + 1)
    this.#next = lastSeq + 1
    this.pump()
  }

  end(error: ConnectionError | undefined): void {
    this.#standing.finale = { seq: this.#stream.log.lastSeq, error }
  }

  close(): void {
    this.#isClosed = true
    this.#platform.clearTimeout(this.#batchTimer)
    this.#rejoin?.end()
    // A page that has only changed its names will still answer.
    if (this.questions.holder === this) this.#standing.questions.giveUp()
    this.#stream.remove(this)
  }

  part(): void {
    this.close()
    this.#standing.questions.part()
  }

  pump(): void {
    // It is not known yet whether the stream is still its page's.
    if (this.questions.awaited !== undefined) return
    if (this.#isToBegin && !this.#begin()) return
    while (this.#maySend()) {
      // On its way to this log it may have been told positions in another one.
      const comesSince = this.#subscription.since !== undefined && this.#lead.length > 0
      const entries = this.#take()
      if (entries === undefined && !this.#isPositionDue()) return
      const seq = this.#next - 1
      const beginsAnew =
        comesSince || this.#rejoin?.takeBeginning() === true || this.#beginning?.takeElsewhere() === true
      this.#sender.send(entries ?? NO_ENTRIES, seq, this.#positionAt(seq), beginsAnew)
      if (this.#rejoin?.isSettled) this.#rejoin = undefined
      if (this.#beginning?.isOver) this.#beginning = undefined
    }
    this.#skip()
  }

  /** Goes on behind all that has come. What is held may be older than what the page has had. Answers whether it can go on for now. */
  #begin(): boolean {
    const { isReplaying, stateNow, log } = this.#stream
    if (isReplaying && stateNow.state === 'open') return false
    // Without a connection that may take long, so that the page is told of the gap now, and again where it goes on.
    if (!isReplaying || !this.#hasBegun) {
      this.#lead.push(this.#gap('asleep', log.lastSeq, ''), this.#stateNow(log.lastSeq))
      this.#next = log.lastSeq + 1
    }
    this.#hasBegun = true
    this.#isToBegin = isReplaying
    return true
  }

  #maySend(): boolean {
    if (this.#isClosed || this.#isTold || !this.#sender.hasRoom(this.#stream.log, this.#next)) return false
    const wait = this.#isToWait ? this.#sender.sentAt + BATCH_INTERVAL - this.#platform.now() : 0
    if (wait <= 0) return true
    this.#batchTimer ??= this.#platform.setTimeout(() => {
      this.#batchTimer = undefined
      this.pump()
    }, wait)
    return false
  }

  /** A hidden page wants few batches, and the log does not need to move on. */
  get #isToWait(): boolean {
    if (this.policy.hidden !== 'batch' || this.isVisible || this.isEnded) return false
    const { isHalfFull, lastSeq, length } = this.#stream.log
    return this.#next <= lastSeq && !(isHalfFull && this.#next <= lastSeq - length / 4)
  }

  /** What comes next, if anything does. */
  #take(): PackedEntries | undefined {
    if (this.#isPlain) return this.#share()
    const entries = this.#slice()
    return entries.length === 0 ? undefined : pack(entries)
  }

  /** Nothing but its place and its names decides what it is sent. */
  get #isPlain(): boolean {
    return (
      this.#lead.length === 0 &&
      this.#rejoin === undefined &&
      this.#beginning === undefined &&
      this.#standing.finale === undefined &&
      this.#next >= this.#joining.seq &&
      this.#next >= this.#stream.log.firstSeq
    )
  }

  #share(): PackedEntries | undefined {
    const { excerpts } = this.#stream
    const { entries, isEmpty, next, lastEventId } = excerpts.from(this.#next, this.names, this.#namesKey)
    this.#next = next
    if (lastEventId !== undefined) this.#lastEventId = lastEventId
    return isEmpty ? undefined : entries
  }

  #startingPoint(platform: HubPlatform, former: Cursor | undefined): number {
    const { log } = this.#stream
    const { position, seen, since } = this.#subscription
    if (position === undefined)
      return this.#join(former === undefined ? log.lastSeq + 1 : former.#joining.seq)
    this.#lastEventId = position.latest.at(-1)?.id ?? ''
    // What is sealed is for those who were there.
    let first = Math.max(log.firstSeq, log.replaysFrom)
    // The page may not have been told of the gap yet.
    const isUntold =
      former !== undefined && former.#beginning !== undefined && position.log !== this.#stream.id
    if (former === undefined || isUntold)
      this.#beginning = this.#stream.beginBehindGap(this.names, position, seen)
    if (this.#beginning !== undefined) {
      this.#isToBegin = true
      return log.lastSeq + 1
    }
    if (position.log === this.#stream.id) {
      if (former !== undefined) {
        this.#joining.continue(former.#joining)
        this.#rejoin = former.#rejoin
        this.#beginning = former.#beginning
        this.#isToBegin = former.#isToBegin
        this.#hasBegun = former.#hasBegun
        first = log.firstSeq
      }
      if (since !== undefined) this.#lead.push(this.#stateNow(position.seq))
      if (position.seq + 1 < first) this.#fallBehind('asleep', first)
      return Math.max(position.seq + 1, first)
    }
    this.#rejoin = new Rejoin(platform, this.#stream, position, seen, () => this.pump())
    if (first > 1) this.#lead.push(this.#stateNow(first - 1))
    return first
  }

  #join(seq: number): number {
    const { log } = this.#stream
    const { replay, since } = this.#subscription
    if (since !== undefined) {
      this.#lastEventId = since
      this.#lead.push(this.#gap(this.policy.resumes ? 'history-lost' : 'unresumable', seq - 1, ''))
    }
    this.#lead.push(this.#stateNow(seq - 1))
    return this.#joining.join(log, seq, replay, (kept) => {
      this.#lead.push({ ...kept, seq: log.firstSeq - 1 })
    })
  }

  /** Entries for this tab alone: it has something to settle before it can share excerpts with others. */
  #slice(): Entry[] {
    const { log } = this.#stream
    const { finale } = this.#standing
    // Whether something is missing for a tab that looks for its place is told where that is found.
    if (this.#next < log.firstSeq) this.#next = this.isSeeking ? log.firstSeq : this.#catchUp()
    const entries = this.#lead.splice(0)
    const batch = { entries, characters: 0 }
    while (entries.length < BATCH_ENTRIES && batch.characters < BATCH_CHARACTERS) {
      const entry = finale !== undefined && this.#next > finale.seq ? undefined : log.at(this.#next)
      if (entry === undefined) break
      if (entry.type === 'event') {
        if (!this.#addEvent(entry, batch)) break
        if (isOutOfLine(entry) && entries.length > 0) {
          this.#next++
          break
        }
      } else if (entry.type === 'gap' && this.#rejoin?.isJoined === false) {
        this.#rejoin.pass(entry)
      } else if (this.#joining.matters(entry)) {
        entries.push(entry)
      }
      this.#next++
    }
    if (finale !== undefined && this.#next > finale.seq) {
      const { seq, error } = finale
      entries.push({ ...this.#stateNow(seq), state: 'closed', retryAt: 0, openedAt: 0, error })
      this.#isTold = true
    }
    return entries
  }

  /** False where the event has to wait until it is known whether the tab has had it. */
  #addEvent(event: LoggedEvent, batch: { readonly entries: Entry[]; characters: number }): boolean {
    const { entries } = batch
    const rejoin = this.#rejoin
    const isWanted = this.#joining.matters(event)
    const fate: Fate | undefined =
      rejoin === undefined
        ? { isGiven: isWanted && (event.role === 'frame' || this.#beginning?.isNew(event) !== false) }
        : rejoin.judge(event, isWanted)
    if (fate === undefined) return false
    const { isGiven, gap } = fate
    if (typeof gap === 'string') entries.push(this.#gap(gap, event.seq - 1, event.id))
    // Tabs that stand further ahead have had more than the stream knew of then.
    else if (gap !== undefined) entries.push({ ...gap, before: this.#lastEventId })
    if (rejoin === undefined || rejoin.isJoined) this.#lastEventId = event.id
    // The page still has its place in a log that is no more: that must be mended before this hub goes, too.
    if (rejoin?.isJoined) this.#sender.hastenPosition()
    if (isGiven && isWanted) {
      entries.push(event)
      batch.characters += charactersOf(event)
    }
    return true
  }

  /** Passes over what does not matter while the tab is busy, so that only what it hears can make it fall behind. */
  #skip(): void {
    if (this.#lead.length > 0 || this.#rejoin !== undefined) return
    for (;;) {
      const entry = this.#stream.log.at(this.#next)
      if (entry?.type !== 'event' || this.#joining.matters(entry)) return
      this.#lastEventId = entry.id
      this.#next++
    }
  }

  #isPositionDue(): boolean {
    const isStanding = this.#rejoin === undefined || this.#rejoin.isJoined
    return isStanding && this.#sender.isPositionDue(this.#next)
  }

  /** Until a tab of another hub is known to have joined this log, it stands where it stood. */
  #positionAt(seq: number): Position {
    const rejoin = this.#rejoin
    return rejoin?.isJoined === false ? rejoin.position : this.#stream.positionAt(seq)
  }

  /** Goes on at the beginning of the log behind a gap, or with the latest event of each name. */
  #catchUp(): number {
    const { log } = this.#stream
    const next = this.#next
    if (this.policy.lag !== 'latest') {
      this.#fallBehind('slow-tab', log.firstSeq)
      return log.firstSeq
    }
    const missed: EventEntry[] = []
    const begin = this.#joining.join(log, log.lastSeq + 1, 1, (kept) => missed.push(kept), next)
    missed.sort((one, other) => one.seq - other.seq)
    for (const kept of missed) this.#lead.push({ ...kept, seq: log.firstSeq - 1 })
    return begin
  }

  #fallBehind(reason: GapReason, first: number): void {
    const { log } = this.#stream
    let next = first
    while (log.at(next) !== undefined && log.at(next)?.type !== 'event') next++
    const after = log.at(next)
    const seq = first - 1
    this.#lead.push(this.#gap(reason, seq, after?.type === 'event' ? after.id : ''), this.#stateNow(seq))
  }

  #gap(reason: GapReason, seq: number, after: string): GapEntry {
    this.#gapCount++
    return { type: 'gap', seq, reason, before: this.#lastEventId, after }
  }

  /** For a tab that did not see how the stream came to be in its state. */
  #stateNow(seq: number): StateEntry {
    return { type: 'state', seq, ...this.#stream.stateNow, error: undefined }
  }
}
