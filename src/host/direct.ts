import { Hub } from '../../worker/hub.ts'
import { randomId } from '../../worker/platform.ts'
import type { Platform } from '../platform.ts'
import type { Host } from './host.ts'

/** The hub in the page itself: nothing is shared, but the page gets its events. */
export const directHost = (platform: Platform): Host => ({
  name: 'direct',
  open() {
    const { port1, port2 } = platform.createChannel()
    new Hub(platform, randomId()).connect(port1)
    return port2
  },
})
