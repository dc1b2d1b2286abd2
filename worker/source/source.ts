import type { Placed } from '../../src/link/place.ts'
import type { Passed, StreamRequest } from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import type { Failure } from './failure.ts'

/** What a source is asked for: one connection to the server. */
export interface ConnectionRequest {
  /** Absolute. */
  readonly url: string
  readonly method: string
  readonly body: string | undefined
  readonly credentials: RequestCredentials
  readonly headers: StreamRequest['headers']
  /** Whether a redirect is followed, and headers and body go along. Otherwise it ends the connection for good. */
  readonly followsRedirects: boolean
  /** The ID to resume after; `''` for none. */
  readonly resumeAfter: string
  /** IDs of the latest known events behind that, in order: for a source that makes IDs of where it has read. */
  readonly latest?: readonly string[]
  /** How many characters an event may have. A larger one ends the connection for good. */
  readonly maxEventSize: number
  /** Whether anybody can make use of what the server says in place of a stream. */
  readonly readsRefusal: boolean
  /** Ends the connection. Its reason becomes the reason of the end. */
  readonly signal: AbortSignal
}

/** What the server says before its first event. */
export interface Head {
  /** Of the server that answered, after redirects. */
  readonly origin: string
  /** The server does not resume: it says so, or it does not permit another origin to ask for it. */
  readonly deniesResumption: boolean
  readonly status: number
  /** Those that tell what handles the response; never such as may be secret. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The server says that nothing is missing behind the ID that it was asked for. */
  readonly confirmsResumption: boolean
  /** The subprotocol that the server has chosen, where the source knows such. */
  readonly protocol?: string
}

/** One event as the server sent it. */
export interface SourceEvent {
  readonly name: string
  readonly data: string
  /** Absent where the event brought no ID of its own. */
  readonly id: string | undefined
  /** Where it lies before what is known, no page had asked for it then. */
  readonly isOlder?: boolean
}

/** Takes what a connection brings, in the server's order. */
export interface Receiver {
  /** Called once, before everything else. */
  opened(head: Head): void
  event(event: SourceEvent): void
  /** An ID to resume after that came without an event. */
  idAlone(id: string): void
  /** The server's reconnection time in ms, as it was sent. */
  retry(milliseconds: number): void
  /** Whether a last event counts that the response has ended after, in good order, without the blank line. */
  takesUnfinished(): boolean
  /** Something that whoever runs the server should know, with its origin. The same may be said again. */
  advise(message: string): void
  /** The server has sent so many bytes, be it only a comment or a heartbeat. */
  alive(bytes: number): void
  /**
   * A slice of what came has been handed over. The source reads on when the promise, if any, resolves: this is the
   * back-pressure.
   */
  flushed(): Promise<void> | undefined
}

/** Where a page stands that comes back. */
export interface Standing {
  /** What it has had: the latest of it. */
  readonly had: readonly Passed[]
  /** The last ID that it has passed. */
  readonly lastId: string
  /** The place of the last event so far in the server's order. */
  readonly from: number
  /** The numbers of what it has had are those of another hub. */
  readonly isElsewhere: boolean
}

/** How a page goes on behind the gap that it is told of. */
export interface Beginning {
  /** All that comes is new. */
  readonly isOver: boolean
  /** Its first batch has other numbers than what it has had. Asked once for each batch. */
  takeElsewhere(): boolean
  /**
   * Not what the page has had, nor what lies before the gap. Asked once for each event of the history that it listens to.
   *
   * @param event with its place in the server's order
   */
  isNew(event: Placed & { readonly at: number }): boolean
}

/**
 * A kind of connection to a server: how bytes become events.
 *
 * Opens one connection, and resolves when it has ended, with the reason. It never rejects. A source knows nothing of logs and
 * retries, and of tabs only where one stands that comes back ({@link Standing}); nothing outside this folder knows of responses,
 * sockets and parsers.
 */
export interface Source {
  (connection: ConnectionRequest, receiver: Receiver): Promise<Failure>
  /** Takes a page's message to the server, and resolves with what has become of it. Absent where pages can send nothing. */
  readonly send?: ((message: unknown) => Promise<unknown>) | undefined
  /**
   * What waits is not to be sent any more, because the stream is another user's now.
   *
   * @param isOver the stream has ended
   */
  readonly drop?: ((isOver: boolean) => void) | undefined
  /** Names that the pages of the stream listen to now. Absent where they make no difference to what the server is asked for. */
  readonly listen?: ((names: readonly string[]) => void) | undefined
  /**
   * A page comes that has been at this stream before, here or at another hub. Absent, or with nothing as an answer, where all that it
   * lacks has come or will come. Otherwise it is told of a gap and goes on behind all that has come.
   */
  readonly begin?: ((names: readonly string[], standing: Standing) => Beginning | undefined) | undefined
}

/** What the module of a source exports. */
export interface SourceModule {
  /**
   * Makes the source of one stream.
   *
   * @param events Server-Sent Events by `fetch`, for those that are made of them
   */
  source(platform: HubPlatform, options: unknown, events: Source): Source
}
