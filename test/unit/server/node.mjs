import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { eventStream, redisLog, toNodeHandler } from '../../../dist/server.js'

// One node of a cluster, in a process of its own: node.mjs REDIS_URL PREFIX

const [url = '', prefix = ''] = process.argv.slice(2)
const log = redisLog(new Redis(url), { prefix })
const server = createServer(toNodeHandler((request) => eventStream(request, log, { topics: ['a'] })))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`)
})
