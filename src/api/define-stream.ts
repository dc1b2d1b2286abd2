import { checkOptions } from './check-options.ts'
import type { ConnectOptions, UrlFunction } from './connect-options.ts'
import type { Decoded, Decoder } from './decode.ts'
import { type LazyStream, PageLazyStream } from './lazy-stream.ts'

type Decoders = Readonly<Record<string, Decoder>>

/** Names and types of the events that these decoders make. */
type TypesOf<D extends Decoders> = { [Name in keyof D & string]: Decoded<D[Name]> }

/** Options as of {@link connect}, or a function that gives them whenever the stream opens. */
type Given<Options> = Options | (() => Options)

/**
 * Defines a stream that opens when somebody first uses it, and closes when nobody does any more. It can be defined anywhere, also at
 * the top of a module, and where there is no browser.
 *
 * @param url as for {@link connect}
 * @param options as for {@link connect}; where a function gives them, it is called whenever the stream opens, so that a user or a
 *   key is that of the moment
 * @throws {TabstreamError} of type `'configuration'` where an option makes no sense; where a function gives them, when it opens
 * @example
 * const feed = defineStream('/events', { events: { cpu: json<Cpu>(), log: text } })
 * const stop = feed.latest('cpu').subscribe((event) => draw(event?.data.load ?? 0))
 */
export function defineStream(
  url: string | URL,
  options?: Given<ConnectOptions & { events?: undefined }>,
): LazyStream
export function defineStream<const D extends Decoders>(
  url: string | URL,
  options: Given<ConnectOptions<D> & { events: D }>,
): LazyStream<TypesOf<D>>
export function defineStream(
  url: UrlFunction,
  options: Given<ConnectOptions & { key: string; events?: undefined }>,
): LazyStream
export function defineStream<const D extends Decoders>(
  url: UrlFunction,
  options: Given<ConnectOptions<D> & { key: string; events: D }>,
): LazyStream<TypesOf<D>>
export function defineStream(url: string | URL | UrlFunction, options: Given<ConnectOptions> = {}): unknown {
  if (typeof options === 'function') return new PageLazyStream(url, options)
  const own = checkOptions(url, options)
  return new PageLazyStream(url, () => own)
}

/** What {@link streamFamily} tells streams apart by. */
type Argument = string | number | boolean | null | undefined

/**
 * Defines a stream for each set of arguments: the same arguments give the same stream, as long as it is in use.
 *
 * @param define makes one stream of its arguments, with {@link defineStream}
 * @example
 * const machine = streamFamily((id: string) => defineStream(`/machines/${id}`, { events: { cpu: json<Cpu>() } }))
 * machine('a').latest('cpu') // the same store in each component
 */
export function streamFamily<Arguments extends readonly Argument[], Stream extends object>(
  define: (...args: Arguments) => Stream,
): (...args: Arguments) => Stream {
  const known = new Map<string, WeakRef<Stream>>()
  /** With so many it looks for those that are gone, so that each costs the same however many there are. */
  let most = 64
  return (...args) => {
    const key = JSON.stringify(args)
    const present = known.get(key)?.deref()
    if (present !== undefined) return present
    if (known.size >= most) {
      for (const [key, stream] of known) if (stream.deref() === undefined) known.delete(key)
      most = 2 * known.size + 64
    }
    const stream = define(...args)
    known.set(key, new WeakRef(stream))
    return stream
  }
}
