import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { Gap } from '../../../src/api/shared-stream.ts'
import { heard, OPEN, outcomeOf, Page, statuses, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// What one page can do to a stream for all who share it: another connection, or the end.

/** Streams of these pages and a SharedEventSource, all on one connection. */
async function shared(options: ConnectOptions = {}) {
  const world = new UpstreamWorld()
  const [one, other] = ['one', 'other'].map((name) =>
    new Page(world, name).connect(URL_OF_EVENTS, options as object),
  ) as [ReturnType<typeof connected>, ReturnType<typeof connected>]
  const seen = [statuses(one), statuses(other)]
  await world.clock.advance(OPEN)
  const send = async (text: string) => {
    world.upstream.write(text)
    await world.clock.advance(0)
  }
  return { world, one, other, seen, send }
}

const connected = (page: Page) => page.connect(URL_OF_EVENTS)

const textOf = (...numbers: number[]): string =>
  numbers.map((number) => `id: ${number}\ndata: ${number}\n\n`).join('')

const times = ({ upstream }: UpstreamWorld): number[] =>
  upstream.requests.map(({ at }) => at - (upstream.requests[0]?.at ?? 0))

describe('reconnect()', () => {
  test('drops the connection and makes another at once, which resumes', async () => {
    const { world, one, other, seen, send } = await shared()
    const words = [heard(one, 'message'), heard(other, 'message')]
    const gaps: Gap[] = []
    other.onGap((gap) => gaps.push(gap))
    await world.clock.advance(0)
    await send(textOf(1, 2))
    one.reconnect()
    await world.clock.advance(1)
    expect(world.upstream.requests).toMatchObject([{}, { headers: { 'Last-Event-ID': '1' } }])
    expect(world.upstream).toMatchObject({ peak: 1, open: { size: 1 } })
    await send(textOf(2, 3))
    expect(words).toEqual(Array(2).fill(['message 1', 'message 2', 'message 3']))
    expect(gaps).toEqual([])
    expect(seen).toEqual(Array(2).fill(['connecting', 'open', 'connecting', 'open']))
  })

  test('is to a SharedEventSource what a lost connection is', async () => {
    const { world, one } = await shared()
    const source = new Page(world, 'third').source()
    const notes: string[] = []
    for (const name of ['open', 'error'])
      source.addEventListener(name, () => notes.push(`${name} ${source.readyState}`))
    await world.clock.advance(OPEN)
    one.reconnect()
    await world.clock.advance(1)
    expect(notes).toEqual(['open 1', 'error 0', 'open 1'])
  })

  test('gives up an answer that does not come', async () => {
    const { world, one } = await shared()
    world.upstream.answer = () => ({ isMissing: true })
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(one.status.state).toBe('connecting')
    world.upstream.answer = () => undefined
    one.reconnect()
    await world.clock.advance(1)
    expect(one.status.state).toBe('open')
    expect(world.upstream.open.size).toBe(1)
  })

  test('ends the wait for the next attempt, even one that the server has asked for', async () => {
    const { world, one } = await shared()
    world.upstream.answer = (_asked, number) =>
      number === 2 ? { status: 503, headers: { 'Retry-After': '60' } } : undefined
    world.upstream.cut()
    await world.clock.advance(5_000)
    expect(one.status.state).toBe('retrying')
    one.reconnect()
    await world.clock.advance(1)
    expect(one.status.state).toBe('open')
    await world.clock.advance(120_000)
    expect(world.upstream.requests).toHaveLength(3)
  })

  test('in place of a wait tells so, and begins a row of failures anew', async () => {
    const { world, one } = await shared({ maxRetries: 1 })
    world.upstream.cut()
    await world.clock.advance(500)
    expect(one.status).toMatchObject({ state: 'retrying', attempt: 1 })
    world.upstream.answer = () => ({ isMissing: true })
    one.reconnect()
    await world.clock.advance(1)
    expect(one.status).toMatchObject({ state: 'connecting', attempt: 0, retryAt: undefined })
    world.upstream.answer = () => ({ status: 503 })
    one.reconnect()
    await world.clock.advance(10)
    expect(one.status).toMatchObject({ state: 'retrying', attempt: 1 })
  })

  test('does not wait for a page that is asked for headers, and does not answer', async () => {
    const never = new Promise<HeadersInit>(() => {})
    let given: HeadersInit | Promise<HeadersInit> = {}
    const { world, one } = await shared({ key: 'alice', headers: () => given })
    given = never
    one.reconnect()
    await world.clock.advance(1)
    expect(world.upstream.requests).toHaveLength(1)
    given = {}
    one.reconnect()
    await world.clock.advance(1)
    expect(world.upstream.requests).toHaveLength(2)
    expect(one.status.state).toBe('open')
  })

  test('does not wait for a page that has more than enough to do', async () => {
    const world = new UpstreamWorld()
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS)
    const events = stream.events('message')
    await world.clock.advance(OPEN)
    const { length } = world.upstream.requests
    for (let first = 1; first <= 40_000; first += 1_000) {
      world.upstream.write(textOf(...Array.from({ length: 1_000 }, (_, index) => first + index)))
      await world.clock.advance(0)
    }
    expect((await events.next()).value).toMatchObject({ data: '1' })
    stream.reconnect()
    await world.clock.advance(1)
    expect(world.upstream.requests).toHaveLength(length + 1)
    expect(stream.status.state).toBe('open')
  })

  test('while pages are asked about another attempt makes that attempt', async () => {
    let answer: (delay: number | false) => void = () => {}
    const { world, one, other } = await shared({ retry: () => new Promise((resolve) => (answer = resolve)) })
    world.upstream.cut()
    await world.clock.advance(100)
    expect(one.status.state).toBe('open')
    one.reconnect()
    await world.clock.advance(1)
    expect(world.upstream.requests).toHaveLength(2)
    answer(false)
    await world.clock.advance(60_000)
    expect([one, other].map(({ status }) => status.state)).toEqual(['open', 'open'])
    expect(world.upstream.requests).toHaveLength(2)
  })

  test('asks for headers as another attempt does', async () => {
    const reasons: string[] = []
    const headers = (reason: string) => {
      reasons.push(reason)
      return {}
    }
    const { world, one } = await shared({ key: 'alice', headers })
    one.reconnect()
    await world.clock.advance(1)
    expect(reasons).toEqual(['connect', 'retry'])
  })

  test('makes a POST again: the page has asked for it', async () => {
    const { world, one } = await shared({ method: 'POST', body: 'ask' })
    one.reconnect()
    await world.clock.advance(1)
    expect(world.upstream.requests).toMatchObject([{ body: 'ask' }, { body: 'ask' }])
    expect(one.status.state).toBe('open')
  })

  test('begins a row of failures anew', async () => {
    const { world, one } = await shared()
    world.upstream.answer = () => new TypeError('network error')
    world.upstream.cut()
    await world.clock.advance(20_000)
    expect(one.status.attempt).toBeGreaterThan(2)
    world.upstream.answer = () => undefined
    one.reconnect()
    await world.clock.advance(1)
    one.reconnect()
    await world.clock.advance(1)
    expect(one.status).toMatchObject({ state: 'open', attempt: 0 })
  })

  test('before there is a hub changes nothing', async () => {
    const world = new UpstreamWorld()
    const stream = connected(new Page(world, 'one'))
    stream.reconnect()
    await world.clock.advance(OPEN)
    expect(stream.status.state).toBe('open')
    expect(times(world)).toEqual([0])
  })

  test.each(['close', 'end'] as const)('after %s() does nothing', async (how) => {
    const { world, one } = await shared()
    one[how]()
    one.reconnect()
    await world.clock.advance(5_000)
    expect(one.status.state).toBe('closed')
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('where one page has ended the stream for all does nothing', async () => {
    const { world, one, other } = await shared()
    one.end()
    other.reconnect()
    await world.clock.advance(5_000)
    expect(other.status.state).toBe('closed')
    expect(world.upstream.requests).toHaveLength(1)
  })
})

describe('end()', () => {
  test('ends the stream in every tab, and the connection at once', async () => {
    const { world, one, other, seen } = await shared()
    const source = new Page(world, 'third').source()
    await world.clock.advance(OPEN)
    one.end()
    expect(one.status).toMatchObject({ state: 'closed', error: undefined })
    await world.clock.advance(0)
    expect(world.upstream.open.size).toBe(0)
    expect(world.report().streams).toEqual([])
    expect(other.status).toMatchObject({ state: 'closed', error: undefined })
    expect(source.readyState).toBe(2)
    await world.clock.advance(600_000)
    expect(seen).toEqual(Array(2).fill(['connecting', 'open', 'closed']))
    expect(world.upstream.requests).toHaveLength(1)
  })

  test.each([
    ['in the task that opened it', false, 0],
    ['while a function for the headers is asked', true, 500],
  ])('ends the stream in every tab: %s', async (_when, isAsked, delay) => {
    const headers = { Authorization: 'Bearer 1' }
    let given: HeadersInit | Promise<HeadersInit> = headers
    const options = isAsked ? { headers: () => given } : {}
    const { world, other } = await shared(options)
    let answer: (headers: HeadersInit) => void = () => {}
    given = new Promise((resolve) => (answer = resolve))
    const opened = new Page(world, 'third').connect(URL_OF_EVENTS, options)
    if (delay > 0) await world.clock.advance(delay)
    opened.end()
    expect(opened.status.state).toBe('closed')
    await world.clock.advance(500)
    answer(headers)
    await world.clock.advance(500)
    expect(other.status).toMatchObject({ state: 'closed', error: undefined })
    expect(world.report().streams).toEqual([])
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('gives others what had come by then, and the page itself nothing more', async () => {
    const { world, one, other } = await shared()
    const words = [heard(one, 'message'), heard(other, 'message')]
    one.on('message', () => one.end())
    await world.clock.advance(0)
    world.upstream.write(textOf(1, 2))
    await world.clock.advance(0)
    expect(words).toEqual([['message 1'], ['message 1', 'message 2']])
  })

  test('ends loops, and rejects who waits for an event', async () => {
    const { world, one, other } = await shared()
    const loops = [one, other].map((stream) => stream.events('message').next())
    const next = other.once('message')
    next.catch(() => {})
    await world.clock.advance(0)
    one.end()
    await world.clock.advance(0)
    for (const loop of loops) expect(await outcomeOf(world, loop)).toMatchObject({ value: { done: true } })
    expect(await outcomeOf(world, next)).toMatchObject({ error: { type: 'stream-ended' } })
  })

  test('drops the event that a loop of the page itself has not taken', async () => {
    const { world, one, other, send } = await shared()
    const loops = [one, other].map((stream) => stream.events('message'))
    const firsts = loops.map((loop) => loop.next())
    await world.clock.advance(0)
    await send(textOf(1, 2))
    await Promise.all(firsts)
    one.end()
    await world.clock.advance(0)
    const seconds = loops.map((loop) => loop.next())
    await world.clock.advance(0)
    expect(await Promise.all(seconds)).toMatchObject([{ done: true }, { value: { data: '2' } }])
  })

  test('while the next attempt is waited for makes none', async () => {
    const { world, one, other } = await shared()
    world.upstream.answer = () => ({ status: 503 })
    world.upstream.cut()
    await world.clock.advance(1_500)
    expect(other.status.state).toBe('retrying')
    one.end()
    await world.clock.advance(600_000)
    expect(other.status).toMatchObject({ state: 'closed', error: undefined })
    expect(world.upstream.requests).toHaveLength(2)
  })

  test('lets a later stream begin anew, and a hub that dies bring back nothing', async () => {
    const { world, one, other } = await shared()
    one.end()
    await world.clock.advance(0)
    const later = connected(new Page(world, 'later'))
    await world.clock.advance(OPEN)
    expect(later.status.state).toBe('open')
    world.workers()[0]?.agent.kill()
    await world.clock.advance(5_000)
    expect(other.status.state).toBe('closed')
    expect(world.report().streams).toMatchObject([{ subscribers: 1 }])
  })

  test('leaves other streams alone', async () => {
    const { world, one } = await shared()
    const bystander = new Page(world, 'third').connect(`${URL_OF_EVENTS}?other`)
    await world.clock.advance(OPEN)
    one.end()
    await world.clock.advance(5_000)
    expect(bystander.status.state).toBe('open')
  })

  test('after close() does nothing', async () => {
    const { world, one, other } = await shared()
    one.close()
    one.end()
    await world.clock.advance(5_000)
    expect(other.status.state).toBe('open')
  })
})
