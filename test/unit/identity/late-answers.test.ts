import { describe, expect, test } from 'vitest'
import { createWorld, RawTab, requestOf, send, serverOf } from '../raw-tab.ts'
import { OPEN, URL_OF_EVENTS } from '../upstream.ts'
import { Giver, TokenWorld } from './users.ts'

const never = () => new Promise<HeadersInit>(() => {})

/** A function that gives nothing until it is told what. */
function later() {
  let resolve: (headers: HeadersInit) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<HeadersInit>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { give: () => promise, answer: (token: string) => resolve({ Authorization: token }), reject }
}

/** Two pages of one stream that has been cut. Both are being asked; the first never answers, unless it does at once. */
async function asking(first: (() => HeadersInit | Promise<HeadersInit>) | undefined = never) {
  const w = new TokenWorld()
  const one = new Giver(w, 'one', 'T1')
  const other = new Giver(w, 'other', 'T1')
  await w.clock.advance(OPEN)
  const slow = later()
  one.give = first
  other.give = slow.give
  w.upstream.cut()
  await w.clock.advance(1_500)
  return { w, one, other, slow }
}

test('a page that leaves while it is asked is not waited for', async () => {
  const { w, one, other, slow } = await asking()
  one.stream.close()
  await w.clock.advance(100)
  other.become('T1')
  slow.reject(new Error('the token server is down'))
  await w.clock.advance(60_000)
  expect(other.state).toBe('open')
})

describe('a stream that is ended while a page is asked', () => {
  test('ends for that page, too', async () => {
    const { w, one, other, slow } = await asking(() => ({ Authorization: 'T1' }))
    expect(w.open).toEqual(['T1'])
    one.stream.end()
    await w.clock.advance(100)
    other.become('T1')
    slow.answer('T1')
    await w.clock.advance(5_000)
    expect([other.state, w.open]).toEqual(['closed', []])
  })

  test('is not listed again', async () => {
    const { w, one, other, slow } = await asking()
    one.stream.end()
    await w.clock.advance(100)
    other.become('T2')
    slow.answer('T2')
    await w.clock.advance(5_000)
    expect(w.report().streams.filter(({ state }) => state === 'closed')).toEqual([])
  })

  test('does not take the place of the one that follows', async () => {
    const { w, one, slow } = await asking()
    one.stream.end()
    await w.clock.advance(100)
    const next = new Giver(w, 'next', 'T1')
    await w.clock.advance(OPEN)
    slow.answer('T2')
    await w.clock.advance(1_000)
    const late = new Giver(w, 'late', 'T1')
    await w.clock.advance(1_000)
    expect([next.state, late.state]).toEqual(['open', 'open'])
    expect(w.open.filter((token) => token === 'T1')).toHaveLength(1)
  })

  test('is not given to a page that opens it anew', async () => {
    const { w, one, other, slow } = await asking()
    one.stream.end()
    await w.clock.advance(100)
    let opened = 0
    const reopen = () => {
      if (++opened > 20) return
      const options = { headers: () => ({ Authorization: 'T2' }) }
      other.page.connect(URL_OF_EVENTS, options).onStatus(({ state }) => state === 'closed' && reopen())
    }
    other.stream.onStatus(({ state }) => state === 'closed' && reopen())
    slow.answer('T2')
    await w.clock.advance(5_000)
    expect(opened).toBeLessThan(2)
  })

  test('is not begun anew by a POST where it has ended by itself', async () => {
    const w = new TokenWorld()
    const options = { method: 'POST', body: {} }
    const [one, other] = ['one', 'other'].map((name) => new Giver(w, name, 'T1', options)) as [Giver, Giver]
    w.upstream.answer = (_, number) =>
      number === 1 ? { status: 503 } : { text: 'data: done\n\n', ends: true }
    await w.clock.advance(OPEN)
    other.give = () =>
      new Promise<HeadersInit>((resolve) => w.clock.schedule(1_500, () => resolve({ Authorization: 'T1' })))
    await w.clock.advance(20_000)
    expect([one.state, other.state]).toEqual(['closed', 'closed'])
    expect(w.upstream.requests).toHaveLength(2)
  })
})

describe('a page on a bridge', () => {
  /** A page that has had five events, so that another one with a snapshot of before comes by a bridge. */
  async function fiveTold() {
    const w = new TokenWorld()
    const one = new Giver(w, 'one', 'T1')
    await w.clock.advance(OPEN)
    for (let count = 0; count < 5; count++) await w.tell()
    return { w, one }
  }

  test('is not brought to a shore that has become another user’s', async () => {
    const { w, one } = await fiveTold()
    const usual = w.upstream.answer
    // The server takes its time to answer the one that has a snapshot.
    w.upstream.answer = (asked, number) =>
      asked.headers['Last-Event-ID'] === '-1' ? { isMissing: true } : usual(asked, number)
    const other = new Giver(w, 'other', 'T1', { since: '-1' })
    await w.clock.advance(OPEN)
    one.become('T2')
    one.stream.reconnect()
    await w.clock.advance(21_000)
    await w.tell()
    await w.clock.advance(5_000)
    expect(one.data.at(-1)).toBe('T2 6')
    expect(other.data.filter((data) => data.startsWith('T2'))).toEqual([])
  })

  test('nor where it does not say who it is', async () => {
    const { w, one } = await fiveTold()
    w.refused.set('T2', 503)
    one.give = () =>
      new Promise<HeadersInit>((resolve) => w.clock.schedule(500, () => resolve({ Authorization: 'T2' })))
    one.stream.reconnect()
    await w.clock.advance(20)
    const other = new Giver(w, 'other', 'T1', { since: '-1' })
    await w.clock.advance(20)
    other.give = never
    await w.clock.advance(12_000)
    w.refused.clear()
    await w.clock.advance(60_000)
    await w.tell()
    await w.clock.advance(5_000)
    expect(one.data.at(-1)).toBe('T2 6')
    expect(other.data.filter((data) => data.startsWith('T2'))).toEqual([])
  })

  test('that has been told to part is not brought to the shore', async () => {
    const world = createWorld()
    const headersOf = (token: string): [string, string][] => [['authorization', token]]
    const request = { ...requestOf(serverOf(world)), asksHeaders: true, headers: headersOf('T1') }
    const gives = (token: string) => async () => ({ url: request.url, headers: headersOf(token), key: '' })
    const one = new RawTab(world, 'one', { details: gives('T1') })
    await one.attach()
    await one.subscribe(['a'], { request })
    await world.clock.advance(1_000)
    await send(world, 'a', 'a')
    const other = new RawTab(world, 'other', { details: gives('T2') })
    await other.attach()
    await other.subscribe(['a'], { request, since: 'x' })
    await world.clock.advance(3_000)
    await send(world, 'a')
    await world.clock.advance(1_000)
    expect(other.heard().filter((word) => word.startsWith('a'))).toEqual([])
  })
})

test('a loop that began while nobody knew whose its page is goes on with its page', async () => {
  const w = new TokenWorld()
  const one = new Giver(w, 'one', 'T1')
  await w.clock.advance(OPEN)
  one.give = () => Promise.reject(new Error('the token server is down'))
  w.upstream.cut()
  await w.clock.advance(300)
  const given: string[] = []
  const read = async () => {
    for await (const { data } of one.stream.events('message')) given.push(String(data))
  }
  read()
  await w.clock.advance(10)
  one.become('T2')
  await w.clock.advance(5_000)
  one.become('T3')
  one.stream.reconnect()
  await w.clock.advance(5_000)
  await w.tell()
  expect(one.data.at(-1)).toBe('T3 1')
  expect(given.at(-1)).toBe('T3 1')
})

test('a page that answers nonsense keeps the stream from nobody', async () => {
  const world = createWorld()
  const request = { ...requestOf(serverOf(world)), asksHeaders: true }
  let calls = 0
  const bad = new RawTab(world, 'bad', { details: (async () => ({})) as never })
  const good = new RawTab(world, 'good', {
    details: async () => {
      if (++calls === 1) throw new Error('down')
      return { url: request.url, headers: [], key: '' }
    },
    retryDelay: async () => 1_000,
  })
  for (const tab of [bad, good]) {
    await tab.attach()
    await tab.subscribe(['a'], { request })
  }
  await world.clock.advance(60_000)
  expect(good.heard()).toContain('open')
})
