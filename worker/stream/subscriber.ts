import type { ConnectionDetails, ConnectionError, HeadersReason, Policy } from '../../src/link/protocol.ts'
import type { Failure } from '../source/failure.ts'

export type { Beginning } from '../source/source.ts'

/** What a stream can ask a subscriber's page. */
export interface Questions {
  /** The same object for all subscriptions of one page. */
  readonly page: object
  /** The round in which the page is asked whether it is still the stream's. Until it has answered, it is sent nothing. */
  awaited: string | undefined
  /** How often the stream had got other headers when the page was first asked what it has not answered. */
  seals: number
  /** The cursor that the subscription has now. */
  holder: Subscriber | undefined
  /**
   * What the page's functions give for the next connection; `undefined` if the page goes or does not answer.
   *
   * @param round the same for all who are asked for that connection
   * @throws {FailedError} if a function fails
   */
  details(reason: HeadersReason, round: string): Promise<ConnectionDetails | undefined>
  /**
   * When the page's function wants to try again after the `attempt`-th failure in a row, in ms; `false` for
   * not at all, `undefined` if the page does not answer.
   */
  retryDelay(attempt: number, failure: Failure): Promise<number | false | undefined>
}

/** What a stream needs from the cursors that it serves. */
export interface Subscriber {
  /** Names that it listens to. */
  readonly names: ReadonlySet<string>
  readonly policy: Policy
  /** Its page is visible. */
  readonly isVisible: boolean
  /** The same object for all cursors of one subscription. */
  readonly questions: Questions
  /** True if the stream has ended for this subscription, while it goes on for others. */
  readonly isEnded: boolean
  /** True if the page has dispatched everything that concerns it. */
  readonly isThrough: boolean
  /** True if the page has something to do, and has shown in the last two seconds that it goes on doing it. */
  readonly isAtWork: boolean
  /** It has not found its place in the log yet. What comes next may show it. */
  readonly isSeeking: boolean
  /** Sequence number of the next entry to look at. */
  readonly next: number
  /** Sends what is ready, as far as it may be sent now. */
  pump(): void
  /** Ends the stream for this subscription. It may go on for others. */
  end(error: ConnectionError | undefined): void
  /** Leaves the stream, whose headers are not those of its page. The page is told to subscribe anew. */
  part(): void
}
