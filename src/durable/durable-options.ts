import type { ConnectOptions } from '../api/connect-options.ts'
import type { Decoder } from '../api/decode.ts'

/** Options of `connect()` that the protocol decides. */
type Unfit = 'method' | 'body' | 'resume' | 'gapEvents'

/** Options of `connectDurable()`: those of `connect()`, and these. Tabs share where the latter are equal, too. */
export interface DurableConnectOptions<
  Decoders extends Readonly<Record<string, Decoder>> = Record<string, Decoder>,
> extends Omit<ConnectOptions<Decoders>, Unfit> {
  /**
   * How the server tells what is new. `'sse'`: as it comes, in one response after the other. `'long-poll'`: in a response for each time,
   * which passes everything that delays or buffers responses. Text always comes so.
   * @default 'sse'
   */
  live?: 'sse' | 'long-poll'
  /**
   * Where the stream begins: an offset of the server's, `'-1'` for its beginning, or `'now'`. A tab that joins others is given what comes
   * from then on; `since` says more.
   * @default '-1'
   */
  offset?: string
  /**
   * Where a message in JSON has its event's name and data: JSON Pointers (RFC 6901), such as `{ name: '/type', data: '/value' }`. Without
   * a name it is a `message`. Without data, the whole message is the data.
   * @default each message is the data of a `message`
   */
  frame?: { name?: string; data?: string }
  /**
   * Where the source for Durable Streams is, `dist/durable-source.js`, which the hub fetches: for apps whose tools do not place it beside
   * the other files. It must be of the page's origin.
   */
  script?: string | URL
}
