import { identifier } from '../../src/link/identify.ts'
import type { Policy } from '../../src/link/protocol.ts'

/** Of more names than this nothing is believed: all who share the stream pay for them. */
const MOST_NAMES = 256

type Identify = ReturnType<typeof identifier>

/** What pages say of the server where no rule can know. It holds as long as the stream does, for all who share it. */
export class Manners {
  readonly #ephemeral = new Set<string>()
  readonly #gapEvents = new Set<string>()
  #pointer: string | undefined
  #identify: Identify | undefined

  /** A page that subscribes says this. Where two pages differ on what identifies an event, the first one counts. */
  learn({ ephemeral = [], gapEvents = [], identify }: Policy): void {
    for (const name of ephemeral) if (this.#ephemeral.size < MOST_NAMES) this.#ephemeral.add(name)
    for (const name of gapEvents) if (this.#gapEvents.size < MOST_NAMES) this.#gapEvents.add(name)
    if (identify === undefined || this.#pointer !== undefined) return
    this.#pointer = identify
    this.#identify = identifier(identify)
  }

  /** Events of this name belong to the connection that brings them. */
  isEphemeral(name: string): boolean {
    return this.#ephemeral.has(name)
  }

  /** An event of this name says that history is gone. */
  tellsGap(name: string): boolean {
    return this.#gapEvents.has(name)
  }

  /** What makes an event the same as another; `undefined` where that is its ID and all of its data. */
  identityOf(event: { name: string; data: string }): string | undefined {
    return this.#identify?.(event)
  }
}
