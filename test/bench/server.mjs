import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { WebSocketServer } from 'ws'
import { answerCalls } from './calls.mjs'
import { Stream } from './stream.mjs'

// A process of its own, so that its CPU time is not the runner's. The runner forks it and calls it by messages.

const folder = process.argv[2] ?? ''
const TYPES = { '.html': 'text/html', '.js': 'text/javascript' }

/** @type {Map<string, Stream>} */
const streams = new Map()

/** @param {string} name */
function streamOf(name) {
  const stream = streams.get(name)
  if (stream === undefined) throw new Error(`no stream ${name}`)
  return stream
}

/** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  // Some pages take streams from other ports, which are other origins.
  response.setHeader('Access-Control-Allow-Origin', '*')
  response.setHeader('Access-Control-Allow-Headers', '*')
  if (request.method === 'OPTIONS') return response.writeHead(204).end()
  const [, name] = /^\/events\/(.+)$/.exec(pathname) ?? []
  if (name !== undefined) {
    const stream = streams.get(name)
    if (stream === undefined) return response.writeHead(204).end()
    return stream.accept(request, response)
  }
  if (pathname === '/slow') return setTimeout(() => response.end(), Number(searchParams.get('ms')))
  try {
    const content = await readFile(join(folder, normalize(pathname)))
    response.setHeader('Content-Type', TYPES[extname(pathname)] ?? 'text/plain')
    response.end(content)
  } catch {
    response.writeHead(404).end()
  }
}

const calls = {
  /** Listens on a free port and resolves with it. */
  listen: () =>
    new Promise((resolve) => {
      const server = createServer((request, response) => void answer(request, response))
      const sockets = new WebSocketServer({ server })
      sockets.on('connection', (socket, request) => {
        const [, name = '', lists] = /^\/events\/([^?]+)(\?lists)?/.exec(request.url ?? '') ?? []
        streams.get(name)?.acceptSocket(socket, lists !== undefined)
      })
      server.listen(0, '127.0.0.1', () => resolve(server.address().port))
    }),
  createStream: (name, form) => void streams.set(name, new Stream(form)),
  removeStream(name) {
    streamOf(name).end()
    streams.delete(name)
  },
  encode: (name, count) => streamOf(name).encode(count),
  flood: (name) => streamOf(name).flood(),
  pace: (name, perSecond) => streamOf(name).pace(perSecond),
  rest: (name) => streamOf(name).rest(),
  report: (name) => streamOf(name).report(),
}

answerCalls(calls)
