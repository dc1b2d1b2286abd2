import type { FramePointers } from './frame.ts'

// What a page and the hub's source for WebSockets say to each other. The hub only passes it on.

/** How the messages of a WebSocket are read, and what is said on it without being asked. Pointers are JSON Pointers (RFC 6901). */
export interface SocketOptions {
  /** Of each connection, where no function in the page gives them. */
  readonly protocols: readonly string[]
  readonly frame: FramePointers
  /** Name of the events that binary messages are. */
  readonly binary: string
  /** Where the ID to resume after goes: into this parameter of the URL, or to this place in the first message. */
  readonly resume?: { readonly query: string } | { readonly hello: string } | undefined
  readonly heartbeat?: Heartbeat | undefined
  /** What a close code means, where that is not the usual. */
  readonly closeCodes: Readonly<Record<number, CloseMeaning>>
  /** How many messages may wait for a connection. */
  readonly queue: number
}

/** Keeps a connection alive, and notices that it is not. */
export interface Heartbeat {
  /** In ms. */
  readonly every: number
  /** The message. */
  readonly send: string
  /** Name of the event that answers it, which no page is given. Any other message shows as well that the server is there. */
  readonly expect?: string | undefined
  /** In how many ms anything must come; 0 where nothing needs to. */
  readonly within: number
}

/** `'retry'`: another connection is made. `'end'`: none. `'unauthorized'`: functions are asked for new credentials first. */
export type CloseMeaning = 'retry' | 'end' | 'unauthorized'

/** The header, as far as the hub sees, that carries what is said first: a list in JSON, whose strings are sent as they are. */
export const HELLO = 'hello'

/** The header, as far as the hub sees, that carries the subprotocols that a function in the page gives. */
export const PROTOCOLS = 'sec-websocket-protocol'

/** A message that a page wants to be sent. */
export interface Outgoing {
  readonly data: string | ArrayBuffer
  /** Which message is its answer: it has these values at these pointers. Absent where none is waited for. */
  readonly match?: readonly (readonly [pointer: string, value: string | number | boolean])[]
  /** How long to wait for the answer, in ms. */
  readonly timeout?: number
}

/** What has become of it. */
export type Outcome =
  /** The socket has taken it. */
  | { readonly type: 'sent' }
  | { readonly type: 'answered'; readonly data: string }
  | { readonly type: 'not-sent' | 'no-answer'; readonly message: string }
