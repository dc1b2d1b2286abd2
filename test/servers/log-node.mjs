import { createServer } from 'node:http'
import { eventStream, toNodeHandler } from '../../dist/server.js'
import { open } from './opened-log.mjs'

// One server of several, in a process of its own: log-node.mjs STORE URL

const [store = '', url = ''] = process.argv.slice(2)
const log = await open[store]?.(url)
if (log === undefined) throw new Error(`no such store: ${store}`)
const server = createServer(toNodeHandler((request) => eventStream(request, log, { topics: ['a'] })))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`)
})
