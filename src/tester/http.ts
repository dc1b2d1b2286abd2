import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { networkErrorInWords } from './network-error.ts'
import type { Recording } from './recording.ts'

/** [spec] https://fetch.spec.whatwg.org/#http-redirect-fetch */
const MOST_REDIRECTS = 20
const REDIRECTS = [301, 302, 303, 307, 308]

/** So many bytes wait to be read before the server is slowed down. */
const MOST_WAITING = 262_144

/** What a browser accepts, and Node can decompress. */
const ENCODINGS = 'gzip, deflate, br'

/** Headers that are not sent on to another origin. */
const OWN = ['authorization', 'cookie', 'proxy-authorization']

/** What goes along with each request, and is not the stream's own. */
export interface HttpOptions {
  /** The value of the header `Cookie`; `''` for none. */
  readonly cookie: string
  /** The value of the header `Origin`; `''` for none. */
  readonly origin: string
  /** Finds the address of a name, and may refuse it. Node's own, if left out. */
  readonly lookup?: LookupFunction
  /** Throws where a URL must not be asked. It is called for each redirect as well. */
  readonly permit?: (url: URL) => void
}

/**
 * `fetch` that records what comes, chunk by chunk, as it arrives: Node's own tells neither the version of HTTP nor the redirects,
 * and compression hides from it what a server does. Each request has a connection of its own. It asks for compression as a browser
 * does. Rejects with an error that is made for people.
 *
 * @param init as the source of the hub gives it
 */
export async function fetchRecorded(
  url: string,
  init: RequestInit,
  options: HttpOptions,
  recording: Recording,
): Promise<Response> {
  let { method = 'GET' } = init
  let body = init.body ?? undefined
  let headers = { ...(init.headers as Record<string, string>) }
  let to = new URL(url)
  for (let count = 0; ; count++) {
    const isOwn = to.origin === new URL(url).origin
    const message = await ask(
      to,
      method,
      headers,
      isOwn ? options : { ...options, cookie: '' },
      body,
      init.signal,
    )
    const {
      statusCode: status = 0,
      headers: { location },
    } = message
    if (location === undefined || !REDIRECTS.includes(status))
      return responseOf(message, to, init.signal, recording)
    message.destroy()
    const next = redirected(location, to)
    recording.redirects.push({ status, from: to.href, to: next.href })
    if (init.redirect !== 'follow') {
      return {
        type: 'opaqueredirect',
        status: 0,
        url: to.href,
        headers: new Headers(),
        body: null,
      } as Response
    }
    if (count === MOST_REDIRECTS)
      throw new Error(`the server has redirected more than ${MOST_REDIRECTS} times`)
    if (status === 303 ? method !== 'HEAD' : status < 303 && method === 'POST') {
      method = 'GET'
      body = undefined
    }
    if (next.origin !== to.origin)
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.includes(name)))
    to = next
  }
}

/** Any request, without a recording and without redirects. Its response is not read. */
export function askOnce(
  url: URL,
  method: string,
  headers: Record<string, string>,
  options: HttpOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return ask(url, method, headers, options, undefined, signal)
}

function ask(
  url: URL,
  method: string,
  headers: Record<string, string>,
  { cookie, origin, lookup, permit }: HttpOptions,
  body: RequestInit['body'],
  signal: AbortSignal | null | undefined,
): Promise<IncomingMessage> {
  permit?.(url)
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method,
      agent: false,
      ...(lookup !== undefined && { lookup }),
      headers: {
        'user-agent': 'tabstream-test',
        'accept-encoding': ENCODINGS,
        ...(origin !== '' && { origin }),
        ...(cookie !== '' && { cookie }),
        ...headers,
        ...(typeof body === 'string' && { 'content-length': String(Buffer.byteLength(body)) }),
      },
    }
    const request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options)
    const abort = () => request.destroy()
    const fail = (error: unknown) =>
      reject(signal?.aborted ? signal.reason : new Error(networkErrorInWords(error, url)))
    signal?.addEventListener('abort', abort, { once: true })
    request.on('error', fail)
    request.on('close', () => signal?.removeEventListener('abort', abort))
    request.on('response', (message) => {
      signal?.removeEventListener('abort', abort)
      resolve(message)
    })
    request.on('upgrade', () => fail(new Error('the server wants another protocol than HTTP')))
    if (signal?.aborted) abort()
    // As bytes: with a text, Node would send the head as UTF-8, too.
    request.end(typeof body === 'string' ? Buffer.from(body) : undefined)
  })
}

function redirected(location: string, from: URL): URL {
  let to: URL
  try {
    to = new URL(Buffer.from(location, 'latin1').toString(), from)
  } catch {
    throw new Error('the server redirects to what is no URL')
  }
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw new Error(`the server redirects to a URL of scheme "${to.protocol}"`)
  return to
}

function responseOf(
  message: IncomingMessage,
  url: URL,
  signal: AbortSignal | null | undefined,
  recording: Recording,
): Response {
  const { rawHeaders, statusCode: status = 0, httpVersion } = message
  const pairs: [string, string][] = []
  for (let at = 0; at < rawHeaders.length; at += 2)
    pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''])
  recording.opened({ status, httpVersion, headers: pairs, url: url.href })
  const headers = new Headers()
  for (const [name, value] of pairs) headers.append(name, value)
  const isEmpty = status === 204 || status === 304
  if (isEmpty) message.destroy()
  const body = isEmpty ? null : bodyOf(message, url, signal, recording)
  return { type: 'default', status, url: url.href, headers, body } as Response
}

function bodyOf(
  message: IncomingMessage,
  url: URL,
  signal: AbortSignal | null | undefined,
  recording: Recording,
): ReadableStream<Uint8Array> {
  message.on('data', (bytes: Buffer) => {
    recording.bytesOnWire += bytes.length
  })
  const readable = decompressed(message)
  let isOver = false
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const end = (error?: unknown) => {
          if (isOver) return
          isOver = true
          message.destroy()
          if (error === undefined) controller.close()
          else controller.error(error)
        }
        const fail = (error: unknown) =>
          end(signal?.aborted ? signal.reason : new Error(brokenOff(error, url)))
        signal?.addEventListener('abort', () => end(signal.reason), { once: true })
        readable.on('data', (bytes: Buffer) => {
          if (isOver) return
          recording.arrived(bytes)
          // Who is told of it can have cut the connection.
          if (isOver) return
          controller.enqueue(bytes)
          if ((controller.desiredSize ?? 0) <= 0) readable.pause()
        })
        readable.on('end', () => end())
        readable.on('error', fail)
        message.on('error', fail)
        if (signal?.aborted) end(signal.reason)
      },
      pull: () => void readable.resume(),
      cancel: () => {
        isOver = true
        message.destroy()
      },
    },
    { highWaterMark: MOST_WAITING, size: ({ length }) => length },
  )
}

function brokenOff(error: unknown, url: URL): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code.startsWith('Z_') || code.startsWith('ERR__ERROR_'))
    return 'the body is not compressed as Content-Encoding says'
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') return 'the connection has broken off'
  return networkErrorInWords(error, url)
}

/** What is compressed is handed on as soon as it can be read. */
function decompressed(message: IncomingMessage): Readable {
  const encoding = (message.headers['content-encoding'] ?? '').trim().toLowerCase()
  const flush = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
  if (encoding === 'gzip' || encoding === 'x-gzip') return message.pipe(createGunzip(flush))
  if (encoding === 'deflate') return message.pipe(createInflate(flush))
  if (encoding === 'br')
    return message.pipe(createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH }))
  return message
}
