import { Hub } from './hub.ts'
import { hubPlatform, randomId } from './platform.ts'

const hub = new Hub(hubPlatform(), randomId())

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  if (port !== undefined) hub.connect(port)
})
