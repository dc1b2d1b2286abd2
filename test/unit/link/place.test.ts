import { describe, expect, test } from 'vitest'
import { placeKey, placeOf } from '../../../src/link/place.ts'
import type { EventEntry } from '../../../src/link/protocol.ts'
import type { LoggedEvent } from '../../../worker/log/log.ts'
import { eventsOf } from '../short-events.ts'

describe('places', () => {
  const [event] = eventsOf('1') as [LoggedEvent, ...LoggedEvent[]]

  test('are the same for the same event, wherever it stands in a log', () => {
    const elsewhere: LoggedEvent = { ...event, seq: 99, ordinal: 77 }
    expect(placeOf(elsewhere)).toEqual(placeOf(event))
  })

  test.each<[string, Partial<EventEntry>]>([
    ['ID', { id: '2' }],
    ['distance from the ID', { nth: 1 }],
    ['name', { name: 'b' }],
    ['data', { data: 'other' }],
  ])('differ by %s', (_what, change) => {
    const other = placeOf({ ...event, ...change })
    expect(placeKey(other)).not.toBe(placeKey(placeOf(event)))
  })

  test('differ by the border between name and data', () => {
    expect(placeOf({ ...event, name: 'ab', data: 'c' }).digest).not.toBe(
      placeOf({ ...event, name: 'a', data: 'bc' }).digest,
    )
  })

  test.each([0, 63, 5_000, 9_999])('differ by one character of much data, at %i', (at) => {
    const data = 'x'.repeat(10_000)
    const other = `${data.slice(0, at)}y${data.slice(at + 1)}`
    const isSampled = at < 64 || at >= data.length - 64
    // Digests take a sample of what is long; there the length tells most events apart.
    expect(placeOf({ ...event, data }).digest === placeOf({ ...event, data: other }).digest).toBe(!isSampled)
  })

  test('differ by the length of much data', () => {
    const [one, other] = ['x'.repeat(10_000), 'x'.repeat(10_001)]
    expect(placeOf({ ...event, data: one }).digest).not.toBe(placeOf({ ...event, data: other }).digest)
  })

  test('have equal keys exactly where they are the same', () => {
    const places = eventsOf('1 + 1 2 11 +').map(placeOf)
    expect(new Set(places.map(placeKey)).size).toBe(6)
  })
})
