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
const { startCluster } = await import('./cluster.mjs')
const port = Number(process.env.PORT ?? 8090)
try {
  const { url, stop } = await startCluster({ port })
  console.log(`The cluster runs at ${url} (stop it with Ctrl+C). Open it in a few tabs, and kill something.`)
  const end = () => void stop().then(() => process.exit())
  process.once('SIGINT', end).once('SIGTERM', end)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
