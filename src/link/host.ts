import type { LinkEndpoint } from './endpoint.ts'

/** Where a hub can live: in a SharedWorker, in an elected page, or in each page itself. */
export type HostName = 'shared-worker' | 'leader' | 'direct'

/** What a host reports of a link that it has opened. */
export interface LinkNotices {
  /** No hub will answer here now. `reason` is in words for people. */
  refused(reason: string): void
  /** The hub at the other end is gone, or another has taken its place. */
  gone(): void
}

/** A place where a hub can live. A page uses it to open links. */
export interface Host {
  readonly name: HostName
  /** Fetches the host's code. The client awaits it before it calls anything else. */
  load?(): Promise<unknown>
  /**
   * Opens a link to the hub that lives there.
   *
   * @param generation goes up by one when a hub is given up although it still exists
   * @param attempt counts from 1 while no hub answers
   * @throws if this page cannot use this host; the message says why
   */
  open(generation: number, notices: LinkNotices, attempt?: number): LinkEndpoint
  /**
   * What to write to the console because better hosts are not available.
   *
   * @param reasons why, in words for people
   */
  warning?(reasons: string): string
  /** True if the hub lives in this page. */
  isHere?(): boolean
  /** Closes everything because the page is left. `open` may be called again if the page comes back. */
  leave?(): void
}
