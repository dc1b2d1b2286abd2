import { describe, expect, test } from 'vitest'
import { type StateEntry, tabLockName } from '../../../src/link/protocol.ts'
import type { ServerKind, VirtualServer } from '../../sim/world/server.ts'
import type { World } from '../../sim/world/world.ts'
import { createWorld, listeningTab, RawTab, requestOf, send, serverOf } from '../raw-tab.ts'

const OPENING = ['connecting', 'open']

const NETWORK_ERROR = new TypeError('network error')

/** How many requests the server gets in the next so many ms. */
async function requestsWithin(world: World, duration: number): Promise<number> {
  const before = serverOf(world).requests.length
  await world.clock.advance(duration)
  return serverOf(world).requests.length - before
}

/** A world whose chance a test can turn to the worst, and a tab that listens to `a` in it. */
async function unluckyWorld(): Promise<{ world: World; tab: RawTab; server: VirtualServer }> {
  let chance = 0
  const world = createWorld({ random: () => chance })
  const tab = await listeningTab(world, 'tab', ['a'])
  chance = 0.99
  return { world, tab, server: serverOf(world) }
}

/** Cuts the connection, lets these events happen meanwhile, and waits until it is there again. */
async function missing(world: World, ...names: string[]): Promise<void> {
  serverOf(world).cut(NETWORK_ERROR)
  await send(world, ...names)
  await world.clock.advance(500)
}

const lastState = (tab: RawTab): StateEntry | undefined =>
  tab.entries().findLast((entry) => entry.type === 'state')

describe('a new hub', () => {
  test('connects at once where all tabs have told where they stand', async () => {
    const world = createWorld()
    const [one, other] = [new RawTab(world, 'one'), new RawTab(world, 'other')]
    for (const tab of [one, other]) await tab.attach()
    await one.subscribe(['a'])
    await world.clock.advance(0)
    expect(serverOf(world).requests).toEqual([])
    await other.subscribe(['a'], { request: { ...requestOf(serverOf(world)), key: 'another' } })
    await world.clock.advance(0)
    expect(serverOf(world).requests).toEqual([''])
  })

  test.each([true, false])(
    'does not connect before tabs of its forerunner can have come: locks %s',
    async (hasLocks) => {
      const world = createWorld({ hasLocks })
      const tab = new RawTab(world, 'tab')
      const other = world.agent('other')
      if (hasLocks) world.locks.for(other).request(tabLockName('other'), {}, () => new Promise(() => {}))
      await tab.attach()
      await tab.subscribe(['a'])
      await world.clock.advance(30)
      expect(serverOf(world).requests).toEqual([])
      await world.clock.advance(30)
      expect(serverOf(world).requests).toEqual([''])
    },
  )

  test('asks the server for what follows a snapshot, also where the page leaves out what is usual', async () => {
    const world = createWorld()
    const tab = new RawTab(world, 'tab')
    await tab.attach()
    await tab.subscribe(['a'], { policy: {}, since: 'id-7' })
    await world.clock.advance(60)
    expect(serverOf(world).requests).toEqual(['id-7'])
  })

  test('that has been there for a while connects at once', async () => {
    const world = createWorld({ kinds: ['strict', 'strict'] })
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.subscribe(['a'], {
      id: 2,
      request: requestOf(serverOf(world, 1)),
    })
    expect(tab.heard(2)).toEqual(OPENING)
  })
})

describe('a connection that ends', () => {
  test.each([
    { how: 'cleanly', error: undefined, words: 'the server ended the response' },
    { how: 'with an error', error: NETWORK_ERROR, words: 'network error' },
  ])('$how is told at once, with the reason', async ({ error, words }) => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    serverOf(world).cut(error)
    await world.clock.advance(0)
    expect(lastState(tab)).toMatchObject({ state: 'connecting', error: { message: words } })
  })

  test('is begun again after the time that the server asks for, and told when it is there', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a')
    serverOf(world).write('retry: 7000\n\n')
    await world.clock.advance(0)
    serverOf(world).cut()
    await world.clock.advance(0)
    expect(await requestsWithin(world, 6_900)).toBe(0)
    expect(await requestsWithin(world, 200)).toBe(1)
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'connecting', 'open'])
    expect(lastState(tab)).toMatchObject({ origin: 'https://dash.test', error: undefined })
  })

  test('is begun again in a busy loop for no server', async () => {
    const world = createWorld()
    await listeningTab(world, 'tab', ['a'])
    serverOf(world).write('retry: 0\n\n')
    await world.clock.advance(0)
    serverOf(world).refuseWith = 'network error'
    serverOf(world).cut()
    expect(await requestsWithin(world, 10_000)).toBeLessThanOrEqual(100)
  })

  test('is begun again more and more rarely, but at least every half minute', async () => {
    const { world, server } = await unluckyWorld()
    server.refuseWith = 'network error'
    server.cut()
    expect(await requestsWithin(world, 10_000)).toBeGreaterThanOrEqual(5)
    expect(await requestsWithin(world, 50_000)).toBeLessThanOrEqual(4)
    expect(await requestsWithin(world, 600_000)).toBeGreaterThanOrEqual(18)
  })

  test('is begun again more and more rarely by a server that accepts and ends at once', async () => {
    const { world, server } = await unluckyWorld()
    const cutAlways = () => {
      server.cut()
      world.clock.schedule(50, cutAlways)
    }
    cutAlways()
    expect(await requestsWithin(world, 10_000)).toBeGreaterThanOrEqual(5)
    expect(await requestsWithin(world, 50_000)).toBeLessThanOrEqual(4)
  })

  test('is begun again soon where an event has come after the failures', async () => {
    const { world, server } = await unluckyWorld()
    server.refuseWith = 'network error'
    server.cut()
    await world.clock.advance(60_000)
    server.refuseWith = undefined
    while (server.connections === 0) await world.clock.advance(10)
    server.send('a')
    await world.clock.advance(100)
    server.cut()
    expect(await requestsWithin(world, 1_000)).toBe(1)
  })

  test('is begun again soon where it has lasted after the failures', async () => {
    const { world, server } = await unluckyWorld()
    server.refuseWith = 'network error'
    server.cut()
    await world.clock.advance(60_000)
    server.refuseWith = undefined
    await world.clock.advance(60_000)
    server.cut()
    expect(await requestsWithin(world, 1_000)).toBe(1)
  })

  test('is begun again late where it has not lasted after the failures', async () => {
    const { world, server } = await unluckyWorld()
    server.refuseWith = 'network error'
    server.cut()
    await world.clock.advance(60_000)
    server.refuseWith = undefined
    while (server.connections === 0) await world.clock.advance(10)
    server.cut()
    expect(await requestsWithin(world, 10_000)).toBe(0)
  })

  test('is begun again at once when the network may be back', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a')
    serverOf(world).write('retry: 60000\n\n')
    await world.clock.advance(0)
    serverOf(world).cut()
    await world.clock.advance(100)
    tab.hub.wake(true)
    expect(await requestsWithin(world, 100)).toBe(1)
    expect(await requestsWithin(world, 120_000)).toBe(0)
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'connecting', 'open'])
  })

  test('is left as it is by a wake while it is open', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    tab.hub.wake(true)
    expect(await requestsWithin(world, 10_000)).toBe(0)
  })
})

describe('a first connection that fails', () => {
  test('is told and tried again', async () => {
    const world = createWorld()
    serverOf(world).refuseWith = 'network error'
    const tab = await listeningTab(world, 'tab', ['a'])
    expect(tab.heard()).toEqual(['connecting', 'connecting'])
    serverOf(world).refuseWith = undefined
    await world.clock.advance(60_000)
    expect(tab.heard().at(-1)).toBe('open')
    expect(tab.heard().filter((words) => words.startsWith('gap'))).toEqual([])
  })
})

describe('over a reconnection', () => {
  const heardOver = async (kind: ServerKind, before: number, meanwhile: number): Promise<string[]> => {
    const world = createWorld({ kinds: [kind] })
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, ...Array(before).fill('a'))
    await missing(world, ...Array(meanwhile).fill('a'))
    await send(world, 'a')
    // So long the replay may still come.
    await world.clock.advance(1_100)
    return tab.heard().filter((words) => words.startsWith('a ') || words.startsWith('gap'))
  }

  const numbers = (first: number, last: number): string[] =>
    Array.from({ length: last - first + 1 }, (_, index) => `a ${first + index}`)

  test.each<ServerKind>(['strict', 'inclusive', 'repeating', 'forgetful', 'sparse', 'grouped'])(
    'a server that is %s loses nothing and repeats nothing',
    async (kind) => {
      expect(await heardOver(kind, 6, 3)).toEqual(numbers(1, 10))
    },
  )

  test.each<ServerKind>(['strict', 'inclusive', 'repeating', 'forgetful', 'sparse', 'grouped'])(
    'a server that is %s gives no gap where nothing happened',
    async (kind) => {
      expect(await heardOver(kind, 6, 0)).toEqual(numbers(1, 7))
    },
  )

  test('a server that has forgotten the ID gives a gap, then what it still has', async () => {
    expect(await heardOver('forgetful', 6, 20)).toEqual([
      ...numbers(1, 6),
      'gap history-lost "id-6" "id-15"',
      ...numbers(15, 27),
    ])
  })

  test('a server that says that it resumes from elsewhere is believed, even after a single event', async () => {
    expect(await heardOver('candid', 1, 20)).toEqual([
      'a 1',
      expect.stringMatching(/^gap .* "id-1" "id-10"$/),
      ...numbers(10, 22),
    ])
  })

  test('a server that says that it resumes from where it was asked to loses nothing', async () => {
    expect(await heardOver('candid', 1, 3)).toEqual(numbers(1, 5))
    expect(await heardOver('candid', 6, 3)).toEqual(numbers(1, 10))
  })

  test('a server that ignores the ID gives a gap before its next event', async () => {
    expect(await heardOver('ignoring', 6, 3)).toEqual([
      ...numbers(1, 6),
      'gap history-lost "id-6" "id-10"',
      'a 10',
    ])
  })

  test('a server that keeps no events without IDs gives a gap', async () => {
    const heard = await heardOver('sparse-ephemeral', 6, 3)
    expect(heard.filter((words) => words.startsWith('gap'))).toEqual([expect.stringContaining('unresumable')])
    expect(heard.slice(0, 6)).toEqual(numbers(1, 6))
    expect(heard.at(-1)).toBe('a 10')
  })

  test('a server without IDs gives a gap as soon as it is there', async () => {
    const world = createWorld({ kinds: ['without-ids'] })
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a', 'a')
    await missing(world, 'a')
    expect(tab.heard()).toEqual([...OPENING, 'a 1', 'a 2', 'connecting', 'open', 'gap unresumable "" ""'])
  })

  test('each tab gets the events of its own names', async () => {
    const world = createWorld()
    const one = await listeningTab(world, 'one', ['a'])
    const other = await listeningTab(world, 'other', ['b'])
    await send(world, 'a', 'b', 'a')
    await missing(world, 'b', 'a')
    expect(one.heard()).toEqual([...OPENING, 'a 1', 'a 3', 'connecting', 'open', 'a 5'])
    expect(other.heard()).toEqual(['open', 'b 2', 'connecting', 'open', 'b 4'])
  })

  test('a tab that hears nothing of all this has no gap either', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['never'])
    await send(world, 'a', 'a')
    await missing(world, 'a')
    await send(world, 'a')
    expect(tab.heard()).toEqual([...OPENING, 'connecting', 'open'])
  })
})
