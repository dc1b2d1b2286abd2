import { lazyHost } from '../host/lazy.ts'
import { sharedWorkerHost } from '../host/shared-worker.ts'
import type { Host } from '../link/host.ts'
import { Client } from '../page/client.ts'
import { browserPlatform } from '../page/platform.ts'
import { takeOptions } from './configure.ts'

let client: Client | undefined

/** This page's client, created at first use with the options in force then. */
export function pageClient(): Client {
  client ??= createClient()
  return client
}

function createClient(): Client {
  const { host = 'auto', ...options } = takeOptions()
  const platform = browserPlatform()
  const ladder: Host[] = [
    sharedWorkerHost(options),
    lazyHost('leader', async () => {
      const { hostByLeader } = await import('../host/in-page.ts')
      return hostByLeader(platform, options.namespace ?? '', () => client.dropped())
    }),
    lazyHost('direct', async () => {
      const { hostDirectly } = await import('../host/in-page.ts')
      return hostDirectly(platform)
    }),
  ]
  const client = new Client(
    platform,
    ladder.filter(({ name }) => host === 'auto' || host === name),
  )
  return client
}
