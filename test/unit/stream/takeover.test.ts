import { expect, test } from 'vitest'
import { passedOf } from '../../../src/link/place.ts'
import { Log } from '../../../worker/log/log.ts'
import { History } from '../../../worker/stream/history.ts'
import { Takeover } from '../../../worker/stream/takeover.ts'
import { eventsOf, positionOf, UNBOUNDED } from '../short-events.ts'

const EVENTS = eventsOf('1 2 3')

/** What is remembered of events of these topics, where pages listen to these. */
function settled(topics: readonly string[], wanted?: readonly string[]) {
  const takeover = new Takeover(wanted && (() => new Set(wanted)))
  const latest = EVENTS.map((event, index) => ({ ...passedOf(event), topic: String(topics[index]) }))
  takeover.gather(positionOf(EVENTS, { latest }), undefined)
  const events = takeover.settle(100)
  return { takeover, aside: events.filter(({ isAside }) => isAside).map(({ id }) => id) }
}

test('of a server that is asked only for what pages hear, only that has to come again', () => {
  expect(settled(['a', 'b', 'a'], ['b', 'c']).aside).toEqual(['1', '3'])
  expect(settled(['a', 'b', 'a'], ['a', 'b']).aside).toEqual([])
  expect(settled(['a', 'b', 'a']).aside).toEqual([])
})

test('and such a server is not trusted where nothing of that comes', () => {
  expect(settled(['a', 'a', 'a'], ['b']).takeover.isDoubtful).toBe(true)
  expect(settled(['a', 'a', 'a']).takeover.isDoubtful).toBe(false)
  expect(new Takeover(() => new Set()).isDoubtful).toBe(false)
})

test('a tab stands at its last event, though something before that has never come', () => {
  const takeover = new Takeover()
  const events = eventsOf('1 2 3 4 5 6')
  const at = (count: number) => positionOf(events.slice(0, count), { ordinal: 2 })
  for (const count of [6, 4, 5]) takeover.gather(at(count), undefined)
  const history = new History(new Log(UNBOUNDED), takeover)
  history.settle()
  const anchor = history.anchorAt(0)
  expect(anchor.resumeAfter).toBe('3')
  expect(history.requiredAfter(anchor).map(({ id }) => id)).toEqual(['4', '5', '6'])
})
