import { describe, expect, test } from 'vitest'
import { placeOf } from '../../../src/link/place.ts'
import type { EventEntry, Position } from '../../../src/link/protocol.ts'
import { Rejoin } from '../../../worker/delivery/rejoin.ts'
import { Log } from '../../../worker/log/log.ts'
import type { HubPlatform } from '../../../worker/platform.ts'
import { Takeover } from '../../../worker/stream/takeover.ts'

/** Counts the events that are looked at. */
class CountedLog extends Log {
  looks = 0

  override *eventsAfter(seq: number): Iterable<EventEntry> {
    for (const event of super.eventsAfter(seq)) {
      this.looks++
      yield event
    }
  }
}

/** The log of a hub that resumed from a tab far behind, with events 1 to `count`. */
function logOf(count: number): CountedLog {
  const log = new CountedLog({ events: 1e6, bytes: 1e9 })
  for (let ordinal = 1; ordinal <= count; ordinal++) addTo(log, ordinal)
  return log
}

const addTo = (log: Log, ordinal: number): void => {
  log.append({ type: 'event', name: 'a', data: `${ordinal}`, id: `${ordinal}`, nth: 0, ordinal })
}

const eventsOf = (log: Log): EventEntry[] => [...log.eventsAfter(0)]

/** A tab whose hub died after this event. */
function rejoining(log: Log, last: EventEntry, told: () => void = () => {}): Rejoin {
  const position: Position = {
    log: 'another',
    seq: 0,
    subscribers: 2,
    ordinal: last.ordinal,
    resumeAfter: `${last.ordinal - 1}`,
    expect: [placeOf(last)],
    unproven: false,
    mixed: false,
  }
  const platform = { setTimeout: () => 0, clearTimeout: () => {} } as unknown as HubPlatform
  return new Rejoin(platform, { log, takeover: new Takeover() }, position, [], told)
}

describe('a tab ahead of the one that the hub resumed from', () => {
  test('has had everything up to its last event, and nothing after it', () => {
    const log = logOf(10)
    const events = eventsOf(log)
    const rejoin = rejoining(log, events[7] as EventEntry)
    const verdicts = events.map((event) => rejoin.judge(event, true))
    expect(verdicts).toEqual([...Array(8).fill('seen'), 'new', 'new'])
  })

  test('has each event looked at once, however far ahead it is', () => {
    for (const count of [1_000, 4_000]) {
      const log = logOf(count)
      const events = eventsOf(log)
      log.looks = 0
      const rejoin = rejoining(log, events.at(-1) as EventEntry)
      for (const event of events) rejoin.judge(event, true)
      expect(log.looks).toBeLessThanOrEqual(count)
    }
  })

  test('waits for its last event, and has each event looked at once meanwhile', () => {
    const log = logOf(1)
    const [first] = eventsOf(log) as [EventEntry]
    const last = { ...first, id: '2000', data: '2000', ordinal: 2_000 }
    const rejoin = rejoining(log, last)
    log.looks = 0
    for (let ordinal = 2; ordinal < 2_000; ordinal++) {
      expect(rejoin.judge(first, true)).toBe('unknown')
      addTo(log, ordinal)
    }
    addTo(log, 2_000)
    expect(rejoin.judge(first, true)).toBe('seen')
    expect(log.looks).toBeLessThanOrEqual(2_000)
  })
})
