import { expose, type Remote, wrap } from 'comlink'
import { describe, expect, test } from 'vitest'
import { directHost } from '../../../src/host/direct.ts'
import { lazyHost } from '../../../src/host/lazy.ts'
import { LeaderHost } from '../../../src/host/leader.ts'
import type { Host, LinkNotices } from '../../../src/link/host.ts'
import { pack } from '../../../src/link/pack.ts'
import {
  type Entry,
  type HubSide,
  hubLockName,
  type Subscription,
  type TabSide,
  tabLockName,
} from '../../../src/link/protocol.ts'
import { Client } from '../../../src/page/client.ts'
import type { TabstreamError } from '../../../src/page/errors.ts'
import { reconnect } from '../../../src/page/for-everyone.ts'
import { inspectClient } from '../../../src/page/inspect-client.ts'
import type { Inspection } from '../../../src/page/inspection.ts'
import type { PageSubscription } from '../../../src/page/page-subscription.ts'
import type { PageEvent } from '../../../src/page/platform.ts'
import { NOWHERE } from '../../../worker/stream/anchor.ts'
import type { Agent } from '../../sim/world/agent.ts'
import { stateEntry } from '../../sim/world/samples.ts'
import type { WholePlatform, World } from '../../sim/world/world.ts'
import { createWorld, inWords, send, serverOf, UNNOTICED, wishOf } from '../raw-tab.ts'

const OPENING = ['connecting', 'open']

/** Long enough to attach and connect. */
const ATTACH = 100

/** Long enough to attach again, even to a hub that did not last. */
const REATTACH = 3_000

/** Long enough for every host to be given up. */
const GIVE_UP = 60_000

/** A page with the real client; its hub lives in a virtual SharedWorker unless it is given other hosts. */
class Page {
  readonly agent: Agent
  readonly platform: WholePlatform
  readonly client: Client
  readonly warnings: string[] = []
  readonly errors: string[] = []
  readonly entries: Entry[] = []
  readonly #listeners = new Map<PageEvent, () => void>()

  constructor(world: World, name: string, hostsFor?: (page: Page) => readonly Host[]) {
    this.agent = world.agent(name)
    this.platform = world.platform(
      this.agent,
      (type, listener) => this.#listeners.set(type, listener),
      (message) => this.warnings.push(message),
      (message) => this.errors.push(message),
    )
    this.client = new Client(this.platform, hostsFor?.(this) ?? [world.sharedWorkerHost(this.agent)])
  }

  happen(type: PageEvent): void {
    this.#listeners.get(type)?.()
  }

  listen(world: World, ...names: string[]): PageSubscription {
    const subscription = this.client.subscribe(wishOf(serverOf(world)), (entry) => {
      this.entries.push({ ...entry })
      return undefined
    })
    subscription.setNames(names)
    return subscription
  }

  heard(): string[] {
    return this.entries.map(inWords)
  }

  /** What the page was given of the stream itself. */
  events(): string[] {
    return this.entries.filter(({ type }) => type !== 'state').map(inWords)
  }
}

async function listeningPage(world: World, name: string, ...names: string[]): Promise<Page> {
  const page = new Page(world, name)
  page.listen(world, ...names)
  await world.clock.advance(ATTACH)
  return page
}

/** What becomes of a promise within so many ms of virtual time. */
async function within<Result>(world: World, duration: number, promise: Promise<Result>) {
  const outcome = promise.then(
    (value) => ({ value }),
    (error: Error) => ({ error }),
  )
  await world.clock.advance(duration)
  return Promise.race([outcome, Promise.resolve('nothing' as const)])
}

/** Notes when a host is tried. */
const noted = (host: Host, notes: string[], note: string): Host => ({
  ...host,
  open(generation, notices) {
    notes.push(note)
    return host.open(generation, notices)
  },
})

const refusing = (reason: string): Host => ({
  name: 'shared-worker',
  open() {
    throw new Error(reason)
  },
})

/** Opens a link, as a SharedWorker does whose script cannot be loaded, and says so a little later. */
const refusingLater = (world: World, page: Page, reason: string): Host => ({
  name: 'shared-worker',
  open(_generation, { refused }) {
    page.agent.schedule(10, () => refused(reason))
    return world.link(page.agent, world.agent('nobody')).port1
  },
})

const silent = (world: World, page: Page, generations: number[] = []): Host => ({
  name: 'shared-worker',
  open(generation) {
    generations.push(generation)
    return world.link(page.agent, world.agent('nobody')).port1
  },
})

const direct = (page: Page): Host => directHost(page.platform)

const leader = (page: Page): Host => new LeaderHost(page.platform, '', () => page.client.dropped())

/** Long enough for an election without locks. */
const ELECTION = 400

/** A page that listens to these names; its hub lives in it or in another page of this kind. */
async function listeningPeer(world: World, name: string, ...names: string[]): Promise<Page> {
  const page = new Page(world, name, (self) => [leader(self)])
  page.listen(world, ...names)
  await world.clock.advance(ELECTION + ATTACH)
  return page
}

const REPORT = { hubId: 'fake', tabs: 1, malformed: 0, streams: [], origins: [] }

/** A hub that answers as it is told; `answersFor` is given the page's end of the link. */
const fakeHub = (world: World, page: Page, answersFor: (tab: Remote<TabSide>) => Partial<HubSide>): Host => ({
  name: 'shared-worker',
  open() {
    const agent = world.agent('fake hub')
    const { port1, port2 } = world.link(agent, page.agent)
    world.locks.for(agent).request(hubLockName('fake'), {}, () => new Promise(() => {}))
    const hub: HubSide = {
      attach: () => 'fake',
      subscribe: () => 'fake',
      unsubscribe: () => {},
      end: () => {},
      working: () => {},
      send: async () => undefined,
      reconnect: () => {},
      detach: () => {},
      wake: () => {},
      hide: () => {},
      ping: () => 'fake',
      inspect: () => REPORT,
      look: () => ({ report: REPORT, life: { now: 0, isOffline: false, tabs: [], streams: [], former: [] } }),
      disturb: () => {},
      ...answersFor(wrap<TabSide>(port1)),
    }
    expose(hub, port1)
    return port2
  },
})

describe('the ladder', () => {
  test('ends at the first host that answers', async () => {
    const world = createWorld()
    const tried: string[] = []
    const page = new Page(world, 'page', (self) => [
      noted(refusing('no such thing'), tried, 'refusing'),
      noted(refusingLater(world, self, 'no script'), tried, 'refusing later'),
      noted(world.sharedWorkerHost(self.agent), tried, 'answering'),
      noted(direct(self), tried, 'never needed'),
    ])
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    expect(tried).toEqual(['refusing', 'refusing later', 'answering'])
    await send(world, 'a')
    expect(page.heard()).toEqual([...OPENING, 'a 1'])
  })

  test('leaves a host that refuses at once without waiting', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [refusing('no such thing'), direct(self)])
    expect(await within(world, 0, inspectClient(page.client))).toMatchObject({ value: { host: 'direct' } })
  })

  test('leaves a host that refuses later as soon as it does', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [refusingLater(world, self, 'no script'), direct(self)])
    expect(await within(world, 10, inspectClient(page.client))).toMatchObject({ value: { host: 'direct' } })
  })

  test('asks a host that does not answer several times, then its successor, then goes on', async () => {
    const world = createWorld()
    const generations: number[] = []
    const page = new Page(world, 'page', (self) => [silent(world, self, generations), direct(self)])
    page.listen(world, 'a')
    await world.clock.advance(GIVE_UP)
    expect(page.heard()).toEqual(OPENING)
    expect(generations.filter((generation) => generation === 1).length).toBeGreaterThan(1)
    expect(generations.filter((generation) => generation === 2).length).toBeGreaterThanOrEqual(1)
    expect(generations).toEqual([...generations].sort())
  })

  test('gives a host that does not answer ten seconds, for a slow network', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [silent(world, self), direct(self)])
    page.listen(world, 'a')
    await world.clock.advance(9_900)
    expect(page.heard()).toEqual([])
  })

  test('tells a host how often it has been asked, the second time after a second', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => {
      const host: Host = {
        name: 'shared-worker',
        open(_generation, { refused }, attempt) {
          if (attempt === 2) self.agent.schedule(10, () => refused('it is known to be broken'))
          return world.link(self.agent, world.agent('nobody')).port1
        },
      }
      return [host, direct(self)]
    })
    const outcome = within(world, 1_020, inspectClient(page.client))
    expect(await outcome).toMatchObject({
      value: { host: 'direct', refused: [{ host: 'shared-worker', reason: 'it is known to be broken' }] },
    })
  })

  test('fetches the code of a host when it comes to it, once', async () => {
    const world = createWorld()
    let fetched = 0
    const page = new Page(world, 'page', (self) => [
      refusing('no such thing'),
      lazyHost('direct', async () => {
        fetched++
        return { direct: direct(self) }
      }),
    ])
    expect(fetched).toBe(0)
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    page.happen('pagehide')
    await world.clock.advance(ATTACH)
    expect(serverOf(world).connections).toBe(0)
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    await send(world, 'a')
    expect(page.events().at(-1)).toBe('a 1')
    expect(fetched).toBe(1)
  })

  test('goes on where that cannot be fetched', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [
      lazyHost('leader', () => Promise.reject(new Error('offline'))),
      direct(self),
    ])
    expect(await within(world, 0, inspectClient(page.client))).toMatchObject({
      value: { host: 'direct', refused: [{ host: 'leader', reason: 'offline' }] },
    })
  })

  test('takes a hub that answers late', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [world.sharedWorkerHost(self.agent), direct(self)])
    world.sharedWorkerHost(page.agent).open(1, UNNOTICED)
    const [worker] = world.workers()
    worker?.agent.freeze()
    world.clock.schedule(2_000, () => worker?.agent.wake())
    expect(await within(world, 2_100, inspectClient(page.client))).toMatchObject({
      value: { host: 'shared-worker' },
    })
  })

  test('is climbed once for all who ask meanwhile', async () => {
    const world = createWorld()
    const tried: string[] = []
    const page = new Page(world, 'page', (self) => [
      noted(world.sharedWorkerHost(self.agent), tried, 'tried'),
    ])
    page.listen(world, 'a')
    page.listen(world, 'b')
    inspectClient(page.client)
    await world.clock.advance(ATTACH)
    expect(tried).toEqual(['tried'])
    expect(world.hubs[0]?.report()).toMatchObject({ tabs: 1, streams: [{ subscribers: 2 }] })
  })

  test('leaves no lock behind at hosts that were given up', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [
      refusing('no such thing'),
      refusingLater(world, self, 'no script'),
      silent(world, self),
      world.sharedWorkerHost(self.agent),
    ])
    page.listen(world, 'a')
    await world.clock.advance(GIVE_UP)
    expect(page.heard()).toEqual(OPENING)
    expect(world.locks.names().filter((name) => name.includes(':tab:'))).toHaveLength(1)
  })
})

describe('the warning', () => {
  test('names the host in use and why the others are not', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [
      refusing('no such thing'),
      refusingLater(world, self, 'no script'),
      direct(self),
    ])
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    expect(page.warnings).toHaveLength(1)
    for (const words of ['"direct"', 'shared-worker: no such thing', 'shared-worker: no script']) {
      expect(page.warnings[0]).toContain(words)
    }
  })

  test('is given once, however often the page attaches', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [refusing('no such thing'), direct(self)])
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    for (const _ of ['once', 'again']) {
      page.happen('pagehide')
      await world.clock.advance(ATTACH)
      page.happen('pageshow')
      await world.clock.advance(ATTACH)
    }
    expect(page.warnings).toHaveLength(1)
    expect(page.heard().filter((words) => words === 'open')).toHaveLength(3)
  })

  test('is not given where the first host answers', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    expect(page.heard()).toEqual(OPENING)
    expect(page.warnings).toEqual([])
  })
})

describe('without any host', () => {
  test('every subscription is closed, with the reasons', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', () => [refusing('this context has no SharedWorker')])
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    expect(page.entries).toMatchObject([
      {
        type: 'state',
        state: 'closed',
        error: { message: expect.stringContaining('shared-worker: this context has no SharedWorker') },
      },
    ])
  })

  test('every subscription stays and is told of each attempt, where a script may be had later', async () => {
    const world = createWorld()
    let isThere = false
    const page = new Page(world, 'page', (self) => [
      refusing('this context has no SharedWorker'),
      lazyHost('direct', async () => {
        if (!isThere) throw new Error('not found')
        return { direct: direct(self) }
      }),
    ])
    page.listen(world, 'a')
    await world.clock.advance(7_100)
    const attempts = [1, 2, 3, 4].map((attempt) => ({
      type: 'state',
      state: 'connecting',
      attempt,
      // At 0, 1, 3 and 7 seconds.
      retryAt: 1_000 * (2 ** attempt - 1),
      error: { message: expect.stringContaining('direct: not found') },
    }))
    expect(page.entries).toMatchObject(attempts)
    expect(page.warnings).toEqual([
      expect.stringMatching(/no host is available .*not found.* goes on trying/),
    ])
    isThere = true
    await world.clock.advance(8_000)
    await send(world, 'a')
    expect(page.events()).toEqual(['a 1'])
  })

  test('the next attempt begins as soon as the browser is online, or the page asks for it', async () => {
    const world = createWorld()
    let attempts = 0
    const page = new Page(world, 'page', () => [
      lazyHost('direct', () => {
        attempts++
        return Promise.reject(new Error('not found'))
      }),
    ])
    const subscription = page.listen(world, 'a')
    await world.clock.advance(100)
    expect(attempts).toBe(1)
    for (const type of ['online', 'visible', 'resume'] as const) page.happen(type)
    await world.clock.advance(100)
    expect(attempts).toBe(2)
    reconnect(page.client, subscription)
    await world.clock.advance(100)
    expect(attempts).toBe(3)
    await world.clock.advance(3_500)
    expect(attempts).toBe(3)
    page.happen('pagehide')
    await world.clock.advance(60_000)
    expect(attempts).toBe(3)
  })

  test('after a minute without success it is tried every half minute', async () => {
    const world = createWorld()
    let attempts = 0
    const page = new Page(world, 'page', () => [
      lazyHost('direct', () => {
        attempts++
        return Promise.reject(new Error('not found'))
      }),
    ])
    page.listen(world, 'a')
    await world.clock.advance(60_000)
    attempts = 0
    await world.clock.advance(3_600_000)
    expect(attempts).toBe(120)
    expect(page.warnings).toHaveLength(1)
  })

  test('inspect() rejects, and says so in its type', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', () => [refusing('this context has no SharedWorker')])
    const outcome = await within(world, ATTACH, inspectClient(page.client))
    expect(outcome).toMatchObject({ error: { name: 'TabstreamError', type: 'no-host' } })
    expect((outcome as { error: TabstreamError }).error.message).toContain('this context has no SharedWorker')
  })

  test('inspect() rejects where no hub ever answers', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [silent(world, self)])
    const outcome = await within(world, GIVE_UP, inspectClient(page.client))
    expect(outcome).toMatchObject({ error: { type: 'no-host' } })
  })
})

describe('a host that gives notice', () => {
  /** Hands the notices of each link over, as they are opened. */
  const noticing = (host: Host, links: LinkNotices[]): Host => ({
    ...host,
    open(generation, notices) {
      links.push(notices)
      return host.open(generation, notices)
    },
  })

  const noticedPage = async (world: World) => {
    const links: LinkNotices[] = []
    const page = new Page(world, 'page', (self) => [
      noticing(world.sharedWorkerHost(self.agent), links),
      direct(self),
    ])
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    return { links, page }
  }

  test('that the hub is gone before it has answered is asked again, at once, and not left', async () => {
    const world = createWorld()
    const tried: string[] = []
    const page = new Page(world, 'page', (self) => {
      const [first, later] = [silent(world, self), world.sharedWorkerHost(self.agent)]
      const changing: Host = {
        name: 'leader',
        open(generation, notices) {
          if (tried.length > 1) return later.open(generation, notices)
          self.agent.schedule(10, () => notices.gone())
          return first.open(generation, notices)
        },
      }
      return [noted(changing, tried, 'changing'), noted(direct(self), tried, 'never needed')]
    })
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    expect(tried).toEqual(['changing', 'changing'])
    expect(page.heard()).toEqual(OPENING)
    expect(page.warnings).toEqual([])
    expect(world.locks.names().filter((name) => name.includes(':tab:'))).toHaveLength(1)
  })

  test('that the hub is gone after it has answered is attached to anew, without loss', async () => {
    const world = createWorld()
    const { links, page } = await noticedPage(world)
    await send(world, 'a')
    links[0]?.gone()
    await send(world, 'a')
    await world.clock.advance(ATTACH)
    expect(links).toHaveLength(2)
    expect(page.events()).toEqual(['a 1', 'a 2'])
    expect(world.hubs[0]?.report()).toMatchObject({ tabs: 1 })
  })

  test('of a link that has been given up since changes nothing', async () => {
    const world = createWorld()
    const { links, page } = await noticedPage(world)
    links[0]?.gone()
    await world.clock.advance(ATTACH)
    for (const { gone, refused } of links.slice(0, 1)) {
      gone()
      refused('too late')
    }
    await send(world, 'a')
    await world.clock.advance(REATTACH)
    expect(links).toHaveLength(2)
    expect(page.events()).toEqual(['a 1'])
  })

  test('that it has no hub after one has answered is not believed', async () => {
    const world = createWorld()
    const { links, page } = await noticedPage(world)
    links[0]?.refused('too late')
    await world.clock.advance(REATTACH)
    await send(world, 'a')
    expect(links).toHaveLength(1)
    expect(page.events()).toEqual(['a 1'])
    expect(page.warnings).toEqual([])
  })
})

describe('pages with a leader', () => {
  test.each([true, false])('share one connection (locks: %s)', async (hasLocks) => {
    const world = createWorld({ hasLocks })
    const [one, other] = [
      await listeningPeer(world, 'one', 'a'),
      await listeningPeer(world, 'other', 'a', 'b'),
    ]
    await send(world, 'a', 'b')
    expect([one.events(), other.events()]).toEqual([['a 1'], ['a 1', 'b 2']])
    expect(serverOf(world)).toMatchObject({ requests: [''], connections: 1 })
  })

  test.each([
    { how: 'leaves', hasLocks: true },
    { how: 'leaves', hasLocks: false },
    { how: 'dies', hasLocks: true },
    { how: 'dies', hasLocks: false },
    { how: 'is frozen', hasLocks: true },
    { how: 'is frozen', hasLocks: false },
  ])('go on without loss when it $how (locks: $hasLocks)', async ({ how, hasLocks }) => {
    const world = createWorld({ hasLocks })
    const first = await listeningPeer(world, 'first', 'a')
    const others = [await listeningPeer(world, 'second', 'a'), await listeningPeer(world, 'third', 'a')]
    await send(world, 'a', 'a', 'a')
    if (how === 'leaves') first.happen('pagehide')
    else if (how === 'dies') first.agent.kill()
    else first.agent.freeze()
    await send(world, 'a')
    await world.clock.advance(GIVE_UP)
    await send(world, 'a')
    for (const page of others) expect(page.events()).toEqual(['a 1', 'a 2', 'a 3', 'a 4', 'a 5'])
    if (how === 'is frozen') first.agent.wake()
    await world.clock.advance(GIVE_UP)
    expect(serverOf(world).connections).toBe(1)
    const reports = others.map(async (page) => within(world, ATTACH, inspectClient(page.client)))
    const [second, third] = (await Promise.all(reports)) as { value: { hubId: string; isHere: boolean } }[]
    expect(second?.value.hubId).toBe(third?.value.hubId)
    expect([second?.value.isHere, third?.value.isHere].sort()).toEqual([false, true])
  })
  test('do not wait for a worker that never answers again when the leader changes', async () => {
    const world = createWorld()
    const pages = ['one', 'other'].map((name) => {
      const page = new Page(world, name, (self) => [silent(world, self), leader(self)])
      page.listen(world, 'a')
      return page
    })
    await world.clock.advance(GIVE_UP)
    await send(world, 'a')
    pages[0]?.happen('pagehide')
    await world.clock.advance(REATTACH)
    await send(world, 'a')
    expect(pages[1]?.events()).toEqual(['a 1', 'a 2'])
  })
  test('share one connection, however many are opened one after the other', async () => {
    const world = createWorld({ hasLocks: false })
    const pages = Array.from({ length: 10 }, (_, index) => {
      const page = new Page(world, `page ${index}`, (self) => [leader(self), direct(self)])
      world.clock.schedule(200 * index, () => page.listen(world, 'a'))
      return page
    })
    await world.clock.advance(GIVE_UP)
    await send(world, 'a')
    expect(pages.map((page) => page.events())).toEqual(pages.map(() => ['a 1']))
    expect(serverOf(world)).toMatchObject({ connections: 1, peak: 1 })
  })
})

describe('a subscription', () => {
  test('gets the events of its names, each once', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a', 'b')
    await send(world, 'a', 'c', 'b')
    expect(page.heard()).toEqual([...OPENING, 'a 1', 'b 3'])
  })

  test('shares one connection with those of other pages', async () => {
    const world = createWorld()
    const one = await listeningPage(world, 'one', 'a')
    const other = await listeningPage(world, 'other', 'a')
    await send(world, 'a')
    expect([one.events(), other.events()]).toEqual([['a 1'], ['a 1']])
    expect(serverOf(world).requests).toEqual([''])
  })

  test('that is closed gets no more, and ends the connection if it was the last', async () => {
    const world = createWorld()
    const page = new Page(world, 'page')
    const subscription = page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    subscription.close()
    await send(world, 'a')
    expect(page.heard()).toEqual(OPENING)
    await world.clock.advance(5_000)
    expect(serverOf(world).connections).toBe(0)
  })

  test('that adds a name within a listener gets what follows that very event', async () => {
    const world = createWorld()
    const page = new Page(world, 'page')
    const subscription = page.client.subscribe(wishOf(serverOf(world)), (entry) => {
      page.entries.push({ ...entry })
      if (inWords(entry) === 'a 1') subscription.setNames(['a', 'b'])
      return undefined
    })
    subscription.setNames(['a'])
    await world.clock.advance(ATTACH)
    serverOf(world).write(
      ['a', 'b', 'a']
        .map((name, index) => `event: ${name}\nid: ${index + 1}\ndata: ${index + 1}\n\n`)
        .join(''),
    )
    await world.clock.advance(ATTACH)
    expect(page.events()).toEqual(['a 1', 'b 2', 'a 3'])
  })
})

describe('when the hub dies', () => {
  test('the page attaches to the next one and goes on where it was, without loss', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    await send(world, 'a', 'a', 'a')
    world.workers()[0]?.agent.kill()
    await send(world, 'a', 'a')
    await world.clock.advance(REATTACH)
    await send(world, 'a')
    expect(page.events()).toEqual(['a 1', 'a 2', 'a 3', 'a 4', 'a 5', 'a 6'])
    expect(world.hubs).toHaveLength(2)
  })

  test('after it has lasted, the page attaches to the next one at once', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    await send(world, 'a', 'a')
    await world.clock.advance(GIVE_UP)
    world.workers()[0]?.agent.kill()
    await send(world, 'a')
    await world.clock.advance(ATTACH)
    expect(page.events()).toEqual(['a 1', 'a 2', 'a 3'])
  })

  test('as soon as it is attached to, time and again, the page does not attach in a busy loop', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    const kill = () => {
      for (const { agent } of world.workers()) agent.kill()
      world.clock.schedule(10, kill)
    }
    kill()
    await world.clock.advance(10_000)
    expect(page.heard()).toContain('open')
    expect(world.hubs.length).toBeGreaterThan(3)
    expect(world.hubs.length).toBeLessThan(20)
  })

  test('every page goes on at the same successor, over one connection', async () => {
    const world = createWorld()
    const pages = [
      await listeningPage(world, 'one', 'a'),
      await listeningPage(world, 'other', 'b'),
      await listeningPage(world, 'third', 'a', 'b'),
    ]
    await send(world, 'a', 'b', 'a')
    world.workers()[0]?.agent.kill()
    await send(world, 'b', 'a')
    await world.clock.advance(REATTACH)
    await send(world, 'a')
    expect(pages.map((page) => page.events())).toEqual([
      ['a 1', 'a 3', 'a 5', 'a 6'],
      ['b 2', 'b 4'],
      ['a 1', 'b 2', 'a 3', 'b 4', 'a 5', 'a 6'],
    ])
    expect(serverOf(world)).toMatchObject({ connections: 1, peak: 1 })
    expect(world.workers()).toHaveLength(1)
  })

  test('a page that has not been given all that arrived loses nothing and gets nothing twice', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    await send(world, 'a', 'a')
    page.agent.freeze()
    await send(world, 'a', 'a', 'a')
    world.workers()[0]?.agent.kill()
    await send(world, 'a')
    page.agent.wake()
    await world.clock.advance(REATTACH)
    await send(world, 'a')
    expect(page.events()).toEqual(['a 1', 'a 2', 'a 3', 'a 4', 'a 5', 'a 6', 'a 7'])
  })

  test('before anything has come, the page still gets its stream', async () => {
    const world = createWorld()
    const page = new Page(world, 'page')
    world.locks.for(world.agent('another')).request(tabLockName('another'), {}, () => new Promise(() => {}))
    page.listen(world, 'a')
    await world.clock.advance(0)
    expect(page.heard()).toEqual(['connecting'])
    world.workers()[0]?.agent.kill()
    await world.clock.advance(REATTACH)
    await send(world, 'a')
    await world.clock.advance(REATTACH)
    expect(page.heard()).toContain('open')
    expect(page.events().at(-1)).toBe('a 1')
  })

  test('a page without subscriptions attaches only when it is asked to', async () => {
    const world = createWorld()
    const page = new Page(world, 'page')
    const subscription = page.listen(world, 'a')
    await world.clock.advance(REATTACH)
    subscription.close()
    world.workers()[0]?.agent.kill()
    await world.clock.advance(REATTACH)
    expect(world.workers()).toEqual([])
    expect(await within(world, REATTACH, inspectClient(page.client))).toMatchObject({
      value: { hubId: world.hubs[1]?.id },
    })
  })

  test('events of the former hub that come late are not heard', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    await send(world, 'a', 'a')
    const [former] = world.workers()
    former?.agent.freeze()
    page.happen('pagehide')
    page.happen('pageshow')
    await world.clock.advance(GIVE_UP)
    await send(world, 'a')
    former?.agent.wake()
    await world.clock.advance(REATTACH)
    await send(world, 'a')
    expect(page.events()).toEqual(['a 1', 'a 2', 'a 3', 'a 4'])
  })
})

describe('a hub that has forgotten the page', () => {
  /** Answers the first so many wishes as a hub does that does not know who asks. */
  const forgetful = (world: World, page: Page, wishes: Subscription[], times: number): Host =>
    fakeHub(world, page, () => ({
      subscribe: (subscription) => {
        wishes.push(subscription)
        return wishes.length <= times ? '' : 'fake'
      },
    }))

  test('is attached to anew', async () => {
    const world = createWorld()
    const [tried, wishes]: [string[], Subscription[]] = [[], []]
    const page = new Page(world, 'page', (self) => [noted(forgetful(world, self, wishes, 1), tried, 'tried')])
    page.listen(world, 'a')
    await world.clock.advance(REATTACH)
    expect(tried).toHaveLength(2)
    expect(wishes.map(({ names }) => names)).toEqual([['a'], ['a']])
  })

  test('is left alone when it remembers', async () => {
    const world = createWorld()
    const [tried, wishes]: [string[], Subscription[]] = [[], []]
    const page = new Page(world, 'page', (self) => [noted(forgetful(world, self, wishes, 0), tried, 'tried')])
    page.listen(world, 'a')
    await world.clock.advance(REATTACH)
    expect(tried).toHaveLength(1)
    expect(wishes).toHaveLength(1)
  })

  test('by restarting in the place of another is attached to anew', async () => {
    const world = createWorld()
    let wishes = 0
    const tried: string[] = []
    const page = new Page(world, 'page', (self) => [
      noted(
        fakeHub(world, self, () => ({ subscribe: () => (++wishes === 1 ? 'another' : 'fake') })),
        tried,
        'tried',
      ),
    ])
    page.listen(world, 'a')
    await world.clock.advance(REATTACH)
    expect(tried).toHaveLength(2)
  })
})

describe('a batch', () => {
  const answering = (world: World, page: Page, hubId: string): Host =>
    fakeHub(world, page, (tab) => ({
      subscribe: ({ id, epoch }) => {
        const position = { ...NOWHERE, log: `${hubId}/1`, seq: 1, subscribers: 1 }
        const entries = pack([{ ...stateEntry('open'), seq: 1 }])
        tab.deliver({
          hubId,
          subscription: id,
          epoch,
          entries,
          position,
          beginsAnew: false,
          mayWait: false,
        })
        return 'fake'
      },
    }))

  test('of the hub is heard', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [answering(world, self, 'fake')])
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    expect(page.heard()).toEqual(['open'])
  })

  test('of a hub that has silently taken the place of another is not', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [answering(world, self, 'another')])
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    expect(page.heard()).toEqual([])
  })
})

describe('a page that goes', () => {
  test('detaches from its hub and leaves no lock', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    page.happen('pagehide')
    await world.clock.advance(ATTACH)
    expect(world.hubs[0]?.report()).toMatchObject({ tabs: 0 })
    expect(world.locks.names().filter((name) => name.includes(':tab:'))).toEqual([])
  })

  test('to be frozen hands its hub over, and comes back when it wakes', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [direct(self)])
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    page.happen('freeze')
    await world.clock.advance(ATTACH)
    expect(serverOf(world).connections).toBe(0)
    await send(world, 'a')
    page.happen('resume')
    await world.clock.advance(REATTACH)
    await send(world, 'a')
    expect(serverOf(world).connections).toBe(1)
    expect(page.events().at(-1)).toBe('a 2')
  })

  test('to be frozen stays attached to a hub that lives elsewhere', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    page.happen('freeze')
    await world.clock.advance(ATTACH)
    expect(world.hubs[0]?.report()).toMatchObject({ tabs: 1 })
  })

  test('is given nothing while it is away', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    await listeningPage(world, 'other', 'a')
    page.happen('pagehide')
    await send(world, 'a')
    await world.clock.advance(GIVE_UP)
    expect(page.heard()).toEqual(OPENING)
  })

  test('and comes back is given what it has missed, once', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    await listeningPage(world, 'other', 'a')
    await send(world, 'a', 'a')
    page.happen('pagehide')
    await send(world, 'a', 'a')
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    await send(world, 'a')
    expect(page.events()).toEqual(['a 1', 'a 2', 'a 3', 'a 4', 'a 5'])
    expect(serverOf(world).requests).toHaveLength(1)
  })

  test('into the cache, where it stands still, is given what it has missed when it comes back', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    await listeningPage(world, 'other', 'a')
    await send(world, 'a')
    page.happen('pagehide')
    page.agent.freeze()
    await send(world, 'a', 'a')
    await world.clock.advance(GIVE_UP)
    page.agent.wake()
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    expect(page.events()).toEqual(['a 1', 'a 2', 'a 3'])
  })

  test('and comes back is given what it has missed even if its stream has ended meanwhile', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    await send(world, 'a', 'a')
    page.happen('pagehide')
    await world.clock.advance(GIVE_UP)
    expect(serverOf(world).connections).toBe(0)
    await send(world, 'a', 'a')
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    expect(page.events()).toEqual(['a 1', 'a 2', 'a 3', 'a 4'])
  })

  test('before it has begun to attach, does so when it comes back', async () => {
    const world = createWorld()
    const page = new Page(world, 'page')
    page.listen(world, 'a')
    page.happen('pagehide')
    await world.clock.advance(GIVE_UP)
    expect(world.hubs).toEqual([])
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    await send(world, 'a')
    expect(page.events()).toEqual(['a 1'])
  })

  test('while it attaches holds nothing, and attaches when it comes back', async () => {
    const world = createWorld()
    const page = new Page(world, 'page')
    world.sharedWorkerHost(page.agent).open(1, UNNOTICED)
    const [worker] = world.workers()
    worker?.agent.freeze()
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    page.happen('pagehide')
    worker?.agent.wake()
    await world.clock.advance(GIVE_UP)
    expect(worker?.hub.report()).toMatchObject({ tabs: 0, streams: [] })
    expect(world.locks.names().filter((name) => name.includes(':tab:'))).toEqual([])
    expect(page.heard()).toEqual([])
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    await send(world, 'a')
    expect(page.events()).toEqual(['a 1'])
  })

  test('detaches at once even where there are no locks', async () => {
    const world = createWorld({ hasLocks: false })
    const page = await listeningPage(world, 'page', 'a')
    page.happen('pagehide')
    await world.clock.advance(ATTACH)
    expect(world.hubs[0]?.report()).toMatchObject({ tabs: 0 })
  })

  test('has every host leave, once, after it has detached', async () => {
    const world = createWorld()
    const left: string[] = []
    const tabs = () => world.hubs[0]?.report().tabs
    const leaving = (host: Host, name: string): Host => ({
      ...host,
      leave: () => left.push(name),
    })
    const page = new Page(world, 'page', (self) => [
      leaving(refusing('no such thing'), 'refusing'),
      leaving(world.sharedWorkerHost(self.agent), 'answering'),
      leaving(direct(self), 'never needed'),
      silent(world, self),
    ])
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    expect([left, tabs()]).toEqual([[], 1])
    page.happen('pagehide')
    expect(left).toEqual(['refusing', 'answering', 'never needed'])
    await world.clock.advance(ATTACH)
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    expect(left).toHaveLength(3)
    expect(tabs()).toBe(1)
  })

  test.each([true, false])(
    'and leads leaves neither channel nor lock nor connection (locks: %s)',
    async (hasLocks) => {
      const world = createWorld({ hasLocks })
      const page = await listeningPeer(world, 'page', 'a')
      await send(world, 'a', 'a')
      page.happen('pagehide')
      await world.clock.advance(GIVE_UP)
      expect(world.channels.names()).toEqual([])
      expect(world.locks.names()).toEqual([])
      expect(serverOf(world).connections).toBe(0)
      page.happen('pageshow')
      await world.clock.advance(ELECTION + ATTACH)
      await send(world, 'a')
      expect(page.events()).toEqual(['a 1', 'a 2', 'a 3'])
    },
  )
  test('while it waits for its own lock opens no channel any more', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [leader(self)])
    // Before the lock can be granted.
    world.clock.schedule(0, () => page.happen('pagehide'))
    page.listen(world, 'a')
    await world.clock.advance(GIVE_UP)
    expect(world.channels.names()).toEqual([])
    expect(world.locks.names()).toEqual([])
  })

  test('is not attached a second time by a pageshow without a pagehide, as at its first load', async () => {
    const world = createWorld()
    const tried: string[] = []
    const page = new Page(world, 'page', (self) => [
      noted(world.sharedWorkerHost(self.agent), tried, 'tried'),
    ])
    page.listen(world, 'a')
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    expect(tried).toHaveLength(1)
  })
})

describe('inspect()', () => {
  test('tells host and hub', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    expect(await within(world, ATTACH, inspectClient(page.client))).toMatchObject({
      value: {
        host: 'shared-worker',
        hubId: world.hubs[0]?.id,
        tabs: 1,
        streams: [{ url: serverOf(world).url, names: ['a'] }],
      },
    })
  })

  /** What a page reports that has one of these hosts. */
  const inspected = async (world: World, page: Page) => {
    const outcome = await within(world, ELECTION + ATTACH, inspectClient(page.client))
    return (outcome as { value: Inspection }).value
  }

  test('tells which hosts could not be had, and why', async () => {
    const world = createWorld()
    const page = new Page(world, 'page', (self) => [
      refusing('no such thing'),
      refusingLater(world, self, 'no script'),
      direct(self),
    ])
    expect((await inspected(world, page)).refused).toEqual([
      { host: 'shared-worker', reason: 'no such thing' },
      { host: 'shared-worker', reason: 'no script' },
    ])
  })

  test('tells of no refusal where the first host answers, nor when it does so at last', async () => {
    const world = createWorld()
    let isRefused = true
    const page = new Page(world, 'page', (self) => {
      const worker = world.sharedWorkerHost(self.agent)
      const open: Host['open'] = (generation, notices) => {
        if (isRefused) throw new Error('not yet')
        return worker.open(generation, notices)
      }
      return [{ ...worker, open }, direct(self)]
    })
    page.listen(world, 'a')
    await world.clock.advance(ATTACH)
    expect((await inspected(world, page)).refused).toHaveLength(1)
    isRefused = false
    page.happen('pagehide')
    page.happen('pageshow')
    await world.clock.advance(ATTACH)
    expect(await inspected(world, page)).toMatchObject({ host: 'shared-worker', refused: [] })
  })

  test('tells whether the hub is in this very page', async () => {
    const world = createWorld()
    const [one, other] = [await listeningPeer(world, 'one', 'a'), await listeningPeer(world, 'other', 'a')]
    expect(await inspected(world, one)).toMatchObject({ host: 'leader', isHere: true, tabs: 2 })
    expect(await inspected(world, other)).toMatchObject({ host: 'leader', isHere: false, tabs: 2 })
    const alone = new Page(world, 'alone', (self) => [direct(self)])
    expect(await inspected(world, alone)).toMatchObject({ host: 'direct', isHere: true })
    const apart = await listeningPage(world, 'apart', 'a')
    expect(await inspected(world, apart)).toMatchObject({ host: 'shared-worker', isHere: false })
  })

  test('counts what made no sense: to the hub, to this page, and on the channel of all pages', async () => {
    const world = createWorld()
    const [one, other] = [await listeningPeer(world, 'one', 'a'), await listeningPeer(world, 'other', 'a')]
    expect((await inspected(world, one)).malformed).toBe(0)
    const [common, link] = world.channels.names() as [string, string]
    world.channels.inject(common, null)
    await world.clock.advance(0)
    expect((await inspected(world, one)).malformed).toBe(1)
    // Both ends hear that: the hub, and the other page.
    world.channels.inject(link, null)
    await world.clock.advance(0)
    expect((await inspected(world, one)).malformed).toBe(2)
    expect((await inspected(world, other)).malformed).toBe(3)
    // Of its own hub's messages a page must know: without them no event arrives. It is told once.
    world.channels.inject(link, null)
    await world.clock.advance(0)
    expect([one.errors, other.errors]).toEqual([[], [expect.stringContaining('a malformed message')]])
    await send(world, 'a')
    expect([one.events(), other.events()]).toEqual([['a 1'], ['a 1']])
  })

  test('asks the next hub when one dies meanwhile', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    const [worker] = world.workers()
    worker?.agent.freeze()
    const report = inspectClient(page.client)
    await world.clock.advance(100)
    worker?.agent.kill()
    expect(await within(world, REATTACH, report)).toMatchObject({ value: { hubId: world.hubs[1]?.id } })
  })

  test('rejects when the page is left meanwhile, and as long as it is away', async () => {
    const world = createWorld()
    const pages = [await listeningPage(world, 'attached', 'a'), new Page(world, 'attaching')]
    world.workers()[0]?.agent.freeze()
    const ask = () => pages.map((page) => inspectClient(page.client))
    const meanwhile = Promise.allSettled(ask())
    await world.clock.advance(100)
    for (const page of pages) page.happen('pagehide')
    const away = Promise.allSettled(ask())
    await world.clock.advance(GIVE_UP)
    const rejected = { status: 'rejected', reason: { name: 'TabstreamError', type: 'no-host' } }
    expect([await meanwhile, await away]).toMatchObject([
      [rejected, rejected],
      [rejected, rejected],
    ])
  })

  test('answers from the next hub after that', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    world.workers()[0]?.agent.kill()
    await world.clock.advance(ATTACH)
    expect(await within(world, ATTACH, inspectClient(page.client))).toMatchObject({
      value: { hubId: world.hubs[1]?.id },
    })
  })
})

describe('a lock that is stolen for a moment', () => {
  /** Long enough to notice and to attach again, far less than it takes to find out by asking. */
  const RECOVERY = 2_000

  /** A script of the origin takes every lock of that kind, and lets it go at once. */
  const steal = async (world: World, kind: ':hub:' | ':tab:') => {
    const { locks } = new Page(world, 'thief').platform
    for (const name of world.locks.names().filter((one) => one.includes(kind))) {
      locks?.request(name, { steal: true }, () => Promise.resolve()).catch(() => {})
    }
    await world.clock.advance(0)
  }

  const HOSTS: Record<string, ((page: Page) => readonly Host[]) | undefined> = {
    'shared-worker': undefined,
    leader: ({ platform }) => [new LeaderHost(platform, '', () => {})],
    direct: ({ platform }) => [directHost(platform)],
  }

  describe.each(Object.entries(HOSTS))('on host %s', (_host, hostsFor) => {
    const opened = async () => {
      const world = createWorld()
      const pages = ['one', 'two'].map((name) => new Page(world, name, hostsFor))
      for (const page of pages) page.listen(world, 'a')
      await world.clock.advance(RECOVERY)
      await send(world, 'a')
      return { world, pages }
    }

    test.each([':hub:', ':tab:'] as const)(
      "is %s's: events go on within two seconds, none is lost",
      async (kind) => {
        const { world, pages } = await opened()
        for (let round = 2; round <= 4; round++) {
          await steal(world, kind)
          await send(world, 'a')
          await world.clock.advance(RECOVERY)
          await send(world, 'a')
          const expected = Array.from({ length: 2 * round - 1 }, (_, index) => `a ${index + 1}`)
          expect(pages.map((page) => page.events())).toEqual([expected, expected])
        }
        // It is quiet again.
        const count = world.locks.names().length
        await world.clock.advance(60_000)
        expect(world.locks.names()).toHaveLength(count)
      },
    )
  })

  test('does not make another worker of the hub, nor another connection', async () => {
    const world = createWorld()
    await listeningPage(world, 'page', 'a')
    for (const kind of [':hub:', ':tab:', ':hub:', ':hub:'] as const) {
      await steal(world, kind)
      await world.clock.advance(60_000)
    }
    expect(world.hubs).toHaveLength(1)
    expect(world.hubs[0]?.report()).toMatchObject({ tabs: 1, streams: [{ connections: 1, subscribers: 1 }] })
  })

  test('is not fought for without a pause', async () => {
    const world = createWorld()
    await listeningPage(world, 'page', 'a')
    const { locks } = new Page(world, 'thief').platform
    const [name = ''] = world.locks.names().filter((one) => one.includes(':hub:'))
    let count = 0
    const steal = () => {
      if (++count > 50) return
      locks?.request(name, { steal: true }, () => new Promise(() => {})).catch(steal)
    }
    steal()
    await world.clock.advance(1_000)
    expect(count).toBeLessThanOrEqual(22)
    expect(count).toBeGreaterThan(5)
  })

  test('is taken back where it is stolen all the time, as soon as that is over, by the same hub', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    for (let time = 0; time < 100; time++) {
      await steal(world, ':hub:')
      await world.clock.advance(20)
    }
    await world.clock.advance(RECOVERY)
    await send(world, 'a')
    expect(page.events().at(-1)).toBe('a 1')
    expect(world.hubs).toHaveLength(1)
  })
})

describe('what cannot be sent to a hub', () => {
  test('ends that subscription only, and says so', async () => {
    const world = createWorld()
    const page = await listeningPage(world, 'page', 'a')
    const wrong = { ...wishOf(serverOf(world)), replay: new Proxy({ a: 1 }, {}) }
    const told: string[] = []
    const subscription = page.client.subscribe(wrong, (entry) => {
      told.push(entry.type === 'state' ? `${entry.state}: ${entry.error?.message}` : entry.type)
      return undefined
    })
    subscription.setNames(['a'])
    await world.clock.advance(ATTACH)
    expect(told).toEqual([expect.stringContaining('closed: the hub could not be asked for the stream')])
    await send(world, 'a')
    expect(page.entries.map(inWords).at(-1)).toBe('a 1')
    expect(world.hubs).toHaveLength(1)
    expect(world.hubs[0]?.report()).toMatchObject({ tabs: 1 })
    world.workers()[0]?.agent.kill()
    await world.clock.advance(REATTACH)
    await send(world, 'a')
    expect(page.entries.map(inWords).at(-1)).toBe('a 2')
  })
})

describe('without locks', () => {
  test('the page that finds the hub dead tells the others, so that all resume together', async () => {
    const world = createWorld({ hasLocks: false })
    const pages: Page[] = []
    for (const name of ['one', 'two', 'three']) {
      pages.push(await listeningPage(world, name, 'a'))
      await world.clock.advance(600)
    }
    await send(world, 'a', 'a', 'a')
    for (const { agent } of world.workers()) agent.kill()
    while (world.hubs.length === 1) await world.clock.advance(10)
    await world.clock.advance(ATTACH)
    expect(world.hubs[1]?.report()).toMatchObject({ tabs: 3 })
  })

  test('words that are no ID on the channel for that are counted, others are not heeded', async () => {
    const world = createWorld({ hasLocks: false })
    const page = await listeningPage(world, 'page', 'a')
    for (const word of [null, 5, {}, 'some hub']) world.channels.inject('tabstream/deaths', word)
    await world.clock.advance(ATTACH)
    expect(await within(world, 0, inspectClient(page.client))).toMatchObject({ value: { malformed: 3 } })
    expect(world.hubs).toHaveLength(1)
  })
})
