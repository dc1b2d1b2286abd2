import type { Remote } from 'comlink'
import { pack, WIDTH } from '../../src/link/pack.ts'
import {
  type Batch,
  type Entry,
  EVERY_NAME,
  type EventEntry,
  type GapEntry,
  type GapReason,
  type HeadersReason,
  type PackedEntries,
  type Policy,
  type Position,
  type Replay,
  type StateEntry,
  type StreamRequest,
  type Subscription,
  type TabSide,
} from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import { FailedError } from '../source/sse.ts'
import { placeKey, placeOf, Resumption, type Verdict } from '../stream/resumption.ts'
import { type Failure, reconnectionTime, wantsRetry } from '../stream/retry.ts'
import type { Stream } from '../stream/stream.ts'
import { BATCH_CHARACTERS, BATCH_ENTRIES } from './excerpts.ts'

/** Batches on their way to a tab: one being dispatched, one waiting so that the tab need not. */
const WINDOW = 2

/** What makes a second batch worth while. */
const MANY_ENTRIES = 4_096
const MANY_BYTES = 1_048_576

/** The acknowledgement of a batch of so few events and characters may wait, of so many in a row. */
const FEW_ENTRIES = 16
const FEW_CHARACTERS = 16_384
const MOST_WAITING = 24

/** A tab that has acknowledged no batch for so many ms stands still, or does not keep up at all. */
const AT_WORK = 1_000

/** A tab that hears nothing is told its position after so many entries, or ms, passed it by. */
const POSITION_ENTRIES = 256
const POSITION_AGE = 1_000

/** How long, in ms, a replay may take to bring the last event a tab knows before new ones count as after a loss. */
const PATIENCE = 1_000

/** How long, in ms, a page's function may take before another page is asked, or the usual is done. */
const ASK_TIMEOUT = 10_000

/** A batch of these tells a position only. */
const NO_ENTRIES = pack([])

/** What stays when the page changes its names and another cursor takes over. */
interface Standing {
  holder: Cursor
  /** Where the stream has ended for this subscription alone, and why. */
  finale: { readonly seq: number; readonly error: string } | undefined
  /** Each gives one up. */
  readonly questions: Set<() => void>
}

/** What a cursor needs of its tab. */
export type CursorTab = Pick<Remote<TabSide>, 'deliver' | 'headers' | 'retryDelay'>

/** One subscription's place in a log: the next entry to look at, and which names matter. */
export class Cursor {
  readonly names: ReadonlySet<string>
  /** Equal for equal names. */
  readonly #namesKey: string
  readonly #platform: HubPlatform
  readonly #hubId: string
  readonly #stream: Stream
  readonly #subscription: Subscription
  readonly #tab: CursorTab
  /**
   * Comlink makes a method anew each time that it is looked up, so it is looked up once. It is kept in an object: compiled for
   * browsers without private fields, a method in such a field is called as `method.call(…)`, which Comlink takes for a path.
   */
  readonly #calls: Pick<CursorTab, 'deliver'>
  /** Goes out before anything from the log. */
  readonly #lead: Entry[] = []
  /** Where a newcomer joined, and from where on each name's events are replayed to it. */
  #joinSeq = 0
  #replayFrom = new Map<string, number>()
  #next: number
  /** Batches that have not been acknowledged, less those whose acknowledgements may wait. */
  #inFlight = 0
  /** How many more batches may go whose acknowledgements wait. */
  #waiting = 0
  #acknowledgedAt = Number.NEGATIVE_INFINITY
  #isClosed = false
  readonly #standing: Standing
  /** Of the end for this subscription alone. */
  #isTold = false
  #resumption: Resumption | undefined
  #patience: unknown
  #isImpatient = false
  /** It lies behind what this tab knows, unless something known comes after it. */
  #passedGap: GapEntry | undefined
  /** The stream had gone on without this tab when it came from another hub. */
  #hasComeLate = false
  #lastEventId = ''
  #reportedSeq: number
  #reportedAt: number

  constructor(
    platform: HubPlatform,
    hubId: string,
    stream: Stream,
    subscription: Subscription,
    tab: CursorTab,
    former?: Cursor,
  ) {
    this.#platform = platform
    this.#hubId = hubId
    this.#stream = stream
    this.#subscription = subscription
    this.#calls = { deliver: tab.deliver }
    this.#tab = tab
    this.names = new Set(subscription.names)
    this.#namesKey = JSON.stringify([...this.names].sort())
    const forerunner = former?.stream === stream ? former : undefined
    this.#standing = forerunner?.standing ?? { holder: this, finale: undefined, questions: new Set() }
    this.#standing.holder = this
    this.#next = this.#startingPoint(forerunner)
    this.#reportedSeq = this.#next - 1
    this.#reportedAt = platform.now()
    stream.add(this)
  }

  get stream(): Stream {
    return this.#stream
  }

  get policy(): Policy {
    return this.#subscription.policy
  }

  /** The same for all cursors of one subscription. */
  get standing(): Standing {
    return this.#standing
  }

  get isEnded(): boolean {
    return this.#standing.finale !== undefined
  }

  /** The page has dispatched everything that concerns it. */
  get isThrough(): boolean {
    return this.#inFlight === 0 && this.#next > this.#stream.log.lastSeq
  }

  /** The page has dispatched something not long ago. */
  get isAtWork(): boolean {
    return this.#platform.now() - this.#acknowledgedAt < AT_WORK
  }

  /** Sequence number of the next entry to look at. */
  get next(): number {
    return this.#next
  }

  close(): void {
    this.#isClosed = true
    this.#endResumption()
    // A page that has only changed its names will still answer.
    if (this.#standing.holder === this) for (const giveUp of this.#standing.questions) giveUp()
    this.#stream.remove(this)
  }

  /** To this subscription the stream ends here; others may go on. */
  end(error: string): void {
    this.#standing.finale = { seq: this.#stream.log.lastSeq, error }
  }

  /**
   * What the page's function gives for the next connection; nothing where the page goes, or does not answer.
   *
   * @throws {FailedError} where the function fails
   */
  askHeaders(reason: HeadersReason): Promise<StreamRequest['headers'] | undefined> {
    return this.#ask(this.#tab.headers(this.#subscription.id, reason)).catch((error: unknown) => {
      throw new FailedError(`no headers: ${error instanceof Error ? error.message : String(error)}`)
    })
  }

  /** How long, in ms, to wait after the `attempt`-th failure in a row: `delay`, what the page says, or `false`. */
  async retryDelay(failure: Failure, attempt: number, delay: number): Promise<number | false> {
    const usual = wantsRetry(this.policy, failure, attempt) && delay
    if (!this.policy.asksRetry || failure.isFinal || attempt > this.policy.retries) return usual
    const { message, status } = failure
    const call: Promise<number | false> = this.#tab.retryDelay(this.#subscription.id, attempt, {
      message,
      status,
    })
    const answer = await this.#ask<number | false>(call).catch(() => undefined)
    if (typeof answer === 'number') return reconnectionTime(answer)
    return answer !== false && usual
  }

  #ask<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
    const { questions } = this.#standing
    return new Promise<Answer | undefined>((resolve, reject) => {
      const giveUp = () => resolve(undefined)
      const timer = this.#platform.setTimeout(giveUp, ASK_TIMEOUT)
      questions.add(giveUp)
      call.then(resolve, reject).finally(() => {
        this.#platform.clearTimeout(timer)
        questions.delete(giveUp)
      })
    })
  }

  /** Sends what there is to send and may be sent. */
  pump(): void {
    while (!this.#isClosed && !this.#isTold && this.#hasRoom()) {
      const entries = this.#take()
      if (entries === undefined && !this.#isPositionDue()) return
      this.#send(entries ?? NO_ENTRIES)
    }
    this.#skip()
  }

  /** A second batch is worth its cost only when it is large; what is left grows until the first is acknowledged. */
  #hasRoom(): boolean {
    if (this.#inFlight === 0) return true
    const { lastSeq, length, bytes } = this.#stream.log
    const left = lastSeq + 1 - this.#next
    return this.#inFlight < WINDOW && (left >= MANY_ENTRIES || left * (bytes / length) >= MANY_BYTES)
  }

  /** What comes next, if anything does. */
  #take(): PackedEntries | undefined {
    if (this.#isPlain) return this.#share()
    const entries = this.#slice()
    return entries.length === 0 ? undefined : pack(entries)
  }

  /** Nothing but its place and its names tells what it is sent. */
  get #isPlain(): boolean {
    return (
      this.#lead.length === 0 &&
      this.#resumption === undefined &&
      this.#passedGap === undefined &&
      this.#standing.finale === undefined &&
      this.#next >= this.#joinSeq &&
      this.#next >= this.#stream.log.firstSeq
    )
  }

  #share(): PackedEntries | undefined {
    const { entries, isEmpty, next, lastEventId } = this.#stream.excerpts.from(
      this.#next,
      this.names,
      this.#namesKey,
    )
    this.#next = next
    if (lastEventId !== undefined) this.#lastEventId = lastEventId
    return isEmpty ? undefined : entries
  }

  /** @param former the cursor that this one takes over from: the page has changed its mind */
  #startingPoint(former: Cursor | undefined): number {
    const { log } = this.#stream
    const { position, seen } = this.#subscription
    if (position === undefined) return this.#join(former === undefined ? log.lastSeq + 1 : former.#joinSeq)
    this.#lastEventId = position.expect.at(-1)?.id ?? ''
    if (position.log === this.#stream.id) {
      if (former !== undefined) {
        this.#joinSeq = former.#joinSeq
        this.#replayFrom = former.#replayFrom
      }
      if (position.seq + 1 < log.firstSeq) this.#fallBehind('asleep')
      return Math.max(position.seq + 1, log.firstSeq)
    }
    this.#hasComeLate = this.#stream.isUnderway
    // Without an ID no replay can bring anything that is known.
    this.#isImpatient = position.resumeAfter === ''
    const known = new Set(seen?.map(placeKey))
    const { isWhole } = log
    this.#resumption = new Resumption(
      position,
      (event) => known.has(placeKey(placeOf(event))),
      () => isWhole && this.#stream.hasResumedFrom(position),
    )
    if (log.firstSeq > 1) this.#lead.push(this.#stateNow(log.firstSeq - 1))
    return log.firstSeq
  }

  /** A newcomer begins at `joinSeq`, or further back by as many events as it wants replayed. */
  #join(joinSeq: number): number {
    const { log } = this.#stream
    const { replay } = this.#subscription
    this.#joinSeq = joinSeq
    this.#lead.push(this.#stateNow(joinSeq - 1))
    if (replay === undefined) return joinSeq
    let next = joinSeq
    for (const name of this.#namesToReplay(replay)) {
      const wanted = typeof replay === 'object' ? (replay[name] ?? 0) : replay === 'all' ? Infinity : replay
      if (wanted <= 0) continue
      const kept = log.keepLast(name)
      if (kept !== undefined && kept.seq < log.firstSeq) this.#lead.push({ ...kept, seq: log.firstSeq - 1 })
      const from = log.seqOfLatest(name, wanted, joinSeq)
      this.#replayFrom.set(name, from)
      next = Math.min(next, from)
    }
    return next
  }

  #namesToReplay(replay: Replay): Iterable<string> {
    if (!this.names.has(EVERY_NAME)) return this.names
    return typeof replay === 'object' ? Object.keys(replay) : this.#stream.log.names()
  }

  #wants(name: string): boolean {
    return this.names.has(name) || this.names.has(EVERY_NAME)
  }

  /** Of what happened before a newcomer joined only the events that it wants replayed matter. */
  #matters(entry: Entry): boolean {
    if (entry.type !== 'event') return entry.seq >= this.#joinSeq
    if (!this.#wants(entry.name)) return false
    return entry.seq >= this.#joinSeq || entry.seq >= (this.#replayFrom.get(entry.name) ?? Infinity)
  }

  #slice(): Entry[] {
    const { log } = this.#stream
    const { finale } = this.#standing
    if (this.#next < log.firstSeq) {
      this.#fallBehind('slow-tab')
      this.#next = log.firstSeq
    }
    const entries = this.#lead.splice(0)
    let characters = 0
    while (entries.length < BATCH_ENTRIES && characters < BATCH_CHARACTERS) {
      const entry = finale !== undefined && this.#next > finale.seq ? undefined : log.at(this.#next)
      if (entry === undefined) break
      if (entry.type === 'event') {
        const verdict = this.#judge(entry)
        if (verdict === 'unknown') break
        if (verdict === 'gap') entries.push(this.#gap(this.#lateness(), entry.seq - 1, entry.id))
        if (this.#resumption === undefined) this.#lastEventId = entry.id
        const isDue = verdict !== 'seen' && this.#matters(entry)
        if (verdict === 'new' && isDue && this.#passedGap !== undefined) entries.push(this.#passedGap)
        if (verdict !== 'new' || isDue) this.#passedGap = undefined
        if (isDue) {
          entries.push(entry)
          characters += entry.data.length
        }
      } else if (entry.type === 'gap' && this.#resumption !== undefined) {
        this.#passedGap = entry
      } else if (this.#matters(entry)) {
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

  /** `'unknown'` only while it is worth waiting for what is known. */
  #judge(event: EventEntry): Verdict {
    const resumption = this.#resumption
    if (resumption === undefined) return 'new'
    let verdict = resumption.judge(event, this.#wants(event.name))
    if (verdict === 'unknown') {
      // Older than what this tab knows, where that is yet to come: another tab stood further back, or joined earlier.
      if (this.#knowsLaterThan(event.seq, resumption)) return 'seen'
      if (!this.#isImpatient) {
        this.#patience ??= this.#platform.setTimeout(() => this.#losePatience(), PATIENCE)
        return 'unknown'
      }
      resumption.giveUp()
      verdict = 'gap'
    }
    if (resumption.isOver) this.#endResumption()
    return verdict
  }

  /** Why events are missing where a replay does not join what this tab knows. */
  #lateness(): GapReason {
    const { position } = this.#subscription
    if (position === undefined || position.resumeAfter === '' || position.mixed) return 'unresumable'
    return this.#hasComeLate ? 'asleep' : 'history-lost'
  }

  #knowsLaterThan(seq: number, resumption: Resumption): boolean {
    for (const event of this.#stream.log.eventsAfter(seq)) if (resumption.knows(event)) return true
    return false
  }

  #losePatience(): void {
    this.#isImpatient = true
    this.pump()
  }

  #endResumption(): void {
    this.#resumption = undefined
    this.#platform.clearTimeout(this.#patience)
    // The page still has its place in a log that is no more: that must be mended before this hub goes, too.
    this.#reportedAt = Number.NEGATIVE_INFINITY
  }

  /** Passes over what does not matter while the tab is busy, so that only what it hears can make it fall behind. */
  #skip(): void {
    if (this.#lead.length > 0 || this.#resumption !== undefined) return
    for (;;) {
      const entry = this.#stream.log.at(this.#next)
      if (entry?.type !== 'event' || this.#matters(entry)) return
      this.#lastEventId = entry.id
      this.#next++
    }
  }

  #isPositionDue(): boolean {
    const passed = this.#next - 1 - this.#reportedSeq
    if (passed === 0 || this.#inFlight > 0 || this.#resumption !== undefined) return false
    return passed >= POSITION_ENTRIES || this.#platform.now() - this.#reportedAt >= POSITION_AGE
  }

  /** Until a tab of another hub is known to have joined this log, it stands where it stood. */
  #positionAt(seq: number): Position {
    const { position } = this.#subscription
    if (this.#resumption !== undefined && position !== undefined) return position
    return this.#stream.positionAt(seq)
  }

  #send(entries: PackedEntries): void {
    const seq = this.#next - 1
    this.#reportedSeq = seq
    this.#reportedAt = this.#platform.now()
    const mayWait = isSmall(entries) && this.#waiting > 0
    // By chance, or all tabs would acknowledge the same event.
    this.#waiting = mayWait ? this.#waiting - 1 : Math.ceil(this.#platform.random() * MOST_WAITING)
    const batch: Batch = {
      hubId: this.#hubId,
      subscription: this.#subscription.id,
      epoch: this.#subscription.epoch,
      entries,
      position: this.#positionAt(seq),
      mayWait,
    }
    if (!mayWait) this.#inFlight++
    this.#calls.deliver(batch).then(
      () => {
        if (mayWait) return
        this.#inFlight--
        this.#acknowledgedAt = this.#platform.now()
        this.pump()
        this.#stream.makeRoom()
      },
      // A tab that refuses a batch is not there to be served; its lock or the next ping tells the hub.
      () => {},
    )
  }

  #fallBehind(reason: GapReason): void {
    const { log } = this.#stream
    let first = log.firstSeq
    while (log.at(first) !== undefined && log.at(first)?.type !== 'event') first++
    const after = log.at(first)
    const seq = log.firstSeq - 1
    this.#lead.push(this.#gap(reason, seq, after?.type === 'event' ? after.id : ''), this.#stateNow(seq))
  }

  #gap(reason: GapReason, seq: number, after: string): Entry {
    return { type: 'gap', seq, reason, before: this.#lastEventId, after }
  }

  /** For a tab that did not see how the stream came to be in its state. */
  #stateNow(seq: number): StateEntry {
    return { type: 'state', seq, ...this.#stream.stateNow, error: '' }
  }
}

/** Events, and few. Of a state or a gap it matters whether the page has had it. */
const isSmall = ({ numbers, text, others }: PackedEntries): boolean =>
  numbers.length <= FEW_ENTRIES * WIDTH && text.length <= FEW_CHARACTERS && others.length === 0
