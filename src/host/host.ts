import type { LinkEndpoint } from '../../worker/hub.ts'
import type { HostName } from '../options.ts'

/** One rung of the ladder. */
export interface Host {
  readonly name: HostName
  /**
   * Opens a link to the hub that lives there.
   *
   * @param generation counts up when a hub has been given up although it still exists
   * @param refused called with the reason when it shows later that no hub will answer
   * @throws where this page cannot have such a hub at all; the message says why
   */
  open(generation: number, refused: (reason: string) => void): LinkEndpoint
}
