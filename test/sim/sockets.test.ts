import events from 'node:events'
import type fc from 'fast-check'
import { expect, test } from 'vitest'
import { inWords } from './page.ts'
import { brokenPromises } from './promises.ts'
import { reporter, search } from './report.ts'
import { play, type Schedule, schedulesOf } from './schedule.ts'
import { problemsOfSending, sendings } from './sockets/sending.ts'
import { ALL_KINDS, type ServerKind } from './world/kinds.ts'

// The same promises where events come by WebSocket; and what becomes of what pages send.

// Many messages are on their way to a hub at a time, each with a listener for its death.
events.defaultMaxListeners = 0

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE } = process.env
const runs = Math.ceil(Number(TABSTREAM_SIM_RUNS ?? 3_000) / 5)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)
const report = reporter(2 * runs)

/** What they say of themselves is in headers, which a page is not shown of a WebSocket. */
const SAYING: readonly ServerKind[] = ['candid', 'mercure']

const schedules: fc.Arbitrary<Schedule> = schedulesOf(ALL_KINDS.filter((kind) => !SAYING.includes(kind))).map(
  // A WebSocket has no credentials mode, so two servers cannot share a URL.
  (schedule) => ({ ...schedule, sharesUrls: false, sockets: true }),
)

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `promises hold by WebSocket in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  () => search(schedules, brokenPromises, { runs, seed }, report),
)

// Many messages are on their way to a hub at a time, each with a listener for its death.
events.defaultMaxListeners = 0

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `no message is sent twice, or out of its tab's order, in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  () => search(sendings, problemsOfSending, { runs, seed }, report),
)

if (TABSTREAM_SIM_SCHEDULE?.includes('"sends":true')) {
  test('no message is sent twice, or out of order, in the schedule given', { timeout: 0 }, async () => {
    expect(await problemsOfSending(JSON.parse(TABSTREAM_SIM_SCHEDULE))).toEqual([])
  })
} else if (TABSTREAM_SIM_SCHEDULE?.includes('"sockets":true')) {
  test('promises hold by WebSocket in the schedule given', { timeout: 0 }, async () => {
    const given = JSON.parse(TABSTREAM_SIM_SCHEDULE) as Schedule
    const { tabs } = await play(given)
    for (const { agent, subscriptions } of tabs) {
      for (const { server, records } of subscriptions)
        console.log(`${agent.name} at ${server.name}: ${records.map(inWords).join('; ')}`)
    }
    expect(await brokenPromises(given)).toEqual([])
  })
}
