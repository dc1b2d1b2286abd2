import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findChromium, prepare, root } from '../.ci/prepare.mjs'

// npm test [-- arguments of vitest, for instance: --project unit]

prepare()
process.env.TABSTREAM_CHROMIUM = await findChromium()

const results = join(root, 'test/results/results.json')
rmSync(results, { force: true })
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config=test/vitest.config.ts',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
)
const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(results, 'utf8'))
console.log(`\n${numPassedTests} passed, ${numFailedTests} failed`)
process.exitCode = status ?? 1
