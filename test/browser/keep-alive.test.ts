import { describe, expect, test } from 'vitest'
import { inspect, record, type Tab, whenReady } from './browser.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

const PAGES = 20

const stage = useBrowser()

const keepAlive = (tab: Tab, wanted: boolean) =>
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

describe('one tab that goes through 20 pages', () => {
  /** Each page gets an event before the next; resolves with the number of connections that took. */
  async function walk(wanted: boolean): Promise<number> {
    const { server, open } = await stage()
    const channel = server.channel('news')
    const tab = await open('/page/1')
    for (let number = 1; number <= PAGES; number++) {
      if (number > 1) await follow(tab, `/page/${number}`)
      await keepAlive(tab, wanted)
      const recording = await record(tab, '/events/news', ['message'])
      await recording.waitForSignals('open')
      channel.send({ data: `for page ${number}` })
      await recording.reach(`for page ${number}`)
      expect(await recording.data()).toEqual([`for page ${number}`])
    }
    expect((await inspect(tab)).host).toBe('shared-worker')
    console.log(
      `${PAGES} pages, keepAlive ${wanted}: ${channel.totalConnections} connections, ${channel.peakConnections} at most at once`,
    )
    return channel.totalConnections
  }

  test('takes one connection with keepAlive', ESSENTIAL, async () => {
    expect(await walk(true)).toBe(1)
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
