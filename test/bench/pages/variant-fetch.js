import { createParser } from 'eventsource-parser'

export function open(request) {
  follow(request)
}

async function follow({ url, names, meter }) {
  const listeners = new Map(names.map((name) => [name, ({ data, id }) => meter.take(data, id)]))
  const parser = createParser({ onEvent: (event) => listeners.get(event.event ?? 'message')?.(event) })
  const decoder = new TextDecoder()
  const { body } = await fetch(url, { headers: { Accept: 'text/event-stream' } })
  for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }))
}
