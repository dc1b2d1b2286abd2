import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokenPromises } from './promises.ts'
import { schedule } from './schedule.ts'

const runs = Number(process.env.TABSTREAM_SIM_RUNS ?? 3_000)
const seed = Number(process.env.TABSTREAM_SIM_SEED ?? Date.now() % 2 ** 31)

test(`promises hold in ${runs} schedules from seed ${seed}`, { timeout: 0 }, async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async (drawn) => {
      expect(await brokenPromises(drawn)).toEqual([])
    }),
    { numRuns: runs, seed, endOnFailure: false },
  )
})
