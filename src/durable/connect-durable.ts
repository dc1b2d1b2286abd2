import { misuse, resolve } from '../api/checks.ts'
import type { ConnectOptions, UrlFunction } from '../api/connect-options.ts'
import type { Decoded, Decoder } from '../api/decode.ts'
import { openStream } from '../api/open-stream.ts'
import type { SharedStream } from '../api/shared-stream.ts'
import { demand, frameOf } from '../api/source-checks.ts'
import type { DurableOptions } from '../link/durable.ts'
import type { DurableConnectOptions } from './durable-options.ts'

/**
 * Opens a Durable Stream that is shared by every tab of the origin that asks for the same: as with `connect()`, by the protocol of
 * Durable Streams. A stream of JSON gives its messages one by one, one of text gives it as it comes.
 *
 * @param url of the stream, as with `connect()`
 * @throws {DOMException} `SyntaxError` where `url` cannot be resolved
 * @throws {TabstreamError} of type `'configuration'` where an option makes no sense
 * @example
 * const stream = connectDurable('/streams/orders', { frame: { name: '/type' } })
 * stream.on('created', ({ data }) => show(JSON.parse(data)))
 */
export function connectDurable(
  url: string | URL,
  options?: DurableConnectOptions & { events?: undefined },
): SharedStream
export function connectDurable<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: string | URL,
  options: DurableConnectOptions<Decoders> & { events: Decoders },
): SharedStream<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connectDurable(
  url: UrlFunction,
  options: DurableConnectOptions & { key: string; events?: undefined },
): SharedStream
export function connectDurable<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: UrlFunction,
  options: DurableConnectOptions<Decoders> & { key: string; events: Decoders },
): SharedStream<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connectDurable(
  url: string | URL | UrlFunction,
  options: DurableConnectOptions = {},
): unknown {
  if (typeof options !== 'object' || options === null) throw misuse('the options of a stream are an object')
  const { live, offset, frame, script, ...others } = options
  const source = {
    script: resolve(script ?? new URL('./durable-source.js', import.meta.url)),
    options: JSON.stringify(durableOptions(options)),
  }
  return openStream(url, others as ConnectOptions, undefined, { source })
}

/** @throws {TabstreamError} of type `'configuration'` */
function durableOptions({ live = 'sse', offset = '-1', frame }: DurableConnectOptions): DurableOptions {
  demand('live', live, '"sse" or "long-poll"', live === 'sse' || live === 'long-poll')
  const isOffset = typeof offset === 'string' && /^[^,&=?/]+$/.test(offset)
  demand('offset', offset, 'an offset of the server, "-1" or "now"', isOffset)
  const { each, id, ...framed } = frameOf(frame)
  if (each !== undefined || id !== undefined)
    throw misuse('the frame of a Durable Stream has a name and data; an ID comes from the offset')
  return { live, offset, frame: framed }
}
