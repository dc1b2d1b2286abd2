import { Hub } from '../../worker/hub.ts'
import type { Host } from '../link/host.ts'
import type { HostPlatform } from './platform.ts'

/** The hub in the page itself: nothing is shared, but the page gets its events. */
export const directHost = (platform: HostPlatform): Host => {
  let hub: Hub | undefined
  return {
    name: 'direct',
    open() {
      const { port1, port2 } = platform.createChannel()
      hub?.close()
      hub = new Hub(platform, platform.randomId())
      hub.connect(port1)
      return port2
    },
    isHere: () => true,
    leave: () => hub?.close(),
  }
}
