import { startCluster } from './cluster.mjs'

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
