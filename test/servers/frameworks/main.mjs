import { EventEmitter } from 'node:events'
import { createServer } from 'node:http'

// node main.mjs FRAMEWORK PORT PORT: a server of this framework with a stream at /events, as its documents begin one. It sends what is
// posted to the second port.

const [, , framework, port, publishing] = process.argv
const posts = new EventEmitter()

/** Calls with each post, until what is returned is called. */
const subscribe = (listener) => {
  posts.on('post', listener)
  return () => posts.off('post', listener)
}

const { serve } = await import(`./${framework}.mjs`)
await serve(Number(port), subscribe)
createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  posts.emit('post', body)
  response.end()
}).listen(Number(publishing), '127.0.0.1')
