import { identifier } from '../link/identify.ts'
import {
  type ConnectionDetails,
  EVENT_SOURCE_POLICY,
  type HeadersReason,
  LONGEST_TIMER,
  type ResumeRequest,
  type SourceRequest,
} from '../link/protocol.ts'
import type { Client } from '../page/client.ts'
import type { Wish } from '../page/page-subscription.ts'
import { wishByHeaders, wishInOneGo } from './by-headers.ts'
import { checkOptions, methodOf } from './check-options.ts'
import { checkReplay, mannersOf, resolve, withoutFragment } from './checks.ts'
import type { ConnectOptions, ResumeOptions, UrlFunction } from './connect-options.ts'
import { pageClient } from './page-client.ts'
import { PageStream } from './page-stream.ts'

/** What is asked for where another source than Server-Sent Events is needed. */
export interface Besides {
  readonly source: SourceRequest
  /**
   * Absolute; where a function gives the URL of each connection, it says only where the streams belong. Absent where it is as with
   * `connect()`.
   */
  readonly url?: string
}

/**
 * Opens a stream as `connect()` does.
 *
 * @param through called when the events of a batch have been given to the listeners
 * @param Opened what it is opened as
 */
export function openStream(
  url: string | URL | UrlFunction,
  options: ConnectOptions,
  through?: () => void,
  besides?: Besides,
  Opened: new (...args: ConstructorParameters<typeof PageStream>) => PageStream = PageStream,
): PageStream {
  const own = checkOptions(url, options)
  const { events, until, signal } = own
  const replay = checkReplay(own.replay)
  const at = typeof url === 'function' ? url : withoutFragment(resolve(url))
  // From here on the page's options hold.
  const client = pageClient()
  const wish = { ...wishOf(at, own, client, besides), replay, since: own.since, through }
  return new Opened(client, wish, { decoders: events, until, signal })
}

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
  besides: Besides | undefined,
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
    ...besides,
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
  const text = JSON.stringify([request, isJsonBody(body)])
  return { ...wish, ...wishInOneGo(client, headers, text, () => wishByHeaders(request, ask, client)) }
}

/** @throws {TypeError} whose message does not repeat the URL, since that may hold a secret */
function checked(given: unknown): string {
  if ((typeof given === 'string' && given !== '') || given instanceof URL) {
    try {
      const url = resolve(given)
      if (/^(http|ws)s?:/.test(url)) return withoutFragment(url)
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
