import { describe, expect, test } from 'vitest'
import { placeKey, placeOf, samePlace } from '../../../src/link/place.ts'
import type { EventEntry } from '../../../src/link/protocol.ts'
import { Log } from '../../../worker/log/log.ts'
import {
  type Anchor,
  anchorAt,
  NOWHERE,
  Resumption,
  type Verdict,
} from '../../../worker/stream/resumption.ts'
import { stateEntry } from '../../sim/world/samples.ts'

const UNBOUNDED = { events: 1e6, bytes: 1e9 }

/**
 * Events as a server sends them, in short: `1 2` bring IDs of their own, `1 + +` are one with an ID and two without,
 * `1 1` bring the same ID twice. Each has data of its own, counted from `first`.
 */
function eventsOf(text: string, first = 1): EventEntry[] {
  let [id, nth] = ['', 0]
  return text.split(' ').map((word, index) => {
    if (word === '+') {
      nth++
    } else {
      id = word
      nth = 0
    }
    const number = first + index
    return { type: 'event', seq: number, name: 'a', data: `data ${number}`, id, nth, ordinal: number }
  })
}

function logOf(events: readonly EventEntry[], limits = UNBOUNDED): Log {
  const log = new Log(limits)
  for (const event of events) log.append(event)
  return log
}

/** The data of the events that an anchor expects again, as far as `events` holds them. */
const expected = (
  anchor: Anchor | undefined,
  events: readonly EventEntry[],
): (string | undefined)[] | undefined =>
  anchor?.expect.map((place) => events.find((event) => samePlace(placeOf(event), place))?.data)

describe('places', () => {
  const [event] = eventsOf('1') as [EventEntry]

  test('are the same for the same event, wherever it stands in a log', () => {
    expect(samePlace(placeOf(event), placeOf({ ...event, seq: 99, ordinal: 77 } as EventEntry))).toBe(true)
  })

  test.each<[string, Partial<EventEntry>]>([
    ['ID', { id: '2' }],
    ['distance from the ID', { nth: 1 }],
    ['name', { name: 'b' }],
    ['data', { data: 'other' }],
  ])('differ by %s', (_what, change) => {
    const other = placeOf({ ...event, ...change })
    expect(samePlace(placeOf(event), other)).toBe(false)
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
    for (const one of places) {
      for (const other of places) expect(placeKey(one) === placeKey(other)).toBe(samePlace(one, other))
    }
  })
})

describe('anchorAt', () => {
  const anchorOf = (text: string, { mixed = false, origin = '', seq = Infinity } = {}) => {
    const events = eventsOf(text)
    const anchor = anchorAt(logOf(events), Math.min(seq, events.length), mixed, origin)
    return { anchor, data: expected(anchor, events) }
  }

  test('is nowhere in a log without events', () => {
    expect(anchorAt(logOf([]), 0, false, '')).toBeUndefined()
    const log = new Log(UNBOUNDED)
    log.append(stateEntry('open'))
    expect(anchorAt(log, 1, false, 'origin')).toBeUndefined()
  })

  test('resumes after the last event but one and expects the last', () => {
    const { anchor, data } = anchorOf('1 2 3')
    expect(anchor).toMatchObject({ resumeAfter: '2', unproven: false, mixed: false, ordinal: 3 })
    expect(data).toEqual(['data 3'])
  })

  test('stands where it is asked to stand, not at the end', () => {
    const { anchor, data } = anchorOf('1 2 3 4', { seq: 2 })
    expect(anchor).toMatchObject({ resumeAfter: '1', ordinal: 2 })
    expect(data).toEqual(['data 2'])
  })

  test('looks past entries that are no events', () => {
    const events = eventsOf('1 2')
    const log = new Log(UNBOUNDED)
    for (const event of events) {
      log.append(event)
      log.append(stateEntry('open'))
    }
    const anchor = anchorAt(log, 4, false, '')
    expect(anchor).toMatchObject({ resumeAfter: '1', unproven: false })
    expect(expected(anchor, events)).toEqual(['data 2'])
  })

  test('goes back over events of the same ID', () => {
    const { anchor, data } = anchorOf('1 2 2 2')
    expect(anchor).toMatchObject({ resumeAfter: '1', unproven: false })
    expect(data).toEqual(['data 2', 'data 3', 'data 4'])
  })

  test('expects a bounded number of events, the latest', () => {
    const { anchor, data } = anchorOf(`1 2${' 2'.repeat(200)}`)
    expect(anchor).toMatchObject({ resumeAfter: '1' })
    expect(data?.length).toBeLessThan(100)
    expect(data).toContain('data 202')
  })

  test('of a single event resumes after it, and knows that this proves nothing', () => {
    const { anchor, data } = anchorOf('1')
    expect(anchor).toMatchObject({ resumeAfter: '1', unproven: true })
    expect(data).toEqual(['data 1'])
  })

  test('of a single event resumes after the origin of the log, where it is known', () => {
    const { anchor, data } = anchorOf('1', { origin: 'origin' })
    expect(anchor).toMatchObject({ resumeAfter: 'origin', unproven: false })
    expect(data).toEqual(['data 1'])
  })

  test('does not resume after the origin where events since then have fallen off', () => {
    const anchor = anchorAt(logOf(eventsOf('1 2 2'), { ...UNBOUNDED, events: 2 }), 3, false, 'origin')
    expect(anchor).toMatchObject({ resumeAfter: '2', unproven: true })
  })

  test('without IDs cannot resume', () => {
    const { anchor } = anchorOf('+ + +')
    expect(anchor).toEqual({ ...NOWHERE, ordinal: 3 })
  })

  test('after the server has reset the ID cannot resume', () => {
    const events = eventsOf('1 2').concat({ ...(eventsOf('1')[0] as EventEntry), id: '', seq: 3, ordinal: 3 })
    expect(anchorAt(logOf(events), 3, false, '')).toMatchObject({ resumeAfter: '', expect: [] })
  })

  test('does not resume after an event that has only inherited its ID', () => {
    const { anchor, data } = anchorOf('1 + 2 +')
    expect(anchor).toMatchObject({ resumeAfter: '1' })
    expect(data).toEqual(['data 2', 'data 3', 'data 4'])
  })

  test('in a mixed stream goes back over an event without an ID of its own', () => {
    const { anchor, data } = anchorOf('1 2 + 3 4', { mixed: true })
    expect(anchor).toMatchObject({ resumeAfter: '2', unproven: false, mixed: true })
    expect(data).toEqual(['data 3', 'data 4', 'data 5'])
  })

  test('in a mixed stream where there is nothing to go back to is unsure in its own way', () => {
    const { anchor } = anchorOf('1 +', { mixed: true })
    expect(anchor).toMatchObject({ resumeAfter: '1', unproven: false, mixed: true })
  })
})

/** Judges what comes of a replay; the words are `data N` → verdict. */
class Trial {
  readonly resumption: Resumption

  constructor(
    received: readonly EventEntry[],
    {
      mixed = false,
      trusted = true,
      known = received,
    }: { mixed?: boolean; trusted?: boolean; known?: readonly EventEntry[] } = {},
  ) {
    const anchor = anchorAt(logOf(received), received.length, mixed, '') ?? NOWHERE
    const keys = new Set(known.map(placeOf).map(placeKey))
    this.resumption = new Resumption(
      anchor,
      (event) => keys.has(placeKey(placeOf(event))),
      () => trusted,
    )
  }

  judge(events: readonly EventEntry[]): Verdict[] {
    return events.map((event) => this.resumption.judge(event, true))
  }
}

describe('a replay by a server', () => {
  test('that is strict brings the last event again, and then what is new', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.judge(eventsOf('3 4 5', 3))).toEqual(['seen', 'new', 'new'])
    expect(trial.resumption.isOver).toBe(true)
  })

  test('is not over before what is known has come', () => {
    const trial = new Trial(eventsOf('1 2 2'))
    expect(trial.resumption.isOver).toBe(false)
    trial.judge(eventsOf('2', 2))
    expect(trial.resumption.isOver).toBe(false)
    trial.judge(eventsOf('2', 3))
    expect(trial.resumption.isOver).toBe(true)
  })

  test('that is inclusive begins with the event that was asked for', () => {
    const trial = new Trial(eventsOf('1 2 3'), { known: [] })
    expect(trial.judge(eventsOf('2 3 4', 2))).toEqual(['seen', 'seen', 'new'])
  })

  test('that repeats everything begins with what is long known', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.judge(eventsOf('1 2 3 4'))).toEqual(['seen', 'seen', 'seen', 'new'])
  })

  test('that has forgotten the ID, and more than is missing, brings what cannot be placed', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.judge(eventsOf('7 8', 7))).toEqual(['unknown', 'unknown'])
    expect(trial.resumption.isOver).toBe(false)
  })

  test('that ignores the ID brings what cannot be placed', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.judge(eventsOf('9', 9))).toEqual(['unknown'])
  })

  test('that gives old IDs to new events is not believed', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.judge(eventsOf('3', 33))).toEqual(['unknown'])
  })

  test('that has no IDs can never be placed', () => {
    const trial = new Trial(eventsOf('+ +'))
    expect(trial.judge(eventsOf('+', 2))).toEqual(['unknown'])
  })

  test('may be given up', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    trial.judge(eventsOf('9', 9))
    trial.resumption.giveUp()
    expect(trial.resumption.isOver).toBe(true)
    expect(trial.judge(eventsOf('10 3', 10))).toEqual(['new', 'new'])
  })

  test('that leaves out some of what is known is doubtful', () => {
    const trial = new Trial(eventsOf('1 2 2 2'), { known: [] })
    expect(trial.judge(eventsOf('2', 4))).toEqual(['seen'])
    expect(trial.judge(eventsOf('3 4', 5))).toEqual(['gap', 'new'])
  })
})

describe('a replay after the same ID on several events', () => {
  test('brings all of them again', () => {
    const trial = new Trial(eventsOf('1 2 2 2'))
    expect(trial.judge([...eventsOf('2 2 2', 2), ...eventsOf('5', 5)])).toEqual([
      'seen',
      'seen',
      'seen',
      'new',
    ])
  })

  test('tells a new event of that ID from a known one', () => {
    const trial = new Trial(eventsOf('1 2 2'))
    expect(trial.judge(eventsOf('2 2 2 3', 2))).toEqual(['seen', 'seen', 'new', 'new'])
  })

  test('tells alike events apart by their number', () => {
    const alike = eventsOf('1 2 2').map((event) => ({ ...event, data: 'tick' }))
    const trial = new Trial(alike, { known: [] })
    expect(trial.judge([...alike.slice(1), alike[1] as EventEntry])).toEqual(['seen', 'seen', 'new'])
  })
})

describe('a replay of a mixed stream', () => {
  test('by a server that keeps events without IDs joins', () => {
    const received = eventsOf('1 + 2 + 3')
    const trial = new Trial(received, { mixed: true })
    expect(
      trial.judge([...received.slice(1), ...eventsOf('+ 4', 6).map((event) => ({ ...event, id: '3' }))]),
    ).toEqual(['seen', 'seen', 'seen', 'seen', 'new', 'new'])
  })

  test('by a server that does not keep them gives a gap', () => {
    const received = eventsOf('1 + 2 + 3')
    const trial = new Trial(received, { mixed: true })
    const kept = received.filter(({ nth }) => nth === 0).slice(1)
    expect(trial.judge([...kept, ...eventsOf('4', 6)])).toEqual(['seen', 'seen', 'gap'])
  })

  test('gives a gap where no event without an ID could be asked for', () => {
    const received = eventsOf('1 2 3')
    const trial = new Trial(received, { mixed: true })
    const verdicts = trial.judge([...received.slice(1), ...eventsOf('4', 4)])
    expect(verdicts.filter((verdict) => verdict !== 'seen')).not.toContain('new')
  })

  test('knows an event that stands nearer to its ID than the last one', () => {
    const received = eventsOf('1 + + +')
    const trial = new Trial(received, { mixed: true, known: [] })
    expect(trial.judge(received.slice(1, 3))).toEqual(['seen', 'seen'])
  })
})

describe('after a single event', () => {
  const single = eventsOf('1')

  test('the server is taken at its word', () => {
    const trial = new Trial(single)
    expect(trial.judge(eventsOf('2 3', 2))).toEqual(['new', 'new'])
    expect(trial.resumption.isOver).toBe(true)
  })

  test('the server is not taken at its word where it was asked for something else', () => {
    const trial = new Trial(single, { trusted: false })
    expect(trial.judge(eventsOf('2', 2))).toEqual(['unknown'])
  })

  test('an inclusive server is understood', () => {
    const trial = new Trial(single, { known: [] })
    expect(trial.judge(eventsOf('1 2'))).toEqual(['seen', 'new'])
  })

  test('in a mixed stream the server is not taken at its word', () => {
    const trial = new Trial(eventsOf('1 +'), { mixed: true, known: [] })
    expect(trial.judge(eventsOf('2', 3))).not.toContain('new')
  })
})

describe('events that do not matter', () => {
  test('are passed without a verdict on what is missing', () => {
    const { resumption } = new Trial(eventsOf('1 2 3'))
    const [other, last, next] = [...eventsOf('9', 9), ...eventsOf('3', 3), ...eventsOf('4', 4)] as [
      EventEntry,
      EventEntry,
      EventEntry,
    ]
    expect(resumption.judge(other, false)).toBe('new')
    expect(resumption.isOver).toBe(false)
    expect(resumption.judge(last, false)).toBe('seen')
    expect(resumption.judge(next, true)).toBe('new')
  })

  test('do not use up a gap that is due', () => {
    const { resumption } = new Trial(eventsOf('1 2 2 2'), { known: [] })
    resumption.judge(eventsOf('2', 4)[0] as EventEntry, true)
    const [passed, next] = eventsOf('3 4', 5) as [EventEntry, EventEntry]
    expect(resumption.judge(passed, false)).toBe('new')
    expect(resumption.judge(next, true)).toBe('gap')
  })
})

test('knows what must have been passed, expected again or not', () => {
  const received = eventsOf('7 + +')
  const { resumption } = new Trial(received, { known: [] })
  const [other] = eventsOf('4', 9) as [EventEntry]
  expect(received.map((event) => resumption.knows(event))).toEqual([true, true, true])
  expect(resumption.knows(other)).toBe(false)
})
