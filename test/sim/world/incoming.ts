import type { Agent } from './agent.ts'

/** An event of the history as one connection brought it. */
export interface Writing {
  readonly number: number
  /** What a page can see of it, as one text. */
  readonly looks: string
  readonly looksWithoutId: string
  readonly id: string | undefined
  /** When it was written. */
  readonly at: number
  hasArrived: boolean
}

/** How many pieces are read as one at most: all that they hold has to fit into the smallest log. */
const MERGED = 6

/** The client's end of a connection: a reader whose chunks arrive in virtual time. */
export class Incoming {
  /** Name of the agent that reads. */
  readonly reader: string
  readonly lastEventId: string
  /** The names that it has asked for; nothing where that is all. */
  readonly topics: ReadonlySet<string> | undefined
  readonly openedAt: number
  endedAt = Number.POSITIVE_INFINITY
  /** Resumed nothing and has brought no ID yet. */
  isFresh: boolean
  /** It has begun with events of the history. */
  hasReplayed = false
  greetingId: string | undefined
  /** The events of the history that were written. */
  readonly writings: Writing[] = []
  readonly idsArrived = new Set<string>()
  readonly #agent: Agent
  /** The reader has come to its end, or has given it up. */
  isReadThrough = false
  onEnd: () => void = () => {}
  readonly #latency: () => number
  readonly #now: () => number
  readonly #isMerged: boolean
  readonly #chunks: Uint8Array[] = []
  #waiting: { resolve: (result: unknown) => void; reject: (error: unknown) => void } | undefined
  #lastArrival = 0
  /** Called if the response ends here in good order. */
  #spared: (() => void) | undefined
  #isEnded = false
  #error: Error | undefined

  constructor(
    agent: Agent,
    latency: () => number,
    now: () => number,
    lastEventId: string,
    topics?: ReadonlySet<string>,
    isMerged = false,
  ) {
    this.#isMerged = isMerged
    this.topics = topics
    this.#agent = agent
    this.reader = agent.name
    this.#latency = latency
    this.#now = now
    this.lastEventId = lastEventId
    this.isFresh = lastEventId === ''
    this.openedAt = now()
  }

  wants(name: string): boolean {
    return this.topics?.has(name) !== false
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** @param isSpared there is more, without which it has arrived only if the response ends in good order */
  push(bytes: Uint8Array, arrived?: () => void, isSpared = false): void {
    this.#lastArrival = Math.max(this.#lastArrival, this.#now() + this.#latency())
    this.#agent.schedule(this.#lastArrival - this.#now(), () => {
      if (this.#isEnded) return
      this.#spared = isSpared ? arrived : undefined
      if (!isSpared) arrived?.()
      this.#chunks.push(bytes)
      if (this.#isMerged) this.#agent.schedule(0, () => this.#serve())
      else this.#serve()
    })
  }

  /** Ends the response after what is on its way. */
  endWhenArrived(): void {
    this.#agent.schedule(this.#lastArrival - this.#now(), () => this.end())
  }

  /** Ends the response after what has arrived so far. */
  end(error?: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.endedAt = this.#now()
    this.#error = error
    if (error === undefined) this.#spared?.()
    this.onEnd()
    this.#agent.schedule(0, () => this.#serve())
  }

  async cancel(): Promise<void> {
    this.isReadThrough = true
    this.end()
  }

  read(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#serve()
    })
  }

  #serve(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    const chunk = this.#isMerged ? merged(this.#chunks.splice(0, MERGED)) : this.#chunks.shift()
    if (chunk === undefined && !this.#isEnded) return
    this.#waiting = undefined
    this.isReadThrough ||= chunk === undefined
    if (chunk !== undefined) waiting.resolve({ done: false, value: chunk })
    else if (this.#error !== undefined) waiting.reject(this.#error)
    else waiting.resolve({ done: true, value: undefined })
  }
}

const merged = (chunks: readonly Uint8Array[]): Uint8Array | undefined =>
  chunks.length === 0 ? undefined : new Uint8Array(chunks.flatMap((chunk) => [...chunk]))
