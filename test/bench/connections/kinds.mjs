import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// Servers that are measured beside each other. The path of a request names its topics: /a,b

/** @param {import('node:http').IncomingMessage} request */
const topicsOf = ({ url = '/' }) => url.slice(1).split(',')

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** @type {Record<string, (heartbeat: number, dist: string) => Promise<{ answer: (request: any, response: any) => unknown, broadcast: (topic: string, data: string) => unknown }>>} */
export const KINDS = {
  async tabstream(heartbeat, dist) {
    const { eventStream, memoryLog, toNodeHandler } = await import(
      pathToFileURL(join(dist, 'server.js')).href
    )
    const log = memoryLog()
    const answer = toNodeHandler((request) =>
      eventStream(request, log, { topics: topicsOf({ url: new URL(request.url).pathname }), heartbeat }),
    )
    return { answer, broadcast: (topic, data) => log.append(topic, { data }) }
  },

  async 'better-sse'(heartbeat) {
    const { createChannel, createSession } = await import('better-sse')
    const channels = new Map()
    const channelOf = (topic) => {
      if (!channels.has(topic)) channels.set(topic, createChannel())
      return channels.get(topic)
    }
    let count = 0
    return {
      async answer(request, response) {
        const session = await createSession(request, response, { keepAlive: heartbeat })
        for (const topic of topicsOf(request)) channelOf(topic).register(session)
      },
      broadcast: (topic, data) => channelOf(topic).broadcast(data, 'message', { eventId: String(++count) }),
    }
  },

  // What people write first: no history, and nobody looks whether a client reads.
  async 'res.write'(heartbeat) {
    const responses = new Map()
    const all = new Set()
    setInterval(() => {
      for (const response of all) response.write(':\n\n')
    }, heartbeat)
    let count = 0
    return {
      answer(request, response) {
        response.writeHead(200, HEAD)
        response.write(':\n\n')
        for (const topic of ['all', ...topicsOf(request)]) {
          const set = topic === 'all' ? all : (responses.get(topic) ?? new Set())
          if (topic !== 'all') responses.set(topic, set)
          set.add(response)
          response.on('close', () => set.delete(response))
        }
      },
      broadcast(topic, data) {
        const text = `id: ${++count}\ndata: ${data}\n\n`
        for (const response of responses.get(topic) ?? []) response.write(text)
      },
    }
  },
}
