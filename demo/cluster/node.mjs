import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { eventStream, redisLog, toNodeHandler } from 'tabstream/server'

// One of the nodes. They are all alike: each serves whoever comes, from wherever that client has come to.

const { NAME = 'node', PORT = '8081', REDIS_URL = 'redis://127.0.0.1:6379' } = process.env

const redis = new Redis(REDIS_URL)
redis.on('error', () => {}) // it connects again by itself, and the log tells of each outage
const log = redisLog(redis)

const ending = new AbortController()
const options = { topics: ['numbers'], retry: 500, heartbeat: 5_000, signal: ending.signal }

const server = createServer(
  toNodeHandler(async (request) => {
    const response = await eventStream(request, log, options)
    response.headers.set('set-cookie', `served-by=${NAME}; Path=/; SameSite=Strict`) // for the page to show
    return response
  }),
)
server.listen(Number(PORT), '127.0.0.1')

process.once('SIGTERM', () => {
  ending.abort() // each response ends in good order, and its client goes on at the other node
  server.close(() => process.exit())
  setTimeout(() => server.closeAllConnections(), 5_000) // a browser keeps connections that have asked for nothing
})
