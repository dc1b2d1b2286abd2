import { describe, misuse, resolve, withoutFragment } from '../api/checks.ts'
import type { ConnectOptions, UrlFunction } from '../api/connect-options.ts'
import type { Decoded, Decoder } from '../api/decode.ts'
import { openStream } from '../api/open-stream.ts'
import { demand, frameOf, isObject } from '../api/source-checks.ts'
import { isPointer } from '../link/identify.ts'
import { LONGEST_TIMER } from '../link/protocol.ts'
import { HELLO, PROTOCOLS, type SocketOptions } from '../link/socket.ts'
import type { SharedSocket } from './shared-socket.ts'
import type { SocketConnectOptions } from './socket-options.ts'
import { SocketStream } from './socket-stream.ts'

/** How many ms a server may take to answer a heartbeat, where the page does not say. */
const WITHIN = 10_000

const QUEUE = 64

/**
 * Opens a WebSocket that is shared by every tab of the origin that asks for the same: URL, `key`, `hello`, and how its messages are
 * read. Its messages are events as those of `connect()`: with IDs they resume, and what may be missing is told.
 *
 * @param url relative to the document's base URL, of scheme `ws:`, `wss:`, `http:` or `https:`; or a function that gives one, which is
 *   called in one of the pages before each connection, for instance to put a ticket into it. It needs a `key`
 * @throws {DOMException} `SyntaxError` where `url` cannot be resolved
 * @throws {TabstreamError} of type `'configuration'` where an option makes no sense
 * @example
 * const socket = connectSocket('/live', { frame: { name: '/type', id: '/seq', data: '/payload' }, resume: { query: 'after' } })
 * socket.on('tick', ({ data }) => draw(JSON.parse(data)))
 * await socket.send({ type: 'watch', symbol: 'ACME' })
 */
export function connectSocket(
  url: string | URL,
  options?: SocketConnectOptions & { events?: undefined },
): SharedSocket
export function connectSocket<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: string | URL,
  options: SocketConnectOptions<Decoders> & { events: Decoders },
): SharedSocket<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connectSocket(
  url: UrlFunction,
  options: SocketConnectOptions & { key: string; events?: undefined },
): SharedSocket
export function connectSocket<const Decoders extends Readonly<Record<string, Decoder>>>(
  url: UrlFunction,
  options: SocketConnectOptions<Decoders> & { key: string; events: Decoders },
): SharedSocket<{ [Name in keyof Decoders & string]: Decoded<Decoders[Name]> }>
export function connectSocket(url: string | URL | UrlFunction, options: SocketConnectOptions = {}): unknown {
  if (typeof options !== 'object' || options === null) throw misuse('the options of a socket are an object')
  const { protocols, frame, binary, hello, resume, heartbeat, closeCodes, queue, script, ...others } = options
  const unfit = UNFIT.find((name) => name in others)
  if (unfit !== undefined) throw misuse(`a WebSocket has no ${unfit}`)
  const source = {
    script: resolve(script ?? new URL('./websocket-source.js', import.meta.url)),
    options: JSON.stringify(socketOptions(options)),
  }
  if (hello === undefined && 'hello' in Object(resume))
    throw misuse('resume: { hello } needs a hello with an object that has a place for the ID')
  const at = typeof url === 'function' ? url : socketUrl(url)
  return openStream(
    typeof at === 'string' ? at : async (reason) => givenUrl(await at(reason)),
    {
      ...others,
      headers: headersOf(options),
      ...(resume === 'none' && { resume }),
    } as ConnectOptions,
    undefined,
    { source, url: typeof at === 'string' ? at : socketUrl('/') },
    SocketStream,
  )
}

/** Options of `connect()` that a request has and a WebSocket has not. */
const UNFIT = ['method', 'body', 'headers', 'credentials', 'withCredentials', 'redirect']

/** @throws {TabstreamError} of type `'configuration'` */
function socketUrl(url: string | URL): string {
  const { href, protocol } = new URL(resolve(url))
  if (!/^(http|ws)s?:$/.test(protocol)) throw misuse(`a WebSocket has no URL of scheme "${protocol}"`)
  return withoutFragment(href.replace(/^http/, 'ws'))
}

/** What is no URL is left to the check of URLs that functions give, whose words do not repeat it. */
function givenUrl(given: string | URL): string | URL {
  try {
    const isUrl = (typeof given === 'string' && given !== '') || given instanceof URL
    return isUrl ? socketUrl(given) : given
  } catch {
    return ''
  }
}

/** What is given anew for each connection comes as headers do. */
function headersOf({ hello, protocols }: SocketConnectOptions): ConnectOptions['headers'] {
  const asksHello = typeof hello === 'function'
  const said = hello !== undefined && !asksHello ? { [HELLO]: wordsOf(hello) } : undefined
  if (!asksHello && typeof protocols !== 'function') return said
  return async (reason) => {
    const [words, spoken] = await Promise.all([
      asksHello ? hello(reason) : undefined,
      typeof protocols === 'function' ? protocols(reason) : [],
    ])
    const names = listOf(spoken)
    if (names === undefined) throw misuse('the function for protocols must give a name or a list of names')
    return {
      ...(asksHello ? { [HELLO]: wordsOf(words) } : said),
      ...(names.length > 0 && { [PROTOCOLS]: names.join() }),
    }
  }
}

/** `undefined` where it is none. */
function listOf(protocols: unknown): readonly string[] | undefined {
  const names = typeof protocols === 'string' ? [protocols] : protocols
  return Array.isArray(names) && names.every(isToken) ? names : undefined
}

/** As JSON, in characters that a header can have. */
function wordsOf(hello: unknown): string {
  if (!Array.isArray(hello)) throw misuse(`hello must be a list of messages, not ${describe(hello)}`)
  const text = jsonOf(hello, 'hello')
  return text.replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function jsonOf(value: unknown, name: string): string {
  try {
    const text = JSON.stringify(value)
    if (text !== undefined) return text
  } catch {
    // Said below.
  }
  throw misuse(`${name} must be what JSON can express`)
}

/** @throws {TabstreamError} of type `'configuration'` */
function socketOptions(options: SocketConnectOptions): SocketOptions {
  const { protocols = [], binary = 'binary', resume, heartbeat, closeCodes = {} } = options
  const { queue = QUEUE } = options
  const spoken = typeof protocols === 'function' ? [] : listOf(protocols)
  demand('protocols', protocols, 'a name or a list of names', spoken !== undefined)
  demand('binary', binary, 'the name of an event', typeof binary === 'string' && binary !== '')
  demand('queue', queue, 'a whole number', Number.isInteger(queue) && queue >= 0)
  const isCodes =
    isObject(closeCodes) &&
    Object.entries(closeCodes).every(
      ([code, meaning]) => /^\d{4}$/.test(code) && ['retry', 'end', 'unauthorized'].includes(meaning),
    )
  demand('closeCodes', closeCodes, 'an object that gives codes "retry", "end" or "unauthorized"', isCodes)
  const way = resume === 'none' ? undefined : resume
  demand(
    'resume',
    resume,
    '"none", { query: name } or { hello: JSON Pointer }',
    way === undefined || isWay(way),
  )
  return {
    protocols: [...(spoken ?? [])],
    frame: frameOf(options.frame),
    binary,
    resume: way && { ...way },
    heartbeat: heartbeat && heartbeatOf(heartbeat),
    closeCodes: { ...closeCodes },
    queue,
  }
}

function heartbeatOf(given: NonNullable<SocketConnectOptions['heartbeat']>): SocketOptions['heartbeat'] {
  const { every, send, expect, within = WITHIN } = Object(given) as typeof given
  const isTime = (time: unknown): time is number =>
    typeof time === 'number' && time >= 0 && time <= LONGEST_TIMER
  demand('heartbeat.every', every, 'a number of ms, 1000 at least', isTime(every) && every >= 1_000)
  demand('heartbeat.within', within, 'a number of ms', isTime(within))
  demand('heartbeat.expect', expect, 'the name of an event', ['string', 'undefined'].includes(typeof expect))
  return { every, within, expect, send: typeof send === 'string' ? send : jsonOf(send, 'heartbeat.send') }
}

/** [spec] What a WebSocket's constructor takes. https://websockets.spec.whatwg.org/#dom-websocket-websocket */
const isToken = (name: unknown): boolean => typeof name === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(name)

const isWay = (way: unknown): boolean =>
  isObject(way) &&
  Object.keys(way).length === 1 &&
  (('query' in way && typeof way.query === 'string' && way.query !== '') ||
    ('hello' in way && isPointer(way.hello) && way.hello !== '' && !/__proto__/.test(way.hello)))
