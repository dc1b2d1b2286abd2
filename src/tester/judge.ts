import { LOG_LIMITS, Log } from '../../worker/log/log.ts'
import type { HubPlatform } from '../../worker/platform.ts'
import type { Head, SourceEvent } from '../../worker/source/source.ts'
import { History } from '../../worker/stream/history.ts'
import { Reception } from '../../worker/stream/reception.ts'
import { Takeover } from '../../worker/stream/takeover.ts'
import type { GapReason } from '../link/protocol.ts'
import type { Arrival } from './arrivals.ts'

/**
 * What the hub makes of a stream: its log, its history and its judge of replays, for one page that listens to everything and is
 * never slow.
 */
export class Judge {
  readonly #log = new Log(LOG_LIMITS)
  readonly #history: History
  readonly #reception: Reception
  #begunAt = 1

  constructor(platform: HubPlatform) {
    this.#history = new History(this.#log, new Takeover())
    this.#reception = new Reception(platform, this.#log, this.#history, () => {})
  }

  /** The present connection may still bring what is known, or has brought something that is not decided upon. */
  get isUndecided(): boolean {
    return this.#reception.isJudging || this.#reception.isHolding
  }

  /** There is an earlier ID to ask for, so that the server can show that it resumes. */
  get canProve(): boolean {
    const { resumeAfter, unproven } = this.#history.anchorAt(this.#log.lastSeq)
    return resumeAfter !== '' && !unproven && this.#reception.lone === undefined
  }

  /** Some events that are no frames come without an ID. */
  get isMixed(): boolean {
    return this.#history.isMixed
  }

  /** The gap that a page is told on the present connection; `undefined` if none. */
  get gap(): GapReason | undefined {
    for (let seq = Math.max(this.#begunAt, this.#log.firstSeq); seq <= this.#log.lastSeq; seq++) {
      const entry = this.#log.at(seq)
      if (entry?.type === 'gap') return entry.reason
    }
    return undefined
  }

  /** Whether an event belongs to the connection, as greetings and heartbeats do, by what is known so far. */
  isFrame({ name, data, effective, nth }: Arrival): boolean {
    return data !== undefined && this.#history.frames.isFrame({ name, data, id: effective, nth })
  }

  /** A connection begins. Answers with the ID to resume after, `''` for none. */
  resume(): string {
    this.#begunAt = this.#log.lastSeq + 1
    return this.#reception.resume(true)
  }

  opened(head: Head): void {
    this.#reception.opened(head)
  }

  event(event: SourceEvent): void {
    this.#reception.event(event)
  }

  idAlone(id: string): void {
    this.#reception.idAlone(id)
  }

  lost(isEnd: boolean): void {
    this.#reception.lost(isEnd)
  }

  /** Decides at once on what is held. */
  decide(): void {
    this.#reception.decide()
  }
}
