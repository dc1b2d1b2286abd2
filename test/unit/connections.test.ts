import { beforeEach, describe, expect, test } from 'vitest'
import { EVENT_SOURCE_POLICY } from '../../src/link/protocol.ts'
import { Budget } from '../../worker/budget.ts'
import { LOG_LIMITS } from '../../worker/log/log.ts'
import type { Claimant, Cost, Share } from '../../worker/stream/claimant.ts'
import { Stream as HubStream } from '../../worker/stream/stream.ts'
import type { World } from '../sim/world/world.ts'
import { CONNECT, createWorld, listeningTab, RawTab, requestOf, send, serverOf } from './raw-tab.ts'

const ORIGIN = 'https://dash.test'

let world: World
let limit: number
let budget: Budget

beforeEach(() => {
  world = createWorld()
  limit = 1
  budget = new Budget(world.hubPlatform(world.agent('hub')), () => limit)
})

/** A stream as a budget knows it. It has caught up at once. */
class Stream implements Claimant {
  rank = 0
  shownAt = 0
  cost: Cost = 'nothing'
  isResting = false
  readonly attention: Stream = this
  caughtUpAt = Number.POSITIVE_INFINITY
  isConnected = false
  catchesUp = true
  /** How long it takes to give its connection up. */
  slowness = 0
  /** How often it has been parked. */
  parkings = 0
  readonly #share: Share

  constructor(details: Partial<Pick<Stream, 'rank' | 'shownAt' | 'cost'>> = {}) {
    Object.assign(this, details)
    this.#share = budget.slotFor(this)
    this.#share.take(ORIGIN)
  }

  granted(): void {
    this.isConnected = true
    if (this.catchesUp) this.caughtUpAt = world.clock.now
  }

  stays(): void {}

  park(): void {
    this.caughtUpAt = Number.POSITIVE_INFINITY
    this.parkings++
    const leave = () => {
      this.isConnected = false
      this.#share.take(ORIGIN)
    }
    if (this.slowness > 0) world.clock.schedule(this.slowness, leave)
    else queueMicrotask(leave)
  }

  /** The server has ended its answer; it is asked again. */
  end(): void {
    this.isConnected = false
    this.#share.release()
    world.clock.schedule(100, () => this.#share.take(ORIGIN))
  }

  waits(): void {}

  rests(): void {}
}

test('a stream that is put off connects once, when it has waited', async () => {
  const other = new Stream()
  let requests = 0
  const stream = new HubStream(
    world.hubPlatform(world.agent('hub')),
    () => {
      requests++
      return new Promise(() => {})
    },
    'log',
    requestOf(serverOf(world)),
    LOG_LIMITS,
    {
      advise: () => {},
      slotFor: (claimant) => budget.slotFor(claimant),
      reviewSlots: () => budget.review(),
      ended: () => {},
      isOf: () => true,
    },
  )
  stream.begin(0)
  await world.clock.advance(10)
  stream.connection.postpone(60)
  other.end()
  await world.clock.advance(50)
  expect(requests).toBe(0)
  await world.clock.advance(500)
  expect(requests).toBe(1)
})

describe('a share in the connections', () => {
  test('that comes after a long wait lasts as long as any turn', async () => {
    const visible = new Stream({ rank: 10 })
    const hidden = new Stream()
    await world.clock.advance(60_500)
    expect([visible.isConnected, hidden.isConnected]).toEqual([false, true])
    await world.clock.advance(1_400)
    expect(hidden.isConnected).toBe(true)
    await world.clock.advance(500)
    expect([visible.isConnected, hidden.isConnected]).toEqual([true, false])
  })

  test('comes after a long wait even where others give theirs up by themselves', async () => {
    const high = new Stream({ rank: 10 })
    new Stream({ rank: 1 })
    const low = new Stream()
    let hasConnected = false
    for (let second = 0; second < 200; second++) {
      await world.clock.advance(1_000)
      hasConnected ||= low.isConnected
      if (high.isConnected) high.end()
    }
    expect(hasConnected).toBe(true)
  })

  test('comes after a long wait even where those of a higher rank take turns', async () => {
    new Stream({ rank: 10 })
    new Stream({ rank: 10 })
    const low = new Stream()
    await world.clock.advance(59_000)
    expect(low.isConnected).toBe(false)
    await world.clock.advance(4_000)
    expect(low.isConnected || low.parkings > 0).toBe(true)
  })

  test('is free only when it has been given up', async () => {
    const hidden = new Stream()
    hidden.slowness = 400
    const visible = new Stream({ rank: 10 })
    await world.clock.advance(390)
    expect([hidden.isConnected, visible.isConnected]).toEqual([true, false])
    await world.clock.advance(20)
    expect([hidden.isConnected, visible.isConnected]).toEqual([false, true])
  })

  test('goes at once from a hidden stream to a visible one', async () => {
    const hidden = new Stream()
    await world.clock.advance(100)
    const visible = new Stream({ rank: 10 })
    await world.clock.advance(0)
    expect([hidden.isConnected, visible.isConnected]).toEqual([false, true])
  })

  test('goes round in one connection only', async () => {
    limit = 2
    const streams = Array.from({ length: 4 }, () => new Stream())
    await world.clock.advance(30_000)
    const parkings = streams.map((stream) => stream.parkings)
    // One of those that came first keeps its connection.
    expect(Math.min(...parkings.slice(0, 2))).toBe(0)
    expect(parkings.sort((one, other) => one - other)[1]).toBeGreaterThan(2)
  })

  test('is given up first by whom it costs nothing', async () => {
    limit = 2
    const costly = new Stream({ cost: 'gap' })
    const cheap = new Stream({ shownAt: 1 })
    await world.clock.advance(70_000)
    const next = new Stream()
    await world.clock.advance(300)
    expect([costly.parkings, cheap.parkings, next.isConnected]).toEqual([0, 1, true])
  })

  test('is given up by whom ranks lowest, whatever it costs', async () => {
    limit = 2
    const low = new Stream({ rank: 1, cost: 'gap' })
    const middle = new Stream({ rank: 2 })
    new Stream({ rank: 10 })
    await world.clock.advance(300)
    expect([low.parkings, middle.parkings]).toEqual([1, 0])
  })

  test('ends after ten seconds though the stream has not caught up', async () => {
    limit = 0
    const slow = new Stream()
    const next = new Stream()
    slow.catchesUp = false
    limit = 1
    budget.review()
    await world.clock.advance(9_900)
    expect([slow.isConnected, next.isConnected]).toEqual([true, false])
    await world.clock.advance(500)
    expect([slow.isConnected, next.isConnected]).toEqual([false, true])
  })

  test('is kept by a stream that would be lost with it', async () => {
    const unique = new Stream({ cost: 'everything' })
    const visible = new Stream({ rank: 10 })
    await world.clock.advance(200_000)
    expect([unique.isConnected, visible.isConnected]).toEqual([true, false])
  })
})

test('a gap is told after parking even where nobody expects the server to resume', async () => {
  const world = createWorld({ kinds: ['without-ids', 'without-ids'] })
  const tab = new RawTab(world, 'tab')
  await tab.answer(tab.hub.attach({ tabId: 'tab', holdsLock: false, connections: 1 }))
  await tab.subscribe(['a'], { policy: { ...EVENT_SOURCE_POLICY, resumes: false } })
  await world.clock.advance(CONNECT)
  await send(world, 'a')
  await tab.subscribe(['a'], {
    id: 2,
    request: requestOf(serverOf(world, 1)),
    policy: { ...EVENT_SOURCE_POLICY, priority: 'high' },
  })
  await world.clock.advance(CONNECT)
  await send(world, 'a')
  expect(tab.heard().at(-1)).toBe('parked')
  tab.hub.unsubscribe(2)
  await world.clock.advance(2_000)
  await send(world, 'a')
  expect(tab.heard().filter((words) => words.startsWith('a') || words.startsWith('gap'))).toEqual([
    'a 1',
    'gap unresumable "" ""',
    'a 3',
  ])
})

test('what waits for the next batch of a hidden page is sent though nothing more comes', async () => {
  const world = createWorld()
  const tab = await listeningTab(world, 'tab', ['a'], { ...EVENT_SOURCE_POLICY, hidden: 'batch' })
  tab.hub.hide()
  await world.clock.advance(2_000)
  await send(world, 'a', 'a', 'a')
  expect(tab.heard().slice(-1)).toEqual(['a 1'])
  await world.clock.advance(1_000)
  expect(tab.heard().slice(-3)).toEqual(['a 1', 'a 2', 'a 3'])
})
