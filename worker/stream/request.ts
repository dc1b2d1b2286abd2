import type { ConnectionDetails, StreamRequest } from '../../src/link/protocol.ts'
import type { ConnectionRequest } from '../source/source.ts'

const TYPE = 'content-type'

/** Methods whose requests may be made again without a thought. */
const SAFE = ['GET', 'HEAD', 'OPTIONS']

export const isSafe = (method: string): boolean => SAFE.includes(method)

type Asked = Pick<
  ConnectionRequest,
  'url' | 'method' | 'body' | 'credentials' | 'headers' | 'followsRedirects'
>

/** What one connection asks of the server: the stream's own request, or the one that resumes it. */
export function requestFor(request: StreamRequest, details: ConnectionDetails, resumeAfter: string): Asked {
  const { credentials } = request
  const { url, method, body, headers } = composed(request, details, resumeAfter)
  return { url, method, body, credentials, headers, followsRedirects: follows(request, body, headers) }
}

function composed(
  { method, body, resume }: StreamRequest,
  { url, headers }: ConnectionDetails,
  resumeAfter: string,
): Pick<Asked, 'url' | 'method' | 'body' | 'headers'> {
  if (resume === undefined || resumeAfter === '') return { url, method, body, headers }
  const others = headers.filter(([name]) => name !== TYPE)
  const isTyped = others.length < headers.length
  return {
    url: resume.url ?? url,
    method: resume.method,
    body: resume.body,
    // The type is that of the body, and goes with it.
    headers:
      resume.body === undefined
        ? others
        : resume.isJson && !isTyped
          ? [...headers, [TYPE, 'application/json']]
          : headers,
  }
}

/**
 * `fetch` sends headers and body along to another origin, and does not tell beforehand where a redirect leads. So it follows
 * one where there are none, or the page says so. A function may give headers next time.
 */
const follows = (
  { redirect, asksHeaders }: StreamRequest,
  body: Asked['body'],
  headers: Asked['headers'],
): boolean =>
  redirect === undefined ? body === undefined && headers.length === 0 && !asksHeaders : redirect === 'follow'
