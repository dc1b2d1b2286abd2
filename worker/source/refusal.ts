import type { HubPlatform } from '../platform.ts'
import { FailedError, parseRetryAfter } from './failure.ts'

/** How much is read of what a server says in place of a stream: so many bytes, for so many ms. */
const MOST_BODY = 16_384
const MOST_TIME = 1_000

const REDIRECTED =
  "the server redirects the request, and the page's headers and body are not sent elsewhere by themselves; " +
  'connect to where it leads, or say redirect: "follow"'

/** Types that a page can make something of. */
const TEXT_OR_JSON = /^text\/|[/+]json$/

/**
 * Why a response is no stream, and, if that is to be read, what it says instead; `undefined` where it is one.
 *
 * @param types content types of streams
 *
 * [spec] Anything but 200 with an event stream fails the connection.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
 */
export async function refusalOf(
  platform: HubPlatform,
  { type: kind, status, headers, body }: Response,
  types: readonly string[],
  isRead: boolean,
): Promise<FailedError | undefined> {
  if (kind === 'opaqueredirect') return new FailedError(REDIRECTED, { isFinal: true })
  const contentType = headers.get('Content-Type') ?? ''
  const type = essenceOf(contentType)
  if (status === 200 && types.includes(type as string)) return undefined
  const size = isRead && TEXT_OR_JSON.test(type ?? '') ? MOST_BODY : 0
  const what = status === 200 ? `content type "${contentType}"` : `status ${status}`
  return new FailedError(`the server answered with ${what}`, {
    status,
    contentType,
    body: body === null ? '' : await beginningOf(platform, body, size),
    retryAfter: parseRetryAfter(headers.get('Retry-After'), platform.now()),
    isFinal: status === 204,
  })
}

/** The first bytes of a body as text, as far as they come in time. The rest is not wanted. */
async function beginningOf(
  platform: HubPlatform,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  size: number,
): Promise<string> {
  const decoder = new TextDecoder()
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined
  const stop = () => {
    reader?.cancel().catch(() => {})
  }
  const timer = platform.setTimeout(stop, MOST_TIME)
  let text = ''
  try {
    reader = body.getReader()
    for (let left = size; left > 0; ) {
      const { done, value } = await reader.read()
      if (done) break
      // A character that is cut at the end is left out.
      text += decoder.decode(value.subarray(0, left), { stream: true })
      left -= value.length
    }
  } catch {
    // What has come counts, even where the connection breaks.
  }
  platform.clearTimeout(timer)
  stop()
  return text
}

/** [spec] Of several values the last one that is a type counts, unless it is any type; parameters do not.
 *  https://fetch.spec.whatwg.org/#concept-header-extract-mime-type */
function essenceOf(contentType: string): string | undefined {
  const values = contentType.match(/(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g) ?? []
  const types = values.map((value) => /^\s*([^\s;/]+\/[^\s;/]+)\s*(?:;|$)/.exec(value)?.[1]?.toLowerCase())
  return types.filter((type) => type !== undefined && type !== '*/*').at(-1)
}
