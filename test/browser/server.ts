import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { Server, Socket } from 'node:net'
import { extname } from 'node:path'
import { transform } from 'esbuild'
import { freePort } from '../ports.mjs'
import { certificate } from './certificate.ts'
import { Channel } from './channel.ts'
import { Crowd } from './crowd.ts'
import { Changes } from './until.ts'

const DIST = new URL('../../dist/', import.meta.url)

const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.map': 'application/json',
  '.html': 'text/html',
}

// Scripts are files of their own, not inline, so that a page can be served with a strict policy. `ready`
// is what openTab waits for; the attribute says the same to whoever looks at the page.
const READY = `.then(() => { document.documentElement.dataset.ready = 'yes' })`
const CONFIGURE = `.then((tabstream) => {
  globalThis.tabstream = tabstream
  const query = new URLSearchParams(location.search)
  const host = query.get('host') ?? undefined
  const connections = Number(query.get('connections')) || undefined
  const inspector = query.has('inspector') || undefined
  if (host || connections || inspector) tabstream.configure({ host, connections, inspector })
})`
const SCRIPTS: Record<string, string> = {
  '/page-module.js': `const query = new URLSearchParams(location.search)
const folder = query.has('target') ? '/lowered/' + query.get('target') : '/tabstream'
const library = query.get('library') ?? location.origin
globalThis.importModule = (name) => import(library + folder + '/' + name)
globalThis.ready = import(library + folder + '/index.js')${CONFIGURE}${READY}`,
  '/page-global.js': `globalThis.ready = Promise.resolve(globalThis.Tabstream)${CONFIGURE}${READY}`,
  '/page-native.js': `globalThis.ready = Promise.resolve()${READY}`,
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A real server that does what a test tells it, and remembers in which order things happened. */
export interface TestServer {
  readonly port: number
  readonly origin: string
  /** How many streams of all channels are open together. */
  readonly crowd: Crowd
  /** Every request on arrival ('GET /path'), every stream's end ('closed /events/name'). */
  readonly journal: readonly string[]
  url(path: string): string
  channel(name: string): Channel
  /** Takes over a path, or gives it back. */
  answer(path: string, answer: Answer | undefined): void
  /** Resolves when a request for `path` has arrived. */
  waitForRequest(path: string): Promise<void>
  describe(): string
  /** Destroys every connection, of streams and of pages. */
  destroyConnections(): void
  /** Closes the server, which then answers nobody; its channels keep their logs. */
  stop(): Promise<void>
  /** Lets a stopped server go on at the same port. */
  restart(): Promise<void>
  close(): Promise<void>
}

/**
 * Pages are `/` and `/page…`. Their query: `csp=POLICY` sends that Content-Security-Policy, `global` loads
 * the classic build, `native` loads nothing, `host=HOST`, `connections=NUMBER` and `inspector` are passed to `configure`, `library=ORIGIN`
 * loads the library from another server, `target=TARGET` loads it as an app's build for that target (es2017) would change it,
 * and without the APIs that browsers of that age do not have, `storable` lets the browser keep the page, without which it does
 * not go into the back/forward cache, `isolated` gives it exact clocks.
 *
 * @param options `hostname` is how pages are to call the server, if the browser resolves it to this machine; with `http2` it
 *   speaks HTTP/2 alone, over TLS and with a certificate that nobody trusts; a `port` is chosen where none is given
 */
export async function startServer({
  port: given = 0,
  hostname = '127.0.0.1',
  http2 = false,
} = {}): Promise<TestServer> {
  const journal: string[] = []
  const crowd = new Crowd()
  const changes = new Changes()
  const channels = new Map<string, Channel>()
  const answers = new Map<string, Answer>()

  const channel = (name: string) => {
    const known = channels.get(name) ?? new Channel(`/events/${name}`, journal, crowd)
    channels.set(name, known)
    return known
  }

  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '/'
    journal.push(`${request.method} ${path}`)
    changes.changed()
    const { pathname, searchParams } = new URL(path, 'http://any')
    const above = [...answers.keys()].find(
      (one) => one.length > 1 && one.endsWith('/') && pathname.startsWith(one),
    )
    const answer = answers.get(pathname) ?? answers.get(above ?? '')
    if (answer) answer(request, response)
    else if (pathname.startsWith('/events/')) channel(pathname.slice(8)).handle(request, response)
    else if (pathname.startsWith('/tabstream/')) void sendBuilt(response, pathname.slice(11))
    else if (pathname.startsWith('/lowered/')) void sendLowered(response, pathname.slice(9))
    else if (pathname === '/ping') send(response, 'text/plain', 'pong')
    else if (pathname in SCRIPTS) send(response, 'text/javascript', SCRIPTS[pathname])
    else if (pathname === '/' || pathname.startsWith('/page')) sendPage(response, searchParams)
    else send(response, 'text/plain', 'not found', 404)
  }
  // What Node hands over for HTTP/2 has all that is used of these here.
  const listener: Server = http2 ? createSecureServer(certificate(), handle as never) : createServer(handle)
  const sockets = new Set<Socket>()
  listener.on(http2 ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const destroyConnections = () => {
    for (const socket of sockets) socket.destroy()
  }
  const port = given || (await freePort())
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(port, '127.0.0.1', resolve)
    })
  const stop = () =>
    new Promise<void>((resolve) => {
      listener.close(() => resolve())
      destroyConnections()
    })
  await listen()

  const origin = `${http2 ? 'https' : 'http'}://${hostname}:${port}`
  return {
    port,
    origin,
    crowd,
    journal,
    url: (path) => origin + path,
    channel,
    answer: (path, answer) => void (answer ? answers.set(path, answer) : answers.delete(path)),
    waitForRequest: (path) =>
      changes.until(
        () => journal.some((entry) => entry.endsWith(` ${path}`)),
        () => `a request for ${path}; ${journal.join(', ')}`,
      ),
    describe: () => [...channels.values()].map((each) => each.describe()).join('\n'),
    destroyConnections,
    stop,
    restart: listen,
    close: stop,
  }
}

function send(
  response: ServerResponse,
  type: string,
  body: string | Buffer = '',
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers })
  response.end(body)
}

/** Only in such a page are clocks exact to 5 µs; elsewhere, to 100. */
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

function sendPage(response: ServerResponse, query: URLSearchParams): void {
  const policy = query.get('csp')
  const kind = query.has('native') ? 'native' : query.has('global') ? 'global' : 'module'
  const library = kind === 'global' ? '<script src="/tabstream/tabstream.global.js"></script>' : ''
  // An icon in the page, or Chromium asks for one and the journal shows a request nobody made.
  const html = `<!doctype html><html lang="en"><title>tabstream</title><link rel="icon" href="data:,">
${library}<script src="/page-${kind}.js"></script></html>`
  send(response, 'text/html', html, 200, {
    ...(policy && { 'content-security-policy': policy }),
    ...(query.has('storable') && { 'cache-control': 'no-cache' }),
    ...(query.has('isolated') && ISOLATED),
  })
}

async function sendBuilt(
  response: ServerResponse,
  file: string,
  compile = async (code: string) => code,
): Promise<void> {
  try {
    const body = await compile(await readFile(new URL(file, DIST), 'utf8'))
    // Pages of other origins may load the library, as from a CDN.
    send(response, TYPES[extname(file)] ?? 'text/plain', body, 200, { 'access-control-allow-origin': '*' })
  } catch (error) {
    const why = existsSync(new URL(file, DIST)) ? error : 'it is not there: npm run build'
    send(response, 'text/plain', `dist/${file}: ${why}`, 404)
  }
}

/** @param path `TARGET/FILE` */
async function sendLowered(response: ServerResponse, path: string): Promise<void> {
  const [target = '', file = ''] = path.split('/')
  await sendBuilt(response, file, (code) => lower(code, target))
}

/** Takes away what browsers of that age do not have, so that what is compiled for them runs as there. */
const AGED = `for (const [object, ...names] of [
  [URL, 'canParse', 'parse'], [AbortSignal, 'any', 'timeout'], [Promise, 'withResolvers', 'try'], [Object, 'groupBy'],
  [Array, 'fromAsync'], [Array.prototype, 'toSorted', 'toReversed', 'toSpliced', 'with'],
]) for (const name of names) delete object[name];
`

const lowered = new Map<string, Promise<string>>()

/** Compiles as Vite does in a build for browsers of this age: it keeps `import()` and `import.meta` for any target. */
function lower(code: string, target: string): Promise<string> {
  const key = `${target} ${code}`
  const supported = { 'dynamic-import': true, 'import-meta': true }
  const result =
    lowered.get(key) ?? transform(AGED + code, { target, supported, minify: true }).then(({ code }) => code)
  lowered.set(key, result)
  return result
}
