import { expect, test } from 'vitest'
import { Rate, SECONDS } from '../../../src/inspector/rates.ts'
import { NOW } from './answers.ts'

test('a rate is the mean of the last five seconds that are over', () => {
  const rate = new Rate()
  for (let second = 0; second < 5; second++) rate.add(10, NOW + second * 1_000, NOW + second * 1_000 + 250)
  expect(rate.current(NOW + 5_000)).toBe(10)
  expect(rate.current(NOW + 7_000)).toBe(6)
  expect(rate.current(NOW + 100_000)).toBe(0)
})

test('the second that is not over does not count yet', () => {
  const rate = new Rate()
  rate.add(10, NOW, NOW + 250)
  expect(rate.current(NOW + 500)).toBe(0)
  expect(rate.history(NOW + 1_000).at(-1)).toBe(10)
})

test('what has come in a longer time is spread over its seconds', () => {
  const rate = new Rate()
  rate.add(40, NOW - 4_000, NOW)
  expect(rate.history(NOW + 1_000).slice(-5)).toEqual([0, 10, 10, 10, 10])
})

test('a minute is remembered', () => {
  const rate = new Rate()
  rate.add(6_000, NOW - 1_000 * 1_000, NOW)
  const history = rate.history(NOW)
  expect(history).toHaveLength(SECONDS - 1)
  expect(new Set(history)).toEqual(new Set([100]))
  expect(rate.history(NOW + 70_000).every((amount) => amount === 0)).toBe(true)
})
