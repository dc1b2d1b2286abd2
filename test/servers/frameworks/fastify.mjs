import sse from '@fastify/sse'
import { fastify } from 'fastify'

export async function serve(port, subscribe) {
  const app = fastify()
  await app.register(sse, { serializer: String })
  app.get('/events', { sse: true }, (_request, reply) => {
    reply.sse.keepAlive()
    reply.sse.sendHeaders()
    // It has only prepared the head; Node sends it with the first byte otherwise.
    reply.raw.flushHeaders()
    const stop = subscribe((data) => reply.sse.send({ event: 'tick', data }))
    reply.sse.onClose(stop)
  })
  await app.listen({ port, host: '127.0.0.1' })
}
