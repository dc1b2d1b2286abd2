import { readFile } from 'node:fs/promises'
import { request as ask, createServer } from 'node:http'
import { connect } from 'node:net'
import { extname, join } from 'node:path'

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
}

/**
 * @typedef {object} SiteOptions
 * @property {readonly string[]} [folders] where files are looked for, one folder after the other
 * @property {number} [behind] port of the app's own server, which answers everything but streams
 * @property {boolean} [fallback] answers `index.html` for whatever is missing, as hosting for single-page apps does
 * @property {string} [missing] path of a file that is not there
 * @property {string} [policy] Content-Security-Policy of everything
 * @property {boolean} [isCdn] pages of other origins may read what it answers
 * @property {string} [cdn] origin that takes the place of `https://cdn.example` in files
 */

/** @typedef {Awaited<ReturnType<typeof startSite>>} Site */

/**
 * Serves an app and its events on one origin, as a reverse proxy does in production: `/events` is an event stream with a `tick`
 * every 100 ms, `/live` the same by WebSocket, `/topics` and `/lines` bring orders, everything else is the app.
 *
 * @param {SiteOptions} options
 */
export async function startSite({ behind, ...files }) {
  const stream = createStream()
  const sockets = await createSockets()
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://any')
    if (pathname === '/events') stream.add(request, response)
    else if (pathname in ORDERS) sendOrders(pathname, response)
    else if (pathname === '/favicon.ico') response.writeHead(204).end()
    else if (behind !== undefined) pass(behind, request, response)
    else void sendFile(pathname, response, files)
  })
  server.on('upgrade', (...upgrade) => {
    if (upgrade[0].url === '/live') sockets.add(...upgrade)
    else if (behind !== undefined) passUpgrade(behind, ...upgrade)
    else upgrade[1].destroy()
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  // Of those that were upgraded the server knows nothing any more, and yet it waits for their end.
  /** @type {Set<import('node:net').Socket>} */
  const connections = new Set()
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    origin: `http://${files.isCdn ? '127.0.0.1' : 'localhost'}:${port}`,
    stream,
    sockets,
    async close() {
      stream.close()
      sockets.close()
      for (const socket of connections) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function createStream() {
  /** @type {Set<import('node:http').ServerResponse>} */
  const open = new Set()
  /** @type {string[]} */
  const agents = []
  let count = 0
  const timer = setInterval(() => {
    count++
    for (const response of open) response.write(tick(count))
  }, 100)
  return {
    /** Who has asked for the stream so far. */
    agents,
    /** How many connections have begun so far. */
    begun: () => agents.length,
    open: () => open.size,
    /** Number of the latest tick. */
    latest: () => count,
    /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
    add(request, response) {
      agents.push(request.headers['user-agent'] ?? '')
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        'access-control-allow-origin': request.headers.origin ?? '*',
        'access-control-allow-credentials': 'true',
      })
      response.write(': hello\n\n')
      const after = Number(request.headers['last-event-id'] ?? count)
      for (let missed = after + 1; missed <= count; missed++) response.write(tick(missed))
      open.add(response)
      response.once('close', () => open.delete(response))
    },
    close: () => clearInterval(timer),
  }
}

async function createSockets() {
  // Only now, because this file is imported before anything is installed.
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ noServer: true })
  let begun = 0
  const timer = setInterval(() => {
    for (const socket of server.clients) socket.send('tick')
  }, 100)
  return {
    /** How many have been opened so far. */
    begun: () => begun,
    open: () => server.clients.size,
    /** @param {import('node:http').IncomingMessage} request @param {import('node:stream').Duplex} socket @param {Buffer} head */
    add: (request, socket, head) => server.handleUpgrade(request, socket, head, () => begun++),
    close: () => clearInterval(timer),
  }
}

/** What type other streams have, and what is around each of their events. @type {Record<string, [type: string, before: string, after: string]>} */
const ORDERS = {
  '/topics': ['text/event-stream', 'data: ', '\n\n'],
  '/lines': ['application/x-ndjson', '', '\n'],
}

/** @param {string} pathname @param {import('node:http').ServerResponse} response */
function sendOrders(pathname, response) {
  const [type = '', before, after] = ORDERS[pathname] ?? []
  response.writeHead(200, { 'content-type': type })
  const timer = setInterval(() => response.write(`${before}{"topic":"orders"}${after}`), 100)
  response.once('close', () => clearInterval(timer))
}

/** @param {number} count */
const tick = (count) => `id: ${count}\nevent: tick\ndata: {"count":${count}}\n\n`

/**
 * @param {string} pathname
 * @param {import('node:http').ServerResponse} response
 * @param {SiteOptions} options
 */
async function sendFile(pathname, response, { folders = [], fallback, missing, policy, isCdn, cdn }) {
  const headers = {
    'cache-control': 'no-store',
    ...(isCdn && { 'access-control-allow-origin': '*' }),
    ...(policy && { 'content-security-policy': policy }),
  }
  const file = pathname.endsWith('/') ? `${pathname}index.html` : pathname
  const candidates = [...(file === missing ? [] : [file]), ...(fallback ? ['/index.html'] : [])]
  for (const path of candidates.flatMap((candidate) => folders.map((folder) => join(folder, candidate)))) {
    const body = await readFile(path).catch(() => undefined)
    if (body === undefined) continue
    const type = TYPES[/** @type {keyof TYPES} */ (extname(path))] ?? 'text/plain'
    response.writeHead(200, { 'content-type': type, ...headers })
    response.end(cdn === undefined ? body : body.toString().replaceAll('https://cdn.example', cdn))
    return
  }
  response.writeHead(404, { 'content-type': 'text/plain', ...headers }).end('not found')
}

/** @param {number} port @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
function pass(port, request, response) {
  const { method, url, headers } = request
  const onward = ask({ host: 'localhost', port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.once('error', () => {
    if (!response.headersSent) response.writeHead(502)
    response.end()
  })
  request.pipe(onward)
}

/** For the sockets of hot reload. @param {number} port @param {import('node:http').IncomingMessage} request @param {import('node:stream').Duplex} socket @param {Buffer} head */
function passUpgrade(port, request, socket, head) {
  const onward = connect({ host: 'localhost', port })
  const lines = [`${request.method} ${request.url} HTTP/1.1`]
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    lines.push(`${request.rawHeaders[index]}: ${request.rawHeaders[index + 1]}`)
  }
  onward.once('connect', () => {
    onward.write(`${lines.join('\r\n')}\r\n\r\n`)
    onward.write(head)
    onward.pipe(socket).pipe(onward)
  })
  onward.on('error', () => socket.destroy())
  socket.on('error', () => onward.destroy())
  socket.on('close', () => onward.destroy())
}
