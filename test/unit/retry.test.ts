import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_RECONNECTION_TIME, reconnectionTime, retryDelay } from '../../worker/retry.ts'

const HOUR = 3_600_000
const ALMOST_ONE = 1 - Number.EPSILON

describe('retryDelay', () => {
  test('is the reconnection time where chance adds nothing', () => {
    for (const failures of [0, 1, 5, 1_000]) expect(retryDelay(failures, 700, 0)).toBe(700)
  })

  test('spreads over as much again at first', () => {
    expect(retryDelay(0, 1_000, 0.5)).toBe(1_500)
    expect(retryDelay(0, 1_000, ALMOST_ONE)).toBe(2_000)
  })

  test('doubles the spread with each failure', () => {
    const spreads = [0, 1, 2, 3, 4].map((failures) => retryDelay(failures, 1_000, 0.5) - 1_000)
    expect(spreads).toEqual([500, 1_000, 2_000, 4_000, 8_000])
  })

  test('never waits longer than half a minute for a server that asks for less', () => {
    for (const failures of [5, 6, 20, 1_000]) {
      expect(retryDelay(failures, DEFAULT_RECONNECTION_TIME, ALMOST_ONE)).toBe(30_000)
    }
  })

  test('still spreads where the server itself asks for more than that', () => {
    expect(retryDelay(1_000, 60_000, 0)).toBe(60_000)
    expect(retryDelay(1_000, 60_000, 0.5)).toBeGreaterThan(60_000)
  })

  test('is a whole number of milliseconds', () => {
    expect(retryDelay(0, 1_001, 0.3)).toBe(1_301)
  })

  test('property: at least the reconnection time, and harmless to a timer, whatever the number of failures', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 100, max: HOUR }), random, (failures, time, chance) => {
        const delay = retryDelay(failures, time, chance)
        expect(delay).toBeGreaterThanOrEqual(time)
        expect(delay).toBeLessThanOrEqual(Math.max(30_000, 2 * time))
      }),
    )
  })
})

describe('reconnectionTime', () => {
  test('leaves a sensible time as it is', () => {
    expect([100, 3_000, HOUR].map(reconnectionTime)).toEqual([100, 3_000, HOUR])
  })

  test('makes no busy loop of 0 or less', () => {
    expect([0, 1, -1, -Infinity].map(reconnectionTime)).toEqual([100, 100, 100, 100])
  })

  test('does not overflow a timer', () => {
    expect([HOUR + 1, 2 ** 31, 99_999_999_999, Infinity].map(reconnectionTime)).toEqual(Array(4).fill(HOUR))
  })

  test('makes a time of what is no number', () => {
    const time = reconnectionTime(Number.NaN)
    expect(time).toBeGreaterThanOrEqual(100)
    expect(time).toBeLessThanOrEqual(HOUR)
  })
})
