/** What a {@link TabstreamError} is about. */
export type TabstreamErrorType =
  /** `configure` was called too late or with options that make no sense. */
  | 'configuration'
  /** No hub could be had in the only way that `configure({ host })` allows, or the page was left. */
  | 'no-host'
  /** What was waited for cannot come, because the stream has ended. */
  | 'stream-ended'

/** Thrown, or given as a rejection, for misuse; the message says what to do about it. */
export class TabstreamError extends Error {
  override name = 'TabstreamError'
  readonly type: TabstreamErrorType

  constructor(type: TabstreamErrorType, message: string) {
    super(`tabstream: ${message}`)
    this.type = type
  }
}
