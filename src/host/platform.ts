import type { HubPlatform } from '../../worker/platform.ts'
import type { LinkEndpoint } from '../link/endpoint.ts'
import type { LinkPlatform } from '../link/platform.ts'

/** What a host needs of its page. */
export interface PagePlatform extends LinkPlatform {
  createChannel(): { port1: LinkEndpoint; port2: LinkEndpoint }
  /** A BroadcastChannel; absent where the browser has none. */
  openChannel: ((name: string) => LinkEndpoint) | undefined
  isVisible(): boolean
}

/** What it needs to make a hub in that page. */
export type HostPlatform = PagePlatform & HubPlatform
