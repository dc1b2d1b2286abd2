import { installPackages } from '../../.ci/packages.mjs'
import { prepare } from '../../.ci/prepare.mjs'
import { missingPackages } from './needed.mjs'

// npm run cluster

const missing = missingPackages()
if (missing.length > 0) installPackages(missing)
if (missingPackages().length > 0) {
  console.error(`\nTHE CLUSTER CANNOT START: it needs ${missingPackages().join(' and ')}.`)
  process.exit(1)
}
prepare()
await import('./run.mjs')
