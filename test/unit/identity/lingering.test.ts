import { describe, expect, test } from 'vitest'
import { heard, Page, URL_OF_EVENTS } from '../upstream.ts'
import { CookieWorld, dataOf } from './users.ts'

// Who may take up a stream that nobody holds, and what of it: SECURITY.md, "Whose events a page is given".

const publicPage = (world: CookieWorld, name: string) => new Page(world, name, undefined, 'public')

describe('a page whose user logs out and in again as somebody else', () => {
  test('gets a connection of its own where it opens the source after that', async () => {
    const world = new CookieWorld()
    const page = new Page(world, 'page')
    const former = page.source()
    dataOf(former)
    await world.settle()
    await world.tell()
    former.close()
    world.user = 'bob'
    await world.clock.advance(5)
    const data = dataOf(page.source(URL_OF_EVENTS, { replay: 'all' }))
    await world.settle()
    await world.tell()
    expect(data).toEqual(['bob 2'])
    expect(world.owners).toEqual(['alice', 'bob'])
    expect(world.upstream.open.size).toBe(1)
  })

  test('gets one though it closes something else in the same task', async () => {
    const world = new CookieWorld()
    const page = new Page(world, 'page')
    const other = page.source(`${URL_OF_EVENTS}/other`)
    const former = page.source()
    for (const source of [former, other]) dataOf(source)
    await world.settle()
    former.close()
    world.user = 'bob'
    await world.clock.advance(5)
    other.close()
    const data = dataOf(page.source())
    await world.settle()
    await world.tell()
    expect(data).toEqual(['bob 1'])
  })

  test('is told of nothing from before where it opens the source in the same task', async () => {
    const world = new CookieWorld({ logLimits: { events: 3, bytes: 1_000_000 } })
    const page = new Page(world, 'page')
    const former = page.source(URL_OF_EVENTS, { replay: 'all' })
    for (const name of ['a', 'b']) dataOf(former, name)
    await world.settle()
    for (const name of ['a', 'b', 'b', 'b', 'b']) await world.tell(name)
    former.close()
    world.user = 'bob'
    const next = page.source(URL_OF_EVENTS, { replay: 'all' })
    // The last one of `a` has fallen off the log, and is kept.
    const data = ['a', 'b'].map((name) => dataOf(next, name))
    await world.settle()
    expect(data).toEqual([[], []])
    await world.tell('b')
    const later = dataOf(new Page(world, 'later').source(URL_OF_EVENTS, { replay: 'all' }), 'b')
    await world.settle()
    // What script cannot know: the connection is the former user's.
    expect([...data, later]).toEqual([[], ['alice 6'], ['alice 6']])
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('is told of nothing that a source of the former user could have asked for', async () => {
    const world = new CookieWorld()
    const page = new Page(world, 'page')
    const former = page.source()
    dataOf(former)
    await world.settle()
    former.close()
    await world.clock.advance(5)
    await world.tell()
    world.user = 'bob'
    const data = dataOf(page.source(URL_OF_EVENTS, { replay: 'all' }))
    await world.settle()
    expect(data).toEqual([])
  })

  test('ends it all by end(), for sources of all tabs', async () => {
    const world = new CookieWorld()
    const pages = ['one', 'other'].map((name) => new Page(world, name))
    const sources = pages.map((page) => page.source())
    sources.map((source) => dataOf(source))
    await world.settle()
    pages[0]?.connect(URL_OF_EVENTS).end()
    await world.settle()
    expect(sources.map(({ readyState }) => readyState)).toEqual([2, 2])
    expect(world.upstream.open.size).toBe(0)
    world.user = 'bob'
    const data = dataOf(pages[1]?.source() as EventSource)
    await world.settle()
    await world.tell()
    expect(data).toEqual(['bob 1'])
  })
})

describe('a component that is rendered anew', () => {
  test.each(['source', 'stream'])('takes its connection up: a %s', async (kind) => {
    const world = new CookieWorld()
    const page = new Page(world, 'page')
    const open = () => {
      if (kind === 'source') return { words: dataOf(page.source()), end: () => {} }
      const stream = page.connect(URL_OF_EVENTS)
      return { words: heard(stream, 'message'), end: () => stream.close() }
    }
    const source = kind === 'source' ? page.source() : page.connect(URL_OF_EVENTS)
    if (source instanceof EventTarget) dataOf(source as EventSource)
    await world.settle()
    for (let count = 0; count < 3; count++) {
      source.close()
      const { words, end } = open()
      await world.settle()
      await world.tell()
      expect(words).toHaveLength(1)
      end()
      await world.clock.advance(0)
    }
  })

  test('takes up what a function without a key has given', async () => {
    const world = new CookieWorld()
    const page = new Page(world, 'page')
    const options = { headers: async () => ({ Authorization: 'Bearer alice' }) }
    const first = page.connect(URL_OF_EVENTS, options)
    await world.settle()
    first.close()
    const words = heard(page.connect(URL_OF_EVENTS, options), 'message')
    await world.settle()
    await world.tell()
    expect(words).toEqual(['message alice 1'])
    expect(world.upstream.requests).toHaveLength(1)
  })
})

describe('another page', () => {
  test.each<[string, (page: Page, source: EventSource) => void]>([
    ['whose source is closed', (_page, source) => source.close()],
    ['that is left', (page) => page.happen('pagehide')],
    ['that dies', ({ agent }) => agent.kill()],
  ])('than the one %s gets a connection of its own, and the former one is closed', async (_how, end) => {
    const world = new CookieWorld()
    new Page(world, 'unrelated').source(`${URL_OF_EVENTS}/unrelated`)
    const page = new Page(world, 'page')
    const source = page.source()
    dataOf(source)
    await world.settle()
    await world.tell()
    end(page, source)
    world.user = 'bob'
    await world.clock.advance(100)
    const data = dataOf(new Page(world, 'next').source(URL_OF_EVENTS, { replay: 'all' }))
    await world.settle()
    await world.tell()
    expect(data).toEqual(['bob 2'])
    expect(world.upstream.open.size).toBe(2)
  })

  test('of the same key takes it up, with what has been', async () => {
    const world = new CookieWorld()
    new Page(world, 'unrelated').source(`${URL_OF_EVENTS}/unrelated`)
    const page = new Page(world, 'page')
    heard(page.connect(URL_OF_EVENTS, { key: 'alice' }), 'message')
    await world.settle()
    await world.tell()
    page.happen('pagehide')
    await world.clock.advance(100)
    const next = new Page(world, 'next').connect(URL_OF_EVENTS, { key: 'alice', replay: 'all' })
    const words = heard(next, 'message')
    await world.settle()
    expect(words).toEqual(['message alice 1'])
    expect(world.upstream.requests).toHaveLength(2)
  })

  test.each([
    [true, true, 1],
    [true, false, 2],
    [false, true, 2],
  ])('takes it up where both say that it does not matter: %j, %j', async (says, saysToo, requests) => {
    const world = new CookieWorld()
    const pages = [says, saysToo].map((isPublic) =>
      isPublic ? publicPage(world, 'page') : new Page(world, 'page'),
    )
    dataOf(pages[0]?.source() as EventSource)
    await world.settle()
    await world.tell()
    pages[0]?.happen('pagehide')
    await world.clock.advance(100)
    const data = dataOf(pages[1]?.source(URL_OF_EVENTS, { replay: 'all' }) as EventSource)
    await world.settle()
    expect(data).toEqual(requests === 1 ? ['alice 1'] : [])
    expect(world.upstream.requests).toHaveLength(requests)
  })
})

test('a page that comes back goes on where it was', async () => {
  const world = new CookieWorld()
  new Page(world, 'unrelated').source(`${URL_OF_EVENTS}/unrelated`)
  const page = new Page(world, 'page')
  const data = dataOf(page.source())
  await world.settle()
  await world.tell()
  page.happen('pagehide')
  await world.clock.advance(10)
  await world.tell()
  page.happen('pageshow')
  await world.settle()
  await world.tell()
  expect(data).toEqual(['alice 1', 'alice 2', 'alice 3'])
  expect(world.upstream.requests).toHaveLength(2)
})
