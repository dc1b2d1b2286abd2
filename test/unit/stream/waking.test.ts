import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { PageEvent } from '../../../src/page/platform.ts'
import { heard, OPEN, Page, statuses, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// A phone sleeps, or changes its network, and the connection dies without a word.

const HOUR = 3_600_000

async function listening(options: ConnectOptions = {}) {
  const world = new UpstreamWorld()
  const page = new Page(world, 'page')
  const stream = page.connect(URL_OF_EVENTS, options as object)
  const words = heard(stream, 'message')
  stream.onGap(({ reason }) => words.push(`gap ${reason}`))
  await world.clock.advance(OPEN)
  return { world, page, stream, words }
}

/** A comment every so often, for so long. */
async function beat(world: UpstreamWorld, interval: number, duration: number): Promise<void> {
  for (let passed = 0; passed < duration; passed += interval) {
    await world.clock.advance(interval)
    world.upstream.write(':\n\n')
  }
}

describe('a connection that has been silent for longer than the server ever was', () => {
  test.each<PageEvent>(['visible', 'resume', 'online'])(
    'is replaced when the page or its network is back: %s',
    async (event) => {
      const { world, page, words } = await listening()
      world.upstream.write('id: 1\ndata: one\n\nid: 2\ndata: two\n\n')
      await beat(world, 15_000, 60_000)
      await world.clock.advance(HOUR)
      expect(world.upstream.requests).toHaveLength(1)
      world.upstream.answer = () => ({ text: 'id: 2\ndata: two\n\nid: 3\ndata: three\n\n' })
      page.happen(event)
      await world.clock.advance(OPEN)
      expect(world.upstream.requests.map(({ headers }) => headers['Last-Event-ID'])).toEqual([undefined, '1'])
      expect(world.upstream.open.size).toBe(1)
      expect(world.upstream.peak).toBe(1)
      expect(words).toEqual(['message one', 'message two', 'message three'])
    },
  )

  test('is replaced when the page comes back from the cache, where another page has held it', async () => {
    const { world, page } = await listening()
    const other = new Page(world, 'other')
    other.connect(URL_OF_EVENTS)
    await beat(world, 15_000, 60_000)
    page.happen('pagehide')
    await world.clock.advance(HOUR)
    expect(world.upstream.requests).toHaveLength(1)
    page.happen('pageshow')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(2)
    expect(world.upstream.open.size).toBe(1)
  })

  test('is replaced for a SharedEventSource, which is told as of any other reconnection', async () => {
    const world = new UpstreamWorld()
    const page = new Page(world, 'page')
    const source = page.source()
    const states: string[] = []
    for (const type of ['open', 'error']) {
      source.addEventListener(type, () => states.push(`${type} ${source.readyState}`))
    }
    await world.clock.advance(HOUR)
    page.happen('visible')
    await world.clock.advance(OPEN)
    expect(states).toEqual(['open 1', 'error 0', 'open 1'])
  })

  test('is replaced once, however many pages come back', async () => {
    const { world, page } = await listening()
    const pages = [page]
    for (let count = 0; count < 5; count++) {
      const other = new Page(world, `page ${count}`)
      other.connect(URL_OF_EVENTS)
      pages.push(other)
    }
    await world.clock.advance(HOUR)
    for (const each of pages) each.happen('online')
    await world.clock.advance(OPEN)
    for (const each of pages) each.happen('visible')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(2)
  })

  test('is replaced where the server has not even answered', async () => {
    const world = new UpstreamWorld()
    world.upstream.answer = () => ({ isMissing: true })
    const page = new Page(world, 'page')
    page.connect(URL_OF_EVENTS)
    await world.clock.advance(HOUR)
    page.happen('online')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(2)
  })

  test('is left alone where the request is not to be made again', async () => {
    const { world, page } = await listening({ method: 'POST' })
    await world.clock.advance(HOUR)
    page.happen('visible')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(1)
  })
})

describe('a connection is left alone', () => {
  test('while it is not silent for longer than its server was before', async () => {
    const { world, page } = await listening()
    await beat(world, 50_000, 100_000)
    for (let second = 0; second < 70; second++) {
      page.happen('visible')
      await world.clock.advance(1_000)
    }
    expect(world.upstream.requests).toHaveLength(1)
    await world.clock.advance(10_000)
    page.happen('visible')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(2)
  })

  test('for 30 seconds while nothing is known of the server', async () => {
    const { world, page } = await listening()
    await world.clock.advance(29_000)
    page.happen('visible')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('for 10 seconds at least, however busy the server was', async () => {
    const { world, page } = await listening()
    await beat(world, 100, 10_000)
    await world.clock.advance(9_800)
    page.happen('visible')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(1)
    await world.clock.advance(1_000)
    page.happen('visible')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(2)
  })

  test('more and more where a server only begins each connection with the same and is silent then', async () => {
    const world = new UpstreamWorld()
    world.upstream.answer = () => ({ text: 'retry: 1000\n\n' })
    const page = new Page(world, 'page')
    page.connect(URL_OF_EVENTS)
    for (let second = 0; second < 3_600; second++) {
      await world.clock.advance(1_000)
      page.happen('visible')
    }
    expect(world.upstream.requests.length).toBeGreaterThan(3)
    expect(world.upstream.requests.length).toBeLessThan(10)
  })

  test('however long a machine has slept before the last byte', async () => {
    const { world, page } = await listening()
    await beat(world, 15_000, 60_000)
    await world.clock.advance(HOUR)
    world.upstream.write(':\n\n')
    await world.clock.advance(400_000)
    page.happen('visible')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(1)
    await world.clock.advance(60_000)
    page.happen('visible')
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toHaveLength(2)
  })
})

test('where the new connection cannot be had, it is tried again as usual', async () => {
  const { world, page, stream } = await listening()
  const seen = statuses(stream)
  await world.clock.advance(HOUR)
  world.upstream.answer = (_asked, number) => (number < 4 ? new TypeError('network error') : undefined)
  page.happen('visible')
  await world.clock.advance(20_000)
  expect(seen).toEqual([
    'connecting',
    'retrying 1: network error',
    'retrying 2: network error',
    expect.stringMatching(/^open/),
  ])
})
