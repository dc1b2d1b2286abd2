import { expect, test } from 'vitest'
import type { Tab } from '../browser/browser.ts'
import { connect } from '../browser/connected.ts'
import { POLL, useBrowser } from '../browser/stage.ts'
import { Haproxy } from './haproxy.ts'
import { needs } from './program.ts'
import { expectCutsWhereQuiet, expectHeartbeatsToHold } from './quiet.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

test('HAProxy, timeout server 1s: a quiet server without heartbeats is cut each second, and resumed', async (context) => {
  needs(context, 'haproxy')
  const set = await stage()
  const { origin } = await Haproxy.start(set.server.origin, { timeout: '1s' })
  await expectCutsWhereQuiet(context, set, origin)
})

test('HAProxy, timeout server 1s: a quiet server with heartbeats is not cut', async (context) => {
  needs(context, 'haproxy')
  const set = await stage()
  const { origin } = await Haproxy.start(set.server.origin, { timeout: '1s' })
  await expectHeartbeatsToHold(context, set, origin)
})

test('HAProxy, reload with -sf under load: a former process keeps the stream', async (context) => {
  needs(context, 'haproxy')
  const set = await stage()
  const channel = set.server.channel('busy')
  const proxy = await Haproxy.start(set.server.origin)
  const trial = await Trial.begin(context, set, { origin: proxy.origin })
  trial.feed.start()
  for (let round = 0; round < 3; round++) {
    await proxy.reload()
    await trial.feed.more(100)
    await trial.isLive()
  }
  await trial.conclude()
  expect(channel.totalConnections).toBe(1)
})

test('HAProxy, reload with -sf and hard-stop-after under load: a former process cuts the stream', async (context) => {
  needs(context, 'haproxy')
  const set = await stage()
  const channel = set.server.channel('busy')
  const proxy = await Haproxy.start(set.server.origin, { hardStop: '100ms' })
  const trial = await Trial.begin(context, set, { origin: proxy.origin })
  trial.feed.start()
  for (let connections = 2; connections <= 4; connections++) {
    await proxy.reload()
    await channel.until(() => channel.totalConnections === connections, `connection ${connections}`)
    await trial.feed.more(100)
    await trial.isLive()
  }
  await trial.conclude()
})

test('HAProxy, the server dies, 503, and comes back: connect() resumes', async (context) => {
  needs(context, 'haproxy')
  const set = await stage()
  const proxy = await Haproxy.start(set.server.origin)
  const trial = await Trial.begin(context, set, { origin: proxy.origin, kinds: ['connect'] })
  const [first] = trial.tabs as [Tab]
  await connect(first, '/events/busy')
  trial.feed.start()
  await trial.feed.more(50)
  await set.server.stop()
  const statuses = () => first.page.evaluate(() => seen.statuses.map(({ error }) => error?.status ?? 0))
  await expect.poll(statuses, POLL).toContain(503)
  await trial.feed.more(50)
  await set.server.restart()
  await trial.isLive()
  await trial.conclude()
})
