import { createServer } from 'node:http'
import { answerCalls } from '../calls.mjs'
import { KINDS } from './kinds.mjs'

// One server with many connections, in a process of its own: server.mjs KIND HEARTBEAT DIST, under node --expose-gc

const [kind = '', heartbeat = '', dist = ''] = process.argv.slice(2)
const { answer, broadcast } = await KINDS[kind](Number(heartbeat), dist)
const server = createServer((request, response) => void answer(request, response))

answerCalls({
  /** Resolves with what clients connect to. @param {string} [path] of a Unix socket, instead of TCP */
  listen: (path) =>
    new Promise((resolve) => {
      const backlog = 4_096
      const on = path === undefined ? { port: 0, host: '127.0.0.1', backlog } : { path, backlog }
      server.listen(on, () => {
        const address = server.address()
        resolve(typeof address === 'string' ? { path: address } : { port: address.port, host: '127.0.0.1' })
      })
    }),
  connections: () =>
    new Promise((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    }),
  async memory() {
    for (let round = 0; round < 3; round++) {
      globalThis.gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, heap: heapUsed, external }
  },
  processor: () => process.cpuUsage(),
  /** @param {string} topic @param {number} [bytes] filled up to so many */
  broadcast: (topic, bytes = 0) =>
    // The clients' process has the same clock.
    broadcast(topic, `at=${process.hrtime.bigint()}; ${'x'.repeat(bytes)}`),
})
