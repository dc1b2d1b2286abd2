import { expect, test } from 'vitest'
import { type BudgetSchedule, budgetSchedules, playBudget } from './budget/schedule.ts'
import type { Recorded } from './page.ts'
import { problemsOfElection, problemsOfPages, problemsOfRest } from './promises.ts'
import { search } from './report.ts'
import { closeAll } from './schedule.ts'

// More streams than connections: which of them are connected, for how long, and that nothing is missing because of that.

const { TABSTREAM_SIM_RUNS, TABSTREAM_SIM_SEED, TABSTREAM_SIM_SCHEDULE } = process.env
const runs = Math.ceil(Number(TABSTREAM_SIM_RUNS ?? 1_200) / 15)
const seed = Number(TABSTREAM_SIM_SEED ?? 1)

async function brokenPromises(schedule: BudgetSchedule): Promise<string[]> {
  const outcome = await playBudget(schedule)
  const problems = [...problemsOfPages(outcome, schedule), ...problemsOfElection(outcome, schedule)]
  await closeAll(outcome)
  problems.push(...problemsOfRest(outcome))
  for (const { agent } of outcome.world.workers())
    if (agent.pending > 0) problems.push(`${agent.pending} timers left`)
  return problems
}

const inWords = (record: Recorded): string => {
  if (record.type === 'gap') return `gap ${record.reason}`
  return `${record.looks.name} ${record.looks.data} @${record.looks.id}`
}

test.runIf(TABSTREAM_SIM_SCHEDULE === undefined)(
  `streams share few connections in ${runs} schedules from seed ${seed}`,
  { timeout: 0 },
  () => search(budgetSchedules, brokenPromises, { runs, seed }),
)

if (TABSTREAM_SIM_SCHEDULE?.includes('"budget":true')) {
  test('streams share few connections in the schedule given', { timeout: 0 }, async () => {
    const given = JSON.parse(TABSTREAM_SIM_SCHEDULE) as BudgetSchedule
    const { world, tabs } = await playBudget(given)
    for (const { agent, subscriptions } of tabs) {
      for (const { server, records, wish } of subscriptions)
        console.log(
          `${agent.name} at ${server.name}, ${JSON.stringify(wish)}: ${records.map(inWords).join(' ')}`,
        )
    }
    for (const server of world.servers) {
      const connections = server.allConnections.map(
        ({ reader, openedAt, endedAt, lastEventId, writings }) =>
          `${Math.round(openedAt)} to ${Math.round(endedAt)} by ${reader} after "${lastEventId}": ${writings.map(({ number, at }) => `${number} at ${Math.round(at)}`).join(', ')}`,
      )
      console.log([`${server.name} (${server.kind})`, ...connections].join('\n  '))
    }
    expect(await brokenPromises(given)).toEqual([])
  })
}
