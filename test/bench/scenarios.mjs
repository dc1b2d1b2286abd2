import { connections, connectionsTable } from './scenarios/connections.mjs'
import { cost, costTables } from './scenarios/cost.mjs'
import { first, firstTable } from './scenarios/first.mjs'
import { hidden, hiddenTable } from './scenarios/hidden.mjs'
import { hostile, hostileTable } from './scenarios/hostile.mjs'
import { inspector, inspectorTable } from './scenarios/inspector.mjs'
import { isolation, isolationTable } from './scenarios/isolation.mjs'
import { latency, latencyTable } from './scenarios/latency.mjs'
import { memory, memoryTables } from './scenarios/memory.mjs'
import { size, sizeTable } from './scenarios/size.mjs'
import { storm, stormTable } from './scenarios/storm.mjs'
import { tabs, tabsTable } from './scenarios/tabs.mjs'
import { takeover, takeoverTable } from './scenarios/takeover.mjs'
import { throughput, throughputTable } from './scenarios/throughput.mjs'

/** Minutes that all scenarios together may take; what was begun is brought to its end after that. */
const MINUTES = 17
const QUICK_MINUTES = 2.4

/**
 * In the order in which they run. `share` is how much of the time is for this one.
 *
 * @type {Record<string, { measure: (bench: import('./bench.mjs').Bench) => Promise<any>, table: (result: any) => string, share: number }>}
 */
export const SCENARIOS = {
  size: { measure: size, table: sizeTable, share: 1 },
  throughput: { measure: throughput, table: throughputTable, share: 42 },
  latency: { measure: latency, table: latencyTable, share: 26 },
  first: { measure: first, table: firstTable, share: 12 },
  tabs: { measure: tabs, table: tabsTable, share: 3 },
  isolation: { measure: isolation, table: isolationTable, share: 14 },
  hidden: { measure: hidden, table: hiddenTable, share: 6 },
  memory: { measure: memory, table: memoryTables, share: 10 },
  takeover: { measure: takeover, table: takeoverTable, share: 6 },
  hostile: { measure: hostile, table: hostileTable, share: 2 },
  inspector: { measure: inspector, table: inspectorTable, share: 8 },
  storm: { measure: storm, table: stormTable, share: 1 },
  connections: { measure: connections, table: connectionsTable, share: 12 },
  cost: { measure: cost, table: costTables, share: 14 },
}

/**
 * Runs the scenarios that are wanted, prints what each has found, and resolves with all of it.
 *
 * @param {import('./bench.mjs').Bench} bench
 */
export async function runScenarios(bench) {
  const { only, isQuick } = bench.options
  const chosen = Object.entries(SCENARIOS).filter(([name]) => only?.includes(name) ?? true)
  const begun = Date.now()
  const whole = (isQuick ? QUICK_MINUTES : MINUTES) * 60_000
  const shares = chosen.reduce((sum, [, { share }]) => sum + share, 0)
  const results = {}
  let used = 0
  for (const [name, { measure, table, share }] of chosen) {
    used += share
    bench.deadline = begun + (whole * used) / shares
    const start = Date.now()
    console.log(`\n${name} …`)
    results[name] = await measure(bench)
    console.log(table(results[name]))
    console.log(`  ${Math.round((Date.now() - start) / 1_000)} s`)
  }
  return results
}
