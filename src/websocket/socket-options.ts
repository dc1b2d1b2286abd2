import type { ConnectOptions } from '../api/connect-options.ts'
import type { Decoder } from '../api/decode.ts'
import type { CloseMeaning } from '../link/socket.ts'
import type { SocketMessage } from './shared-socket.ts'

/** Options of `connect()` that mean the same here. */
type Common =
  | 'key'
  | 'events'
  | 'replay'
  | 'since'
  | 'retry'
  | 'maxRetries'
  | 'ephemeral'
  | 'gapEvents'
  | 'identify'
  | 'idleTimeout'
  | 'maxEventSize'
  | 'lag'
  | 'hidden'
  | 'priority'
  | 'until'
  | 'signal'

/** Why a connection is made: it is the first, another one, or the server has refused the last one's credentials. */
type Reason = Parameters<Extract<ConnectOptions['headers'], (...args: never) => unknown>>[0]

type Protocols = string | readonly string[]

/** Options of `connectSocket()`. */
export interface SocketConnectOptions<
  Decoders extends Readonly<Record<string, Decoder>> = Record<string, Decoder>,
> extends Pick<ConnectOptions<Decoders>, Common> {
  /**
   * Subprotocols that the client speaks. A function is called before each connection, as one for the headers of `connect()` is, with the
   * reason; for instance for a token among them. What it gives is part of what makes streams the same, unless there is a `key`.
   */
  protocols?: Protocols | ((reason: Reason) => Protocols | Promise<Protocols>)
  /**
   * Where a message has its event's name, its ID and its data: JSON Pointers (RFC 6901), such as `{ name: '/type', id: '/seq', data: '/payload' }`.
   * A message without a name is a `message`. Without data, the whole message is the data. If a message brings several events, `each` says
   * where their list is (`''`: it is the message itself), and the others hold for each of them.
   * @default each message is the data of a `message`, and has no ID
   */
  frame?: { each?: string; name?: string; id?: string; data?: string }
  /** Name of the events that binary messages are. `bytes` decodes their data. @default 'binary' */
  binary?: string
  /**
   * What is sent first on each connection, such as a token or a subscription: a list of messages, strings as they are and other values as
   * JSON. A function is called before each connection, as one for the headers of `connect()` is, with the reason. What is sent is part of
   * what makes streams the same, unless there is a `key` and a function.
   */
  hello?:
    | readonly Exclude<SocketMessage, ArrayBuffer | ArrayBufferView>[]
    | ((reason: Reason) => readonly unknown[] | Promise<readonly unknown[]>)
  /**
   * How the server is told the ID of the last event, so that it resumes: as a parameter of the URL, or at this place (a JSON Pointer) of
   * the first object in `hello`. Without it a reconnection leaves a gap. `'none'`: it leaves none, because nothing is
   * missing.
   */
  resume?: 'none' | { query: string } | { hello: string }
  /**
   * After so many ms (`every`) without a message from the server, this message is sent. If then nothing comes within so many ms (`within`,
   * 10,000; 0 for any time), the connection is given up. An event of the name `expect` is the answer, which pages are not given.
   */
  heartbeat?: {
    every: number
    send: Exclude<SocketMessage, ArrayBuffer | ArrayBufferView>
    expect?: string
    within?: number
  }
  /**
   * What close codes mean. `'retry'`: another connection is made, and resumes. `'end'`: the stream has ended, with the code as the status
   * of its error. `'unauthorized'`: functions are asked for new credentials, as after a 401.
   * @default 4401 is `'unauthorized'`, 1008 and 4000 to 4999 `'end'`, all others `'retry'`
   */
  closeCodes?: Readonly<Record<number, CloseMeaning>>
  /** How many messages of all tabs may wait for a connection. @default 64 */
  queue?: number
  /**
   * Where the source for WebSockets is, `dist/websocket-source.js`, which the hub fetches: for apps whose tools do not place it beside the
   * other files. It must be of the page's origin.
   */
  script?: string | URL
}
