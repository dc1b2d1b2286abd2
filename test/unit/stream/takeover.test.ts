import { expect, test } from 'vitest'
import { passedOf } from '../../../src/link/place.ts'
import { Takeover } from '../../../worker/stream/takeover.ts'
import { eventsOf, positionOf } from '../short-events.ts'

const EVENTS = eventsOf('1 2 3')

/** What is remembered where a tab has passed all of them, and has heard the first one only. */
function settled(isSelective: boolean) {
  const takeover = new Takeover(isSelective)
  const events = EVENTS.map(passedOf)
  takeover.gather(positionOf(EVENTS, { latest: events }), { events: events.slice(0, 1), since: 0 })
  return { takeover, events: takeover.settle(100) }
}

test('of a server that is asked only for what pages hear, only that has to come again', () => {
  expect(settled(true).events.map(({ id, isAside = false }) => [id, isAside])).toEqual([
    ['1', false],
    ['2', true],
    ['3', true],
  ])
  expect(settled(false).events.every(({ isAside }) => isAside === undefined)).toBe(true)
})

test('and such a server is not trusted where nothing of that comes', () => {
  expect(settled(true).takeover.isDoubtful).toBe(true)
  expect(settled(false).takeover.isDoubtful).toBe(false)
  expect(new Takeover(true).isDoubtful).toBe(false)
})
