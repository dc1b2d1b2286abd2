import { runVitest } from '../vitest.mjs'
import { tableOf } from './table.mjs'

/**
 * Runs the essential cases in every engine and prints a table of them.
 *
 * @param {readonly string[]} args of Vitest
 * @returns {import('../parts.mjs').Counts}
 */
export function testEngines(args) {
  const { cases, ...counts } = runVitest('engines', ['--config=test/engines/vitest.config.ts', ...args])
  if (cases.length > 0) console.log(`\n${tableOf(cases)}`)
  return counts
}
