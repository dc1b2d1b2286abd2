import type { ConnectionDetails, StreamRequest } from '../../src/link/protocol.ts'
import type { ConnectionRequest } from '../source/source.ts'

const TYPE = 'content-type'

/** What one connection asks of the server: the stream's own request, or the one that resumes it. */
export function requestFor(
  { method, body, credentials, resume }: StreamRequest,
  { url, headers }: ConnectionDetails,
  resumeAfter: string,
): Pick<ConnectionRequest, 'url' | 'method' | 'body' | 'credentials' | 'headers'> {
  if (resume === undefined || resumeAfter === '') return { url, method, body, credentials, headers }
  const others = headers.filter(([name]) => name !== TYPE)
  const isTyped = others.length < headers.length
  return {
    url: resume.url ?? url,
    method: resume.method,
    body: resume.body,
    credentials,
    // The type is that of the body, and goes with it.
    headers:
      resume.body === undefined
        ? others
        : resume.isJson && !isTyped
          ? [...headers, [TYPE, 'application/json']]
          : headers,
  }
}
