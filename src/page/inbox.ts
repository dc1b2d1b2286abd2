import { Reader } from '../link/pack.ts'
import type { Batch, Entry } from '../link/protocol.ts'
import { Budget } from './budget.ts'
import type { Platform } from './platform.ts'

/** What must happen before the next entry: nothing, the queued microtasks (a turn), or what is promised. */
export type Pause = undefined | 'turn' | Promise<void>

/**
 * Receives one entry, and handles its own errors. An event is valid only during the call.
 *
 * @param log the log that numbered the entry; `''` if the page made the entry itself
 */
export type Receive = (entry: Entry, log: string) => Pause

/** A batch that has arrived. */
export interface PendingBatch {
  readonly batch: Batch
  /** At the entry that was dispatched last. */
  readonly reader: Reader
  /** Sends the acknowledgement. */
  readonly done: () => void
  /** Sequence number of the entry that was dispatched last; `undefined` before the first. */
  seq: number | undefined
}

/** After so many ms without an acknowledgement the hub is told that the page goes on. */
const SILENCE = 500

/** Holds the batches that have arrived, and dispatches their entries one by one, with pauses. */
export class Inbox {
  readonly #platform: Platform
  readonly #receive: Receive
  readonly #passed: (pending: PendingBatch) => void
  readonly #works: () => void
  #toldAt = 0
  #pending: PendingBatch[] = []
  #isRunning = false

  /**
   * @param passed called with each batch that has been dispatched completely, before its acknowledgement
   * @param works called now and then while a batch takes long to dispatch
   */
  constructor(
    platform: Platform,
    receive: Receive,
    passed: (pending: PendingBatch) => void,
    works: () => void,
  ) {
    this.#platform = platform
    this.#receive = receive
    this.#passed = passed
    this.#works = works
  }

  get pending(): readonly PendingBatch[] {
    return this.#pending
  }

  /** @param done called when the batch has been dispatched completely, unless `empty()` removes it first */
  add(batch: Batch, done: () => void): void {
    this.#pending.push({ batch, reader: new Reader(batch.entries), done, seq: undefined })
    if (this.#isRunning) return
    this.#isRunning = true
    this.#toldAt = this.#platform.now()
    // The platform has just called us with an empty stack, so the first entry needs no turn.
    if (this.#run()) this.#platform.run(() => this.#run())
  }

  /** Removes and returns all batches. */
  empty(): readonly PendingBatch[] {
    const pending = this.#pending
    this.#pending = []
    return pending
  }

  /** Dispatches entries up to a pause. Returns true if it must be called again after a turn. */
  #run(): boolean {
    let budget: Budget | undefined
    while (this.#isRunning) {
      const pending = this.#pending[0]
      const pause = pending && this.#dispatch(pending)
      if (pause instanceof Promise) {
        pause.then(() => {
          this.#tell()
          this.#settle(pending)
          if (this.#isRunning) this.#platform.run(() => this.#run())
        })
        return false
      }
      this.#settle(pending)
      if (pause === 'turn') break
      budget ??= new Budget(this.#platform.now)
      if (budget.isSpent()) break
    }
    this.#tell()
    return this.#isRunning
  }

  #dispatch(pending: PendingBatch): Pause {
    const entry = pending.reader.next()
    if (entry === undefined) return undefined
    pending.seq = entry.seq
    return this.#receive(entry, pending.batch.position.log)
  }

  #tell(): void {
    const now = this.#platform.now()
    if (now - this.#toldAt < SILENCE) return
    this.#toldAt = now
    this.#works()
  }

  /** Acknowledges the batch if it has been dispatched completely. */
  #settle(pending: PendingBatch | undefined): void {
    // A listener may have changed or closed the subscription, which has already settled everything.
    if (pending !== undefined && this.#pending[0] === pending && pending.reader.isThrough) {
      this.#pending.shift()
      // Of an acknowledgement that waits for other messages the hub knows nothing yet.
      if (!pending.batch.mayWait) this.#toldAt = this.#platform.now()
      this.#passed(pending)
      pending.done()
    }
    this.#isRunning = this.#pending.length > 0
  }
}
