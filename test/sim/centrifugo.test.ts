import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokenPromises } from './promises.ts'
import { search } from './report.ts'
import { play, type Schedule, schedulesOf } from './schedule.ts'
import { show } from './show.ts'
import type { CentrifugoManners } from './world/centrifugo.ts'

// The same promises where servers have a place for each topic, as Centrifugo has.

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE } = process.env
const runs = Math.ceil(Number(TABSTREAM_SIM_RUNS ?? 3_000) / 5)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)

const manners: fc.Arbitrary<CentrifugoManners> = fc.record(
  {
    keeps: fc.constantFrom(2, 12),
    isRenewed: fc.boolean(),
    loose: fc.constant('c'),
    lag: fc.constantFrom(0, 20, 200),
  },
  { requiredKeys: ['isRenewed', 'lag'] },
)

const schedules: fc.Arbitrary<Schedule> = fc
  .tuple(schedulesOf(['strict']), manners)
  .map(([schedule, centrifugoManners]) => ({
    ...schedule,
    sharesUrls: false,
    topics: true,
    centrifugo: true,
    centrifugoManners,
  }))

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `promises hold for Centrifugo in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  () => search(schedules, brokenPromises, { runs, seed }),
)

if (TABSTREAM_SIM_SCHEDULE?.includes('"centrifugo":true')) {
  test('promises hold for Centrifugo in the schedule given', { timeout: 0 }, async () => {
    const given = JSON.parse(TABSTREAM_SIM_SCHEDULE) as Schedule
    show(await play(given))
    expect(await brokenPromises(given)).toEqual([])
  })
}
