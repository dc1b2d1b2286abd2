import { prepare } from '../../.ci/prepare.mjs'
import { runParts } from '../parts.mjs'
import { chosen } from '../suites.mjs'

// npm run cluster:endurance: the test of the cluster for ten minutes, with a kill every 20 s. TABSTREAM_ENDURANCE says another number.

prepare()
process.env.TABSTREAM_ENDURANCE ??= '10'
await runParts([chosen(['--project=servers', 'cluster', '-t', 'get each event once'])])
