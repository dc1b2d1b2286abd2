import type { ConnectOptions } from '../api/connect-options.ts'
import type { Decoder } from '../api/decode.ts'
import type { SharedStream } from '../api/shared-stream.ts'
import type { StreamMessage } from '../api/stream-message.ts'

/** Options of `connect()` that a source of the app's own has no use for. */
type Unfit = 'method' | 'body' | 'credentials' | 'withCredentials' | 'redirect' | 'resume'

/** Options of `connectSource()`. */
export interface SourceConnectOptions<
  Decoders extends Readonly<Record<string, Decoder>> = Record<string, Decoder>,
> extends Omit<ConnectOptions<Decoders>, Unfit> {
  /**
   * Where the source is: the URL of a module of the page's origin, which exports it as `source`, or provides it under the name that is the
   * URL's fragment; or the name of one that `provideSources()` has been given where the hub is.
   */
  source: string | URL
  /** For the source: what JSON can express. Streams with other options are not shared. */
  options?: unknown
  /** `'none'`: the source has no IDs, and a reconnection leaves no gap, because nothing is missing. @default 'auto' */
  resume?: 'auto' | 'none'
}

export type { StreamMessage as SourceMessage } from '../api/stream-message.ts'

/** A stream by a source of the app's own, opened by `connectSource()`. */
export interface SharedSourceStream<T extends object = Record<string, string>> extends SharedStream<T> {
  /**
   * Gives the source a message, and resolves when its `send()` has. While there is no connection it waits for the next one. It is given
   * once at most.
   *
   * Rejects with a {@link TabstreamError}: of type `'not-sent'` where the source's `send()` fails or there is none, too many messages wait,
   * or the stream has ended; of type `'hub-lost'` where the hub has gone with the message, which may have been sent.
   */
  send(message: StreamMessage): Promise<void>
}
