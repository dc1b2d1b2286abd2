import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { HeadersReason } from '../../../src/link/protocol.ts'
import { inspectClient } from '../../../src/page/inspect-client.ts'
import type { Agent } from '../../sim/world/agent.ts'
import { ASK_TIMEOUT, heard, OPEN, Page, statuses, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// Headers that a function in a page gives: who is asked, when, and what of it can be seen.

const SECRET = 'd34db33f'

interface Giver extends Page {
  readonly reasons: HeadersReason[]
  /** How the next question is answered. */
  give: (reason: HeadersReason) => HeadersInit | Promise<HeadersInit>
}

/** A page that shares a stream by its key, and gives headers that name the page. */
function giver(world: UpstreamWorld, name: string, options: ConnectOptions = {}) {
  const page = Object.assign(new Page(world, name), {
    reasons: [],
    give: () => ({ Authorization: `Bearer ${SECRET} of ${name}` }),
  }) as Giver
  const stream = page.connect(URL_OF_EVENTS, {
    key: 'alice',
    ...options,
    headers: (reason: HeadersReason) => {
      page.reasons.push(reason)
      return page.give(reason)
    },
  } as object)
  return { page, stream, seen: statuses(stream) }
}

/** Whose headers each request had. */
const givers = ({ upstream }: UpstreamWorld): (string | undefined)[] =>
  upstream.requests.map(({ headers }) => headers.authorization?.split(' ').at(-1))

const never = () => new Promise<HeadersInit>(() => {})

describe('the function', () => {
  test('is asked before each connection, with the reason', async () => {
    const world = new UpstreamWorld()
    const { page } = giver(world, 'a')
    await world.clock.advance(OPEN)
    expect(page.reasons).toEqual(['connect'])
    world.upstream.cut()
    await world.clock.advance(1_000)
    world.upstream.answer = (_asked, number) => (number === 3 ? { status: 401 } : undefined)
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(page.reasons).toEqual(['connect', 'retry', 'retry', 'unauthorized'])
    expect(givers(world)).toEqual(['a', 'a', 'a', 'a'])
  })

  test('is asked of one page only', async () => {
    const world = new UpstreamWorld()
    const pages = ['a', 'b', 'c'].map((name) => giver(world, name).page)
    await world.clock.advance(OPEN)
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(pages.map(({ reasons }) => reasons)).toEqual([['connect', 'retry'], [], []])
  })

  test('is asked of a page of that very stream, not of another', async () => {
    const world = new UpstreamWorld()
    const { page: bob } = giver(world, 'bob', { key: 'bob' })
    const { page: alice } = giver(world, 'alice', { key: 'alice' })
    await world.clock.advance(OPEN)
    expect(givers(world).sort()).toEqual(['alice', 'bob'])
    expect([bob.reasons, alice.reasons]).toEqual([['connect'], ['connect']])
  })

  test('is asked once while names change', async () => {
    const world = new UpstreamWorld()
    const { page, stream } = giver(world, 'a')
    page.give = () => new Promise((resolve) => world.clock.schedule(500, () => resolve({ n: '1' })))
    await world.clock.advance(OPEN)
    for (const name of ['x', 'y', 'z']) {
      stream.on(name, () => {})
      await world.clock.advance(100)
    }
    await world.clock.advance(1_000)
    expect(page.reasons).toEqual(['connect'])
    expect(world.upstream.requests).toMatchObject([{ headers: { n: '1' } }])
  })

  test('that fails is asked again after a while, and the status tells why', async () => {
    const world = new UpstreamWorld()
    const { page, seen } = giver(world, 'a')
    page.give = (reason) => {
      if (reason === 'connect') throw new Error('the session has expired')
      return {}
    }
    await world.clock.advance(OPEN + 1_000)
    expect(seen).toEqual([
      'connecting',
      'retrying 1: a page could not give headers or URL: the session has expired',
      expect.stringMatching(/^open/),
    ])
    expect(world.upstream.requests).toHaveLength(1)
  })

  test.each<[string, unknown]>([
    ['a number', 7],
    ['what no header can be', { 'not a name': 'x' }],
  ])('that gives %s counts as one that fails', async (_what, headers) => {
    const world = new UpstreamWorld()
    const { page, seen } = giver(world, 'a', { maxRetries: 1 })
    page.give = () => headers as HeadersInit
    await world.clock.advance(OPEN + 1_000)
    expect(seen).toEqual([
      'connecting',
      expect.stringContaining('retrying 1: a page could not give headers'),
      expect.stringContaining('could not give headers'),
    ])
    expect(world.upstream.requests).toEqual([])
  })

  test('that fails again and again is not asked in a busy loop', async () => {
    const world = new UpstreamWorld()
    const { page } = giver(world, 'a')
    page.give = () => Promise.reject(new Error('no'))
    await world.clock.advance(20_000)
    expect(page.reasons.length).toBeGreaterThan(2)
    expect(page.reasons.length).toBeLessThanOrEqual(21)
  })

  test('without a key that fails at first is asked again, for its own stream', async () => {
    const world = new UpstreamWorld()
    let count = 0
    const stream = new Page(world, 'a').connect(URL_OF_EVENTS, {
      headers: () => {
        if (++count < 3) throw new Error('not yet')
        return { n: String(count) }
      },
    })
    const seen = statuses(stream)
    await world.clock.advance(OPEN + 1_000)
    expect(seen).toEqual([
      'connecting',
      'retrying 1: a page could not give headers or URL: not yet',
      expect.stringMatching(/^open/),
    ])
    expect(world.upstream.requests).toMatchObject([{ headers: { n: '3' } }])
  })
})

describe.each([401, 403])('after status %i', (status) => {
  test('the function is asked once more, at once, and the tabs see no error', async () => {
    const world = new UpstreamWorld()
    const { page, seen } = giver(world, 'a')
    world.upstream.answer = (_asked, number) => (number === 1 ? { status } : undefined)
    await world.clock.advance(OPEN)
    expect(page.reasons).toEqual(['connect', 'unauthorized'])
    expect(seen).toEqual(['connecting', 'open'])
  })

  test('and the same again the stream ends for all', async () => {
    const world = new UpstreamWorld()
    const all = ['a', 'b'].map((name) => giver(world, name))
    world.upstream.answer = () => ({ status })
    await world.clock.advance(600_000)
    // Each page has its turn.
    expect(givers(world)).toEqual(['a', 'b', 'a'])
    for (const { seen } of all) {
      expect(seen).toEqual(['connecting', `closed: the server answered with status ${status}`])
    }
  })

  test('it is asked once more each time that the stream has been open', async () => {
    const world = new UpstreamWorld()
    const { page, stream } = giver(world, 'a')
    // Every second answer: headers expire with each connection.
    world.upstream.answer = (_asked, number) => (number % 2 === 1 ? { status } : undefined)
    await world.clock.advance(OPEN)
    for (let count = 0; count < 3; count++) {
      world.upstream.cut()
      await world.clock.advance(1_000)
    }
    expect(stream.status.state).toBe('open')
    expect(page.reasons.slice(-2)).toEqual(['retry', 'unauthorized'])
    expect(world.upstream.requests).toHaveLength(8)
  })

  test('it is asked once more though an outage came between', async () => {
    const world = new UpstreamWorld()
    const { page, stream } = giver(world, 'a')
    const answers = [{ status }, { status: 503 }, { status }]
    world.upstream.answer = (_asked, number) => answers[number - 1]
    await world.clock.advance(OPEN + 1_000)
    expect(page.reasons).toEqual(['connect', 'unauthorized', 'retry', 'unauthorized'])
    expect(stream.status.state).toBe('open')
  })

  test('a stream without a function ends', async () => {
    const world = new UpstreamWorld()
    const stream = new Page(world, 'a').connect(URL_OF_EVENTS, { headers: { Authorization: 'Bearer x' } })
    world.upstream.answer = () => ({ status })
    await world.clock.advance(600_000)
    expect(stream.status.state).toBe('closed')
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('refreshed headers come of another page where the first is gone', async () => {
    const world = new UpstreamWorld()
    const a = giver(world, 'a')
    const b = giver(world, 'b')
    world.upstream.answer = (_asked, number) => (number === 1 ? { status } : undefined)
    a.page.give = (reason) => {
      if (reason === 'unauthorized') a.page.agent.kill()
      return reason === 'unauthorized' ? never() : { Authorization: 'Bearer a' }
    }
    await world.clock.advance(OPEN)
    expect(b.page.reasons).toEqual(['unauthorized'])
    expect(givers(world)).toEqual(['a', 'b'])
    expect(b.seen).toEqual(['connecting', 'open'])
  })
})

describe('a page that is asked', () => {
  test.each<[string, (page: Page) => void]>([
    ['dies', ({ agent }) => agent.kill()],
    ['is left', (page) => page.happen('pagehide')],
  ])('and %s is replaced by another at once', async (_how, go) => {
    const world = new UpstreamWorld()
    const a = giver(world, 'a')
    const b = giver(world, 'b')
    a.page.give = never
    await world.clock.advance(OPEN)
    expect(world.upstream.requests).toEqual([])
    go(a.page)
    await world.clock.advance(OPEN)
    expect(givers(world)).toEqual(['b'])
    expect(b.seen).toEqual(['connecting', 'open'])
  })

  test('and closes its stream is replaced by another at once', async () => {
    const world = new UpstreamWorld()
    const a = giver(world, 'a')
    giver(world, 'b')
    a.page.give = never
    await world.clock.advance(OPEN)
    a.stream.close()
    await world.clock.advance(OPEN)
    expect(givers(world)).toEqual(['b'])
  })

  test('and changes its names, then dies, is replaced by another at once', async () => {
    const world = new UpstreamWorld()
    const a = giver(world, 'a')
    giver(world, 'b')
    a.page.give = never
    await world.clock.advance(OPEN)
    a.stream.on('x', () => {})
    await world.clock.advance(OPEN)
    a.page.agent.kill()
    await world.clock.advance(OPEN)
    expect(givers(world)).toEqual(['b'])
  })

  test.each<[string, (agent: Agent) => void]>([
    ['is frozen', (agent) => agent.freeze()],
    ['does not answer', () => {}],
  ])('and %s is replaced by another after a while', async (_how, stop) => {
    const world = new UpstreamWorld()
    const a = giver(world, 'a')
    const b = giver(world, 'b')
    a.page.give = never
    await world.clock.advance(OPEN)
    stop(a.page.agent)
    await world.clock.advance(ASK_TIMEOUT)
    expect(givers(world)).toEqual(['b'])
    expect(b.stream.status.state).toBe('open')
  })

  test('and answers when another has been asked is not listened to', async () => {
    const world = new UpstreamWorld()
    const a = giver(world, 'a')
    giver(world, 'b')
    let answer: (headers: HeadersInit) => void = () => {}
    a.page.give = () => new Promise((resolve) => (answer = resolve))
    await world.clock.advance(OPEN + ASK_TIMEOUT)
    answer({ Authorization: 'Bearer a' })
    await world.clock.advance(OPEN)
    expect(givers(world)).toEqual(['b'])
  })

  test('as the last of those who do not answer leaves the stream to be tried again', async () => {
    const world = new UpstreamWorld()
    const { page, seen } = giver(world, 'a')
    page.give = (reason) => (reason === 'connect' ? never() : {})
    await world.clock.advance(OPEN + ASK_TIMEOUT + 1_000)
    expect(seen).toEqual([
      'connecting',
      'retrying 1: no page could give headers or URL',
      expect.stringMatching(/^open/),
    ])
  })

  test('and goes as the last asks the server for nothing', async () => {
    const world = new UpstreamWorld()
    const { page, stream } = giver(world, 'a')
    let answer: (headers: HeadersInit) => void = () => {}
    page.give = () => new Promise((resolve) => (answer = resolve))
    await world.clock.advance(OPEN)
    stream.close()
    await world.clock.advance(5_000)
    answer({})
    await world.clock.advance(60_000)
    expect(world.upstream.requests).toEqual([])
    expect(world.report().streams).toEqual([])
  })

  test('and closes its stream as the last is replaced by one that opens it again', async () => {
    const world = new UpstreamWorld()
    const first = giver(world, 'a')
    first.page.give = never
    await world.clock.advance(OPEN)
    first.stream.close()
    await world.clock.advance(500)
    const { seen } = giver(world, 'b')
    await world.clock.advance(OPEN)
    expect(seen).toEqual(['connecting', 'open'])
    expect(givers(world)).toEqual(['b'])
  })

  test('is not hurried by a page that comes online', async () => {
    const world = new UpstreamWorld()
    const { page } = giver(world, 'a')
    page.give = () => new Promise((resolve) => world.clock.schedule(500, () => resolve({})))
    await world.clock.advance(OPEN)
    page.happen('online')
    page.happen('visible')
    await world.clock.advance(1_000)
    expect(page.reasons).toEqual(['connect'])
    expect(world.upstream).toMatchObject({ peak: 1, requests: { length: 1 } })
  })

  test('and ends the stream meanwhile asks the server for nothing', async () => {
    const world = new UpstreamWorld()
    const { page, stream } = giver(world, 'a', { until: ({ data }) => data === '[DONE]' })
    heard(stream, 'message')
    await world.clock.advance(OPEN)
    page.give = () => new Promise((resolve) => world.clock.schedule(500, () => resolve({})))
    page.agent.pace = 1_200
    world.upstream.write('data: 1\n\ndata: [DONE]\n\n')
    world.upstream.cut()
    await world.clock.advance(60_000)
    expect(stream.status.state).toBe('closed')
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('anew by the next hub, after the death of one, gives what is good then', async () => {
    const world = new UpstreamWorld()
    const { page, stream } = giver(world, 'a')
    await world.clock.advance(OPEN)
    page.give = () => ({ Authorization: 'Bearer another' })
    world.workers()[0]?.agent.kill()
    await world.clock.advance(3_000)
    expect(page.reasons).toEqual(['connect', 'connect'])
    expect(givers(world)).toEqual(['a', 'another'])
    expect(stream.status.state).toBe('open')
  })
})

describe('six tabs whose token lasts two seconds', () => {
  test('have one connection at a time and see no error, though those that refresh it die', async () => {
    const world = new UpstreamWorld()
    let [token, issued] = [1, 0]
    const all = Array.from({ length: 6 }, (_, index) => {
      const one = giver(world, `tab ${index}`)
      let known = token
      one.page.give = async (reason) => {
        await new Promise<void>((resolve) => world.clock.schedule(20, resolve))
        if (reason === 'unauthorized' || known !== token) known = token
        return { Authorization: `Bearer ${known}` }
      }
      return one
    })
    const expire = () => {
      token++
      issued++
      world.upstream.cut()
      world.clock.schedule(2_000, expire)
    }
    world.clock.schedule(2_000, expire)
    world.upstream.answer = ({ headers }) =>
      headers.authorization === `Bearer ${token}` ? { text: 'retry: 100\n\n' } : { status: 401 }
    for (const { page } of all.slice(0, 5)) {
      await world.clock.advance(3_000)
      const asked = page.reasons.length
      while (page.agent.isAlive) {
        await world.clock.advance(5)
        if (page.reasons.length > asked) page.agent.kill()
      }
    }
    await world.clock.advance(1_000)
    expect(issued).toBeGreaterThan(6)
    expect(world.upstream.peak).toBe(1)
    expect(all[5]?.stream.status.state).toBe('open')
    expect(
      all.flatMap(({ seen }) => seen).filter((words) => words.includes('status') || words.includes('closed')),
    ).toEqual([])
  })
})

describe('secrets', () => {
  /** Everything of a world that others may see. */
  const visible = async (world: UpstreamWorld, pages: readonly Page[]): Promise<string> => {
    const inspections = Promise.all(pages.map(({ client }) => inspectClient(client)))
    await world.clock.advance(OPEN)
    return JSON.stringify([
      await inspections,
      world.hubs.map((hub) => hub.report()),
      world.locks.names(),
      world.channels.names(),
      pages.map(({ warnings }) => warnings),
    ])
  }

  const secretive = (index: number): ConnectOptions =>
    [
      { headers: { Authorization: `Bearer ${SECRET} ${index}` } },
      { headers: () => ({ Authorization: `Bearer ${SECRET} ${index}` }) },
      { headers: () => ({ Authorization: `Bearer ${SECRET} ${index}` }), key: `${SECRET} ${index}` },
      { method: 'POST', body: { password: `${SECRET} ${index}` } },
    ][index % 4] as ConnectOptions

  test.each(['shared-worker', 'leader'] as const)(
    'are in no name, report or warning, with host %s',
    async (host) => {
      const world = new UpstreamWorld()
      const pages = Array.from({ length: 8 }, (_, index) => {
        const page = new Page(world, `page ${index}`, (agent, platform) => [
          host === 'leader' ? world.leaderHost(agent, platform) : world.sharedWorkerHost(agent),
        ])
        page.connect(`${URL_OF_EVENTS}/${index}`, secretive(index) as object)
        return page
      })
      await world.clock.advance(1_000)
      expect(world.upstream.requests).toHaveLength(4)
      const headers = { 'Content-Type': 'text/plain' }
      world.upstream.answer = () => ({ status: 401, headers, text: `said ${SECRET}` })
      world.upstream.cut()
      const seen = [await visible(world, pages)]
      await world.clock.advance(2_000)
      seen.push(await visible(world, pages))
      expect(JSON.stringify(world.upstream.requests)).toContain(SECRET)
      expect(pages.flatMap(({ warnings }) => warnings)).not.toEqual([])
      expect(seen.join()).not.toContain(SECRET)
    },
  )

  test('are in no status, unless the page’s own function puts them there', async () => {
    const world = new UpstreamWorld()
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS, {
      headers: { Authorization: `Bearer ${SECRET}` },
    })
    const seen = statuses(stream)
    world.upstream.answer = () => ({ status: 401 })
    await world.clock.advance(1_000)
    expect(seen).toHaveLength(2)
    expect(seen.join()).not.toContain(SECRET)
  })
})
