import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { Gap } from '../../../src/api/shared-stream.ts'
import { heard, OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// The option `resume`: the request that resumes a stream may be another than the one that begins it, or none.

function opening(options: ConnectOptions, world = new UpstreamWorld()) {
  const page = new Page(world, 'page')
  const stream = page.connect(URL_OF_EVENTS, options as object)
  const words = heard(stream, '*')
  const gaps: Gap[] = []
  stream.onGap((gap) => gaps.push(gap))
  return { world, page, stream, words, gaps }
}

/** The second request of a stream that has had an ID and is cut. */
async function resumedBy(options: ConnectOptions) {
  const { world } = opening(options)
  await world.clock.advance(OPEN)
  world.upstream.write('id: 1\ndata: 1\n\n')
  await world.clock.advance(0)
  world.upstream.cut()
  await world.clock.advance(1_000)
  const [first, second] = world.upstream.requests
  if (first === undefined || second === undefined) throw new Error('nothing was asked for again')
  return { first, second }
}

describe('a stream that one request begins and another resumes', () => {
  const headers = { 'Mcp-Session-Id': 's1' }

  test('goes on, as with a server of the Model Context Protocol', async () => {
    const { world, stream, words, gaps } = opening({
      method: 'POST',
      body: { jsonrpc: '2.0', id: 1, method: 'tools/call' },
      headers,
      resume: { method: 'GET' },
      until: ({ data }) => data.includes('"result"'),
    })
    world.upstream.answer = ({ method }) =>
      method === 'POST'
        ? { text: 'id: s1_0\nretry: 200\ndata: \n\n', ends: true }
        : { text: 'id: s1_1\ndata: {"result":7}\n\n', ends: true }
    await world.clock.advance(60_000)
    const { upstream } = world
    expect(upstream.requests.map(({ method, body, url }) => [method, body, url])).toEqual([
      ['POST', '{"jsonrpc":"2.0","id":1,"method":"tools/call"}', URL_OF_EVENTS],
      ['GET', undefined, URL_OF_EVENTS],
    ])
    expect(upstream.requests.map(({ headers }) => headers)).toEqual([
      { accept: 'text/event-stream', 'content-type': 'application/json', 'mcp-session-id': 's1' },
      { accept: 'text/event-stream', 'mcp-session-id': 's1', 'Last-Event-ID': 's1_0' },
    ])
    expect(words).toEqual(['message ', 'message {"result":7}'])
    expect(gaps).toEqual([])
    expect(stream.status).toMatchObject({ state: 'closed', error: undefined })
  })

  test('is begun again by the first request where there is no ID yet', async () => {
    const { world } = opening({ method: 'POST', body: 'ask', resume: {}, retry: true })
    await world.clock.advance(OPEN)
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(world.upstream.requests.map(({ method }) => method)).toEqual(['POST', 'POST'])
  })

  test('is resumed for a page that was away for a moment', async () => {
    const { world, page, stream } = opening({ method: 'POST', body: 'ask', resume: {}, key: 'mine' })
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: 1\n\n')
    await world.clock.advance(0)
    stream.close()
    await world.clock.advance(0)
    world.upstream.cut()
    await world.clock.advance(100)
    const next = page.connect(URL_OF_EVENTS, {
      method: 'POST',
      body: 'ask',
      resume: {},
      key: 'mine',
    } as object)
    await world.clock.advance(2_000)
    expect(next.status.state).toBe('open')
    expect(world.upstream.requests.map(({ method }) => method)).toEqual(['POST', 'GET'])
  })

  test('is resumed by that request at the next hub, too', async () => {
    const { world, words, gaps } = opening({ method: 'POST', body: 'ask', resume: {} })
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n')
    await world.clock.advance(0)
    world.workers()[0]?.agent.kill()
    await world.clock.advance(1_000)
    world.upstream.write('id: 2\ndata: 2\n\nid: 3\ndata: 3\n\n')
    await world.clock.advance(0)
    expect(world.upstream.requests).toMatchObject([{ method: 'POST' }, { method: 'GET', body: undefined }])
    expect(words).toEqual(['message 1', 'message 2', 'message 3'])
    expect(gaps).toEqual([])
  })

  test('may be resumed at another URL, with another body', async () => {
    const { second } = await resumedBy({
      method: 'POST',
      body: 'ask',
      resume: { url: 'https://dash.test/resume#x', method: 'put', body: { after: true } },
    })
    expect(second).toMatchObject({
      url: 'https://dash.test/resume',
      method: 'PUT',
      body: '{"after":true}',
      headers: { 'content-type': 'application/json', 'Last-Event-ID': '1' },
    })
  })

  test('is given no type for a text', async () => {
    const { second } = await resumedBy({ resume: { method: 'POST', body: 'again' } })
    expect(second.headers).toEqual({ accept: 'text/event-stream', 'Last-Event-ID': '1' })
  })

  test('keeps the type that the page has given for a body', async () => {
    const type = { 'Content-Type': 'application/vnd.ask+json' }
    const resume = { method: 'POST', body: { again: true } }
    const { first, second } = await resumedBy({ method: 'POST', body: { a: 1 }, headers: type, resume })
    for (const { headers } of [first, second]) {
      expect(headers).toMatchObject({ 'content-type': 'application/vnd.ask+json' })
    }
  })

  test('takes headers that a function gives for each request', async () => {
    let count = 0
    const { second } = await resumedBy({
      method: 'POST',
      body: {},
      key: 'alice',
      headers: () => ({ n: String(++count) }),
      resume: {},
    })
    expect(second.headers).toEqual({ accept: 'text/event-stream', n: '2', 'Last-Event-ID': '1' })
  })

  test('takes the credentials mode of the first', async () => {
    const { second } = await resumedBy({ method: 'POST', credentials: 'include', resume: {} })
    expect(second).toMatchObject({ method: 'GET', credentials: 'include' })
  })
})

describe('a server that never resumes', () => {
  test('is not asked to', async () => {
    const { second } = await resumedBy({ resume: 'none' })
    expect(second.headers).toEqual({ accept: 'text/event-stream' })
  })

  test.each([
    ['gives an ID to each event', 'id: 1\ndata: 1\n\n'],
    ['gives no IDs', 'data: 1\n\n'],
  ])('and %s: its reconnections are no gaps, and all that it sends is given', async (_what, text) => {
    const { world, words, gaps } = opening({ resume: 'none' })
    world.upstream.answer = () => ({ text, ends: true })
    await world.clock.advance(OPEN + 10_000)
    const { length } = world.upstream.requests
    expect(length).toBeGreaterThan(3)
    expect(words).toEqual(Array(length).fill('message 1'))
    expect(gaps).toEqual([])
  })

  test('keeps the last event ID in effect, also one that came alone', async () => {
    const { world, stream } = opening({ resume: 'none' })
    const ids: string[] = []
    stream.on('*', ({ id }) => ids.push(id))
    world.upstream.answer = (_asked, number) => ({
      text:
        ['id: 1\ndata: a\n\nid: 2\n\n', 'data: b\n\n', 'data: c\n\nid: 3\ndata: d\n\n', 'data: e\n\n'][
          number - 1
        ] ?? '',
      ends: number < 4,
    })
    await world.clock.advance(OPEN + 10_000)
    expect(ids).toEqual(['1', '2', '2', '3', '3'])
  })

  test('is asked to where someone who shares the stream expects it', async () => {
    const world = new UpstreamWorld()
    new Page(world, 'other').connect(URL_OF_EVENTS)
    opening({ resume: 'none' }, world)
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: 1\n\n')
    await world.clock.advance(0)
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(world.upstream.requests[1]?.headers).toMatchObject({ 'Last-Event-ID': '1' })
  })

  /** A script that counts from the beginning for each connection, as many in PHP do, and ends at once. */
  const script = (world: UpstreamWorld) => {
    let said = 0
    world.upstream.answer = () => {
      const text = [1, 2].map((id) => `id: ${id}\ndata: ${++said}\n\n`).join('')
      return { text, ends: true }
    }
  }

  test('gives no gap, and nothing waits, when it answers anew', async () => {
    const { world, words, gaps } = opening({ resume: 'none' })
    script(world)
    await world.clock.advance(OPEN)
    expect(words).toEqual(['message 1', 'message 2'])
    while (world.upstream.requests.length < 3) await world.clock.advance(10)
    await world.clock.advance(0)
    expect(words).toEqual(['1', '2', '3', '4', '5', '6'].map((data) => `message ${data}`))
    expect(gaps).toEqual([])
  })

  test('gives no gap when it says the same again', async () => {
    const { world, words, gaps } = opening({ resume: 'none' })
    world.upstream.answer = () => ({ text: 'id: 1\ndata: tick\n\nid: 2\ndata: tick\n\n', ends: true })
    while (world.upstream.requests.length < 2) await world.clock.advance(10)
    await world.clock.advance(0)
    expect(words).toEqual(Array(4).fill('message tick'))
    expect(gaps).toEqual([])
  })

  test.each([
    ['other things', 'three', 'four'],
    ['the same', 'one', 'two'],
  ])('gives no gap where the hub dies and it says %s', async (_what, first, second) => {
    const world = new UpstreamWorld()
    const one = opening({ resume: 'none' }, world)
    const other = opening({ resume: 'none' }, world)
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: one\n\nid: 2\ndata: two\n\n')
    await world.clock.advance(0)
    world.workers()[0]?.agent.kill()
    await world.clock.advance(1_000)
    world.upstream.write(`id: 1\ndata: ${first}\n\nid: 2\ndata: ${second}\n\n`)
    await world.clock.advance(0)
    expect(world.upstream.requests[1]?.headers).toEqual({ accept: 'text/event-stream' })
    for (const { words, gaps } of [one, other]) {
      expect(words).toEqual(['one', 'two', first, second].map((data) => `message ${data}`))
      expect(gaps).toEqual([])
    }
  })

  test('is not sent a POST anew where who expected it to resume has gone meanwhile', async () => {
    const world = new UpstreamWorld()
    const asks = { method: 'POST', body: 'ask' }
    const other = new Page(world, 'other').connect(URL_OF_EVENTS, asks)
    opening({ ...asks, resume: 'none' }, world)
    await world.clock.advance(OPEN)
    world.upstream.write('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n')
    await world.clock.advance(0)
    world.upstream.cut()
    await world.clock.advance(100)
    other.close()
    await world.clock.advance(2_000)
    expect(world.upstream.requests.slice(1)).toMatchObject([
      { method: 'POST', headers: { 'Last-Event-ID': '1' } },
    ])
  })

  test('is not sent a POST again for the sake of an ID', async () => {
    const { world, stream } = opening({ method: 'POST', body: 'ask', resume: 'none' })
    world.upstream.answer = () => ({ text: 'id: 1\ndata: 1\n\n', ends: true })
    await world.clock.advance(60_000)
    expect(world.upstream.requests).toHaveLength(1)
    expect(stream.status).toMatchObject({ state: 'closed', error: undefined })
  })
})
