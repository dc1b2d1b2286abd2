import { expect, test } from 'vitest'
import { search } from './report.ts'
import { foreignEvents, type UserSchedule, userSchedules } from './users/schedule.ts'

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE } = process.env
const runs = Number(TABSTREAM_SIM_RUNS ?? 1_000)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `no page is given what is another's in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  () => search(userSchedules, foreignEvents, { runs, seed }),
)

if (TABSTREAM_SIM_SCHEDULE?.includes('"users":true')) {
  test('no page is given what is another\u2019s in the schedule given', async () => {
    expect(await foreignEvents(JSON.parse(TABSTREAM_SIM_SCHEDULE) as UserSchedule)).toEqual([])
  })
}
