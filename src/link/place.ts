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

/** FNV-1a of name, length and at most 128 characters of the data: cheap for data of any size. */
export function digestOf(name: string, data: string): number {
  const sample = data.length <= 128 ? data : data.slice(0, 64) + data.slice(-64)
  const text = `${name}\n${data.length}\n${sample}`
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/** A text that is equal for equal places. */
export const placeKey = ({ id, nth, digest, same }: Place): string => same ?? `${nth}:${digest}:${id}`
