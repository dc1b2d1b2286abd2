import type fc from 'fast-check'
import { expect, test } from 'vitest'
import { inWords } from './page.ts'
import { brokenPromises } from './promises.ts'
import { search } from './report.ts'
import { play, type Schedule, schedulesOf } from './schedule.ts'
import type { ServerKind } from './world/kinds.ts'

// The same promises where the server is asked for the names that pages listen to: topics. From the time on that one is ready, all of
// its events come, once and in order, or a gap says so.

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE } = process.env
const runs = Math.ceil(Number(TABSTREAM_SIM_RUNS ?? 3_000) / 5)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)

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
  () => search(schedules, brokenPromises, { runs, seed }),
)

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
