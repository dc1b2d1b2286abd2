import { prepare } from '../.ci/prepare.mjs'

prepare()
const { startDemo } = await import('./server.mjs')
try {
  const { url } = await startDemo({ port: Number(process.env.PORT ?? 8080) })
  console.log(`The dashboard runs at ${url} (stop it with Ctrl+C). Open it in a few tabs.`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
