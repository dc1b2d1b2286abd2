import { expect, test } from 'vitest'
import { OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// What the judge of replays costs where a server does not resume.

/** How many ms after it came the first event of each of some reconnections is given. */
async function waits(idOf: (connection: number, nth: number) => string): Promise<number[]> {
  const world = new UpstreamWorld()
  const stream = new Page(world, 'page').connect(URL_OF_EVENTS)
  const given: number[] = []
  stream.on('*', () => given.push(world.clock.now))
  await world.clock.advance(OPEN)
  const waited: number[] = []
  for (let connection = 0; connection < 5; connection++) {
    given.length = 0
    const came = world.clock.now
    for (let nth = 1; nth <= 3; nth++) {
      const id = idOf(connection, nth)
      world.upstream.write(`id: ${id}\ndata: ${connection} ${id}\n\n`)
      await world.clock.advance(500)
    }
    await world.clock.advance(2_000)
    expect(given).toHaveLength(3)
    waited.push(Math.round((given[0] ?? Number.NaN) - came))
    world.upstream.cut()
    await world.clock.advance(1_100)
  }
  return waited
}

test('a server that ignores Last-Event-ID costs a second of waiting, once', async () => {
  const waited = await waits((connection, nth) => `${3 * connection + nth}`)
  console.log(
    `a server that ignores Last-Event-ID: after each connection's head, ${waited.join(', ')} ms of waiting`,
  )
  expect(waited).toEqual([0, 1_000, 0, 0, 0])
})

test('a server that counts anew for each connection costs a second of waiting, once', async () => {
  const waited = await waits((_connection, nth) => `${nth}`)
  console.log(`a server that counts anew: after each connection's head, ${waited.join(', ')} ms of waiting`)
  expect(Math.max(...waited)).toBeLessThanOrEqual(1_000)
  expect(waited.filter((ms) => ms > 0).length).toBeLessThanOrEqual(1)
})
