import { isHidden } from '../link/hidden.ts'
import { identifier, isPointer } from '../link/identify.ts'
import {
  type ConnectionDetails,
  type ConnectionError,
  EVENT_SOURCE_POLICY,
  type HeadersReason,
  type Hidden,
  LEAST_IDLE_TIMEOUT,
  LONGEST_TIMER,
  type Replay,
  type ResumeRequest,
} from '../link/protocol.ts'
import type { Client } from '../page/client.ts'
import type { Wish } from '../page/page-subscription.ts'
import { wishByHeaders } from './by-headers.ts'
import { checkReplay, describe, isSignal, mannersOf, misuse, resolve, withoutFragment } from './checks.ts'
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
  /** Values other than strings are sent as JSON. */
  body?: unknown
  /**
   * Headers of the request; or a function that gives them, called before each connection with the reason: with a `key` in one
   * of the pages, otherwise in each. When the server answers 401 or 403 it is called in one page after the other before the
   * stream ends.
   */
  headers?: HeadersInit | ((reason: HeadersReason) => HeadersInit | Promise<HeadersInit>)
  /**
   * Tells apart streams that are equal otherwise, for instance by the user's ID. With a function for the headers, pages
   * share a stream only where both give the same key or, without one, for as long as both give the same headers. With a function
   * for the URL there must be one, which names the stream as well as the user: the URLs that it gives tell nothing apart.
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
   * The page has everything up to this event ID, for instance in a snapshot, and wants what follows. It is given from the log
   * where that reaches back to the ID. Otherwise the server is asked: by the first connection, which sends the ID in
   * `Last-Event-ID`; or where the stream is there already, by a second one that ends as soon as it has led up to the log. If it
   * does not, a gap (`history-lost`) comes first, as it does at once with `resume: 'none'` (`unresumable`); then what comes from
   * now on, and only then `replay` counts. It is not part of what makes streams the same.
   * @default from now on
   */
  since?: string
  /**
   * `false` for no further attempt after a failure; or a function that says after how many ms to make one, or `false`.
   * @default exponential back-off with jitter, from the server's `retry:` time (1 s) to 30 s
   */
  retry?: boolean | ((attempt: number, error: ConnectionError) => number | false | Promise<number | false>)
  /**
   * How the server resumes after a lost connection. `'auto'`: the same request is made again, with the header `Last-Event-ID`. An
   * object: this request is made instead, with that header; some servers begin by a POST and resume by a GET. `'none'`: the server
   * never resumes; it is not asked to, and a reconnection is no gap.
   * @default 'auto'
   */
  resume?: 'auto' | 'none' | ResumeOptions
  /**
   * Names of events that belong to the connection which brings them, such as heartbeats and errors that have an ID: a replay need
   * not repeat them, and nothing is resumed after their IDs. Events without an ID whose name never comes with one need not be
   * named. It holds for all who share the stream.
   */
  ephemeral?: readonly string[]
  /**
   * Names of events by which the server says that history is gone. A `history-lost` gap stands before each of them, and what
   * follows is new. It holds for all who share the stream.
   */
  gapEvents?: readonly string[]
  /**
   * A JSON Pointer (RFC 6901) into the data, to what makes an event the same as another of its name, whatever their IDs: for
   * servers that give an event another ID when they replay it. Where two pages that share the stream differ, the first counts.
   * @default the ID and the data
   */
  identify?: string
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
  /**
   * What happens where this page works, and is slower than the server. `'wait'`: the hub reads no faster, for all who share the
   * stream. `'gap'`: it holds nobody back, and is told of a `slow-tab` gap once it is too far behind. `'latest'`: as `'gap'`,
   * but instead of the gap it is given the latest event of each name. A page that stands still, because it is blocked or frozen,
   * holds nobody back for longer than two seconds.
   * @default 'wait'
   */
  lag?: 'wait' | 'gap' | 'latest'
  /**
   * What the stream costs while this page is hidden. `'live'`: as if it were visible. `'batch'`: the page is given what has come
   * once a second at most. `'park'`, or `{ parkAfter: ms }` after so long: the page can do without a connection. Where all pages
   * that share the stream are hidden and can do without, the hub gives it up, and resumes when one of them is shown.
   * @default 'live'
   */
  hidden?: Hidden
  /**
   * Which streams come first where there are more than connections (see `connections` of {@link configure}): of the visible ones
   * those with `'high'`, then of the hidden ones. The highest of all who share the stream counts.
   * @default 'auto'
   */
  priority?: 'high' | 'auto' | 'low'
  /** The event after which the stream is over, for all who share it. It is still given to the listeners. */
  until?: (event: StreamEvent) => boolean
  /** Closes the stream. */
  signal?: AbortSignal
}

/** A request that resumes a stream. Headers and credentials are those of the request that began it. */
export interface ResumeOptions {
  /** @default 'GET' */
  method?: string
  /** Relative to the document's base URL. @default where the stream began */
  url?: string | URL
  /** Values other than strings are sent as JSON. Without one, no `Content-Type` is sent either. */
  body?: unknown
}

/** Gives the URL of one connection, for instance with a ticket that is good for one. */
type UrlFunction = (reason: HeadersReason) => string | URL | Promise<string | URL>

type Check = (value: unknown) => string | undefined

const OPTIONS: Readonly<Record<keyof ConnectOptions, Check>> = {
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
  redirect: oneOf('follow', 'error'),
  events: (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every(isDecoder)
      ? undefined
      : 'an object that gives each name json(), text, a function or a schema',
  replay: () => undefined,
  since: (value) =>
    typeof value === 'string' && /^[^\0\r\n]+$/.test(value)
      ? undefined
      : 'an ID without line breaks that is not empty; leave it out where there is none',
  retry: (value) =>
    ['boolean', 'function'].includes(typeof value) ? undefined : 'true, false or a function',
  resume: (value) =>
    value === 'auto' || value === 'none' || isResume(value)
      ? undefined
      : '"auto", "none", or an object of method, url and body',
  ephemeral: () => undefined,
  gapEvents: () => undefined,
  identify: (value) => (isPointer(value) ? undefined : 'a JSON Pointer, such as "/id"'),
  maxRetries: (value) => (isCount(value) ? undefined : 'a whole number, or Infinity'),
  idleTimeout: (value) =>
    value === 0 || (isPositive(value) && (value as number) >= LEAST_IDLE_TIMEOUT)
      ? undefined
      : `a number of ms: ${LEAST_IDLE_TIMEOUT} at least, or 0 for none`,
  maxEventSize: (value) => (isPositive(value) ? undefined : 'a number of characters greater than 0'),
  hidden: (value) => (isHidden(value) ? undefined : '"live", "batch", "park" or { parkAfter: ms }'),
  priority: oneOf('high', 'auto', 'low'),
  lag: oneOf('wait', 'gap', 'latest'),
  until: (value) => (typeof value === 'function' ? undefined : 'a function'),
  signal: (value) => (isSignal(value) ? undefined : 'an AbortSignal'),
}

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
  const own = listed(options)
  check(own)
  const { events, until, signal, key } = own
  if (typeof url === 'function' && key === undefined) {
    throw misuse('a function for the URL needs a key that names the stream and the user; give one: { key }')
  }
  const replay = checkReplay(own.replay)
  const at = typeof url === 'function' ? url : withoutFragment(resolve(url))
  // From here on the page's options hold.
  const client = pageClient()
  const wish = { ...wishOf(at, own, client), replay, since: own.since }
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
  checkBody(options)
  if (typeof options.resume === 'object') checkBody(options.resume)
}

function checkBody(request: ResumeOptions): void {
  const method = methodOf(request)
  if (request.body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw misuse(`a ${method} request has no body; say method: "POST"`)
  }
}

const methodOf = ({ method = 'GET' }: ResumeOptions): string => method.toUpperCase()

const isJsonBody = (body: unknown): boolean => body !== undefined && typeof body !== 'string'

const textOf = (body: unknown): string | undefined =>
  isJsonBody(body) ? JSON.stringify(body) : (body as string | undefined)

const resumeRequestOf = (options: ResumeOptions): ResumeRequest => ({
  url: options.url === undefined ? undefined : withoutFragment(resolve(options.url)),
  method: methodOf(options),
  body: textOf(options.body),
  isJson: isJsonBody(options.body),
})

/** @param url absolute, without fragment */
function wishOf(
  url: string | UrlFunction,
  options: ConnectOptions,
  client: Pick<Client, 'key' | 'now' | 'randomId' | 'isAway'>,
): Wish {
  const { body, headers, key, retry, maxRetries = Number.POSITIVE_INFINITY, resume } = options
  const { hidden = 'live', priority = 'auto' } = options
  const { idleTimeout = 0, maxEventSize = EVENT_SOURCE_POLICY.maxEventSize } = options
  const base = {
    // What a function will give is not known yet, so the key alone tells such streams apart.
    url: typeof url === 'function' ? resolve('/') : url,
    ...(typeof url === 'function' && { asksUrl: true as const }),
    credentials: options.withCredentials ? 'include' : (options.credentials ?? 'same-origin'),
    method: methodOf(options),
    body: textOf(body),
    // Headers that a function gives are not the page's word for all of them.
    key: key ?? (typeof headers === 'function' ? '' : client.key),
    asksHeaders: typeof headers === 'function',
    redirect: options.redirect,
    ...(typeof resume === 'object' && { resume: resumeRequestOf(resume) }),
  } as const
  const normal = (given: HeadersInit | undefined) => normalised(given, isJsonBody(body))
  const policy = {
    retries: retry === false ? 0 : maxRetries,
    retriesStatuses: true,
    asksRetry: typeof retry === 'function',
    asksEnd: options.until !== undefined,
    // Whoever says how to retry wants it.
    repeatsUnsafe: (retry !== undefined && retry !== false) || options.maxRetries !== undefined,
    resumes: resume !== 'none',
    idleTimeout: Math.min(idleTimeout, LONGEST_TIMER),
    maxEventSize,
    lag: options.lag ?? 'wait',
    ...mannersOf({ ephemeral: options.ephemeral, gapEvents: options.gapEvents }),
    ...(options.identify !== undefined && { identify: options.identify }),
    // A copy, because what a framework has wrapped in a proxy cannot be sent to the hub.
    hidden: typeof hidden === 'object' ? { parkAfter: hidden.parkAfter } : hidden,
    priority,
  }
  const wish = {
    policy,
    identify: policy.identify === undefined ? undefined : identifier(policy.identify),
    retryDelay:
      typeof retry === 'function' ? async (...args: Parameters<typeof retry>) => retry(...args) : undefined,
  }
  const request = { ...base, headers: typeof headers === 'function' ? [] : normal(headers) }
  if (typeof url !== 'function' && typeof headers !== 'function') return { ...wish, request }
  const ask = async (reason: HeadersReason): Promise<ConnectionDetails> => {
    const [given, at] = await Promise.all([
      typeof headers === 'function' ? Promise.resolve(headers(reason)).then(normal) : request.headers,
      typeof url === 'function' ? Promise.resolve(url(reason)).then(checked) : base.url,
    ])
    return { url: at, headers: given }
  }
  if (key !== undefined) return { ...wish, details: ask, request }
  return { ...wish, ...wishByHeaders(request, ask, client) }
}

/** @throws {TypeError} whose message does not repeat the URL, since that may hold a secret */
function checked(given: unknown): string {
  if ((typeof given === 'string' && given !== '') || given instanceof URL) {
    try {
      const url = resolve(given)
      if (/^https?:/.test(url)) return withoutFragment(url)
    } catch {
      // Said below.
    }
  }
  throw new TypeError('the function must give an http or https URL, or one relative to the document')
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

function oneOf(...words: string[]): Check {
  const list = words.map((word) => `"${word}"`).join(' or ')
  return (value) => (words.includes(value as string) ? undefined : list)
}

const isResume = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(([name, member]) => {
    if (name === 'url') return isUrl(member)
    return (
      (name === 'method' || name === 'body') && (member === undefined || OPTIONS[name](member) === undefined)
    )
  })

const isUrl = (value: unknown): boolean =>
  value === undefined || typeof value === 'string' || value instanceof URL

const isDecoder = (value: unknown): boolean =>
  typeof value === 'function' || (typeof value === 'object' && value !== null && '~standard' in value)

const isPositive = (value: unknown): boolean => typeof value === 'number' && value > 0

const isCount = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)
