import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findChromium, prepare, root } from '../../.ci/prepare.mjs'

// npm run bench [-- options, see options.mjs]

// The checkout's build is not looked at where another one is named.
if (!process.argv.some((word) => word.startsWith('--dist'))) prepare()
const executablePath = await findChromium()

// What follows needs what has just been installed.
const { openBench } = await import('./bench.mjs')
const { save } = await import('./figures.mjs')
const { goalsTable } = await import('./goals.mjs')
const { optionsOf } = await import('./options.mjs')
const { runScenarios } = await import('./scenarios.mjs')

const options = optionsOf(process.argv.slice(2))
const bench = await openBench(options, executablePath)
try {
  const results = await runScenarios(bench)
  console.log(goalsTable(results))
  const { environment, problems, missing } = bench
  const report = { environment, results, problems, missing }
  mkdirSync(join(root, 'test/results'), { recursive: true })
  writeFileSync(join(root, 'test/results/bench.json'), `${JSON.stringify(report, null, 2)}\n`)
  if (options.isSaved) save(report)
  for (const [title, list] of Object.entries({ problems, 'not measured': missing })) {
    if (list.length > 0) console.log(`\n${title}:\n  ${list.join('\n  ')}`)
  }
  // What was measured is never an error; events that are missing in silence are.
  process.exitCode = problems.length > 0 ? 1 : 0
} finally {
  await bench.close()
}
