import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENT_SOURCE_POLICY, type Policy } from '../../../src/link/protocol.ts'
import { FailedError, type Failure, parseRetryAfter } from '../../../worker/source/failure.ts'
import {
  DEFAULT_RECONNECTION_TIME,
  type Loss,
  reconnectionTime,
  retryDelay,
  wantsRetry,
} from '../../../worker/stream/retry.ts'

const HOUR = 3_600_000
const ALMOST_ONE = 1 - Number.EPSILON

/** After a connection that has lasted. */
const delayAfter = (failures: number, time: number, random: number, others: Partial<Loss> = {}): number =>
  retryDelay({ failures, time, hasLived: true, retryAfter: 0, ...others }, random)

describe('retryDelay', () => {
  test('is the reconnection time where chance adds nothing', () => {
    for (const failures of [0, 1, 5, 1_000]) expect(delayAfter(failures, 700, 0)).toBe(700)
  })

  test('spreads over as long again at first, so that not all come back at the same moment', () => {
    expect(delayAfter(0, 1_000, 0.5)).toBe(1_500)
    expect(delayAfter(0, 1_000, ALMOST_ONE)).toBe(2_000)
    expect(delayAfter(0, 60_000, 0.5)).toBe(90_000)
  })

  test('spreads over a fifth more after a short connection, as browsers nearly do', () => {
    expect(delayAfter(0, 1_000, 0.5, { hasLived: false })).toBe(1_100)
    expect(delayAfter(0, 1_000, ALMOST_ONE, { hasLived: false })).toBe(1_200)
  })

  test('doubles the spread with each failure', () => {
    for (const hasLived of [true, false]) {
      const spreads = [1, 2, 3, 4].map((failures) => delayAfter(failures, 1_000, 0.5, { hasLived }) - 1_000)
      expect(spreads).toEqual([1_000, 2_000, 4_000, 8_000])
    }
  })

  test('never waits longer than half a minute for a server that asks for less', () => {
    for (const failures of [5, 6, 20, 1_000]) {
      expect(delayAfter(failures, DEFAULT_RECONNECTION_TIME, ALMOST_ONE)).toBe(30_000)
    }
  })

  test('still spreads where the server itself asks for more than that', () => {
    expect(delayAfter(1_000, 60_000, 0)).toBe(60_000)
    expect(delayAfter(1_000, 60_000, 0.5)).toBeGreaterThan(60_000)
  })

  test('leaves the server alone for as long as it has asked, and then spreads over as long again', () => {
    for (const hasLived of [true, false]) {
      expect(delayAfter(0, 1_000, 0, { retryAfter: 10_000, hasLived })).toBe(10_000)
      expect(delayAfter(0, 1_000, 0.5, { retryAfter: 10_000, hasLived })).toBe(15_000)
    }
    expect(delayAfter(0, 5_000, 0, { retryAfter: 1_000 })).toBe(5_000)
  })

  test('is a whole number of milliseconds', () => {
    expect(delayAfter(0, 1_001, 0.3)).toBe(1_301)
  })

  test('property: at least the reconnection time, and harmless to a timer, whatever the number of failures', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    const time = fc.integer({ min: 100, max: HOUR })
    fc.assert(
      fc.property(
        fc.nat(),
        time,
        fc.nat(HOUR),
        random,
        fc.boolean(),
        (failures, time, retryAfter, chance, hasLived) => {
          const delay = delayAfter(failures, time, chance, { retryAfter, hasLived })
          expect(delay).toBeGreaterThanOrEqual(Math.max(time, retryAfter))
          expect(delay).toBeLessThanOrEqual(Math.max(30_000, 2 * time, 2 * retryAfter))
        },
      ),
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

describe('parseRetryAfter', () => {
  const NOW = Date.parse('2026-11-24T10:00:00Z')

  test.each([
    ['0', 0],
    ['2', 2_000],
    [' 120 ', 120_000],
    ['Tue, 24 Nov 2026 10:00:30 GMT', 30_000],
    ['Tuesday, 24-Nov-26 10:00:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 09:59:59 GMT', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['Sun, 24 Nov 2126 10:00:00 GMT', HOUR],
    ['99999999999999999999999', HOUR],
    ['-5', 0],
    ['1.5', 0],
    ['1e3', 0],
    ['soon', 0],
    ['Infinity', 0],
    ['NaN', 0],
    ['', 0],
    [null, 0],
  ])('makes of %j %i ms', (header, wait) => {
    expect(parseRetryAfter(header, NOW)).toBe(wait)
  })
})

describe('wantsRetry', () => {
  const failure = (details: Partial<Failure>): Failure => new FailedError('', details).failure
  const patient: Policy = { ...EVENT_SOURCE_POLICY, retriesStatuses: true }

  test('is true after a lost connection, for all', () => {
    expect(wantsRetry(EVENT_SOURCE_POLICY, failure({}), 1_000)).toBe(true)
    expect(wantsRetry(patient, failure({}), 1_000)).toBe(true)
  })

  test('is true after statuses that may pass, for connect() only', () => {
    for (const status of [408, 425, 429, 500, 502, 503, 504, 599]) {
      expect(wantsRetry(patient, failure({ status }), 1), String(status)).toBe(true)
      expect(wantsRetry(EVENT_SOURCE_POLICY, failure({ status }), 1), String(status)).toBe(false)
    }
  })

  test('is false after other statuses, for all', () => {
    for (const status of [201, 206, 301, 400, 401, 403, 404, 410, 422, 600]) {
      expect(wantsRetry(patient, failure({ status }), 1), String(status)).toBe(false)
    }
  })

  test('is true after an answer that may no longer be read, for connect() only, and false if it never could', () => {
    const [before, never] = [true, false].map((hasBeenReadable) =>
      failure({ isUnreadable: true, hasBeenReadable }),
    ) as [Failure, Failure]
    expect(wantsRetry(patient, before, 1)).toBe(true)
    expect(wantsRetry(patient, never, 1)).toBe(false)
    expect(wantsRetry(EVENT_SOURCE_POLICY, before, 1)).toBe(false)
    expect(wantsRetry(EVENT_SOURCE_POLICY, never, 1)).toBe(false)
  })

  test('is false after so many attempts in a row, and after what is final', () => {
    expect([1, 2, 3].map((attempt) => wantsRetry({ ...patient, retries: 2 }, failure({}), attempt))).toEqual([
      true,
      true,
      false,
    ])
    expect(wantsRetry({ ...patient, retries: 0 }, failure({}), 1)).toBe(false)
    expect(wantsRetry(patient, failure({ isFinal: true }), 1)).toBe(false)
  })
})
