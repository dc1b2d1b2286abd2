import { test } from 'vitest'
import type { ServerEvent } from '../browser/channel.ts'
import { type Stage, useBrowser } from '../browser/stage.ts'
import { needs } from './program.ts'
import { publisher } from './publisher.ts'
import { startPushpin } from './pushpin.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

/** An origin in reliable mode: Pushpin is told which event comes before each, and asks for what it has missed. */
function originOf({ server }: Stage, publishing: string) {
  const log: string[] = []
  const encode = ({ event, data, id }: ServerEvent) => `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`
  server.answer('/events/busy', (request, response) => {
    const asked = new URL(request.url ?? '', server.origin).searchParams.get('after')
    const after = Number(asked ?? request.headers['last-event-id'] ?? log.length)
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'grip-hold': 'stream',
      'grip-channel': `busy; prev-id=${log.length}`,
      'grip-link': `</events/busy?after=${log.length}>; rel=next`,
    })
    response.end((asked === null ? 'retry: 10\n\n' : '') + log.slice(after).join(''))
  })
  return publisher((event) => {
    const content = encode(event)
    const previous = String(log.length)
    log.push(content)
    const item = {
      channel: 'busy',
      id: event.id,
      'prev-id': previous,
      formats: { 'http-stream': { content } },
    }
    return {
      url: publishing,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items: [item] }),
    }
  })
}

test('Pushpin in reliable mode, under load', async (context) => {
  needs(context, 'pushpin')
  const set = await stage()
  const pushpin = await startPushpin(set.server.origin)
  const sender = originOf(set, pushpin.publishing)
  const trial = await Trial.begin(context, set, { origin: pushpin.origin, sender })
  trial.feed.start()
  await trial.feed.more(200)
  await trial.conclude({ isDoubling: true })
})
