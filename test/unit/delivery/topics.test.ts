import { expect, test } from 'vitest'
import { TOPICS_SOURCE } from '../../sim/world/topics.ts'
import type { World } from '../../sim/world/world.ts'
import { CONNECT, createWorld, RawTab, requestOf, serverOf } from '../raw-tab.ts'

const lost = new TypeError('network error')

/** What is on its way takes so many ms, one after the other, and then none. */
async function listening(sent: readonly string[] = []) {
  const delays: number[] = []
  const world = createWorld({ source: TOPICS_SOURCE, random: () => (delays.shift() ?? 0) / 20 })
  const server = serverOf(world)
  const request = { ...requestOf(server), source: TOPICS_SOURCE }
  for (const name of sent) server.send(name)
  const tab = new RawTab(world, 'tab')
  await tab.attach()
  await tab.subscribe(['a'], { request })
  await world.clock.advance(CONNECT)
  return { delays, world, server, request, tab }
}

/** Both connections are cut, and something comes when one is there again. */
async function cutForLong(world: World): Promise<void> {
  serverOf(world).cut(lost)
  await world.clock.advance(10_000)
  serverOf(world).send('a')
  await world.clock.advance(100)
}

const isTold = (heard: readonly string[], event: string) =>
  heard.includes(event) || heard.some((words) => words.startsWith('gap'))

test('what the present connection has brought before all of the other is not skipped where both are cut', async () => {
  const { delays, world, server, request, tab } = await listening()
  await tab.subscribe(['a', 'b'], { request })
  await world.clock.advance(45)
  delays.push(15)
  server.send('a')
  await world.clock.advance(10)
  expect(server.connections).toBe(2)
  // By the present connection that is slow, by the other one it is not.
  delays.push(19, 0)
  server.send('a')
  server.send('b')
  await world.clock.advance(12)
  await cutForLong(world)
  expect(isTold(tab.heard(), 'a 1')).toBe(true)
})

test('what only the other connection has is not skipped where both are cut, and only an ID has come before', async () => {
  const { delays, world, server, request, tab } = await listening(['a'])
  server.write('id: id-1\n\n')
  await world.clock.advance(1)
  server.cut(lost)
  await world.clock.advance(1_000)
  const position = tab.batches.at(-1)?.position
  await tab.subscribe(['a', 'b'], { request, ...(position && { position }) })
  const had = tab.heard().length
  await world.clock.advance(60)
  expect(server.connections).toBe(2)
  delays.push(19)
  server.send('b')
  for (let count = 0; count < 2; count++) {
    delays.push(0, 19)
    server.send('a')
  }
  await world.clock.advance(5)
  await cutForLong(world)
  expect(isTold(tab.heard().slice(had), 'b 2')).toBe(true)
})

test('a topic that is added while nothing is read takes nothing from the others', async () => {
  const world = createWorld({
    kinds: ['without-ids'],
    source: TOPICS_SOURCE,
    logLimits: { events: 20, bytes: 1_000_000 },
  })
  const server = serverOf(world)
  const request = { ...requestOf(server), source: TOPICS_SOURCE }
  const slow = new RawTab(world, 'slow')
  await slow.attach()
  await slow.subscribe(['a'], { request })
  await world.clock.advance(CONNECT)
  slow.hold()
  for (let count = 0; count < 40; count++) {
    server.send('a')
    await world.clock.advance(0)
  }
  const other = new RawTab(world, 'other')
  await other.attach()
  await other.subscribe(['b'], { request })
  for (let count = 0; count < 10; count++) {
    await slow.answer(slow.hub.working(1))
    await world.clock.advance(500)
  }
  for (let count = 0; count < 40; count++) {
    slow.release()
    await world.clock.advance(10)
  }
  await world.clock.advance(10_000)
  expect(isTold(slow.heard(), 'a 40')).toBe(true)
})
