import { createHash, X509Certificate } from 'node:crypto'
import { describe, expect, type TestContext, test } from 'vitest'
import { inspect, launchChromium } from '../browser/browser.ts'
import { certificate } from '../browser/certificate.ts'
import { PACE } from '../browser/feed.ts'
import { type Stage, useBrowser } from '../browser/stage.ts'
import { freePort } from '../ports.mjs'
import { Caddy } from './caddy.ts'
import { Nginx } from './nginx.ts'
import { needs } from './program.ts'
import { Trial } from './trial.ts'

/** More than the connections that a hub holds over HTTP/1.1, and more than a browser does. */
const STREAMS = 8

/** Three tabs that all hear eight streams, 200 events a second in all. */
async function beginMany(context: TestContext, set: Stage, origin: string): Promise<Trial[]> {
  const tabs = await set.openMany(3, `${origin}/`)
  return Promise.all(
    channels(set).map((sender) =>
      Trial.begin(context, set, { path: sender.path, sender, tabs, pace: PACE * STREAMS }),
    ),
  )
}

const channels = ({ server }: Stage) =>
  Array.from({ length: STREAMS }, (_, number) => server.channel(String(number)))

/** All streams are live at once, over this protocol, and stay so. */
async function expectNoneParked(context: TestContext, set: Stage, origin: string, protocol: string) {
  const trials = await beginMany(context, set, origin)
  const [tab] = trials[0]?.tabs ?? []
  expect(tab && (await inspect(tab)).origins).toEqual([
    { origin, protocol, limit: Number.POSITIVE_INFINITY, live: STREAMS, parked: 0 },
  ])
  for (const { feed } of trials) feed.start()
  for (const trial of trials) await trial.feed.more(10)
  for (const trial of trials) await trial.conclude()
  for (const channel of channels(set)) expect(channel.totalConnections).toBe(1)
}

/** Lets something happen twice that cuts all streams. */
async function cutUnderLoad(set: Stage, trials: readonly Trial[], cut: () => Promise<void>): Promise<void> {
  for (const { feed } of trials) feed.start()
  for (let connections = 2; connections <= 3; connections++) {
    await cut()
    for (const channel of channels(set))
      await channel.until(() => channel.totalConnections === connections, `connection ${connections}`)
    for (const trial of trials) await trial.isLive()
  }
  for (const trial of trials) await trial.conclude()
}

describe('HTTP/2, eight streams', () => {
  const stage = useBrowser(() => launchChromium({ args: ['--ignore-certificate-errors'] }))

  const nginx = async ({ server }: Stage, main = '') => {
    const { key, cert } = certificate()
    return Nginx.start({
      main,
      listen: 'ssl http2',
      http: 'ssl_certificate $folder/cert.pem; ssl_certificate_key $folder/key.pem;',
      files: { 'key.pem': key, 'cert.pem': cert },
      server: `location / { proxy_pass ${server.origin}; proxy_buffering off; }`,
    })
  }

  test('nginx: none is parked', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const { origin } = await nginx(set)
    await expectNoneParked(context, set, origin, 'h2')
  })

  test('nginx with worker_shutdown_timeout is reloaded under load', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const proxy = await nginx(set, 'worker_shutdown_timeout 100ms;')
    const trials = await beginMany(context, set, proxy.origin)
    await cutUnderLoad(set, trials, () => proxy.reload())
  })

  test('Caddy: none is parked', async (context) => {
    needs(context, 'caddy')
    const set = await stage()
    const { origin } = await Caddy.start(set.server.origin)
    await expectNoneParked(context, set, origin, 'h2')
  })

  test('Caddy is reloaded under load: the streams stay, and others begin', async (context) => {
    needs(context, 'caddy')
    const set = await stage()
    const proxy = await Caddy.start(set.server.origin)
    const trials = await beginMany(context, set, proxy.origin)
    for (const { feed } of trials) feed.start()
    await proxy.reload()
    const [{ tabs }] = trials as [Trial]
    const sender = set.server.channel('later')
    const later = await Trial.begin(context, set, { path: '/events/later', sender, tabs })
    for (const trial of trials) await trial.isLive()
    for (const trial of [...trials, later]) await trial.conclude()
    for (const channel of channels(set)) expect(channel.totalConnections).toBe(1)
  })

  test('Caddy is restarted under load', async (context) => {
    needs(context, 'caddy')
    const set = await stage()
    const proxy = await Caddy.start(set.server.origin)
    await cutUnderLoad(set, await beginMany(context, set, proxy.origin), () => proxy.restart())
  })
})

describe('HTTP/3, eight streams', () => {
  let port = 0
  const stage = useBrowser(async () => {
    port = await freePort()
    const key = new X509Certificate(certificate().cert).publicKey.export({ type: 'spki', format: 'der' })
    const fingerprint = createHash('sha256').update(key).digest('base64')
    // Only so does Chromium speak QUIC with a server whose certificate nobody has signed.
    return launchChromium({
      args: [
        `--origin-to-force-quic-on=localhost:${port}`,
        `--ignore-certificate-errors-spki-list=${fingerprint}`,
        '--host-resolver-rules=MAP localhost 127.0.0.1',
      ],
    })
  })

  test('Caddy: none is parked', async (context) => {
    needs(context, 'caddy')
    const set = await stage()
    const { origin } = await Caddy.start(set.server.origin, port)
    await expectNoneParked(context, set, origin, 'h3')
  })
})
