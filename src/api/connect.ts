import type { ConnectOptions, UrlFunction } from './connect-options.ts'
import type { Decoded, Decoder } from './decode.ts'
import { openStream } from './open-stream.ts'
import type { SharedStream } from './shared-stream.ts'

/**
 * Opens a stream that is shared by every tab of the origin that asks for the same: method, URL, credentials, headers, body,
 * key, the request that resumes (`resume`), and what to do with a redirect.
 *
 * @param url relative to the document's base URL; or a function that gives one, which is called in one of the pages before
 *   each connection, as a function for the headers is. It needs a `key`
 * @throws {DOMException} `SyntaxError` where `url` cannot be resolved
 * @throws {TabstreamError} of type `'configuration'` where an option makes no sense
 * @example
 * const stream = connect('/events', { events: { cpu: json<Cpu>(), log: text } })
 * stream.on('cpu', ({ data }) => draw(data.load))
 */
export function connect(url: string | URL, options?: ConnectOptions & { events?: undefined }): SharedStream
export function connect<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: string | URL,
  options: ConnectOptions<Decoders> & { events: Decoders },
): SharedStream<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connect(
  url: UrlFunction,
  options: ConnectOptions & { key: string; events?: undefined },
): SharedStream
export function connect<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: UrlFunction,
  options: ConnectOptions<Decoders> & { key: string; events: Decoders },
): SharedStream<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connect(url: string | URL | UrlFunction, options: ConnectOptions = {}): unknown {
  return openStream(url, options)
}
