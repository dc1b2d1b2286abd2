/** A source that `defineSource()` has made: what a hub takes. Only hubs call it. */
export type AppSource = (platform: never, options: unknown) => unknown

/** The stream that a source is for. */
export interface SourceStream<Options = unknown> {
  /** Absolute. */
  readonly url: string
  /** What the page has given `connectSource()` as `options`; `undefined` where it has given nothing. */
  readonly options: Options
}

/** What an app's source consists of, for one stream. */
export interface SourceParts {
  /**
   * Opens one connection, and tells it what comes. Called again after each that has ended.
   *
   * @returns what closes it, called once when it is over, for whatever reason
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: an async function that returns nothing is one of them.
  open(connection: SourceConnection): (() => void) | void | Promise<(() => void) | void>
  /**
   * Sends a message of a page on the present connection: what JSON can express, or an `ArrayBuffer`. The page's promise resolves when this
   * has, and rejects with its error. Called only while a connection is open; until then messages wait.
   */
  send?(message: unknown): unknown
}

/** What is said when a connection is open. */
export interface Opened {
  /** `true`: the server confirms that nothing is missing behind `lastEventId`, or at all. `false`: something may be. Otherwise the hub finds out by the IDs. */
  resumed?: boolean
}

/** An event that a connection has brought. */
export interface SourceEventInit {
  /** @default 'message' */
  name?: string
  data: string
  /** By which the server can resume. */
  id?: string
}

/** What is known of a failure. */
export interface SourceFailureInit {
  /** As of HTTP; 401 has functions for headers and URL asked anew. @default 0 */
  status?: number
  /** No other connection is to be made. @default false */
  final?: boolean
  /** How many ms to wait at least before the next one. @default 0 */
  retryAfter?: number
}

/** One connection. Whatever is called after its end is ignored, and nothing here throws. */
export interface SourceConnection {
  /** Absolute; may be another one each time where the page gives a function. */
  readonly url: string
  /** The ID to resume after; `''` for none. */
  readonly lastEventId: string
  /** Those of the page. */
  readonly headers: Headers
  /** Aborted when the connection is over, for whatever reason. */
  readonly signal: AbortSignal
  /** The connection is open. The first `emit()` implies it. */
  opened(about?: Opened): void
  emit(event: SourceEventInit): void
  /** Nothing more will come, and this is why. What has come before is handed over first. */
  failed(error: unknown, about?: SourceFailureInit): void
  /** The server has ended the connection in good order. Another one is made, as after the end of an event stream. */
  ended(): void
  /** The server is there, though it has sent no event. */
  alive(): void
}
