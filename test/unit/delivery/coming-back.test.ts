import { expect, test } from 'vitest'
import { EVENT_SOURCE_POLICY } from '../../../src/link/protocol.ts'
import { TOPICS_SOURCE } from '../../sim/world/topics.ts'
import { CONNECT, createWorld, passed, positionAfter, RawTab, requestOf, send, serverOf } from '../raw-tab.ts'

const lost = new TypeError('network error')
const policy = { ...EVENT_SOURCE_POLICY, ephemeral: ['e'] }

/** `tab` comes back for `a` and `c`, while a replay for another tab, which asks for no `c`, is held. */
async function comesBack(logLimits = { events: 16_384, bytes: 16_777_216 }) {
  const world = createWorld({ source: TOPICS_SOURCE, logLimits })
  const server = serverOf(world)
  const request = { ...requestOf(server), source: TOPICS_SOURCE }
  await send(world, ...Array(7).fill('a'))
  const standingAt = (number: number, log: string) => ({
    request,
    policy,
    position: {
      ...positionAfter(number),
      log,
      resumeAfter: `id-${number}`,
      from: number,
      latest: [passed(number)],
      unproven: true,
    },
    seen: { events: [passed(number)], since: number - 1 },
  })
  const behind = new RawTab(world, 'behind')
  await behind.attach()
  await behind.subscribe(['a', 'e'], standingAt(1, 'one hub/1'))
  await world.clock.advance(CONNECT + 500)
  await send(world, 'c', 'a', 'a')
  const tab = new RawTab(world, 'tab')
  await tab.attach()
  const at = standingAt(7, 'another hub/1')
  await tab.subscribe(['a', 'c', 'e'], at)
  return { world, server, behind, tab, at }
}

test('a page that comes back while a replay is held goes on behind that, which may be older than what it has had', async () => {
  const { world, behind, tab } = await comesBack()
  expect(behind.heard()).not.toContain('a 2')
  await world.clock.advance(2_000)
  await send(world, 'a')
  await world.clock.advance(2_000)
  expect(behind.heard().slice(-3)).toEqual(['a 9', 'a 10', 'a 11'])
  expect(tab.heard()).toEqual(['gap asleep "id-7" ""', 'open', 'a 11'])
})

test.each([204, 503])(
  'a page that comes back while a replay is held is told that the stream ends: %i',
  async (status) => {
    const { world, server, tab } = await comesBack()
    server.refuseWith = { status, contentType: 'text/html' }
    server.cut(lost)
    await world.clock.advance(60_000)
    expect(tab.heard().at(-1)).toBe('closed')
  },
)

test('a page that comes back while a replay is held is told that the server is gone', async () => {
  const { world, server, tab } = await comesBack()
  server.refuseWith = 'network error'
  server.cut(lost)
  await world.clock.advance(60_000)
  expect(tab.heard()).toContain('connecting')
})

test('a page that comes back while a replay is held keeps nothing from being read', async () => {
  const { world, server, behind, tab } = await comesBack({ events: 20, bytes: 1_000_000 })
  await behind.answer(behind.hub.unsubscribe(1))
  for (let count = 0; count < 16; count++) {
    server.write('event: e\ndata: x\n\n')
    await world.clock.advance(1)
  }
  await world.clock.advance(60_000)
  expect(tab.heard()).toContain('gap asleep "id-7" ""')
})

test('a page that comes back is told of a gap though it changes its names before', async () => {
  const { world, tab, at } = await comesBack()
  await world.clock.advance(30)
  await tab.subscribe(['a', 'c', 'd', 'e'], at)
  await world.clock.advance(2_000)
  await send(world, 'a')
  await world.clock.advance(2_000)
  const heard = tab.heard()
  expect(heard.includes('c 8') || heard.some((words) => words.startsWith('gap'))).toBe(true)
})

test('a page that comes back is told of a gap though it drops that, since it has changed its names', async () => {
  const world = createWorld({ source: TOPICS_SOURCE })
  const request = { ...requestOf(serverOf(world)), source: TOPICS_SOURCE }
  await send(world, ...Array(7).fill('a'))
  const at = {
    request,
    position: { ...positionAfter(7), log: 'another hub/1' },
    seen: { events: [passed(7)], since: 6 },
  }
  const other = new RawTab(world, 'other')
  await other.attach()
  await other.subscribe(['a'], at)
  await world.clock.advance(CONNECT)
  const tab = new RawTab(world, 'tab')
  await tab.attach()
  await tab.subscribe(['a', 'c'], at)
  const had = tab.heard().length
  await tab.subscribe(['a', 'c', 'd'], at)
  await world.clock.advance(2_000)
  await send(world, 'a')
  expect(tab.heard().slice(had)).toContain('gap asleep "id-7" ""')
})
