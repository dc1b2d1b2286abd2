import { expect, test } from 'vitest'
import { useBrowser } from '../browser/stage.ts'
import { freePort } from '../ports.mjs'
import { folderOf, needs, Program } from './program.ts'
import { expectCutsWhereQuiet, expectHeartbeatsToHold } from './quiet.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

/** Varnish in front of another server, with this besides its built-in VCL. */
async function startVarnish(upstream: string, { vcl = '', parameters = [] as readonly string[] } = {}) {
  const { hostname, port: behind } = new URL(upstream)
  const backend = `.host = "${hostname}"; .port = "${behind}"; .between_bytes_timeout = 1s;`
  const folder = folderOf({ 'default.vcl': `vcl 4.1;\nbackend default { ${backend} }\n${vcl}` })
  const port = await freePort()
  const where = ['-F', '-n', `${folder}/state`, '-a', `127.0.0.1:${port}`, '-f', `${folder}/default.vcl`]
  const options = ['-s', 'malloc,16m', ...parameters.flatMap((parameter) => ['-p', parameter])]
  const start = () => Program.start('varnishd', [...where, ...options], { ports: [port], folder })
  let program = await start()
  const restart = async () => {
    await program.stop()
    program = await start()
  }
  return { origin: `http://127.0.0.1:${port}`, restart }
}

test('Varnish with its built-in VCL, and a server that forbids to cache', async (context) => {
  needs(context, 'varnishd')
  const set = await stage()
  const { origin } = await startVarnish(set.server.origin)
  const trial = await Trial.begin(context, set, { origin })
  trial.feed.start()
  await trial.feed.more(200)
  await trial.conclude()
  expect(set.server.channel('busy').totalConnections).toBe(1)
})

test('Varnish with return (pipe), restarted under load', async (context) => {
  needs(context, 'varnishd')
  const set = await stage()
  const channel = set.server.channel('busy')
  const vcl = 'sub vcl_recv { if (req.url ~ "^/events/") { return (pipe); } }'
  const varnish = await startVarnish(set.server.origin, { vcl })
  const trial = await Trial.begin(context, set, { origin: varnish.origin })
  trial.feed.start()
  for (let connections = 2; connections <= 3; connections++) {
    await varnish.restart()
    await channel.until(() => channel.totalConnections === connections, `connection ${connections}`)
    await trial.feed.more(100)
    await trial.isLive()
  }
  await trial.conclude()
})

test('Varnish with between_bytes_timeout 1s: a quiet server without heartbeats is cut each second, and resumed', async (context) => {
  needs(context, 'varnishd')
  const set = await stage()
  const { origin } = await startVarnish(set.server.origin)
  await expectCutsWhereQuiet(context, set, origin)
})

test('Varnish with between_bytes_timeout 1s: a quiet server with heartbeats is not cut', async (context) => {
  needs(context, 'varnishd')
  const set = await stage()
  const { origin } = await startVarnish(set.server.origin)
  await expectHeartbeatsToHold(context, set, origin)
})

test('Varnish, and a server that permits to cache: reconnections are answered from the cache until it forgets', async (context) => {
  needs(context, 'varnishd')
  const set = await stage()
  const channel = set.server.channel('busy')
  channel.headers = { 'cache-control': 'public' }
  const parameters = ['default_ttl=2', 'default_grace=0']
  const { origin } = await startVarnish(set.server.origin, { parameters })
  const trial = await Trial.begin(context, set, { origin })
  channel.end()
  await channel.waitForConnections(0)
  trial.feed.send('tick')
  const asked = channel.requests.length
  const answer = await fetch(`${origin}/events/busy`, { headers: { 'last-event-id': '1' } })
  expect(await answer.text()).toContain('data: 1\n')
  expect(channel.requests).toHaveLength(asked)
  await trial.conclude()
})
