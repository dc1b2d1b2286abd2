import type { Remote } from 'comlink'
import { WIDTH } from '../../src/link/pack.ts'
import type { Batch, PackedEntries, Position, Subscription, TabSide } from '../../src/link/protocol.ts'
import type { Log } from '../log/log.ts'
import type { HubPlatform } from '../platform.ts'

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
   * Comlink makes a method anew each time that it is looked up, so it is looked up once. It is kept in an object: compiled for
   * browsers without private fields, a method in such a field is called as `method.call(…)`, which Comlink takes for a path.
   */
  readonly #calls: Pick<Remote<TabSide>, 'deliver'>
  readonly #acknowledged: () => void
  /** Batches that have not been acknowledged, less those whose acknowledgements may wait. */
  #inFlight = 0
  /** How many more batches may go whose acknowledgements wait. */
  #waiting = 0
  #acknowledgedAt = Number.NEGATIVE_INFINITY
  #reportedSeq: number
  #reportedAt: number

  /**
   * @param seq of the last entry before those that are to be sent
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

  /** The tab has acknowledged everything that it must. */
  get isIdle(): boolean {
    return this.#inFlight === 0
  }

  /** The tab has dispatched something not long ago. */
  get isAtWork(): boolean {
    return this.#platform.now() - this.#acknowledgedAt < AT_WORK
  }

  /**
   * A second batch is worth its cost only when it is large. What is left grows until the first is acknowledged.
   *
   * @param next sequence number of the first entry that has not been sent
   */
  hasRoom({ lastSeq, length, bytes }: Log, next: number): boolean {
    if (this.#inFlight === 0) return true
    const left = lastSeq + 1 - next
    return this.#inFlight < WINDOW && (left >= MANY_ENTRIES || left * (bytes / length) >= MANY_BYTES)
  }

  /** Whether a tab that was sent nothing for a while must be told how far it has come. */
  isPositionDue(next: number): boolean {
    const passed = next - 1 - this.#reportedSeq
    if (passed === 0 || this.#inFlight > 0) return false
    return passed >= POSITION_ENTRIES || this.#platform.now() - this.#reportedAt >= POSITION_AGE
  }

  /** The tab's position is to be told as soon as there is a reason to send anything. */
  hastenPosition(): void {
    this.#reportedAt = Number.NEGATIVE_INFINITY
  }

  /** @param position where the tab stands when it is through with these; `seq` is its place in the log */
  send(entries: PackedEntries, seq: number, position: Position): void {
    this.#reportedSeq = seq
    this.#reportedAt = this.#platform.now()
    const mayWait = isSmall(entries) && this.#waiting > 0
    // By chance, or all tabs would acknowledge the same event.
    this.#waiting = mayWait ? this.#waiting - 1 : Math.ceil(this.#platform.random() * MOST_WAITING)
    const { id, epoch } = this.#subscription
    const batch: Batch = { hubId: this.#hubId, subscription: id, epoch, entries, position, mayWait }
    if (!mayWait) this.#inFlight++
    this.#calls.deliver(batch).then(
      () => {
        if (mayWait) return
        this.#inFlight--
        this.#acknowledgedAt = this.#platform.now()
        this.#acknowledged()
      },
      // A tab that refuses a batch is not there to be served; its lock or the next ping tells the hub.
      () => {},
    )
  }
}

/** Events, and few. Of a state or a gap it matters whether the page has had it. */
const isSmall = ({ numbers, text, others }: PackedEntries): boolean =>
  numbers.length <= FEW_ENTRIES * WIDTH && text.length <= FEW_CHARACTERS && others.length === 0
