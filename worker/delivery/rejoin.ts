import { placeKey, placeOf } from '../../src/link/place.ts'
import type { GapEntry, GapReason, Passed, Position, Seen } from '../../src/link/protocol.ts'
import type { Log, LoggedEvent } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'
import type { History } from '../stream/history.ts'
import type { Pace } from '../stream/pace.ts'
import { Span } from '../stream/span.ts'
import { placeIn, type Takeover } from '../stream/takeover.ts'

/** How long, in ms, the log may take to bring the last event of a tab that comes from elsewhere. */
const PATIENCE = 1_000

/** What a tab that comes from another hub must ask of its stream. */
export interface RejoinedStream {
  readonly log: Log
  readonly history: History
  readonly takeover: Takeover
  /** Whether someone expects the server to resume. */
  readonly resumes: boolean
  /** A replay is under way. */
  readonly isJudging: boolean
  /** It has brought something that is not in the log yet. */
  readonly isHolding: boolean
  readonly pace: Pick<Pace, 'isStopped'>
  /** Sequence number up to which events may belong to a replay. */
  readonly replayedTo: number
}

/** What becomes of an event. */
export interface Fate {
  readonly isGiven: boolean
  /** What goes before it. */
  readonly gap?: GapEntry | GapReason | undefined
}

/**
 * A tab that comes from another hub finds its place in a log that it does not know.
 *
 * The stream judges the replay for all such tabs. Where a tab's position is in the log that the stream continues, it only has
 * to compare numbers. Otherwise it looks for the last event that the tab knows.
 */
export class Rejoin {
  /** Where it stood at the other hub. */
  readonly position: Position
  readonly #stream: RejoinedStream
  readonly #seen: Seen
  /** The stream had gone on without this tab when it came. */
  readonly #hasComeLate: boolean
  /** Sequence number: what is older is sealed. It is not given to this tab, and does not show where it stands. */
  readonly #since: number
  #keys: ReadonlySet<string> | undefined
  #numbers: ReadonlySet<number> | undefined
  /** Keys of what it had at earlier hubs, whose numbers say nothing any more. */
  #former: ReadonlySet<string> | undefined
  /** Number of the last event that it has passed; `undefined` as long as that is not known. */
  #passed: number | undefined
  #highest: number | undefined
  /** Sequence number up to which its last event has been looked for. */
  #lookedAt = 0
  #owesGap = false
  #hasReached = false
  #hasBegun = false
  /** Something has come that this tab knows. */
  #hasMet = false
  /** Sequence number of the first event that it knows, where its place was lost and that had come by then. */
  #firstKnown = 0
  /** So many events have come that are new to this tab, and no frames. */
  #newCount = 0
  readonly #patience: Span
  #isImpatient = false
  /** It lies behind what this tab knows, unless something known comes after it. */
  #passedGap: GapEntry | undefined

  /** @param impatient called when what waited is not to wait any longer */
  constructor(
    platform: HubPlatform,
    stream: RejoinedStream,
    position: Position,
    seen: Seen | undefined,
    impatient: () => void,
  ) {
    this.#stream = stream
    this.position = position
    this.#seen = seen ?? { events: [], since: 0 }
    this.#patience = new Span(platform, () => {
      this.#isImpatient = !stream.pace.isStopped
      impatient()
    })
    this.#hasComeLate = stream.takeover.isSettled
    this.#since = stream.log.replaysFrom
  }

  /** The numbers of what the tab has had do not hold in this log. */
  get isForeign(): boolean {
    const { start, end } = this.#stream.takeover
    const { log, ordinal, resumeAfter } = this.position
    return resumeAfter === '' || log !== start?.log || ordinal > end
  }

  /** Its place is not known yet. */
  get isSeeking(): boolean {
    return this.#passed === undefined
  }

  /** The tab has found its place, and has been told of every loss: it stands in this log. */
  get isJoined(): boolean {
    return this.#hasReached && !this.#owesGap && this.#passedGap === undefined
  }

  /** The first batch whose numbers are those of this log, while the page has others. Asked once for each batch. */
  takeBeginning(): boolean {
    const isFirst = this.isForeign && this.isJoined && !this.#hasBegun
    this.#hasBegun ||= isFirst
    return isFirst
  }

  /** It is, and none of what comes behind or may come late is known to it. */
  get isSettled(): boolean {
    if (!this.isJoined || this.#passed === undefined) return false
    if (this.isForeign) {
      const isAtLast = !this.#isUnprovable && this.position.latest.at(-1) === this.#last
      return isAtLast || this.#hasPassedAll(this.#passed)
    }
    return !this.#stream.history.mayBeLate(this.#furthest(this.#passed))
  }

  /**
   * What becomes of an event; nothing as long as it is worth waiting.
   *
   * @param isDue whether the tab wants it
   */
  judge(event: LoggedEvent, isDue: boolean): Fate | undefined {
    this.#passed ??= this.isForeign ? this.#find() : this.#settleAt(this.position.ordinal)
    const passed = this.#passed
    if (passed === undefined) {
      if (!this.#patience.isOn && !this.#isImpatient) this.#patience.begin(PATIENCE)
      return undefined
    }
    const isGiven = this.#isNew(event, passed)
    const isFrame = event.role === 'frame'
    // Frames are given ahead of what is still judged, which a tab that nothing can be proven to does not wait for.
    const mayReach = !isFrame || this.position.resumeAfter === ''
    // What a replay has brought between known events lies before its place, whatever has come by then, and more of it may follow.
    const isThere = event.upTo >= passed && (event.at >= passed || event === this.#stream.log.lastEvent)
    const isReached = !this.#hasReached && mayReach && isThere
    if (isReached && this.#stream.history.isThroughTo(this.#furthest(passed))) this.#hasReached = true
    if (!isGiven && !isFrame && this.#isBehindGap(event)) this.#passedGap = undefined
    // A frame may have been given behind the gap already.
    if (!isGiven && isDue && this.#isDoubtful(event)) this.#owesGap = true
    if (!isGiven || !isDue) return { isGiven }
    const gap = this.#owesGap ? this.#lateness : isFrame ? undefined : this.#passedGap
    this.#owesGap = false
    if (gap !== undefined) this.#passedGap = undefined
    return { isGiven, gap }
  }

  /** The stream's own gap is told only where it lies behind what the tab knows. */
  pass(gap: GapEntry): void {
    this.#passedGap = gap
  }

  end(): void {
    this.#patience.end()
  }

  /**
   * Where only some events have IDs, those show nothing of the others, which this server may not keep. What it had at an earlier hub lies
   * before all that it has had since.
   */
  #isBehindGap(event: LoggedEvent): boolean {
    if (this.#passedGap === undefined || this.#hadBefore(event)) return false
    return this.#passedGap.reason !== 'unresumable' || event.nth > 0
  }

  /** The highest number of what it has had: out of order, that can be beyond its place. */
  #furthest(passed: number): number {
    if (this.isForeign) return passed
    this.#highest ??= Math.max(
      0,
      ...[...this.position.latest, ...this.#seen.events].map(({ ordinal }) => ordinal),
    )
    return Math.max(passed, this.#highest)
  }

  #isNew(event: LoggedEvent, passed: number): boolean {
    const { at, role } = event
    const ordinal = (this.isForeign ? undefined : event.former) ?? event.ordinal
    this.#hasMet ||= this.isForeign && this.#hasHad(event)
    if (ordinal <= passed) return false
    if (this.isForeign) {
      if (!this.#hasPassedAll(passed) && this.#hasHad(event)) return false
      if (event.seq < this.#firstKnown && role !== 'frame') return false
      // A replay for others can have brought what lies before all that this tab knows.
      if (at < passed && !this.#hasMet) return false
      if (this.#isDoubtful(event)) return false
      if (role === 'history') this.#newCount++
      return true
    }
    // This hub has given it already, before the tab had found its place.
    if (this.#hasNumber(ordinal)) return false
    if (role === 'frame') return true
    if (event.seq <= this.#stream.replayedTo && this.#hadBefore(event)) return false
    const { end, wanted } = this.#stream.takeover
    const isBefore = at < this.#placeOf(passed)
    // It came before what the tab knows. Where names are asked for, nobody had listened to it then.
    if (isBefore && wanted !== undefined) return false
    if (ordinal <= end) return !this.#hasHad(event)
    // Otherwise either the tab had not listened to it, or it has come late.
    if (isBefore) return this.#seen.since <= at && !this.#hasHad(event)
    return true
  }

  /** Behind something new all is new. Where the tab's last event was not found, one new event may be what connections begin with. */
  #hasPassedAll(passed: number): boolean {
    return passed > 0 ? this.#newCount > 0 : this.#newCount > 1 && !this.#stream.isJudging
  }

  /** It has had events, and none by which a server can resume: what is repeated for others may be older. Behind that, it is told a gap. */
  get #isUnprovable(): boolean {
    return this.position.resumeAfter === '' && this.#seen.events.length > 0
  }

  /** Where a tab stands that has passed the event of this number. No replay brings frames, so nothing shows what came before those. */
  #placeOf(passed: number): number {
    const last = this.position.latest.findLast(({ isAside }) => isAside !== true)
    return last === undefined ? passed : Math.min(placeIn(last), passed)
  }

  /** It may belong to a replay for others, or they have had it where this tab was not, and nothing shows that the tab has not. */
  #isDoubtful(event: LoggedEvent): boolean {
    const { replayedTo, takeover, history } = this.#stream
    if (event.role === 'frame' || !this.#isUnprovable) return false
    const isElsewhere = this.position.log !== takeover.start?.log
    return event.seq <= replayedTo || (isElsewhere && history.isInherited(event))
  }

  /** Number of the last event that the tab has passed. */
  #settleAt(ordinal: number): number {
    const { log, takeover, resumes } = this.#stream
    const [first] = log.eventsAfter(0)
    const isCut = !log.isWhole && first !== undefined && first.upTo > ordinal
    const isSealed = this.#hasSealedAfter(ordinal)
    this.#owesGap = isCut || isSealed || (resumes && ordinal < (takeover.start?.ordinal ?? 0))
    return ordinal
  }

  /** Events behind this number are not for this tab. */
  #hasSealedAfter(number: number): boolean {
    const { log } = this.#stream
    for (let seq = this.#since - 1; seq >= log.firstSeq; seq--) {
      const entry = log.at(seq)
      if (entry?.type === 'event' && entry.ordinal > number) return true
    }
    return false
  }

  /** The last event by which its place can be found. */
  get #last(): Passed | undefined {
    return this.position.latest.findLast(({ id, isAside }) => id !== '' && isAside !== true)
  }

  /** Looks for the last event that the tab knows. */
  #find(): number | undefined {
    const { log, history, isHolding, resumes } = this.#stream
    const key = this.#last && placeKey(this.#last)
    if (!resumes || this.position.resumeAfter === '' || key === undefined) return this.#lose()
    if (this.#lookedAt === 0) {
      this.#lookedAt = log.lastSeq
      const [known, other] = history.index(this.#since).get(key) ?? []
      // Where several events look like it, nothing shows which one it is.
      if (other !== undefined) return this.#lose()
      // What came ahead of a replay may be what connections begin with, and shows nothing.
      if (known?.isAhead === false) return this.#settleAt(known.ordinal)
    }
    for (const event of log.eventsAfter(this.#lookedAt)) {
      this.#lookedAt = event.seq
      if (event.role !== 'ahead' && placeKey(placeOf(event)) === key) return event.ordinal
    }
    return this.#isImpatient && !isHolding ? this.#lose() : undefined
  }

  /** Its last event does not show where the tab stands. Behind the latest other event that it knows something may be missing. */
  #lose(): number {
    const { log, history, resumes } = this.#stream
    this.#owesGap = resumes
    if (!resumes || this.position.resumeAfter === '') return 0
    const index = history.index(this.#since)
    for (const place of [...this.position.latest].reverse()) {
      const [known, other] = index.get(placeKey(place)) ?? []
      if (place.id !== '' && known?.isAhead === false && other === undefined) return known.ordinal
    }
    for (const event of log.eventsAfter(this.#since - 1)) {
      if (!this.#hasHad(event)) continue
      this.#firstKnown = event.seq
      break
    }
    return 0
  }

  /** It had it at a hub before the one whose log goes on here, which had not brought it again yet. */
  #hadBefore(event: LoggedEvent): boolean {
    this.#former ??= new Set(
      this.#seen.events.filter(({ id, ordinal }) => id !== '' && ordinal === 0).map(placeKey),
    )
    // A digest of each event that is replayed would be in vain for most tabs.
    return this.#former.size > 0 && this.#former.has(placeKey(placeOf(event)))
  }

  #hasNumber(ordinal: number): boolean {
    this.#numbers ??= new Set(this.#seen.events.map((event) => event.ordinal))
    return this.#numbers.has(ordinal)
  }

  /** What a tab knows that has come in time is known to the stream. */
  #hasHad(event: LoggedEvent): boolean {
    if (!this.#stream.resumes) return false
    // It has not listened to all of the latest events, but stands behind them.
    this.#keys ??= new Set([...this.position.latest, ...this.#seen.events].map(placeKey))
    return (
      (this.isForeign || this.#hasComeLate) && event.id !== '' && this.#keys.has(placeKey(placeOf(event)))
    )
  }

  /** Why events are missing where a replay does not join what this tab knows. */
  get #lateness(): GapReason {
    const { resumeAfter, mixed } = this.position
    if (resumeAfter === '' || mixed) return 'unresumable'
    return this.#hasComeLate ? 'asleep' : 'history-lost'
  }
}
