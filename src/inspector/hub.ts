import type { Inspection } from 'tabstream'
import * as tabstream from 'tabstream'
import type { Disturbance, HubLife, Look } from '../link/protocol.ts'

/** What `inspect()` answers to a look. */
export type Answer = Inspection & { readonly life: HubLife }

/** What a developer may do to the hub, or to this page. */
export type Action =
  | Disturbance
  /** Each listener of this page is that much slower, in ms; 0 ends it. */
  | { readonly type: 'slow'; readonly delay: number }

/** Where the panel has its data from, and what it acts on. */
export interface InspectedHub {
  inspect(look: Look): Promise<Answer>
  /** Rejects where the page has not allowed it. */
  disturb(action: Action): Promise<void>
}

const entry = tabstream as unknown as InspectedHub

/** The hub of the page. By member, so that a bundler keeps these two functions only. */
export const PAGE_HUB: InspectedHub = {
  inspect: (look) => entry.inspect(look),
  disturb: (action) => entry.disturb(action),
}
