import { Reader } from '../link/pack.ts'
import type { Batch, Entry } from '../link/protocol.ts'
import { Budget } from './budget.ts'
import type { Platform } from './platform.ts'

/**
 * What is to happen before the next entry: nothing, all microtasks that have been queued (a turn), or what a promise
 * stands for.
 */
export type Pause = undefined | 'turn' | Promise<void>

/**
 * Takes one entry, an event only for as long as it is called; what it throws is its own affair.
 *
 * @param log which log numbered the entry; `''` where no hub did
 */
export type Receive = (entry: Entry, log: string) => Pause

/** A batch that has arrived. */
export interface PendingBatch {
  readonly batch: Batch
  /** Stands at the entry that was dispatched last. */
  readonly reader: Reader
  /** Sends the acknowledgement. */
  readonly done: () => void
  /** Sequence number of that entry; nothing before the first. */
  seq: number | undefined
}

/** Batches that have arrived and are not through; dispatches their entries one by one, with pauses. */
export class Inbox {
  readonly #platform: Platform
  readonly #receive: Receive
  readonly #passed: (pending: PendingBatch) => void
  #pending: PendingBatch[] = []
  #isRunning = false

  /** @param passed called with each batch of which everything has been dispatched, before it is acknowledged */
  constructor(platform: Platform, receive: Receive, passed: (pending: PendingBatch) => void) {
    this.#platform = platform
    this.#receive = receive
    this.#passed = passed
  }

  get pending(): readonly PendingBatch[] {
    return this.#pending
  }

  /** @param done called when the batch has been dispatched; not by the inbox if it is emptied first */
  add(batch: Batch, done: () => void): void {
    this.#pending.push({ batch, reader: new Reader(batch.entries), done, seq: undefined })
    if (this.#isRunning) return
    this.#isRunning = true
    // The platform has just called us, with nothing else on the stack: what comes first needs no turn of its own.
    if (this.#run()) this.#platform.run(() => this.#run())
  }

  /** Forgets what has not been dispatched. Answers with all that was there. */
  empty(): readonly PendingBatch[] {
    const pending = this.#pending
    this.#pending = []
    return pending
  }

  /** Dispatches entries up to a pause; tells whether others may follow after a turn. */
  #run(): boolean {
    let budget: Budget | undefined
    while (this.#isRunning) {
      const pending = this.#pending[0]
      const pause = pending && this.#dispatch(pending)
      if (pause instanceof Promise) {
        pause.then(() => {
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
    return this.#isRunning
  }

  #dispatch(pending: PendingBatch): Pause {
    const entry = pending.reader.next()
    if (entry === undefined) return undefined
    pending.seq = entry.seq
    return this.#receive(entry, pending.batch.position.log)
  }

  /** Acknowledges a batch of which everything has been dispatched. */
  #settle(pending: PendingBatch | undefined): void {
    // A listener may have changed or closed the subscription, which has settled everything already.
    if (pending !== undefined && this.#pending[0] === pending && pending.reader.isThrough) {
      this.#pending.shift()
      this.#passed(pending)
      pending.done()
    }
    this.#isRunning = this.#pending.length > 0
  }
}
