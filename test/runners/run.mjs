import { prepare } from '../../.ci/prepare.mjs'
import { runParts } from '../parts.mjs'
import { prepareRunners, RUNNERS, testRunner } from './test-runners.mjs'

// npm run test:runners            component tests of sample apps, by the runners that people have, with the package as it is published
// npm run test:runners -- jest    one of them

prepare()
prepareRunners()
const wanted = process.argv.slice(2)
const names = RUNNERS.filter((name) => wanted.length === 0 || wanted.includes(name))
await runParts(names.map((name) => ({ name, run: () => testRunner(name) })))
