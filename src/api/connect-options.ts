import type { ConnectionError, HeadersReason, Hidden, Replay } from '../link/protocol.ts'
import type { Decoder } from './decode.ts'
import type { StreamEvent } from './shared-stream.ts'

/** Options of {@link connect}. */
export interface ConnectOptions<
  Decoders extends Readonly<Record<string, Decoder>> = Record<string, Decoder>,
> {
  /** @default 'GET' */
  method?: string
  /** Values other than strings are sent as JSON. */
  body?: unknown
  /**
   * Headers of the request; or a function that gives them, called before each connection with the reason: with a `key` in one
   * of the pages, otherwise in each. When the server answers 401 or 403 it is called in one page after the other before the
   * stream ends.
   */
  headers?: HeadersInit | ((reason: HeadersReason) => HeadersInit | Promise<HeadersInit>)
  /**
   * Tells apart streams that are equal otherwise, for instance by the user's ID. With a function for the headers, pages
   * share a stream only where both give the same key or, without one, for as long as both give the same headers. With a function
   * for the URL there must be one, which names the stream as well as the user: the URLs that it gives tell nothing apart.
   */
  key?: string
  /** @default 'same-origin' */
  credentials?: RequestCredentials
  /** Short for `credentials: 'include'`. */
  withCredentials?: boolean
  /**
   * Whether to follow a redirect. The headers and the body go along, to whichever origin it leads; script is not told that
   * before. `'error'` ends the stream instead.
   * @default 'error' where there are headers or a body, otherwise 'follow'
   */
  redirect?: 'follow' | 'error'
  /** How to make values of the data of these events. Without it, all events are heard of and their data are strings. */
  events?: Decoders
  /** As with `SharedEventSource`: how many of the latest events to be given first. */
  replay?: Replay
  /**
   * The page has everything up to this event ID, for instance in a snapshot, and wants what follows. It is given from the log
   * where that reaches back to the ID. Otherwise the server is asked: by the first connection, which sends the ID in
   * `Last-Event-ID`; or where the stream is there already, by a second one that ends as soon as it has led up to the log. If it
   * does not, a gap (`history-lost`) comes first, as it does at once with `resume: 'none'` (`unresumable`); then what comes from
   * now on, and only then `replay` counts. It is not part of what makes streams the same.
   * @default from now on
   */
  since?: string
  /**
   * `false` for no further attempt after a failure; or a function that says after how many ms to make one, or `false`.
   * @default exponential back-off with jitter, from the server's `retry:` time (1 s) to 30 s
   */
  retry?: boolean | ((attempt: number, error: ConnectionError) => number | false | Promise<number | false>)
  /**
   * How the server resumes after a lost connection. `'auto'`: the same request is made again, with the header `Last-Event-ID`. An
   * object: this request is made instead, with that header; some servers begin by a POST and resume by a GET. `'none'`: the server
   * never resumes; it is not asked to, and a reconnection is no gap.
   * @default 'auto'
   */
  resume?: 'auto' | 'none' | ResumeOptions
  /**
   * Names of events that belong to the connection which brings them, such as heartbeats and errors that have an ID: a replay need
   * not repeat them, and nothing is resumed after their IDs. Events without an ID whose name never comes with one need not be
   * named. It holds for all who share the stream.
   */
  ephemeral?: readonly string[]
  /**
   * Names of events by which the server says that history is gone. A `history-lost` gap stands before each of them, and what
   * follows is new. It holds for all who share the stream.
   */
  gapEvents?: readonly string[]
  /**
   * A JSON Pointer (RFC 6901) into the data, to what makes an event the same as another of its name, whatever their IDs: for
   * servers that give an event another ID when they replay it. Where two pages that share the stream differ, the first counts.
   * @default the ID and the data
   */
  identify?: string
  /** How many attempts in a row may follow a failure. */
  maxRetries?: number
  /**
   * After so many ms without a byte from the server, comments included, the connection is given up: 1,000 at least, or 0 for
   * never. It holds for all who share the stream.
   * @default 0
   */
  idleTimeout?: number
  /**
   * How many characters an event may have, data, name and ID together: more end the stream. Where it has more than 1,024 lines
   * of data, each of them counts as 16 at least.
   * @default 8 Mi
   */
  maxEventSize?: number
  /**
   * What happens where this page works, and is slower than the server. `'wait'`: the hub reads no faster, for all who share the
   * stream. `'gap'`: it holds nobody back, and is told of a `slow-tab` gap once it is too far behind. `'latest'`: as `'gap'`,
   * but instead of the gap it is given the latest event of each name. A page that stands still, because it is blocked or frozen,
   * holds nobody back for longer than two seconds.
   * @default 'wait'
   */
  lag?: 'wait' | 'gap' | 'latest'
  /**
   * What the stream costs while this page is hidden. `'live'`: as if it were visible. `'batch'`: the page is given what has come
   * once a second at most. `'park'`, or `{ parkAfter: ms }` after so long: the page can do without a connection. Where all pages
   * that share the stream are hidden and can do without, the hub gives it up, and resumes when one of them is shown. The longest
   * time that one of them says counts, from when the last of them was hidden.
   * @default 'live'
   */
  hidden?: Hidden
  /**
   * Which streams come first where there are more than connections (see `connections` of {@link configure}): of the visible ones
   * those with `'high'`, then of the hidden ones. The highest of all who share the stream counts.
   * @default 'auto'
   */
  priority?: 'high' | 'auto' | 'low'
  /** The event after which the stream is over, for all who share it. It is still given to the listeners. */
  until?: (event: StreamEvent) => boolean
  /** Closes the stream. */
  signal?: AbortSignal
}

/** A request that resumes a stream. Headers and credentials are those of the request that began it. */
export interface ResumeOptions {
  /** @default 'GET' */
  method?: string
  /** Relative to the document's base URL. @default where the stream began */
  url?: string | URL
  /** Values other than strings are sent as JSON. Without one, no `Content-Type` is sent either. */
  body?: unknown
}

/** Gives the URL of one connection, for instance with a ticket that is good for one. */
export type UrlFunction = (reason: HeadersReason) => string | URL | Promise<string | URL>
