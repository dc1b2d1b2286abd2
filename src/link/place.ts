import type { EventEntry, Passed, Place } from './protocol.ts'

/** What has a place. */
export type Placed = Pick<EventEntry, 'id' | 'nth' | 'name' | 'data'> & Pick<Place, 'same'>

/** The place of an event. It identifies the event when another connection or hub receives it again. */
export const placeOf = ({ id, nth, name, data, same }: Placed): Place => ({
  id,
  nth,
  digest: digestOf(name, data),
  ...(same !== undefined && { same }),
})

export const passedOf = (event: Placed & Pick<EventEntry, 'ordinal'>): Passed => ({
  ...placeOf(event),
  ordinal: event.ordinal,
})

/** Of so many characters at the beginning of a text, and as many at its end, a digest is made. */
const SAMPLE = 64

/** FNV-1a of name, length and at most 128 characters of the data: cheap for data of any size. */
export function digestOf(name: string, data: string): number {
  const { length } = data
  const hash = mixed(mixed(0x811c9dc5, name, 0, name.length) ^ length, data, 0, Math.min(length, SAMPLE))
  return mixed(hash, data, Math.max(SAMPLE, length - SAMPLE), length) >>> 0
}

function mixed(hash: number, text: string, from: number, to: number): number {
  let result = hash
  for (let index = from; index < to; index++) {
    result = Math.imul(result ^ text.charCodeAt(index), 0x01000193)
  }
  return result
}

/** What a source's ID has behind this says nothing of which event it is: it is a position, which differs from connection to connection. */
export const SEPARATOR = '␟'

/** What of an ID names the event. */
export const ownIn = (id: string): string => id.split(SEPARATOR, 1)[0] ?? ''

/** A text that is equal for equal places. */
export const placeKey = ({ id, nth, digest, same }: Place): string => same ?? `${nth}:${digest}:${ownIn(id)}`
