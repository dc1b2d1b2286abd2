import { serve as listen } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

export function serve(port, subscribe) {
  const app = new Hono()
  app.get('/events', (context) =>
    streamSSE(
      context,
      (stream) =>
        new Promise((resolve) => {
          const stop = subscribe((data) => stream.writeSSE({ event: 'tick', data }))
          stream.onAbort(() => {
            stop()
            resolve(undefined)
          })
        }),
    ),
  )
  listen({ fetch: app.fetch, port, hostname: '127.0.0.1' })
}
