import { describe, expect, test } from 'vitest'
import { crashTab, INSECURE, inspect, killWorker, launchInsecure, record, type Tab } from './browser.ts'
import { ELECTION, Fleet, GRACE } from './fleet.ts'
import { type Stage, useBrowser } from './stage.ts'

const stage = useBrowser(launchInsecure, INSECURE)

type Host = 'shared-worker' | 'leader'

async function assemble(set: Stage, host: Host): Promise<Fleet> {
  const fleet = await Fleet.assemble(set, { host, size: 20 })
  const facts = await fleet.tab(0).page.evaluate(() => ({
    isSecureContext,
    hasLocks: navigator.locks !== undefined,
  }))
  expect(facts).toEqual({ isSecureContext: false, hasLocks: false })
  return fleet
}

describe('twenty tabs of an insecure origin, where there are no locks,', () => {
  test.each<Host>(['shared-worker', 'leader'])('share one connection: %s', async (host) => {
    const set = await stage()
    const fleet = await assemble(set, host)
    const { channel, feed } = fleet
    feed.start()
    await feed.more(200)
    await fleet.finish()
    await fleet.expectNothingMissing()
    await fleet.expectOneHub()
    expect(channel.totalConnections).toBe(1)
  })

  test('elect one leader when ten begin in the same moment', async () => {
    const set = await stage()
    const channel = set.server.channel('news')
    const tabs = await set.openMany(10, '/page?host=leader')
    const recordings = await Promise.all(tabs.map((tab) => record(tab, '/events/news', ['message'])))
    await Promise.all(recordings.map((recording) => recording.waitForSignals('open')))
    channel.send({ data: 'x' })
    for (const recording of recordings) expect(await recording.waitForEvents(1)).toHaveLength(1)
    const reports = await Promise.all(tabs.map(inspect))
    expect(reports.filter(({ isHere }) => isHere)).toHaveLength(1)
    expect(new Set(reports.map(({ hubId }) => hubId)).size).toBe(1)
    console.log(`ten tabs elect a leader: two connections for ${Math.round(channel.longestCrowd)} ms`)
    expect(channel.longestCrowd).toBeLessThan(ELECTION)
    expect(channel.connections).toBe(1)
  })

  type Death = [what: string, host: Host, dies: boolean, kill: (set: Stage, first: Tab) => unknown]
  const deaths: Death[] = [
    ['the leader is closed', 'leader', true, (_set, { page }) => page.close()],
    ['the leader crashes', 'leader', true, ({ context }, first) => crashTab(context, first)],
    [
      'the worker is killed',
      'shared-worker',
      false,
      ({ context, server }) => killWorker(context, server.origin),
    ],
    [
      'the tab that started the worker crashes',
      'shared-worker',
      true,
      ({ context }, first) => crashTab(context, first),
    ],
  ]

  test.each(deaths)('miss nothing when %s', async (what, host, dies, kill) => {
    const set = await stage()
    const fleet = await assemble(set, host)
    // It came first.
    if (host === 'leader') expect(await fleet.leader()).toBe(0)
    const without = dies ? [0] : []
    const overlap = host === 'leader' ? ELECTION : GRACE
    await fleet.survive(`no locks, ${what}`, () => kill(set, fleet.tab(0)), { without, overlap })
    await fleet.expectNothingMissing({ without })
  })
})
