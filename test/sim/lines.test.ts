import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokenPromises } from './promises.ts'
import { search } from './report.ts'
import { play, type Schedule, schedulesOf } from './schedule.ts'
import { show } from './show.ts'
import type { LineManners } from './world/lines.ts'

// The same promises where servers send NDJSON, or a sequence of JSON texts.

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE } = process.env
const runs = Math.ceil(Number(TABSTREAM_SIM_RUNS ?? 3_000) / 5)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)

const manners: fc.Arbitrary<LineManners> = fc.record(
  { format: fc.constantFrom('ndjson', 'json-seq'), query: fc.constant('since') },
  { requiredKeys: ['format'] },
)

const schedules: fc.Arbitrary<Schedule> = fc
  .tuple(schedulesOf(), manners)
  .map(([schedule, lineManners]) => ({ ...schedule, lines: true, lineManners }))

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `promises hold for lines in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  () => search(schedules, brokenPromises, { runs, seed }),
)

if (TABSTREAM_SIM_SCHEDULE?.includes('"lines":true')) {
  test('promises hold for lines in the schedule given', { timeout: 0 }, async () => {
    const given = JSON.parse(TABSTREAM_SIM_SCHEDULE) as Schedule
    show(await play(given))
    expect(await brokenPromises(given)).toEqual([])
  })
}
