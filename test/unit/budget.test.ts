import { describe, expect, test } from 'vitest'
import { Budget } from '../../worker/budget.ts'
import type { Claimant, Cost, Share } from '../../worker/stream/claimant.ts'
import { createWorld } from './raw-tab.ts'

const ORIGIN = 'https://dash.test'
const HIDDEN = 0
const VISIBLE = 10

/** A stream that connects at once, and needs a while to give its connection up. */
class Stream implements Claimant {
  rank = HIDDEN
  shownAt = 0
  cost: Cost = 'nothing'
  isResting = false
  readonly attention: Stream = this
  caughtUpAt = Number.POSITIVE_INFINITY
  state: 'new' | 'live' | 'parked' | 'resting' = 'new'
  why = ''
  readonly share: Share
  readonly #stage: Stage

  constructor(stage: Stage, given: Partial<Pick<Stream, 'rank' | 'shownAt' | 'cost'>>) {
    this.#stage = stage
    Object.assign(this, given)
    this.share = stage.budget.slotFor(this)
  }

  granted(): void {
    this.state = 'live'
    this.caughtUpAt = this.#stage.world.clock.now
  }

  stays(): void {}

  park(): void {
    this.caughtUpAt = Number.POSITIVE_INFINITY
    this.#stage.world.clock.schedule(5, () => this.share.take(ORIGIN))
  }

  waits(why: string): void {
    this.state = 'parked'
    this.why = why
  }

  rests(): void {
    this.state = 'resting'
  }
}

class Stage {
  readonly world = createWorld()
  readonly budget: Budget
  readonly streams: Stream[] = []
  limit: number | undefined

  constructor(limit?: number) {
    this.limit = limit
    this.budget = new Budget(this.world.hubPlatform(this.world.agent('hub')), () => this.limit)
  }

  add(given: Partial<Pick<Stream, 'rank' | 'shownAt' | 'cost'>> = {}, origin = ORIGIN): Stream {
    const stream = new Stream(this, given)
    this.streams.push(stream)
    stream.share.take(origin)
    return stream
  }

  /** Which of its streams have a connection, in the order in which they were added. */
  get live(): number[] {
    return this.streams.flatMap(({ state }, index) => (state === 'live' ? [index] : []))
  }

  advance(milliseconds: number): Promise<void> {
    return this.world.clock.advance(milliseconds)
  }
}

function stageWith(count: number, limit?: number, given: Parameters<Stage['add']>[0] = {}): Stage {
  const stage = new Stage(limit)
  for (let index = 0; index < count; index++) stage.add(given)
  return stage
}

describe('how many', () => {
  test('four connections to an origin, and as many to another', () => {
    const stage = stageWith(6)
    for (let index = 0; index < 5; index++) stage.add({}, 'https://other.test')
    expect(stage.live).toEqual([0, 1, 2, 3, 6, 7, 8, 9])
  })

  test('another number, where one is known', () => {
    expect(stageWith(9, 2).live).toEqual([0, 1])
    expect(stageWith(9, Number.POSITIVE_INFINITY).live).toHaveLength(9)
  })

  test('a limit that has become lower takes connections away, a higher one gives more', async () => {
    const stage = stageWith(6)
    stage.limit = 2
    stage.budget.review()
    await stage.advance(10)
    expect(stage.live).toEqual([2, 3])
    stage.limit = 5
    stage.budget.review()
    expect(stage.live).toHaveLength(5)
  })

  test('a stream that goes makes room for the one that has waited longest', async () => {
    const stage = stageWith(4)
    stage.add()
    await stage.advance(10)
    stage.add()
    stage.streams[1]?.share.release()
    expect(stage.streams.map(({ state }) => state)).toEqual([
      'live',
      'live',
      'live',
      'live',
      'live',
      'parked',
    ])
  })

  test('a stream whose connection goes to another origin counts there', () => {
    const stage = stageWith(4)
    stage.add({}, 'https://other.test')
    stage.add()
    expect(stage.live).toEqual([0, 1, 2, 3, 4])
    stage.streams[0]?.share.moveTo('https://other.test')
    expect(stage.live).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('nothing runs where nobody waits', async () => {
    const stage = stageWith(4)
    await stage.advance(100_000)
    expect(stage.world.clock.isIdle).toBe(true)
  })
})

describe('who comes first', () => {
  test('a visible stream takes the place of a hidden one at once', async () => {
    const stage = stageWith(4)
    const shown = stage.add({ rank: VISIBLE })
    expect(shown.state).not.toBe('parked')
    await stage.advance(5)
    expect(shown.state).toBe('live')
    expect(stage.live).toHaveLength(4)
  })

  test('it takes that of the stream which was shown the longest ago', async () => {
    const stage = new Stage()
    for (const shownAt of [30, 10, 20, 40]) stage.add({ shownAt })
    stage.add({ rank: VISIBLE })
    await stage.advance(5)
    expect(stage.live).toEqual([0, 2, 3, 4])
  })

  test('a low priority goes before a longer absence', async () => {
    const stage = new Stage()
    for (const rank of [HIDDEN, HIDDEN + 1, HIDDEN - 1, HIDDEN]) stage.add({ rank })
    stage.add({ rank: VISIBLE })
    await stage.advance(5)
    expect(stage.live).toEqual([0, 1, 3, 4])
  })

  test.each<[Cost[], number]>([
    [['gap', 'unknown', 'nothing', 'gap'], 2],
    [['gap', 'unknown', 'gap', 'gap'], 1],
    [['gap', 'gap', 'everything', 'gap'], 0],
  ])('of hidden streams which cost %j, number %i goes', async (costs, gone) => {
    const stage = new Stage()
    for (const cost of costs) stage.add({ cost })
    stage.add({ rank: VISIBLE })
    await stage.advance(5)
    expect(stage.live).not.toContain(gone)
    expect(stage.live).toHaveLength(4)
  })

  test('a stream that would end is never parked', async () => {
    const stage = stageWith(4, 4, { cost: 'everything' })
    stage.add({ rank: VISIBLE })
    await stage.advance(100_000)
    expect(stage.live).toEqual([0, 1, 2, 3])
    expect(stage.streams[4]?.why).toBe('all 4 connections to https://dash.test are taken')
  })

  test('one that has been hidden makes room for one that waits and is visible', async () => {
    const stage = stageWith(5, 4, { rank: VISIBLE })
    Object.assign(stage.streams[1] as Stream, { rank: HIDDEN })
    stage.budget.review()
    await stage.advance(5)
    expect(stage.live).toEqual([0, 2, 3, 4])
  })
})

/** Which streams were live in each quarter of a second. */
async function watch(stage: Stage, milliseconds: number): Promise<number[][]> {
  const seen: number[][] = []
  for (let at = 0; at < milliseconds; at += 250) {
    await stage.advance(250)
    seen.push(stage.live)
  }
  return seen
}

const isLiveAtSomeTime = (seen: number[][], index: number): boolean =>
  seen.some((live) => live.includes(index))

describe('turns', () => {
  test('of twenty streams each hidden one has one within 40 seconds', async () => {
    const stage = stageWith(19)
    stage.add({ rank: VISIBLE })
    await stage.advance(10)
    const seen = await watch(stage, 80_000)
    for (let index = 0; index < 19; index++) {
      const waits = seen
        .map((live) => (live.includes(index) ? '.' : 'w'))
        .join('')
        .split('.')
      expect(Math.max(...waits.map(({ length }) => length / 4))).toBeLessThan(40)
    }
  })

  test('a stream that has never had a connection comes before those that have', async () => {
    const stage = stageWith(10)
    await stage.advance(20_000)
    stage.add()
    expect(isLiveAtSomeTime(await watch(stage, 3_000), 10)).toBe(true)
  })

  test('one connection goes round among hidden streams, and the others stay', async () => {
    const stage = stageWith(10)
    const seen = await watch(stage, 20_000)
    expect([4, 5, 6, 7, 8, 9].every((index) => isLiveAtSomeTime(seen, index))).toBe(true)
    expect([0, 1, 2, 3].filter((index) => seen.every((live) => live.includes(index)))).toHaveLength(3)
    expect(Math.max(...seen.map(({ length }) => length))).toBe(4)
  })

  test('each lasts two seconds from when the stream has caught up', async () => {
    const stage = stageWith(6)
    const seen = await watch(stage, 60_000)
    const lengths = [4, 5].map((index) => seen.filter((live) => live.includes(index)).length / 4)
    for (const seconds of lengths) {
      // Three share one connection.
      expect(seconds).toBeGreaterThan(14)
      expect(seconds).toBeLessThan(22)
    }
  })

  test('visible streams never give theirs to hidden ones within a minute', async () => {
    const stage = stageWith(4, 4, { rank: VISIBLE })
    stage.add()
    const seen = await watch(stage, 55_000)
    expect(isLiveAtSomeTime(seen, 4)).toBe(false)
  })

  test('after a minute a hidden one gets a turn even from them, once a minute', async () => {
    const stage = stageWith(4, 4, { rank: VISIBLE })
    for (let index = 0; index < 3; index++) stage.add()
    const seen = await watch(stage, 250_000)
    expect([4, 5, 6].every((index) => isLiveAtSomeTime(seen, index))).toBe(true)
    const hidden = seen.filter((live) => live.some((index) => index > 3)).length / 4
    expect(hidden).toBeLessThan(4 * 3)
  })

  test('visible streams beyond the limit take turns among themselves', async () => {
    const stage = stageWith(6, 4, { rank: VISIBLE })
    const seen = await watch(stage, 10_000)
    expect([0, 1, 2, 3, 4, 5].every((index) => isLiveAtSomeTime(seen, index))).toBe(true)
  })

  test('one that does not catch up has ten seconds', async () => {
    const stage = stageWith(5, 1)
    for (const stream of stage.streams) {
      stream.granted = () => {
        stream.state = 'live'
      }
    }
    await stage.advance(2_500)
    const [live] = stage.live
    const seen = await watch(stage, 9_000)
    expect(seen.every(([index]) => index === live)).toBe(true)
    expect((await watch(stage, 2_000)).some(([index]) => index !== live)).toBe(true)
  })

  test('one that a gap would follow keeps its connection for a minute, and holds up nobody else’s turn', async () => {
    const stage = stageWith(3)
    stage.add({ cost: 'gap' })
    stage.add({ cost: 'gap' })
    stage.add()
    stage.add()
    const seen = await watch(stage, 50_000)
    expect(seen.every((live) => live.includes(3))).toBe(true)
    expect([4, 5, 6].every((index) => isLiveAtSomeTime(seen, index))).toBe(true)
  })
})

describe('rest', () => {
  test('a stream that can do without gives its connection up, and wants none', async () => {
    const stage = stageWith(5)
    const [first] = stage.streams
    Object.assign(first as Stream, { isResting: true })
    stage.budget.review()
    await stage.advance(5)
    expect(first?.state).toBe('resting')
    expect(stage.live).toEqual([1, 2, 3, 4])
    await stage.advance(100_000)
    expect(stage.world.clock.isIdle).toBe(true)
    Object.assign(first as Stream, { isResting: false, rank: VISIBLE })
    stage.budget.review()
    await stage.advance(5)
    expect(first?.state).toBe('live')
  })

  test('but not where it would end', async () => {
    const stage = stageWith(1, 4, { cost: 'everything' })
    Object.assign(stage.streams[0] as Stream, { isResting: true })
    stage.budget.review()
    await stage.advance(5)
    expect(stage.live).toEqual([0])
  })
})

test('thousands of streams cost no more each than hundreds', async () => {
  /** How often a rank is looked at where so many are opened at a time. */
  const looksFor = async (count: number) => {
    const stage = new Stage()
    let looks = 0
    for (let index = 0; index < count; index++) {
      const stream = new Stream(stage, {})
      Object.defineProperty(stream, 'rank', { get: () => ++looks && HIDDEN })
      stage.streams.push(stream)
      stream.share.take(ORIGIN)
    }
    await stage.advance(10)
    expect(stage.live).toHaveLength(4)
    return looks
  }
  const few = await looksFor(500)
  expect((await looksFor(5_000)) / few).toBeLessThan(20)
})

test('its report tells each origin’s connections', async () => {
  const stage = stageWith(6)
  stage.add({}, 'https://other.test')
  expect(stage.budget.report((origin) => (origin === ORIGIN ? 'http/1.1' : ''))).toEqual([
    { origin: ORIGIN, protocol: 'http/1.1', limit: 4, live: 4, parked: 2 },
    { origin: 'https://other.test', protocol: '', limit: 4, live: 1, parked: 0 },
  ])
})
