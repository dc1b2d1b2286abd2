import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokenPromises } from './promises.ts'
import { play, type Schedule, schedules } from './schedule.ts'

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE } = process.env
const runs = Number(TABSTREAM_SIM_RUNS ?? 3_000)
const seed = Number(TABSTREAM_SIM_SEED ?? Date.now() % 2 ** 31)

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `promises hold in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  async () => {
    await fc.assert(
      fc.asyncProperty(schedules, async (drawn) => {
        expect(await brokenPromises(drawn)).toEqual([])
      }),
      { numRuns: runs, seed },
    )
  },
)

test.runIf(TABSTREAM_SIM_SCHEDULE !== undefined)('promises hold in the schedule given', async () => {
  const given = JSON.parse(String(TABSTREAM_SIM_SCHEDULE)) as Schedule
  const { tabs, world } = await play(given)
  for (const tab of tabs) {
    for (const { records, due } of tab.subscriptions) console.log(tab.agent.name, { due, records })
  }
  console.log(world.servers.map(({ events, requests }) => ({ events, requests })))
  expect(await brokenPromises(given)).toEqual([])
})
