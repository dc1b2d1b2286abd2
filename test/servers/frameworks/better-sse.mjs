import { createServer } from 'node:http'
import { createSession } from 'better-sse'

export const serve = (port, subscribe) =>
  createServer(async (request, response) => {
    const session = await createSession(request, response, { serializer: String })
    const stop = subscribe((data) => session.push(data, 'tick'))
    session.on('disconnected', stop)
  }).listen(port, '127.0.0.1')
