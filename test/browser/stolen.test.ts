import { describe, expect, test } from 'vitest'
import type { Tab } from './browser.ts'
import { Fleet } from './fleet.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

const stage = useBrowser()

/** Any script of the origin can take a lock, also for a moment only. Answers with how many there were. */
const steal = (tab: Tab, kind: string): Promise<number> =>
  tab.page.evaluate(async (kind) => {
    const { held = [] } = await navigator.locks.query()
    const names = held.map(({ name = '' }) => name).filter((name) => name.startsWith(`tabstream:${kind}:`))
    await Promise.all(names.map((name) => navigator.locks.request(name, { steal: true }, () => {})))
    return names.length
  }, kind)

describe.each(['shared-worker', 'leader'] as const)(
  'with host %s, when a script steals for a moment',
  (host) => {
    test.each([
      ['hub', 1],
      ['tab', 4],
    ])('the lock of each %s, tabs are given everything, and soon', ESSENTIAL, async (kind, count) => {
      const set = await stage()
      const fleet = await Fleet.assemble(set, { size: 4, host })
      const hub = await fleet.expectOneHub()
      fleet.feed.start()
      await fleet.feed.more(50)
      for (let time = 0; time < 2; time++) {
        expect(await steal(fleet.tab(0), kind)).toBe(count)
        const begun = Date.now()
        await fleet.feed.more(50)
        await fleet.caughtUp(0)
        await fleet.caughtUp(1)
        expect(Date.now() - begun).toBeLessThan(5_000)
      }
      await fleet.finish()
      await fleet.expectNothingMissing()
      await expect.poll(() => fleet.expectOneHub().catch(String), { timeout: 10_000 }).toBe(hub)
      expect(fleet.channel.totalConnections).toBe(1)
    })
  },
)
