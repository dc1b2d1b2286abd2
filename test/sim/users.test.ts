import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reporter } from './report.ts'
import { foreignEvents, type UserSchedule, userSchedules } from './users/schedule.ts'

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE, TABSTREAM_SIM_SHRINK } = process.env
const runs = Number(TABSTREAM_SIM_RUNS ?? 1_000)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `no page is given what is another's in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  async () => {
    const report = reporter(runs)
    const isOwn = fc.asyncProperty(userSchedules, async (schedule) => {
      const problems = await foreignEvents(schedule).catch((error) => [String(error)])
      report(schedule, problems)
      expect(problems).toEqual([])
    })
    await fc.assert(isOwn, { numRuns: runs, seed, endOnFailure: TABSTREAM_SIM_SHRINK === 'no' })
  },
)

if (TABSTREAM_SIM_SCHEDULE?.includes('"users":true')) {
  test('no page is given what is another\u2019s in the schedule given', async () => {
    expect(await foreignEvents(JSON.parse(TABSTREAM_SIM_SCHEDULE) as UserSchedule)).toEqual([])
  })
}
