import { PROTOCOL_VERSION } from '../src/link/protocol.ts'
import { Hub } from './hub.ts'
import { hubPlatform } from './platform.ts'

// The page has named the worker after its own version, and a cache may hold the script of another. As it does for any script
// that cannot be run, the page then does without.
const { name = '' } = globalThis as { readonly name?: string }
if (name.startsWith('tabstream/') && !name.startsWith(`tabstream/${PROTOCOL_VERSION}/`)) {
  throw new Error(
    'tabstream: this worker script is of another version than the page; let caches ask for it anew',
  )
}

const platform = { ...hubPlatform(), end: () => close() }
const hub = new Hub(platform, platform.randomId())

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  if (port !== undefined) hub.connect(port)
})
