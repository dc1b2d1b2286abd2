import type { HostName } from '../link/host.ts'
import type { HubReport } from '../link/protocol.ts'

/** What `inspect()` tells. */
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
