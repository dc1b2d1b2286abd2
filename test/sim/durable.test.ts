import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokenPromises } from './promises.ts'
import { search } from './report.ts'
import { play, type Schedule, schedulesOf } from './schedule.ts'
import { show } from './show.ts'
import type { DurableManners } from './world/durable.ts'

// The same promises where servers have Durable Streams, which are read batch by batch.

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE } = process.env
const runs = Math.ceil(Number(TABSTREAM_SIM_RUNS ?? 3_000) / 5)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)

const manners: fc.Arbitrary<DurableManners> = fc.record(
  {
    live: fc.constantFrom('sse', 'long-poll'),
    offset: fc.constantFrom('-1', '-1', 'now'),
    keeps: fc.constant(12),
    isReplaced: fc.constantFrom(true, true, false),
    beyond: fc.constantFrom('tail', 'gone'),
    nothing: fc.constantFrom(204, 200),
    refusal: fc.constantFrom(503, 429),
  },
  { requiredKeys: ['live', 'offset', 'isReplaced', 'beyond', 'nothing'] },
)

const schedules: fc.Arbitrary<Schedule> = fc
  .tuple(schedulesOf(['strict']), manners)
  .map(([schedule, durableManners]) => ({ ...schedule, durable: true, durableManners }))

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `promises hold for Durable Streams in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  () => search(schedules, brokenPromises, { runs, seed }),
)

if (TABSTREAM_SIM_SCHEDULE?.includes('"durable":true')) {
  test('promises hold for Durable Streams in the schedule given', { timeout: 0 }, async () => {
    const given = JSON.parse(TABSTREAM_SIM_SCHEDULE) as Schedule
    show(await play(given))
    expect(await brokenPromises(given)).toEqual([])
  })
}
