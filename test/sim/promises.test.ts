import { renameSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Recorded } from './page.ts'
import { brokenPromises } from './promises.ts'
import regressions from './regressions.json' with { type: 'json' }
import { play, type Schedule, schedulesOf } from './schedule.ts'
import { ALL_KINDS, type ServerKind } from './world/kinds.ts'

const {
  TABSTREAM_SIM_RUNS,
  TABSTREAM_SIM_SEED,
  TABSTREAM_SIM_KINDS,
  TABSTREAM_SIM_SCHEDULE,
  TABSTREAM_SIM_SHRINK,
  TABSTREAM_SIM_REPORT,
} = process.env
const runs = Number(TABSTREAM_SIM_RUNS ?? 3_000)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)
const schedules = schedulesOf(kindsOf(TABSTREAM_SIM_KINDS))

/** What simulate.mjs is told, and how often, in runs. */
const report: {
  runs: number
  failure?: { run: number; milliseconds: number; schedule: Schedule; problems: string[] }
} = { runs: 0 }
const REPORT_INTERVAL = 100

function writeReport(): void {
  if (TABSTREAM_SIM_REPORT === undefined) return
  // Renamed when complete: it is read at any time.
  writeFileSync(`${TABSTREAM_SIM_REPORT}.new`, JSON.stringify(report))
  renameSync(`${TABSTREAM_SIM_REPORT}.new`, TABSTREAM_SIM_REPORT)
}

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
  async () => {
    const begun = performance.now()
    const keepsPromises = fc.asyncProperty(schedules, async (schedule) => {
      const problems = await brokenPromises(schedule).catch((error) => [String(error)])
      if (report.failure === undefined) report.runs++
      if (problems.length > 0) {
        const { run, milliseconds } = report.failure ?? {
          run: report.runs,
          milliseconds: Math.round(performance.now() - begun),
        }
        report.failure = { run, milliseconds, schedule, problems }
      }
      if (problems.length > 0 || report.runs % REPORT_INTERVAL === 0 || report.runs === runs) writeReport()
      expect(problems).toEqual([])
    })
    await fc.assert(keepsPromises, { numRuns: runs, seed, endOnFailure: TABSTREAM_SIM_SHRINK === 'no' })
  },
)

const inWords = (record: Recorded): string => {
  if (record.type === 'gap') return `gap ${record.reason} between ${record.before} and ${record.after}`
  const { name, data, id } = record.looks
  return `${record.type} ${name} ${data} @${id}`
}

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
