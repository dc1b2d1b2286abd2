import { expect, test } from 'vitest'
import { passedOf } from '../../../src/link/place.ts'
import { BehindGap } from '../../../worker/source/beginning.ts'
import { eventsOf, numberOf, streamOf } from '../short-events.ts'

const HAD = eventsOf('1 2 3')

/** A tab that has had three events, of another hub unless told otherwise, and the stream that it has come to. */
function beginning(text = '', isElsewhere = true) {
  const stream = streamOf(text === '' ? [] : eventsOf(text))
  const from = stream.log.lastEvent?.at ?? 0
  const begun = new BehindGap({ had: HAD.map(passedOf), lastId: '3', from, isElsewhere })
  /** Of the events that come now, those that the tab is given. */
  const given = (more: string) => {
    const first = (stream.log.lastEvent?.ordinal ?? 0) + 1
    for (const event of eventsOf(more, first)) stream.history.append(event, 'history')
    const events = [...stream.log.eventsAfter(0)].filter(({ ordinal }) => ordinal >= first)
    return events.filter((event) => begun.isNew(event)).map(numberOf)
  }
  return { begun, given, stream }
}

test('a tab is not given again what it has had', () => {
  expect(beginning().given('1 2 3 4 5')).toEqual(['4', '5'])
})

test('nor what lies before the gap behind which it begins', () => {
  const { begun, stream } = beginning('7 8')
  const [before] = eventsOf('6', 3)
  if (before === undefined) throw new Error('no event')
  stream.history.append(before, 'history', 1)
  stream.history.append({ ...before, id: '9' }, 'history')
  expect([...stream.log.eventsAfter(0)].map((event) => begun.isNew(event))).toEqual([
    false,
    false,
    false,
    true,
  ])
})

test('it is over when so many others have come that nothing older follows', () => {
  const { begun, given } = beginning('', false)
  expect(given('11 12 13 14 15 16 17 18 19 20 21 22 23 24 25')).toHaveLength(15)
  expect(begun.isOver).toBe(false)
  given('26')
  expect(begun.isOver).toBe(true)
})

test('but not before the tab knows that the numbers are those of another log', () => {
  const { begun, given } = beginning()
  given('11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26')
  expect(begun.isOver).toBe(false)
  expect([begun.takeElsewhere(), begun.takeElsewhere()]).toEqual([true, false])
  expect(begun.isOver).toBe(true)
  expect(beginning('', false).begun.takeElsewhere()).toBe(false)
})
