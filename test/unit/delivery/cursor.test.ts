import { describe, expect, test } from 'vitest'
import { unpack } from '../../../src/link/pack.ts'
import { EVENT_SOURCE_POLICY, type Position } from '../../../src/link/protocol.ts'
import type { World } from '../../sim/world/world.ts'
import {
  CONNECT,
  createWorld,
  listeningTab,
  passed,
  positionAfter,
  RawTab,
  send,
  serverOf,
} from '../raw-tab.ts'
import { eventsOf, positionOf, seenOf } from '../short-events.ts'

const OPENING = ['connecting', 'open']

/** A log that holds this many entries. */
const short = (events: number) => ({ logLimits: { events, bytes: 1_000_000 } })

const lastPosition = (tab: RawTab): Position => {
  const batch = tab.batches.at(-1)
  if (batch === undefined) throw new Error('the tab was sent nothing')
  return batch.position
}

/** A tab that listens to `a` and owes as many acknowledgements as it may, beside one that keeps the stream going. */
async function busyTab(world: World): Promise<RawTab> {
  const tab = await listeningTab(world, 'busy', ['a'])
  await listeningTab(world, 'quick', ['a'])
  tab.hold()
  await send(world, 'a', 'a')
  return tab
}

/** The tab has something to do, and has not got on with it for so long that nobody waits for it. */
async function standStill(world: World, tab: RawTab): Promise<void> {
  tab.hold()
  await send(world, 'a')
  await world.clock.advance(2_100)
}

describe('delivery', () => {
  test('brings the state of the connection, then the events', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a', 'a')
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'a 2'])
  })

  test('brings the events of the names asked for, and no others', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a', 'c'])
    await send(world, 'a', 'b', 'c', 'b', 'A', 'a')
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'c 3', 'a 6'])
  })

  test('brings everything that the server said of an event', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['cpu'])
    serverOf(world).write('event: cpu\nid: ü🙂\ndata: one\ndata: two\n\nevent: cpu\ndata: three\n\n')
    await world.clock.advance(0)
    expect(tab.entries().slice(-2)).toMatchObject([
      { type: 'event', name: 'cpu', id: 'ü🙂', data: 'one\ntwo' },
      { type: 'event', name: 'cpu', id: 'ü🙂', data: 'three' },
    ])
  })

  test('names hub, subscription and epoch', async () => {
    const world = createWorld()
    const tab = new RawTab(world, 'tab')
    const hubId = await tab.attach()
    await tab.subscribe(['a'], { id: 7, epoch: 42 })
    expect(tab.batches[0]).toMatchObject({ hubId, subscription: 7, epoch: 42 })
  })

  test('puts the events of one chunk into one batch', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['message'])
    const before = tab.batches.length
    serverOf(world).write('data: 1\n\ndata: 2\n\ndata: 3\n\n')
    await world.clock.advance(0)
    expect(tab.batches.slice(before).map(({ entries }) => unpack(entries).length)).toEqual([3])
  })

  test('splits a long backlog into several batches, in order', async () => {
    const world = createWorld()
    const tab = await busyTab(world)
    const before = tab.batches.length
    const backlog = Array.from({ length: 10_000 }, (_, index) => `a ${index}`)
    serverOf(world).write(backlog.map((words) => `event: a\ndata: ${words}\n\n`).join(''))
    await world.clock.advance(0)
    tab.release()
    await world.clock.advance(0)
    const sizes = tab.batches.slice(before).map(({ entries }) => unpack(entries).length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8_192)
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'a 2', ...backlog])
  })

  test('splits a backlog of large events into several batches', async () => {
    const world = createWorld()
    const tab = await busyTab(world)
    const before = tab.batches.length
    for (let count = 0; count < 3; count++) {
      serverOf(world).write(`event: a\ndata: ${'x'.repeat(1_200_000)}\n\n`)
      await world.clock.advance(0)
    }
    tab.release()
    await world.clock.advance(0)
    expect(tab.batches.slice(before).map(({ entries }) => unpack(entries).length)).toEqual([2, 1, 1])
  })

  test("splits a newcomer's replay of long names into several batches", async () => {
    const world = createWorld()
    await listeningTab(world, 'first', ['*'])
    for (let count = 0; count < 4; count++) {
      serverOf(world).write(`event: ${'x'.repeat(600_000)}${count}\ndata: 1\n\n`)
      await world.clock.advance(0)
    }
    const tab = new RawTab(world, 'newcomer')
    await tab.attach()
    await tab.subscribe(['*'], { replay: 'all' })
    await world.clock.advance(0)
    expect(tab.batches.map(({ entries }) => unpack(entries).length)).toEqual([3, 2])
  })

  test('keeps two subscriptions of a tab apart', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.subscribe(['b'], { id: 2 })
    await send(world, 'a', 'b')
    expect(tab.heard(1)).toEqual([...OPENING, 'a 1'])
    expect(tab.heard(2)).toEqual(['open', 'b 2'])
  })

  test('ends with the subscription', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.answer(tab.hub.unsubscribe(1))
    await send(world, 'a')
    expect(tab.heard()).toEqual(OPENING)
  })

  test('ends with the subscription even for what waits for an acknowledgement', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    tab.hold()
    await send(world, 'a', 'a', 'a')
    await tab.answer(tab.hub.unsubscribe(1))
    tab.release()
    await world.clock.advance(0)
    expect(tab.heard()).toEqual([...OPENING, 'a 1'])
  })
})

describe('acknowledgement', () => {
  test('is waited for as long as what is left is little', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    tab.hold()
    await send(world, 'a', 'a', 'a', 'a', 'a')
    await world.clock.advance(10_000)
    expect(tab.heard()).toEqual([...OPENING, 'a 1'])
  })

  test.each([
    ['many events', 5_000, 'x'],
    ['few large ones', 3, 'x'.repeat(600_000)],
  ])('is not waited for where %s are left, but for two batches it is', async (_case, count, data) => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    const before = tab.batches.length
    tab.hold()
    for (let round = 0; round < 3; round++) {
      serverOf(world).write(`event: a\ndata: ${data}\n\n`.repeat(count))
      await world.clock.advance(0)
    }
    expect(tab.batches.length - before).toBe(2)
  })

  test('each acknowledgement lets one more batch go, with all that has arrived by then', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    tab.hold()
    await send(world, 'a', 'a', 'a', 'a', 'a')
    const before = tab.batches.length
    tab.acknowledge(1)
    await world.clock.advance(0)
    await send(world, 'a')
    expect(tab.batches.slice(before).map(({ entries }) => unpack(entries).map(({ seq }) => seq - 1))).toEqual(
      [[2, 3, 4, 5]],
    )
    tab.acknowledge(1)
    await world.clock.advance(0)
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'a 2', 'a 3', 'a 4', 'a 5', 'a 6'])
  })

  describe('that may wait', () => {
    /** A tab that owes acknowledgements, with as much credit as there can be. */
    async function creditedTab() {
      let chance = 0
      const world = createWorld({ random: () => chance })
      const tab = await listeningTab(world, 'tab', ['a'])
      chance = 1
      await send(world, 'a')
      await world.clock.advance(1_000)
      chance = 0
      tab.hold()
      return { world, tab }
    }

    test('is not waited for, 24 times in a row', async () => {
      const { world, tab } = await creditedTab()
      await send(world, ...Array(30).fill('a'))
      expect(tab.heard()).toHaveLength(OPENING.length + 1 + 24 + 1)
      expect(tab.batches.slice(-25).map(({ mayWait }) => mayWait)).toEqual([...Array(24).fill(true), false])
      tab.acknowledge(25)
      await world.clock.advance(0)
      expect(tab.heard().slice(-2)).toEqual(['a 30', 'a 31'])
    })

    test.each([
      ['many events', 'event: a\ndata: x\n\n'.repeat(17)],
      ['much data', `event: a\ndata: ${'x'.repeat(16_385)}\n\n`],
    ])('is not that of %s', async (_what, chunk) => {
      const { world, tab } = await creditedTab()
      serverOf(world).write(chunk)
      await world.clock.advance(0)
      expect(tab.batches.at(-1)?.mayWait).toBe(false)
    })

    test('is not that of a state', async () => {
      const { world, tab } = await creditedTab()
      serverOf(world).cut()
      await world.clock.advance(0)
      expect(tab.heard().at(-1)).toBe('connecting')
      expect(tab.batches.at(-1)?.mayWait).toBe(false)
    })
  })

  test('of one subscription is not waited for by another of the same tab', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.subscribe(['b'], { id: 2 })
    tab.hold()
    await send(world, 'a', 'a', 'a', 'b')
    expect(tab.heard(2)).toEqual(['open', 'b 4'])
  })

  test('of one tab is not waited for by another tab', async () => {
    const world = createWorld()
    const slow = await listeningTab(world, 'slow', ['a'])
    const quick = await listeningTab(world, 'quick', ['a'])
    slow.hold()
    await send(world, 'a', 'a', 'a', 'a')
    expect(slow.heard()).toEqual([...OPENING, 'a 1'])
    expect(quick.heard()).toEqual(['open', 'a 1', 'a 2', 'a 3', 'a 4'])
  })

  test('that comes late finds every event that the log still holds', async () => {
    const world = createWorld()
    const slow = await listeningTab(world, 'slow', ['a'])
    slow.hold()
    await send(world, ...Array(50).fill('a'))
    slow.release()
    await world.clock.advance(0)
    expect(slow.heard()).toEqual([...OPENING, ...Array.from({ length: 50 }, (_, index) => `a ${index + 1}`)])
  })

  test('may be owed by a frozen tab without an effect on others', async () => {
    const world = createWorld()
    const frozen = await listeningTab(world, 'frozen', ['a'])
    const quick = await listeningTab(world, 'quick', ['a'])
    frozen.agent.freeze()
    await send(world, 'a', 'a', 'a')
    expect(quick.heard()).toEqual(['open', 'a 1', 'a 2', 'a 3'])
    frozen.agent.wake()
    await world.clock.advance(0)
    expect(frozen.heard()).toEqual([...OPENING, 'a 1', 'a 2', 'a 3'])
  })
})

describe('reading on', () => {
  /** Two tabs at work: one that has had nothing for long, and one that has been sent all there is. */
  async function twoAtWork() {
    const world = createWorld(short(20))
    const late = await listeningTab(world, 'late', ['a'])
    const other = await listeningTab(world, 'other', ['a'])
    late.hold()
    other.hold()
    await send(world, ...Array(9).fill('a'))
    other.acknowledge(1)
    await world.clock.advance(0)
    const lastEventId = async () => (await other.answer(other.hub.inspect())).streams[0]?.lastEventId
    return { world, late, other, lastEventId }
  }

  const numberIn = (id: string | undefined): number => Number(id?.slice('id-'.length))

  test('waits for a tab that is at work and would lose events, though others have run out of work', async () => {
    const { world, late, other, lastEventId } = await twoAtWork()
    other.release()
    await send(world, ...Array(40).fill('a'))
    expect(numberIn(await lastEventId())).toBeLessThan(15)
    late.release()
    await world.clock.advance(0)
    expect(await lastEventId()).toBe('id-49')
    expect(late.heard().slice(2)).toEqual(Array.from({ length: 49 }, (_, index) => `a ${index + 1}`))
  })

  test('waits for a tab that acknowledges nothing and says that it works', async () => {
    const { world, late, other, lastEventId } = await twoAtWork()
    other.release()
    await send(world, ...Array(40).fill('a'))
    for (let time = 0; time < 10; time++) {
      late.hub.working(1)
      await world.clock.advance(1_000)
    }
    expect(numberIn(await lastEventId())).toBeLessThan(15)
    late.release()
    await world.clock.advance(0)
    expect(late.heard().slice(2)).toEqual(Array.from({ length: 49 }, (_, index) => `a ${index + 1}`))
  })

  test('waits no longer than two seconds for a tab that stands still', async () => {
    const { world, other, lastEventId } = await twoAtWork()
    other.release()
    await send(world, ...Array(40).fill('a'))
    await world.clock.advance(1_500)
    expect(numberIn(await lastEventId())).toBeLessThan(15)
    await world.clock.advance(800)
    expect(await lastEventId()).toBe('id-49')
  })

  test('does not wait for a tab that has stood still for two seconds', async () => {
    const { world, lastEventId } = await twoAtWork()
    await world.clock.advance(2_100)
    await send(world, ...Array(10).fill('a'))
    expect(await lastEventId()).toBe('id-19')
  })

  test('for longer than a replay may take leaves the replay its time', async () => {
    const world = createWorld(short(20))
    const late = await listeningTab(world, 'late', ['a'])
    late.hold()
    await send(world, ...Array(8).fill('a'))
    serverOf(world).cut(new TypeError('network error'))
    await world.clock.advance(500)
    serverOf(world).write(': nothing is read from here\n\n')
    await send(world, ...Array(5).fill('a'))
    await world.clock.advance(15_000)
    late.release()
    await world.clock.advance(0)
    const heard = late.heard().filter((words) => words.startsWith('a ') || words.startsWith('gap'))
    expect(heard).toEqual(Array.from({ length: 13 }, (_, index) => `a ${index + 1}`))
  })

  test.each(['gap', 'latest'] as const)('does not wait for a tab whose lag is "%s"', async (lag) => {
    const world = createWorld(short(20))
    const late = await listeningTab(world, 'late', ['a'], { ...EVENT_SOURCE_POLICY, lag })
    const other = await listeningTab(world, 'other', ['a'])
    late.hold()
    await send(world, ...Array(49).fill('a'))
    expect(other.heard().at(-1)).toBe('a 49')
  })
})

describe('a tab that looks for its place', () => {
  const PLACE = 25

  /** A tab that stood there at another hub, which this one has not reached. */
  async function seekingTab(world: World): Promise<RawTab> {
    const tab = new RawTab(world, 'seeking')
    await tab.attach()
    const position = positionAfter(PLACE)
    await tab.subscribe(['a'], { position, seen: { events: [passed(PLACE)], since: 0 } })
    return tab
  }

  const heardBehindPlace = (tab: RawTab) => tab.heard().filter((words) => words !== 'open')

  test('keeps no event from being read', async () => {
    const world = createWorld(short(20))
    const first = await listeningTab(world, 'first', ['a'])
    const tab = await seekingTab(world)
    first.hub.detach()
    await send(world, ...Array(PLACE + 2).fill('a'))
    expect(heardBehindPlace(tab)).toEqual(['a 26', 'a 27'])
  })

  test('is told of no gap where only what it has had falls off meanwhile', async () => {
    const world = createWorld(short(20))
    await listeningTab(world, 'quick', ['a'])
    const tab = await seekingTab(world)
    await send(world, ...Array(PLACE + 2).fill('a'))
    expect(heardBehindPlace(tab)).toEqual(['a 26', 'a 27'])
  })

  test('goes on looking for it while nothing is read', async () => {
    const world = createWorld(short(20))
    const late = await listeningTab(world, 'late', ['a'])
    late.hold()
    const tab = await seekingTab(world)
    await send(world, ...Array(PLACE + 2).fill('a'))
    for (let time = 0; time < 5; time++) {
      late.hub.working(1)
      await world.clock.advance(1_000)
    }
    expect(heardBehindPlace(tab)).toEqual([])
    late.release()
    await world.clock.advance(0)
    expect(heardBehindPlace(tab)).toEqual(['a 26', 'a 27'])
  })

  test('gives up where events are read, and it does not come', async () => {
    const world = createWorld(short(20))
    await listeningTab(world, 'quick', ['a'])
    const tab = await seekingTab(world)
    await send(world, 'a')
    expect(heardBehindPlace(tab)).toEqual([])
    await world.clock.advance(1_100)
    expect(heardBehindPlace(tab)).toEqual([`gap asleep "id-${PLACE}" "id-1"`, 'a 1'])
  })
})

describe('falling off the log', () => {
  test('gives one gap with the IDs around it, the state, and then what is left', async () => {
    const world = createWorld(short(4))
    const slow = await listeningTab(world, 'slow', ['a'])
    // A tab that keeps up keeps the stream going.
    await listeningTab(world, 'quick', ['a'])
    await standStill(world, slow)
    await send(world, ...Array(11).fill('a'))
    slow.release()
    await world.clock.advance(0)
    const rest = ['a 9', 'a 10', 'a 11', 'a 12']
    expect(slow.heard()).toEqual([...OPENING, 'a 1', 'gap slow-tab "id-1" "id-9"', 'open', ...rest])
  })

  test.each([
    { events: 5, what: 'no gap while nothing is lost', gaps: 0, first: 'a 2' },
    { events: 6, what: 'a gap as soon as one event is lost', gaps: 1, first: 'a 3' },
  ])('by being busy gives $what', async ({ events, gaps, first }) => {
    const world = createWorld(short(4))
    const slow = await listeningTab(world, 'slow', ['a'])
    await listeningTab(world, 'quick', ['a'])
    await standStill(world, slow)
    await send(world, ...Array(events - 1).fill('a'))
    slow.release()
    await world.clock.advance(0)
    const rest = slow.heard().slice(3)
    expect(rest.filter((words) => words.startsWith('gap'))).toHaveLength(gaps)
    expect(rest.find((words) => words.startsWith('a '))).toBe(first)
  })

  test.each([
    { events: 6, what: 'no gap while nothing is lost', gaps: 0, first: 'a 3' },
    { events: 7, what: 'a gap as soon as one event is lost', gaps: 1, first: 'a 4' },
  ])('by being away gives $what', async ({ events, gaps, first }) => {
    const world = createWorld(short(4))
    const sleeper = await listeningTab(world, 'sleeper', ['a'])
    await listeningTab(world, 'quick', ['a'])
    await send(world, 'a', 'a')
    const position = lastPosition(sleeper)
    sleeper.hub.detach()
    await send(world, ...Array(events - 2).fill('a'))
    const back = new RawTab(world, 'back')
    await back.attach()
    await back.subscribe(['a'], { position })
    expect(back.heard().filter((words) => words.startsWith('gap'))).toHaveLength(gaps)
    expect(back.heard().find((words) => words.startsWith('a '))).toBe(first)
  })

  test('gives the tab that kept up no gap', async () => {
    const world = createWorld(short(4))
    const slow = await listeningTab(world, 'slow', ['a'])
    const quick = await listeningTab(world, 'quick', ['a'])
    slow.hold()
    await send(world, ...Array(12).fill('a'))
    slow.release()
    await world.clock.advance(0)
    expect(quick.heard()).toEqual(['open', ...Array.from({ length: 12 }, (_, index) => `a ${index + 1}`)])
  })

  test('twice gives a gap each time', async () => {
    const world = createWorld(short(4))
    const slow = await listeningTab(world, 'slow', ['a'])
    await listeningTab(world, 'quick', ['a'])
    for (const _ of ['once', 'again']) {
      await standStill(world, slow)
      await send(world, ...Array(11).fill('a'))
      slow.release()
      await world.clock.advance(0)
    }
    expect(slow.heard().filter((words) => words.startsWith('gap'))).toEqual([
      'gap slow-tab "id-1" "id-9"',
      'gap slow-tab "id-13" "id-21"',
    ])
  })

  test('tells the state that the stream has come to meanwhile', async () => {
    const world = createWorld(short(4))
    const slow = await listeningTab(world, 'slow', ['a'])
    await listeningTab(world, 'quick', ['a'])
    await standStill(world, slow)
    await send(world, ...Array(11).fill('a'))
    serverOf(world).refuseWith = 'network error'
    serverOf(world).cut()
    await world.clock.advance(10)
    slow.release()
    await world.clock.advance(0)
    expect(slow.heard().slice(3, 5)).toEqual(['gap slow-tab "id-1" "id-10"', 'connecting'])
  })

  test('gives a tab that wants the latest events those instead of a gap, each once and in order', async () => {
    const world = createWorld(short(6))
    const policy = { ...EVENT_SOURCE_POLICY, lag: 'latest' as const }
    const slow = await listeningTab(world, 'slow', ['a', 'b', 'c'], policy)
    await listeningTab(world, 'quick', ['a'])
    slow.hold()
    await send(world, 'a', 'b', 'c', 'a', 'b', ...Array(10).fill('a'), 'd')
    slow.release()
    await world.clock.advance(0)
    expect(slow.heard()).toEqual([...OPENING, 'a 1', 'c 3', 'b 5', 'a 15'])
    await send(world, 'c', 'a')
    expect(slow.heard().slice(-2)).toEqual(['c 17', 'a 18'])
  })

  test('gives a tab nothing again of what it has had when that is the latest', async () => {
    const world = createWorld(short(6))
    const policy = { ...EVENT_SOURCE_POLICY, lag: 'latest' as const }
    const slow = await listeningTab(world, 'slow', ['a', 'b'], policy)
    await listeningTab(world, 'quick', ['a'])
    await send(world, 'b')
    slow.hold()
    await send(world, ...Array(15).fill('a'))
    slow.release()
    await world.clock.advance(0)
    expect(slow.heard()).toEqual([...OPENING, 'b 1', 'a 2', 'a 16'])
  })

  test('gives a tab that wants the latest events of all names those that the log still has', async () => {
    const world = createWorld(short(6))
    const policy = { ...EVENT_SOURCE_POLICY, lag: 'latest' as const }
    const slow = await listeningTab(world, 'slow', ['*'], policy)
    await listeningTab(world, 'quick', ['a'])
    slow.hold()
    await send(world, 'a', ...Array(8).fill('b'), 'c', 'a', 'b')
    slow.release()
    await world.clock.advance(0)
    expect(slow.heard()).toEqual([...OPENING, 'a 1', 'c 10', 'a 11', 'b 12'])
  })

  test('does not happen by events that the tab does not listen to', async () => {
    const world = createWorld(short(4))
    const slow = await listeningTab(world, 'slow', ['a'])
    await listeningTab(world, 'quick', ['b'])
    slow.hold()
    await send(world, 'a', ...Array(40).fill('b'), 'a')
    slow.release()
    await world.clock.advance(0)
    expect(slow.heard()).toEqual([...OPENING, 'a 1', 'a 42'])
  })

  test('while away gives a gap that says so', async () => {
    const world = createWorld(short(4))
    const sleeper = await listeningTab(world, 'sleeper', ['a'])
    await listeningTab(world, 'quick', ['a'])
    await send(world, 'a', 'a')
    const position = lastPosition(sleeper)
    sleeper.hub.detach()
    await send(world, ...Array(12).fill('a'))
    const back = new RawTab(world, 'back')
    await back.attach()
    await back.subscribe(['a'], { position })
    const rest = ['a 11', 'a 12', 'a 13', 'a 14']
    expect(back.heard()).toEqual(['gap asleep "id-2" "id-11"', 'open', ...rest])
  })
})

describe('a late subscriber', () => {
  test('is told the state at once and gets no old events', async () => {
    const world = createWorld()
    await listeningTab(world, 'early', ['a'])
    await send(world, 'a', 'a')
    const late = new RawTab(world, 'late')
    await late.attach()
    await late.subscribe(['a'])
    expect(late.heard()).toEqual(['open'])
    await send(world, 'a')
    expect(late.heard()).toEqual(['open', 'a 3'])
  })

  test('is told that the stream waits to reconnect, without an error that is not its own', async () => {
    const world = createWorld()
    await listeningTab(world, 'early', ['a'])
    serverOf(world).refuseWith = 'network error'
    serverOf(world).cut()
    await world.clock.advance(10)
    const late = new RawTab(world, 'late')
    await late.attach()
    await late.subscribe(['a'])
    expect(late.entries()).toMatchObject([{ type: 'state', state: 'connecting', error: undefined }])
  })

  test('that asks for more names before it was sent anything has missed nothing', async () => {
    const world = createWorld()
    await listeningTab(world, 'early', ['a'])
    const late = new RawTab(world, 'late')
    await late.attach()
    await late.subscribe([])
    await send(world, 'a')
    await late.subscribe(['a'])
    expect(late.heard()).toEqual(['open', 'open', 'a 1'])
  })
})

describe('a subscription that changes', () => {
  test('gets what followed the event from which it asks, and nothing twice', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    serverOf(world).write(
      'event: a\nid: 1\ndata: 1\n\nevent: b\nid: 2\ndata: 2\n\nevent: a\nid: 3\ndata: 3\n\nevent: b\nid: 4\ndata: 4\n\n',
    )
    await world.clock.advance(0)
    const first = tab.entries().find((entry) => entry.type === 'event')
    const position = { ...lastPosition(tab), seq: first?.seq ?? 0 }
    const before = tab.batches.length
    await tab.subscribe(['a', 'b'], { position })
    await send(world, 'b')
    const entries = tab.batches.slice(before).flatMap((batch) => unpack(batch.entries))
    expect(entries.map((entry) => (entry.type === 'event' ? entry.data : entry.type))).toEqual([
      '2',
      '3',
      '4',
      expect.stringMatching(/ 1$/),
    ])
  })

  test('that asks as of the last batch gets nothing of it again', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a', 'b', 'a')
    await tab.subscribe(['a', 'b'], { position: lastPosition(tab) })
    await send(world, 'b')
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'a 3', 'b 4'])
  })

  test('is sent no batch of the former epoch any more', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    tab.hold()
    await send(world, 'a', 'a', 'a')
    const before = tab.batches.length
    await tab.subscribe(['a'], { epoch: 9, position: lastPosition(tab) })
    tab.release()
    await send(world, 'a')
    expect(tab.batches.slice(before).map(({ epoch }) => epoch)).toEqual([9, 9])
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'a 2', 'a 3', 'a 4'])
  })

  test('does not wait for acknowledgements of its former epoch', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    tab.hold()
    await send(world, 'a', 'a', 'a')
    await tab.subscribe(['a'], { position: lastPosition(tab) })
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'a 2', 'a 3'])
  })

  test('gets nothing again of what a replay brings late for a tab further back', async () => {
    const world = createWorld({ kinds: ['ignoring'] })
    const events = eventsOf('1 2 3 4 5')
    const tabs = [new RawTab(world, 'behind'), new RawTab(world, 'ahead')] as const
    for (const [index, tab] of tabs.entries()) {
      const had = events.slice(0, [3, 5][index])
      await tab.attach()
      await tab.subscribe(['a'], { position: positionOf(had, { subscribers: 2 }), seen: seenOf(had) })
    }
    const [behind, ahead] = tabs
    await world.clock.advance(1_000)
    serverOf(world).write('event: a\nid: 9\ndata: 9\n\n')
    await world.clock.advance(1_500)
    await ahead.subscribe(['a', 'b'], { position: lastPosition(ahead) })
    serverOf(world).write('event: a\nid: 4\ndata: data 4\n\nevent: a\nid: 5\ndata: data 5\n\n')
    await world.clock.advance(100)
    expect(behind.heard().filter((words) => words.startsWith('a'))).toEqual(['a 9', 'a 4', 'a 5'])
    expect(ahead.heard().filter((words) => words.startsWith('a'))).toEqual(['a 9'])
  })

  test('to fewer names gets no more events of those it gave up', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a', 'b'])
    await send(world, 'a', 'b')
    await tab.subscribe(['b'], { position: lastPosition(tab) })
    await send(world, 'a', 'b')
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'b 2', 'b 4'])
  })
})

describe('a position', () => {
  test('names the last event that a batch brought', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a', 'a')
    const { log, seq, ordinal, resumeAfter, from, latest } = lastPosition(tab)
    expect({ seq, ordinal, resumeAfter, from }).toEqual({ seq: 3, ordinal: 2, resumeAfter: 'id-1', from: 1 })
    expect(latest.at(-1)).toMatchObject({ id: 'id-2', ordinal: 2 })
    expect(log).not.toBe('')
  })

  test('moves on for a tab that hears nothing, in long strides', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['never'])
    await send(world, ...Array(1_000).fill('a'))
    expect(lastPosition(tab).ordinal).toBeGreaterThan(700)
    expect(tab.heard()).toEqual(OPENING)
    expect(tab.batches.length).toBeLessThan(10)
  })

  test('moves on for a tab that hears nothing, after a while', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['never'])
    await send(world, 'a')
    expect(lastPosition(tab).ordinal).toBe(0)
    await world.clock.advance(2_000)
    await send(world, 'a')
    expect(lastPosition(tab)).toMatchObject({ ordinal: 2, resumeAfter: 'id-1' })
  })

  test('is not reported where nothing has passed by', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['never'])
    const before = tab.batches.length
    for (let minute = 0; minute < 10; minute++) {
      await world.clock.advance(60_000)
      serverOf(world).write(': heartbeat\n\n')
    }
    await world.clock.advance(0)
    expect(tab.batches).toHaveLength(before)
  })

  test('lets a tab that comes back go on where it was', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await listeningTab(world, 'other', ['a'])
    await send(world, 'a', 'a')
    const position = lastPosition(tab)
    tab.hub.detach()
    await send(world, 'a', 'b', 'a')
    const back = new RawTab(world, 'back')
    await back.attach()
    await back.subscribe(['a'], { position })
    await world.clock.advance(CONNECT)
    expect(back.heard()).toEqual(['a 3', 'a 5'])
  })
})
