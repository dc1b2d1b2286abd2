import type { HeadersReason, Policy, StreamRequest } from '../../src/link/protocol.ts'
import type { Failure } from '../source/failure.ts'

/** What a subscriber's page can be asked. */
export interface Questions {
  /**
   * What the page's function gives for the next connection; nothing where the page goes, or does not answer.
   *
   * @throws {FailedError} where the function fails
   */
  headers(reason: HeadersReason): Promise<StreamRequest['headers'] | undefined>
  /**
   * What the page's function says of another attempt after the `attempt`-th failure in a row: in how many ms, or not at
   * all; nothing where it does not say.
   */
  retryDelay(attempt: number, failure: Failure): Promise<number | false | undefined>
}

/** What a stream must ask of those that it serves, its cursors. */
export interface Subscriber {
  /** Names that it listens to. */
  readonly names: ReadonlySet<string>
  readonly policy: Policy
  /** The same object for all cursors of one subscription. */
  readonly questions: Questions
  /** For this subscription the stream has ended, while it goes on for others. */
  readonly isEnded: boolean
  /** The page has dispatched everything that concerns it. */
  readonly isThrough: boolean
  /** The page has dispatched something not long ago. */
  readonly isAtWork: boolean
  /** Sequence number of the next entry to look at. */
  readonly next: number
  /** Sends what there is to send and may be sent. */
  pump(): void
  /** For this subscription the stream ends here; others may go on. */
  end(error: string): void
}
