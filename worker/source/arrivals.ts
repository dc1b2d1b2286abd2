import type { HubPlatform } from '../platform.ts'
import { FailedError, type Failure, failureOf, tooLarge } from './failure.ts'
import type { ConnectionRequest, Receiver, SourceEvent } from './source.ts'

// What sources share whose server cannot be asked to wait, and which hubs fetch.

/** What has come and cannot be handed over yet may have so many characters. */
const MOST_WAITING = 16 * 1_048_576

/** What a message costs besides its characters. */
const OVERHEAD = 64

/** Characters that are handed over at a time: what waits can hold more events than a log. */
const SLICE = 32_768

/** How long, in ms, what waits may keep the hub from everything else. */
const LONGEST_RUN = 16

/** A message that has come. */
interface Message {
  /** In characters. */
  readonly length: number
}

/** One connection: hands over what it brings, in slices, as fast as pages take it. */
export abstract class Arrivals<Arrival extends Message, Platform extends Pick<HubPlatform, 'now' | 'turn'>> {
  protected readonly platform: Platform
  protected readonly connection: ConnectionRequest
  protected readonly receiver: Receiver
  readonly #resolve: (failure: Failure) => void
  #arrived: Arrival[] = []
  /** Their sizes together. */
  #waiting = 0
  #isHandingOver = false
  /** Characters that have been handed over, and that pages have not been let take. */
  #handed = 0
  /** Since when nothing else has had its turn. */
  #runSince = 0
  /** Why the connection has ended, while what had come before is handed over. */
  #last: Failure | undefined
  #isOver = false

  constructor(
    platform: Platform,
    connection: ConnectionRequest,
    receiver: Receiver,
    resolve: (failure: Failure) => void,
  ) {
    this.platform = platform
    this.connection = connection
    this.receiver = receiver
    this.#resolve = resolve
    const { signal } = connection
    signal.addEventListener('abort', () => this.end(failureOf(signal.reason)))
  }

  /** The events of a message, when it has its turn. */
  protected abstract eventsOf(arrival: Arrival): readonly SourceEvent[]

  /** Hands an event over. */
  protected give(event: SourceEvent, _arrival: Arrival): void {
    this.receiver.event(event)
  }

  /** Lets go of whatever has brought the messages. Called once. */
  protected abstract release(): void

  /** Nothing more is taken. */
  get isClosed(): boolean {
    return this.#isOver || this.#last !== undefined
  }

  take(arrival: Arrival): void {
    if (this.isClosed) return
    this.#waiting += this.#sizeOf(arrival)
    this.#arrived.push(arrival)
    if (this.#waiting > Math.max(MOST_WAITING, 2 * this.connection.maxEventSize)) {
      this.end(
        new FailedError('the server sent more than pages can take, so the connection was closed').failure,
      )
      return
    }
    if (!this.#isHandingOver) this.#handOver().catch((error) => this.end(failureOf(error)))
  }

  /** Ends when what has come is handed over. */
  close(failure: Failure): void {
    if (this.isClosed) return
    this.#last = failure
    if (!this.#isHandingOver) this.end(failure)
  }

  /** Ends at once. */
  end(failure: Failure): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#arrived = []
    this.release()
    this.#resolve(failure)
  }

  /** One that is too large ends the stream when it has its turn. */
  #sizeOf({ length }: Arrival): number {
    return Math.min(length, this.connection.maxEventSize) + OVERHEAD
  }

  /** Takes what has come in one go, so that it goes to the pages in few messages. */
  async #handOver(): Promise<void> {
    this.#isHandingOver = true
    await this.platform.turn()
    this.#runSince = this.platform.now()
    while (this.#arrived.length > 0 && !this.#isOver) {
      const arrived = this.#arrived
      this.#arrived = []
      for (const arrival of arrived) {
        const pause = this.#handOverEvents(arrival)
        if (pause !== undefined) await pause
        if (this.#isOver) return
        this.#waiting -= this.#sizeOf(arrival)
      }
      this.#handed = 0
      await this.receiver.flushed()
    }
    this.#isHandingOver = false
    if (this.#last !== undefined) this.end(this.#last)
  }

  /** @returns a promise where pages take what has been handed over so far */
  #handOverEvents(arrival: Arrival): Promise<void> | undefined {
    if (arrival.length > this.connection.maxEventSize) {
      this.end(tooLarge(this.connection.maxEventSize).failure)
      return undefined
    }
    return this.#give(arrival, this.eventsOf(arrival), 0)
  }

  /** Hands over the events of a message from the one at this index on. */
  #give(arrival: Arrival, events: readonly SourceEvent[], from: number): Promise<void> | undefined {
    for (let at = from; at < events.length && !this.#isOver; at++) {
      const event = events[at] as SourceEvent
      this.give(event, arrival)
      this.#handed += event.data.length + OVERHEAD
      if (this.#handed < SLICE) continue
      this.#handed = 0
      return this.#flushed().then(() => this.#give(arrival, events, at + 1))
    }
    return undefined
  }

  /** Pages have had what has come so far, and everything else has had its turn where it has waited for long. */
  async #flushed(): Promise<void> {
    await this.receiver.flushed()
    if (this.platform.now() - this.#runSince <= LONGEST_RUN) return
    await this.platform.turn()
    this.#runSince = this.platform.now()
  }
}
