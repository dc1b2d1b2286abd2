import { createParser } from 'eventsource-parser'

// The least that a worker can do: what sharing costs at all, without anything that makes it reliable.

const ports = []
let isConnected = false

self.onconnect = ({ ports: [port] }) => {
  ports.push(port)
  port.onmessage = ({ data: url }) => {
    if (!isConnected) relay(url)
    isConnected = true
  }
}

async function relay(url) {
  let events = []
  const parser = createParser({
    onEvent: ({ event = 'message', data, id = '' }) => events.push({ name: event, data, id }),
  })
  const decoder = new TextDecoder()
  const { body } = await fetch(url, { headers: { Accept: 'text/event-stream' } })
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    if (events.length === 0) continue
    for (const port of ports) port.postMessage(events)
    events = []
  }
}
