import type { Remote } from 'comlink'
import { WIDTH } from '../../src/link/pack.ts'
import type { Batch, PackedEntries, Position, Subscription, TabSide } from '../../src/link/protocol.ts'
import type { Log } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'

/** Most batches on their way to a tab: one that it dispatches, and one that it finds waiting. */
const WINDOW = 2

/** A second batch must have this many entries or bytes to be worth its cost. */
const MANY_ENTRIES = 4_096
const MANY_BYTES = 1_048_576

/** Acknowledgements of batches up to this size may wait, for at most this many batches in a row. */
const FEW_ENTRIES = 16
const FEW_CHARACTERS = 16_384
const MOST_WAITING = 24

/** A tab that has something to do, and has shown for this many ms that it does, stands still. */
const AT_WORK = 2_000

/** A tab to which nothing is sent is told its position after this many entries, or after this many ms. */
const POSITION_ENTRIES = 256
const POSITION_AGE = 1_000

/**
 * Sends batches to one subscription, and counts what the tab has not acknowledged.
 *
 * At a hundred events a second each event is a batch, and an acknowledgement for each would be half of all messages. So the
 * acknowledgement of a small batch may wait: the next batch does not wait for it, and the guard at the tab's end writes it
 * together with the tab's next message. After a number of such batches comes one whose acknowledgement must not wait. The
 * number is drawn by lot, or all tabs would acknowledge the same event.
 *
 * Under load batches are large, and each is waited for. So is a batch with a state or a gap in it: when a connection has
 * ended, the stream asks whether a tab has had everything, and the end of a connection is a state.
 */
export class Sender {
  readonly #platform: HubPlatform
  readonly #hubId: string
  readonly #subscription: Subscription
  /**
   * Comlink creates a method at each look-up, so it is looked up once. An object holds it because of builds
   * for browsers without private fields: they call a method in such a field as `method.call(…)`, and Comlink
   * takes `call` as part of the path.
   */
  readonly #calls: Pick<Remote<TabSide>, 'deliver'>
  readonly #acknowledged: () => void
  /** Batches not yet acknowledged, except those whose acknowledgements may wait. */
  #inFlight = 0
  /** How many more batches may be sent whose acknowledgements may wait. */
  #waiting = 0
  /** When the tab has last shown that it works: since when it has something to do, or has got on with that. */
  #workedAt = Number.NEGATIVE_INFINITY
  #reportedSeq: number
  #reportedAt: number

  /**
   * @param seq sequence number of the last entry before those to be sent
   * @param acknowledged called when more may be sent
   */
  constructor(
    platform: HubPlatform,
    hubId: string,
    subscription: Subscription,
    tab: Pick<Remote<TabSide>, 'deliver'>,
    seq: number,
    acknowledged: () => void,
  ) {
    this.#platform = platform
    this.#hubId = hubId
    this.#subscription = subscription
    this.#calls = { deliver: tab.deliver }
    this.#acknowledged = acknowledged
    this.#reportedSeq = seq
    this.#reportedAt = platform.now()
  }

  /** True if the tab has acknowledged every batch whose acknowledgement must not wait. */
  get isIdle(): boolean {
    return this.#inFlight === 0
  }

  /** Batches not yet acknowledged, except those whose acknowledgements may wait. */
  get unacknowledged(): number {
    return this.#inFlight
  }

  /** Since when the tab has owed an answer without a sign of work, in ms since 1970; 0 where it owes none. */
  get silentSince(): number {
    return this.#inFlight > 0 ? this.#workedAt : 0
  }

  /** True if the tab has something to do, and has got on with it in the last two seconds. */
  get isAtWork(): boolean {
    return this.#inFlight > 0 && this.#platform.now() - this.#workedAt < AT_WORK
  }

  /** When something was sent last, in ms since 1970. */
  get sentAt(): number {
    return this.#reportedAt
  }

  /** The tab is not through with a batch yet, but gets on with it. */
  noteWork(): void {
    this.#workedAt = this.#platform.now()
  }

  /**
   * True if another batch may be sent. A second one is worth its cost only if it is large; otherwise it grows
   * until the first is acknowledged.
   *
   * @param next sequence number of the first entry that has not been sent
   */
  hasRoom({ lastSeq, length, bytes }: Log, next: number): boolean {
    if (this.#inFlight === 0) return true
    const left = lastSeq + 1 - next
    return this.#inFlight < WINDOW && (left >= MANY_ENTRIES || left * (bytes / length) >= MANY_BYTES)
  }

  /** True if a tab to which nothing was sent for a while must be told its position. */
  isPositionDue(next: number): boolean {
    const passed = next - 1 - this.#reportedSeq
    if (passed === 0 || this.#inFlight > 0) return false
    return passed >= POSITION_ENTRIES || this.#platform.now() - this.#reportedAt >= POSITION_AGE
  }

  /** Makes the tab's position due as soon as it has changed. */
  hastenPosition(): void {
    this.#reportedAt = Number.NEGATIVE_INFINITY
  }

  /**
   * @param position the tab's position after these entries; `seq` is its place in the log
   * @param beginsAnew the numbers of what the tab has had do not hold in this log
   */
  send(entries: PackedEntries, seq: number, position: Position, beginsAnew: boolean): void {
    this.#reportedSeq = seq
    this.#reportedAt = this.#platform.now()
    const mayWait = isSmall(entries) && this.#waiting > 0
    // A random number, or all tabs would acknowledge the same event.
    this.#waiting = mayWait ? this.#waiting - 1 : Math.ceil(this.#platform.random() * MOST_WAITING)
    const { id, epoch } = this.#subscription
    const batch: Batch = {
      hubId: this.#hubId,
      subscription: id,
      epoch,
      entries,
      position,
      beginsAnew,
      mayWait,
    }
    if (!mayWait && this.#inFlight++ === 0) this.noteWork()
    this.#calls.deliver(batch).then(
      () => {
        if (mayWait) return
        this.#inFlight--
        this.noteWork()
        this.#acknowledged()
      },
      // A tab that rejects a batch is gone. Its lock or the next ping tells the hub.
      () => {},
    )
  }
}

/** True for a few events, but never for a state or a gap: the hub must know when the page has had that. */
const isSmall = ({ numbers, text, others }: PackedEntries): boolean =>
  numbers.length <= FEW_ENTRIES * WIDTH && text.length <= FEW_CHARACTERS && others.length === 0
