import { misuse, resolve } from '../api/checks.ts'
import type { ConnectOptions } from '../api/connect-options.ts'
import type { Decoded, Decoder } from '../api/decode.ts'
import { openStream } from '../api/open-stream.ts'
import { demand, isObject } from '../api/source-checks.ts'
import { isPointer } from '../link/identify.ts'
import type { SourceRequest } from '../link/protocol.ts'
import type { Engine } from '../link/topics.ts'
import type { SharedTopics } from './shared-topics.ts'
import type { TopicsConnectOptions } from './topics-options.ts'
import { TopicsStream } from './topics-stream.ts'

/**
 * Opens one stream of many topics, shared by every tab of the origin that names the same URL and engine. Each tab listens to the topics
 * that it wants, and may change its mind at any time. The server is asked for those that some tab wants.
 *
 * @param url relative to the document's base URL, without topics; `{topics}` in it is where they go, if that is not a parameter
 * @throws {DOMException} `SyntaxError` where `url` cannot be resolved
 * @throws {TabstreamError} of type `'configuration'` where an option makes no sense
 * @example
 * const books = connectTopics('/.well-known/mercure', { engine: mercure({ topic: '/@id' }) })
 * books.on('https://example.com/books/1', ({ data }) => show(JSON.parse(data)))
 */
export function connectTopics(
  url: string | URL,
  options: TopicsConnectOptions & { events?: undefined },
): SharedTopics
export function connectTopics<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: string | URL,
  options: TopicsConnectOptions<Decoders> & { events: Decoders },
): SharedTopics<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connectTopics(url: string | URL, options: TopicsConnectOptions): unknown {
  const { engine, script, ...others } = Object(options) as TopicsConnectOptions
  if (typeof url === 'function') throw misuse('topics have no function for the URL; headers may be one')
  const unfit = UNFIT.find((name) => name in others)
  if (unfit !== undefined) throw misuse(`topics have no ${unfit}${WHY[unfit] ?? ''}`)
  checkEngine(engine)
  const source: SourceRequest = {
    script: resolve(script ?? new URL('./topics-source.js', import.meta.url)),
    // In one order, since tabs share where it is equal.
    options: JSON.stringify(engine, NAMES),
    isSelective: true,
  }
  const gapEvents = engine.gaps && { gapEvents: engine.gaps }
  const at = resolve(url)
  return openStream(
    at,
    { ...others, ...gapEvents } as ConnectOptions,
    undefined,
    { source, url: at },
    TopicsStream,
  )
}

const UNFIT = ['gapEvents', 'resume', 'since', 'until'] as const

const WHY: Readonly<Record<string, string>> = {
  gapEvents: '; the engine’s gaps say which events mean one',
  resume: '; the engine says how to resume',
}

const TEXTS = ['protocol', 'token', 'parameter', 'separator', 'topic', 'id', 'data', 'resume'] as const
const LISTS = ['heartbeats', 'gaps', 'errors'] as const
const POSITIONS: unknown[] = ['eventstream', 'nchan', 'kafka']
const NAMES: string[] = [...TEXTS, ...LISTS, 'positions']

/** @throws {TabstreamError} of type `'configuration'` */
function checkEngine(engine: Engine): void {
  demand('engine', engine, 'an object such as mercure()', isObject(engine))
  const unknown = Object.keys(engine).find((name) => !NAMES.includes(name))
  if (unknown !== undefined) throw misuse(`an engine has no ${unknown}`)
  const check = (name: keyof Engine, wanted: string, isSo: (given: unknown) => boolean) =>
    demand(`engine.${name}`, engine[name], wanted, engine[name] === undefined || isSo(engine[name]))
  for (const name of TEXTS) check(name, 'a text', isText)
  for (const name of LISTS) check(name, 'a list of names of events', isList)
  check('protocol', '"centrifugo"', (given) => given === 'centrifugo')
  check('topic', 'a JSON Pointer or "event"', (given) => given === 'event' || isPointer(given))
  check('positions', '"eventstream", "nchan" or "kafka"', (given) => POSITIONS.includes(given))
  check('id', 'a JSON Pointer', isPointer)
  check('data', 'a JSON Pointer', isPointer)
}

const isText = (given: unknown): boolean => typeof given === 'string' && given !== ''

const isList = (given: unknown): boolean => Array.isArray(given) && given.every(isText)
