/** The kinds of {@link TabstreamError}. */
export type TabstreamErrorType =
  /** `configure()` was called too late or twice, or an option is unknown or invalid. */
  | 'configuration'
  /** No host that `configure({ host })` allows is available, or the page was left. */
  | 'no-host'
  /** The stream has ended, so what was waited for cannot come. */
  | 'stream-ended'
  /** A message to a WebSocket has not been sent, and will not be. */
  | 'not-sent'
  /** The hub has gone with a message, which may have been sent or not. */
  | 'hub-lost'
  /** A message to a WebSocket has been sent, and its answer has not come. */
  | 'no-answer'

/** Thrown, or given as the reason of a rejection. The message says what went wrong and what to do. */
export class TabstreamError extends Error {
  override name = 'TabstreamError'
  readonly type: TabstreamErrorType

  constructor(type: TabstreamErrorType, message: string) {
    super(`tabstream: ${message}`)
    this.type = type
  }
}
