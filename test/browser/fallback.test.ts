import { describe, expect, test } from 'vitest'
import type { HostName } from '../../src/index.ts'
import { comeBack, inspect, leave, record, type Tab, warnings } from './browser.ts'
import type { Channel } from './channel.ts'
import { startServer } from './server.ts'
import { ESSENTIAL, type Stage, useBrowser } from './stage.ts'

const stage = useBrowser()

interface Fallback {
  host: HostName
  /** Why the better hosts were not to be had, the best of them first. */
  refused: { host: HostName; reason: RegExp }[]
  /** Of the channel. */
  name?: string
}

/**
 * The stream works at that host, for two sources in each tab, and each tab's console says so once, with the reasons.
 * Resolves to the first source of each tab.
 */
async function expectFallback({ server }: Stage, tabs: Tab[], { host, refused, name = 'news' }: Fallback) {
  const channel = server.channel(name)
  const recordings = await Promise.all(
    tabs.map(async (tab) => {
      const one = await record(tab, `/events/${name}`, ['message'])
      await one.waitForSignals('open')
      const two = await record(tab, `/events/${name}`, ['named'])
      await two.waitForSignals('open')
      return { one, two }
    }),
  )
  channel.send({ data: 'a' }, { event: 'named', data: 'b' })
  for (const { one, two } of recordings) {
    expect((await one.waitForEvents(1)).map(({ data }) => data)).toEqual(['a'])
    expect((await two.waitForEvents(1)).map(({ data }) => data)).toEqual(['b'])
  }
  expect(channel.totalConnections).toBe(host === 'direct' ? tabs.length : 1)

  const reports = await Promise.all(tabs.map(inspect))
  const reasons = refused.map(({ host, reason }) => ({ host, reason: expect.stringMatching(reason) }))
  for (const report of reports) expect(report).toMatchObject({ host, refused: reasons })
  expect(reports.filter(({ isHere }) => isHere)).toHaveLength(host === 'direct' ? tabs.length : 1)
  for (const tab of tabs) {
    const [warning, ...others] = await warnings(tab)
    expect(others).toEqual([])
    expect(warning).toContain(`using host "${host}"`)
    for (const { reason } of refused) expect(warning).toMatch(reason)
  }
  return recordings.map(({ one }) => one)
}

const useWorker = (tab: Tab, worker: string) =>
  tab.page.evaluate((worker) => tabstream.configure({ worker }), worker)

const noWorker = (reason: RegExp): Fallback => ({
  host: 'leader',
  refused: [{ host: 'shared-worker', reason }],
})

const policy = (text: string) => `/page?csp=${encodeURIComponent(text)}`

describe('pages share through a leader', () => {
  test('when the worker is not there', ESSENTIAL, async () => {
    const set = await stage()
    const tabs = await set.openMany(4)
    await Promise.all(tabs.map((tab) => useWorker(tab, '/missing.js')))
    const recordings = await expectFallback(set, tabs, noWorker(/missing\.js/))

    // A page that is back from the cache looks for a hub anew, and need not be told again.
    const [tab, recording] = [tabs[3], recordings[3]]
    if (!tab || !recording) throw new Error('four tabs were asked for')
    const journeys = set.server.journal.filter((entry) => entry === 'GET /missing.js').length
    await leave(tab)
    set.server.channel('news').send({ data: 'meanwhile' })
    await comeBack(tab)
    await recording.reach('meanwhile')
    expect(await recording.data()).toEqual(['a', 'meanwhile'])
    expect(await warnings(tab)).toHaveLength(1)
    expect(set.server.journal.filter((entry) => entry === 'GET /missing.js')).toHaveLength(journeys + 1)
  })

  test('when a policy forbids workers', ESSENTIAL, async () => {
    const set = await stage()
    const tabs = await set.openMany(4, policy("worker-src 'none'"))
    await expectFallback(set, tabs, noWorker(/worker\.js/))
  })

  test('when the worker is of another origin', async () => {
    const set = await stage()
    const elsewhere = await startServer()
    try {
      const tabs = await set.openMany(4)
      await Promise.all(tabs.map((tab) => useWorker(tab, elsewhere.url('/tabstream/worker.js'))))
      await expectFallback(set, tabs, noWorker(/origin/i))
    } finally {
      await elsewhere.close()
    }
  })

  test('when the library is of another origin, and with it the worker', async () => {
    const set = await stage()
    const elsewhere = await startServer()
    try {
      const tabs = await set.openMany(4, `/page?library=${encodeURIComponent(elsewhere.origin)}`)
      await expectFallback(set, tabs, noWorker(/origin/i))
      const [warning] = await warnings(tabs[0] as Tab)
      expect(warning).toContain(`${elsewhere.url('/tabstream/worker.js')} has another origin, copy `)
      expect(set.server.journal.filter((entry) => entry.includes('/tabstream/'))).toEqual([])
    } finally {
      await elsewhere.close()
    }
  })

  // All in one test, because each takes as long as the library is willing to wait.
  test('when the worker is broken, silent, or never loaded to its end', async () => {
    const set = await stage()
    const scripts: Record<string, string> = {
      throws: 'throw new Error("broken")',
      'is-no-script': '<!doctype html>',
      'is-silent': '',
    }
    for (const [name, script] of Object.entries(scripts)) {
      set.server.answer(`/${name}.js`, (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
      })
    }
    set.server.answer('/stalls.js', () => {})
    await Promise.all(
      [...Object.keys(scripts), 'stalls'].map(async (name) => {
        const tabs = await set.openMany(2)
        // Four groups, or all would have one leader.
        const configuration = { worker: `/${name}.js`, namespace: name }
        for (const { page } of tabs) await page.evaluate((to) => tabstream.configure(to), configuration)
        await expectFallback(set, tabs, { ...noWorker(/answer|could not be/), name })
      }),
    )
  })

  test('when the browser has no SharedWorker', ESSENTIAL, async () => {
    const set = await stage()
    await set.context.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'SharedWorker')
    })
    await expectFallback(set, await set.openMany(4), noWorker(/SharedWorker/))
  })

  test('and the others, which can have the worker, through that', ESSENTIAL, async () => {
    const set = await stage()
    const channel = set.server.channel('news')
    const tabs = [...(await set.openMany(2)), ...(await set.openMany(2, policy("worker-src 'none'")))]
    const recordings = await Promise.all(tabs.map((tab) => record(tab, '/events/news', ['message'])))
    await Promise.all(recordings.map((recording) => recording.waitForSignals('open')))
    channel.send({ data: 'x' })
    for (const recording of recordings) expect(await recording.waitForEvents(1)).toHaveLength(1)
    const hosts = await Promise.all(tabs.map(async (tab) => (await inspect(tab)).host))
    expect(hosts).toEqual(['shared-worker', 'shared-worker', 'leader', 'leader'])
    expect(channel.totalConnections).toBe(2)
  })

  test('without a warning when that is what was asked for', async () => {
    const { server, openMany } = await stage()
    const tabs = await openMany(2, '/page?host=leader')
    await expectSilence(server.channel('news'), tabs, 'leader')
  })
})

describe('each page has a stream of its own', () => {
  const alone = (worker: RegExp, leader: RegExp): Fallback => ({
    host: 'direct',
    refused: [
      { host: 'shared-worker', reason: worker },
      { host: 'leader', reason: leader },
    ],
  })

  test('when the browser has no BroadcastChannel either', ESSENTIAL, async () => {
    const set = await stage()
    await set.context.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'SharedWorker')
      Reflect.deleteProperty(globalThis, 'BroadcastChannel')
    })
    await expectFallback(set, await set.openMany(2), alone(/SharedWorker/, /BroadcastChannel/))
  })

  // As in Firefox where cookies are blocked. On an insecure origin there are no locks either.
  test('when the browser does not let it use them', ESSENTIAL, async () => {
    const set = await stage()
    await set.context.addInitScript(() => {
      for (const name of ['SharedWorker', 'BroadcastChannel']) {
        Reflect.set(
          globalThis,
          name,
          class {
            constructor() {
              throw new DOMException('The operation is insecure.', 'SecurityError')
            }
          },
        )
      }
      Reflect.deleteProperty(Navigator.prototype, 'locks')
    })
    await expectFallback(set, await set.openMany(2), alone(/insecure/, /BroadcastChannel/))
  })

  // A sandbox without `allow-same-origin`, as an iframe can have it: workers, locks and storage are denied.
  test('when its origin is opaque', async () => {
    const set = await stage()
    // Such a page is of another origin than its own server.
    set.server.channel('news').headers = { 'access-control-allow-origin': '*' }
    const tabs = await set.openMany(2, policy('sandbox allow-scripts'))
    for (const { page } of tabs) {
      const facts = await page.evaluate(async () => ({
        origin,
        locks: await navigator.locks.request('any', () => 'granted').catch(({ name }) => name),
      }))
      expect(facts).toEqual({ origin: 'null', locks: 'SecurityError' })
    }
    await expectFallback(set, tabs, alone(/SharedWorker|origin/, /Web Locks/))
  })

  test('without a warning when that is what was asked for', async () => {
    const { server, openMany } = await stage()
    const tabs = await openMany(2, '/page?host=direct')
    await expectSilence(server.channel('news'), tabs, 'direct')
  })
})

async function expectSilence(channel: Channel, tabs: Tab[], host: HostName) {
  const recordings = await Promise.all(tabs.map((tab) => record(tab, '/events/news', ['message'])))
  await Promise.all(recordings.map((recording) => recording.waitForSignals('open')))
  channel.send({ data: 'x' })
  for (const recording of recordings) await recording.waitForEvents(1)
  for (const tab of tabs) {
    expect(await inspect(tab)).toMatchObject({ host, refused: [] })
    expect(await warnings(tab)).toEqual([])
  }
}

test('the shared worker is enough where the browser does not let it use channels', ESSENTIAL, async () => {
  const { server, context, openMany } = await stage()
  await context.addInitScript(() => {
    Reflect.set(
      globalThis,
      'BroadcastChannel',
      class {
        constructor() {
          throw new DOMException('The operation is insecure.', 'SecurityError')
        }
      },
    )
    Reflect.deleteProperty(Navigator.prototype, 'locks')
  })
  await expectSilence(server.channel('news'), await openMany(2), 'shared-worker')
})

test(
  'a strict policy that allows what the page itself needs is enough for the shared worker',
  ESSENTIAL,
  async () => {
    const { server, open } = await stage()
    const tab = await open(policy("default-src 'self'"))
    await expectSilence(server.channel('news'), [tab], 'shared-worker')
  },
)
