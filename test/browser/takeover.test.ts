import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { crashTab, killWorker } from './browser.ts'
import { Fleet } from './fleet.ts'
import { type Stage, useBrowser } from './stage.ts'

const stage = useBrowser()

/** Lets the hub die and another take over, in the midst of the feed; prints how long no event came. */
async function survive(fleet: Fleet, what: string, without: number[], kill: () => Promise<void>) {
  const { channel, feed } = fleet
  const hubId = await fleet.expectOneHub()
  feed.start()
  await feed.more(200)

  await kill()
  await channel.until(() => channel.connections === 0 || channel.totalConnections > 1, 'the end of the hub')
  // What is sent from now on, no tab can have had from the dead hub.
  const [died, last] = [Date.now(), feed.length]
  await channel.until(() => channel.totalConnections === 2, 'another hub')
  await feed.more(400)
  await fleet.finish({ without })

  const silences = (await fleet.firstTimesAfter(last, { without })).map((time) => time - died)
  console.log(
    `${what}, server '${channel.replay}': events again after ${Math.min(...silences)} ms in the first tab, ${Math.max(...silences)} ms in the last; ${fleet.describe()}`,
  )
  expect(await fleet.expectOneHub({ without })).not.toBe(hubId)
  expect(channel.totalConnections).toBe(2)
  // The server may learn of the death of one connection when the next is open already.
  expect(channel.peakConnections).toBeLessThanOrEqual(2)
  expect(channel.connections).toBe(1)
}

const deaths: [string, number[], (set: Stage, fleet: Fleet) => Promise<void>][] = [
  ['the worker is killed', [], ({ context, server }) => killWorker(context, server.origin)],
  ['the tab that started the worker crashes', [0], ({ context }, fleet) => crashTab(context, fleet.tab(0))],
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
  test.each(deaths)('when %s', async (what, without, kill) => {
    const set = await stage()
    const fleet = await Fleet.assemble(set)
    await survive(fleet, what, without, () => kill(set, fleet))
    await fleet.expectNothingMissing({ without })
  })

  test('when the server restarts', async () => {
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
  test.each(deaths)('when %s', async (what, without, kill) => {
    const set = await stage()
    const fleet = await Fleet.assemble(set, { replay: 'ignore' })
    await survive(fleet, what, without, () => kill(set, fleet))
    await fleet.expectToldLosses({ without })
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
