import { Hub } from '../../worker/hub.ts'
import type { Host } from '../link/host.ts'
import type { HostPlatform } from './platform.ts'

/** Runs the hub in the page itself. Nothing is shared, but the page receives its events. */
export const directHost = (platform: HostPlatform): Host => {
  let hub: Hub | undefined
  return {
    name: 'direct',
    open() {
      const { port1, port2 } = platform.createChannel()
      hub?.close()
      hub = new Hub({ ...platform, end: () => hub?.close() }, platform.randomId())
      hub.connect(port1)
      return port2
    },
    warning: (reasons) =>
      `tabstream: using host "direct", so this page holds a connection of its own (${reasons})`,
    isHere: () => true,
    leave: () => hub?.close(),
  }
}
