import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { isIP } from 'node:net'
import { extname, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Builds } from './builds.mjs'
import { Feed } from './feed.mjs'
import { Tester } from './tester.mjs'

/**
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('node:http').ServerResponse} ServerResponse
 */

/** @param {string} path */
const directory = (path) => fileURLToPath(new URL(path, import.meta.url))

// The first prefix that fits wins.
const folders = [
  { prefix: '/tabstream/', root: directory('../dist') },
  { prefix: '/uplot/', root: directory('../node_modules/uplot/dist') },
  { prefix: '/', root: directory('./public') },
]

/** @type {Record<string, string>} */
const contentTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** @param {ServerResponse} response @param {number} status @param {string} text */
const answer = (response, status, text) => {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}

/** @param {ServerResponse} response @param {unknown} value */
const answerJson = (response, value) => {
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' }
  response.writeHead(200, headers).end(JSON.stringify(value))
}

/** @param {string} pathname @returns {string | undefined} */
const locate = (pathname) => {
  const folder = folders.find(({ prefix }) => pathname.startsWith(prefix))
  if (!folder) return undefined
  const path = decodeURIComponent(pathname.slice(folder.prefix.length)) || 'index.html'
  const file = resolve(folder.root, path)
  return file.startsWith(folder.root + sep) ? file : undefined
}

/** @param {ServerResponse} response @param {string} pathname */
const serveFile = async (response, pathname) => {
  try {
    const file = locate(pathname)
    const type = file && contentTypes[extname(file)]
    if (!type) throw new Error('not offered')
    const content = await readFile(file)
    response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache' }).end(content)
  } catch {
    answer(response, 404, 'Not found')
  }
}

/**
 * Whether a request means this server. A page of any site can have a name of its own lead to this machine, and would then read
 * what runs here as if that were its own; no address and no `localhost` can be had so.
 *
 * @param {string | undefined} header the request's `Host` @param {string} own
 */
const isMeant = (header, own) => {
  if (header === undefined || !URL.canParse(`http://${header}`)) return false
  const { hostname } = new URL(`http://${header}`)
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || ['localhost', own.toLowerCase()].includes(hostname)
}

/**
 * @param {{ feed: Feed, builds: Builds, tester: Tester }} parts
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 * @param {string} host
 */
const route = async ({ feed, builds, tester }, request, response, host) => {
  if (!isMeant(request.headers.host, host)) {
    answer(response, 421, 'The demo answers to localhost and to addresses only')
    return
  }
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://demo')
  const [, name] = /^\/streams\/(.+)$/.exec(pathname) ?? []
  const build = name && request.method === 'GET' ? builds.find(name) : undefined
  if (pathname === '/test' && request.method === 'POST') await tester.handle(request, response)
  else if (pathname === '/test/cut' && request.method === 'POST') await tester.cut(request, response)
  else if (request.method !== 'GET' && request.method !== 'HEAD') answer(response, 405, 'Only GET is offered')
  else if (build) await build.connect(request, response)
  else if (pathname === '/events' && request.method === 'GET') await feed.connect(request, response)
  else if (pathname === '/history') answerJson(response, feed.history(searchParams.getAll('name')))
  else if (pathname === '/stats') {
    const { connections, totalConnections } = feed
    answerJson(response, { connections, totalConnections, builds: builds.connections })
  } else await serveFile(response, pathname)
}

/** @param {NodeJS.ErrnoException} error @param {number} port */
const explain = (error, port) => {
  if (error.code !== 'EADDRINUSE') return error
  const message = `Port ${port} is in use. Choose another: PORT=${port + 1} npm start`
  return new Error(message, { cause: error })
}

/**
 * Serves the dashboard with this machine's figures, and the builds, until closed.
 *
 * Rejects with a message meant for people when the port is taken.
 *
 * @param {{ port: number, host?: string, testsAnyAddress?: boolean }} options port 0 takes a free one; the page "Test a server"
 *   asks addresses that are not public only where `testsAnyAddress` says so
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export const startDemo = async ({ port, host = '127.0.0.1', testsAnyAddress = false }) => {
  const feed = new Feed()
  const builds = new Builds()
  const tester = new Tester(testsAnyAddress)
  const server = createServer((request, response) => {
    route({ feed, builds, tester }, request, response, host).catch(() => {
      if (response.headersSent) response.destroy()
      else answer(response, 400, 'Bad request')
    })
  })
  await new Promise((listening, failed) => {
    server.once('error', (error) => failed(explain(error, port)))
    server.listen(port, host, () => listening(undefined))
  })
  feed.start()
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  // A wildcard is not an address to visit, and browsers grant a SharedWorker to localhost only.
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  const close = () =>
    new Promise((/** @type {(value?: undefined) => void} */ closed) => {
      feed.stop()
      builds.stop()
      server.close(() => closed())
      server.closeAllConnections()
    })
  return { url: `http://${name}:${address.port}`, close }
}
