import {
  type ConnectionError,
  EVENT_SOURCE_POLICY,
  type HeadersReason,
  LEAST_IDLE_TIMEOUT,
  LONGEST_TIMER,
  type Replay,
  type StreamRequest,
} from '../link/protocol.ts'
import type { Client } from '../page/client.ts'
import type { Wish } from '../page/page-subscription.ts'
import { checkReplay, describe, misuse, resolve, withoutFragment } from './checks.ts'
import type { Decoded, Decoder } from './decode.ts'
import { pageClient } from './page-client.ts'
import { PageStream } from './page-stream.ts'
import type { SharedStream, StreamEvent } from './shared-stream.ts'

/** Options of {@link connect}. */
export interface ConnectOptions<
  Decoders extends Readonly<Record<string, Decoder>> = Record<string, Decoder>,
> {
  /** @default 'GET' */
  method?: string
  /** What is no string is sent as JSON. */
  body?: unknown
  /**
   * Headers of the request; or a function that gives them, called in one of the pages before each connection, with the
   * reason. When the server answers 401 or 403 it is called once more before the stream ends.
   */
  headers?: HeadersInit | ((reason: HeadersReason) => HeadersInit | Promise<HeadersInit>)
  /**
   * Tells apart streams that are equal otherwise, for instance by the user's ID. With a function for the headers, pages
   * share a stream only where both give the same key or, without one, where the first headers are equal.
   */
  key?: string
  /** @default 'same-origin' */
  credentials?: RequestCredentials
  /** Short for `credentials: 'include'`. */
  withCredentials?: boolean
  /**
   * Whether to follow a redirect. The headers and the body go along, to whichever origin it leads; script is not told that
   * before. `'error'` ends the stream instead.
   * @default 'error' where there are headers or a body, otherwise 'follow'
   */
  redirect?: 'follow' | 'error'
  /** How to make values of the data of these events. Without it, all events are heard of and their data are strings. */
  events?: Decoders
  /** As with `SharedEventSource`: how many of the latest events to be given first. */
  replay?: Replay
  /**
   * `false` for no further attempt after a failure; or a function that says after how many ms to make one, or `false`.
   * @default exponential back-off with jitter, from the server's `retry:` time (1 s) to 30 s
   */
  retry?: boolean | ((attempt: number, error: ConnectionError) => number | false | Promise<number | false>)
  /** How many attempts in a row may follow a failure. */
  maxRetries?: number
  /**
   * After so many ms without a byte from the server, comments included, the connection is given up: 1,000 at least, or 0 for
   * never. It holds for all who share the stream.
   * @default 0
   */
  idleTimeout?: number
  /**
   * How many characters an event may have, data, name and ID together: more end the stream. Where it has more than 1,024 lines
   * of data, each of them counts as 16 at least.
   * @default 8 Mi
   */
  maxEventSize?: number
  /** The event after which the stream is over, for all who share it. It is still given to the listeners. */
  until?: (event: StreamEvent) => boolean
  /** Closes the stream. */
  signal?: AbortSignal
}

const OPTIONS: Readonly<Record<keyof ConnectOptions, (value: unknown) => string | undefined>> = {
  method: (value) =>
    typeof value === 'string' && METHOD.test(value) ? undefined : 'the name of a method that fetch() takes',
  body: (value) => (isJson(value) ? undefined : 'a string, or what JSON can express'),
  headers: (value) =>
    typeof value === 'function' || isHeaders(value)
      ? undefined
      : 'an object, or a function that gives one, with names and values that HTTP can carry',
  key: (value) =>
    typeof value === 'string' && value !== ''
      ? undefined
      : 'a string that is not empty; leave it out where there is none',
  credentials: (value) =>
    ['omit', 'same-origin', 'include'].includes(value as string)
      ? undefined
      : '"omit", "same-origin" or "include"',
  withCredentials: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  redirect: (value) => (value === 'follow' || value === 'error' ? undefined : '"follow" or "error"'),
  events: (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every(isDecoder)
      ? undefined
      : 'an object that gives each name json(), text, a function or a schema',
  replay: () => undefined,
  retry: (value) =>
    ['boolean', 'function'].includes(typeof value) ? undefined : 'true, false or a function',
  maxRetries: (value) => (isCount(value) ? undefined : 'a whole number, or Infinity'),
  idleTimeout: (value) =>
    value === 0 || (isPositive(value) && (value as number) >= LEAST_IDLE_TIMEOUT)
      ? undefined
      : `a number of ms: ${LEAST_IDLE_TIMEOUT} at least, or 0 for none`,
  maxEventSize: (value) => (isPositive(value) ? undefined : 'a number of characters greater than 0'),
  until: (value) => (typeof value === 'function' ? undefined : 'a function'),
  signal: (value) => (value instanceof AbortSignal ? undefined : 'an AbortSignal'),
}

/** For how many ms headers that were given for one purpose are good for the other. */
const FRESH = 10_000

/**
 * Opens a stream that is shared by every tab of the origin that asks for the same: method, URL, credentials, headers, body,
 * key, and what to do with a redirect.
 *
 * @param url relative to the document's base URL
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
export function connect(url: string | URL, options: ConnectOptions = {}): unknown {
  const own = listed(options)
  check(own)
  const { events, until, signal } = own
  const client = pageClient()
  const wish = wishOf(withoutFragment(resolve(url)), own, client)
  return new PageStream(client, wish, { decoders: events, until, signal })
}

/** An iterator can be gone through only once, so what it gives is listed before it is looked at. */
function listed(options: ConnectOptions): ConnectOptions {
  const headers: unknown = options?.headers
  const isIterable = typeof headers === 'object' && headers !== null && Symbol.iterator in headers
  return isIterable ? { ...options, headers: [...(headers as Iterable<[string, string]>)] } : options
}

function check(options: ConnectOptions): void {
  if (typeof options !== 'object' || options === null) throw misuse('connect() takes an object of options')
  for (const [name, value] of Object.entries(options)) {
    const problemOf = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof ConnectOptions] : undefined
    if (problemOf === undefined) {
      throw misuse(`connect() knows no option "${name}"; it takes ${Object.keys(OPTIONS).join(', ')}`)
    }
    const wanted = value === undefined ? undefined : problemOf(value)
    if (wanted !== undefined) throw misuse(`${name} must be ${wanted}, not ${describe(value)}`)
  }
  const method = options.method?.toUpperCase() ?? 'GET'
  if (options.body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw misuse(`a ${method} request has no body; say method: "POST"`)
  }
}

function wishOf(url: string, options: ConnectOptions, client: Pick<Client, 'now' | 'randomId'>): Wish {
  const { body, headers, key, retry, maxRetries = Number.POSITIVE_INFINITY } = options
  const { idleTimeout = 0, maxEventSize = EVENT_SOURCE_POLICY.maxEventSize } = options
  const isJson = body !== undefined && typeof body !== 'string'
  const base = {
    url,
    credentials: options.withCredentials ? 'include' : (options.credentials ?? 'same-origin'),
    method: options.method?.toUpperCase() ?? 'GET',
    body: isJson ? JSON.stringify(body) : body,
    key: key ?? '',
    asksHeaders: typeof headers === 'function',
    redirect: options.redirect,
  } as const
  const normal = (given: HeadersInit | undefined) => normalised(given, isJson)
  const policy = {
    retries: retry === false ? 0 : maxRetries,
    retriesStatuses: true,
    asksRetry: typeof retry === 'function',
    asksEnd: options.until !== undefined,
    // Whoever says how to retry wants it.
    repeatsUnsafe: (retry !== undefined && retry !== false) || options.maxRetries !== undefined,
    idleTimeout: Math.min(idleTimeout, LONGEST_TIMER),
    maxEventSize,
  }
  const wish = {
    policy,
    replay: checkReplay(options.replay),
    retryDelay:
      typeof retry === 'function' ? async (...args: Parameters<typeof retry>) => retry(...args) : undefined,
  }
  if (typeof headers !== 'function') return { ...wish, request: { ...base, headers: normal(headers) } }
  const ask = async (reason: HeadersReason) => normal(await headers(reason))
  if (key !== undefined) return { ...wish, headers: ask, request: { ...base, headers: [] } }
  // What tells users apart is only in the headers themselves. They are good for the first connection, too.
  let first: { readonly headers: StreamRequest['headers']; readonly at: number } | undefined
  const request = ask('connect').then(
    (headers) => {
      first = { headers, at: client.now() }
      return { ...base, headers }
    },
    // Nobody knows whose stream this is: it is shared with nobody.
    () => ({ ...base, headers: [], key: client.randomId() }),
  )
  const askLater = (reason: HeadersReason) => {
    const known = reason === 'connect' && first && client.now() - first.at < FRESH ? first.headers : undefined
    first = undefined
    return known === undefined ? ask(reason) : Promise.resolve(known)
  }
  return { ...wish, headers: askLater, request }
}

/** Names in lower case, sorted; as `Headers` does it. */
function normalised(given: HeadersInit | undefined, isJson: boolean): [string, string][] {
  const headers = new Headers(given)
  if (isJson && !headers.has('Content-Type')) headers.set('Content-Type', 'application/json')
  return [...headers]
}

/** A token, and none of those that `fetch` forbids: it would fail again and again. */
const METHOD = /^(?!(connect|trace|track)$)[\w!#$%&'*+.^`|~-]+$/i

/** Objects of the platform, such as a form, would arrive as `{}`. */
function isJson(value: unknown): boolean {
  const kind = Object.prototype.toString.call(value)
  const isForeign = typeof value === 'object' && !['Object', 'Array', 'Null'].includes(kind.slice(8, -1))
  try {
    return JSON.stringify(value) !== undefined && (!isForeign || typeof (value as Date).toJSON === 'function')
  } catch {
    return false
  }
}

function isHeaders(value: unknown): boolean {
  try {
    return typeof value === 'object' && value !== null && new Headers(value as HeadersInit) !== undefined
  } catch {
    return false
  }
}

const isDecoder = (value: unknown): boolean =>
  typeof value === 'function' || (typeof value === 'object' && value !== null && '~standard' in value)

const isPositive = (value: unknown): boolean => typeof value === 'number' && value > 0

const isCount = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)
