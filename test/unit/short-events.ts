import { passedOf } from '../../src/link/place.ts'
import type { Passed, Position } from '../../src/link/protocol.ts'
import { Log, type LoggedEvent } from '../../worker/log/log.ts'
import { NOWHERE } from '../../worker/stream/anchor.ts'
import { History } from '../../worker/stream/history.ts'
import { Takeover } from '../../worker/stream/takeover.ts'
import { logged } from '../sim/world/samples.ts'

// Events as a server sends them, in short.

export const UNBOUNDED = { events: 1e6, bytes: 1e9 }

/**
 * `1 2` bring IDs of their own, `1 + +` are one with an ID and two without, `1 1` bring the same ID twice. Each has data of its
 * own, counted from `first`.
 */
export function eventsOf(text: string, first = 1): LoggedEvent[] {
  let [id, nth] = ['', 0]
  return text.split(' ').map((word, index) => {
    if (word === '+') {
      nth++
    } else {
      id = word
      nth = 0
    }
    const number = first + index
    const data = `data ${number}`
    return logged({ type: 'event', seq: number, name: 'a', data, id, nth, ordinal: number })
  })
}

/** All with the same data. */
export const alike = (events: readonly LoggedEvent[]): LoggedEvent[] =>
  events.map((event) => ({ ...event, data: 'tick' }))

/** The number in the data of an event. */
export const numberOf = ({ data }: { readonly data: string }): string => data.replace('data ', '')

/** A stream that has had these events, and nothing before. */
export function streamOf(events: readonly LoggedEvent[], limits = UNBOUNDED) {
  const log = new Log(limits)
  const takeover = new Takeover()
  const history = new History(log, takeover)
  for (const event of events) history.append(event, event.role)
  return { log, takeover, history }
}

/** Where a tab of a dead hub stood that had dispatched these events, as far as the position says it. */
export function positionOf(events: readonly LoggedEvent[], details: Partial<Position> = {}): Position {
  const last = events.at(-1)
  const anchor = events.at(-2) ?? last
  return {
    ...NOWHERE,
    log: 'dead hub/1',
    seq: last?.seq ?? 0,
    subscribers: 1,
    ordinal: last?.ordinal ?? 0,
    resumeAfter: anchor?.id ?? '',
    from: anchor?.ordinal ?? 0,
    latest: events.slice(-2).map(passedOf),
    unproven: events.length < 2,
    ...details,
  }
}

/** What such a tab remembers. */
export const seenOf = (events: readonly LoggedEvent[], since = 0) => ({
  events: events.map((event): Passed => passedOf(event)),
  since,
})
