import { installPackages } from '../../.ci/packages.mjs'
import { chromiumEnvironment } from '../../.ci/prepare.mjs'
import { runVitest } from '../vitest.mjs'
import { installFrameworks } from './install-frameworks.mjs'
import { missingPackages } from './programs.mjs'
import { tableOf } from './table.mjs'

/**
 * Runs tabs of Chromium against real servers and proxies, and prints a table of what each was given.
 *
 * @param {readonly string[]} args of Vitest
 * @returns {Promise<import('../parts.mjs').Counts>}
 */
export async function testServers(args) {
  const environment = await chromiumEnvironment()
  const missing = missingPackages()
  if (missing.length > 0) installPackages(missing)
  installFrameworks()
  // Two at a time: they mostly wait.
  const config = [
    '--config=test/vitest.config.ts',
    '--project=servers',
    '--fileParallelism',
    '--maxWorkers=2',
  ]
  const { cases, ...counts } = runVitest('servers', [...config, ...args], { environment })
  // What arguments leave out is skipped without a reason.
  const told = cases.filter(({ status, meta }) => status !== 'skipped' || meta.why !== undefined)
  if (told.length > 0) console.log(`\n${tableOf(told)}`)
  for (const { title, meta } of told) if (meta.why) console.log(`\nCOULD NOT RUN: ${title}: ${meta.why}`)
  return { ...counts, skipped: told.filter(({ meta }) => meta.why !== undefined).length }
}
