import type { FramePointers } from './frame.ts'

// What a page and the hub's source for Durable Streams say to each other. The hub only passes it on.

/** How what is new is waited for. */
export type LiveMode = 'sse' | 'long-poll'

export interface DurableOptions {
  readonly live: LiveMode
  /** Where the stream begins for the first page. */
  readonly offset: string
  /** Of messages in JSON. Their IDs are offsets. */
  readonly frame: Pick<FramePointers, 'name' | 'data'>
}
