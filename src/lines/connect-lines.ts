import { misuse, resolve } from '../api/checks.ts'
import type { ConnectOptions, UrlFunction } from '../api/connect-options.ts'
import type { Decoded, Decoder } from '../api/decode.ts'
import { openStream } from '../api/open-stream.ts'
import type { SharedStream } from '../api/shared-stream.ts'
import { demand, frameOf, isObject } from '../api/source-checks.ts'
import type { LineOptions } from '../link/lines.ts'
import type { LinesConnectOptions } from './lines-options.ts'

/**
 * Opens a stream of lines, such as NDJSON, that is shared by every tab of the origin that asks for the same: as with `connect()`, and how
 * its lines are read.
 *
 * @param url as with `connect()`
 * @throws {DOMException} `SyntaxError` where `url` cannot be resolved
 * @throws {TabstreamError} of type `'configuration'` where an option makes no sense
 * @example
 * const stream = connectLines('/alerts/json', { frame: { name: '/event', id: '/id' }, resume: { query: 'since' } })
 * stream.on('message', ({ data }) => show(JSON.parse(data)))
 */
export function connectLines(
  url: string | URL,
  options?: LinesConnectOptions & { events?: undefined },
): SharedStream
export function connectLines<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: string | URL,
  options: LinesConnectOptions<Decoders> & { events: Decoders },
): SharedStream<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connectLines(
  url: UrlFunction,
  options: LinesConnectOptions & { key: string; events?: undefined },
): SharedStream
export function connectLines<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: UrlFunction,
  options: LinesConnectOptions<Decoders> & { key: string; events: Decoders },
): SharedStream<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connectLines(url: string | URL | UrlFunction, options: LinesConnectOptions = {}): unknown {
  if (typeof options !== 'object' || options === null) throw misuse('the options of a stream are an object')
  const { format, frame, resume, heartbeat, script, ...others } = options
  const source = {
    script: resolve(script ?? new URL('./lines-source.js', import.meta.url)),
    options: JSON.stringify(lineOptions(options)),
  }
  return openStream(url, { ...others, ...requestOf(resume) } as ConnectOptions, undefined, { source })
}

/** What `connect()` knows of how to resume. */
function requestOf(resume: LinesConnectOptions['resume']): Pick<ConnectOptions, 'resume'> {
  if (!isObject(resume)) return resume === undefined ? {} : { resume }
  const { query: _, ...request } = resume
  return Object.keys(request).length === 0 ? {} : { resume: request }
}

/** @throws {TabstreamError} of type `'configuration'` */
function lineOptions({ format = 'ndjson', frame, resume, heartbeat = [] }: LinesConnectOptions): LineOptions {
  const isFormat = ['ndjson', 'json-seq', 'lines'].includes(format)
  demand('format', format, '"ndjson", "json-seq" or "lines"', isFormat)
  const isNames = Array.isArray(heartbeat) && heartbeat.every((name) => typeof name === 'string')
  demand('heartbeat', heartbeat, 'a list of names of events', isNames)
  const query = isObject(resume) ? resume.query : undefined
  const isName = query === undefined || (typeof query === 'string' && query !== '')
  demand('resume.query', query, 'the name of a parameter', isName)
  const framed = frameOf(frame)
  if (
    format === 'lines' &&
    (Object.values(framed).some((pointer) => pointer !== undefined) || heartbeat.length > 0)
  )
    throw misuse('format: "lines" has neither a frame nor a heartbeat; with JSON in its lines it is "ndjson"')
  return { format, frame: framed, query, heartbeat: [...heartbeat] }
}
