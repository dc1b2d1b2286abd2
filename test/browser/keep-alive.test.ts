import { describe, expect, test } from 'vitest'
import { inspect, record, type Tab, whenReady } from './browser.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

const PAGES = 20

const stage = useBrowser()

type Wanted = boolean | 'public'

const keepAlive = (tab: Tab, wanted: Wanted) =>
  tab.page.evaluate((keepAlive) => tabstream.configure({ keepAlive }), wanted)

/** Goes to another page as a reader does: by a link. */
async function follow(tab: Tab, path: string): Promise<void> {
  await tab.page.evaluate((path) => {
    const link = document.createElement('a')
    link.href = path
    link.textContent = 'next'
    document.body.append(link)
  }, path)
  await tab.page.click('text=next')
  await tab.page.waitForURL((url) => url.href.endsWith(path))
  await whenReady(tab)
}

/** Resolves with the first event of a stream of this key. The title tells that it is open. */
const openWith = (tab: Tab, key: string): Promise<string> =>
  tab.page.evaluate((key) => {
    const stream = tabstream.connect('/events/news', { key })
    stream.onStatus(({ state }) => {
      document.title = state
    })
    return stream.once('message').then(({ data }) => data)
  }, key)

describe('one tab that goes through 20 pages', () => {
  /** Each page gets an event before the next; resolves with the number of connections that took. */
  async function walk(wanted: Wanted, key?: string): Promise<number> {
    const { server, open } = await stage()
    const channel = server.channel('news')
    const tab = await open('/page/1')
    for (let number = 1; number <= PAGES; number++) {
      if (number > 1) await follow(tab, `/page/${number}`)
      await keepAlive(tab, wanted)
      const data = `for page ${number}`
      if (key !== undefined) {
        const next = openWith(tab, key)
        await tab.page.waitForFunction(() => document.title === 'open')
        channel.send({ data })
        expect(await next).toBe(data)
        continue
      }
      const recording = await record(tab, '/events/news', ['message'])
      await recording.waitForSignals('open')
      channel.send({ data })
      await recording.reach(data)
      expect(await recording.data()).toEqual([data])
    }
    expect((await inspect(tab)).host).toBe('shared-worker')
    console.log(
      `${PAGES} pages, keepAlive ${wanted}: ${channel.totalConnections} connections, ${channel.peakConnections} at most at once`,
    )
    return channel.totalConnections
  }

  test('takes one connection where the page says that its streams are public', async () => {
    expect(await walk('public')).toBe(1)
  })

  test('takes one connection with a key', ESSENTIAL, async () => {
    expect(await walk(true, 'user 1')).toBe(1)
  })

  test('takes one for each page without a key, since nobody knows whose page is next', async () => {
    expect(await walk(true)).toBe(PAGES)
  })

  test('takes what it takes without', async () => {
    expect(await walk(false)).toBeGreaterThanOrEqual(1)
  })
})

test('two tabs that disagree on keepAlive both get their events', async () => {
  const { server, openMany } = await stage()
  const channel = server.channel('news')
  const tabs = await openMany(2)
  const recordings = []
  for (const [index, tab] of tabs.entries()) {
    await keepAlive(tab, index === 0)
    const recording = await record(tab, '/events/news', ['message'])
    await recording.waitForSignals('open')
    recordings.push(recording)
  }
  channel.send({ data: 'one' }, { data: 'two' })
  for (const recording of recordings) {
    await recording.reach('two')
    expect(await recording.data()).toEqual(['one', 'two'])
    expect(await recording.signals()).toEqual([{ type: 'open', readyState: 1 }])
  }
  for (const tab of tabs) expect(await inspect(tab)).toMatchObject({ host: 'shared-worker', tabs: 1 })
})
