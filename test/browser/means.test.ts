import { describe, expect, test } from 'vitest'
import type { HostName } from '../../src/index.ts'
import { visit } from './absence.ts'
import { inspect, launchWithCache, type Recording, record, type Tab, warnings, whenReady } from './browser.ts'
import { examine, Feed, NOTHING } from './feed.ts'
import { ESSENTIAL, POLL, type Stage, useBrowser } from './stage.ts'

// What a browser, or another script of the page, can do to a page that is well. TRIED.md lists what was tried beyond these.

const HOSTS: HostName[] = ['shared-worker', 'leader']

interface Play extends Stage {
  readonly feed: Feed
  /** What its page has shown. The first one has started the hub, or leads. */
  readonly tabs: Tab[]
  readonly recordings: Recording[]
  /** All sources that were open before the feed began have all of it, and there are so many tabs and one connection. */
  expectAll(options?: { tabs?: number; without?: readonly Tab[] }): Promise<void>
}

async function play(set: Stage, paths: readonly string[]): Promise<Play> {
  const channel = set.server.channel('news')
  const feed = new Feed(channel, () => 'message')
  const tabs: Tab[] = []
  const recordings: Recording[] = []
  for (const path of paths) {
    const tab = await set.open(path)
    const recording = await record(tab, '/events/news', ['message'])
    await recording.waitForSignals('open')
    tabs.push(tab)
    recordings.push(recording)
  }
  return {
    ...set,
    feed,
    tabs,
    recordings,
    async expectAll({ without = [], tabs: count = tabs.length - without.length } = {}) {
      feed.stop()
      feed.send('message')
      for (const [index, recording] of recordings.entries()) {
        const tab = tabs[index]
        if (tab === undefined || without.includes(tab)) continue
        await recording.reach(String(feed.length))
        expect(examine(await recording.received(), feed.sent)).toEqual(NOTHING)
        expect(await warnings(tab)).toEqual([])
        await expect.poll(() => inspect(tab), POLL).toMatchObject({ tabs: count, refused: [] })
      }
      expect(channel.connections).toBe(1)
    },
  }
}

/** Serves the test page at a path, with these headers, and with a script that runs before all others. */
function serve({ server }: Stage, path: string, headers: Record<string, string>, script = ''): void {
  server.answer(path, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store', ...headers })
    response.end(
      `<!doctype html><title>tabstream</title><link rel="icon" href="data:,"><script>${script}</script><script src="/page-module.js"></script>`,
    )
  })
}

const devtools = async ({ context }: Stage, { page }: Tab, method: 'collectGarbage' | 'pressure') => {
  const session = await context.newCDPSession(page)
  if (method === 'collectGarbage') await session.send('HeapProfiler.collectGarbage')
  else await session.send('Memory.simulatePressureNotification', { level: 'critical' })
  await session.detach()
}

/** What Prototype.js 1.7 puts in place of the browser's own. */
const REPLACED = `
  Array.from = (list) => Array.prototype.slice.call({ ...list, length: list.length || 0 })
  Array.prototype.entries = function () { return this.slice() }
  String.prototype.startsWith = function (text) { return this.lastIndexOf(text, 0) === 0 }
  String.prototype.endsWith = function (text) { return this.indexOf(text, this.length - text.length) >= 0 }
  Object.prototype.extend = function () {}`

describe.each(HOSTS)('%s: nothing is missing, and nothing is left,', (host) => {
  const stage = useBrowser()
  const page = `/page?host=${host}`
  const two = [page, page]

  test("where a library has replaced the browser's own functions", ESSENTIAL, async () => {
    const set = await stage()
    serve(set, '/replaced', {}, REPLACED)
    const all = await play(set, [`/replaced?host=${host}`, page])
    const [tab] = all.tabs
    if (tab === undefined) throw new Error('two tabs were asked for')
    await tab.page.evaluate(() => {
      const stream = tabstream.connect('/events/news')
      const heard: string[] = []
      Object.assign(globalThis, { heard })
      stream.on('message', ({ data }) => void heard.push(data))
      return new Promise<void>((resolve) => {
        stream.onStatus(({ state }) => state === 'open' && resolve())
      })
    })
    all.feed.start()
    await all.feed.more(20)
    all.server.channel('news').cut()
    await all.feed.more(50)
    await all.expectAll()
    const last = String(all.feed.length)
    await tab.page.waitForFunction((last) => Reflect.get(globalThis, 'heard').at(-1) === last, last)
    expect(await tab.page.evaluate(() => Reflect.get(globalThis, 'heard').length)).toBe(all.feed.length)
  })

  test('when pages call window.stop()', async () => {
    const all = await play(await stage(), two)
    all.feed.start()
    // A cut before the first ID is a gap.
    await all.feed.more(20)
    for (const tab of [...all.tabs, ...all.tabs]) {
      await tab.page.evaluate(() => window.stop())
      await all.feed.more(20)
    }
    await all.expectAll()
  })

  test('when a frame that leads is moved in its page, which loads it anew, and then taken out', async () => {
    const set = await stage()
    const tab = await set.open('/page?native')
    await tab.page.evaluate(
      (src) =>
        new Promise((resolve) => {
          const frame = Object.assign(document.createElement('iframe'), { src, onload: resolve })
          document.body.append(frame)
        }),
      page,
    )
    const inside = async () => {
      const frame = tab.page.frames().find((one) => one.url().endsWith(page))
      await frame?.evaluate(async () => {
        await ready
        await new Promise((resolve) => {
          new tabstream.SharedEventSource('/events/news').onopen = resolve
        })
      })
    }
    await inside()
    const all = await play(set, [page])
    all.feed.start()
    for (let moves = 0; moves < 3; moves++) {
      await all.feed.more(20)
      await tab.page.evaluate(
        () =>
          new Promise((resolve) => {
            const frame = document.querySelector('iframe')
            const place = document.body.appendChild(document.createElement('div'))
            frame?.addEventListener('load', resolve, { once: true })
            if (frame) place.append(frame)
          }),
      )
      await inside()
    }
    await tab.page.evaluate(() => document.querySelector('iframe')?.remove())
    await all.feed.more(20)
    await all.expectAll({ tabs: 1 })
  })

  test('when a tab leaves again and again as soon as it has begun', async () => {
    const all = await play(await stage(), [page])
    const restless = await all.open(page)
    all.feed.start()
    for (let count = 0; count < 10; count++) {
      await restless.page.evaluate(() => {
        new tabstream.SharedEventSource('/events/news').onmessage = () => {}
      })
      await all.feed.more(count)
      await restless.page.goto(all.server.url(`${page}&count=${count}`))
      await whenReady(restless)
    }
    await all.expectAll({ tabs: 1 })
    await all.tabs[0]?.page.close()
    await all.server.channel('news').waitForConnections(0)
    const held = () => restless.page.evaluate(async () => (await navigator.locks.query()).held?.length)
    await expect.poll(held, POLL).toBe(0)
  })

  test('when scripts fire the events of a network and a page that come and go', async () => {
    const all = await play(await stage(), two)
    all.feed.start()
    await all.feed.more(20)
    for (const tab of all.tabs) {
      await tab.page.evaluate(() => {
        for (let count = 0; count < 200; count++) {
          for (const type of ['offline', 'online']) dispatchEvent(new Event(type))
          for (const type of ['visibilitychange', 'resume']) document.dispatchEvent(new Event(type))
        }
      })
    }
    for (let count = 0; count < 3; count++) {
      await all.context.setOffline(true)
      await all.feed.more(10)
      await all.context.setOffline(false)
      await all.feed.more(10)
    }
    await all.expectAll()
    expect(all.server.channel('news').totalConnections).toBe(1)
  })

  test('when the clocks of pages are more than a year apart, and jump', async () => {
    const set = await stage()
    const year = 400 * 86_400_000
    for (const [path, ahead] of [
      ['/late', -year],
      ['/early', year],
    ] as const) {
      serve(
        set,
        path,
        {},
        `globalThis.ahead = ${ahead}; const { now } = Date; Date.now = () => now() + globalThis.ahead`,
      )
    }
    const all = await play(set, [`/early?host=${host}`, `/late?host=${host}`, page])
    const [first] = all.tabs
    if (first === undefined) throw new Error('three tabs were asked for')
    const channel = all.server.channel('news')
    all.feed.start()
    await all.feed.more(20)
    for (const jump of [3_600_000, -7_200_000]) {
      for (const tab of all.tabs.slice(0, 2)) {
        await tab.page.evaluate(
          (jump) => Reflect.set(globalThis, 'ahead', Reflect.get(globalThis, 'ahead') + jump),
          jump,
        )
      }
      channel.cut()
      await all.feed.more(50)
    }
    await first.page.close()
    await all.feed.more(50)
    await all.expectAll({ without: [first] })
  })

  test('when garbage is collected, and memory is short', async () => {
    const all = await play(await stage(), two)
    all.feed.start()
    for (const tab of all.tabs) {
      for (const method of ['collectGarbage', 'pressure', 'collectGarbage'] as const) {
        await devtools(all, tab, method)
        await all.feed.more(10)
      }
    }
    await all.expectAll()
    expect(all.server.channel('news').totalConnections).toBe(1)
  })

  test('among pages that are isolated in different ways', async () => {
    const set = await stage()
    const coop = { 'cross-origin-opener-policy': 'same-origin' }
    serve(set, '/isolated', { ...coop, 'cross-origin-embedder-policy': 'require-corp' })
    serve(set, '/credentialless', { ...coop, 'cross-origin-embedder-policy': 'credentialless' })
    serve(set, '/document', { 'document-isolation-policy': 'isolate-and-require-corp' })
    serve(set, '/site', { 'origin-agent-cluster': '?0', 'permissions-policy': 'unload=(), sync-xhr=()' })
    const paths = ['/isolated', '/page', '/credentialless', '/document', '/site']
    const all = await play(
      set,
      paths.map((path) => `${path}?host=${host}`),
    )
    all.feed.start()
    await all.feed.more(50)
    await all.expectAll()
    expect(all.server.channel('news').totalConnections).toBe(1)
  })

  test('where a service worker passes on each request, and is stopped', async () => {
    const set = await stage()
    const script = `addEventListener('install', () => skipWaiting())
      addEventListener('activate', (event) => event.waitUntil(clients.claim()))
      addEventListener('fetch', (event) => event.respondWith(fetch(event.request)))`
    set.server.answer('/service.js', (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
    })
    const tab = await set.open('/page?native')
    await tab.page.evaluate(async () => {
      const { serviceWorker } = navigator
      const controlled = new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve))
      await serviceWorker.register('/service.js')
      if (!serviceWorker.controller) await controlled
    })
    const all = await play(set, two)
    all.feed.start()
    await all.feed.more(20)
    const session = await all.context.newCDPSession(tab.page)
    await session.send('ServiceWorker.enable')
    await session.send('ServiceWorker.stopAllWorkers')
    await all.feed.more(50)
    await all.expectAll()
  })
})

describe.each(HOSTS)('%s: a page that goes back and forward five times', (host) => {
  const stage = useBrowser(launchWithCache)

  const page = `/page?host=${host}&storable`

  /** @param isQuiet no event is on its way whenever the page leaves */
  async function goFiveTimes(isQuiet: boolean): Promise<Play> {
    const all = await play(await stage(), [page, page])
    const [tab] = all.tabs
    const [recording] = all.recordings
    if (tab === undefined || recording === undefined) throw new Error('two tabs were asked for')
    const { feed, recordings, server } = all
    feed.start()
    await feed.more(20)
    for (let count = 0; count < 5; count++) {
      if (isQuiet) {
        feed.stop()
        for (const recording of recordings) await recording.reach(String(feed.length))
      }
      await visit(tab, server.url('/page?native'), () => {
        if (isQuiet) feed.start()
        return feed.more(10)
      })
      // It has a hub again.
      await recording.reach(String(feed.length))
    }
    return all
  }

  test('misses nothing, and is one tab', async () => {
    // A leader that leaves while events are on their way to its own page can be behind those that it has served.
    const all = await goFiveTimes(true)
    await all.expectAll()
  })

  test('in the midst of events misses none without a word', async () => {
    const { feed, recordings } = await goFiveTimes(false)
    feed.stop()
    for (const recording of recordings) {
      await recording.reach(String(feed.length))
      const { gaps, lost, ...others } = examine(await recording.received(), feed.sent)
      expect(others).toEqual({ lostInSilence: [], repeated: [], strange: [], misplaced: [] })
      for (const gap of gaps) expect(gap).toMatch(/^asleep/)
      if (host === 'shared-worker') expect([gaps, lost]).toEqual([[], []])
    }
  })
})
