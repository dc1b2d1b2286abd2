import { prepare } from '../../.ci/prepare.mjs'
import { runParts } from '../parts.mjs'
import { testEngines } from './engines.mjs'

// npm run test:engines [-- arguments of vitest, for instance: -t Firefox]

prepare()
const args = process.argv.slice(2)
// Of those that arguments leave out the table of engines tells.
await runParts([
  { name: 'engines', run: () => ({ ...testEngines(args), ...(args.length > 0 && { skipped: 0 }) }) },
])
