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
  /** The present connection has not brought it. */
  readonly isLeft?: boolean
  /** Something that was required before it has not come. */
  readonly skips?: boolean
}

/** What the judge of a former connection held when that was cut. */
export class Adopted<Event> {
  readonly #events: readonly Held<Event>[]
  /** Of those that the present connection has not brought as well, by their keys, the first one last. */
  readonly #left = new Map<string, number[]>()
  /** Those that it has, in its order, and how many others it had brought before each. */
  readonly #repeated = new Map<number, number>()

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

  /** How much of it the present connection has not brought. */
  get left(): number {
    return this.#events.length - this.#repeated.size
  }

  /** It has brought all of it. */
  get isRepeated(): boolean {
    return this.left === 0
  }

  get repeatedCount(): number {
    return this.#repeated.size
  }

  /**
   * What the present connection has brought: this as well, and others.
   *
   * @param hasLeft also what it has not brought, behind what came before that
   */
  among(others: readonly Held<Event>[], hasLeft: boolean): Held<Event>[] {
    const all: Held<Event>[] = []
    let place = 0
    const pass = (end: number) => {
      for (; place < end; place++)
        if (hasLeft && !this.#repeated.has(place))
          all.push({ ...(this.#events[place] as Held<Event>), isLeft: true })
    }
    let next = 0
    for (const [index, before] of this.#repeated) {
      while (next < before) all.push(others[next++] as Held<Event>)
      pass(index)
      all.push(this.#events[index] as Held<Event>)
    }
    pass(this.#events.length)
    return all.concat(others.slice(next))
  }

  /**
   * The present connection brings an event. Answers whether it is one of these.
   *
   * @param before so many others it has brought before
   */
  repeat(key: string, before: number): boolean {
    const index = this.#left.get(key)?.pop()
    if (index === undefined) return false
    this.#repeated.set(index, before)
    return true
  }
}
