/** Answers a request of the web platform. */
export type Handler = (request: Request) => Response | Promise<Response>

/** What is used of Node's `IncomingMessage`, of HTTP/1.1 and HTTP/2. */
export interface NodeRequest extends AsyncIterable<unknown> {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly httpVersionMajor?: number
  readonly rawHeaders: readonly string[]
  readonly headers: { readonly host?: string | undefined; readonly ':authority'?: string | undefined }
  readonly socket: object
}

/** What is used of Node's `ServerResponse`, of HTTP/1.1 and HTTP/2. */
export interface NodeResponse {
  readonly headersSent: boolean
  readonly destroyed: boolean
  writeHead(status: number, headers: Record<string, string | string[]>): unknown
  /** Of HTTP/1.1. */
  flushHeaders?(): void
  /** Of HTTP/2. */
  readonly stream?: { readonly session?: { close(): void } | undefined }
  write(chunk: Uint8Array): boolean
  end(): unknown
  destroy(): unknown
  once(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
}

/** Options of {@link toNodeHandler}. */
export interface NodeHandlerOptions {
  /**
   * Told what the handler has thrown. The client gets a 500.
   * @default console.error
   */
  onError?: (error: unknown) => void
}

/**
 * Makes a listener for Node's `createServer()`, or for Express, of a handler of the web platform.
 *
 * The request's signal aborts when the client goes. The body is read as fast as the client takes it; where it fails, the connection is cut.
 *
 * @example
 * createServer(toNodeHandler((request) => eventStream(request, log, { topics: ['prices'] })))
 */
export function toNodeHandler(
  handler: Handler,
  { onError = console.error }: NodeHandlerOptions = {},
): (request: NodeRequest, response: NodeResponse) => void {
  return async (incoming, outgoing) => {
    const gone = new AbortController()
    outgoing.once('close', () => gone.abort())
    const request = requestOf(incoming, gone.signal)
    if (request === undefined) return answer(outgoing, 400)
    try {
      await send(await handler(request), incoming, outgoing)
    } catch (error) {
      onError(error)
      if (outgoing.headersSent) outgoing.destroy()
      else answer(outgoing, 500)
    }
  }
}

function answer(outgoing: NodeResponse, status: number): void {
  outgoing.writeHead(status, { 'content-type': 'text/plain' })
  outgoing.end()
}

/** `undefined` where Node lets pass what the web platform does not. */
function requestOf(incoming: NodeRequest, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '/', rawHeaders, headers, socket } = incoming
  try {
    const all = new Headers()
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] ?? ''
      // Those of HTTP/2 that stand for the request line.
      if (!name.startsWith(':')) all.append(name, rawHeaders[at + 1] ?? '')
    }
    const protocol = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http'
    const host = headers[':authority'] ?? headers.host ?? 'localhost'
    // A path may begin with two slashes, and a proxy sends the whole URL.
    const address = new URL(url.startsWith('/') ? `${protocol}://${host}${url}` : url)
    const hasBody = method !== 'GET' && method !== 'HEAD'
    const body = hasBody ? { body: streamOf(incoming), duplex: 'half' } : {}
    return new Request(address, { method, headers: all, signal, ...body })
  } catch {
    return undefined
  }
}

function streamOf(incoming: NodeRequest): ReadableStream<Uint8Array> {
  const chunks = incoming[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(value as Uint8Array)
    },
    async cancel() {
      await chunks.return?.()
    },
  })
}

const isEventStream = ({ headers }: Response): boolean =>
  headers.get('content-type')?.startsWith('text/event-stream') === true

function headersOf(
  response: Response,
  { httpVersionMajor = 1 }: NodeRequest,
): Record<string, string | string[]> {
  const headers = new Headers(response.headers)
  // HTTP/2 has no such header.
  if (httpVersionMajor > 1) headers.delete('connection')
  else if (isEventStream(response)) headers.set('connection', 'close')
  const cookies = headers.getSetCookie()
  return { ...Object.fromEntries(headers), ...(cookies.length > 0 && { 'set-cookie': cookies }) }
}

/**
 * The connection of an event stream ends with it: a server that closes must not be kept by a client that comes back on it. That of HTTP/2
 * takes no more requests, and ends with the last one that is under way.
 */
async function send(response: Response, incoming: NodeRequest, outgoing: NodeResponse): Promise<void> {
  outgoing.writeHead(response.status, headersOf(response, incoming))
  const { body } = response
  if (body === null || incoming.method === 'HEAD') {
    await body?.cancel()
    outgoing.end()
    return
  }
  outgoing.flushHeaders?.()
  const reader = body.getReader()
  const cancel = () => void reader.cancel().catch(() => {})
  if (outgoing.destroyed) return cancel()
  outgoing.once('close', cancel)
  // The body must not be taken for complete. That holds for a client that takes nothing, too.
  reader.closed.catch(() => outgoing.destroy())
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (!outgoing.write(value)) await drained(outgoing)
    }
    const session = isEventStream(response) ? outgoing.stream?.session : undefined
    outgoing.end()
    session?.close()
  } catch {
    outgoing.destroy()
  } finally {
    outgoing.off('close', cancel)
  }
}

/** Resolves when there is room again, or nobody is there. */
function drained(outgoing: NodeResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    if (outgoing.destroyed) return resolve()
    outgoing.once('drain', done)
    outgoing.once('close', done)
  })
}
