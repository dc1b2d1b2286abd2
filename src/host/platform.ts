import type { HubPlatform } from '../../worker/platform.ts'
import type { LinkEndpoint } from '../link/endpoint.ts'
import type { LinkPlatform } from '../link/platform.ts'

/** What a host needs from its page. */
export interface PagePlatform extends LinkPlatform {
  createChannel(): { port1: LinkEndpoint; port2: LinkEndpoint }
  /** Opens a BroadcastChannel; `undefined` if the browser has none, or does not allow it. */
  openChannel: ((name: string) => LinkEndpoint | undefined) | undefined
  isVisible(): boolean
}

/** What a host needs to run a hub in its page. */
export type HostPlatform = PagePlatform & HubPlatform
