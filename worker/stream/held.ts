import type { Known } from './recognition.ts'

type Kind =
  /** Behind the place asked for. */
  | 'asked'
  /** Before that place, or at it. */
  | 'earlier'
  | 'unknown'

/** An event on which the judge has not decided yet. */
export interface Held<Event> {
  readonly event: Event
  readonly key: string
  readonly isFrame: boolean
  readonly kind: Kind
  readonly known: Known | undefined
  /** Place of the known event behind which it came. */
  readonly after: number
  /** A former connection brought it, as the first that was held. */
  readonly isBeginning?: boolean
  /** Something that was required before it has not come. */
  readonly skips?: boolean
}

/** What the judge of a former connection held when that was cut. */
export class Adopted<Event> {
  readonly #events: readonly Held<Event>[]
  /** Of those that the present connection has not brought as well, by their keys, the first one last. */
  readonly #left = new Map<string, number[]>()
  readonly #repeated = new Set<number>()

  constructor(events: readonly Held<Event>[] = []) {
    this.#events = events
    for (let index = events.length - 1; index >= 0; index--) {
      const { key } = events[index] as Held<Event>
      const others = this.#left.get(key)
      if (others === undefined) this.#left.set(key, [index])
      else others.push(index)
    }
  }

  get events(): readonly Held<Event>[] {
    return this.#events
  }

  /** The present connection has brought all of it as well. */
  get isRepeated(): boolean {
    return this.#repeated.size === this.#events.length
  }

  get repeatedCount(): number {
    return this.#repeated.size
  }

  /** What the present connection has brought as well. */
  get repeated(): Held<Event>[] {
    return this.#events.filter((_, index) => this.#repeated.has(index))
  }

  /** The present connection brings an event. Answers whether it is one of these. */
  repeat(key: string): boolean {
    const index = this.#left.get(key)?.pop()
    if (index === undefined) return false
    this.#repeated.add(index)
    return true
  }
}
