import { describe, expect, test } from 'vitest'
import { passedOf } from '../../../src/link/place.ts'
import type { LoggedEvent } from '../../../worker/log/log.ts'
import type { Case } from '../../../worker/stream/recognition.ts'
import { REPLAY_TIME, Resumption } from '../../../worker/stream/resumption.ts'
import { alike, eventsOf, numberOf, streamOf, UNBOUNDED } from '../short-events.ts'

/** Pieces of a replay come closer together than this, in ms. */
const APART = 60

/** So long, in ms, what was asked for counts when the judge has given up. */
const LATE = 1_000

interface Options
  extends Partial<
    Pick<Case, 'from' | 'after' | 'required' | 'isDenied' | 'isUnproven' | 'isMixed' | 'room'>
  > {
  /** How many events the log holds. */
  readonly held?: number
  readonly former?: Trial
}

/** The judge of one connection to a server that has brought `received` before; and its sentences, in words. */
class Trial {
  readonly resumption: Resumption<LoggedEvent>
  now = 0
  #lateUntil = 0

  constructor(
    received: readonly LoggedEvent[],
    { held = UNBOUNDED.events, former, ...others }: Options = {},
  ) {
    const { log, history } = streamOf(received, { ...UNBOUNDED, events: held })
    const anchor = history.anchorAt(log.lastSeq)
    this.resumption = new Resumption({
      from: anchor.from,
      after: anchor.resumeAfter,
      required: history.requiredAfter(anchor),
      isMixed: anchor.mixed,
      isDenied: false,
      isUnproven: anchor.unproven,
      isWhole: history.isWhole,
      index: () => history.index(),
      room: UNBOUNDED.events,
      late: this,
      ...others,
    })
    if (former !== undefined) this.resumption.adopt(former.resumption)
  }

  /** What was asked for may still come for so many ms. */
  begin(duration: number): void {
    this.#lateUntil = this.now + duration
  }

  get isOn(): boolean {
    return this.now <= this.#lateUntil
  }

  /** The server sends these events. Answers with what has been decided by then. */
  bring(events: readonly LoggedEvent[], { pause = 0, isFrame = false, isTardy = false } = {}): string[] {
    for (const event of events) {
      this.now += pause
      this.resumption.take(event, isFrame, pause <= 50, isTardy)
    }
    return this.told()
  }

  giveUp(): string[] {
    this.resumption.giveUp()
    return this.told()
  }

  release(): string[] {
    this.resumption.release()
    return this.told()
  }

  told(): string[] {
    return this.resumption.sentences().map(({ event, isNew, role, hasGap }) => {
      const words = `${isNew ? (role === 'history' ? 'new' : role) : 'seen'} ${numberOf(event)}`
      return hasGap ? `gap, ${words}` : words
    })
  }

  get outcome() {
    return this.resumption.outcome
  }
}

describe('a replay by a server', () => {
  test('that is strict brings the last event again, and then what is new', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('3 4 5', 3))).toEqual(['seen 3', 'new 4', 'new 5'])
    expect(trial.outcome).toBe('joined')
    expect(trial.resumption.isExact).toBe(true)
  })

  test('that has nothing that must come again joins by what may', () => {
    const trial = new Trial(eventsOf('1 2 3'), { required: [], isUnproven: false })
    expect(trial.bring(eventsOf('3 9 10', 3))).toEqual(['seen 3', 'new 4', 'new 5'])
    expect(trial.outcome).toBe('joined')
  })

  test('is not through before all that is known has come', () => {
    const trial = new Trial(eventsOf('1 2 2'))
    expect(trial.resumption.isSearching).toBe(true)
    trial.bring(eventsOf('2', 2))
    expect(trial.resumption.isSearching).toBe(true)
    trial.bring(eventsOf('2', 3))
    expect(trial.resumption.isSearching).toBe(false)
  })

  test('is over with the first event that comes by itself', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    trial.bring(eventsOf('3 4', 3))
    expect(trial.resumption.isOver).toBe(false)
    trial.bring(eventsOf('5', 5), { pause: APART })
    expect(trial.resumption.isOver).toBe(true)
  })

  test('that is inclusive begins with the event that was asked for', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('2 3 4', 2))).toEqual(['seen 2', 'seen 3', 'new 4'])
    expect(trial.resumption.isExact).toBe(false)
  })

  test('that is inclusive brings nothing new by that event', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('2', 2))).toEqual(['seen 2'])
  })

  test('that is inclusive may take its time behind that event', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('2 3 4', 2), { pause: APART })).toEqual(['seen 2', 'seen 3', 'new 4'])
  })

  test('that repeats everything begins with what is long known', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('1 2 3 4'))).toEqual(['seen 1', 'seen 2', 'seen 3', 'new 4'])
    expect(trial.outcome).toBe('joined')
  })

  test('that repeats everything may begin with what is older than the log', () => {
    const trial = new Trial(eventsOf('1 2 3 4 5'), { held: 4 })
    expect(trial.bring(eventsOf('1 2 3 4 5 6'))).toEqual([
      ...['seen 1', 'seen 2', 'seen 3', 'seen 4', 'seen 5'],
      'new 6',
    ])
  })

  test('brings more of the events that were asked for than a position names', () => {
    const received = eventsOf(`1${' 2'.repeat(200)}`)
    const trial = new Trial(received)
    const words = trial.bring([...received.slice(1), ...eventsOf('3', 202)])
    expect(words).toEqual([...received.slice(1).map((event) => `seen ${numberOf(event)}`), 'new 202'])
  })

  test('that has forgotten the ID, and more than is missing, is held until it has had its time', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('7 8', 7))).toEqual([])
    expect(trial.resumption.isHolding).toBe(true)
    expect(trial.giveUp()).toEqual(['gap, new 7', 'new 8'])
    expect(trial.outcome).toBe('broken')
  })

  test('that ignores the ID is held until it has had its time', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('9', 9))).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 9'])
    expect(trial.bring(eventsOf('10', 10), { pause: LATE + 1 })).toEqual(['new 10'])
    expect(trial.resumption.isOver).toBe(true)
  })

  test('that gives old IDs to new events is not believed', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('3', 33))).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 33'])
  })

  test('that leaves out some of what is known is doubtful', () => {
    const trial = new Trial(eventsOf('1 2 2 2'))
    expect(trial.bring(eventsOf('2', 4))).toEqual(['gap, seen 4'])
    expect(trial.resumption.isInOrder).toBe(false)
    expect(trial.bring(eventsOf('3 4', 5))).toEqual(['gap, new 5', 'new 6'])
  })

  test('tells a gap for what it leaves out before something new', () => {
    const trial = new Trial(eventsOf('1 2 2 2'))
    const words = trial.bring([...eventsOf('2', 2), ...eventsOf('9', 9), ...eventsOf('2', 4)])
    expect(words).toEqual(['seen 2', 'gap, ahead 9', 'seen 4'])
    expect(trial.bring(eventsOf('3', 5))).toEqual(['gap, new 5'])
  })

  test('that says it resumes from elsewhere tells a gap', () => {
    const trial = new Trial(eventsOf('1 2 3'), { isDenied: true })
    expect(trial.bring(eventsOf('3 4', 3))).toEqual(['gap, seen 3', 'gap, new 4'])
  })

  test('that leaves out required events has the rest behind those', () => {
    const trial = new Trial(eventsOf('1 2 3 4 5'), {
      from: 1,
      required: eventsOf('1 2 3 4 5').slice(1).map(passedOf),
    })
    trial.bring(eventsOf('9', 9))
    trial.resumption.take(eventsOf('4', 4)[0] as LoggedEvent, false, true, false)
    trial.resumption.take(eventsOf('8', 8)[0] as LoggedEvent, false, true, false)
    trial.resumption.take(eventsOf('5', 5)[0] as LoggedEvent, false, true, false)
    expect(trial.resumption.sentences().map(({ event, role, after }) => [event.id, role, after])).toEqual([
      ['9', 'ahead', 3],
      ['4', 'history', undefined],
      ['8', 'ahead', 4],
      ['5', 'history', undefined],
    ])
  })

  test('in another order has what is unknown behind what came before that', () => {
    const all = eventsOf('1 2 3 4 5')
    const trial = new Trial(all, { from: 1, required: all.slice(1).map(passedOf) })
    for (const event of [all[3], all[1], eventsOf('9', 9)[0], all[4]])
      trial.resumption.take(event as LoggedEvent, false, true, false)
    const [, , unknown] = trial.resumption.sentences()
    expect([unknown?.event.id, unknown?.after]).toEqual(['9', 2])
  })

  test('that leaves out what follows an event of its ID has that before it', () => {
    const all = eventsOf('1 2 3 + 4')
    const received = all
      .toSpliced(2, 1)
      .map((event, index) => ({ ...event, at: index + 1, ordinal: index + 1 }))
    const trial = new Trial(received, { from: 1, required: received.slice(1).map(passedOf) })
    for (const event of [all[2], all[4]]) trial.resumption.take(event as LoggedEvent, false, true, false)
    expect(trial.resumption.sentences().map(({ event, role, after }) => [event.id, role, after])).toEqual([
      ['3', 'ahead', 2],
      ['4', 'history', undefined],
    ])
  })

  test('that leaves out what follows an event of its ID has also what it brings before that event before it', () => {
    const all = eventsOf('1 2 3 + 4')
    const received = all
      .toSpliced(1, 2)
      .map((event, index) => ({ ...event, at: index + 1, ordinal: index + 1 }))
    const trial = new Trial(received, { from: 1, required: received.slice(1).map(passedOf) })
    for (const event of [all[1], all[2], all[4]])
      trial.resumption.take(event as LoggedEvent, false, true, false)
    expect(trial.resumption.sentences().map(({ event, role, after }) => [event.id, role, after])).toEqual([
      ['2', 'ahead', 1],
      ['3', 'ahead', 1],
      ['4', 'history', undefined],
    ])
  })

  test('that brings much in place of much that is required has each of that looked at a few times', () => {
    const COUNT = 400
    const all = eventsOf(Array.from({ length: COUNT }, (_, index) => index + 1).join(' '))
    let looks = 0
    const required = all.slice(1).map((event) => {
      const passed = passedOf(event)
      const ordinal = () => {
        looks++
        return passed.ordinal
      }
      return Object.defineProperty({ ...passed }, 'ordinal', { get: ordinal })
    })
    const trial = new Trial(all, { from: 1, required })
    const unknown = eventsOf(Array.from({ length: COUNT }, (_, index) => `new-${index}`).join(' '), 1_000)
    for (const event of [...unknown, ...all.slice(-1)]) trial.resumption.take(event, false, true, false)
    expect(trial.resumption.sentences()[0]?.after).toBe(COUNT - 1)
    expect(looks).toBeLessThan(40 * COUNT)
  })

  test('from its beginning is one where the former connection was cut short of its end', () => {
    const former = new Trial(eventsOf('1 2 3 4'))
    expect(former.bring(eventsOf('1 2 3'))).toEqual([])
    const trial = new Trial(eventsOf('1 2 3 4'), { former })
    expect(trial.bring(eventsOf('1 2 3 4'))).toEqual(['seen 1', 'seen 2', 'seen 3', 'seen 4'])
  })

  test('that may send without end before it is held no longer', () => {
    const trial = new Trial(eventsOf('1 2 3'), { room: 500 })
    const ids = Array.from({ length: 501 }, (_, index) => `x${index}`)
    expect(trial.bring(eventsOf(ids.slice(0, 500).join(' '), 10))).toEqual([])
    const words = trial.bring(eventsOf(ids.slice(500).join(' '), 510))
    expect(words).toHaveLength(501)
    expect(words[0]).toBe('gap, new 10')
  })
})

describe('something unknown', () => {
  test('before the replay came ahead of it', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('9', 9))).toEqual([])
    expect(trial.bring(eventsOf('3 4', 3))).toEqual(['ahead 9', 'seen 3', 'new 4'])
  })

  test('within the replay has its place behind what came before it', () => {
    const trial = new Trial(eventsOf('1 2 2'))
    trial.bring([...eventsOf('2', 2), ...eventsOf('9', 9)])
    trial.resumption.take(eventsOf('2', 3)[0] as LoggedEvent, false, true, false)
    const [ahead] = trial.resumption.sentences()
    expect(ahead).toMatchObject({ isNew: true, role: 'ahead', after: 2, hasGap: false })
  })

  test('that begins after any replay is no replay', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('9', 9), { pause: REPLAY_TIME, isTardy: true })).toEqual(['gap, new 9'])
    expect(trial.outcome).toBe('broken')
  })

  test('of the connection goes before the replay, without a gap', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    expect(trial.bring(eventsOf('9', 9), { isFrame: true })).toEqual(['frame 9'])
    expect(trial.bring(eventsOf('3 4', 3))).toEqual(['seen 3', 'new 4'])
  })

  test('of the connection does not use up a gap that is due', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    trial.bring(eventsOf('7', 7))
    trial.bring(eventsOf('8', 8), { isFrame: true })
    expect(trial.giveUp()).toEqual(['gap, new 7', 'frame 8'])
    const denied = new Trial(eventsOf('1 2 3'), { isDenied: true })
    denied.bring(eventsOf('3', 3))
    expect(denied.bring(eventsOf('8', 8), { isFrame: true })).toEqual(['frame 8'])
    expect(denied.bring(eventsOf('4', 4))).toEqual(['gap, new 4'])
  })
})

describe('a replay that is late', () => {
  test('brings what is known, for a while', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    trial.bring(eventsOf('9', 9))
    trial.giveUp()
    expect(trial.bring(eventsOf('3 4', 3), { pause: APART })).toEqual(['seen 3', 'new 4'])
  })

  test('is not one after that while', () => {
    const trial = new Trial(eventsOf('1 2 3'))
    trial.bring(eventsOf('9', 9))
    trial.giveUp()
    expect(trial.bring(eventsOf('3', 3), { pause: LATE + 1 })).toEqual(['new 3'])
  })

  test('is not recognised by what several events have in common', () => {
    const received = alike(eventsOf('1 2 3'))
    const trial = new Trial(received, { from: 1, required: received.slice(1).map(passedOf) })
    trial.bring(eventsOf('9', 9))
    trial.giveUp()
    expect(trial.bring(alike(eventsOf('3', 3)))).toEqual(['new tick'])
  })
})

describe('a server that counts anew', () => {
  test('is recognised where earlier events come one by one', () => {
    const trial = new Trial(eventsOf('1 2 3 4'))
    expect(trial.bring(eventsOf('1'))).toEqual([])
    expect(trial.bring(eventsOf('2', 2), { pause: APART })).toEqual(['gap, new 1', 'new 2'])
    expect(trial.outcome).toBe('begun again')
    expect(trial.bring(eventsOf('3 4', 3), { pause: APART })).toEqual(['new 3', 'new 4'])
  })

  test('is recognised where something unknown comes among earlier events, and all of these are known', () => {
    const trial = new Trial(eventsOf('1 2 3 4'))
    expect(trial.bring([...eventsOf('1'), ...eventsOf('2', 22)])).toEqual(['gap, new 1', 'new 22'])
    expect(trial.outcome).toBe('begun again')
  })

  test('is recognised where earlier events come in another order, and nothing that was asked for', () => {
    const trial = new Trial(eventsOf('1 2 3 4 5'))
    expect(trial.bring([...eventsOf('2', 2), ...eventsOf('1')])).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 2', 'new 1'])
    expect(trial.outcome).toBe('begun again')
  })

  test('is recognised where its events say nothing, even if they come in a burst', () => {
    const trial = new Trial(alike(eventsOf('1 2 3 4')))
    const words = trial.bring(alike(eventsOf('1 2 3 4')))
    expect(words).toEqual(['gap, new tick', 'new tick', 'new tick', 'new tick'])
    expect(trial.outcome).toBe('begun again')
  })

  test('is recognised where the run of earlier events does not lead up to what was asked for', () => {
    const trial = new Trial(eventsOf('1 2 3 4 5 6'))
    expect(trial.bring([...eventsOf('1 2'), ...eventsOf('6', 6)])).toEqual(['gap, new 1', 'new 2', 'new 6'])
    expect(trial.outcome).toBe('begun again')
  })

  test('is recognised by earlier events alone when they have had their time', () => {
    const trial = new Trial(eventsOf('1 2 3 4'))
    expect(trial.bring(eventsOf('1 2'))).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 1', 'new 2'])
    expect(trial.outcome).toBe('begun again')
  })

  test('is not taken for an inclusive one where the event asked for says nothing', () => {
    const trial = new Trial(alike(eventsOf('1 2 3')))
    expect(trial.bring(alike(eventsOf('2', 2)))).toEqual([])
    expect(trial.bring(alike(eventsOf('3', 3)), { pause: APART })).toEqual(['gap, new tick', 'new tick'])
  })

  test('differs from one that greets with an old event', () => {
    const trial = new Trial(eventsOf('1 2 3 4'))
    expect(trial.bring(eventsOf('1'))).toEqual([])
    expect(trial.bring(eventsOf('4 5', 4), { pause: APART })).toEqual(['ahead 1', 'seen 4', 'new 5'])
  })
})

describe('a connection that is cut while something is held', () => {
  const received = eventsOf('1 2 3')

  function cut(): Trial {
    const trial = new Trial(received)
    expect(trial.bring(eventsOf('9', 9))).toEqual([])
    return trial
  }

  test('has left nothing behind where the next one joins: what was history comes again', () => {
    const trial = new Trial(received, { former: cut() })
    expect(trial.bring(eventsOf('3 4', 3))).toEqual(['seen 3', 'new 4'])
    expect(trial.resumption.isHolding).toBe(false)
  })

  test('has brought what the next one brings as well, and that is given once', () => {
    const trial = new Trial(received, { former: cut() })
    expect(trial.bring(eventsOf('9', 9))).toEqual([])
    expect(trial.resumption.isRepeating).toBe(true)
    expect(trial.bring(eventsOf('3 4', 3)).sort()).toEqual(['ahead 9', 'new 4', 'seen 3'])
  })

  test('has brought something that is given, after a gap, where the next one does not join', () => {
    const trial = new Trial(received, { former: cut() })
    expect(trial.bring(eventsOf('12', 12))).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 9', 'gap, new 12'])
  })

  test('has brought what the next one brings among other things, in the order of that', () => {
    const trial = new Trial(received, { former: cut() })
    expect(trial.bring(eventsOf('8 9', 8))).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 8', 'new 9'])
  })

  test('has brought what the next one leaves out, before what came behind that', () => {
    const former = new Trial(received)
    expect(former.bring(eventsOf('6 7 8 9', 6))).toEqual([])
    const trial = new Trial(received, { former })
    expect(trial.bring([...eventsOf('5', 5), ...eventsOf('7 8', 7), ...eventsOf('10', 10)])).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 5', 'gap, new 6', 'new 7', 'new 8', 'new 9', 'gap, new 10'])
  })

  test('has brought what the next one brings before something that is known', () => {
    const trial = new Trial(eventsOf('1 2 3 4'), {
      from: 1,
      required: eventsOf('1 2 3 4').slice(1).map(passedOf),
      former: cut(),
    })
    expect(trial.bring([...eventsOf('9', 9), ...eventsOf('3', 3)])).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, ahead 9', 'seen 3'])
  })

  test('has brought more than can be held with what the next one brings, which brings it again, or a gap is told', () => {
    const cutWithTwo = () => {
      const former = new Trial(received, { room: 2 })
      expect(former.bring(eventsOf('8 9', 8))).toEqual([])
      return former
    }
    const trial = new Trial(received, { former: cutWithTwo(), room: 2 })
    expect(trial.bring(eventsOf('7', 7))).toEqual(['gap, new 7'])
    expect(trial.bring(eventsOf('8 9 10', 8))).toEqual(['new 8', 'new 9', 'new 10'])
    const later = new Trial(received, { former: cutWithTwo(), room: 2 })
    expect(later.bring([...eventsOf('8', 8), ...eventsOf('6 7', 6)])).toEqual([
      'gap, new 8',
      'new 6',
      'new 7',
    ])
    expect(later.bring(eventsOf('9', 9))).toEqual(['new 9'])
    const other = new Trial(received, { former: cutWithTwo(), room: 2 })
    expect(other.bring(eventsOf('7 8', 7))).toEqual(['gap, new 7', 'new 8'])
    expect(other.bring(eventsOf('10', 10), { pause: LATE + 1 })).toEqual(['gap, new 10'])
    expect(other.resumption.isOver).toBe(true)
  })

  test('has brought something that no frame of the next one overtakes', () => {
    const trial = new Trial(received, { former: cut() })
    expect(trial.bring(eventsOf('12', 12), { isFrame: true })).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 9', 'frame 12'])
  })

  test('has told what was asked for already', () => {
    const former = new Trial(eventsOf('1 2 2'))
    expect(former.bring(eventsOf('2', 2))).toEqual(['seen 2'])
    const trial = new Trial(eventsOf('1 2 2'), { former })
    expect(trial.resumption.isHolding).toBe(false)
  })
})

describe('a server that answers piece by piece', () => {
  test('has what it brought behind the last known event given in its order', () => {
    const trial = new Trial(eventsOf('1 2 2'))
    trial.bring([...eventsOf('2', 2), ...eventsOf('9', 9)])
    trial.resumption.release()
    const sentences = trial.resumption.sentences()
    expect(sentences).toMatchObject([{ isNew: true, role: 'history', after: 2, hasGap: false }])
    expect(trial.resumption.isHolding).toBe(false)
    expect(trial.resumption.isSearching).toBe(true)
  })

  test('that repeats what the former connection brought has only that let go', () => {
    const former = new Trial(eventsOf('1 2 3'))
    former.bring(eventsOf('9', 9))
    const trial = new Trial(eventsOf('1 2 3'), { former })
    trial.bring(eventsOf('9', 9))
    expect(trial.release()).toEqual(['new 9'])
  })
})

describe('a replay after the same ID on several events', () => {
  test('brings all of them again', () => {
    const trial = new Trial(eventsOf('1 2 2 2'))
    expect(trial.bring([...eventsOf('2 2 2', 2), ...eventsOf('5', 5)])).toEqual([
      ...['seen 2', 'seen 3', 'seen 4'],
      'new 5',
    ])
  })

  test('cannot bring what a tab further back lacks under that ID, and misses nothing behind it', () => {
    const required = eventsOf('1 1 1 2').slice(1).map(passedOf)
    const behind = new Trial(eventsOf('1 1 1 2'), { from: 1, after: '1', required })
    expect(behind.bring(eventsOf('2 2', 4))).toEqual(['gap, seen 4', 'new 5'])
    const ahead = new Trial(eventsOf('1 2 3 4'), {
      from: 1,
      after: '1',
      required: eventsOf('2 3 4', 2).map(passedOf),
    })
    expect(ahead.bring(eventsOf('4 5', 4))).toEqual(['gap, seen 4', 'gap, new 5'])
  })

  test('tells a new event of that ID from a known one', () => {
    const trial = new Trial(eventsOf('1 2 2'))
    expect(trial.bring(eventsOf('2 2 2 3', 2))).toEqual(['seen 2', 'seen 3', 'new 4', 'new 5'])
  })

  test('tells alike events apart by their number', () => {
    const received = alike(eventsOf('1 2 2'))
    const trial = new Trial(received)
    const words = trial.bring([...received.slice(1), received[1] as LoggedEvent])
    expect(words).toEqual(['seen tick', 'seen tick', 'new tick'])
  })
})

describe('a replay of a mixed stream', () => {
  const received = eventsOf('1 + 2 + 3')

  test('by a server that keeps events without IDs joins', () => {
    const trial = new Trial(received)
    const later = eventsOf('3 + 4', 5).slice(1)
    expect(trial.bring([...received.slice(2), ...later])).toEqual([
      ...['seen 3', 'seen 4', 'seen 5'],
      ...['new 6', 'new 7'],
    ])
  })

  test('by a server that does not keep them gives a gap', () => {
    const trial = new Trial(received)
    const kept = received.filter(({ nth }) => nth === 0).slice(1)
    expect(trial.bring([...kept, ...eventsOf('4', 6)])).toEqual([
      'seen 3',
      expect.stringContaining('seen 5'),
      'gap, new 6',
    ])
  })

  test('gives a gap where no event without an ID could be asked for', () => {
    const trial = new Trial(eventsOf('1 2 3'), { isMixed: true })
    expect(trial.bring(eventsOf('3 4', 3))).toEqual(['seen 3', 'gap, new 4'])
  })

  test('knows an event that stands nearer to its ID than the last one', () => {
    const trial = new Trial(eventsOf('1 + + +'))
    expect(trial.bring(eventsOf('1 + + +').slice(1, 3))).toEqual(['seen 2', 'seen 3'])
  })
})

describe('after a single event', () => {
  const single = eventsOf('1')

  test('the server is taken at its word', () => {
    const trial = new Trial(single)
    expect(trial.bring(eventsOf('2 3', 2))).toEqual(['new 2', 'new 3'])
    expect(trial.resumption.isOver).toBe(true)
    expect(trial.outcome).toBe('joined')
  })

  test('the server is taken at its word at any time', () => {
    const trial = new Trial(single)
    expect(trial.bring(eventsOf('2', 2), { pause: REPLAY_TIME, isTardy: true })).toEqual(['new 2'])
    expect(trial.outcome).toBe('joined')
  })

  test('the server is not taken at its word where it was asked for something else', () => {
    const trial = new Trial(single, { isDenied: true })
    expect(trial.bring(eventsOf('2', 2))).toEqual(['gap, new 2'])
  })

  test('the server is not taken at its word where what comes may be older than all that is known', () => {
    const trial = new Trial(eventsOf('1 2'), { held: 1, isDenied: true })
    expect(trial.bring(eventsOf('3', 3))).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 3'])
  })

  test('an inclusive server is understood', () => {
    const trial = new Trial(single)
    expect(trial.bring(eventsOf('1 2'))).toEqual(['seen 1', 'new 2'])
  })

  test('in a mixed stream the server is not taken at its word', () => {
    const trial = new Trial(eventsOf('1 + +'))
    expect(trial.bring(eventsOf('2', 4))).toEqual([])
    expect(trial.giveUp()).toEqual(['gap, new 4'])
  })
})
