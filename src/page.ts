import { Client } from './client.ts'
import { directHost } from './host/direct.ts'
import type { Host } from './host/host.ts'
import { LeaderHost } from './host/leader.ts'
import { sharedWorkerHost } from './host/shared-worker.ts'
import { takeOptions } from './options.ts'
import { browserPlatform } from './platform.ts'

let client: Client | undefined

/** This page's client, made at first use with the options that are then in force. */
export function pageClient(): Client {
  client ??= createClient()
  return client
}

function createClient(): Client {
  const { host = 'auto', ...options } = takeOptions()
  const platform = browserPlatform()
  const ladder: Host[] = [
    sharedWorkerHost(options),
    new LeaderHost(platform, options.namespace ?? '', () => client.dropped()),
    directHost(platform),
  ]
  const client = new Client(
    platform,
    ladder.filter(({ name }) => host === 'auto' || host === name),
  )
  return client
}
