import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { prepare, root } from '../../.ci/prepare.mjs'
import { tableOf } from './table.mjs'

// npm run test:engines [-- arguments of vitest, for instance: -t Firefox]

prepare()

const results = join(root, 'test/results/engines.json')
rmSync(results, { force: true })
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config=test/engines/vitest.config.ts',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
)

// Without results the set-up has failed, and has said why.
const cases = existsSync(results)
  ? JSON.parse(readFileSync(results, 'utf8')).testResults.flatMap(({ assertionResults }) => assertionResults)
  : []
const passed = cases.filter((each) => each.status === 'passed').length
const failed = cases.filter((each) => each.status === 'failed').length
if (cases.length > 0) console.log(`\n${tableOf(cases)}`)
console.log(`\n${passed} passed, ${failed} failed`)
// A run of nothing, as with a filter that fits no test, is not a success.
process.exitCode = passed === 0 ? 1 : (status ?? 1)
