import { describe, expect, test } from 'vitest'
import { inspect, Recording, record, type Tab } from './browser.ts'
import { startServer } from './server.ts'
import { ESSENTIAL, POLL, useBrowser } from './stage.ts'

const stage = useBrowser()

/** Closes a source and opens its like in the same task, so that no slow machine can come between the two. */
async function replace(tab: Tab, { key }: Recording): Promise<Recording> {
  const newKey = `${key} again`
  await tab.page.evaluate(
    ([key, newKey]) => {
      const { source } = recorder.get(key)
      source.close()
      const { url, withCredentials } = source
      recorder.open({ key: newKey, kind: 'SharedEventSource', url, names: ['message'], withCredentials })
    },
    [key, newKey] as const,
  )
  return new Recording(tab, newKey)
}

describe.each(['shared-worker', 'leader'])('one connection, with host %s,', ESSENTIAL, (host) => {
  const path = `/page?host=${host}`

  test('serves 20 tabs, each with the names it asked for, and leaves room for requests', async () => {
    const { server, openMany } = await stage()
    const channel = server.channel('all')
    const tabs = await openMany(20, path)
    await Promise.all(tabs.map((tab) => tab.page.evaluate(() => recorder.overhear())))
    const recordings = await Promise.all(
      tabs.map((tab, index) => record(tab, '/events/all', [`only-${index}`, 'everybody'])),
    )
    await Promise.all(recordings.map((recording) => recording.waitForSignals('open')))

    const ping = await tabs[19]?.page.evaluate(async () => (await fetch('/ping')).text())
    expect(ping).toBe('pong')

    channel.send(
      ...tabs.map((_tab, index) => ({ event: `only-${index}`, data: `<for ${index}>` })),
      { data: '<for nobody>' },
      { event: 'everybody', data: '<for all>' },
    )
    await Promise.all(
      recordings.map(async (recording, index) => {
        expect(await recording.waitForData('<for all>')).toEqual([
          { type: `only-${index}`, data: `<for ${index}>`, lastEventId: String(index + 1) },
          { type: 'everybody', data: '<for all>', lastEventId: '22' },
        ])
      }),
    )
    // What a tab did not ask for has not even been sent to it.
    const heard = await Promise.all(
      tabs.map(async (tab) => (await tab.page.evaluate(() => recorder.heard)).join('').match(/<for \w+>/g)),
    )
    expect(heard.map((all) => [...new Set(all)])).toEqual(
      tabs.map((_tab, index) => [`<for ${index}>`, '<for all>']),
    )
    expect(channel.totalConnections).toBe(1)
    expect(channel.requests).toHaveLength(1)
    const reports = await Promise.all(tabs.map(inspect))
    expect(reports.filter(({ isHere }) => isHere)).toHaveLength(host === 'leader' ? 1 : 0)
    for (const report of reports) expect(report).toMatchObject({ host, tabs: 20 })
  })

  test('is open at once for a tab that comes later, which gets what is sent from then on', async () => {
    const { server, open } = await stage()
    const channel = server.channel('news')
    const first = await record(await open(path), '/events/news', ['message'])
    await first.waitForSignals('open')
    channel.send({ data: 'early' })
    await first.waitForData('early')

    // No byte comes from the server between here and the second tab's `open`.
    const second = await record(await open(path), '/events/news', ['message'])
    expect(await second.waitForSignals('open')).toEqual([{ type: 'open', readyState: 1 }])
    channel.send({ data: 'late' })
    await second.waitForData('late')
    expect(await second.data()).toEqual(['late'])
    await first.waitForData('late')
    expect(await first.data()).toEqual(['early', 'late'])
    expect(channel.totalConnections).toBe(1)
  })

  test('is shared by two sources in one page, also under another spelling of the URL', async () => {
    const { server, open } = await stage()
    const channel = server.channel('news')
    const tab = await open(`/page/deep?host=${host}`)
    const recordings = await Promise.all(
      ['/events/news', '../events/news', server.url('/events/news#fragment')].map((url) =>
        record(tab, url, ['message']),
      ),
    )
    await Promise.all(recordings.map((recording) => recording.waitForSignals('open')))
    channel.send({ data: 'x' })
    for (const recording of recordings) expect(await recording.waitForEvents(1)).toHaveLength(1)
    expect(channel.totalConnections).toBe(1)
  })

  test('is not shared by different URLs', async () => {
    const { server, openMany } = await stage()
    const [one, two] = await openMany(2, path)
    if (!one || !two) throw new Error('two tabs were asked for')
    const a = await record(one, '/events/a', ['message'])
    const b = await record(two, '/events/b', ['message'])
    await Promise.all([a.waitForSignals('open'), b.waitForSignals('open')])
    server.channel('a').send({ data: 'from a' })
    server.channel('b').send({ data: 'from b' })
    expect((await a.waitForEvents(1)).map(({ data }) => data)).toEqual(['from a'])
    expect((await b.waitForEvents(1)).map(({ data }) => data)).toEqual(['from b'])
    expect(server.channel('a').totalConnections).toBe(1)
    expect(server.channel('b').totalConnections).toBe(1)
    expect((await inspect(one)).tabs).toBe(2)
  })

  test('is not shared by sources with and without credentials; cookies go only with the former', async () => {
    const { server, context, openMany } = await stage()
    const upstream = await startServer()
    try {
      const channel = upstream.channel('private')
      channel.headers = {
        'access-control-allow-origin': server.origin,
        'access-control-allow-credentials': 'true',
      }
      await context.addCookies([{ name: 'session', value: 'secret', url: upstream.origin }])
      const [one, two, three] = await openMany(3, path)
      if (!one || !two || !three) throw new Error('three tabs were asked for')
      const url = upstream.url('/events/private')
      const without = await record(one, url, ['message'])
      await without.waitForSignals('open')
      const withCredentials = await record(two, url, ['message'], { withCredentials: true })
      await withCredentials.waitForSignals('open')
      const again = await record(three, url, ['message'], { withCredentials: true })
      await again.waitForSignals('open')
      expect(channel.requests.map(({ headers }) => headers.cookie)).toEqual([undefined, 'session=secret'])
      expect(channel.connections).toBe(2)
    } finally {
      await upstream.close()
    }
  })

  test('outlives its last subscriber by long enough to be taken up again, and then is closed', async () => {
    const { server, open } = await stage()
    const channel = server.channel('news')
    const tab = await open(path)
    const first = await record(tab, '/events/news', ['message'])
    await first.waitForSignals('open')

    // As a framework does that unmounts and mounts again; the hub hears of the end before the beginning.
    const second = await replace(tab, first)
    await second.waitForSignals('open')
    const third = await replace(tab, second)
    await third.waitForSignals('open')
    channel.send({ data: 'x' })
    expect(await third.waitForEvents(1)).toHaveLength(1)
    expect(await first.received()).toEqual([])
    expect(await second.received()).toEqual([])
    expect(channel.totalConnections).toBe(1)

    await third.close()
    await channel.waitForConnections(0)
    await expect.poll(async () => (await inspect(tab)).streams, POLL).toEqual([])
    expect(channel.requests).toHaveLength(1)
  })
})
