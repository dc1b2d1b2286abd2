import type { FramePointers } from './frame.ts'

// What a page and the hub's source for lines say to each other. The hub only passes it on.

/** How a response is divided into events. */
export type LineFormat = 'ndjson' | 'json-seq' | 'lines'

export interface LineOptions {
  readonly format: LineFormat
  readonly frame: FramePointers
  /** The parameter of the URL that the ID to resume after goes into; without one it goes into a header. */
  readonly query?: string | undefined
  /** Names of events that only show that the server is there. */
  readonly heartbeat: readonly string[]
}
