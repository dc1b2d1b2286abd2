import { describe, expect, test } from 'vitest'
import { passedOf } from '../../../src/link/place.ts'
import type { GapEntry, Position, Seen } from '../../../src/link/protocol.ts'
import { Rejoin } from '../../../worker/delivery/rejoin.ts'
import { Log, type LoggedEvent, type LogLimits } from '../../../worker/log/log.ts'
import type { HubPlatform } from '../../../worker/platform.ts'
import { History } from '../../../worker/stream/history.ts'
import { Takeover } from '../../../worker/stream/takeover.ts'
import { append, stateEntry } from '../../sim/world/samples.ts'
import { eventsOf, numberOf, positionOf, seenOf, UNBOUNDED } from '../short-events.ts'

/** Counts the events that are looked at. */
class CountedLog extends Log {
  looks = 0

  override *eventsAfter(seq: number): Iterable<LoggedEvent> {
    for (const event of super.eventsAfter(seq)) {
      this.looks++
      yield event
    }
  }
}

const idsUpTo = (count: number): string => Array.from({ length: count }, (_, index) => index + 1).join(' ')

const DEAD = eventsOf(idsUpTo(10))

/** The tabs of a dead hub. */
interface TabState {
  readonly position: Position
  readonly seen: Seen
}

/** A tab that had this much of what that hub had. */
const tabAt = (ordinal: number, { from = 0, since = 0, log = 'dead hub/1' } = {}): TabState => ({
  position: positionOf(DEAD.slice(0, ordinal), { log }),
  seen: seenOf(DEAD.slice(from, ordinal), since),
})

/** The stream of a new hub, and the tabs that come to it. */
class Succession {
  readonly log: CountedLog
  readonly takeover: Takeover
  readonly history: History
  isJudging = false
  isHolding = false
  pace = { isStopped: false }
  replayedTo = 0
  resumes = true
  impatience: (() => void)[] = []
  /** How often a tab has been told not to wait any longer. */
  tolds = 0

  constructor(limits: LogLimits = UNBOUNDED, wanted?: ReadonlySet<string>) {
    this.takeover = new Takeover(wanted && (() => wanted))
    this.log = new CountedLog(limits)
    this.history = new History(this.log, this.takeover)
  }

  /** Tabs that have come in time. */
  gather(...tabs: readonly TabState[]): this {
    for (const { position, seen } of tabs) this.takeover.gather(position, seen)
    return this
  }

  settle(): this {
    this.history.settle()
    return this
  }

  /** The replay brings these. */
  bring(...events: readonly LoggedEvent[]): this {
    for (const event of events) {
      if (this.history.isPending(event.ordinal)) this.history.appendPending(event, event.ordinal)
      else this.history.append(event, 'history')
    }
    return this
  }

  rejoin({ position, seen }: TabState): Rejoin {
    const platform = {
      setTimeout: (callback: () => void, delay: number) =>
        delay > 0 ? this.impatience.push(callback) : callback(),
      clearTimeout: () => {},
    } as unknown as HubPlatform
    return new Rejoin(platform, this, position, seen, () => {
      this.tolds++
    })
  }

  /** What a tab is given of the log, in words. */
  given(rejoin: Rejoin, { since = 0, isDue = (_event: LoggedEvent): boolean => true } = {}): string[] {
    const words: string[] = []
    for (const event of [...this.log.eventsAfter(since)]) {
      const fate = rejoin.judge(event, isDue(event))
      if (fate === undefined) return [...words, 'waits']
      const { isGiven, gap } = fate
      if (gap !== undefined) words.push(`gap ${typeof gap === 'string' ? gap : gap.reason}`)
      if (isGiven) words.push(numberOf(event))
    }
    return words
  }
}

const between = (first: number, last: number): LoggedEvent[] => eventsOf(idsUpTo(last)).slice(first - 1)

const OWN_GAP: GapEntry = { type: 'gap', seq: 0, reason: 'history-lost', before: '', after: '' }

describe('a tab of the hub that the stream goes on from', () => {
  test('is given what comes behind its number, wherever it stands', () => {
    const tabs = [tabAt(5), tabAt(8), tabAt(7)]
    const succession = new Succession().gather(...tabs)
    const rejoins = tabs.map((tab) => succession.rejoin(tab))
    succession.settle().bring(...between(6, 10))
    expect(rejoins.map((rejoin) => succession.given(rejoin))).toEqual([
      ['6', '7', '8', '9', '10'],
      ['9', '10'],
      ['8', '9', '10'],
    ])
    expect(rejoins.map(({ isForeign, isJoined }) => [isForeign, isJoined])).toEqual(
      Array(3).fill([false, true]),
    )
  })

  test('has joined as soon as nothing before its number can come any more', () => {
    const tabs = [tabAt(5), tabAt(8)]
    const succession = new Succession().gather(...tabs)
    const [, ahead] = tabs.map((tab) => succession.rejoin(tab)) as [Rejoin, Rejoin]
    succession.settle().bring(...between(6, 7))
    expect(succession.given(ahead)).toEqual([])
    expect(ahead.isJoined).toBe(false)
    succession.bring(...between(8, 8))
    succession.given(ahead)
    expect(ahead.isJoined).toBe(true)
  })

  test('may have what a replay brings behind the last event before a frame', () => {
    const tabs = [tabAt(5), tabAt(8)]
    const frame = { ...passedOf(between(6, 6)[0] as LoggedEvent), isAside: true }
    const position = positionOf(DEAD.slice(0, 6), { latest: [...positionOf(DEAD.slice(0, 5)).latest, frame] })
    const succession = new Succession().gather(...tabs).settle()
    const rejoin = succession.rejoin({ position, seen: { events: [], since: 6 } })
    succession.history.append({ name: 'a', data: 'x', id: 'x', nth: 0 }, 'ahead', 5)
    succession.bring(...between(7, 8))
    expect(succession.given(rejoin)).toEqual(['x', '7', '8'])
  })

  test('is not given again what comes late for others', () => {
    const [behind, ahead] = [tabAt(5), tabAt(8)]
    const succession = new Succession().gather(behind, ahead)
    const rejoins = [behind, ahead].map((tab) => succession.rejoin(tab))
    succession.settle()
    succession.history.conclude(true)
    succession.bring(...between(11, 11))
    expect(rejoins.map((rejoin) => succession.given(rejoin))).toEqual([['11'], ['11']])
    expect(rejoins.map(({ isJoined }) => isJoined)).toEqual([true, true])
    expect(rejoins.map(({ isSettled }) => isSettled)).toEqual([true, false])
    succession.bring(...between(6, 8))
    expect(rejoins.map((rejoin) => succession.given(rejoin, { since: 1 }))).toEqual([['6', '7', '8'], []])
    expect(rejoins.map(({ isSettled }) => isSettled)).toEqual([true, true])
  })

  test('has settled when nothing can come late any more', () => {
    const ahead = tabAt(8)
    const succession = new Succession().gather(tabAt(5), ahead)
    const rejoin = succession.rejoin(ahead)
    succession.settle()
    succession.history.conclude(true)
    succession.bring(...between(11, 11))
    expect(succession.given(rejoin)).toEqual(['11'])
    expect(rejoin.isSettled).toBe(false)
    succession.history.conclude()
    expect(rejoin.isSettled).toBe(true)
  })

  test('has joined by a frame where it has had nothing', () => {
    const succession = new Succession().settle()
    const rejoin = succession.rejoin(tabAt(0))
    succession.history.append({ name: 'a', data: 'x', id: '', nth: 1 }, 'frame')
    expect(succession.given(rejoin)).toHaveLength(2)
    expect(rejoin.isJoined).toBe(true)
  })

  test('has not joined by a frame, nor before what it has had out of order', () => {
    const frame = { ...(between(11, 11)[0] as LoggedEvent), id: '10', nth: 1 }
    const succession = new Succession().gather(tabAt(5), tabAt(8)).settle()
    const rejoin = succession.rejoin(tabAt(5))
    succession.history.append(frame, 'frame')
    expect(succession.given(rejoin)).toEqual(['11'])
    expect(rejoin.isJoined).toBe(false)
    const { position } = tabAt(5)
    const ahead = succession.rejoin({ position, seen: seenOf(DEAD.slice(0, 8)) })
    succession.bring(...between(6, 7))
    expect(succession.given(ahead, { since: 1 })).toEqual([])
    expect(ahead.isJoined).toBe(false)
    succession.bring(...between(8, 8))
    expect(succession.given(ahead, { since: 3 })).toEqual([])
    expect(ahead.isJoined).toBe(true)
  })

  test('is given what came before its last event while it listened, and what it has had is not given twice', () => {
    const tabs = [tabAt(5), tabAt(8)]
    const succession = new Succession().gather(...tabs)
    const [, ahead] = tabs.map((tab) => succession.rejoin(tab)) as [Rejoin, Rejoin]
    succession.settle()
    const late = { name: 'a', data: 'late', id: 'late', nth: 0 }
    succession.history.append(late, 'ahead', 6)
    succession.bring(...between(6, 8))
    expect(succession.given(ahead)).toEqual(['late'])
  })

  test('is not given what came before its last event where it had not listened to that', () => {
    const tabs = [tabAt(5), tabAt(8, { from: 5, since: 7 })]
    const succession = new Succession().gather(...tabs)
    const [, ahead] = tabs.map((tab) => succession.rejoin(tab)) as [Rejoin, Rejoin]
    succession.settle()
    const late = { name: 'a', data: 'late', id: 'late', nth: 0 }
    succession.history.append(late, 'ahead', 6)
    succession.bring(...between(6, 8))
    expect(succession.given(ahead)).toEqual([])
  })

  test('is not given what came before its last event where the server was asked for what pages listened to', () => {
    const tabs = [tabAt(5), tabAt(8)]
    const succession = new Succession(UNBOUNDED, new Set('a')).gather(...tabs)
    const [, ahead] = tabs.map((tab) => succession.rejoin(tab)) as [Rejoin, Rejoin]
    succession.settle()
    const dropped = { name: 'a', data: 'dropped', id: 'dropped', nth: 0 }
    succession.history.append(dropped, 'ahead', 6)
    succession.bring(...between(6, 8))
    expect(succession.given(ahead)).toEqual([])
  })

  test('is given nothing twice that it had at this hub before it knew its place', () => {
    const [behind, ahead] = [tabAt(5), tabAt(8)]
    const seen = {
      ...ahead.seen,
      events: [...ahead.seen.events, passedOf(between(11, 11)[0] as LoggedEvent)],
    }
    const succession = new Succession().gather(behind, ahead)
    const rejoin = succession.rejoin({ ...ahead, seen })
    succession.settle().bring(...between(6, 12))
    expect(succession.given(rejoin)).toEqual(['9', '10', '12'])
  })

  test('is told of a gap of the stream where that lies behind what it knows', () => {
    const tabs = [tabAt(5), tabAt(8)]
    const succession = new Succession().gather(...tabs)
    const [behind, ahead] = tabs.map((tab) => succession.rejoin(tab)) as [Rejoin, Rejoin]
    succession.settle()
    for (const rejoin of [behind, ahead]) rejoin.pass(OWN_GAP)
    succession.bring(...between(6, 8))
    expect(succession.given(behind)).toEqual(['gap history-lost', '6', '7', '8'])
    expect(succession.given(ahead)).toEqual([])
    expect(ahead.isJoined).toBe(true)
    ahead.pass(OWN_GAP)
    expect(ahead.isJoined).toBe(false)
    succession.bring(...between(9, 9))
    expect(succession.given(ahead, { since: 3 })).toEqual(['gap history-lost', '9'])
    expect(ahead.isJoined).toBe(true)
  })

  test.each([
    ['with an ID, which shows nothing', eventsOf('1 2 3'), ['gap unresumable', '4']],
    ['without an ID, which shows that the server keeps them', eventsOf('1 2 +'), ['4']],
  ])('is told that events without an ID may be missing behind one %s', (_what, had, given) => {
    const [behind, tab] = [had.slice(0, 2), had].map((events) => ({
      position: positionOf(events),
      seen: seenOf(events),
    })) as unknown as [TabState, TabState]
    const succession = new Succession().gather(behind, tab).settle()
    const rejoin = succession.rejoin(tab)
    rejoin.pass({ ...OWN_GAP, reason: 'unresumable' })
    succession.bring(...had.slice(2), ...between(4, 4))
    expect(succession.given(rejoin)).toEqual(given)
  })

  test('is told of that gap also where it has had a frame behind it', () => {
    const tab = tabAt(8)
    const frame = { ...(between(9, 9)[0] as LoggedEvent), id: '8', nth: 1 }
    const seen = { ...tab.seen, events: [...tab.seen.events, passedOf(frame)] }
    const succession = new Succession().gather(tab).settle()
    const rejoin = succession.rejoin({ ...tab, seen })
    rejoin.pass(OWN_GAP)
    succession.history.append(frame, 'frame')
    succession.bring(...between(10, 10))
    expect(succession.given(rejoin)).toEqual(['gap history-lost', '10'])
  })

  test('is told of that gap with the next event that it wants', () => {
    const tab = tabAt(8)
    const succession = new Succession().gather(tab)
    const rejoin = succession.rejoin(tab)
    succession.settle()
    rejoin.pass(OWN_GAP)
    succession.bring(...between(9, 10))
    expect(succession.given(rejoin, { isDue: ({ ordinal }) => ordinal === 10 })).toEqual([
      '9',
      'gap history-lost',
      '10',
    ])
  })

  test('is not given again what it had at a hub before that', () => {
    const tab = tabAt(5)
    const before = passedOf(DEAD[6] as LoggedEvent)
    const seen = { ...tab.seen, events: [{ ...before, ordinal: 0 }, ...tab.seen.events] }
    const succession = new Succession().gather({ ...tab, seen })
    const rejoin = succession.rejoin({ ...tab, seen })
    succession.settle().bring(...between(6, 8))
    succession.replayedTo = succession.log.lastSeq
    // Later, what looks the same is another event.
    succession.bring(...between(7, 7))
    expect(succession.given(rejoin)).toEqual(['6', '8', '7'])
  })

  test('is told of a gap behind which there is at first only what it had at a hub before that', () => {
    const tab = tabAt(5)
    const before = passedOf(DEAD[6] as LoggedEvent)
    const seen = { ...tab.seen, events: [{ ...before, ordinal: 0 }, ...tab.seen.events] }
    const succession = new Succession().gather({ ...tab, seen })
    const rejoin = succession.rejoin({ ...tab, seen })
    succession.settle().bring(...between(7, 8))
    succession.replayedTo = succession.log.lastSeq
    rejoin.pass(OWN_GAP)
    expect(succession.given(rejoin)).toEqual(['gap history-lost', '8'])
  })
})

describe('a tab that comes late', () => {
  test('is given what comes behind its number as long as the log reaches back to it', () => {
    const succession = new Succession()
      .gather(tabAt(5))
      .settle()
      .bring(...between(6, 10))
    succession.gather(tabAt(9), tabAt(9))
    expect(succession.given(succession.rejoin(tabAt(5)))).toEqual(['6', '7', '8', '9', '10'])
  })

  test('that stood further back is told of a gap', () => {
    const succession = new Succession()
      .gather(tabAt(5))
      .settle()
      .bring(...between(6, 8))
    expect(succession.given(succession.rejoin(tabAt(3)))).toEqual(['gap asleep', '6', '7', '8'])
  })

  test('is told of a gap where what it lacks has fallen off', () => {
    const succession = new Succession({ ...UNBOUNDED, events: 2 })
    succession
      .gather(tabAt(5))
      .settle()
      .bring(...between(6, 9))
    expect(succession.given(succession.rejoin(tabAt(5)))).toEqual(['gap asleep', '8', '9'])
  })

  test('is told of a gap where the gap before all that it lacks has fallen off', () => {
    const succession = new Succession({ ...UNBOUNDED, events: 3 }).gather(tabAt(5)).settle()
    const { log } = succession
    append(log, stateEntry('open'))
    append(log, OWN_GAP)
    succession.bring(...between(7, 8))
    expect(succession.given(succession.rejoin(tabAt(5)))).toEqual(['7', '8'])
    succession.bring(...between(9, 9))
    expect(succession.given(succession.rejoin(tabAt(5)))).toEqual(['gap asleep', '7', '8', '9'])
  })

  test('and was further ahead finds its last event in the log', () => {
    const succession = new Succession()
      .gather(tabAt(5))
      .settle()
      .bring(...between(6, 10))
    expect(succession.given(succession.rejoin(tabAt(8)))).toEqual(['9', '10'])
  })
})

describe('a tab that comes late, when a replay has brought what no other tab knew', () => {
  /** The others stood at 1 and at 10, so that what lies between is numbered anew. */
  const succession = (): Succession => {
    const succession = new Succession().gather(tabAt(1), tabAt(10, { from: 10 })).settle()
    for (const event of between(2, 8)) succession.history.append(event, 'ahead', 1)
    return succession.bring(...between(9, 10))
  }

  test('is given only what lies behind what it has had', () => {
    expect(succession().given(succession().rejoin(tabAt(4)))).toEqual(['5', '6', '7', '8', '9', '10'])
  })

  test('has not found its place before all of that has come', () => {
    const late = succession()
    const rejoin = late.rejoin(tabAt(4))
    const joined = [...late.log.eventsAfter(0)].map((event) => {
      rejoin.judge(event, true)
      return rejoin.isJoined
    })
    expect(joined).toEqual([...Array(7).fill(false), true, true])
  })
})

describe('where the tabs of a dead hub stand further apart than a replay can be held', () => {
  const apart = (): Succession =>
    new Succession({ ...UNBOUNDED, events: 8 }).gather(tabAt(2), tabAt(10), tabAt(7))

  test('the stream goes on from the oldest that is near enough', () => {
    expect(apart().settle().takeover.start).toMatchObject({ ordinal: 7 })
  })

  test('only the one too far back is told of a gap', () => {
    const succession = apart()
    const [back, near, front] = [2, 7, 10].map((ordinal) => succession.rejoin(tabAt(ordinal))) as [
      Rejoin,
      Rejoin,
      Rejoin,
    ]
    succession.settle().bring(...between(8, 10))
    expect(succession.given(back)).toEqual(['gap history-lost', '8', '9', '10'])
    expect(succession.given(near)).toEqual(['8', '9', '10'])
    expect(succession.given(front)).toEqual([])
  })
})

describe('a tab whose numbers do not hold', () => {
  const foreign = (ordinal: number) => tabAt(ordinal, { log: 'another hub/1' })

  test('has had everything up to its last event, and nothing after it', () => {
    const succession = new Succession().bring(...between(1, 10))
    const rejoin = succession.rejoin(foreign(8))
    expect(succession.given(rejoin)).toEqual(['9', '10'])
    expect(rejoin).toMatchObject({ isForeign: true, isJoined: true })
  })

  test('is given what looks like something that it has had, behind something new', () => {
    const again = { ...(between(3, 3)[0] as LoggedEvent), ordinal: 11 }
    const succession = new Succession().bring(...between(1, 10), again)
    expect(succession.given(succession.rejoin(foreign(8)))).toEqual(['9', '10', '3'])
  })

  test('is not given what lies before its last event, also behind something that it knows', () => {
    const { position } = tabAt(8, { log: 'third hub/1' })
    const seen = seenOf([DEAD[4], DEAD[7]] as LoggedEvent[])
    const succession = new Succession()
      .gather(tabAt(4))
      .settle()
      .bring(...between(5, 10))
    expect(succession.given(succession.rejoin({ position, seen }))).toEqual(['9', '10'])
  })

  test('is not given what a replay for others has brought from before all that it knows', () => {
    const [late] = eventsOf('late', 99) as [LoggedEvent]
    for (const [after, given] of [
      [1, []],
      [6, ['99']],
    ] as const) {
      const succession = new Succession().gather(tabAt(8)).gather(tabAt(1)).settle()
      succession.bring(...between(2, after))
      succession.history.append(late, 'ahead', after)
      succession.bring(...between(after + 1, 8))
      const { position } = foreign(8)
      const rejoin = succession.rejoin({ position, seen: seenOf(DEAD.slice(4, 8)) })
      expect(succession.given(rejoin)).toEqual(given)
    }
  })

  test('is not given again what its last events were, where those show no place', () => {
    const { position } = tabAt(8, { log: 'another hub/1' })
    const latest = position.latest.map((event) => ({ ...event, isAside: event.ordinal === 8 }))
    const succession = new Succession().bring(...between(1, 10))
    const rejoin = succession.rejoin({ position: { ...position, latest }, seen: seenOf([]) })
    const settled = [...succession.log.eventsAfter(0)].map((event) => {
      const fate = rejoin.judge(event, true)
      return `${event.ordinal} ${fate?.isGiven ? 'given' : 'had'}${rejoin.isSettled ? ', settled' : ''}`
    })
    expect(settled.slice(6)).toEqual(['7 had', '8 had', '9 given, settled', '10 given, settled'])
  })

  test('begins to count anew once', () => {
    const succession = new Succession().bring(...between(1, 10))
    const rejoin = succession.rejoin(foreign(8))
    expect(rejoin.takeBeginning()).toBe(false)
    succession.given(rejoin)
    expect([rejoin.takeBeginning(), rejoin.takeBeginning()]).toEqual([true, false])
  })

  test('is looked for even if its number would do in this log', () => {
    const succession = new Succession()
      .gather(tabAt(5))
      .settle()
      .bring(...between(6, 10))
    const position = positionOf(DEAD.slice(0, 7), { log: 'another hub/1', ordinal: 2 })
    const rejoin = succession.rejoin({ position, seen: seenOf(DEAD.slice(0, 7)) })
    expect(succession.given(rejoin)).toEqual(['8', '9', '10'])
  })

  test('has each event looked at once, however far ahead it is', () => {
    for (const count of [1_000, 4_000]) {
      const events = eventsOf(idsUpTo(count))
      const succession = new Succession().bring(...events)
      const rejoin = succession.rejoin({ position: positionOf(events), seen: { events: [], since: count } })
      succession.log.looks = 0
      for (const event of events) rejoin.judge(event, true)
      // And once more at the first, to see how far the log reaches back.
      expect(succession.log.looks).toBeLessThanOrEqual(count + 1)
    }
  })

  test('waits for its last event, and has each event looked at once meanwhile', () => {
    const events = eventsOf(idsUpTo(2_000))
    const [first] = events as [LoggedEvent]
    const succession = new Succession().bring(first)
    const rejoin = succession.rejoin({ position: positionOf(events), seen: { events: [], since: 2_000 } })
    succession.log.looks = 0
    for (const event of events.slice(1, -1)) {
      expect(rejoin.judge(first, true)).toBeUndefined()
      succession.bring(event)
    }
    succession.bring(...events.slice(-1))
    expect(rejoin.judge(first, true)).toEqual({ isGiven: false })
    expect(succession.log.looks).toBeLessThanOrEqual(2_001)
  })

  test('is given all that it has not had, after a gap, when it has waited long enough', () => {
    const succession = new Succession().bring(...between(1, 3))
    const rejoin = succession.rejoin({ ...foreign(8), seen: seenOf(DEAD.slice(0, 2)) })
    expect(succession.given(rejoin)).toEqual(['waits'])
    expect(succession.impatience).toHaveLength(1)
    succession.impatience[0]?.()
    expect(succession.tolds).toBe(1)
    expect(succession.given(rejoin)).toEqual(['gap history-lost', '3'])
  })

  test('stands behind the latest event that has come where the last one has not', () => {
    const succession = new Succession().bring(...between(1, 7), ...between(9, 9))
    const { position } = foreign(8)
    const latest = [5, 7, 8].map((number) => passedOf(DEAD[number - 1] as LoggedEvent))
    const rejoin = succession.rejoin({ position: { ...position, latest }, seen: { events: [], since: 8 } })
    expect(succession.given(rejoin)).toEqual(['waits'])
    succession.impatience[0]?.()
    expect(succession.given(rejoin)).toEqual(['gap history-lost', '9'])
  })

  test('waits as long as a replay is under way', () => {
    const succession = new Succession().bring(...between(1, 3))
    const rejoin = succession.rejoin({ ...foreign(8), seen: seenOf(DEAD.slice(0, 2)) })
    succession.given(rejoin)
    succession.isHolding = true
    succession.impatience[0]?.()
    expect(succession.given(rejoin)).toEqual(['waits'])
    succession.isHolding = false
    expect(succession.given(rejoin)).toEqual(['gap history-lost', '3'])
  })

  test('does not take one of several that look alike for its last event', () => {
    const twice = eventsOf('1 2 2').map((event) => ({ ...event, data: 'x' }))
    const succession = new Succession().bring(...twice, ...between(3, 4))
    const rejoin = succession.rejoin({ position: positionOf(twice), seen: { events: [], since: 0 } })
    // It is known to have passed the last two, whether or not it has listened to them.
    expect(succession.given(rejoin)).toEqual(['gap history-lost', '3', '4'])
  })

  test('is not given what lies before the first that it knows where only its last one does not show its place', () => {
    const succession = new Succession().settle().bring(...between(10, 10))
    for (const event of between(3, 9)) succession.history.append(event, 'ahead', 0)
    const rejoin = succession.rejoin({ position: positionOf(between(4, 8)), seen: seenOf(between(4, 8)) })
    succession.bring(...between(11, 11))
    expect(succession.given(rejoin)).toEqual(['waits'])
    succession.impatience.at(-1)?.()
    // Were the tenth given, the ninth would come behind it.
    expect(succession.given(rejoin)).toEqual(['gap asleep', '9', '11'])
  })

  test('is told at once of a gap where it has no ID', () => {
    const succession = new Succession().bring(...between(1, 2))
    const position = positionOf(eventsOf('+ +'), { resumeAfter: '' })
    const rejoin = succession.rejoin({ position, seen: { events: [], since: 2 } })
    expect(succession.given(rejoin)).toEqual(['gap unresumable', '1', '2'])
  })

  test('is given nothing of a replay for others where it has had events, and none had an ID', () => {
    const succession = new Succession().bring(...between(1, 3))
    succession.replayedTo = 2
    const position = positionOf(eventsOf('+ +'), { resumeAfter: '' })
    const rejoin = succession.rejoin({ position, seen: seenOf(eventsOf('+ +')) })
    expect(succession.given(rejoin)).toEqual(['gap unresumable', '3'])
  })

  test.each([
    { isElsewhere: true, given: ['gap unresumable', '11'] },
    { isElsewhere: false, given: ['gap unresumable', '9', '10', '11'] },
  ])('is given nothing that others have had where it was not: $isElsewhere', ({ isElsewhere, given }) => {
    const others = tabAt(10)
    const succession = new Succession().gather(others, tabAt(8)).settle()
    const log = isElsewhere ? 'another hub/1' : others.position.log
    const position = positionOf(eventsOf('+ +'), { resumeAfter: '', log })
    const rejoin = succession.rejoin({ position, seen: seenOf(eventsOf('+ +')) })
    succession.bring(...between(9, 11))
    expect(succession.given(rejoin)).toEqual(given)
  })

  test('has joined by a frame where nothing that it has had has an ID', () => {
    const succession = new Succession().settle()
    const position = positionOf(eventsOf('+ +'), { resumeAfter: '' })
    const rejoin = succession.rejoin({ position, seen: seenOf(eventsOf('+ +')) })
    succession.history.append({ name: 'a', data: 'x', id: '', nth: 1 }, 'frame')
    expect(succession.given(rejoin)).toEqual(['gap unresumable', 'x'])
    expect(rejoin.isJoined).toBe(true)
  })

  test('is told a gap again behind a frame where it is not given what came then', () => {
    const succession = new Succession().settle()
    const position = positionOf(eventsOf('+ +'), { resumeAfter: '' })
    const rejoin = succession.rejoin({ position, seen: seenOf(eventsOf('+ +')) })
    succession.history.append({ name: 'a', data: 'x', id: '', nth: 1 }, 'frame')
    succession.bring(...between(5, 6))
    succession.replayedTo = 2
    expect(succession.given(rejoin)).toEqual(['gap unresumable', 'x', 'gap unresumable', '6'])
  })

  test('is not given again behind a frame what it had before it came to a hub without an ID', () => {
    const succession = new Succession().settle()
    const position = positionOf([], { resumeAfter: '', ordinal: 1, latest: [] })
    const rejoin = succession.rejoin({ position, seen: seenOf(between(1, 5)) })
    succession.history.append({ name: 'a', data: 'x', id: '', nth: 1 }, 'frame')
    expect(succession.given(rejoin)).toEqual(['gap unresumable', 'x'])
    expect(rejoin.isSettled).toBe(false)
    succession.bring(...between(4, 7))
    expect(succession.given(rejoin, { since: 1 })).toEqual(['6', '7'])
    expect(rejoin.isSettled).toBe(true)
  })

  test('does not stand on what is aside', () => {
    const succession = new Succession().bring(...between(1, 10))
    const { position, seen } = foreign(8)
    const aside = { ...passedOf(between(10, 10)[0] as LoggedEvent), isAside: true }
    const rejoin = succession.rejoin({ position: { ...position, latest: [...position.latest, aside] }, seen })
    expect(succession.given(rejoin)).toEqual(['9', '10'])
  })
})

describe('a tab of a stream that never resumes', () => {
  test('is given everything, without a gap, where its place is not found', () => {
    const succession = new Succession().bring(...between(1, 3))
    succession.resumes = false
    const rejoin = succession.rejoin(tabAt(8, { log: 'another hub/1' }))
    expect(succession.given(rejoin)).toEqual(['1', '2', '3'])
    expect(rejoin.isJoined).toBe(true)
    expect(succession.impatience).toEqual([])
  })

  test('is told of no gap where another tab stood further ahead', () => {
    const succession = new Succession().gather(tabAt(5)).settle()
    succession.resumes = false
    succession.history.conclude()
    succession.bring(...between(1, 3))
    expect(succession.given(succession.rejoin(tabAt(3)))).toEqual(['1', '2', '3'])
  })

  test('is told where this hub had events that have fallen off', () => {
    const succession = new Succession({ ...UNBOUNDED, events: 2 })
    succession.resumes = false
    succession
      .gather(tabAt(5))
      .settle()
      .bring(...between(6, 9))
    expect(succession.given(succession.rejoin(tabAt(5)))).toEqual(['gap asleep', '8', '9'])
  })
})

describe('a tab that comes to a stream whose log has been sealed', () => {
  test('does not find its place by what is older', () => {
    const succession = new Succession().bring(...between(1, 10))
    succession.log.seal()
    const rejoin = succession.rejoin(tabAt(8, { log: 'another hub/1' }))
    succession.bring(...between(11, 12))
    expect(succession.given(rejoin, { since: 10 })).toEqual(['waits'])
    succession.impatience[0]?.()
    expect(succession.given(rejoin, { since: 10 })).toEqual(['gap history-lost', '11', '12'])
  })

  test('finds its place by what is newer', () => {
    const succession = new Succession().bring(...between(1, 6))
    succession.log.seal()
    succession.bring(...between(7, 9))
    const rejoin = succession.rejoin(tabAt(8, { log: 'another hub/1' }))
    expect(succession.given(rejoin, { since: 6 })).toEqual(['9'])
  })

  test('is told of a gap where what is older was new to it', () => {
    const succession = new Succession()
      .gather(tabAt(5), tabAt(8))
      .settle()
      .bring(...between(6, 8))
    succession.log.seal()
    succession.bring(...between(9, 10))
    const given = (tab: TabState) => succession.given(succession.rejoin(tab), { since: 3 })
    expect(given(tabAt(7))).toEqual(['gap asleep', '9', '10'])
    expect(given(tabAt(8))).toEqual(['9', '10'])
  })

  test('goes on where it was there before', () => {
    const succession = new Succession().bring(...between(1, 9))
    const rejoin = succession.rejoin(tabAt(8, { log: 'another hub/1' }))
    succession.log.seal()
    succession.bring(...between(10, 10))
    expect(succession.given(rejoin)).toEqual(['9', '10'])
  })
})
