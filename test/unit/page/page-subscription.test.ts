import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { pack } from '../../../src/link/pack.ts'
import { passedOf } from '../../../src/link/place.ts'
import {
  type Batch,
  type Entry,
  EVENT_SOURCE_POLICY,
  type EventEntry,
  type Position,
  type Seen,
  type Subscription,
} from '../../../src/link/protocol.ts'
import { PageSubscription } from '../../../src/page/page-subscription.ts'
import type { Platform } from '../../../src/page/platform.ts'
import { NOWHERE } from '../../../worker/stream/anchor.ts'
import { requestTo, stateEntry } from '../../sim/world/samples.ts'

const REQUEST = requestTo('https://dash.test/events')

const LOG = 'hub/1'

const event = (number: number, name = 'a'): EventEntry => ({
  type: 'event',
  seq: number + 1,
  name,
  data: String(number),
  id: `id-${number}`,
  nth: 0,
  ordinal: number,
})

const opened: Entry = { ...stateEntry('open'), seq: 1 }

/** What a hub says of a tab that is through with the event of this number. */
const positionAfter = (number: number, log = LOG): Position => ({
  ...NOWHERE,
  log,
  seq: number + 1,
  ordinal: number,
  resumeAfter: `id-${number - 1}`,
  from: number - 1,
  latest: [passedOf(event(number))],
  unproven: false,
  subscribers: 1,
})

/** A subscription on a page whose turns come when the test says so. */
class Page {
  readonly subscription: PageSubscription
  readonly received: string[] = []
  /** What the hub was told, and how often it was told that all is over. */
  changes = 0
  closings = 0
  /** How often the hub was told that the page goes on. */
  works = 0
  now = 0
  /** Runs within the next listener. */
  inListener: (() => void) | undefined
  #step: (() => boolean) | undefined

  constructor(names: readonly string[] = ['a']) {
    const platform = {
      now: () => this.now,
      run: (step: () => boolean) => {
        if (this.#step !== undefined) throw new Error('it runs already')
        this.#step = step
      },
    } as unknown as Platform
    const notices = {
      changed: () => {
        this.changes++
      },
      works: () => {
        this.works++
      },
      closed: () => {
        this.closings++
      },
    }
    this.subscription = new PageSubscription(
      platform,
      1,
      { request: REQUEST, policy: EVENT_SOURCE_POLICY },
      (entry) => this.#receive(entry),
      notices,
    )
    this.subscription.setNames(names)
  }

  /** Hands a batch over, behind which the page stands at `ordinal`; tells later whether it has been acknowledged. */
  deliver(
    entries: readonly Entry[],
    { epoch = this.epoch, log = LOG, beginsAnew = false, mayWait = false, ordinal = 0 } = {},
  ): { isAcknowledged: boolean } {
    const last = entries.findLast((entry) => entry.type === 'event')
    const batch: Batch = {
      hubId: 'hub',
      subscription: 1,
      epoch,
      entries: pack(entries),
      position: positionAfter(ordinal || (last?.ordinal ?? 0), log),
      beginsAnew,
      mayWait,
    }
    const delivery = { isAcknowledged: false }
    this.subscription.deliver(batch).then(() => {
      delivery.isAcknowledged = true
    })
    return delivery
  }

  message(): Subscription {
    return this.subscription.message() as Subscription
  }

  get epoch(): number {
    return this.message().epoch
  }

  /** Whether the page has turns to take. */
  get isBusy(): boolean {
    return this.#step !== undefined
  }

  /** One listener's turn, and the microtasks after it. */
  async turn(): Promise<void> {
    if (this.#step?.() === false) this.#step = undefined
    await settled()
  }

  async turns(): Promise<void> {
    while (this.isBusy) await this.turn()
    await settled()
  }

  #receive(entry: Entry): 'turn' {
    this.received.push(
      entry.type === 'event' ? entry.data : entry.type === 'state' ? entry.state : entry.type,
    )
    const { inListener } = this
    this.inListener = undefined
    inListener?.()
    return 'turn'
  }
}

const settled = async (): Promise<void> => {
  for (let count = 0; count < 10; count++) await Promise.resolve()
}

describe('dispatching', () => {
  test.each([
    { mayWait: true, works: 4 },
    { mayWait: false, works: 0 },
  ])(
    'tells a hub twice a second that it goes on, where acknowledgements wait: $mayWait',
    async ({ mayWait, works }) => {
      const page = new Page()
      page.deliver([event(1), event(2)], { mayWait })
      for (let number = 3; number <= 10; number++) page.deliver([event(number)], { mayWait })
      while (page.isBusy) {
        page.now += 300
        await page.turn()
      }
      expect(page.works).toBe(works)
    },
  )

  test('gives the entries of a batch in order', async () => {
    const page = new Page()
    page.deliver([opened, event(1), event(2), event(3)])
    await page.turns()
    expect(page.received).toEqual(['open', '1', '2', '3'])
  })

  test('gives the first entry at once and each further one in a turn of its own', async () => {
    const page = new Page()
    page.deliver([event(1), event(2), event(3)])
    expect(page.received).toEqual(['1'])
    await page.turn()
    expect(page.received).toEqual(['1', '2'])
    await page.turn()
    expect(page.received).toEqual(['1', '2', '3'])
    expect(page.isBusy).toBe(false)
  })

  test('needs no turn for a single entry', () => {
    const page = new Page()
    page.deliver([event(1)])
    expect(page.received).toEqual(['1'])
    expect(page.isBusy).toBe(false)
  })

  test('finishes a batch before the next', async () => {
    const page = new Page()
    page.deliver([event(1), event(2)])
    page.deliver([event(3), event(4)])
    expect(page.received).toEqual(['1'])
    await page.turns()
    expect(page.received).toEqual(['1', '2', '3', '4'])
  })

  test('goes on with a batch that comes when all was done', async () => {
    const page = new Page()
    page.deliver([event(1), event(2)])
    await page.turns()
    page.deliver([event(3), event(4)])
    await page.turns()
    expect(page.received).toEqual(['1', '2', '3', '4'])
  })
})

describe('acknowledgement', () => {
  test('comes when the last entry has been dispatched, not before', async () => {
    const page = new Page()
    const delivery = page.deliver([event(1), event(2), event(3)])
    await page.turn()
    expect(delivery.isAcknowledged).toBe(false)
    await page.turn()
    expect(delivery.isAcknowledged).toBe(true)
  })

  test('comes for each batch when that one is through', async () => {
    const page = new Page()
    const [one, other] = [page.deliver([event(1), event(2)]), page.deliver([event(3), event(4)])]
    await page.turn()
    expect([one.isAcknowledged, other.isAcknowledged]).toEqual([true, false])
    await page.turns()
    expect(other.isAcknowledged).toBe(true)
  })

  test('comes for a batch that only tells the position', async () => {
    const page = new Page()
    const delivery = page.deliver([])
    await page.turns()
    expect(delivery.isAcknowledged).toBe(true)
    expect(page.received).toEqual([])
  })

  test('comes for a batch of a former epoch, which is dropped', async () => {
    const page = new Page()
    const delivery = page.deliver([event(1)], { epoch: page.epoch - 1 })
    await page.turns()
    expect(delivery.isAcknowledged).toBe(true)
    expect(page.received).toEqual([])
  })
})

describe('the position', () => {
  test('is absent before anything has come', () => {
    expect(new Page().message()).not.toHaveProperty('position')
  })

  test('is that of the last batch that is through', async () => {
    const page = new Page()
    page.deliver([event(1), event(2)])
    await page.turns()
    expect(page.message().position).toEqual(positionAfter(2))
  })

  test('moves by a batch that has no entries', async () => {
    const page = new Page()
    page.deliver([event(2)])
    page.subscription.deliver({
      hubId: 'hub',
      subscription: 1,
      epoch: page.epoch,
      entries: pack([]),
      position: positionAfter(300),
      beginsAnew: false,
      mayWait: false,
    })
    await page.turns()
    expect(page.message().position).toEqual(positionAfter(300))
  })
})

describe('new names', () => {
  test('are told the hub, with a higher epoch', async () => {
    const page = new Page(['a'])
    await settled()
    const { changes, epoch } = page
    page.subscription.setNames(['a', 'b'])
    await settled()
    expect(page.changes).toBe(changes + 1)
    expect(page.epoch).toBeGreaterThan(epoch)
    expect(page.message()).toMatchObject({ id: 1, request: REQUEST, names: ['a', 'b'] })
  })

  test('set one by one are told once', async () => {
    const page = new Page([])
    for (const names of [['a'], ['a', 'b'], ['a', 'b', 'c']]) page.subscription.setNames(names)
    await settled()
    expect(page.changes).toBe(1)
    expect(page.message().names).toEqual(['a', 'b', 'c'])
  })

  test('drop and acknowledge what has not been dispatched; the hub will send it anew', async () => {
    const page = new Page()
    const deliveries = [page.deliver([event(1), event(2)]), page.deliver([event(3)])]
    page.subscription.setNames(['b'])
    await page.turns()
    expect(page.received).toEqual(['1'])
    expect(deliveries).toEqual([{ isAcknowledged: true }, { isAcknowledged: true }])
  })

  test('drop batches that are still on their way', async () => {
    const page = new Page()
    const { epoch } = page
    page.subscription.setNames(['b'])
    page.deliver([event(1)], { epoch })
    await page.turns()
    expect(page.received).toEqual([])
  })

  test('are asked for as of the last event dispatched, in the midst of a batch', async () => {
    const page = new Page()
    page.deliver([event(1), event(2)])
    await page.turns()
    page.deliver([event(3), event(4), event(5)])
    await page.turn()
    page.subscription.setNames(['a', 'b'])
    expect(page.message().position).toMatchObject({
      log: LOG,
      seq: event(4).seq,
      ordinal: 4,
      resumeAfter: 'id-3',
      from: 3,
      latest: [passedOf(event(3)), passedOf(event(4))],
      unproven: false,
    })
  })

  test('are asked for as of the event dispatched now, from within a listener', () => {
    const page = new Page()
    page.inListener = () => page.subscription.setNames(['a', 'b'])
    page.deliver([event(1), event(2)])
    expect(page.message()).toMatchObject({
      names: ['a', 'b'],
      position: { seq: event(1).seq, ordinal: 1, latest: [passedOf(event(1))] },
    })
  })

  test('set within the listener of the first event ever are asked for after that event, for want of an earlier', () => {
    const page = new Page()
    page.inListener = () => page.subscription.setNames(['a', 'b'])
    page.deliver([event(1), event(2)])
    expect(page.message().position).toMatchObject({ resumeAfter: 'id-1', ordinal: 1 })
  })

  test.each([9, 1])(
    'set while the hub looks for the place of the page do not move that: number %i',
    async (number) => {
      const page = new Page()
      page.deliver([event(1), event(2), event(3)])
      await page.turns()
      page.subscription.reattach()
      page.inListener = () => page.subscription.setNames(['a', 'b'])
      page.deliver([event(number), event(number + 1)], { ordinal: 3 })
      await page.turns()
      expect(page.received.at(-1)).toBe(`${number}`)
      const { seq: _, ...place } = positionAfter(3)
      expect(page.message().position).toMatchObject(place)
    },
  )

  test('set within the first listener of a later batch are asked for after the event before', async () => {
    const page = new Page()
    page.deliver([event(1), event(2)])
    await page.turns()
    page.inListener = () => page.subscription.setNames(['a', 'b'])
    page.deliver([event(3), event(4)])
    expect(page.message().position).toMatchObject({
      resumeAfter: 'id-2',
      from: 2,
    })
  })

  test('set within a listener end the batch there', async () => {
    const page = new Page()
    page.inListener = () => page.subscription.setNames(['a', 'b'])
    const delivery = page.deliver([event(1), event(2)])
    await page.turns()
    expect(page.received).toEqual(['1'])
    expect(delivery.isAcknowledged).toBe(true)
  })

  test('set within the last listener of a batch ask for nothing again', async () => {
    const page = new Page()
    page.deliver([event(1), event(2)])
    page.inListener = () => page.subscription.setNames(['a', 'b'])
    await page.turns()
    expect(page.received).toEqual(['1', '2'])
    expect(page.message().position).toMatchObject({ seq: event(2).seq, ordinal: 2 })
  })

  test('set when nothing but a state has ever been dispatched ask from the beginning', () => {
    const page = new Page()
    page.deliver([opened, event(1)])
    page.subscription.setNames(['a', 'b'])
    expect(page.message()).not.toHaveProperty('position')
  })

  test('do not keep the batches of the new epoch from being dispatched', async () => {
    const page = new Page()
    page.deliver([event(1), event(2)])
    page.subscription.setNames(['a', 'b'])
    page.deliver([event(2), event(3, 'b')])
    await page.turns()
    expect(page.received).toEqual(['1', '2', '3'])
  })
})

describe('closing', () => {
  test('tells the hub once', () => {
    const page = new Page()
    page.subscription.close()
    page.subscription.close()
    expect(page.closings).toBe(1)
  })

  test('drops and acknowledges what has not been dispatched', async () => {
    const page = new Page()
    const delivery = page.deliver([event(1), event(2)])
    page.subscription.close()
    await page.turns()
    expect(page.received).toEqual(['1'])
    expect(delivery.isAcknowledged).toBe(true)
  })

  test('within a listener ends everything there', async () => {
    const page = new Page()
    page.inListener = () => page.subscription.close()
    const deliveries = [page.deliver([event(1), event(2)]), page.deliver([event(3)])]
    await page.turns()
    expect(page.received).toEqual(['1'])
    expect(deliveries).toEqual([{ isAcknowledged: true }, { isAcknowledged: true }])
    expect(page.closings).toBe(1)
  })

  test('takes nothing that comes later', async () => {
    const page = new Page()
    page.subscription.close()
    const delivery = page.deliver([event(1)])
    await page.turns()
    expect(page.received).toEqual([])
    expect(delivery.isAcknowledged).toBe(true)
  })

  test('is not followed by changes', async () => {
    const page = new Page()
    await settled()
    const { changes } = page
    page.subscription.close()
    page.subscription.setNames(['b'])
    await settled()
    expect(page.changes).toBe(changes)
  })

  test('takes back a change that has not been told yet', async () => {
    const page = new Page()
    page.subscription.close()
    await settled()
    expect(page.changes).toBe(0)
  })
})

describe('at another hub', () => {
  test('the subscription is announced anew, with a higher epoch', async () => {
    const page = new Page()
    await settled()
    const { changes, epoch } = page
    page.subscription.reattach()
    await settled()
    expect(page.changes).toBe(changes + 1)
    expect(page.epoch).toBeGreaterThan(epoch)
  })

  test('what has arrived is still dispatched', async () => {
    const page = new Page()
    page.deliver([event(1), event(2)])
    page.deliver([event(3)])
    page.subscription.reattach()
    await page.turns()
    expect(page.received).toEqual(['1', '2', '3'])
  })

  test('it goes on after all that has arrived, dispatched or not', () => {
    const page = new Page()
    page.deliver([event(1), event(2)])
    page.deliver([event(3)])
    page.subscription.reattach()
    expect(page.message()).toMatchObject({
      position: positionAfter(3),
      seen: { events: [passedOf(event(1)), passedOf(event(2)), passedOf(event(3))], since: 0 },
    })
  })

  test('it tells no numbers of another log than that of its last batch, dispatched or not', async () => {
    const page = new Page()
    page.deliver([event(1), event(2)], { log: 'another' })
    await page.turns()
    page.deliver([event(3), event(4)], { log: 'another' })
    page.deliver([event(8)], { beginsAnew: true })
    page.subscription.reattach()
    const nowhere = [1, 2, 3, 4].map((number) => ({ ...passedOf(event(number)), ordinal: 0 }))
    expect(page.message()).toMatchObject({
      position: { log: LOG },
      seen: { events: [...nowhere, passedOf(event(8))], since: 7 },
    })
  })

  test('it tells what has been dispatched only while that hub may not know', async () => {
    const page = new Page()
    page.deliver([event(1)])
    await page.turns()
    expect(page.message()).not.toHaveProperty('seen')
    page.subscription.reattach()
    expect(page.message()).toHaveProperty('seen')
    page.deliver([event(2)], { log: 'other hub/1' })
    await page.turns()
    expect(page.message()).not.toHaveProperty('seen')
  })

  test('it tells of large events what it tells of small ones: their place', async () => {
    const page = new Page()
    const large = { ...event(1), data: 'x'.repeat(5_000) }
    page.deliver([large])
    await page.turns()
    page.subscription.reattach()
    expect(page.message().seen?.events).toEqual([passedOf(large)])
  })

  test('it tells of the latest of many events', async () => {
    const page = new Page()
    page.deliver(Array.from({ length: 3_000 }, (_, index) => event(index + 1)))
    await page.turns()
    page.subscription.reattach()
    const { events: seen, since } = page.message().seen as Seen
    expect(seen.at(-1)).toEqual(passedOf(event(3_000)))
    expect(seen.length).toBeGreaterThan(100)
    expect(seen.length).toBeLessThan(1_000)
    expect(seen).toEqual(
      Array.from({ length: seen.length }, (_, index) => passedOf(event(3_001 - seen.length + index))),
    )
    expect(since).toBe(3_000 - seen.length)
  })

  test.each(['name', 'id'] as const)('it remembers fewer events where each has a long %s', async (member) => {
    const page = new Page()
    const long = (number: number) => ({ ...event(number), [member]: `${number}`.padStart(100_000, '-') })
    for (let number = 1; number <= 20; number++) page.deliver([long(number)])
    await page.turns()
    page.subscription.reattach()
    const { events: seen, since } = page.message().seen as Seen
    expect(seen).toEqual(
      Array.from({ length: seen.length }, (_, index) => passedOf(long(21 - seen.length + index))),
    )
    expect(since).toBe(20 - seen.length)
    expect(seen.reduce((sum, { id }) => sum + id.length, 0)).toBeLessThanOrEqual(600_000)
  })

  test('what it remembers of long IDs is bounded in memory', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const page = new Page()
    collect()
    const before = process.memoryUsage().heapUsed
    for (let number = 1; number <= 100; number++) {
      page.deliver([{ ...event(number), id: Buffer.alloc(100_000, `${number}-`).toString() }])
    }
    await page.turns()
    page.received.length = 0
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4_000_000)
    page.subscription.reattach()
    expect(page.message().seen?.events).toHaveLength(5)
  })

  test('many long IDs in one batch are remembered as far as that goes', async () => {
    const page = new Page()
    page.deliver(
      Array.from({ length: 20 }, (_, index) => ({
        ...event(index + 1),
        id: `${index}`.padStart(100_000, '-'),
      })),
    )
    await page.turns()
    page.subscription.reattach()
    const { events = [] } = page.message().seen ?? {}
    expect(events.map(({ id }) => id.length)).toEqual(Array(5).fill(100_000))
  })

  test('what it remembers of large events keeps nothing of them', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const page = new Page()
    collect()
    const before = process.memoryUsage().heapUsed
    for (let number = 1; number <= 100; number++) {
      const long = { ...event(number), id: `id-${number}-of-a-server` }
      page.deliver([{ ...long, name: Buffer.alloc(100_000, `${number}-`).toString() }])
      page.deliver([{ ...long, data: Buffer.alloc(100_000, `${number}-`).toString() }])
    }
    await page.turns()
    page.received.length = 0
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4_000_000)
    page.subscription.reattach()
    expect(page.message().seen?.events).toHaveLength(200)
  })

  test('none to be had closes the stream', () => {
    const page = new Page()
    page.subscription.fail(new Error('no hub'))
    expect(page.received).toEqual(['closed'])
  })
})
