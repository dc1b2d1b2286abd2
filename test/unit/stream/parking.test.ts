import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { SharedStream } from '../../../src/api/shared-stream.ts'
import { heard, OPEN, Page, statuses, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

interface Tab {
  readonly page: Page
  readonly stream: SharedStream
  readonly words: string[]
  readonly gaps: string[]
}

/** Opens a stream of its own in a tab that takes the place of the one shown so far. */
async function openTab(
  world: UpstreamWorld,
  tabs: Tab[],
  options: ConnectOptions & { events?: undefined } = {},
  url: string = `${URL_OF_EVENTS}/${tabs.length}`,
): Promise<Tab> {
  for (const { page } of tabs) if (page.agent.isShown) page.show(false)
  const page = new Page(world, `page ${tabs.length}`)
  const stream = page.connect(url, options)
  const gaps: string[] = []
  stream.onGap(({ reason }) => gaps.push(reason))
  const tab = { page, stream, words: heard(stream, 'message'), gaps }
  tabs.push(tab)
  await world.clock.advance(OPEN)
  return tab
}

async function openTabs(
  world: UpstreamWorld,
  count: number,
  options?: ConnectOptions & { events?: undefined },
): Promise<Tab[]> {
  const tabs: Tab[] = []
  for (let index = 0; index < count; index++) {
    const tab = await openTab(world, tabs, options)
    if (tab.stream.status.state === 'open')
      world.upstream.write(`id: ${index}\ndata: first\n\n`, ({ url }) => url.endsWith(`/${index}`))
    await world.clock.advance(10)
  }
  return tabs
}

const statesOf = (tabs: readonly Tab[]): string[] => tabs.map(({ stream }) => stream.status.state)

/** Shows one tab instead of the one shown so far. */
async function show(world: UpstreamWorld, tabs: readonly Tab[], index: number): Promise<void> {
  for (const { page } of tabs) if (page.agent.isShown) page.show(false)
  tabs[index]?.page.show()
  await world.clock.advance(OPEN)
}

const PARKED_FIRST = ['parked', 'open', 'open', 'open', 'open']

describe('a fifth stream', () => {
  test('takes the connection of the one that was shown the longest ago, which is parked', async () => {
    const world = new UpstreamWorld()
    const tabs = await openTabs(world, 5)
    expect(statesOf(tabs)).toEqual(PARKED_FIRST)
    expect(world.upstream.open.size).toBe(4)
    expect(world.upstream.peak).toBe(4)
  })

  test('does not where the pages have come by HTTP/2 or HTTP/3', async () => {
    for (const protocol of ['h2', 'h3']) {
      const tabs = await openTabs(new UpstreamWorld({ protocol }), 9)
      expect(new Set(statesOf(tabs))).toEqual(new Set(['open']))
    }
  })

  test('does where they have come by HTTP/1.1, and to an origin of which nothing is known', async () => {
    expect(statesOf(await openTabs(new UpstreamWorld({ protocol: 'http/1.1' }), 5))).toEqual(PARKED_FIRST)
    const world = new UpstreamWorld({ protocol: 'h2' })
    const tabs: Tab[] = []
    for (let index = 0; index < 5; index++) await openTab(world, tabs, {}, `https://other.test/${index}`)
    expect(statesOf(tabs)).toEqual(PARKED_FIRST)
  })

  test('is not parked for pages that wait for nothing: a stream that tries again holds no connection', async () => {
    const world = new UpstreamWorld()
    world.upstream.answer = ({ url }) => (url.endsWith('/0') ? { status: 503 } : undefined)
    const tabs = await openTabs(world, 5)
    expect(statesOf(tabs)).toEqual(['retrying', 'open', 'open', 'open', 'open'])
  })

  test('gets its connection when another stream is closed', async () => {
    const world = new UpstreamWorld()
    const tabs = await openTabs(world, 5)
    tabs[4]?.stream.close()
    await world.clock.advance(1_000 + OPEN)
    expect(statesOf(tabs)).toEqual(['open', 'open', 'open', 'open', 'closed'])
  })
})

describe('a parked stream', () => {
  test('resumes where it stands when its page is shown', async () => {
    const world = new UpstreamWorld()
    const tabs = await openTabs(world, 5)
    const [first] = tabs
    world.upstream.answer = ({ url, headers }) =>
      url.endsWith('/0')
        ? { text: headers['Last-Event-ID'] === '0' ? 'id: 1\ndata: second\n\nid: 2\ndata: third\n\n' : '' }
        : undefined
    await show(world, tabs, 0)
    expect(first?.stream.status.state).toBe('open')
    expect(first?.words).toEqual(['message first', 'message second', 'message third'])
    expect(first?.gaps).toEqual([])
    expect(world.upstream.open.size).toBe(4)
  })

  test('resumes when it is its turn, though no page shows it', async () => {
    const world = new UpstreamWorld()
    const tabs = await openTabs(world, 5)
    const [first] = tabs
    const states = statuses(first?.stream as SharedStream)
    world.upstream.answer = ({ headers }) =>
      headers['Last-Event-ID'] === '0' ? { text: 'id: 1\ndata: second\n\n' } : undefined
    await world.clock.advance(10_000)
    expect(first?.words).toEqual(['message first', 'message second'])
    expect(world.upstream.peak).toBe(4)
    // Nobody is told, however often that happens.
    expect(states).toEqual([])
    expect(first?.stream.status.state).toBe('parked')
    await world.clock.advance(3_600_000)
    const { logEvents = 0 } = world.report().streams.find(({ url }) => url.endsWith('/0')) ?? {}
    expect(logEvents).toBeLessThan(10)
    await show(world, tabs, 0)
    expect(states).toEqual(['open'])
  })

  test('is open to its page where that is shown in its turn', async () => {
    const world = new UpstreamWorld()
    const tabs = await openTabs(world, 5)
    const isConnected = () => [...world.upstream.open].some(({ asked }) => asked.url.endsWith('/0'))
    for (let waited = 0; !isConnected() && waited < 10_000; waited += 50) await world.clock.advance(50)
    await world.clock.advance(50)
    expect(tabs[0]?.stream.status.state).toBe('parked')
    await show(world, tabs, 0)
    expect(isConnected()).toBe(true)
    expect(tabs[0]?.stream.status.state).toBe('open')
  })

  test('is told of a gap where its server gives no IDs', async () => {
    const world = new UpstreamWorld()
    const tabs: Tab[] = []
    for (let index = 0; index < 5; index++) {
      await openTab(world, tabs)
      world.upstream.write('data: first\n\n', ({ url }) => url.endsWith(`/${index}`))
      await world.clock.advance(10)
    }
    expect(statesOf(tabs)).toEqual(PARKED_FIRST)
    await show(world, tabs, 0)
    expect(tabs.map(({ gaps }) => gaps)).toEqual([['unresumable'], [], [], [], []])
  })

  test('is told of a gap where the page expects no resumption, though a cut is none', async () => {
    const world = new UpstreamWorld()
    const tabs = await openTabs(world, 5, { resume: 'none' })
    expect(statesOf(tabs)).toEqual(PARKED_FIRST)
    await show(world, tabs, 0)
    expect(tabs[0]?.gaps).toEqual(['unresumable'])
    world.upstream.cut()
    await world.clock.advance(5_000)
    expect(tabs[0]?.gaps).toEqual(['unresumable'])
  })

  test('is the last one whose server gives no IDs', async () => {
    const world = new UpstreamWorld()
    const tabs: Tab[] = []
    for (let index = 0; index < 5; index++) {
      await openTab(world, tabs)
      const id = index === 2 ? `id: ${index}\n` : ''
      world.upstream.write(`${id}data: first\n\n`, ({ url }) => url.endsWith(`/${index}`))
      await world.clock.advance(10)
    }
    expect(statesOf(tabs)).toEqual(['open', 'open', 'parked', 'open', 'open'])
  })

  test('is never one whose request may not be made again', async () => {
    const world = new UpstreamWorld()
    const tabs: Tab[] = []
    await openTab(world, tabs, { method: 'POST' })
    for (let index = 0; index < 4; index++) await openTab(world, tabs)
    expect(statesOf(tabs)).toEqual(['open', 'parked', 'open', 'open', 'open'])
  })

  test('goes on at the next hub', async () => {
    const world = new UpstreamWorld()
    const tabs = await openTabs(world, 5)
    world.upstream.answer = ({ url, headers }) =>
      url.endsWith('/0') && headers['Last-Event-ID'] === '0' ? { text: 'id: 1\ndata: second\n\n' } : undefined
    world.workers()[0]?.agent.kill()
    await world.clock.advance(OPEN)
    await show(world, tabs, 0)
    expect(tabs[0]?.words).toEqual(['message first', 'message second'])
    expect(tabs[0]?.gaps).toEqual([])
    expect(world.upstream.open.size).toBe(4)
  })

  test('can be reconnected, closed and ended like any other', async () => {
    const world = new UpstreamWorld()
    const tabs = await openTabs(world, 6)
    expect(statesOf(tabs).slice(0, 2)).toEqual(['parked', 'parked'])
    tabs[0]?.stream.reconnect()
    tabs[1]?.stream.end()
    await world.clock.advance(OPEN)
    expect(statesOf(tabs).slice(0, 2)).toEqual(['parked', 'closed'])
    for (const { stream } of tabs) stream.close()
    await world.clock.advance(5_000)
    expect(world.report()).toMatchObject({ streams: [], origins: [] })
    expect(world.upstream.open.size).toBe(0)
  })

  test('is neither an error nor an opening to a SharedEventSource', async () => {
    const world = new UpstreamWorld()
    const page = new Page(world, 'source')
    const source = page.source(`${URL_OF_EVENTS}/source`)
    const seen: string[] = []
    for (const type of ['open', 'error', 'message', 'gap']) {
      source.addEventListener(type, ({ type }) => seen.push(type))
    }
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: first\n\n')
    await world.clock.advance(10)
    page.show(false)
    const tabs = await openTabs(world, 4)
    expect(world.report().streams.map(({ state }) => state)).toEqual(PARKED_FIRST)
    expect(source.readyState).toBe(source.OPEN)
    world.upstream.answer = ({ headers }) =>
      headers['Last-Event-ID'] === '1' ? { text: 'id: 2\ndata: second\n\n' } : undefined
    for (const { page } of tabs) page.show(false)
    page.show()
    await world.clock.advance(OPEN)
    expect(seen).toEqual(['open', 'message', 'message'])
    expect(source.readyState).toBe(source.OPEN)
  })
})

describe('where more are visible than there are connections', () => {
  test('those that wait are told, in the console once', async () => {
    const world = new UpstreamWorld()
    const pages = Array.from({ length: 6 }, (_, index) => new Page(world, `page ${index}`))
    const streams = pages.map((page, index) => page.connect(`${URL_OF_EVENTS}/${index}?token=secret`))
    await world.clock.advance(OPEN)
    expect(streams.map(({ status }) => status.state)).toEqual([...Array(4).fill('open'), 'parked', 'parked'])
    await world.clock.advance(10_000)
    const warnings = pages.flatMap(({ warnings }) => warnings)
    expect(warnings).toEqual([
      'tabstream: all 4 connections to https://dash.test are taken, so the other streams take turns. ' +
        'HTTP/2 and HTTP/3 know no such limit.',
    ])
  })

  test('the console names the key where functions give different headers without one', async () => {
    const world = new UpstreamWorld()
    const tabs: Tab[] = []
    for (let index = 0; index < 5; index++)
      await openTab(
        world,
        tabs,
        { headers: async () => ({ Authorization: `Bearer secret ${index}` }) },
        URL_OF_EVENTS,
      )
    const warnings = tabs.flatMap(({ page }) => page.warnings)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/ key.*connect\(url, \{ headers, key: user\.id \}\)/)
    expect(warnings[0]).not.toContain('secret')
  })

  test('high priority comes first, and low priority last', async () => {
    const world = new UpstreamWorld()
    const tabs: Tab[] = []
    for (const priority of ['low', 'auto', 'high', 'auto', 'high', 'auto'] as const)
      await openTab(world, tabs, { priority })
    expect(statesOf(tabs)).toEqual(['parked', 'parked', 'open', 'open', 'open', 'open'])
  })
})

describe('connections', () => {
  test('as few as the page says', async () => {
    const world = new UpstreamWorld({ protocol: 'h2' })
    const pages = [1, 2].map((index) => new Page(world, `page ${index}`, undefined, '', 1))
    const streams = pages.map((page, index) => page.connect(`${URL_OF_EVENTS}/${index}`))
    await world.clock.advance(OPEN)
    expect(streams.map(({ status }) => status.state)).toEqual(['open', 'parked'])
    expect(world.report().origins).toEqual([
      { origin: 'https://dash.test', protocol: 'h2', limit: 1, live: 1, parked: 1 },
    ])
  })

  test('the least that a page says counts, for as long as it is there', async () => {
    const world = new UpstreamWorld()
    const many = new Page(world, 'many', undefined, '', 20)
    for (let index = 0; index < 6; index++) many.connect(`${URL_OF_EVENTS}/${index}`)
    await world.clock.advance(OPEN)
    expect(world.upstream.open.size).toBe(6)
    const few = new Page(world, 'few', undefined, '', 2)
    few.connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    expect(world.upstream.open.size).toBe(2)
    few.happen('pagehide')
    await world.clock.advance(1_000 + OPEN)
    expect(world.upstream.open.size).toBe(6)
  })

  test('count at the origin that a function leads to', async () => {
    const world = new UpstreamWorld()
    const tabs: Tab[] = []
    for (let index = 0; index < 4; index++) {
      const page = new Page(world, `page ${index}`)
      page.connect(() => `https://other.test/${index}`, { key: `stream ${index}` })
    }
    await world.clock.advance(OPEN)
    for (let index = 0; index < 4; index++) await openTab(world, tabs)
    expect(world.upstream.open.size).toBe(8)
    expect(world.report().origins.map(({ origin, live, parked }) => [origin, live, parked])).toEqual([
      ['https://other.test', 4, 0],
      ['https://dash.test', 4, 0],
    ])
  })
})

describe('hidden', () => {
  test('park: the connection goes with the last visible page, and comes back with the first', async () => {
    const world = new UpstreamWorld()
    const [one, other] = ['one', 'other'].map((name) => new Page(world, name)) as [Page, Page]
    const streams = [one, other].map((page) => page.connect(URL_OF_EVENTS, { hidden: 'park' }))
    const [words] = streams.map((stream) => heard(stream, 'message'))
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: first\n\n')
    one.show(false)
    await world.clock.advance(OPEN)
    expect(world.upstream.open.size).toBe(1)
    other.show(false)
    await world.clock.advance(OPEN)
    expect(world.upstream.open.size).toBe(0)
    expect(streams.map(({ status }) => status.state)).toEqual(['parked', 'parked'])
    expect(world.report().streams).toMatchObject([
      { state: 'parked', parked: 'no page that shows it is visible', isVisible: false },
    ])
    await world.clock.advance(1_000_000)
    expect(world.upstream.requests).toHaveLength(1)
    world.upstream.answer = ({ headers }) =>
      headers['Last-Event-ID'] === '1' ? { text: 'id: 2\ndata: second\n\n' } : undefined
    one.show()
    await world.clock.advance(OPEN)
    expect(words).toEqual(['message first', 'message second'])
    expect(streams.map(({ status }) => status.state)).toEqual(['open', 'open'])
  })

  test('parkAfter: after so long, and the longest wish counts', async () => {
    const world = new UpstreamWorld()
    const [one, other] = ['one', 'other'].map((name) => new Page(world, name)) as [Page, Page]
    one.connect(URL_OF_EVENTS, { hidden: { parkAfter: 10_000 } })
    other.connect(URL_OF_EVENTS, { hidden: { parkAfter: 60_000 } })
    await world.clock.advance(OPEN)
    for (const page of [one, other]) page.show(false)
    await world.clock.advance(59_000)
    expect(world.upstream.open.size).toBe(1)
    await world.clock.advance(2_000)
    expect(world.upstream.open.size).toBe(0)
  })

  test('a page that wants its stream live keeps it for all', async () => {
    const world = new UpstreamWorld()
    const [one, other] = ['one', 'other'].map((name) => new Page(world, name)) as [Page, Page]
    one.connect(URL_OF_EVENTS, { hidden: 'park' })
    other.connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    for (const page of [one, other]) page.show(false)
    await world.clock.advance(100_000)
    expect(world.upstream.open.size).toBe(1)
  })

  test('a page that is hidden when it opens its stream has a connection only when it is shown', async () => {
    const world = new UpstreamWorld()
    const page = new Page(world, 'page')
    page.agent.isShown = false
    const stream = page.connect(URL_OF_EVENTS, { hidden: 'park' })
    await world.clock.advance(10_000)
    expect(stream.status.state).toBe('parked')
    expect(world.upstream.requests).toEqual([])
    page.show()
    await world.clock.advance(OPEN)
    expect(stream.status.state).toBe('open')
  })

  test('batch: a hidden page is given what has come once a second, and a visible one at once', async () => {
    const world = new UpstreamWorld()
    const [seen, hidden] = ['seen', 'hidden'].map((name) => new Page(world, name)) as [Page, Page]
    const [now, then] = [seen, hidden].map((page) => {
      const at: number[] = []
      page.connect(URL_OF_EVENTS, { hidden: 'batch' }).on('message', () => at.push(world.clock.now))
      return at
    }) as [number[], number[]]
    await world.clock.advance(OPEN)
    hidden.show(false)
    for (let count = 0; count < 50; count++) {
      world.upstream.write(`id: ${count}\ndata: x\n\n`)
      await world.clock.advance(100)
    }
    expect(new Set(now).size).toBe(50)
    expect(new Set(then).size).toBeLessThanOrEqual(6)
    hidden.show()
    await world.clock.advance(10)
    expect([now.length, then.length]).toEqual([50, 50])
  })
})
