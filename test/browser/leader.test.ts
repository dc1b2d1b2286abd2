import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ringsOf, startRinging, visit } from './absence.ts'
import {
  crashTab,
  freeze,
  INSECURE,
  launchFreezable,
  launchInsecureFreezable,
  launchWithCache,
  type Tab,
  wake,
} from './browser.ts'
import { ELECTION, Fleet } from './fleet.ts'
import { ESSENTIAL, type Stage, useBrowser } from './stage.ts'

const HOST = { host: 'leader' } as const
const TWENTY = { ...HOST, size: 20 }

describe('twenty tabs on a server that resumes miss nothing, nor are there two connections at any time', () => {
  const stage = useBrowser()

  async function expectSurvival(what: string, kill: (set: Stage, leader: Tab) => unknown): Promise<void> {
    const set = await stage()
    const fleet = await Fleet.assemble(set, TWENTY)
    const leader = await fleet.leader()
    const without = [leader]
    await fleet.survive(`the leader ${what}`, () => kill(set, fleet.tab(leader)), { without })
    await fleet.expectNothingMissing({ without })
  }

  test('when the leader is closed', ESSENTIAL, () =>
    expectSurvival('is closed', (_set, { page }) => page.close()),
  )

  const deaths: [string, (set: Stage, leader: Tab) => unknown][] = [
    ['crashes', ({ context }, leader) => crashTab(context, leader)],
    ['goes to another page', ({ server }, { page }) => page.goto(server.url('/page?native'))],
  ]

  test.each(deaths)('when the leader %s', expectSurvival)

  // A second is how long a client waits that has lost two young hubs.
  test.each([
    ['every two seconds', 400],
    ['in quick succession', 50],
  ])('when one leader after the other is closed, %s', async (pace, events) => {
    const fleet = await Fleet.assemble(await stage(), TWENTY)
    const { channel, feed } = fleet
    const without: number[] = []
    feed.start()
    // Long enough for the tab that hears rare events only to be told where it stands.
    await feed.more(200)
    for (let connections = 2; connections <= 5; connections++) {
      await feed.more(events)
      const leader = await fleet.leader({ without })
      await fleet.tab(leader).page.close()
      without.push(leader)
      await channel.until(() => channel.totalConnections === connections, 'another hub')
    }
    await feed.more(100)
    await fleet.finish({ without })
    console.log(`four leaders are closed, ${pace}: ${fleet.describe()}`)
    await fleet.expectNothingMissing({ without })
    await fleet.expectOneHub({ without })
    expect(channel.totalConnections).toBe(5)
    expect(channel.longestCrowd).toBeLessThan(100)
  })
})

describe.each([
  { origin: 'a secure origin', launch: () => launchFreezable(), hostname: '127.0.0.1', hasLocks: true },
  { origin: 'an insecure origin', launch: launchInsecureFreezable, hostname: INSECURE, hasLocks: false },
])('the leader of twenty tabs of $origin that is frozen', ({ origin, launch, hostname, hasLocks }) => {
  const stage = useBrowser(launch, hostname)

  test('for 30 seconds is replaced, and misses nothing either when it wakes', async () => {
    const set = await stage()
    const fleet = await Fleet.assemble(set, TWENTY)
    expect(await fleet.tab(0).page.evaluate(() => navigator.locks !== undefined)).toBe(hasLocks)
    const { channel, feed } = fleet
    await Promise.all(fleet.tabs.map(startRinging))
    const hubId = await fleet.expectOneHub()
    const index = await fleet.leader()
    const leader = fleet.tab(index)
    feed.start()
    await feed.more(200)

    await freeze(leader)
    const [frozen, last] = [Date.now(), feed.length]
    const thirtySeconds = sleep(30_000)
    const rings = await ringsOf(leader)
    await channel.until(() => channel.totalConnections === 2, 'another hub')
    await feed.more(400)
    await fleet.caughtUp(index === 1 ? 2 : 1)
    const silences = (await fleet.firstTimesAfter(last, { without: [index] })).map((time) => time - frozen)
    await thirtySeconds
    expect(await ringsOf(leader)).toBe(rings)

    await wake(leader)
    await channel.waitForConnections(1)
    await feed.more(200)
    await fleet.finish()
    console.log(
      `the leader is frozen for 30 seconds, ${origin}: events again after ${Math.min(...silences)} ms in the first tab, ${Math.max(...silences)} ms in the last; ${fleet.describe()}`,
    )
    await fleet.expectNothingMissing()
    expect(await fleet.expectOneHub()).not.toBe(hubId)
    expect(await fleet.leader()).not.toBe(index)
    expect(channel.totalConnections).toBe(2)
    expect(channel.longestCrowd).toBeLessThan(hasLocks ? 100 : ELECTION)
    expect(channel.connections).toBe(1)
  }, 120_000)
})

// Chromium brings a frozen page what is written to BroadcastChannels, and nothing else.
describe('a follower that is frozen', () => {
  const stage = useBrowser(() => launchFreezable())

  test('delays nobody, and misses nothing either', async () => {
    const fleet = await Fleet.assemble(await stage(), HOST)
    const { channel, feed } = fleet
    await Promise.all(fleet.tabs.map(startRinging))
    const follower = fleet.tab(5)
    expect(await fleet.leader()).not.toBe(5)
    feed.start()
    await feed.more(200)
    await freeze(follower)
    const rings = await ringsOf(follower)
    await feed.more(600)
    await fleet.caughtUp(1)
    expect(await ringsOf(follower)).toBe(rings)
    await wake(follower)
    await feed.more(200)
    await fleet.finish()
    await fleet.expectNothingMissing()
    await fleet.expectOneHub()
    expect(channel.totalConnections).toBe(1)
  })
})

describe('a leader in the back/forward cache', () => {
  const stage = useBrowser(launchWithCache)

  test('is kept there and replaced, and gets all it has missed when it is back', async () => {
    const set = await stage()
    const fleet = await Fleet.assemble(set, { ...HOST, path: '/page?host=leader&storable' })
    const { channel, feed } = fleet
    const hubId = await fleet.expectOneHub()
    const index = await fleet.leader()
    feed.start()
    await feed.more(200)
    await visit(fleet.tab(index), set.server.url('/page?native'), async () => {
      await channel.until(() => channel.totalConnections === 2, 'another hub')
      await feed.more(200)
    })
    await feed.more(200)
    await fleet.finish()
    console.log(`the leader comes back from the back/forward cache: ${fleet.describe()}`)
    await fleet.expectNothingMissing()
    expect(await fleet.expectOneHub()).not.toBe(hubId)
    expect(await fleet.leader()).not.toBe(index)
    expect(channel.totalConnections).toBe(2)
    expect(channel.longestCrowd).toBeLessThan(100)
  })
})
