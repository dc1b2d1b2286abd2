import { connect } from 'node:tls'
import { askOnce, type HttpOptions } from './http.ts'

/** How long, in ms, a server may take to answer. */
const PATIENCE = 5_000

/** What a server says to a browser that wants to send `Last-Event-ID` from another origin. */
export interface Preflight {
  readonly origin: string
  /** In lower case. */
  readonly asked: readonly string[]
  readonly hasCredentials: boolean
  /** 0 where there was no response. */
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Why there was no response; `''` where there was one. */
  readonly problem: string
}

/** Headers that need no permission. */
const SIMPLE = ['accept', 'accept-language', 'content-language', 'last-event-id']

/**
 * Asks as a browser does before a page of another origin may reconnect.
 *
 * @param names of the stream's own request headers, in lower case
 */
export async function preflight(
  url: URL,
  method: string,
  names: readonly string[],
  options: HttpOptions,
): Promise<Preflight> {
  const { origin } = options
  const asked = [...names.filter((name) => !SIMPLE.includes(name)), 'last-event-id'].sort()
  const hasCredentials = options.cookie !== ''
  const headers = {
    'access-control-request-method': method,
    'access-control-request-headers': asked.join(','),
  }
  const common = { origin, asked, hasCredentials }
  try {
    // A browser sends no cookies with it.
    const response = await askOnce(
      url,
      'OPTIONS',
      headers,
      { ...options, cookie: '' },
      AbortSignal.timeout(PATIENCE),
    )
    response.destroy()
    const received = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
    return { ...common, status: response.statusCode ?? 0, headers: Object.fromEntries(received), problem: '' }
  } catch (error) {
    const isLate = (error as Error).name === 'TimeoutError'
    const problem = isLate ? 'OPTIONS is not answered' : (error as Error).message
    return { ...common, status: 0, headers: {}, problem }
  }
}

/** Protocols that the server offers to a browser over TLS, best first; empty where it uses none, or does not say. */
export function protocolsOf(url: URL, { lookup, permit }: HttpOptions): Promise<string[]> {
  if (url.protocol !== 'https:') return Promise.resolve([])
  permit?.(url)
  return new Promise((resolve) => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const socket = connect({
      host,
      port: Number(url.port || 443),
      servername: /^[\d.]+$|:/.test(host) ? '' : host,
      ALPNProtocols: ['h2', 'http/1.1'],
      timeout: PATIENCE,
      ...(lookup !== undefined && { lookup }),
    })
    const end = (protocols: string[]) => {
      socket.destroy()
      resolve(protocols)
    }
    socket.on('secureConnect', () => end(socket.alpnProtocol ? [socket.alpnProtocol] : []))
    socket.on('error', () => end([]))
    socket.on('timeout', () => end([]))
  })
}
