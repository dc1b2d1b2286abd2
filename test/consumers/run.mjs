import { prepare } from '../../.ci/prepare.mjs'
import { runParts } from '../parts.mjs'
import { testConsumers } from './test-consumers.mjs'

// npm run test:consumers                    all of them
// npm run test:consumers -- --quick         what CI has the time for
// npm run test:consumers -- vite-7 parcel   some

prepare()
await runParts([{ name: 'consumers', run: () => testConsumers(process.argv.slice(2)) }])
