import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ringsOf, startRinging, visit } from './absence.ts'
import { freeze, killWorker, launchFreezable, launchWithCache, wake, whenReady } from './browser.ts'
import { NOTHING } from './feed.ts'
import { Fleet } from './fleet.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

/** The tab that started the worker, and another one. */
const GONE = [0, 5]

describe('a tab that reloads', () => {
  const stage = useBrowser()

  test.each([
    ['and had started the worker', 0],
    ['and came later', 5],
  ])('%s: the others miss nothing, and it gets all from then on', async (what, index) => {
    const set = await stage()
    const fleet = await Fleet.assemble(set)
    const { channel, feed } = fleet
    feed.start()
    await feed.more(200)
    const { page } = fleet.tab(index)
    await page.reload()
    await whenReady(fleet.tab(index))
    await fleet.subscribe(index)
    await feed.more(200)
    await fleet.finish()
    console.log(`a tab reloads, ${what}: ${fleet.describe()}`)
    await fleet.expectNothingMissing()
    await fleet.expectOneHub()
    expect(channel.totalConnections).toBe(1)
  })
})

describe('a tab that is frozen', () => {
  const stage = useBrowser(() => launchFreezable())

  test('for ten seconds gets all it has missed when it wakes, and the others never wait for it', async () => {
    const set = await stage()
    const fleet = await Fleet.assemble(set)
    const { channel, feed } = fleet
    await Promise.all(fleet.tabs.map(startRinging))
    feed.start()
    await feed.more(200)
    const frozen = GONE.map((index) => fleet.tab(index))
    await Promise.all(frozen.map(freeze))
    const state = async () => ({
      rings: await Promise.all(frozen.map(ringsOf)),
      received: await Promise.all(GONE.map(async (index) => (await fleet.received(index)).length)),
    })
    const asleep = await state()
    const others = await ringsOf(fleet.tab(1))
    await sleep(10_000)
    expect(await state()).toEqual(asleep)
    expect(await ringsOf(fleet.tab(1))).toBeGreaterThan(others)
    await fleet.caughtUp(1)
    expect(await state()).toEqual(asleep)

    await Promise.all(frozen.map(wake))
    await feed.more(200)
    await fleet.finish()
    console.log(
      `two tabs are frozen for ten seconds: asleep ${JSON.stringify(asleep)}, in the end ${JSON.stringify(await state())}; ${fleet.describe()}`,
    )
    await fleet.expectNothingMissing()
    await fleet.expectOneHub()
    expect(channel.totalConnections).toBe(1)
  })

  // What the tab has missed the dead hub took along; the new one began where the others stood.
  test('and in whose sleep the worker dies: is told what it has missed, and the others miss nothing', async () => {
    const set = await stage()
    const fleet = await Fleet.assemble(set)
    const { channel, feed } = fleet
    feed.start()
    await feed.more(200)
    await Promise.all(GONE.map((index) => freeze(fleet.tab(index))))
    await feed.more(200)
    await fleet.caughtUp(1)
    await killWorker(set.context, set.server.origin)
    await channel.until(() => channel.totalConnections === 2, 'another hub')
    await feed.more(200)
    await fleet.caughtUp(1)
    await Promise.all(GONE.map((index) => wake(fleet.tab(index))))
    await feed.more(200)
    await fleet.finish()
    await fleet.expectNothingMissing({ without: GONE })
    const findings = await fleet.findings()
    console.log(
      `the worker dies while two tabs are frozen: they are told ${JSON.stringify(GONE.map((index) => findings[index]?.gaps))} and lose ${GONE.map((index) => findings[index]?.lost.length)}; ${fleet.describe()}`,
    )
    for (const index of GONE) {
      const { lost: _lost, gaps: _gaps, ...defects } = findings[index] ?? NOTHING
      expect(defects).toEqual({ lostInSilence: [], repeated: [], strange: [], misplaced: [] })
    }
    await fleet.expectOneHub()
    expect(channel.totalConnections).toBe(2)
  })
})

describe('a tab in the back/forward cache', () => {
  const stage = useBrowser(launchWithCache)

  test('is kept there, and gets all it has missed when it is back', ESSENTIAL, async () => {
    const set = await stage()
    const fleet = await Fleet.assemble(set, { path: '/page?storable' })
    const { channel, feed } = fleet
    feed.start()
    await feed.more(200)
    for (const index of GONE) {
      const elsewhere = set.server.url('/page?native')
      await visit(fleet.tab(index), elsewhere, () => feed.more(200))
    }
    await feed.more(200)
    await fleet.finish()
    console.log(`two tabs come back from the back/forward cache: ${fleet.describe()}`)
    await fleet.expectNothingMissing()
    await fleet.expectOneHub()
    expect(channel.totalConnections).toBe(1)
  })
})
