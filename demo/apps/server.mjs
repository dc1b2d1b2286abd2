import { createServer } from 'node:http'

const HISTORY = 10_000
const epoch = Date.now()
const history = []
const clients = new Set()
let count = 0

/** Sends an event, whose data is a string, to all clients, and keeps it for those that resume. */
export function publish(name, data) {
  const id = `${epoch}-${++count}`
  const text = `id: ${id}\nevent: ${name}\ndata: ${data.replaceAll('\n', '\ndata: ')}\n\n`
  history.push({ id, text })
  if (history.length > HISTORY) history.shift()
  for (const client of clients) send(client, text)
}

/** A client that does not read is cut off. It resumes when it comes back. */
function send(client, text) {
  if (client.writableLength > 1_000_000) client.destroy()
  else client.write(text)
}

export const server = createServer((request, response) => {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform', // no proxy may compress, and so buffer, the stream
    'X-Accel-Buffering': 'no', // nor may nginx buffer it
  })
  response.write(': welcome\n\n') // the head is sent at once
  const lastId = request.headers['last-event-id']
  const known = history.findIndex(({ id }) => id === lastId)
  // An unknown ID is answered by all that there is. What is not replayed is a gap, and tabstream says so.
  if (lastId !== undefined) for (const { text } of history.slice(known + 1)) send(response, text)
  // Between the replay and this line nothing can be published, because nothing waits.
  clients.add(response)
  response.on('close', () => clients.delete(response))
})

setInterval(() => {
  for (const client of clients) send(client, ': alive\n\n')
}, 15_000).unref()
