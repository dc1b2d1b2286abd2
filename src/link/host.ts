import type { LinkEndpoint } from './endpoint.ts'

/** Where a hub can live. */
export type HostName = 'shared-worker' | 'leader' | 'direct'

/** What becomes of a link that a host has opened. */
export interface LinkNotices {
  /** No hub will ever answer here; `reason` is for people. */
  refused(reason: string): void
  /** The hub at the other end is gone, or another has taken its place. */
  gone(): void
}

/** A place where a hub can live, as a page sees it: something that opens links. */
export interface Host {
  readonly name: HostName
  /** Fetches the host's code. The client awaits it before it calls anything else. */
  load?(): Promise<unknown>
  /**
   * Opens a link to the hub that lives there.
   *
   * @param generation counts up when a hub has been given up although it still exists
   * @throws where this page cannot have such a hub at all; the message says why
   */
  open(generation: number, notices: LinkNotices): LinkEndpoint
  /** Whether the hub lives in this very page. */
  isHere?(): boolean
  /** The page is being left: closes what is open here. `open` may be called again if the page comes back. */
  leave?(): void
}
