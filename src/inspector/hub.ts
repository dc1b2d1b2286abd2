import { type Disturbance, disturb, inspect, type LifeInspection, type Look, type Slowness } from 'tabstream'

/** What `inspect()` answers to a look. */
export type Answer = LifeInspection

/** What a developer may do to the hub, or to this page. */
export type Action = Disturbance | Slowness

/** Where the panel has its data from, and what it acts on. */
export interface InspectedHub {
  inspect(look: Look): Promise<Answer>
  /** Rejects where the page has not allowed it. */
  disturb(action: Action): Promise<void>
}

/** The hub of the page. */
export const PAGE_HUB: InspectedHub = { inspect, disturb }
