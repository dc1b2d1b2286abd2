import type { ConnectOptions, ResumeOptions } from '../api/connect-options.ts'
import type { Decoder } from '../api/decode.ts'

/** Options of `connectLines()`: those of `connect()`, and what it must know of the server's lines. */
export interface LinesConnectOptions<
  Decoders extends Readonly<Record<string, Decoder>> = Record<string, Decoder>,
> extends Omit<ConnectOptions<Decoders>, 'resume'> {
  /**
   * How the response is divided. `'ndjson'`: each line is JSON. `'json-seq'`: each JSON text begins with RS, as in RFC 7464, and one that
   * is not complete is left out. `'lines'`: each line is the data of a `message`.
   * @default 'ndjson'
   */
  format?: 'ndjson' | 'json-seq' | 'lines'
  /**
   * Where a line has its event's name, its ID and its data: JSON Pointers (RFC 6901), such as `{ name: '/event', id: '/id', data: '/message' }`.
   * A line without a name is a `message`. Without data, the whole line is the data. If a line brings several events, `each` says where
   * their list is (`''`: it is the line itself), and the others hold for each of them.
   * @default each line is the data of a `message`, and has no ID
   */
  frame?: { each?: string; name?: string; id?: string; data?: string }
  /**
   * How the server resumes after a lost connection. `'auto'`: the same request is made again, with the header `Last-Event-ID`. `{ query }`:
   * the ID is in this parameter of the URL instead, which takes no preflight. `method`, `url` and `body` say, as with `connect()`, that
   * another request is made. `'none'`: the server never resumes; it is not asked to, and a reconnection is no gap.
   * @default 'auto'
   */
  resume?: 'auto' | 'none' | (ResumeOptions & { query?: string })
  /** Names of events that only show that the server is there. No page is given them; where they have an ID, it counts. */
  heartbeat?: readonly string[]
  /**
   * Where the source for lines is, `dist/lines-source.js`, which the hub fetches: for apps whose tools do not place it beside the other
   * files. It must be of the page's origin.
   */
  script?: string | URL
}
