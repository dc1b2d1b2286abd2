import type { Preflight } from './preflight.ts'
import type { Recording } from './recording.ts'
import { inNumber, inSeconds } from './words.ts'

/** One thing that a server should do. */
export interface Check {
  readonly name: string
  readonly result: 'good' | 'bad' | 'warning' | 'not known'
  readonly words: string
}

/** Proxies end a connection that is silent for so long, in seconds: Node and many load balancers, nginx, Cloudflare. */
const LIMITS = [30, 60, 100]

/** So late, in ms, a head is not sent at once. */
const AT_ONCE = 1_000

/** From so many characters on a line that has not ended may never do so. */
const LONG_LINE = 1_048_576

/** A reconnection time, in ms, that is unusual. */
const SHORT_RETRY = 100
const LONG_RETRY = 60_000

/**
 * What docs/servers.md asks of a server, as far as its responses show it.
 *
 * @param first the connection that began
 * @param preflight absent where no origin was given
 * @param protocols that the server offers over TLS; empty where it was not asked
 */
export function checksOf(
  first: Recording,
  preflight: Preflight | undefined,
  protocols: readonly string[],
): Check[] {
  if (first.head === undefined) return []
  const { head } = first
  if (head.status === 204)
    return [check('status', 'warning', '204: the stream is over for good, and no browser connects again')]
  return [
    check('status', head.status === 200 ? 'good' : 'bad', `${head.status}`),
    ...contentType(first),
    check(
      'head',
      head.at < AT_ONCE ? 'good' : 'warning',
      `it came after ${Math.round(head.at)} ms${head.at < AT_ONCE ? '' : ': send it at once, and a comment with it'}`,
    ),
    ...(head.status === 200
      ? [firstByte(first), heartbeat(first), retry(first), lines(first), lastFrame(first)].flat()
      : []),
    version(first, protocols),
    ...(preflight === undefined ? [] : cors(first, preflight)),
  ]
}

const check = (name: string, result: Check['result'], words: string): Check => ({ name, result, words })

function contentType(first: Recording): Check[] {
  const type = first.header('content-type')
  if (type === undefined) return [check('content type', 'bad', 'none: it must be text/event-stream')]
  const isStream = /^\s*text\/event-stream\s*(?:;|$)/i.test(type)
  const checks = [
    check(
      'content type',
      isStream ? 'good' : 'bad',
      isStream ? type : `${type}: it must be text/event-stream`,
    ),
  ]
  const [, charset] = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type) ?? []
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    checks.push(check('charset', 'bad', `${charset}: an event stream is always read as UTF-8`))
  if (first.text.includes('\ufffd'))
    checks.push(check('charset', 'bad', 'some bytes are no UTF-8: they are read as U+FFFD'))
  return checks
}

function firstByte({ head, firstByteAt }: Recording): Check[] {
  if (head === undefined || firstByteAt === undefined || firstByteAt - head.at < AT_ONCE) return []
  const words = `it came ${inSeconds((firstByteAt - head.at) / 1_000)} after the head: send a comment with the head, for Firefox tells nobody of a response without a body`
  return [check('first byte', 'warning', words)]
}

function heartbeat({ longestSilence, commentCount, endedAt, head }: Recording): Check {
  const watched = (endedAt - (head?.at ?? 0)) / 1_000
  const silence = longestSilence / 1_000
  const comments = commentCount > 0 ? `; ${inNumber(commentCount, 'comment')} came` : ''
  const exceeded = LIMITS.filter((limit) => silence >= limit)
  const seen = `the longest silence was ${inSeconds(silence)} of ${inSeconds(watched)}${comments}`
  if (exceeded.length > 0)
    return check('heartbeat', 'bad', `${seen}: proxies with a limit of ${exceeded.join(', ')} s cut it off`)
  const known = LIMITS.filter((limit) => watched >= limit)
  if (known.length === 0)
    return check(
      'heartbeat',
      'not known',
      `${seen}: too short to tell; --cut-after 0 --duration 35 shows whether it stays under 30 s`,
    )
  const open = LIMITS.filter((limit) => watched < limit)
  const rest = open.length === 0 ? '' : `; not watched for ${open.join(', ')} s`
  return check('heartbeat', 'good', `${seen}: under the limit of ${known.join(', ')} s${rest}`)
}

function retry({ retry: time }: Recording): Check[] {
  if (time === undefined)
    return [check('retry', 'good', 'not sent: a client waits as long as it likes, tabstream 1 s')]
  const words = `${time.toLocaleString('en')} ms`
  if (time < SHORT_RETRY) return [check('retry', 'warning', `${words}: so short that tabstream waits 100 ms`)]
  if (time > LONG_RETRY) return [check('retry', 'warning', `${words}: pages are without events for so long`)]
  return [check('retry', 'good', words)]
}

function lines({ unfinishedLine }: Recording): Check[] {
  if (unfinishedLine < LONG_LINE) return []
  const words = `${unfinishedLine.toLocaleString('en')} characters came without the end of a line`
  return [check('lines', 'warning', words)]
}

function lastFrame({ isEndedByServer, isInEvent, end }: Recording): Check[] {
  if (!isEndedByServer || !isInEvent || end !== 'ended by the server') return []
  return [check('last event', 'bad', 'it lacks its blank line, so EventSource does not dispatch it')]
}

function version({ head }: Recording, protocols: readonly string[]): Check {
  const words = `HTTP/${head?.httpVersion} was used`
  if (protocols.includes('h2'))
    return check('HTTP', 'good', `${words}; the server offers HTTP/2, which browsers use`)
  return check(
    'HTTP',
    'good',
    `${words}: browsers open at most six connections to this server, for all tabs together`,
  )
}

function cors(
  first: Recording,
  { origin, status, headers, hasCredentials, problem, asked }: Preflight,
): Check[] {
  const allowed = first.header('access-control-allow-origin')
  const checks: Check[] = []
  const permits = allowed === origin || (allowed === '*' && !hasCredentials)
  checks.push(
    check(
      'CORS',
      permits ? 'good' : 'bad',
      permits
        ? `Access-Control-Allow-Origin: ${allowed}`
        : `the response must say "Access-Control-Allow-Origin: ${origin}"; it says ${allowed === undefined ? 'nothing' : `"${allowed}"`}`,
    ),
  )
  if (hasCredentials && first.header('access-control-allow-credentials') !== 'true')
    checks.push(check('CORS', 'bad', 'with cookies it must say "Access-Control-Allow-Credentials: true"'))
  if (problem !== '')
    return [...checks, check('preflight', 'bad', `${problem}: nothing is resumed from another origin`)]
  const names = (headers['access-control-allow-headers'] ?? '').toLowerCase().split(/\s*,\s*/)
  const missing = asked.filter(
    (name) => !names.includes(name) && !(names.includes('*') && !hasCredentials && name !== 'authorization'),
  )
  const preflightOrigin = headers['access-control-allow-origin']
  const isOriginRight = preflightOrigin === origin || (preflightOrigin === '*' && !hasCredentials)
  if (status < 200 || status > 299)
    checks.push(
      check('preflight', 'bad', `OPTIONS is answered with ${status}: nothing is resumed from another origin`),
    )
  else if (!isOriginRight)
    checks.push(check('preflight', 'bad', `it must say "Access-Control-Allow-Origin: ${origin}"`))
  else if (missing.length > 0)
    checks.push(check('preflight', 'bad', `it must say "Access-Control-Allow-Headers: ${asked.join(', ')}"`))
  else checks.push(check('preflight', 'good', `${asked.join(', ')} may be sent`))
  return [...checks, ...exposed(first)]
}

/** Only with this header script can read by which ID the server says that it has resumed. */
function exposed(first: Recording): Check[] {
  const name = ['Mercure-Last-Event-ID', 'Last-Event-ID'].find(
    (one) => first.header(one.toLowerCase()) !== undefined,
  )
  if (name === undefined) return []
  const names = (first.header('access-control-expose-headers') ?? '').toLowerCase().split(/\s*,\s*/)
  const isExposed = names.includes(name.toLowerCase()) || names.includes('*')
  return [
    check(
      'exposed',
      isExposed ? 'good' : 'warning',
      isExposed
        ? `${name} can be read`
        : `"Access-Control-Expose-Headers: ${name}" is missing, so no page can read ${name}`,
    ),
  ]
}
