import { placeKey, placeOf } from '../../src/link/place.ts'
import type { Beginning, Standing } from './source.ts'

/** So many events show that what is asked for anew brings nothing older any more. */
const PROVING = 16

/** How a page goes on that has been told of a gap, because its names have not been asked for all the time. */
export class BehindGap implements Beginning {
  readonly #had: ReadonlySet<string>
  readonly #from: number
  #left = PROVING
  #isElsewhere: boolean

  constructor({ had, from, isElsewhere }: Standing) {
    this.#had = new Set(had.map(placeKey))
    this.#from = from
    this.#isElsewhere = isElsewhere
  }

  get isOver(): boolean {
    return this.#left === 0 && !this.#isElsewhere
  }

  takeElsewhere(): boolean {
    const isElsewhere = this.#isElsewhere
    this.#isElsewhere = false
    return isElsewhere
  }

  isNew(event: Parameters<Beginning['isNew']>[0]): boolean {
    if (event.at <= this.#from || (event.id !== '' && this.#had.has(placeKey(placeOf(event))))) return false
    if (this.#left > 0) this.#left--
    return true
  }
}
