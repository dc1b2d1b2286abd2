import { describe, expect, test } from 'vitest'
import { Budget } from '../../../src/page/budget.ts'

/** Takes steps of so many ms until the budget is spent; tells how many, and how often the clock was looked at. */
function spend(stepLength: number): { steps: number; looks: number } {
  let now = 1_000
  let looks = 0
  const budget = new Budget(() => {
    looks++
    return now
  })
  for (let steps = 1; ; steps++) {
    now += stepLength
    if (budget.isSpent()) return { steps, looks }
  }
}

describe('the budget of a task', () => {
  test.each([
    { stepLength: 0.001, least: 8_000, most: 8_010 },
    { stepLength: 1, least: 8, most: 10 },
    { stepLength: 3, least: 3, most: 3 },
    { stepLength: 100, least: 1, most: 1 },
  ])('is spent after 8 ms where a step takes $stepLength ms', ({ stepLength, least, most }) => {
    const { steps } = spend(stepLength)
    expect(steps).toBeGreaterThanOrEqual(least)
    expect(steps).toBeLessThanOrEqual(most)
  })

  test('is looked at seldom where steps are quick', () => {
    expect(spend(0.001).looks).toBeLessThan(1_100)
  })
})
