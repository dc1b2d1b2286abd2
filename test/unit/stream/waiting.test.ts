import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Agent } from '../../sim/world/agent.ts'
import { enter } from '../current-page.ts'
import { type Asked, heard, OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

const { connectLines } = await import('../../../src/lines/connect-lines.ts')

const events = (from: number, to: number): string =>
  Array.from(
    { length: Math.max(0, to - from + 1) },
    (_, index) => `id: ${from + index}\ndata: ${from + index}\n\n`,
  ).join('')

/** Has six events, and resumes. */
const resuming = ({ headers }: Asked) => {
  const last = headers['Last-Event-ID']
  return { text: last === undefined ? '' : events(Number(last) + 1, 6) }
}

const MISSED = ['message 4', 'message 5', 'message 6']

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('a visible page with a snapshot comes to a stream that is parked', () => {
  async function opened(options = {}) {
    const world = new UpstreamWorld()
    world.upstream.answer = resuming
    const page = new Page(world, 'first')
    const stream = page.connect(URL_OF_EVENTS, options)
    heard(stream, 'message')
    await world.clock.advance(OPEN)
    world.upstream.write(events(5, 6))
    await world.clock.advance(10)
    return { world, page, stream }
  }

  test('because all its other pages are hidden and can do without', async () => {
    const { world, page, stream } = await opened({ hidden: 'park' })
    page.show(false)
    await world.clock.advance(1_000)
    expect(stream.status.state).toBe('parked')
    const late = new Page(world, 'second').connect(URL_OF_EVENTS, { since: '3' })
    const words = heard(late, 'message')
    await world.clock.advance(600_000)
    expect([late.status.state, words]).toEqual(['open', MISSED])
  })

  test('because all its other pages are hidden, and others are visible', async () => {
    const { world, page, stream } = await opened()
    page.show(false)
    const busy = new Page(world, 'busy')
    for (let index = 0; index < 4; index++) heard(busy.connect(`${URL_OF_EVENTS}/${index}`), 'message')
    await world.clock.advance(OPEN)
    expect(stream.status.state).toBe('parked')
    const words = heard(new Page(world, 'second').connect(URL_OF_EVENTS, { since: '3' }), 'message')
    await world.clock.advance(600_000)
    expect(words).toEqual(MISSED)
  })

  test('because streams take turns', async () => {
    const world = new UpstreamWorld()
    world.upstream.answer = resuming
    const busy = new Page(world, 'busy')
    const streams = Array.from({ length: 5 }, (_, index) => busy.connect(`${URL_OF_EVENTS}/${index}`))
    for (const stream of streams) heard(stream, 'message')
    await world.clock.advance(OPEN)
    world.upstream.write(events(5, 6))
    await world.clock.advance(20_000)
    const index = streams.findIndex(({ status }) => status.state === 'parked')
    expect(index).toBeGreaterThanOrEqual(0)
    const late = new Page(world, 'second').connect(`${URL_OF_EVENTS}/${index}`, { since: '3' })
    const words = heard(late, 'message')
    await world.clock.advance(600_000)
    expect(words).toEqual(MISSED)
  })
})

test('a bridge that has joined takes no connection, though its page is not through', async () => {
  const world = new UpstreamWorld()
  world.upstream.answer = resuming
  const page = new Page(world, 'page')
  heard(page.connect(URL_OF_EVENTS), 'message')
  await world.clock.advance(OPEN)
  world.upstream.write(events(5, 6))
  await world.clock.advance(10)
  const loop = page.connect(URL_OF_EVENTS, { since: '3' }).events('message')
  // It takes one event, and is busy with that from then on.
  const first = loop.next()
  await world.clock.advance(3_000)
  expect(await first).toMatchObject({ value: { data: '4' } })
  for (let index = 0; index < 3; index++) heard(page.connect(`${URL_OF_EVENTS}/${index}`), 'message')
  await world.clock.advance(60_000)
  expect(world.report().origins).toMatchObject([{ live: 4, parked: 0 }])
  expect(world.upstream.requests).toHaveLength(5)
})

class WithoutScripts extends UpstreamWorld {
  override hubPlatform(agent: Agent) {
    return { ...super.hubPlatform(agent), load: () => new Promise<unknown>(() => {}) }
  }
}

test('a script that does not come keeps no connection from other streams', async () => {
  vi.stubGlobal('location', { href: 'https://dash.test/app/' })
  const world = new WithoutScripts()
  const page = new Page(world, 'page')
  enter(page.client)
  const lines = connectLines('/json', {
    script: 'https://dash.test/lines-source.js',
    frame: { name: '/event', id: '/id', data: '/message' },
  })
  heard(lines as never, 'message')
  await world.clock.advance(OPEN)
  for (let index = 0; index < 5; index++) heard(page.connect(`${URL_OF_EVENTS}/${index}`), 'message')
  await world.clock.advance(600_000)
  expect(new Set(world.upstream.requests.map(({ url }) => url)).size).toBe(5)
})

test('attempts are counted though the stream waits for a connection in between', async () => {
  const world = new UpstreamWorld()
  world.upstream.answer = ({ url }) => (url.endsWith('/4') ? { status: 503 } : {})
  const page = new Page(world, 'page')
  const streams = Array.from({ length: 6 }, (_, index) =>
    page.connect(`${URL_OF_EVENTS}/${index}`, { maxRetries: 2 }),
  )
  for (const stream of streams) heard(stream, 'message')
  await world.clock.advance(600_000)
  expect(streams[4]?.status.state).toBe('closed')
  expect(world.upstream.requests.filter(({ url }) => url.endsWith('/4'))).toHaveLength(3)
})

test.each([0, 3])(
  'a reconnect() counts more than an earlier question; streams that wait: %d',
  async (waiting) => {
    const world = new UpstreamWorld()
    let isDown = true
    world.upstream.answer = ({ url }) => (url.endsWith('/x') && isDown ? { status: 503 } : {})
    const page = new Page(world, 'page')
    const stream = page.connect(`${URL_OF_EVENTS}/x`, {
      retry: () => new Promise<false>((resolve) => world.clock.schedule(5_000, () => resolve(false))),
    })
    heard(stream, 'message')
    for (let index = 0; index < 3 + waiting; index++)
      heard(page.connect(`${URL_OF_EVENTS}/${index}`), 'message')
    await world.clock.advance(1_000)
    isDown = false
    stream.reconnect()
    await world.clock.advance(60_000)
    expect(stream.status.state).not.toBe('closed')
  },
)

describe('a POST that has not been sent', () => {
  test('is sent when its headers can be had', async () => {
    const world = new UpstreamWorld()
    let calls = 0
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS, {
      method: 'POST',
      body: {},
      key: 'k',
      headers: async () => {
        if (++calls === 1) throw new Error('the token server is down')
        return { authorization: 'T' }
      },
    })
    heard(stream, 'message')
    await world.clock.advance(60_000)
    expect([stream.status.state, world.upstream.requests.length]).toEqual(['open', 1])
  })

  test('waits where its function leads to an origin whose connections are all taken', async () => {
    const world = new UpstreamWorld()
    const page = new Page(world, 'page')
    const post = { method: 'POST', body: {} }
    for (let index = 0; index < 4; index++)
      heard(page.connect(`https://other.test/${index}`, post), 'message')
    await world.clock.advance(OPEN)
    heard(page.connect((() => 'https://other.test/9') as never, { ...post, key: 'k' }), 'message')
    await world.clock.advance(1_000)
    expect(world.upstream.peak).toBe(4)
  })
})
