import { prepare } from '../../.ci/prepare.mjs'
import { runParts } from '../parts.mjs'
import { testServers } from './servers.mjs'

// npm run test:servers [-- arguments of vitest, for instance: nginx]

prepare()
await runParts([{ name: 'servers', run: () => testServers(process.argv.slice(2)) }])
