import { type Asked, askedOf } from './asked.ts'
import { bodyOf } from './body.ts'
import type { EventLog, Reading } from './event-log.ts'
import type { EventStreamOptions } from './event-stream-options.ts'
import { whenAborted } from './when-aborted.ts'

/** How long, in ms, a log may take to begin. */
const PATIENCE = 10_000

const HEAD = {
  'content-type': 'text/event-stream',
  // No proxy may compress, and so buffer, the stream; nor may nginx.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/**
 * Answers a request for an event stream from a log: what came after the client's last event, then what comes.
 *
 * The client says its last event in the header `Last-Event-ID`, or in the URL's parameter `since`; the header counts more. If it does,
 * the header `Tabstream-Resumed` of the response says whether nothing is missing (`1`) or something may be (`0`). In the latter case the
 * response begins with what is kept.
 *
 * Where the log fails, the response ends in good order, so that the client comes back. Where a topic is not permitted, its status is 401
 * or 403; 400 where no topic is named; 405 for methods other than GET, HEAD and POST; 500 where `authorize` fails.
 *
 * @throws {TypeError} where neither `topics` nor `authorize` is given
 * @example
 * const log = memoryLog()
 * export const GET = (request: Request) => eventStream(request, log, { topics: ['prices'] })
 */
export async function eventStream(
  request: Request,
  log: EventLog,
  options: EventStreamOptions = {},
): Promise<Response> {
  const { topics, authorize, from = 'now', onError = console.error } = options
  if (topics === undefined && authorize === undefined)
    throw new TypeError('eventStream() lets clients choose topics only with authorize: give that, or topics')
  if (!['GET', 'HEAD', 'POST'].includes(request.method)) return refusal(405, { allow: 'GET, HEAD, POST' })
  const asked = askedOf(request, topics)
  if (asked === undefined) return refusal(400)
  const status = await statusOf(asked, request, options)
  if (status !== 200) return refusal(status)
  if (request.method === 'HEAD') return new Response(null, { headers: HEAD })

  const ending = new AbortController()
  const end = () => ending.abort()
  if (options.signal !== undefined)
    ending.signal.addEventListener('abort', whenAborted(options.signal, end), { once: true })
  whenAborted(request.signal, end)
  const { after } = asked
  let reading: Reading | undefined
  try {
    const start = after === undefined ? from : { after }
    reading = await within(PATIENCE, log.read(asked.topics, start, ending.signal))
  } catch (error) {
    if (!ending.signal.aborted) onError(error)
    end()
  }
  const headers = new Headers(HEAD)
  // Else a client that comes back on its connection would keep a server that is closing.
  if (options.signal?.aborted) headers.set('connection', 'close')
  if (after !== undefined && reading !== undefined)
    headers.set('tabstream-resumed', reading.resumed ? '1' : '0')
  headers.set('access-control-expose-headers', 'Tabstream-Resumed')
  return new Response(bodyOf(reading, after === undefined, ending, { ...options, onError }), { headers })
}

const TEXTS: Record<number, string> = {
  400: 'no topic is named, or too many are',
  401: 'log in first',
  403: 'a topic is not permitted',
  405: 'the method is not supported',
  500: 'the server has failed',
}

const refusal = (status: number, headers: Record<string, string> = {}): Response =>
  new Response(`${TEXTS[status]}\n`, {
    status,
    headers: { 'content-type': 'text/plain', 'cache-control': 'no-store', ...headers },
  })

async function statusOf(
  { topics }: Asked,
  request: Request,
  { authorize, onError = console.error }: EventStreamOptions,
): Promise<number> {
  if (authorize === undefined) return 200
  try {
    const verdicts = await Promise.all(topics.map((topic) => authorize(topic, request)))
    if (verdicts.includes(401)) return 401
    // Only `true` permits: a forgotten `return` must not.
    return verdicts.every((verdict) => verdict === true) ? 200 : 403
  } catch (error) {
    onError(error)
    return 500
  }
}

function within<Value>(time: number, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the log has not begun within ${time} ms`)), time)
    promise.then(resolve, reject).finally(() => clearTimeout(late))
  })
}
