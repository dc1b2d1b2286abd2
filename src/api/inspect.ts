import type { HubReport } from '../link/protocol.ts'
import type { HostName } from './configure.ts'
import { pageClient } from './page-client.ts'

/** What {@link inspect} tells. */
export interface Inspection extends HubReport {
  /** Where the hub lives. */
  host: HostName
  /** Whether it lives in this very page: of all pages that share a leader, one says so. */
  isHere: boolean
  /** Hosts that would have been better and could not be had, with the reason for people. */
  refused: readonly Refusal[]
}

export interface Refusal {
  host: HostName
  reason: string
}

/**
 * Tells where this page's hub lives and what it does: for dashboards, tests and bug reports.
 *
 * @throws {TabstreamError} of type `'no-host'` where `configure({ host })` allows only a host that cannot be had, or
 *   when the page is left before the answer is there.
 * @example
 * const { host, tabs, streams } = await inspect()
 */
export const inspect = (): Promise<Inspection> => pageClient().inspect()
