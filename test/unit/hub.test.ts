import { wrap } from 'comlink'
import { describe, expect, test } from 'vitest'
import {
  type HubSide,
  type Position,
  type Seen,
  type StateEntry,
  tabLockName,
} from '../../src/link/protocol.ts'
import { Hub } from '../../worker/hub.ts'
import { NOWHERE } from '../../worker/stream/anchor.ts'
import { requestTo } from '../sim/world/samples.ts'
import {
  CONNECT,
  createWorld,
  listeningTab,
  passed,
  positionAfter,
  RawTab,
  requestOf,
  send,
  serverOf,
  UNNOTICED,
} from './raw-tab.ts'

const OPENING = ['connecting', 'open']

/** A stream without subscribers lives for a second. */
const WITHIN_LINGER = 900
const LINGER = 1_100

/** Such a tab has dispatched all events up to there. */
const seenUpTo = (number: number): Seen => ({
  events: Array.from({ length: number }, (_, index) => passed(index + 1)),
  since: 0,
})

describe('attachment', () => {
  test('is answered with the ID of the hub, as is everything that a tab may have lost it by', async () => {
    const world = createWorld()
    const tab = new RawTab(world, 'tab')
    const hubId = await tab.attach()
    expect(hubId).toBe(world.hubs[0]?.id)
    expect(await tab.answer(tab.hub.ping())).toBe(hubId)
    expect(await tab.subscribe(['a'])).toBe(hubId)
  })

  test('is needed: the hub does not know a tab that has not attached', async () => {
    const world = createWorld()
    const tab = new RawTab(world, 'tab')
    expect(await tab.subscribe(['a'])).toBe('')
    expect(await tab.answer(tab.hub.ping())).toBe('')
    await world.clock.advance(CONNECT)
    expect(tab.batches).toEqual([])
    expect(serverOf(world).requests).toEqual([])
  })

  test('is answered when the hub holds the lock whose release tells its death', async () => {
    const world = createWorld()
    const tab = new RawTab(world, 'tab')
    const hubId = await tab.attach()
    let isGranted = false
    const granted = async () => {
      isGranted = true
    }
    world.locks.for(tab.agent).request(`tabstream:hub:${hubId}`, {}, granted)
    await world.clock.advance(1_000)
    expect(isGranted).toBe(false)
    world.workers()[0]?.agent.kill()
    await world.clock.advance(0)
    expect(isGranted).toBe(true)
  })
})

describe('sharing', () => {
  test('two tabs with equal wishes share one connection', async () => {
    const world = createWorld()
    const one = await listeningTab(world, 'one', ['a'])
    const other = await listeningTab(world, 'other', ['a', 'b'])
    await send(world, 'a', 'b')
    expect(one.heard()).toEqual([...OPENING, 'a 1'])
    expect(other.heard()).toEqual(['open', 'a 1', 'b 2'])
    expect(serverOf(world)).toMatchObject({ requests: [''], connections: 1 })
  })

  test('two subscriptions of one tab share one connection', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.subscribe(['a'], { id: 2 })
    await world.clock.advance(CONNECT)
    expect(serverOf(world).requests).toEqual([''])
  })

  test('different credentials do not', async () => {
    const world = createWorld()
    await listeningTab(world, 'one', ['a'])
    const other = new RawTab(world, 'other')
    await other.attach()
    await other.subscribe(['a'], { request: requestTo(serverOf(world).url, { credentials: 'include' }) })
    await world.clock.advance(CONNECT)
    expect(serverOf(world)).toMatchObject({ requests: ['', ''], connections: 2 })
  })

  test('different URLs do not', async () => {
    const world = createWorld({ kinds: ['strict', 'strict'] })
    const one = await listeningTab(world, 'one', ['a'])
    const other = new RawTab(world, 'other')
    await other.attach()
    await other.subscribe(['a'], { request: requestOf(serverOf(world, 1)) })
    await world.clock.advance(CONNECT)
    serverOf(world, 1).send('a')
    await world.clock.advance(0)
    expect(one.heard()).toEqual(OPENING)
    expect(other.heard()).toEqual([...OPENING, 'a 1'])
  })
})

describe('the end of a stream', () => {
  test('comes a while after its last subscription, and not before', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.answer(tab.hub.unsubscribe(1))
    await world.clock.advance(WITHIN_LINGER)
    expect(serverOf(world).connections).toBe(1)
    await world.clock.advance(LINGER - WITHIN_LINGER)
    expect(serverOf(world).connections).toBe(0)
  })

  test('does not come while somebody is subscribed', async () => {
    const world = createWorld()
    const one = await listeningTab(world, 'one', ['a'])
    const other = await listeningTab(world, 'other', ['a'])
    await one.answer(one.hub.unsubscribe(1))
    await world.clock.advance(10 * LINGER)
    await send(world, 'a')
    expect(other.heard()).toEqual(['open', 'a 1'])
    expect(serverOf(world).requests).toHaveLength(1)
  })

  test('does not come where somebody subscribes again in time', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.answer(tab.hub.unsubscribe(1))
    await world.clock.advance(WITHIN_LINGER)
    await tab.subscribe(['a'], { id: 2, renews: [1] })
    await world.clock.advance(10 * LINGER)
    await send(world, 'a')
    expect(tab.heard(2)).toEqual(['open', 'a 1'])
    expect(serverOf(world)).toMatchObject({ requests: [''], connections: 1 })
  })

  test('is put off anew by each subscription that comes and goes', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.answer(tab.hub.unsubscribe(1))
    await world.clock.advance(WITHIN_LINGER)
    await tab.subscribe(['a'], { id: 2, renews: [1] })
    await tab.answer(tab.hub.unsubscribe(2))
    await world.clock.advance(WITHIN_LINGER)
    expect(serverOf(world).connections).toBe(1)
    await world.clock.advance(LINGER - WITHIN_LINGER)
    expect(serverOf(world).connections).toBe(0)
  })

  test('is followed by a fresh connection for a later subscription', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a')
    await tab.answer(tab.hub.unsubscribe(1))
    await world.clock.advance(LINGER)
    await tab.subscribe(['a'], { id: 2 })
    await world.clock.advance(CONNECT)
    expect(tab.heard(2)).toEqual(OPENING)
    expect(serverOf(world)).toMatchObject({ requests: ['', ''], connections: 1 })
  })

  test('leaves nothing in the hub', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.answer(tab.hub.unsubscribe(1))
    await world.clock.advance(LINGER)
    expect(await tab.answer(tab.hub.inspect())).toMatchObject({ tabs: 1, streams: [] })
  })

  test('comes for a stream that waits to reconnect, too', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    serverOf(world).refuseWith = 'network error'
    serverOf(world).cut()
    await world.clock.advance(10)
    await tab.answer(tab.hub.unsubscribe(1))
    await world.clock.advance(60_000)
    const { length } = serverOf(world).requests
    await world.clock.advance(600_000)
    expect(serverOf(world).requests).toHaveLength(length)
    expect(await tab.answer(tab.hub.inspect())).toMatchObject({ streams: [] })
  })

  test('brings no reconnection that nobody is there for, and one at once for who comes in time', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    serverOf(world).write('retry: 100\n\n')
    await world.clock.advance(0)
    serverOf(world).cut()
    await world.clock.advance(0)
    await tab.answer(tab.hub.unsubscribe(1))
    await world.clock.advance(WITHIN_LINGER)
    expect(serverOf(world).requests).toHaveLength(1)
    await tab.subscribe(['a'], { id: 2, renews: [1] })
    await world.clock.advance(10)
    expect(serverOf(world)).toMatchObject({ requests: ['', ''], connections: 1 })
  })
})

describe('a tab that goes', () => {
  test('by detaching is dropped, and its streams with it', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    const observer = new RawTab(world, 'observer')
    await observer.attach()
    tab.hub.detach()
    expect(await observer.answer(observer.hub.inspect())).toMatchObject({
      tabs: 1,
      streams: [{ subscribers: 0 }],
    })
    await world.clock.advance(LINGER)
    expect(serverOf(world).connections).toBe(0)
  })

  test('by dying is dropped through its lock', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    const observer = new RawTab(world, 'observer')
    await observer.attach()
    tab.agent.kill()
    expect(await observer.answer(observer.hub.inspect())).toMatchObject({
      tabs: 1,
      streams: [{ subscribers: 0 }],
    })
    await world.clock.advance(LINGER)
    expect(serverOf(world).connections).toBe(0)
  })

  test('by dying with batches on their way is dropped all the same', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    tab.hold()
    await send(world, 'a', 'a', 'a')
    tab.agent.kill()
    await world.clock.advance(LINGER)
    expect(serverOf(world).connections).toBe(0)
  })

  test('leaves the others as they were', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    const other = await listeningTab(world, 'other', ['a'])
    tab.agent.kill()
    await world.clock.advance(LINGER)
    await send(world, 'a')
    expect(other.heard()).toEqual(['open', 'a 1'])
    expect(serverOf(world).requests).toHaveLength(1)
  })
})

describe('a tab that asks for nonsense', () => {
  test('is ignored, and counted', async () => {
    const world = createWorld()
    const tab = new RawTab(world, 'tab')
    await tab.attach()
    const position = { log: 'another hub/1' } as Position
    tab.subscribe(['a'], { position }).catch(() => {})
    await world.clock.advance(60_000)
    expect(serverOf(world).requests).toEqual([])
    expect(world.hubs[0]?.report()).toMatchObject({ malformed: 1, streams: [] })
  })

  test('disturbs nobody else', async () => {
    const world = createWorld()
    const other = await listeningTab(world, 'other', ['a'])
    const tab = new RawTab(world, 'tab')
    await tab.attach()
    const position = { log: 'another hub/1' } as Position
    tab.subscribe(['a'], { position }).catch(() => {})
    await send(world, 'a')
    expect(other.heard()).toEqual([...OPENING, 'a 1'])
  })
})

describe('a message that makes no sense', () => {
  const nonsense = [
    null,
    0,
    'ping',
    [],
    {},
    { id: '1', type: 'GET', path: ['ping'] },
    { id: '1', type: 'APPLY', path: ['constructor'], argumentList: [] },
    { id: '1', type: 'APPLY', path: ['join'], argumentList: [] },
    { id: '1', type: 'RELEASE' },
  ]

  test.each(nonsense.map((message) => ({ message, words: JSON.stringify(message) })))(
    'is counted, and neither answered nor heard by anybody else: $words',
    async ({ message }) => {
      const world = createWorld()
      const tab = await listeningTab(world, 'tab', ['a'])
      const endpoint = world.sharedWorkerHost(world.agent('script')).open(1, UNNOTICED)
      const answers: unknown[] = []
      endpoint.addEventListener('message', (event) => answers.push(event))
      endpoint.start?.()
      endpoint.postMessage(message)
      await send(world, 'a')
      expect(answers).toEqual([])
      expect(world.hubs[0]?.report()).toMatchObject({ malformed: 1, tabs: 1 })
      expect(tab.heard()).toEqual([...OPENING, 'a 1'])
    },
  )

  test('is counted for the hub, from whichever tab it came', async () => {
    const world = createWorld()
    for (const name of ['one', 'other']) {
      const endpoint = world.sharedWorkerHost(world.agent(name)).open(1, UNNOTICED)
      await world.clock.advance(0)
      endpoint.postMessage(null)
      endpoint.postMessage(null)
    }
    await world.clock.advance(0)
    expect(world.hubs[0]?.report()).toMatchObject({ malformed: 4, tabs: 0 })
  })
})

describe('a hub that is closed', () => {
  test('lets go of its tabs, its connections and its locks', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    const [hub] = world.hubs
    hub?.close()
    await world.clock.advance(0)
    expect(hub?.report()).toMatchObject({ tabs: 0, streams: [] })
    expect(serverOf(world).connections).toBe(0)
    expect(world.locks.names()).toEqual(['tabstream:tab:tab'])
    await send(world, 'a')
    await world.clock.advance(60_000)
    expect(tab.heard()).toEqual(OPENING)
    expect(serverOf(world).requests).toHaveLength(1)
  })

  test('before it has connected never connects', async () => {
    const world = createWorld()
    const tab = new RawTab(world, 'tab')
    await tab.attach()
    world.locks.for(world.agent('another')).request(tabLockName('another'), {}, () => new Promise(() => {}))
    await tab.subscribe(['a'])
    world.hubs[0]?.close()
    await world.clock.advance(60_000)
    expect(serverOf(world).requests).toEqual([])
  })

  test('does not hold its lock, even if that was yet to be granted', async () => {
    const world = createWorld()
    const hub = new Hub(world.hubPlatform(world.agent('page')), 'hub')
    hub.close()
    await world.clock.advance(0)
    expect(world.locks.names()).toEqual([])
  })

  test('asks no tab any more whether it is alive', async () => {
    const world = createWorld({ hasLocks: false })
    const tab = new RawTab(world, 'tab')
    const endpoint = world.sharedWorkerHost(tab.agent).open(1, UNNOTICED)
    const messages: unknown[] = []
    endpoint.addEventListener('message', (event) => messages.push(event))
    const hub = wrap<HubSide>(endpoint)
    await tab.answer(hub.attach({ tabId: 'tab', holdsLock: false }))
    await world.clock.advance(6_000)
    // The answer, and a ping.
    expect(messages).toHaveLength(2)
    world.hubs[0]?.close()
    await world.clock.advance(60_000)
    expect(messages).toHaveLength(2)
  })
})

describe('inspect', () => {
  test('reports tabs, streams and what they are at', async () => {
    const world = createWorld({ kinds: ['strict', 'without-ids'] })
    const one = await listeningTab(world, 'one', ['b', 'a'])
    await listeningTab(world, 'other', ['c', 'a'])
    await send(world, 'a', 'a')
    await one.subscribe(['x'], { id: 2, request: requestOf(serverOf(world, 1)) })
    expect(await one.answer(one.hub.inspect())).toMatchObject({
      hubId: world.hubs[0]?.id,
      tabs: 2,
      streams: [
        {
          url: 'https://dash.test/0',
          state: 'open',
          connections: 1,
          subscribers: 2,
          names: ['a', 'b', 'c'],
          // Two events, and that the connection opened.
          logEvents: 3,
          lastEventId: 'id-2',
        },
        { url: 'https://dash.test/1', subscribers: 1, names: ['x'], lastEventId: '' },
      ],
    })
  })

  test('estimates the memory of a log', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    const before = (await tab.answer(tab.hub.inspect())).streams[0]?.logBytes ?? 0
    serverOf(world).write(`data: ${'x'.repeat(10_000)}\n\n`)
    await world.clock.advance(0)
    const after = (await tab.answer(tab.hub.inspect())).streams[0]?.logBytes ?? 0
    expect(after - before).toBeGreaterThanOrEqual(20_000)
    expect(after - before).toBeLessThan(21_000)
  })

  test('counts reconnections and tells that a stream waits for one', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    serverOf(world).cut()
    await world.clock.advance(10)
    expect(await tab.answer(tab.hub.inspect())).toMatchObject({
      streams: [{ state: 'retrying', connections: 1 }],
    })
    await world.clock.advance(200)
    expect(await tab.answer(tab.hub.inspect())).toMatchObject({
      streams: [{ state: 'open', connections: 2 }],
    })
  })
})

describe.each([
  { refusal: { status: 404, contentType: 'text/event-stream' }, words: 'status 404' },
  { refusal: { status: 204, contentType: '' }, words: 'status 204' },
  { refusal: { status: 200, contentType: 'text/html' }, words: 'text/html' },
])('a fatal answer ($words)', ({ refusal, words }) => {
  test('closes the stream for all who listen, and says why', async () => {
    const world = createWorld()
    serverOf(world).refuseWith = refusal
    const one = new RawTab(world, 'one')
    const other = new RawTab(world, 'other')
    for (const tab of [one, other]) {
      await tab.attach()
      await tab.subscribe(['a'])
    }
    await world.clock.advance(CONNECT)
    for (const tab of [one, other]) {
      expect(tab.heard()).toEqual(['connecting', 'closed'])
      expect((tab.entries().at(-1) as StateEntry).error?.message).toContain(words)
    }
  })

  test('is not asked for again', async () => {
    const world = createWorld()
    serverOf(world).refuseWith = refusal
    await listeningTab(world, 'tab', ['a'])
    await world.clock.advance(600_000)
    expect(serverOf(world).requests).toHaveLength(1)
  })

  test('ends an open stream at its reconnection', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    serverOf(world).refuseWith = refusal
    serverOf(world).cut()
    await world.clock.advance(1_000)
    expect(tab.heard()).toEqual([...OPENING, 'connecting', 'closed'])
  })

  test('does not stand for a later subscriber, who gets a fresh connection', async () => {
    const world = createWorld()
    serverOf(world).refuseWith = refusal
    const early = await listeningTab(world, 'early', ['a'])
    serverOf(world).refuseWith = undefined
    const late = await listeningTab(world, 'late', ['a'])
    await send(world, 'a')
    expect(late.heard()).toEqual([...OPENING, 'a 1'])
    expect(early.heard()).toEqual(['connecting', 'closed'])
    expect(serverOf(world).connections).toBe(1)
  })

  test('takes nothing from the stream of a later subscriber when its own subscribers go', async () => {
    const world = createWorld()
    serverOf(world).refuseWith = refusal
    const early = await listeningTab(world, 'early', ['a'])
    serverOf(world).refuseWith = undefined
    const late = await listeningTab(world, 'late', ['a'])
    early.hub.detach()
    await world.clock.advance(LINGER)
    await send(world, 'a')
    expect(late.heard()).toEqual([...OPENING, 'a 1'])
    expect(await late.answer(late.hub.inspect())).toMatchObject({ streams: [{ subscribers: 1 }] })
  })
})

describe('tabs of a dead hub', () => {
  test('go on each where it stood, over one connection that resumes from the oldest', async () => {
    const world = createWorld()
    for (let count = 0; count < 10; count++) serverOf(world).send('a')
    const ahead = new RawTab(world, 'ahead')
    await ahead.attach()
    await ahead.subscribe(['a'], { position: positionAfter(8), seen: seenUpTo(8) })
    // A little later, as it happens, but before the hub connects.
    await world.clock.advance(20)
    const behind = new RawTab(world, 'behind')
    await behind.attach()
    await behind.subscribe(['a'], { position: positionAfter(5), seen: seenUpTo(5) })
    await world.clock.advance(CONNECT)
    expect(serverOf(world).requests).toEqual(['id-4'])
    expect(ahead.heard()).toEqual(['open', 'a 9', 'a 10'])
    expect(behind.heard()).toEqual(['open', 'a 6', 'a 7', 'a 8', 'a 9', 'a 10'])
  })

  test('are waited for as long as they keep coming, but no longer than a second', async () => {
    const world = createWorld()
    for (let count = 0; count < 30; count++) serverOf(world).send('a')
    for (let number = 30; number > 0; number--) {
      const tab = new RawTab(world, `tab ${number}`)
      await tab.attach()
      await tab.subscribe(['a'], { position: positionAfter(number), seen: seenUpTo(number) })
      await world.clock.advance(45)
    }
    // The twenty-third came after a second.
    expect(serverOf(world).requests).toEqual(['id-7'])
  })

  test.each([
    ['longer where more than one is missing', 4, ['id-4']],
    ['not for the one that died with the hub', 3, ['id-6']],
  ])('are waited for %s', async (_case, subscribers, requests) => {
    const world = createWorld()
    for (let count = 0; count < 10; count++) serverOf(world).send('a')
    for (const [name, number] of [
      ['a', 7],
      ['b', 8],
      ['late', 5],
    ] as const) {
      if (name === 'late') await world.clock.advance(500)
      const tab = new RawTab(world, name)
      await tab.attach()
      await tab.subscribe(['a'], {
        position: positionAfter(number, subscribers),
        seen: seenUpTo(number),
      })
    }
    await world.clock.advance(CONNECT)
    expect(serverOf(world).requests).toEqual(requests)
  })

  test('are waited for although the first one to come has had no event', async () => {
    const world = createWorld()
    for (let count = 0; count < 10; count++) serverOf(world).send('a')
    const tab = new RawTab(world, 'tab')
    await tab.attach()
    const seen = { events: [], since: 0 }
    await tab.subscribe(['b'], {
      id: 2,
      position: { ...NOWHERE, log: 'another hub/1', seq: 1, subscribers: 2 },
      seen,
    })
    await world.clock.advance(5)
    await tab.subscribe(['a'], { position: positionAfter(5, 2), seen: seenUpTo(5) })
    await world.clock.advance(CONNECT)
    expect(serverOf(world).requests).toEqual(['id-4'])
  })

  test('are not waited for where events bring no IDs', async () => {
    const world = createWorld()
    const tab = new RawTab(world, 'tab')
    await tab.attach()
    const position = { ...NOWHERE, ordinal: 3, log: 'another hub/1', seq: 4, subscribers: 9 }
    await tab.subscribe(['a'], { position, seen: { events: [], since: 0 } })
    await world.clock.advance(CONNECT)
    expect(serverOf(world).requests).toEqual([''])
  })

  test('are waited for although a newcomer changes its names meanwhile', async () => {
    const world = createWorld()
    for (let count = 0; count < 10; count++) serverOf(world).send('a')
    const early = new RawTab(world, 'early')
    await early.attach()
    await early.subscribe(['a'], { position: positionAfter(7, 4), seen: seenUpTo(7) })
    const newcomer = new RawTab(world, 'newcomer')
    await newcomer.attach()
    await newcomer.subscribe(['a'])
    for (const names of [['a', 'b'], ['b'], ['a']]) {
      const position = newcomer.batches.at(-1)?.position
      if (position === undefined) throw new Error('the newcomer was sent nothing')
      await newcomer.subscribe(names, { position, seen: { events: [], since: 0 } })
    }
    await world.clock.advance(500)
    const late = new RawTab(world, 'late')
    await late.attach()
    await late.subscribe(['a'], { position: positionAfter(5, 4), seen: seenUpTo(5) })
    await world.clock.advance(1_000)
    expect(serverOf(world).requests).toEqual(['id-4'])
  })

  test('go on where they stood even if they come when the stream is open', async () => {
    const world = createWorld()
    for (let count = 0; count < 10; count++) serverOf(world).send('a')
    const early = new RawTab(world, 'early')
    await early.attach()
    await early.subscribe(['a'], { position: positionAfter(5), seen: seenUpTo(5) })
    await world.clock.advance(CONNECT)
    const late = new RawTab(world, 'late')
    await late.attach()
    await late.subscribe(['a'], { position: positionAfter(7), seen: seenUpTo(7) })
    await send(world, 'a')
    expect(late.heard().filter((words) => words !== 'open')).toEqual(['a 8', 'a 9', 'a 10', 'a 11'])
  })

  test('are told of a gap where the stream no longer reaches back to them', async () => {
    const world = createWorld()
    for (let count = 0; count < 10; count++) serverOf(world).send('a')
    const early = new RawTab(world, 'early')
    await early.attach()
    await early.subscribe(['a'], { position: positionAfter(9), seen: seenUpTo(9) })
    await world.clock.advance(CONNECT)
    const late = new RawTab(world, 'late')
    await late.attach()
    await late.subscribe(['a'], { position: positionAfter(3), seen: seenUpTo(3) })
    await world.clock.advance(5_000)
    await send(world, 'a')
    const heard = late.heard().filter((words) => words !== 'open')
    expect(heard[0]).toMatch(/^gap asleep "id-3"/)
    expect(heard.filter((words) => words.startsWith('gap'))).toHaveLength(1)
    expect(heard.at(-1)).toBe('a 11')
  })

  test('share the stream with newcomers, who get nothing of the past', async () => {
    const world = createWorld()
    for (let count = 0; count < 10; count++) serverOf(world).send('a')
    const former = new RawTab(world, 'former')
    await former.attach()
    await former.subscribe(['a'], { position: positionAfter(8), seen: seenUpTo(8) })
    await world.clock.advance(CONNECT)
    const newcomer = await listeningTab(world, 'newcomer', ['a'])
    await send(world, 'a')
    expect(newcomer.heard()).toEqual(['open', 'a 11'])
    expect(serverOf(world).requests).toHaveLength(1)
  })
})
