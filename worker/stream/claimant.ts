/** What it costs a stream to lose its connection: nothing, or nobody knows yet; a gap; or the stream, which is never asked to. */
export type Cost = 'nothing' | 'unknown' | 'gap' | 'everything'

/** How much the pages that share a stream care for it now. */
export interface Care {
  /** The higher, the sooner it is to have a connection. */
  readonly rank: number
  /** When one of them was visible last, in ms since 1970; `Infinity` for now. */
  readonly shownAt: number
  /** None of them needs it to be connected. */
  readonly isResting: boolean
}

/** What a budget knows of a stream. */
export interface Claimant {
  readonly attention: Care
  readonly cost: Cost
  /** When it was opened, in ms since 1970, if it waits for nothing of what it has asked for; otherwise `Infinity`. */
  readonly caughtUpAt: number
  /**
   * It may connect now.
   *
   * @param isTurn only for its turn
   */
  granted(isTurn: boolean): void
  /** Nobody waits for its connection any more. */
  stays(): void
  /** Others need the connection more. It ends it, and then calls `take` or `release`. */
  park(): void
  /** It has to wait, and why, in words for people. May be called again. */
  waits(why: string): void
  /** It is left without a connection, since it can do without. May be called again. */
  rests(): void
}

/** One stream's share in the connections to an origin. */
export interface Share {
  /** `''` before it was taken. */
  readonly origin: string
  /** It wants a connection to an origin, and is granted it now or later; at once where it has one. */
  take(origin: string): void
  /** Its connection goes to another origin than it was taken for. */
  moveTo(origin: string): void
  /** It has no connection, and wants none for now. */
  release(): void
}
