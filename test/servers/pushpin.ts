import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { POLL } from '../browser/stage.ts'
import { freePort } from '../ports.mjs'
import { folderOf, Program } from './program.ts'

/** How long a request may take, in ms, that only asks whether Pushpin is ready. */
const PATIENCE = 500

/** Pushpin in front of an origin that speaks GRIP. */
export async function startPushpin(upstream: string) {
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
  const run = () =>
    Program.start('pushpin', ['--config', join(folder, 'pushpin.conf'), '-m'], {
      folder,
      ports: [port, publish],
    })
  let program = await run()
  const origin = `http://127.0.0.1:${port}`
  // It listens before its processes are connected. A request that comes too early is answered with nothing, or never.
  const passesOn = () =>
    fetch(`${origin}/page`, { signal: AbortSignal.timeout(PATIENCE) }).then(
      ({ ok }) => ok,
      () => false,
    )
  await expect.poll(passesOn, POLL).toBe(true)
  const restart = async () => {
    await program.stop()
    program = await run()
    await expect.poll(passesOn, POLL).toBe(true)
  }
  return { origin, publishing: `http://127.0.0.1:${publish}/publish/`, restart }
}
