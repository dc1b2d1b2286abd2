/** What `authorize` may answer: `false` is a 403, 401 says that the user has to log in. */
export type Verdict = boolean | 401 | 403

/** Options of {@link eventStream}. Times are in milliseconds. */
export interface EventStreamOptions {
  /**
   * What the client is given. Without it, the URL's parameters `topic` say it (`?topic=prices&topic=news`), and `authorize` is required.
   */
  topics?: readonly string[]
  /**
   * Asked for each topic, at each connection. An ID is no permission: what a client has received before does not count.
   * @default permits the topics that the server names
   */
  authorize?: (topic: string, request: Request) => Verdict | Promise<Verdict>
  /**
   * Where a client begins that does not say after which event.
   * @default 'now'
   */
  from?: 'now' | 'earliest'
  /**
   * How often a comment is sent. Who has then taken nothing since the last one, although something is waiting, is cut, and resumes.
   * @default 15_000
   */
  heartbeat?: number
  /** How long clients wait before they come back. */
  retry?: number
  /** How long a response may last. It ends up to a tenth earlier, so that clients do not all come back at once. */
  lifetime?: number
  /**
   * How many bytes may wait for one client. Beyond that nothing is read from the log for it until it has taken some.
   * @default 65_536
   */
  maxQueue?: number
  /** Ends the response, as when the process is about to end. */
  signal?: AbortSignal
  /**
   * Told what the log or `authorize` has thrown.
   * @default console.error
   */
  onError?: (error: unknown) => void
}
