import { ownIn } from '../../src/link/place.ts'
import type { SourceEvent } from './source.ts'

// What two connections bring that are open at a time.

/** Events in the order in which they have come. */
export class Held {
  readonly events: SourceEvent[] = []
  readonly #keys = new Map<string, number>()

  add(event: SourceEvent): void {
    const key = keyOf(event)
    if (!this.#keys.has(key)) this.#keys.set(key, this.events.length)
    this.events.push(event)
  }

  has(event: SourceEvent): boolean {
    return this.#keys.has(keyOf(event))
  }

  before(event: SourceEvent): SourceEvent[] {
    return this.events.slice(0, this.#keys.get(keyOf(event)))
  }
}

/** Whether it is one of these, of which there is one less then. */
export function takes(had: Map<string, number>, event: SourceEvent): boolean {
  if (had.size === 0) return false
  const key = keyOf(event)
  const count = had.get(key)
  if (count === undefined) return false
  if (count > 1) had.set(key, count - 1)
  else had.delete(key)
  return true
}

/** Several events can have one ID. */
export const keyOf = ({ name, data, id }: SourceEvent): string =>
  JSON.stringify([name, id && ownIn(id), data])
