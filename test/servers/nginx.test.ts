import { describe, expect, type TestContext, test } from 'vitest'
import { record, type Tab, warnings } from '../browser/browser.ts'
import { connect } from '../browser/connected.ts'
import { POLL, type Stage, useBrowser } from '../browser/stage.ts'
import { Nginx } from './nginx.ts'
import { needs } from './program.ts'
import { expectCutsWhereQuiet, expectHeartbeatsToHold } from './quiet.ts'
import { serveByTabstream } from './tabstream-server.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

/** nginx in front of a server, with these directives in the location of the stream. */
const before = ({ server }: Stage, directives: string, main = '') =>
  Nginx.start({
    main,
    server: `location / { proxy_pass ${server.origin}; }
    location /events/ { proxy_pass ${server.origin}; ${directives} }`,
  })

/** What a client is told that has the browser's `Accept-Encoding`. */
async function encodingOf(url: string): Promise<string | null> {
  const response = await fetch(url, { headers: { 'accept-encoding': 'gzip' } })
  await response.body?.cancel()
  return response.headers.get('content-encoding')
}

describe('nginx, buffering', () => {
  test('on, as by default: the console says why nothing comes', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const channel = set.server.channel('busy')
    const { origin } = await before(set, '')
    const tab = await set.open(origin)
    const quiet = await record(tab, '/events/busy', ['tick'], { kind: 'connect' })
    await channel.waitForConnections(1)
    channel.send({ event: 'tick', data: '1' })
    await expect
      .poll(() => warnings(tab), POLL)
      .toEqual([expect.stringMatching(/10 seconds.*X-Accel-Buffering: no/)])
    expect(await quiet.received()).toEqual([])
    channel.end()
    await quiet.waitForEvents(1)
  })

  test('on, and a server of tabstream/server, which forbids it', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const sender = serveByTabstream(set)
    const { origin } = await before(set, '')
    const trial = await Trial.begin(context, set, { origin, sender })
    trial.feed.start()
    await trial.feed.more(200)
    await trial.conclude()
  })

  test('off', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const { origin } = await before(set, 'proxy_buffering off;')
    const trial = await Trial.begin(context, set, { origin })
    trial.feed.start()
    await trial.feed.more(200)
    await trial.conclude()
    expect(set.server.channel('busy').totalConnections).toBe(1)
  })
})

describe('nginx, gzip on', () => {
  const cases = [
    { what: 'buffering off', directives: 'proxy_buffering off;', headers: {} },
    {
      what: 'buffering off, and the server says no-transform',
      directives: 'proxy_buffering off;',
      headers: { 'cache-control': 'no-cache, no-transform' },
    },
    {
      what: 'buffering on, and the server says X-Accel-Buffering: no',
      directives: '',
      headers: { 'x-accel-buffering': 'no' },
    },
  ]
  for (const { what, directives, headers } of cases) {
    test(what, async (context) => {
      needs(context, 'nginx')
      const set = await stage()
      set.server.channel('busy').headers = headers
      const gzip = 'gzip on; gzip_types text/event-stream; gzip_min_length 1;'
      const { origin } = await before(set, `${directives} ${gzip}`)
      expect(await encodingOf(`${origin}/events/busy`)).toBe('gzip')
      const trial = await Trial.begin(context, set, { origin })
      trial.feed.start()
      await trial.feed.more(200)
      await trial.conclude()
    })
  }
})

describe('nginx, proxy_read_timeout 1s', () => {
  const directives = 'proxy_buffering off; proxy_read_timeout 1s;'

  test('a quiet server without heartbeats is cut each second, and resumed', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const { origin } = await before(set, directives)
    await expectCutsWhereQuiet(context, set, origin)
  })

  test('a quiet server with heartbeats is not cut', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const { origin } = await before(set, directives)
    await expectHeartbeatsToHold(context, set, origin)
  })
})

describe('nginx, and the server behind it', () => {
  /** Statuses that a stream of one tab has been answered with. */
  const statuses = ({ tabs: [tab] }: Trial) =>
    tab?.page.evaluate(() => seen.statuses.map(({ error }) => error?.status ?? 0))

  test('dies, 502, and comes back: SharedEventSource is closed, connect() resumes', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const nginx = await before(set, 'proxy_buffering off;')
    const trial = await Trial.begin(context, set, { origin: nginx.origin, kinds: ['connect'] })
    const [first] = trial.tabs as [Tab]
    await connect(first, '/events/busy')
    const dropIn = await record(first, '/events/busy', ['tick'])
    await dropIn.waitForSignals('open')
    trial.feed.start()
    await trial.feed.more(50)
    await set.server.stop()
    await expect.poll(() => statuses(trial), POLL).toContain(502)
    expect(await dropIn.waitForSignals('error')).toContainEqual({ type: 'error', readyState: 2 })
    await trial.feed.more(50)
    await set.server.restart()
    await trial.isLive()
    await trial.conclude()
  })

  test('hangs, 504, and comes back: connect() resumes', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const channel = set.server.channel('busy')
    const nginx = await before(set, 'proxy_buffering off; proxy_read_timeout 300ms;')
    const trial = await Trial.begin(context, set, { origin: nginx.origin, kinds: ['connect'] })
    await connect(trial.tabs[0] as Tab, '/events/busy')
    trial.feed.start()
    await trial.feed.more(50)
    channel.hold()
    channel.cut()
    await expect.poll(() => statuses(trial), POLL).toContain(504)
    channel.release()
    await trial.isLive()
    await trial.conclude()
  })
})

describe('nginx, under 200 events a second', () => {
  /** Lets something happen three times that cuts the stream. */
  async function cutUnderLoad(context: TestContext, set: Stage, nginx: Nginx, cut: () => Promise<void>) {
    const channel = set.server.channel('busy')
    const trial = await Trial.begin(context, set, { origin: nginx.origin })
    trial.feed.start()
    for (let connections = 2; connections <= 4; connections++) {
      await cut()
      await channel.until(() => channel.totalConnections === connections, `connection ${connections}`)
      await trial.feed.more(100)
      await trial.isLive()
    }
    await trial.conclude()
  }

  test('reload: an old worker keeps the stream', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const channel = set.server.channel('busy')
    const nginx = await before(set, 'proxy_buffering off;')
    const trial = await Trial.begin(context, set, { origin: nginx.origin })
    trial.feed.start()
    for (let round = 0; round < 3; round++) {
      await nginx.reload()
      await trial.feed.more(100)
      await trial.isLive()
    }
    await trial.conclude()
    expect(channel.totalConnections).toBe(1)
  })

  test('reload with worker_shutdown_timeout: an old worker cuts the stream', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const nginx = await before(set, 'proxy_buffering off;', 'worker_shutdown_timeout 100ms;')
    await cutUnderLoad(context, set, nginx, () => nginx.reload())
  })

  test('restart', async (context) => {
    needs(context, 'nginx')
    const set = await stage()
    const nginx = await before(set, 'proxy_buffering off;')
    await cutUnderLoad(context, set, nginx, () => nginx.restart())
  })
})
