import type { HostName } from '../link/host.ts'
import type { HubReport } from '../link/protocol.ts'

/** What `inspect()` reports. */
export interface Inspection extends HubReport {
  /** Where the hub lives. */
  host: HostName
  /** True if the hub lives in this page. Of all pages that share a leader, one reports true. */
  isHere: boolean
  /** Preferred hosts that are not available, each with the reason. */
  refused: readonly Refusal[]
}

/** A host that is not available. */
export interface Refusal {
  host: HostName
  /** In words for people. */
  reason: string
}
