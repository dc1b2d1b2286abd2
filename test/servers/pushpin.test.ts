import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ServerEvent } from '../browser/channel.ts'
import { POLL, type Stage, useBrowser } from '../browser/stage.ts'
import { freePort } from '../ports.ts'
import { folderOf, needs, Program } from './program.ts'
import { publisher } from './publisher.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

/** How long a request may take, in ms, that only asks whether Pushpin is ready. */
const PATIENCE = 500

/** Pushpin in front of an origin that speaks GRIP. */
async function startPushpin(upstream: string) {
  const [port, publish, push, subscribe, command] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const folder = folderOf({ routes: `* ${new URL(upstream).host}\n` })
  const configuration = `[global]
include=/usr/lib/pushpin/internal.conf
rundir=${folder}
ipc_prefix=test-
[runner]
services=condure,pushpin-proxy,pushpin-handler
http_port=127.0.0.1:${port}
logdir=${folder}
client_buffer_size=8192
client_maxconn=100
[proxy]
routesfile=${folder}/routes
zurl_out_specs=ipc://${folder}/zurl-in
zurl_out_stream_specs=ipc://${folder}/zurl-in-stream
zurl_in_specs=ipc://${folder}/zurl-out
updates_check=off
[handler]
push_in_spec=tcp://127.0.0.1:${push}
push_in_sub_specs=tcp://127.0.0.1:${subscribe}
push_in_http_addr=127.0.0.1
push_in_http_port=${publish}
command_spec=tcp://127.0.0.1:${command}
message_rate=2500
message_hwm=25000
`
  await writeFile(join(folder, 'pushpin.conf'), configuration)
  const requests = `[General]
in_spec=ipc://${folder}/zurl-in
in_stream_spec=ipc://${folder}/zurl-in-stream
out_spec=ipc://${folder}/zurl-out
defpolicy=allow
`
  await writeFile(join(folder, 'zurl.conf'), requests)
  // Makes the requests to the origin.
  await Program.start('zurl', [`--config=${folder}/zurl.conf`], { folder, ports: [] })
  await Program.start('pushpin', ['--config', join(folder, 'pushpin.conf'), '-m'], {
    folder,
    ports: [port, publish],
  })
  const origin = `http://127.0.0.1:${port}`
  // It listens before its processes are connected. A request that comes too early is answered with nothing, or never.
  const passesOn = () =>
    fetch(`${origin}/page`, { signal: AbortSignal.timeout(PATIENCE) }).then(
      ({ ok }) => ok,
      () => false,
    )
  await expect.poll(passesOn, POLL).toBe(true)
  return { origin, publishing: `http://127.0.0.1:${publish}/publish/` }
}

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
