import { isJson } from '../api/check-options.ts'
import { describe, misuse, resolve, withoutFragment } from '../api/checks.ts'
import type { ConnectOptions, UrlFunction } from '../api/connect-options.ts'
import type { Decoded, Decoder } from '../api/decode.ts'
import { openStream } from '../api/open-stream.ts'
import { SendingStream, wireOf } from '../api/sending-stream.ts'
import type { SharedSourceStream, SourceConnectOptions, SourceMessage } from './source-options.ts'

class SourceStream extends SendingStream implements SharedSourceStream {
  async send(message: SourceMessage): Promise<void> {
    await this.post({ data: wireOf(message) })
  }
}

/**
 * Opens a stream as `connect()` does, whose events a source of the app's own brings. Pages share it where URL, `source`, `options`, `key`
 * and headers are equal.
 *
 * @param url relative to the document's base URL, or a function that gives one, which needs a `key`. The source makes of it what it likes
 * @throws {DOMException} `SyntaxError` where `url` cannot be resolved
 * @throws {TabstreamError} of type `'configuration'` where an option makes no sense
 * @example
 * const orders = connectSource('/graphql', { source: '/graphql-source.js', options: { query: 'subscription { order { id } }' } })
 * orders.on('message', ({ data }) => show(JSON.parse(data)))
 */
export function connectSource(
  url: string | URL,
  options: SourceConnectOptions & { events?: undefined },
): SharedSourceStream
export function connectSource<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: string | URL,
  options: SourceConnectOptions<Decoders> & { events: Decoders },
): SharedSourceStream<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connectSource(
  url: UrlFunction,
  options: SourceConnectOptions & { key: string; events?: undefined },
): SharedSourceStream
export function connectSource<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: UrlFunction,
  options: SourceConnectOptions<Decoders> & { key: string; events: Decoders },
): SharedSourceStream<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connectSource(url: string | URL | UrlFunction, given: SourceConnectOptions): unknown {
  if (typeof given !== 'object' || given === null)
    throw misuse('a source of your own needs options: { source }')
  const { source, options, ...others } = given
  const unfit = UNFIT.find((name) => name in others)
  if (unfit !== undefined)
    throw misuse(`a source of your own is given no ${unfit}; put what it needs into options`)
  if (typeof others.resume === 'object') throw misuse('resume must be "auto" or "none"')
  if (options !== undefined && !isJson(options))
    throw misuse(`options must be what JSON can express, not ${describe(options)}`)
  const request = { script: scriptOf(source), options: JSON.stringify({ options }) }
  return openStream(
    url,
    others as ConnectOptions,
    undefined,
    { source: request, url: typeof url === 'function' ? resolve('/') : withoutFragment(resolve(url)) },
    SourceStream,
  )
}

/** What stands for a URL where a source is asked for by its name alone. Nothing is ever fetched from there. */
const BY_NAME = 'provideSources:'

const UNFIT = ['method', 'body', 'credentials', 'withCredentials', 'redirect']

/** A URL has a scheme, or says where it begins. */
const URL_LIKE = /^(?:\.{0,2}\/|https?:)/

/** @throws {TabstreamError} of type `'configuration'` */
function scriptOf(source: unknown): string {
  if (source instanceof URL || (typeof source === 'string' && URL_LIKE.test(source))) return resolve(source)
  if (typeof source === 'string' && /^[\w-]+$/.test(source)) return `${BY_NAME}#${source}`
  throw misuse(
    `source must be the URL of a script, which begins with "/", "./" or "https:", or the name of one that is provided, not ${describe(source)}`,
  )
}
