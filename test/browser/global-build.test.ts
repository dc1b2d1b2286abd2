import { expect, test } from 'vitest'
import { inspect, record, warnings } from './browser.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

const stage = useBrowser()

test(
  'the classic script finds its worker beside it and shares the connection with the module',
  ESSENTIAL,
  async () => {
    const { server, open } = await stage()
    const channel = server.channel('news')
    const classic = await open('/page/deep?global')
    const module = await open('/page')
    const one = await record(classic, '/events/news', ['message'])
    const two = await record(module, '/events/news', ['message'])
    for (const recording of [one, two]) await recording.waitForSignals('open')
    channel.send({ data: 'x' })
    for (const recording of [one, two]) {
      expect(await recording.waitForEvents(1)).toEqual([{ type: 'message', data: 'x', lastEventId: '1' }])
    }
    expect(channel.totalConnections).toBe(1)
    expect(await inspect(classic)).toMatchObject({ host: 'shared-worker', tabs: 2 })
    expect(server.journal.filter((entry) => entry.endsWith('worker.js'))).toEqual([
      'GET /tabstream/worker.js',
    ])
    expect(await warnings(classic)).toEqual([])

    const members = (tab: typeof classic) => tab.page.evaluate(() => Object.keys(tabstream).sort())
    expect(await members(classic)).toEqual(await members(module))
  },
)
