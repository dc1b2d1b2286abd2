import { describe, expect, test } from 'vitest'
import { passedOf } from '../../../src/link/place.ts'
import { EVENT_SOURCE_POLICY } from '../../../src/link/protocol.ts'
import { type Entry, Log, type LoggedEvent } from '../../../worker/log/log.ts'
import type { HubPlatform } from '../../../worker/platform.ts'
import type { Head } from '../../../worker/source/source.ts'
import { History } from '../../../worker/stream/history.ts'
import { Reception } from '../../../worker/stream/reception.ts'
import { Takeover } from '../../../worker/stream/takeover.ts'
import { eventsOf, positionOf, seenOf } from '../short-events.ts'

/** Counts the entries that are looked at. */
class CountedLog extends Log {
  looks = 0

  override at(seq: number): Entry | undefined {
    this.looks++
    return super.at(seq)
  }
}

const HEAD: Head = {
  origin: 'https://dash.test',
  deniesResumption: false,
  confirmsResumption: false,
  status: 200,
  headers: [],
}

/** What a server sends, in ms after what came before, and what came of it. */
class Conversation {
  readonly log: CountedLog
  readonly takeover: Takeover
  readonly reception: Reception
  readonly history: History
  now = 0
  #timers = new Map<number, { readonly at: number; readonly callback: () => void }>()
  #timerCount = 0
  #told = 0

  /** @param wanted the names that the server is asked for, where that is not all */
  constructor(events = 1e6, wanted?: readonly string[]) {
    this.takeover = new Takeover(wanted && (() => new Set(wanted)))
    this.log = new CountedLog({ events, bytes: 1e9 })
    const platform = {
      now: () => this.now,
      setTimeout: (callback: () => void, delay: number) => {
        this.#timers.set(++this.#timerCount, { at: this.now + delay, callback })
        return this.#timerCount
      },
      clearTimeout: (timer: number | undefined) => this.#timers.delete(timer ?? 0),
    } as unknown as HubPlatform
    this.history = new History(this.log, this.takeover)
    this.reception = new Reception(platform, this.log, this.history, () => {})
  }

  /** Answers with the ID that the server is asked to resume after. */
  connect({ resumes = true, head = HEAD } = {}): string {
    const id = this.reception.resume(resumes)
    this.reception.opened(head)
    return id
  }

  /** The server ends its answer. */
  end(): void {
    this.reception.lost(true)
  }

  cut(): void {
    this.reception.lost(false)
  }

  wait(delay: number): void {
    this.now += delay
    this.#fire(this.#timers)
  }

  /** The hub stands still. What has come meanwhile is handled right after the timers that were due. */
  freeze(delay: number): void {
    this.now += delay
    this.#fire([...this.#timers])
  }

  #fire(timers: Iterable<[number, { readonly at: number; readonly callback: () => void }]>): void {
    for (const [timer, { at, callback }] of timers) {
      if (at > this.now) continue
      this.#timers.delete(timer)
      callback()
    }
  }

  /** Events in short: `3` is one with this ID, `3=x` has other data, `+x` has no ID. Tells whether the last one was new. */
  bring(...texts: readonly string[]): boolean {
    let isNew = false
    for (const text of texts) {
      const [id = '', data = id] = text.split('=')
      isNew = text.startsWith('+')
        ? this.reception.event({ name: 'a', data: text.slice(1), id: undefined })
        : this.reception.event({ name: 'a', data, id })
    }
    return isNew
  }

  /** What has been logged since the last time, in words. */
  logged(): string[] {
    const words: string[] = []
    for (let seq = this.#told + 1; seq <= this.log.lastSeq; seq++) {
      const entry = this.log.at(seq)
      if (entry?.type === 'gap') words.push(`gap ${entry.reason}`)
      if (entry?.type === 'event')
        words.push(`${entry.role === 'history' ? '' : `${entry.role} `}${entry.data}`)
    }
    this.#told = this.log.lastSeq
    return words
  }
}

/** A server that has sent these events, and then the connection was cut. */
function having(...events: readonly string[]): Conversation {
  const conversation = new Conversation()
  conversation.connect()
  conversation.bring(...events)
  conversation.logged()
  conversation.cut()
  return conversation
}

/** A server that has sent events 1 to `count`, and is connected to once more. */
function resumed(count: number): Conversation {
  const conversation = having(...Array.from({ length: count }, (_, index) => `${index + 1}`))
  conversation.connect()
  return conversation
}

/** A hub that goes on for two tabs of another, which have had so many events, and is connected. */
function ofTwoTabs(...counts: readonly number[]): Conversation {
  const conversation = new Conversation()
  for (const count of counts) {
    const events = eventsOf(Array.from({ length: count }, (_, index) => index + 1).join(' '))
    conversation.takeover.gather(positionOf(events), seenOf(events))
  }
  conversation.connect()
  return conversation
}

/** How many of the last events a server brings in their order, so that the replay joins what is known. */
const IN_ORDER = 32

describe('a replay in another order', () => {
  /** The whole of it: the older events from the newest back, then the rest as they were. */
  const replayOf = (count: number): number[] => {
    const ordinals = Array.from({ length: count }, (_, index) => index + 1)
    return [...ordinals.slice(0, -IN_ORDER).reverse(), ...ordinals.slice(-IN_ORDER)]
  }

  test('brings nothing twice', () => {
    const conversation = resumed(100)
    const isNew = replayOf(100).map((ordinal) => conversation.bring(`${ordinal}`))
    expect(isNew).toEqual(Array(100).fill(false))
    expect(conversation.bring('101')).toBe(true)
    expect(conversation.logged()).toEqual(['101'])
  })

  test('has each entry of the log looked at once', () => {
    for (const count of [1_000, 4_000]) {
      const conversation = resumed(count)
      conversation.log.looks = 0
      for (const ordinal of replayOf(count)) conversation.bring(`${ordinal}`)
      expect(conversation.log.looks).toBeLessThanOrEqual(count)
    }
  })
})

describe('a replay of everything', () => {
  test('brings nothing twice', () => {
    const conversation = resumed(100)
    for (let ordinal = 1; ordinal <= 100; ordinal++) expect(conversation.bring(`${ordinal}`)).toBe(false)
    expect(conversation.bring('101')).toBe(true)
    expect(conversation.logged()).toEqual(['101'])
  })

  test('has each entry of the log looked at once', () => {
    for (const count of [1_000, 4_000]) {
      const conversation = resumed(count)
      conversation.log.looks = 0
      for (let ordinal = 1; ordinal <= count; ordinal++) conversation.bring(`${ordinal}`)
      expect(conversation.log.looks).toBeLessThanOrEqual(count)
    }
  })

  test('may take its time, in pieces', () => {
    const conversation = resumed(40)
    for (let ordinal = 1; ordinal <= 41; ordinal++) {
      if (ordinal % 10 === 0) conversation.wait(600)
      conversation.bring(`${ordinal}`)
    }
    expect(conversation.logged()).toEqual(['41'])
  })

  test('takes no time between events that come one by one: the server counts anew', () => {
    const conversation = resumed(40)
    conversation.bring('1', '2')
    conversation.wait(60)
    expect(conversation.bring('3')).toBe(true)
    expect(conversation.logged()).toEqual(['gap history-lost', '1', '2', '3'])
  })

  test('may come in pieces of a few events where these are long', () => {
    const long = (ordinal: number) => `${ordinal}=${`${ordinal}`.padStart(3_000)}`
    const conversation = having(...[1, 2, 3, 4].map(long))
    conversation.connect()
    conversation.bring(...[1, 2].map(long))
    conversation.wait(60)
    conversation.bring(...[3, 4].map(long), '5')
    expect(conversation.logged()).toEqual(['5'])
  })

  test('is not broken off by the hub being busy', () => {
    const conversation = resumed(4)
    conversation.bring('1', '2')
    // Timers that are due have not fired.
    conversation.now += 500
    conversation.bring('3', '4', '5')
    expect(conversation.logged()).toEqual(['5'])
  })

  test('is one however late the hub comes to read it', () => {
    const conversation = resumed(3)
    conversation.freeze(11_000)
    conversation.bring('3', '4')
    expect(conversation.logged()).toEqual(['4'])
  })

  test('is one however long nothing is read', () => {
    const conversation = resumed(3)
    conversation.reception.pause()
    conversation.wait(11_000)
    conversation.reception.readOn()
    conversation.bring('3', '4')
    expect(conversation.logged()).toEqual(['4'])
  })

  test.each([
    ['and the replay joins, what is older than what was asked for is not given', ['2', '3'], ['3']],
    ['and the replay does not join, it is given', ['9'], ['gap history-lost', '8', '9']],
  ])('may bring what no page had asked for then: %s', (_when, ids, logged) => {
    const conversation = having('1', '2')
    conversation.connect()
    conversation.reception.event({ name: 'a', data: '8', id: '8', isOlder: true })
    conversation.bring(...ids)
    conversation.wait(1_000)
    conversation.wait(0)
    expect(conversation.logged()).toEqual(logged)
  })

  test('is given once where it was held before a cut, and the next connection says that history is gone', () => {
    const conversation = having('1', '2')
    conversation.history.manners.learn({ ...EVENT_SOURCE_POLICY, gapEvents: ['reset'] })
    conversation.connect()
    conversation.bring('8')
    conversation.cut()
    conversation.connect()
    conversation.reception.event({ name: 'reset', data: 'reset', id: undefined })
    conversation.bring('8', '9')
    expect(conversation.logged()).toEqual(['gap history-lost', 'reset', '8', '9'])
  })

  test('is waited for no longer than usual once it is read again', () => {
    const conversation = resumed(3)
    conversation.bring('9')
    conversation.reception.pause()
    conversation.wait(11_000)
    expect(conversation.logged()).toEqual([])
    conversation.reception.readOn()
    conversation.wait(1_000)
    conversation.wait(0)
    expect(conversation.logged()).toEqual(['gap history-lost', '9'])
  })

  test('is recognised where the hub was busy when it had given it up', () => {
    const conversation = resumed(3)
    conversation.bring('9')
    conversation.wait(1_000)
    conversation.freeze(1_500)
    conversation.bring('3', '4')
    expect(conversation.logged()).toEqual(['gap history-lost', '9', '4'])
  })

  test('goes on for ten seconds at most where its events come one by one', () => {
    const conversation = resumed(40)
    conversation.bring(...Array.from({ length: 10 }, (_, index) => `${index + 1}`))
    for (let ordinal = 11; ordinal < 26; ordinal++) {
      conversation.wait(900)
      conversation.bring(`${ordinal}`)
    }
    expect(conversation.logged().slice(0, 3)).toEqual(['gap history-lost', '1', '2'])
  })

  test('may be longer than what is held of unknown events, and cut in between', () => {
    const all = Array.from({ length: 5_000 }, (_, index) => `${index + 1}`)
    const conversation = having(...all)
    conversation.connect()
    conversation.bring(...all.slice(0, 4_000))
    conversation.cut()
    conversation.connect()
    const begin = performance.now()
    expect(conversation.bring(...all, '5001')).toBe(true)
    expect(conversation.logged()).toEqual(['5001'])
    // What grows with the square of the length takes a minute.
    expect(performance.now() - begin).toBeLessThan(10_000)
  })

  test('with other data for an ID that is known is new, after a gap', () => {
    const conversation = resumed(100)
    expect(conversation.bring('50=other')).toBe(false)
    conversation.wait(1_000)
    expect(conversation.logged()).toEqual(['gap history-lost', 'other'])
  })
})

describe('what a connection brings before the replay', () => {
  test('is held when an answer ends in the midst of it, where nobody waits for a part of it', () => {
    const conversation = having('1', '2', '2=b')
    expect(conversation.connect()).toBe('1')
    conversation.bring('2', '9')
    conversation.end()
    expect(conversation.logged()).toEqual([])
  })

  test('is held as far as there is room for it', () => {
    const conversation = having('1', '2', '3')
    conversation.connect()
    const large = 'x'.repeat(800_000)
    const isNew = [4, 5, 6, 7, 8, 9].map((id) => conversation.bring(`${id}=${id}${large}`))
    expect(isNew).toEqual([false, false, false, false, false, true])
    expect(conversation.logged()[0]).toBe('gap history-lost')
  })

  test('is no more than what goes into half of the log', () => {
    const conversation = new Conversation(10)
    conversation.connect()
    conversation.bring('1', '2')
    conversation.cut()
    conversation.connect()
    expect(conversation.bring('3', '4', '5', '6', '7')).toBe(false)
    expect(conversation.bring('8')).toBe(true)
  })

  test('is lost where it could not be held, and the next connection is cut as well', () => {
    const conversation = new Conversation(10)
    conversation.connect()
    conversation.bring('1', '2')
    conversation.cut()
    conversation.connect()
    conversation.bring('3', '4')
    conversation.cut()
    conversation.connect()
    conversation.bring('5', '6', '7', '8')
    expect(conversation.logged()).toEqual(['1', '2', 'gap history-lost', '5', '6', '7', '8'])
    conversation.cut()
    expect(conversation.logged()).toEqual(['gap history-lost'])
  })

  test('is logged when the replay has come', () => {
    const conversation = having('1', '2', '3')
    expect(conversation.connect()).toBe('2')
    expect(conversation.bring('9')).toBe(false)
    expect(conversation.reception.isJudging).toBe(true)
    expect(conversation.logged()).toEqual([])
    expect(conversation.bring('3')).toBe(true)
    expect(conversation.logged()).toEqual(['ahead 9'])
    expect(conversation.reception.isJudging).toBe(false)
  })

  test('is held until the hub, which has stood still, has read what has come meanwhile', () => {
    const conversation = resumed(3)
    conversation.bring('9')
    conversation.freeze(2_000)
    conversation.bring('3')
    expect(conversation.logged()).toEqual(['ahead 9'])
  })

  test('is logged after a gap when that has had its time', () => {
    const conversation = resumed(3)
    conversation.bring('9')
    conversation.wait(999)
    expect(conversation.logged()).toEqual([])
    conversation.wait(1)
    expect(conversation.logged()).toEqual(['gap history-lost', '9'])
  })

  test('is logged before what comes late for tabs further back', () => {
    const conversation = ofTwoTabs(5, 3)
    conversation.bring('9')
    conversation.wait(1_000)
    expect(conversation.bring('3=data 3')).toBe(false)
    expect(conversation.bring('4=data 4', '5=data 5')).toBe(true)
    expect(conversation.logged()).toEqual(['gap history-lost', '9', 'data 4', 'data 5'])
    const [, late] = conversation.log.eventsAfter(0)
    expect(late).toMatchObject({ ordinal: 7, upTo: 7, former: 4 })
  })

  test('is logged before what the next connection brings for tabs further back', () => {
    const conversation = ofTwoTabs(5, 3)
    conversation.bring('9')
    conversation.wait(1_000)
    conversation.cut()
    conversation.wait(2_000)
    expect(conversation.connect()).toBe('3')
    conversation.bring('4=data 4', '5=data 5', '9', '10')
    expect(conversation.logged()).toEqual(['gap history-lost', '9', 'data 4', 'data 5', '10'])
    const [, ...others] = conversation.log.eventsAfter(0)
    expect(others.map(({ former }) => former)).toEqual([4, 5, undefined])
  })

  test('is logged before what is known, where that comes later still', () => {
    const conversation = ofTwoTabs(5, 3)
    conversation.bring('9')
    conversation.wait(1_000)
    conversation.wait(1_000)
    conversation.bring('4=data 4')
    const [, late] = conversation.log.eventsAfter(0)
    expect(late).toMatchObject({ ordinal: 7, former: undefined })
  })

  test('waits for all of what the next connection brings, too', () => {
    const conversation = resumed(3)
    conversation.bring('9')
    conversation.cut()
    conversation.wait(2_000)
    expect(conversation.logged()).toEqual([])
    conversation.connect()
    conversation.bring('3', '4')
    expect(conversation.logged()).toEqual(['4'])
  })

  test('is logged with what the next connection brings where that does not join either', () => {
    const conversation = resumed(3)
    conversation.bring('9')
    conversation.cut()
    conversation.connect()
    conversation.bring('12')
    expect(conversation.logged()).toEqual([])
    conversation.wait(1_000)
    expect(conversation.logged()).toEqual(['gap history-lost', '9', 'gap history-lost', '12'])
  })

  test('is not waited for any more where the last time nothing came', () => {
    const conversation = resumed(3)
    conversation.bring('9')
    conversation.wait(1_000)
    conversation.cut()
    conversation.logged()
    conversation.connect()
    conversation.bring('12')
    expect(conversation.logged()).toEqual(['gap history-lost', '12'])
  })

  test('is waited for again as soon as a replay has come', () => {
    const conversation = resumed(3)
    conversation.bring('9')
    conversation.wait(1_000)
    conversation.cut()
    conversation.connect()
    conversation.bring('9', '10')
    conversation.cut()
    conversation.logged()
    conversation.connect()
    conversation.bring('20')
    expect(conversation.logged()).toEqual([])
  })
})

describe('a server that brings one event at a time', () => {
  const answer = (conversation: Conversation, ...texts: readonly string[]): string => {
    const id = conversation.connect()
    conversation.bring(...texts)
    conversation.end()
    conversation.wait(100)
    return id
  }

  test('is asked for what follows the last event after three fruitless answers', () => {
    const conversation = having('1', '2')
    expect([1, 2, 3].map(() => answer(conversation, '2'))).toEqual(['1', '1', '1'])
    expect(answer(conversation, '3')).toBe('2')
    expect(conversation.logged()).toEqual(['3'])
  })

  test('is asked for that after one fruitless answer when it is known', () => {
    const conversation = having('1', '2')
    for (const text of ['2', '2', '2', '3']) answer(conversation, text)
    expect([answer(conversation, '3'), answer(conversation, '4')]).toEqual(['2', '3'])
  })

  test('is not asked so where several events may have one ID', () => {
    const conversation = having('1', '2', '2=x')
    const ids = Array.from({ length: 5 }, () => answer(conversation, '2', '2=x'))
    expect(ids).toEqual(Array(5).fill('1'))
  })

  test('is not taken for one where its answers are cut', () => {
    const conversation = having('1', '2')
    for (let count = 0; count < 5; count++) {
      expect(conversation.connect()).toBe('1')
      conversation.bring('2')
      conversation.cut()
    }
  })
})

test('what came in the midst of a replay that skips something has no gap where all tabs have had that', () => {
  const conversation = having('1', '2', '2=x', '2=y')
  conversation.connect()
  conversation.bring('2', '9', '2=y')
  expect(conversation.logged()).toEqual(['ahead 9'])
  conversation.bring('3')
  expect(conversation.logged()).toEqual(['gap history-lost', '3'])
})

describe('tabs of a dead hub', () => {
  const events = eventsOf('1 2 3 4 5')

  function succeeding(): Conversation {
    const conversation = new Conversation()
    conversation.takeover.gather(positionOf(events), seenOf(events))
    conversation.takeover.gather(positionOf(events.slice(0, 3)), seenOf(events.slice(0, 3)))
    expect(conversation.connect()).toBe('2')
    return conversation
  }

  const numbers = ({ log }: Conversation): number[][] =>
    Array.from(log.eventsAfter(0), ({ ordinal, upTo }) => [ordinal, upTo])

  const dataOf = (...ordinals: readonly number[]): string[] =>
    ordinals.map((ordinal) => `${ordinal}=data ${ordinal}`)

  test('that have heard nothing by which a selective server can prove that it resumes are told of a gap', () => {
    const conversation = new Conversation(1e6, ['b'])
    const latest = events.map((event) => ({ ...passedOf(event), topic: 'a' }))
    conversation.takeover.gather(positionOf(events, { latest }), undefined)
    conversation.connect()
    conversation.bring('9')
    expect(conversation.logged()).toEqual([])
    conversation.wait(1_001)
    expect(conversation.logged()).toEqual(['gap history-lost', '9'])
    // That says nothing of the server, so that it is waited for next time.
    conversation.cut()
    conversation.connect()
    conversation.bring('7', '8')
    expect(conversation.logged()).toEqual([])
    conversation.bring('9')
    expect(conversation.logged()).toEqual(['ahead 7', 'ahead 8'])
  })

  test('are given what only some of them have had, under its number', () => {
    const conversation = succeeding()
    conversation.bring(...dataOf(3, 4, 5, 6))
    expect(conversation.logged()).toEqual(['data 4', 'data 5', 'data 6'])
    expect(numbers(conversation)).toEqual([
      [4, 4],
      [5, 5],
      [6, 6],
    ])
  })

  test('are given what an answer has brought by its end, if that is in order', () => {
    const conversation = succeeding()
    conversation.bring(...dataOf(3, 4), '9')
    expect(conversation.logged()).toEqual(['data 4'])
    conversation.end()
    expect(conversation.logged()).toEqual(['9'])
  })

  test('are given no more than what is known where the answer is cut', () => {
    const conversation = succeeding()
    conversation.bring(...dataOf(3, 4), '9')
    conversation.cut()
    expect(conversation.logged()).toEqual(['data 4'])
  })

  test('are told where something may be missing before what came in the midst', () => {
    const conversation = succeeding()
    conversation.bring(...dataOf(3), '9', ...dataOf(5))
    expect(conversation.logged()).toEqual(['gap history-lost', 'ahead 9', 'data 5'])
  })

  test('are told that events without an ID may be missing between those that the dead hub had', () => {
    const [first, ...others] = eventsOf('1 + 2 3 4')
    const latest = [first, ...others].map((event) => passedOf(event as LoggedEvent))
    const mixed = { mixed: true, resumeAfter: '1', from: 1 }
    const conversation = new Conversation()
    for (const count of [5, 3]) {
      const ordinal = { ordinal: count, latest: latest.slice(0, count) }
      conversation.takeover.gather(positionOf(events, { ...mixed, ...ordinal }), undefined)
    }
    expect(conversation.connect()).toBe('1')
    conversation.bring('2=data 3', '3=data 4', '4=data 5', '5=data 6')
    const gap = 'gap unresumable'
    expect(conversation.logged()).toEqual([gap, 'data 4', 'data 5', gap, 'data 6'])
  })

  test('do not wait for an event that the server has lost', () => {
    const conversation = succeeding()
    conversation.bring(...dataOf(3, 5, 6))
    expect(conversation.logged()).toEqual(['gap history-lost', 'data 5', 'gap history-lost', 'data 6'])
    expect(numbers(conversation).at(-1)).toEqual([6, 6])
  })
})

test('what is told to people of a connection that joins and leaves something out is the gap', () => {
  const conversation = having('1', '+x', '+y', '2')
  conversation.connect()
  conversation.bring('2')
  expect(conversation.reception.findings).toEqual({ repeated: 1, outcome: 'joined' })
  conversation.bring('3', '4')
  expect(conversation.logged()).toContain('gap unresumable')
  expect(conversation.reception.findings).toEqual({ repeated: 1, outcome: 'gap' })
})

test('a gap is told before what is new, even if a frame comes first', () => {
  const conversation = having('1', '+x', '+y', '2')
  expect(conversation.connect()).toBe('1')
  conversation.bring('2')
  conversation.wait(100)
  conversation.reception.event({ name: 'heartbeat', data: '', id: undefined })
  conversation.bring('3', '4')
  expect(conversation.logged()).toEqual(['frame ', 'gap unresumable', '3', '4'])
})

describe('what connections begin with', () => {
  test('is required from no replay as soon as it is known', () => {
    const conversation = new Conversation()
    conversation.connect()
    conversation.wait(300)
    conversation.bring('a=hello')
    conversation.cut()
    expect(conversation.connect()).toBe('a')
    conversation.bring('b=hello')
    conversation.cut()
    expect(conversation.logged()).toEqual(['hello', 'hello'])
    expect(conversation.connect()).toBe('a')
    conversation.bring('c=hello', '1')
    expect(conversation.logged()).toEqual(['frame hello', '1'])
  })
})

test('what was taken for a greeting is none if its content comes again, and then the replay has begun with it', () => {
  const conversation = new Conversation()
  conversation.connect()
  conversation.bring('2=signal')
  conversation.cut()
  expect(conversation.connect()).toBe('2')
  // The server has begun to count anew.
  conversation.bring('1=signal', '2=signal', '3=other')
  expect(conversation.logged()).toEqual(['signal', 'frame signal', 'signal', 'other'])
})

test('a gap is told before what is new, even if the connection is cut before that', () => {
  const conversation = having('1', '+x', '+y', '2')
  for (let time = 0; time < 2; time++) {
    expect(conversation.connect()).toBe('1')
    conversation.bring('2')
    conversation.wait(100)
    conversation.reception.event({ name: 'heartbeat', data: '', id: undefined })
    conversation.cut()
  }
  expect(conversation.connect()).toBe('1')
  conversation.bring('2', '3')
  expect(conversation.logged()).toEqual(['frame ', 'frame ', 'gap unresumable', '3'])
})

describe('signals, which are alike, of a server that has begun to count anew', () => {
  test('are new where what seemed to be a greeting comes again', () => {
    const conversation = having('2=signal', '3=other')
    expect(conversation.connect()).toBe('2')
    conversation.bring('1=signal', '2=signal', '3=other', '4=more')
    expect(conversation.logged()).toEqual(['frame signal', 'gap history-lost', 'signal', 'other', 'more'])
  })

  test('are new where something unknown and just alike has come before', () => {
    const conversation = having('2=signal', '3=other')
    conversation.connect()
    conversation.wait(300)
    conversation.bring('1=signal', '2=signal', '3=other', '4=more')
    expect(conversation.logged()).toEqual(['gap history-lost', 'signal', 'signal', 'other', 'more'])
  })
})

describe('a server that never resumes', () => {
  test('is not asked to, and brings what is new without a gap, at once', () => {
    const conversation = having('1', '2', '3')
    expect(conversation.connect({ resumes: false })).toBe('')
    expect(conversation.bring('1')).toBe(true)
    expect(conversation.bring('9')).toBe(true)
    expect(conversation.logged()).toEqual(['1', '9'])
  })

  test('gives no gap without IDs either', () => {
    const conversation = having('+x', '+y')
    expect(conversation.connect({ resumes: false })).toBe('')
    conversation.bring('+z')
    expect(conversation.logged()).toEqual(['z'])
  })

  test('is given up as one that does where that is no longer expected', () => {
    const conversation = resumed(3)
    conversation.bring('9')
    conversation.cut()
    conversation.connect({ resumes: false })
    conversation.bring('12')
    expect(conversation.logged()).toEqual(['gap history-lost', '9', '12'])
  })

  test('is asked to again as soon as somebody expects it', () => {
    const conversation = having('1', '2', '3')
    conversation.connect({ resumes: false })
    conversation.bring('7', '8')
    conversation.cut()
    conversation.logged()
    expect(conversation.connect()).toBe('7')
    conversation.bring('8', '9')
    expect(conversation.logged()).toEqual(['9'])
  })

  test('has no replay to bring for tabs of a dead hub', () => {
    const conversation = new Conversation()
    const events = eventsOf('1 2 3 4 5')
    conversation.takeover.gather(positionOf(events), seenOf(events))
    conversation.takeover.gather(positionOf(events.slice(0, 3)), seenOf(events.slice(0, 3)))
    expect(conversation.connect({ resumes: false })).toBe('')
    expect(conversation.bring('7')).toBe(true)
    expect(conversation.logged()).toEqual(['7'])
    const [event] = conversation.log.eventsAfter(0)
    expect(event).toMatchObject({ ordinal: 6, upTo: 6 })
  })
})

describe('a server without IDs', () => {
  test('gives a gap as soon as it is there', () => {
    const conversation = having('+x', '+y')
    conversation.connect()
    expect(conversation.logged()).toEqual(['gap unresumable'])
  })
})

describe('an ID without an event', () => {
  test('is where the next connection resumes', () => {
    const conversation = new Conversation()
    conversation.connect()
    conversation.bring('1', '2')
    conversation.reception.idAlone('5')
    conversation.cut()
    conversation.logged()
    expect(conversation.connect()).toBe('5')
    expect(conversation.bring('6')).toBe(true)
    expect(conversation.logged()).toEqual(['6'])
  })

  test.each([
    [true, ['1']],
    [false, ['gap unresumable', '1']],
  ])(
    'before any event is resumed after without a gap where the server says that it has resumed: %s',
    (confirmsResumption, logged) => {
      const conversation = new Conversation()
      conversation.connect()
      conversation.reception.idAlone('0')
      conversation.cut()
      expect(conversation.connect({ head: { ...HEAD, confirmsResumption } })).toBe('0')
      conversation.bring('1')
      expect(conversation.logged()).toEqual(logged)
    },
  )

  test('may be an old one in a replay', () => {
    const conversation = resumed(3)
    conversation.reception.idAlone('2')
    conversation.cut()
    expect(conversation.connect()).toBe('2')
  })
})

describe('a connection that was asked to resume', () => {
  test('may bring a replay at once, or what is held until it is given up', () => {
    const conversation = resumed(3)
    conversation.bring('3', '4', '5')
    expect(conversation.reception.replayedTo).toBe(conversation.log.lastSeq)
    conversation.wait(250)
    conversation.wait(0)
    const { lastSeq } = conversation.log
    conversation.bring('6')
    expect(conversation.log.lastSeq).toBeGreaterThan(lastSeq)
    expect(conversation.reception.replayedTo).toBe(lastSeq)
    const other = resumed(3)
    other.wait(300)
    other.wait(0)
    other.bring('9')
    other.wait(1_000)
    other.wait(0)
    expect(other.logged()).toEqual(['gap history-lost', '9'])
    expect(other.reception.replayedTo).toBe(other.log.lastSeq)
  })
})

describe('a server that is asked only for what pages listen to, and has once not resumed', () => {
  /** What is logged where something unknown comes before what is known. */
  function brings(wanted?: readonly string[]): string[] {
    const conversation = new Conversation(1e6, wanted)
    conversation.connect()
    conversation.bring('1', '2', '3')
    conversation.cut()
    conversation.connect()
    conversation.bring('7')
    conversation.wait(1_000)
    conversation.wait(0)
    expect(conversation.logged().slice(-2)).toEqual(['gap history-lost', '7'])
    conversation.cut()
    conversation.connect()
    conversation.bring('5', '7')
    return conversation.logged()
  }

  test('may bring what has not been asked for before', () => {
    expect(brings(['a'])).toEqual(['ahead 5'])
    expect(brings()).toEqual(['gap history-lost', '5'])
  })
})
