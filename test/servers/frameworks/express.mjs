import express from 'express'

export const serve = (port, subscribe) =>
  express()
    .get('/events', (request, response) => {
      response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }).flushHeaders()
      const stop = subscribe((data) => response.write(`event: tick\ndata: ${data}\n\n`))
      request.on('close', stop)
    })
    .listen(port, '127.0.0.1')
