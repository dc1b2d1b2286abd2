import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname } from 'node:path'
import { initTRPC, tracked } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'

// node server.mjs PORT: the app, and the servers that its libraries expect. `/counts` says how many streams have begun, and how
// many are open.

const TYPES = { '.html': 'text/html', '.js': 'text/javascript' }

let count = 0
let begun = 0
const open = new Set()
/** @type {Set<() => void>} */
const listeners = new Set()

setInterval(() => {
  count++
  for (const listener of listeners) listener()
}, 100).unref()

/** Counts a stream, and has `send` called with each number until the client goes. */
function stream(response, send) {
  begun++
  open.add(response)
  const listener = send && (() => send(count))
  if (listener) listeners.add(listener)
  response.on('close', () => {
    open.delete(response)
    if (listener) listeners.delete(listener)
  })
}

/** @param {(count: number) => string} textOf lines of an event besides its ID */
const sse = (textOf) => (_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  response.write(': hello\n\n')
  stream(response, (count) => response.write(`id: ${count}\n${textOf(count)}\n\n`))
}

const t = initTRPC.create({ sse: { ping: { enabled: true, intervalMs: 1_000 } } })
const router = t.router({
  ticks: t.procedure.subscription(async function* ({ signal }) {
    while (!signal?.aborted) {
      await new Promise((resolve) => {
        const once = () => {
          listeners.delete(once)
          resolve(undefined)
        }
        listeners.add(once)
      })
      yield tracked(String(count), count)
    }
  }),
})
const trpc = createHTTPHandler({ router, basePath: '/trpc/' })

const routes = {
  '/ticks': sse((count) => `event: tick\ndata: ${count}`),
  '/turbo': sse(
    (count) =>
      `data: <turbo-stream action="update" target="latest"><template>${count}</template></turbo-stream>`,
  ),
  '/__transmit/events': sse((count) => `data: ${JSON.stringify({ channel: 'ticks', payload: count })}`),
  '/__transmit/subscribe': (_request, response) => response.writeHead(204).end(),
  '/counts': (_request, response) => response.end(JSON.stringify({ begun, open: open.size, latest: count })),
}

createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://any')
  if (routes[pathname]) return routes[pathname](request, response)
  if (pathname.startsWith('/trpc/')) {
    stream(response)
    return trpc(request, response)
  }
  const path = pathname === '/' ? '/index.html' : pathname
  const body = await readFile(new URL(`dist${path}`, import.meta.url)).catch(() => undefined)
  if (body === undefined) response.writeHead(404).end()
  else response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'text/plain' }).end(body)
}).listen(Number(process.argv[2]), 'localhost')
