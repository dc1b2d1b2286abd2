import type { GapEntry, GapReason } from '../link/protocol.ts'

/** Tells that events may be missing at this point of the stream. Fetch your state again, then carry on. */
export class GapEvent extends Event {
  readonly reason: GapReason
  /** Last event ID before the gap. */
  readonly before: string
  /** Last event ID of the first event after the gap; `''` if it is not known yet. */
  readonly after: string

  constructor({ reason, before, after }: Pick<GapEntry, 'reason' | 'before' | 'after'>) {
    super('gap')
    this.reason = reason
    this.before = before
    this.after = after
  }
}
