import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Recorded } from './page.ts'
import { brokenPromises } from './promises.ts'
import { reporter } from './report.ts'
import { play, type Schedule, schedulesOf } from './schedule.ts'
import type { ServerKind } from './world/kinds.ts'

// The same promises where the server is asked for the names that pages listen to: topics. From the time on that one is ready, all of
// its events come, once and in order, or a gap says so.

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE, TABSTREAM_SIM_SHRINK } = process.env
const runs = Math.ceil(Number(TABSTREAM_SIM_RUNS ?? 3_000) / 5)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)
const report = reporter(runs)

/** Servers that give each event an ID of its own, and name their events as they are told. */
const KINDS: readonly ServerKind[] = ['strict', 'inclusive', 'candid', 'mercure', 'forgetful', 'ignoring']

const schedules: fc.Arbitrary<Schedule> = schedulesOf(KINDS).map((schedule) => ({
  ...schedule,
  sharesUrls: false,
  topics: true,
}))

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `promises hold for topics in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  async () => {
    const keepsPromises = fc.asyncProperty(schedules, async (schedule) => {
      const problems = await brokenPromises(schedule).catch((error) => [String(error)])
      report(schedule, problems)
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

if (TABSTREAM_SIM_SCHEDULE?.includes('"topics":true')) {
  test('promises hold for topics in the schedule given', { timeout: 0 }, async () => {
    const given = JSON.parse(TABSTREAM_SIM_SCHEDULE) as Schedule
    const { tabs, world } = await play(given)
    for (const { agent, subscriptions } of tabs) {
      for (const { server, records, due } of subscriptions)
        console.log(
          [`${agent.name} at ${server.name}, due ${JSON.stringify(due)}`, ...records.map(inWords)].join(
            '\n  ',
          ),
        )
    }
    for (const server of world.servers) {
      const events = server.events.map(({ number, name, id }) => `${number}: ${name} @${id}`)
      const connections = server.allConnections.map(
        ({ reader, openedAt, endedAt, lastEventId, writings, topics }) =>
          `${openedAt} to ${endedAt} by ${reader} for ${[...(topics ?? [])]} after "${lastEventId}": ${writings.map(({ number, at }) => `${number} at ${at}`).join(', ')}`,
      )
      console.log([server.name, ...events, ...connections].join('\n  '))
    }
    expect(await brokenPromises(given)).toEqual([])
  })
}
