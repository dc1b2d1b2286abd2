import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { linkPlatform } from '../../../src/link/platform.ts'

const ORIGIN = 1_800_000_000_000
const HOUR = 3_600_000

let date = 0
let elapsed = 0

/** Lets time pass on both clocks, or on one. */
const pass = (onDate: number, onPerformance = onDate) => {
  date += onDate
  elapsed += onPerformance
}

beforeEach(() => {
  date = ORIGIN
  elapsed = 0
  vi.stubGlobal('performance', { timeOrigin: ORIGIN, now: () => elapsed })
  vi.spyOn(Date, 'now').mockImplementation(() => Math.floor(date))
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

test('the clock has fractions of a millisecond', () => {
  const { now } = linkPlatform()
  pass(12.5)
  expect(now()).toBe(ORIGIN + 12.5)
})

test('the clock is right after a sleep in which performance.now() has stood still', () => {
  const { now } = linkPlatform()
  pass(1_000)
  pass(8 * HOUR, 0)
  expect(now()).toBe(ORIGIN + 1_000 + 8 * HOUR)
  pass(2.5)
  expect(now()).toBeCloseTo(ORIGIN + 1_002.5 + 8 * HOUR, 3)
})

test('the clock never goes back, whatever the user does to that of the machine', () => {
  const { now } = linkPlatform()
  pass(HOUR)
  const former = now()
  pass(-HOUR, 10)
  expect(now()).toBe(former + 10)
})
