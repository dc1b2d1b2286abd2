import { describe, expect, test } from 'vitest'
import { inWords } from './page.ts'
import { brokenPromises } from './promises.ts'
import regressions from './regressions.json' with { type: 'json' }
import { search } from './report.ts'
import { play, type Schedule, schedulesOf } from './schedule.ts'
import { ALL_KINDS, type ServerKind } from './world/kinds.ts'

const {
  TABSTREAM_SIM_RUNS,
  TABSTREAM_SIM_SEED,
  TABSTREAM_SIM_KINDS,
  TABSTREAM_SIM_SCHEDULE,
  TABSTREAM_SIM_REPORT,
} = process.env
const runs = Number(TABSTREAM_SIM_RUNS ?? 3_000)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)
const schedules = schedulesOf(kindsOf(TABSTREAM_SIM_KINDS))

function kindsOf(names: string | undefined): readonly ServerKind[] {
  return (
    names?.split(',').map((name) => {
      const kind = ALL_KINDS.find((one) => one === name)
      if (kind === undefined)
        throw new Error(`There is no kind of server "${name}", only ${ALL_KINDS.join(', ')}.`)
      return kind
    }) ?? ALL_KINDS
  )
}

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `promises hold in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  () => search(schedules, brokenPromises, { runs, seed }),
)

/** As the simulation shrank them. Only as a part of `npm test`: a search for new ones has its own report. */
describe.runIf(TABSTREAM_SIM_SCHEDULE === undefined && TABSTREAM_SIM_REPORT === undefined)(
  'promises hold in schedules that once broke one',
  () => {
    test.each((regressions as Schedule[]).map((schedule, index) => [index + 1, schedule] as const))(
      'number %i',
      async (_number, schedule) => {
        expect(await brokenPromises(schedule)).toEqual([])
      },
    )
  },
)

// Not runIf, or each run without a schedule would tell of a skipped test.
if (TABSTREAM_SIM_SCHEDULE !== undefined) {
  test('promises hold in the schedule given', async () => {
    const given = JSON.parse(String(TABSTREAM_SIM_SCHEDULE)) as Schedule
    const { tabs, world } = await play(given)
    for (const tab of tabs) {
      for (const { records, server, due } of tab.subscriptions) {
        console.log(
          [`${tab.agent.name} at ${server.name}, due ${JSON.stringify(due)}`, ...records.map(inWords)].join(
            '\n  ',
          ),
        )
      }
    }
    for (const server of world.servers) {
      const events = server.events.map(({ number, name, id, data }) => `${number}: ${name} ${data} @${id}`)
      const connections = server.allConnections.map(
        ({ reader, openedAt, lastEventId, writings }) =>
          `${openedAt} by ${reader} after "${lastEventId}": ${writings.map(({ number, at }) => `${number} at ${at}`).join(', ')}`,
      )
      console.log([server.name, ...events, ...connections].join('\n  '))
    }
    expect(await brokenPromises(given)).toEqual([])
  })
}
