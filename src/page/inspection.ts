import type { HostName } from '../link/host.ts'
import type { HubLife, HubReport } from '../link/protocol.ts'

/** What `inspect()` reports. */
export interface Inspection extends HubReport {
  /** Where the hub lives. */
  host: HostName
  /** True if the hub lives in this page. Of all pages that share a leader, one reports true. */
  isHere: boolean
  /** Preferred hosts that are not available, each with the reason. */
  refused: readonly Refusal[]
}

/** What `inspect()` reports to a page that looks into the hub's life. */
export interface LifeInspection extends Inspection {
  life: HubLife
}

/** A host that is not available. */
export interface Refusal {
  host: HostName
  /** In words for people. */
  reason: string
}
