import { Hub } from './hub.ts'
import { hubPlatform } from './platform.ts'

const platform = hubPlatform()
const hub = new Hub(platform, platform.randomId())

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  if (port !== undefined) hub.connect(port)
})
