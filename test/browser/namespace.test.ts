import { expect, test } from 'vitest'
import { inspect, record } from './browser.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

const stage = useBrowser()

test.each(['shared-worker', 'leader'] as const)(
  'each namespace has a hub of its own: %s',
  ESSENTIAL,
  async (host) => {
    const { server, openMany } = await stage()
    const channel = server.channel('news')
    const tabs = await openMany(3)
    const namespaces = ['red', 'blue', 'red']
    const recordings = await Promise.all(
      tabs.map(async (tab, index) => {
        await tab.page.evaluate((options) => tabstream.configure(options), {
          host,
          namespace: namespaces[index] ?? '',
        })
        return record(tab, '/events/news', ['message'])
      }),
    )
    for (const recording of recordings) await recording.waitForSignals('open')
    channel.send({ data: 'x' })
    for (const recording of recordings) expect(await recording.waitForEvents(1)).toHaveLength(1)
    expect(channel.totalConnections).toBe(2)

    const [red, blue, alsoRed] = await Promise.all(tabs.map(inspect))
    expect(red).toMatchObject({ host, tabs: 2 })
    expect(blue).toMatchObject({ host, tabs: 1 })
    expect(alsoRed?.hubId).toBe(red?.hubId)
    expect(blue?.hubId).not.toBe(red?.hubId)
  },
)
