import type { SourceEvent } from '../../worker/source/source.ts'
import { digestOf } from '../link/place.ts'

/** So many events of a connection are remembered. */
const MOST = 4_096

/** Of longer data only the digest is remembered, in characters. */
const LONGEST_DATA = 1_024

/** An event as a connection brought it. */
export interface Arrival {
  readonly name: string
  /** `undefined` where it is too long to be remembered. */
  readonly data: string | undefined
  /** Equal for events of equal name and data. */
  readonly digest: number
  /** The ID that the event brought itself. */
  readonly id: string | undefined
  /** The ID in effect, and how many events there were since the line that set it. */
  readonly effective: string
  readonly nth: number
  /** In ms after the head of the response. */
  readonly at: number
}

/** Equal for equal events, on whatever connection. */
export const keyOf = ({ id, digest }: Arrival): string => `${digest} ${id ?? ''}`

/** What one connection has brought, as the hub's source has read it. At most 4,096 events. */
export class Arrivals {
  readonly list: Arrival[] = []
  readonly #openedAt = performance.now()
  #effective: { readonly id: string; readonly nth: number }

  /** @param resumeAfter the ID in effect at first */
  constructor(resumeAfter: string) {
    this.#effective = { id: resumeAfter, nth: 0 }
  }

  event({ name, data, id }: SourceEvent): void {
    this.#effective = id === undefined ? { ...this.#effective, nth: this.#effective.nth + 1 } : { id, nth: 0 }
    if (this.list.length >= MOST) return
    this.list.push({
      name,
      data: data.length > LONGEST_DATA ? undefined : data,
      digest: digestOf(name, data),
      id,
      effective: this.#effective.id,
      nth: this.#effective.nth,
      at: performance.now() - this.#openedAt,
    })
  }

  idAlone(id: string): void {
    this.#effective = { id, nth: 0 }
  }
}
