import { placeKey, placeOf } from '../../src/link/place.ts'
import type { EventEntry, GapEntry, GapReason, Place, Position } from '../../src/link/protocol.ts'
import type { Log } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'
import { Resumption, type Verdict } from '../stream/resumption.ts'
import type { Takeover } from '../stream/takeover.ts'

/** How long, in ms, a replay may take to bring the last event a tab knows before new ones count as after a loss. */
const PATIENCE = 1_000

/** What a tab that comes from another hub must ask of its stream. */
export interface RejoinedStream {
  readonly log: Log
  readonly takeover: Takeover
}

/** A tab that comes from another hub finds its place in a log that it does not know. */
export class Rejoin {
  /** Where it stood at the other hub. */
  readonly position: Position
  readonly #platform: HubPlatform
  readonly #log: Log
  /** The stream had gone on without this tab when it came. */
  readonly #hasComeLate: boolean
  readonly #resumption: Resumption
  readonly #impatient: () => void
  #patience: unknown
  #isImpatient: boolean
  #isJoined = false
  /** Sequence numbers of the last event looked at in advance, and of the last one of those that the tab knows. */
  #lookedAt = 0
  #knownAt = 0
  /** It lies behind what this tab knows, unless something known comes after it. */
  #passedGap: GapEntry | undefined

  /**
   * @param seen the places that the tab has dispatched lately
   * @param impatient called when what waited is not to wait any longer
   */
  constructor(
    platform: HubPlatform,
    stream: RejoinedStream,
    position: Position,
    seen: readonly Place[],
    impatient: () => void,
  ) {
    this.#platform = platform
    this.#log = stream.log
    this.position = position
    this.#impatient = impatient
    this.#hasComeLate = stream.takeover.isSettled
    // Without an ID no replay can bring anything that is known.
    this.#isImpatient = position.resumeAfter === ''
    const known = new Set(seen.map(placeKey))
    const { isWhole } = stream.log
    this.#resumption = new Resumption(
      position,
      (event) => known.has(placeKey(placeOf(event))),
      () => isWhole && stream.takeover.hasResumedFrom(position),
    )
  }

  /** The tab has found its place: what comes is new. */
  get isJoined(): boolean {
    return this.#isJoined
  }

  /** Nothing is left to do for it here. */
  get isSettled(): boolean {
    return this.#isJoined && this.#passedGap === undefined
  }

  /**
   * `'unknown'` only while it is worth waiting for what is known.
   *
   * @param wants whether the tab listens to the event's name
   */
  judge(event: EventEntry, wants: boolean): Verdict {
    if (this.#isJoined) return 'new'
    let verdict = this.#resumption.judge(event, wants)
    if (verdict === 'unknown') {
      // Older than what this tab knows, where that is yet to come: another tab stood further back, or joined earlier.
      if (this.#knowsLaterThan(event.seq)) return 'seen'
      if (!this.#isImpatient) {
        this.#patience ??= this.#platform.setTimeout(() => {
          this.#isImpatient = true
          this.#impatient()
        }, PATIENCE)
        return 'unknown'
      }
      this.#resumption.giveUp()
      verdict = 'gap'
    }
    if (this.#resumption.isOver) this.end()
    return verdict
  }

  /** The stream's own gap is told only where it lies behind what the tab knows. */
  pass(gap: GapEntry): void {
    this.#passedGap = gap
  }

  /** Answers with the stream's gap that lies just before an event, if one does. */
  takeGap(verdict: Verdict, isDue: boolean): GapEntry | undefined {
    const gap = verdict === 'new' && isDue ? this.#passedGap : undefined
    if (verdict !== 'new' || isDue) this.#passedGap = undefined
    return gap
  }

  /** Why events are missing where a replay does not join what this tab knows. */
  get lateness(): GapReason {
    const { resumeAfter, mixed } = this.position
    if (resumeAfter === '' || mixed) return 'unresumable'
    return this.#hasComeLate ? 'asleep' : 'history-lost'
  }

  end(): void {
    this.#isJoined = true
    this.#platform.clearTimeout(this.#patience)
  }

  #knowsLaterThan(seq: number): boolean {
    if (this.#knownAt > seq) return true
    for (const event of this.#log.eventsAfter(Math.max(seq, this.#lookedAt))) {
      this.#lookedAt = event.seq
      if (!this.#resumption.knows(event)) continue
      this.#knownAt = event.seq
      return true
    }
    return false
  }
}
