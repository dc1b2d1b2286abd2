import { inspect } from 'node:util'
import { expose, type Remote, wrap } from 'comlink'
import { describe, expect, test } from 'vitest'
import { LeaderHost } from '../../../src/host/leader.ts'
import type { LinkEndpoint } from '../../../src/link/endpoint.ts'
import { guarded, TAB_CALLS } from '../../../src/link/guard.ts'
import { unpack } from '../../../src/link/pack.ts'
import {
  type Batch,
  EVENT_SOURCE_POLICY,
  type HubSide,
  PROTOCOL_VERSION,
  type TabSide,
} from '../../../src/link/protocol.ts'
import type { Platform } from '../../../src/page/platform.ts'
import { Hub } from '../../../worker/hub.ts'
import type { Agent } from '../../sim/world/agent.ts'
import type { World } from '../../sim/world/world.ts'
import { CONNECT, createWorld, inWords, requestOf, send, serverOf } from '../raw-tab.ts'

/** The channel that the pages of the default namespace hear. */
const COMMON = `tabstream/${PROTOCOL_VERSION}/`

/** Long enough for an election, too short for anybody to lose patience. */
const ELECTION = 400

/** So long a page waits for a leader's answer, and an election after that. */
const REPLACEMENT = 2_000 + ELECTION

const LONG = 60_000

/** A page with nothing but its host. */
class Page {
  readonly agent: Agent
  readonly host: LeaderHost
  /** The hubs that have lived here. */
  readonly hubs: Hub[] = []
  /** Names of the channels that this page has opened. */
  readonly opened: string[] = []
  /** Messages on the common channel that made no sense. */
  dropped = 0

  constructor(world: World, name: string, namespace = '', changes: Partial<Platform> = {}) {
    this.agent = world.agent(name)
    const platform = world.platform(this.agent, () => {})
    const openChannel = (channel: string) => {
      this.opened.push(channel)
      return platform.openChannel?.(channel) as LinkEndpoint
    }
    this.host = new LeaderHost(
      { ...platform, openChannel, ...changes },
      namespace,
      () => this.dropped++,
      (hubPlatform, id) => {
        const hub = new Hub(hubPlatform, id)
        this.hubs.push(hub)
        return hub
      },
    )
  }

  get hub(): Hub {
    return this.hubs.at(-1) as Hub
  }
}

/** A page's link, with a tab at its end that keeps what the hub sends, and gives it up when the hub is gone. */
class Tab {
  readonly notices: string[] = []
  readonly batches: Batch[] = []
  readonly endpoint: LinkEndpoint
  readonly hub: Remote<HubSide>
  /** What calls have been answered with, in order. */
  readonly answers: unknown[] = []

  constructor(page: Page) {
    this.endpoint = page.host.open(1, {
      refused: (reason) => this.notices.push(`refused: ${reason}`),
      gone: () => {
        this.notices.push('gone')
        this.endpoint.close()
      },
    })
    const tabSide: TabSide = {
      deliver: async (batch) => {
        this.batches.push(batch)
        return undefined
      },
      details: async () => undefined,
      part: () => {},
      retryDelay: async () => false,
      warn: () => {},
      ping: () => {},
    }
    const guard = guarded(this.endpoint, TAB_CALLS, () => {})
    this.hub = wrap<HubSide>(guard)
    expose(tabSide, guard)
  }

  attach(): void {
    this.#keep(this.hub.attach({ tabId: 'some tab', holdsLock: false }))
  }

  ping(): void {
    this.#keep(this.hub.ping())
  }

  listen(world: World, ...names: string[]): void {
    this.#keep(
      this.hub.subscribe({
        id: 1,
        epoch: 1,
        request: requestOf(serverOf(world)),
        policy: EVENT_SOURCE_POLICY,
        names,
      }),
    )
  }

  heard(): string[] {
    return this.batches.flatMap(({ entries }) => unpack(entries)).map(inWords)
  }

  #keep(answer: Promise<unknown>): void {
    answer.then((value) => this.answers.push(value))
  }
}

async function attachedTab(world: World, page: Page, ...names: string[]): Promise<Tab> {
  const tab = new Tab(page)
  tab.attach()
  if (names.length > 0) tab.listen(world, ...names)
  await world.clock.advance(ELECTION)
  return tab
}

/** A script of the origin that reads and writes on a channel. */
function overheard(world: World, name: string): { channel: LinkEndpoint; messages: unknown[] } {
  const channel = world.platform(world.agent('script'), () => {}).openChannel?.(name) as LinkEndpoint
  const messages: unknown[] = []
  channel.addEventListener('message', (event) => messages.push((event as MessageEvent).data))
  return { channel, messages }
}

const NONSENSE: readonly unknown[] = [
  null,
  undefined,
  0,
  'lead',
  true,
  [],
  ['lead', 1, 'hub'],
  {},
  new Map(),
  { type: 'unknown' },
  { type: 5, term: 1, hubId: 'hub' },
  { type: 'lead' },
  { type: 'lead', term: 1 },
  { type: 'lead', hubId: 'hub' },
  { type: 'lead', term: 1, hubId: '' },
  { type: 'lead', term: 1, hubId: 5 },
  ...[Number.NaN, Infinity, 1e308, 0.5, '1', null, [1], 1n].map((term) => ({
    type: 'lead',
    term,
    hubId: 'hub',
  })),
  ...[Number.NaN, -Infinity, 1e308, '1'].map((term) => ({ type: 'claim', term, hubId: 'hub' })),
  { type: 'claim', term: 1, hubId: {} },
  { type: 'resign' },
  { type: 'resign', hubId: null },
  { type: 'seek' },
  { type: 'seek', link: 5 },
  { type: 'seek', link: ['link'] },
  { type: 'found', link: 'link' },
  { type: 'found', link: 'link', hubId: '' },
  { type: 'found', link: 5, hubId: 'hub' },
]

const NONSENSE_IN_WORDS = NONSENSE.map((nonsense) => ({ nonsense, words: inspect(nonsense) }))

describe.each([
  { how: 'by a lock', hasLocks: true },
  { how: 'by terms', hasLocks: false },
])('elected $how', ({ hasLocks }) => {
  /** One page that leads and one that follows, each with a tab that listens. */
  const leaderAndFollower = async () => {
    const world = createWorld({ hasLocks })
    const leader = new Page(world, 'leader')
    const own = await attachedTab(world, leader, 'a')
    const follower = new Page(world, 'follower')
    const tab = await attachedTab(world, follower, 'a', 'b')
    return { world, leader, own, follower, tab }
  }

  test('the first page leads, and has a link to itself that crosses no channel', async () => {
    const { leader, own } = await leaderAndFollower()
    expect(leader.host.isHere()).toBe(true)
    expect(own.answers).toEqual([leader.hub.id, leader.hub.id])
    expect(leader.opened.filter((name) => name === COMMON)).toHaveLength(1)
    expect(leader.opened).toHaveLength(2)
  })

  test('another page has a link to the leader, over a channel of their own', async () => {
    const { world, leader, follower, tab } = await leaderAndFollower()
    expect(follower.host.isHere()).toBe(false)
    expect(follower.hubs).toEqual([])
    expect(tab.answers).toEqual([leader.hub.id, leader.hub.id])
    expect(leader.hub.report()).toMatchObject({ tabs: 2, malformed: 0, streams: [{ subscribers: 2 }] })
    expect(leader.opened.slice(1)).toEqual(follower.opened.slice(1))
    expect(follower.opened[1]?.startsWith(`${COMMON}/${leader.hub.id}/`)).toBe(true)
    expect(world.channels.names()).toHaveLength(2)
  })

  test('leader and follower share one connection, and each is given what it listens to', async () => {
    const { world, own, tab } = await leaderAndFollower()
    await send(world, 'a', 'b')
    expect(own.heard()).toEqual(['connecting', 'open', 'a 1'])
    expect(tab.heard()).toEqual(['open', 'a 1', 'b 2'])
    expect(serverOf(world).requests).toEqual([''])
  })

  test('a second link of a page leads to the same hub', async () => {
    const { world, leader, follower } = await leaderAndFollower()
    for (const page of [leader, follower]) {
      const tab = await attachedTab(world, page)
      expect(tab.answers).toEqual([leader.hub.id])
    }
    expect(leader.hub.report()).toMatchObject({ tabs: 4 })
  })

  test.each(['leader', 'follower'] as const)(
    'what a %s posts before there is a hub arrives in order',
    async (role) => {
      const world = createWorld({ hasLocks })
      const first = new Page(world, 'first')
      if (role === 'follower') await attachedTab(world, first)
      const page = role === 'follower' ? new Page(world, 'second') : first
      const tab = new Tab(page)
      tab.ping()
      tab.attach()
      tab.ping()
      await world.clock.advance(ELECTION)
      // Who has not attached yet is answered with nothing.
      expect(tab.answers).toEqual(['', first.hub.id, first.hub.id])
    },
  )

  test('pages of another namespace have a leader of their own, and hear nothing', async () => {
    const world = createWorld({ hasLocks })
    const pages = ['', 'other'].map((namespace) => new Page(world, 'page', namespace)) as [Page, Page]
    for (const page of pages) await attachedTab(world, page)
    expect(pages.map(({ host }) => host.isHere())).toEqual([true, true])
    world.channels.inject(COMMON, null)
    await world.clock.advance(0)
    expect(pages.map(({ dropped }) => dropped)).toEqual([1, 0])
  })

  test('without BroadcastChannel a page refuses, and says why', () => {
    const world = createWorld({ hasLocks })
    const page = new Page(world, 'page', '', { openChannel: undefined })
    expect(() => new Tab(page)).toThrow('BroadcastChannel')
    expect(world.locks.names()).toEqual([])
  })

  describe('nonsense', () => {
    test.each(NONSENSE_IN_WORDS)(
      'on the common channel is ignored and counted: $words',
      async ({ nonsense }) => {
        const { world, leader, own, follower, tab } = await leaderAndFollower()
        world.channels.inject(COMMON, nonsense)
        await world.clock.advance(ELECTION)
        expect([leader.dropped, follower.dropped]).toEqual([1, 1])
        await send(world, 'a')
        expect([own.heard().at(-1), tab.heard().at(-1)]).toEqual(['a 1', 'a 1'])
        expect([...own.notices, ...tab.notices]).toEqual([])
      },
    )

    test.each(NONSENSE_IN_WORDS)(
      "on a link's channel is ignored and counted: $words",
      async ({ nonsense }) => {
        const { world, leader, follower, tab } = await leaderAndFollower()
        const { channel } = overheard(world, follower.opened[1] as string)
        channel.postMessage(nonsense)
        await send(world, 'a')
        expect(leader.hub.report().malformed).toBe(1)
        expect(tab.heard().at(-1)).toBe('a 1')
      },
    )

    test('in a page that waits for a leader does not keep it from finding one', async () => {
      const world = createWorld({ hasLocks })
      const page = new Page(world, 'page')
      const tab = new Tab(page)
      tab.attach()
      for (const nonsense of NONSENSE) world.channels.inject(COMMON, nonsense)
      await world.clock.advance(ELECTION)
      expect(page.dropped).toBe(NONSENSE.length)
      expect(tab.answers).toEqual([page.hub.id])
    })
  })

  describe('a page that leaves', () => {
    test('closes every channel, and gives its lock up', async () => {
      const { world, leader, follower, tab } = await leaderAndFollower()
      // As the client does before.
      tab.hub.detach()
      tab.endpoint.close()
      follower.host.leave()
      leader.host.leave()
      await world.clock.advance(0)
      expect(world.channels.names()).toEqual([])
      expect(world.locks.names()).toEqual([])
      expect(serverOf(world).connections).toBe(0)
      await world.clock.advance(LONG)
      expect(world.channels.names()).toEqual([])
      expect([leader, follower].map(({ hubs }) => hubs.length)).toEqual([1, 0])
    })

    test('and led hands over to the next, whose tab is told', async () => {
      const { world, leader, own, follower, tab } = await leaderAndFollower()
      leader.host.leave()
      expect(leader.host.isHere()).toBe(false)
      await world.clock.advance(0)
      expect(tab.notices).toEqual(['gone'])
      expect(own.notices).toEqual(['gone'])
      const again = await attachedTab(world, follower, 'a')
      expect(again.answers).toEqual([follower.hub.id, follower.hub.id])
      expect(follower.host.isHere()).toBe(true)
      await world.clock.advance(CONNECT)
      expect(serverOf(world)).toMatchObject({ connections: 1, peak: 1 })
    })

    test('without having led changes nothing for the others', async () => {
      const { world, leader, own, follower } = await leaderAndFollower()
      follower.host.leave()
      await world.clock.advance(LONG)
      await send(world, 'a')
      expect(own.heard().at(-1)).toBe('a 1')
      expect(leader.hubs).toHaveLength(1)
    })

    test('before it has a hub refuses its links, and is elected no more', async () => {
      const world = createWorld({ hasLocks })
      const page = new Page(world, 'page')
      const tab = new Tab(page)
      page.host.leave()
      await world.clock.advance(LONG)
      expect(tab.notices).toEqual(['refused: the page was left'])
      expect(page.hubs).toEqual([])
      expect(world.channels.names()).toEqual([])
    })

    test('may come back, as leader', async () => {
      const world = createWorld({ hasLocks })
      const page = new Page(world, 'page')
      await attachedTab(world, page)
      page.host.leave()
      await world.clock.advance(0)
      const tab = await attachedTab(world, page)
      expect(page.hubs).toHaveLength(2)
      expect(tab.answers).toEqual([page.hub.id])
    })

    test('may come back, as follower', async () => {
      const { world, leader, follower, tab } = await leaderAndFollower()
      leader.host.leave()
      await world.clock.advance(0)
      expect(tab.notices).toEqual(['gone'])
      await attachedTab(world, follower)
      const back = await attachedTab(world, leader)
      expect(back.answers).toEqual([follower.hub.id])
      expect([leader, follower].map(({ host }) => host.isHere())).toEqual([false, true])
    })

    test('without ever having opened a link harms nobody', async () => {
      const { world, leader, own } = await leaderAndFollower()
      new Page(world, 'idle').host.leave()
      await send(world, 'a')
      expect(own.heard().at(-1)).toBe('a 1')
      expect(leader.hubs).toHaveLength(1)
    })
  })

  describe('a leader that stands still', () => {
    /** The follower gives its link up, as a client does that has had no answer, and opens another. */
    const replaced = async () => {
      const played = await leaderAndFollower()
      const { world, leader, follower, tab } = played
      leader.agent.freeze()
      tab.endpoint.close()
      const again = new Tab(follower)
      again.attach()
      await world.clock.advance(REPLACEMENT)
      return { ...played, again }
    }

    test('is replaced by a page that has waited for its answer', async () => {
      const { follower, again } = await replaced()
      expect(follower.host.isHere()).toBe(true)
      expect(again.answers).toEqual([follower.hub.id])
      expect(again.notices).toEqual([])
    })

    test('is not replaced where it answers just in time', async () => {
      const { world, leader, follower, tab } = await leaderAndFollower()
      leader.agent.freeze()
      tab.endpoint.close()
      const again = new Tab(follower)
      again.attach()
      await world.clock.advance(hasLocks ? 1_900 : 250)
      leader.agent.wake()
      await world.clock.advance(LONG)
      expect(again.answers).toEqual([leader.hub.id])
      expect([leader, follower].map(({ hubs }) => hubs.length)).toEqual([1, 0])
    })

    test('closes its connections and its links when it wakes, and its tab is told', async () => {
      const { world, leader, own, follower } = await replaced()
      const former = leader.hub.id
      expect(world.channels.names().some((name) => name.includes(former))).toBe(true)
      leader.agent.wake()
      await world.clock.advance(ELECTION)
      expect(leader.host.isHere()).toBe(false)
      expect(own.notices).toEqual(['gone'])
      expect(leader.hub.report()).toMatchObject({ tabs: 0, streams: [] })
      expect(serverOf(world).connections).toBe(0)
      expect(world.channels.names().filter((name) => name.includes(former))).toEqual([])
      expect(world.locks.names().filter((name) => name.includes(former))).toEqual([])
      expect(follower.hubs).toHaveLength(1)
    })

    test('follows its successor when it wakes', async () => {
      const { world, leader, own, follower } = await replaced()
      leader.agent.wake()
      await world.clock.advance(ELECTION)
      expect(own.notices).toEqual(['gone'])
      const back = await attachedTab(world, leader)
      expect(back.answers).toEqual([follower.hub.id])
      expect(follower.hub.report()).toMatchObject({ tabs: 2 })
    })

    test('is left by its other followers as soon as there is another', async () => {
      const { world, leader, follower } = await leaderAndFollower()
      const third = new Page(world, 'third')
      const bystander = await attachedTab(world, third)
      leader.agent.freeze()
      new Tab(follower)
      await world.clock.advance(LONG)
      expect(follower.host.isHere()).toBe(true)
      expect(bystander.notices).toEqual(['gone'])
    })
  })

  test('a leader that dies is replaced as soon as a follower gives its link up', async () => {
    const { world, leader, follower, tab } = await leaderAndFollower()
    leader.agent.kill()
    tab.endpoint.close()
    const again = await attachedTab(world, follower)
    expect(again.answers).toEqual([follower.hub.id])
  })

  test('a page that leads once more serves every link anew', async () => {
    const world = createWorld({ hasLocks })
    const page = new Page(world, 'page')
    const seek = async () => {
      await attachedTab(world, page)
      world.channels.inject(COMMON, { type: 'seek', link: 'some link' })
      await world.clock.advance(0)
      expect(page.opened.at(-1)).toBe(`${COMMON}/${page.hub.id}/some link`)
    }
    await seek()
    page.host.leave()
    await world.clock.advance(0)
    await seek()
    expect(page.hubs).toHaveLength(2)
  })

  test('a page that seeks twice with one link is answered twice and served once', async () => {
    const { world, leader } = await leaderAndFollower()
    const { channel, messages } = overheard(world, COMMON)
    const { length } = leader.opened
    for (const _ of ['once', 'again']) channel.postMessage({ type: 'seek', link: 'some link' })
    await world.clock.advance(0)
    const found = { type: 'found', link: 'some link', hubId: leader.hub.id }
    expect(messages).toEqual([found, found])
    expect(leader.opened.slice(length)).toEqual([`${COMMON}/${leader.hub.id}/some link`])
  })

  test('who does not lead answers no seek', async () => {
    const { world, leader, follower } = await leaderAndFollower()
    const { channel, messages } = overheard(world, COMMON)
    leader.agent.freeze()
    const { length } = follower.opened
    channel.postMessage({ type: 'seek', link: 'some link' })
    await world.clock.advance(0)
    expect(messages).toEqual([])
    expect(follower.opened).toHaveLength(length)
  })

  test('a link that has a hub follows no later answer to its seek, a link that is closed none at all', async () => {
    const { world, follower, tab } = await leaderAndFollower()
    const link = follower.opened[1]?.split('/').at(-1) as string
    const stale = () => {
      world.channels.inject(COMMON, { type: 'found', link, hubId: 'another hub' })
      world.channels.inject(COMMON, { type: 'found', link: 'no such link', hubId: 'another hub' })
    }
    stale()
    await send(world, 'a')
    expect(tab.heard().at(-1)).toBe('a 1')
    tab.endpoint.close()
    stale()
    await send(world, 'a')
    expect(follower.opened).toHaveLength(2)
    expect(tab.heard().at(-1)).toBe('a 1')
  })

  test('a batch for one follower is heard by nobody else', async () => {
    const { world, follower } = await leaderAndFollower()
    const others = ['third', 'fourth', 'fifth'].map((name) => new Page(world, name))
    for (const page of others) await attachedTab(world, page, 'c')
    // Otherwise they are told their positions now and then.
    await send(world, 'c')
    const counts = [follower, ...others].map(({ opened }) => overheard(world, opened[1] as string).messages)
    const common = overheard(world, COMMON).messages
    await send(world, 'b', 'b', 'b')
    // Each batch, and its acknowledgement.
    expect(counts.map(({ length }) => length)).toEqual([6, 0, 0, 0])
    expect(common).toEqual([])
  })

  test('a follower that goes leaves no channel', async () => {
    const { world, leader, tab } = await leaderAndFollower()
    tab.hub.detach()
    tab.endpoint.close()
    await world.clock.advance(ELECTION)
    expect(leader.hub.report()).toMatchObject({ tabs: 1 })
    expect(world.channels.names()).toEqual([COMMON])
  })
  test('a page that seeks and is never heard of again leaves no channel', async () => {
    const { world, leader } = await leaderAndFollower()
    const before = world.channels.names().length
    world.channels.inject(COMMON, { type: 'seek', link: 'some link' })
    await world.clock.advance(10 * LONG)
    expect(leader.host.isHere()).toBe(true)
    expect(world.channels.names()).toHaveLength(before)
  })
  test('the resignation of a hub without an ID is nonsense', async () => {
    const world = createWorld({ hasLocks })
    const page = new Page(world, 'page')
    const tab = new Tab(page)
    world.channels.inject(COMMON, { type: 'resign', hubId: '' })
    await world.clock.advance(0)
    expect(page.dropped).toBe(1)
    expect(tab.notices).toEqual([])
  })
})

test('a page that gives way to another that is never elected claims the office again and again', async () => {
  const world = createWorld({ hasLocks: false })
  const page = new Page(world, 'page')
  const { channel, messages } = overheard(world, COMMON)
  const claims = () => messages.filter((message) => (message as { type: string }).type === 'claim')
  const tab = new Tab(page)
  tab.attach()
  for (const count of [1, 2, 3]) {
    await world.clock.advance(100)
    expect(claims()).toHaveLength(count)
    // Better, since a space comes before every other character.
    channel.postMessage({ ...(claims().at(-1) as object), hubId: ' ' })
    await world.clock.advance(1_900)
    expect(page.hubs).toEqual([])
  }
  await world.clock.advance(ELECTION)
  expect(tab.answers).toEqual([page.hub.id])
})
test('a leader of the last of all terms does not part the pages', async () => {
  const world = createWorld({ hasLocks: false })
  const pages = [new Page(world, 'one'), new Page(world, 'other')]
  const tabs = pages.map((page) => new Tab(page))
  world.channels.inject(COMMON, { type: 'lead', term: Number.MAX_SAFE_INTEGER, hubId: 'absurd' })
  await world.clock.advance(100)
  for (const tab of tabs) tab.attach()
  await world.clock.advance(LONG)
  expect(pages.filter(({ host }) => host.isHere())).toHaveLength(1)
  expect(tabs[0]?.answers).toEqual(tabs[1]?.answers)
})

describe('where locks are forbidden', () => {
  const refusedPage = async () => {
    const world = createWorld()
    const request = () => Promise.reject(new DOMException('the origin is opaque', 'SecurityError'))
    const page = new Page(world, 'page', '', { locks: { query: async () => ({}), request } })
    const tab = new Tab(page)
    await world.clock.advance(0)
    return { world, page, tab }
  }

  test('a page refuses, and says why', async () => {
    const { world, page, tab } = await refusedPage()
    expect(tab.notices).toEqual([expect.stringContaining('the origin is opaque')])
    await world.clock.advance(LONG)
    expect(tab.notices).toHaveLength(1)
    expect(page.host.isHere()).toBe(false)
  })

  test('it refuses each time that it is asked', async () => {
    const { world, page, tab } = await refusedPage()
    const again = new Tab(page)
    await world.clock.advance(0)
    expect(tab.notices).toHaveLength(1)
    expect(again.notices).toEqual([expect.stringContaining('the origin is opaque')])
  })
  test('it leaves no channel', async () => {
    const { world } = await refusedPage()
    expect(world.channels.names()).toEqual([])
  })
})

describe('a leader that is robbed of the lock', () => {
  /** Takes the lock as a page does that gets no answer. Nobody leads then. */
  const rob = async (world: World): Promise<void> => {
    const { locks } = world.platform(world.agent('thief'), () => {})
    void locks?.request(`${COMMON}/leader`, { steal: true }, () => new Promise(() => {})).catch(() => {})
    await world.clock.advance(0)
  }

  test('says so, and its followers look for the next one at once', async () => {
    const world = createWorld()
    const [leader, follower] = [new Page(world, 'leader'), new Page(world, 'follower')]
    await attachedTab(world, leader)
    const tab = await attachedTab(world, follower)
    const { messages } = overheard(world, COMMON)
    await rob(world)
    expect(messages).toContainEqual({ type: 'resign', hubId: leader.hub.id })
    expect(tab.notices).toEqual(['gone'])
  })

  test('calls no link any more that it was taking in', async () => {
    const world = createWorld()
    const leader = new Page(world, 'leader')
    await attachedTab(world, leader)
    let taken = () => {}
    leader.hub.connect = () =>
      new Promise((resolve) => {
        taken = resolve
      })
    world.channels.inject(COMMON, { type: 'seek', link: 'some link' })
    await world.clock.advance(0)
    await rob(world)
    const { messages } = overheard(world, COMMON)
    taken()
    await world.clock.advance(0)
    expect(messages).toEqual([])
  })
})
