import { prepare } from '../.ci/prepare.mjs'

prepare()
const { startDemo } = await import('./server.mjs')
const port = Number(process.env.PORT ?? 8080)
try {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT must be a number from 0 to 65535, not "${process.env.PORT}".`)
  }
  const { url } = await startDemo({ port, testsAnyAddress: process.env.TEST_ANY_ADDRESS === '1' })
  console.log(`The dashboard runs at ${url} (stop it with Ctrl+C). Open it in a few tabs.`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
