import type { ConnectionError, Gap, HeadersReason } from 'tabstream'

/** What tells streams of one URL apart. What is left out may be anything. */
export interface Which {
  /** In capitals. */
  readonly method?: string
  /** As it is sent: what is no string as JSON. */
  readonly body?: string
  readonly key?: string
  readonly credentials?: RequestCredentials
}

/** What the app asks the server for. */
export interface MockRequest {
  /** Absolute, without fragment. Where a function gives the URL it is the root of the page's origin. */
  readonly url: string
  /** In capitals. */
  readonly method: string
  /** `undefined` where there is none. */
  readonly body: string | undefined
  /** `''` where there is none. */
  readonly key: string
  readonly credentials: RequestCredentials
  /** Names in lower case. Empty where a function gives them: see {@link MockStream.ask}. */
  readonly headers: Readonly<Record<string, string>>
  /** The ID that the app has everything up to; `undefined` where it does not say. */
  readonly since: string | undefined
}

/** Options of {@link MockStream.send} and {@link MockStream.seed}. */
export interface SendOptions {
  /** The event's ID. @default `'1'`, `'2'` and so on, counted for each stream */
  readonly id?: string
}

/** Options of {@link MockStream.disconnect}. */
export interface DisconnectOptions {
  /** In so many ms the next attempt is due, by the clock of the test. It is made when the test calls `open()`. @default 1000 */
  readonly after?: number
  /** How many attempts in a row have failed. @default one more than before */
  readonly attempt?: number
  /** What is left out is: `status` 0, no `contentType`, no `body`, and a message that says that the connection was lost. */
  readonly error?: Partial<ConnectionError>
}

/**
 * One stream as the test sees it: it takes the part of the server and of the network. Everything it does reaches the app before the
 * call returns. A method that drives it throws where the app has not opened the stream.
 */
export interface MockStream<T extends object = Record<string, unknown>> {
  /** The connection is there: the status is `'open'`, and a `SharedEventSource` has its `open` event. */
  open(): void
  /**
   * Sends one event to everything that listens to its name, and opens the connection first if it is not open.
   *
   * @param data a string is what comes over the wire; any other value is sent as JSON. Decoders run as ever
   * @throws {Error} where nothing listens to the name, unless `strict` is `false`
   */
  send<Name extends keyof T & string>(name: Name, data: T[Name] | string, options?: SendOptions): void
  /** What `work` sends comes in one batch, so that stores tell once, and components render once. */
  batch(work: () => void): void
  /**
   * An event that another tab has received already, before the app opens the stream or after. Whoever asks for what came before is
   * given it: `latest()`, `useStream()`, `replay`. The stream is then open from the start. It holds until `reset()`, and need not be
   * open.
   */
  seed<Name extends keyof T & string>(name: Name, data: T[Name] | string, options?: SendOptions): void
  /**
   * Tells the app that events may be missing.
   *
   * @param gap what is left out is: `reason` `'unresumable'`, `before` the ID of the latest event, `after` `''`
   */
  gap(gap?: Partial<Gap>): void
  /** The connection is lost, and the stream waits for the next attempt: `'retrying'`. A `SharedEventSource` has an `error` event. */
  disconnect(options?: DisconnectOptions): void
  /** The connection is lent to another stream: `'parked'`. */
  park(): void
  /**
   * The stream fails for good: it is `'closed'`, with this error.
   *
   * @param error what is left out is: `status` 0, no `contentType`, no `body`, and a message that names the status
   */
  fail(error?: Partial<ConnectionError>): void
  /** The server ends the stream, as by status 204: it is `'closed'`, without an error. */
  close(): void
  /**
   * Calls the app's functions for headers and URL, as is done before a connection.
   *
   * @param reason `'connect'` by default
   * @returns what the next request would have; rejects with what the functions throw
   */
  ask(reason?: HeadersReason): Promise<Pick<MockRequest, 'url' | 'headers'>>
  /**
   * Answers the requests that the app sends by WebSocket. It holds until `reset()`.
   *
   * @param give is given each message as it is sent, and gives the text of the answer; `undefined` for none
   */
  answer(give: (message: string | ArrayBuffer) => string | undefined): void
  /** What the app has sent by WebSocket since the last `reset()`. */
  readonly messages: readonly (string | ArrayBuffer)[]
  /** What the app asks for; `undefined` while it has not opened the stream. */
  readonly request: MockRequest | undefined
  /** How many stores, listening streams, loops and sources of the app use the stream now. */
  readonly subscribers: number
  /** Names that the app listens to, sorted; `'*'` where it listens to all. */
  readonly names: readonly string[]
  /** How often the app has called `reconnect()` since the last `reset()`. */
  readonly reconnects: number
  /** How often the app has called `end()` since the last `reset()`. */
  readonly ends: number
}
