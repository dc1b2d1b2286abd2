import type { Listener, ListenOptions, SharedStream, StreamStatus } from '../api/shared-stream.ts'
import type { StreamMessage } from '../api/stream-message.ts'

export type { StreamMessage as SocketMessage } from '../api/stream-message.ts'

/** Options of a request. */
export interface RequestOptions {
  /**
   * Which message is the answer: by JSON Pointers (RFC 6901), the values that it has. They must tell apart the requests of all tabs, so
   * a number that each tab counts for itself is not enough.
   */
  match: Readonly<Record<string, string | number | boolean>>
  /** How many ms to wait for the answer once the message has been sent; 0 for any time. @default 10_000 */
  timeout?: number
}

/** The state of a WebSocket's connection. */
export interface SocketStatus extends StreamStatus {
  /** The subprotocol that the server has chosen; `''` if it has chosen none, or the connection is not open. */
  readonly protocol: string
}

/** A WebSocket that tabs share, opened by `connectSocket()`. */
export interface SharedSocket<T extends object = Record<string, string>> extends SharedStream<T> {
  readonly status: SocketStatus
  /** Called with each new status. */
  onStatus(listener: Listener<SocketStatus>, options?: ListenOptions): () => void
  /**
   * Sends a message: strings and bytes as they are, other values as JSON. The messages of one tab are sent in its order. While there is
   * no connection a message waits for the next one.
   *
   * Resolves when the socket has taken the message, of which at most 1 MiB is then still to be sent. It does not say that the server has
   * it. A message is never sent twice.
   *
   * Rejects with a {@link TabstreamError}: of type `'not-sent'` where too many messages wait, or the stream has ended; of type
   * `'hub-lost'` where the hub has gone with the message, which may have been sent.
   */
  send(message: StreamMessage): Promise<void>
  /**
   * Sends a message and resolves with the text of its answer, which no tab is given as an event.
   *
   * Rejects as `send()` does, and with type `'no-answer'` where the answer does not come in time, or the connection is lost before.
   */
  request(message: StreamMessage, options: RequestOptions): Promise<string>
}
