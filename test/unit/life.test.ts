import { describe, expect, test } from 'vitest'
import { unpack } from '../../src/link/pack.ts'
import { EVENT_SOURCE_POLICY, type HubLife, type Look, type StreamLife } from '../../src/link/protocol.ts'
import type { World } from '../sim/world/world.ts'
import { CONNECT, createWorld, inWords, listeningTab, RawTab, requestOf, send, serverOf } from './raw-tab.ts'

const FIRST: Look = { seen: {}, entries: 100 }

const lifeFor = async (tab: RawTab, look: Look = FIRST): Promise<HubLife> =>
  (await tab.answer(tab.hub.look(look))).life

const streamFor = async (tab: RawTab, look: Look = FIRST): Promise<StreamLife> =>
  (await lifeFor(tab, look)).streams[0] as StreamLife

/** What is told from now on. */
const since = ({ id, lastSeq }: StreamLife, entries = 100): Look => ({ seen: { [id]: lastSeq }, entries })

const entriesOf = ({ entries }: StreamLife): string[] => unpack(entries).map(inWords)

/** A tab that may disturb the hub, and listens. */
async function disturber(world: World, ...names: string[]): Promise<RawTab> {
  const tab = new RawTab(world, 'disturber')
  await tab.attach(true)
  await tab.subscribe(names)
  await world.clock.advance(CONNECT)
  return tab
}

describe('a page that looks is told', () => {
  test('entries of its streams, each once', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a', 'b')
    const before = await streamFor(tab)
    expect(entriesOf(before)).toEqual(['open', 'a 1', 'b 2'])
    expect(before.skipped).toBe(0)
    await send(world, 'c', 'c')
    const after = await streamFor(tab, since(before))
    expect(entriesOf(after)).toEqual(['c 3', 'c 4'])
    expect(after.counts).toEqual([
      { name: 'c', events: 2, characters: 2 * 'c'.length + 2 * 'https://dash.test/0 3id-3'.length },
    ])
    expect(await streamFor(tab, since(after))).toMatchObject({ skipped: 0, counts: [] })
  })

  test('how many entries it is not told: it wants fewer, or they have fallen off the log', async () => {
    const world = createWorld({ logLimits: { events: 4, bytes: 1e6 } })
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, ...'aaaaaa')
    const few = await streamFor(tab, { seen: {}, entries: 2 })
    expect(entriesOf(few)).toEqual(['a 5', 'a 6'])
    expect(few.skipped).toBe(5)
    const all = await streamFor(tab)
    expect(entriesOf(all)).toEqual(['a 3', 'a 4', 'a 5', 'a 6'])
    expect(all.skipped).toBe(3)
  })

  test('of the streams of others only how many events came', async () => {
    const world = createWorld({ kinds: ['strict', 'strict'] })
    const tab = await listeningTab(world, 'tab', ['a'])
    const other = new RawTab(world, 'other')
    await other.attach()
    await other.subscribe(['a'], {
      request: { ...requestOf(serverOf(world, 1)), headers: [['authorization', 'secret']] },
    })
    await world.clock.advance(CONNECT)
    serverOf(world, 1).send('a')
    await world.clock.advance(0)
    const { streams } = await lifeFor(tab)
    expect(streams[1]).toMatchObject({ isYours: false, headers: ['authorization'], skipped: 2 })
    expect(streams[1]?.counts).toMatchObject([{ name: 'a', events: 1 }])
    expect(entriesOf(streams[1] as StreamLife)).toEqual([])
    expect(JSON.stringify(streams)).not.toContain('secret')
    expect(JSON.stringify(streams)).not.toContain('https://dash.test/1 1')
  })

  test('nothing of a stream of which it has yet to say whether it is its own', async () => {
    const world = createWorld()
    const request = { ...requestOf(serverOf(world)), asksHeaders: true, headers: [['token', 'one']] as const }
    const details = async () => ({ url: request.url, headers: request.headers, key: '' })
    let isAsleep = false
    const answering = new RawTab(world, 'answering', { details })
    const asleep = new RawTab(world, 'asleep', {
      details: () => (isAsleep ? new Promise(() => {}) : details()),
    })
    for (const tab of [answering, asleep]) {
      await tab.attach()
      await tab.subscribe(['a'], { request })
    }
    await world.clock.advance(CONNECT)
    await send(world, 'a')
    expect(entriesOf(await streamFor(asleep))).toEqual(['open', 'a 1'])
    isAsleep = true
    serverOf(world).cut()
    await world.clock.advance(300)
    await send(world, 'a')
    expect(await streamFor(answering)).toMatchObject({ isYours: true })
    const unsure = await streamFor(asleep)
    expect(unsure.isYours).toBe(false)
    expect(entriesOf(unsure)).toEqual([])
  })

  test('nothing of what came before the stream was taken up, perhaps by another user', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a')
    tab.hub.unsubscribe(1)
    await tab.subscribe(['a'], { id: 2, renews: [1] })
    await send(world, 'a')
    const life = await streamFor(tab)
    expect(entriesOf(life)).toEqual(['a 2'])
    expect(life.isYours).toBe(true)
  })

  test('when entries have come, from the first look on', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a')
    const before = await streamFor(tab)
    expect(before.arrivals).toEqual([])
    await world.clock.advance(300)
    const at = world.clock.now
    await send(world, 'a')
    expect((await streamFor(tab, since(before))).arrivals).toEqual([[before.lastSeq + 1, at]])
    // Nobody has looked for longer than that.
    await world.clock.advance(6_000)
    await send(world, 'a')
    await send(world, 'a')
    expect((await streamFor(tab, since(before))).arrivals).toEqual([])
  })

  test('who listens to what, and how far behind each tab is', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['b', 'a'])
    const slow = await listeningTab(world, 'slow', ['a'])
    slow.hold()
    const at = world.clock.now
    await send(world, 'a', 'a', 'a')
    const { tabs, streams } = await lifeFor(tab)
    const lastSeq = streams[0]?.lastSeq ?? 0
    expect(tabs).toMatchObject([
      { id: 'tab', isYou: true, isVisible: true, silentSince: 0 },
      { id: 'slow', isYou: false, silentSince: at },
    ])
    expect(tabs[0]?.subscriptions).toEqual([
      { stream: streams[0]?.id, names: ['a', 'b'], next: lastSeq + 1, unacknowledged: 0, gaps: 0 },
    ])
    const [behind] = tabs[1]?.subscriptions ?? []
    expect(behind?.unacknowledged).toBe(1)
    expect(behind?.next).toBeLessThanOrEqual(lastSeq)
    slow.release()
    await world.clock.advance(0)
    expect((await lifeFor(tab)).tabs[1]?.silentSince).toBe(0)
  })

  test('that a tab is hidden', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await tab.answer(tab.hub.hide())
    expect((await lifeFor(tab)).tabs).toMatchObject([{ isVisible: false }])
  })

  test('of each connection what it was asked, what it repeated, and how it ended', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a', 'a', 'a')
    serverOf(world).cut()
    await world.clock.advance(300)
    await send(world, 'a')
    const { connections } = await streamFor(tab)
    expect(connections).toMatchObject([
      {
        resumeAfter: '',
        status: 200,
        headers: [['content-type', 'text/event-stream']],
        repeated: 0,
        outcome: 'open',
        end: expect.stringMatching(/./),
      },
      { resumeAfter: 'id-2', status: 200, repeated: 1, outcome: 'joined', endedAt: 0, end: '' },
    ])
    expect(connections[0]?.endedAt).toBeGreaterThan(connections[0]?.openedAt ?? 0)
  })

  test('that a connection goes on without a proof, or behind a gap', async () => {
    const world = createWorld({ kinds: ['without-ids'] })
    const tab = await listeningTab(world, 'tab', ['a'])
    await send(world, 'a')
    serverOf(world).cut()
    await world.clock.advance(300)
    expect((await streamFor(tab)).connections.map(({ outcome }) => outcome)).toEqual(['open', 'gap'])
    const other = createWorld()
    const trusting = await listeningTab(other, 'tab', ['a'])
    await send(other, 'a')
    serverOf(other).cut()
    await other.clock.advance(300)
    await send(other, 'a')
    expect((await streamFor(trusting)).connections.map(({ outcome }) => outcome)).toEqual([
      'open',
      'unproven',
    ])
  })

  test('of a refusal its status', async () => {
    const world = createWorld()
    serverOf(world).refuseWith = { status: 503, contentType: 'text/plain' }
    const tab = await listeningTab(world, 'tab', ['a'], { ...EVENT_SOURCE_POLICY, retriesStatuses: true })
    expect((await streamFor(tab)).connections[0]).toMatchObject({
      status: 503,
      openedAt: 0,
      end: expect.stringContaining('503'),
    })
  })

  test('of the latest eight connections, and how many bytes all of them have brought', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    for (let round = 0; round < 10; round++) {
      serverOf(world).cut()
      await world.clock.advance(10_000)
    }
    const before = await streamFor(tab)
    expect(before.connections).toHaveLength(8)
    serverOf(world).write('event: a\ndata: é\n\n')
    await world.clock.advance(0)
    expect((await streamFor(tab)).bytes - before.bytes).toBe(19)
  })
})

describe('a stream that has ended', () => {
  test('is told with the reason, the latest first, to a page that was there', async () => {
    const world = createWorld({ kinds: ['strict', 'strict'] })
    const tab = await listeningTab(world, 'tab', ['a'])
    const before = await streamFor(tab)
    serverOf(world).refuseWith = { status: 401, contentType: 'text/plain' }
    serverOf(world).cut()
    await world.clock.advance(5_000)
    await tab.subscribe(['a'], { id: 2, request: requestOf(serverOf(world, 1)) })
    await world.clock.advance(CONNECT)
    tab.hub.unsubscribe(2)
    await world.clock.advance(2_000)
    const { streams, former } = await lifeFor(tab)
    expect(streams).toEqual([])
    expect(former.map(({ report, life }) => [report.url, life.status.state])).toEqual([
      ['https://dash.test/1', 'open'],
      ['https://dash.test/0', 'closed'],
    ])
    expect(former[1]?.life).toMatchObject({
      id: before.id,
      status: { error: { message: expect.stringContaining('401'), body: '' } },
      connections: [{}, { status: 401, end: expect.stringContaining('401') }],
    })
    expect(former.map(({ life }) => [entriesOf(life), life.counts])).toEqual([
      [[], []],
      [[], []],
    ])
  })

  test('is not told to a page that has come later, perhaps of another user', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    tab.hub.unsubscribe(1)
    await world.clock.advance(2_000)
    const later = new RawTab(world, 'later')
    await later.attach()
    expect((await lifeFor(tab)).former).toHaveLength(1)
    expect((await lifeFor(later)).former).toEqual([])
  })

  test('is forgotten when eight others have ended', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    const first = await streamFor(tab)
    for (let id = 1; id < 10; id++) {
      tab.hub.unsubscribe(id)
      await world.clock.advance(2_000)
      await tab.subscribe(['a'], { id: id + 1 })
      await world.clock.advance(CONNECT)
    }
    const ids = (await lifeFor(tab)).former.map(({ life }) => life.id)
    expect(new Set(ids).size).toBe(8)
    expect(ids).not.toContain(first.id)
  })
})

describe('a disturbance', () => {
  test('is ignored where the page may not', async () => {
    const world = createWorld()
    const tab = await listeningTab(world, 'tab', ['a'])
    const { id } = await streamFor(tab)
    await tab.answer(tab.hub.disturb({ type: 'cut', stream: id }))
    await world.clock.advance(300)
    expect((await streamFor(tab)).connections).toHaveLength(1)
  })

  test('cuts a connection as the network does, and nothing is lost', async () => {
    const world = createWorld()
    const tab = await disturber(world, 'a')
    await send(world, 'a', 'a')
    const { id } = await streamFor(tab)
    await tab.answer(tab.hub.disturb({ type: 'cut', stream: id }))
    await send(world, 'a')
    await world.clock.advance(300)
    expect(tab.heard().filter((word) => word.startsWith('a'))).toEqual(['a 1', 'a 2', 'a 3'])
    expect((await streamFor(tab)).connections[0]?.end).toBe('a page has cut the connection')
  })

  test('replaces a connection', async () => {
    const world = createWorld()
    const tab = await disturber(world, 'a')
    await tab.answer(tab.hub.disturb({ type: 'reconnect', stream: (await streamFor(tab)).id }))
    expect(serverOf(world).allConnections).toHaveLength(2)
  })

  test('takes the hub offline, until the page says otherwise or goes', async () => {
    const world = createWorld()
    const tab = await disturber(world, 'a')
    const other = await listeningTab(world, 'other', ['a'])
    await tab.answer(tab.hub.disturb({ type: 'offline', isOffline: true }))
    await world.clock.advance(60_000)
    expect(serverOf(world).connections).toBe(0)
    expect(await lifeFor(tab)).toMatchObject({
      isOffline: true,
      streams: [{ connections: expect.anything() }],
    })
    await tab.answer(tab.hub.disturb({ type: 'offline', isOffline: false }))
    expect(serverOf(world).connections).toBe(1)
    await tab.answer(tab.hub.disturb({ type: 'offline', isOffline: true }))
    tab.hub.detach()
    await world.clock.advance(60_000)
    expect(await lifeFor(other)).toMatchObject({ isOffline: false })
    expect(serverOf(world).connections).toBe(1)
  })

  test('makes a page lose its place, and tells it a gap', async () => {
    const world = createWorld()
    const tab = await disturber(world, 'a')
    await send(world, 'a')
    tab.hold()
    await send(world, 'a', 'a', 'a')
    await tab.answer(tab.hub.disturb({ type: 'skip', stream: (await streamFor(tab)).id }))
    tab.release()
    await send(world, 'a')
    expect(tab.heard()).toContain('gap slow-tab "id-2" ""')
    expect(tab.heard().at(-1)).toBe('a 5')
    expect((await lifeFor(tab)).tabs[0]?.subscriptions).toMatchObject([{ gaps: 1 }])
  })

  test('of a stream that is no more is ignored', async () => {
    const world = createWorld()
    const tab = await disturber(world, 'a')
    for (const type of ['cut', 'reconnect', 'skip'] as const)
      await tab.answer(tab.hub.disturb({ type, stream: 'none' }))
    expect(serverOf(world).connections).toBe(1)
  })
})
