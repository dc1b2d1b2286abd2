import { describe, expect, test } from 'vitest'
import { comeBack, inspect, leave, record, type Tab, warnings } from './browser.ts'
import { startServer } from './server.ts'
import { type Stage, useBrowser } from './stage.ts'

const stage = useBrowser()

/** The stream works, in the page itself, and the console says so once, with the reason. */
async function expectDirect({ server }: Stage, tab: Tab, reason: RegExp, name = 'news') {
  const channel = server.channel(name)
  const one = await record(tab, `/events/${name}`, ['message'])
  await one.waitForSignals('open')
  const two = await record(tab, `/events/${name}`, ['named'])
  await two.waitForSignals('open')
  channel.send({ data: 'a' }, { event: 'named', data: 'b' })
  expect((await one.waitForEvents(1)).map(({ data }) => data)).toEqual(['a'])
  expect((await two.waitForEvents(1)).map(({ data }) => data)).toEqual(['b'])
  expect(channel.totalConnections).toBe(1)
  expect((await inspect(tab)).host).toBe('direct')
  expect(await warnings(tab)).toEqual([expect.stringMatching(reason)])
  return one
}

const useWorker = (tab: Tab, worker: string) =>
  tab.page.evaluate((worker) => tabstream.configure({ worker }), worker)

describe('a page falls back to a stream of its own', () => {
  test('when the worker is not there', async () => {
    const set = await stage()
    const tab = await set.open()
    await useWorker(tab, '/missing.js')
    const recording = await expectDirect(set, tab, /missing\.js/)

    // A page that is back from the cache looks for a hub anew, and need not be told again.
    await leave(tab)
    set.server.channel('news').send({ data: 'meanwhile' })
    await comeBack(tab)
    await recording.reach('meanwhile')
    expect(await recording.data()).toEqual(['a', 'meanwhile'])
    expect(await warnings(tab)).toHaveLength(1)
  })

  test('when a policy forbids workers', async () => {
    const set = await stage()
    const tab = await set.open(`/page?csp=${encodeURIComponent("worker-src 'none'")}`)
    await expectDirect(set, tab, /worker\.js/)
  })

  test('when the worker is of another origin', async () => {
    const set = await stage()
    const elsewhere = await startServer()
    try {
      const tab = await set.open()
      await useWorker(tab, elsewhere.url('/tabstream/worker.js'))
      await expectDirect(set, tab, /origin/i)
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
        const tab = await set.open()
        await useWorker(tab, `/${name}.js`)
        await expectDirect(set, tab, /answer|could not be/, name)
      }),
    )
  })

  test('when the browser has no SharedWorker', async () => {
    const set = await stage()
    await set.context.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'SharedWorker')
    })
    await expectDirect(set, await set.open(), /SharedWorker/)
  })

  test('without a warning when that is what was asked for', async () => {
    const { server, open } = await stage()
    const tab = await open('/page?host=direct')
    const recording = await record(tab, '/events/news', ['message'])
    await recording.waitForSignals('open')
    server.channel('news').send({ data: 'x' })
    await recording.waitForEvents(1)
    expect((await inspect(tab)).host).toBe('direct')
    expect(await warnings(tab)).toEqual([])
  })
})

test('a strict policy that allows what the page itself needs is enough for the shared worker', async () => {
  const { server, open } = await stage()
  const tab = await open(`/page?csp=${encodeURIComponent("default-src 'self'")}`)
  const recording = await record(tab, '/events/news', ['message'])
  await recording.waitForSignals('open')
  server.channel('news').send({ data: 'x' })
  await recording.waitForEvents(1)
  expect((await inspect(tab)).host).toBe('shared-worker')
  expect(await warnings(tab)).toEqual([])
})
