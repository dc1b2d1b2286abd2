/** Where a message, which is JSON, has what makes it an event: JSON Pointers (RFC 6901). Without any of these, a message is the data. */
export interface FramePointers {
  /** Where its events are, if it is not one itself. */
  readonly each?: string | undefined
  readonly name?: string | undefined
  readonly id?: string | undefined
  readonly data?: string | undefined
}
