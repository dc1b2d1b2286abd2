import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { crashTab, killWorker } from './browser.ts'
import { Fleet, GRACE } from './fleet.ts'
import { ESSENTIAL, type Stage, useBrowser } from './stage.ts'

const stage = useBrowser()

type Death = (set: Stage, fleet: Fleet) => Promise<void>

const deaths: [string, { without: number[]; overlap?: number }, Death][] = [
  [
    'the worker is killed',
    { without: [], overlap: GRACE },
    ({ context, server }) => killWorker(context, server.origin),
  ],
  [
    'the tab that started the worker crashes',
    { without: [0] },
    ({ context }, fleet) => crashTab(context, fleet.tab(0)),
  ],
]

/** Destroys all connections each second; the server goes on. */
async function cutEachSecond({ server }: Stage, { channel, feed }: Fleet) {
  feed.start()
  for (let second = 1; second <= 10; second++) {
    await sleep(1_000)
    server.destroyConnections()
  }
  await channel.waitForConnections(1)
  await feed.more(100)
}

describe('ten tabs on a server that resumes miss nothing', () => {
  test.each(deaths)('when %s', ESSENTIAL, async (what, how, kill) => {
    const set = await stage()
    const fleet = await Fleet.assemble(set)
    await fleet.survive(what, () => kill(set, fleet), how)
    await fleet.expectNothingMissing(how)
  })

  test('when the server restarts', ESSENTIAL, async () => {
    const set = await stage()
    const fleet = await Fleet.assemble(set)
    const { channel, feed } = fleet
    feed.start()
    await feed.more(200)
    await set.server.stop()
    await channel.waitForConnections(0)
    await feed.more(200)
    await set.server.restart()
    await channel.waitForConnections(1)
    await feed.more(200)
    await fleet.finish()
    console.log(`the server restarts: ${fleet.describe()}`)
    await fleet.expectNothingMissing()
    expect(channel.totalConnections).toBe(2)
    expect(channel.peakConnections).toBe(1)
  })

  test('when every connection is destroyed each second', async () => {
    const set = await stage()
    const fleet = await Fleet.assemble(set)
    await cutEachSecond(set, fleet)
    await fleet.finish()
    console.log(`every connection is destroyed each second, server 'strict': ${fleet.describe()}`)
    await fleet.expectNothingMissing()
    expect(fleet.channel.totalConnections).toBe(11)
    expect(fleet.channel.peakConnections).toBe(1)
  })
})

describe('ten tabs on a server that ignores Last-Event-ID are told what they have missed', () => {
  test.each(deaths)('when %s', async (what, how, kill) => {
    const set = await stage()
    const fleet = await Fleet.assemble(set, { replay: 'ignore' })
    await fleet.survive(what, () => kill(set, fleet), how)
    await fleet.expectToldLosses(how)
  })

  test('when every connection is destroyed each second', async () => {
    const set = await stage()
    const fleet = await Fleet.assemble(set, { replay: 'ignore' })
    await cutEachSecond(set, fleet)
    await fleet.finish()
    console.log(`every connection is destroyed each second, server 'ignore': ${fleet.describe()}`)
    await fleet.expectToldLosses()
    expect(fleet.channel.totalConnections).toBe(11)
    expect(fleet.channel.peakConnections).toBe(1)
  })
})
