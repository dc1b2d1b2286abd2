import { describe, expect, test } from 'vitest'
import { ASK_TIMEOUT, OPEN } from '../upstream.ts'
import { Giver, TokenWorld } from './users.ts'

// Functions for headers without a key: pages share for as long as what they give is equal. SECURITY.md, "Whose events a page
// is given".

const never = () => new Promise<HeadersInit>(() => {})

async function world(...gives: ConstructorParameters<typeof Giver>[2][]) {
  const world = new TokenWorld()
  const pages = gives.map((give, index) => new Giver(world, `page ${index}`, give))
  await world.clock.advance(OPEN)
  return { world, pages, one: pages[0] as Giver, other: pages[1] as Giver }
}

describe('pages whose functions give nothing at first', () => {
  test.each<[string, () => HeadersInit]>([
    ['no header', () => ({})],
    ['an empty list', () => []],
  ])('share with nobody, whatever they give later: %s', async (_what, nothing) => {
    const { world: w, one, other } = await world(nothing, nothing)
    one.become('alice')
    other.become('bob')
    await w.cut()
    await w.tell()
    expect([one.data, other.data]).toEqual([['alice 1'], ['bob 1']])
    expect(w.open).toEqual(['alice', 'bob'])
  })

  test('share with nobody where only a type goes along with the body', async () => {
    const w = new TokenWorld()
    const pages = ['one', 'other'].map((name) => new Giver(w, name, () => ({}), { method: 'POST', body: {} }))
    await w.clock.advance(OPEN)
    expect(pages.map(({ state }) => state)).toEqual(['open', 'open'])
    expect(w.open).toHaveLength(2)
  })
})

describe('pages that give equal headers', () => {
  test('part when one of them has become somebody else, who takes the connection along', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    await w.tell()
    expect(w.open).toEqual(['guest'])
    one.become('alice')
    one.stream.reconnect()
    await w.clock.advance(1_000)
    await w.tell()
    expect(w.open).toEqual(['alice', 'guest'])
    expect(one.data).toEqual(['guest 1', 'alice 2'])
    expect(other.data).toEqual(['guest 1', 'guest 2'])
  })

  test('part without a gap where the server resumes', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    w.isCommon = true
    for (let count = 0; count < 3; count++) await w.tell()
    other.become('bob')
    w.upstream.cut()
    await w.clock.advance(10)
    for (let count = 0; count < 2; count++) await w.tell()
    await w.clock.advance(2_000)
    await w.tell()
    for (const page of [one, other]) expect(page.data).toEqual(['1', '2', '3', '4', '5', '6'])
    expect([...one.gaps, ...other.gaps]).toEqual([])
    expect(w.open).toEqual(['bob', 'guest'])
  })

  test('part with a gap where what comes does not join what was', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    for (let count = 0; count < 3; count++) await w.tell()
    other.become('bob')
    await w.cut()
    await w.tell()
    await w.clock.advance(2_000)
    expect(other.data.filter((data) => data.startsWith('guest'))).toHaveLength(3)
    expect(other.data.at(-1)).toBe('bob 4')
    expect([one.gaps, other.gaps]).toEqual([[], ['history-lost']])
  })

  test('stay together where all give the same other ones, and each is asked once', async () => {
    const { world: w, pages } = await world('T1', 'T1', 'T1')
    await w.tell()
    for (const page of pages) page.become('T2')
    await w.cut()
    await w.tell()
    expect(w.tokens).toEqual(['T1', 'T2'])
    for (const { data, gaps, reasons } of pages) {
      expect(data).toEqual(['T1 1', 'T2 2'])
      expect(gaps).toEqual([])
      expect(reasons).toEqual(['connect', 'retry'])
    }
  })

  test('each go their way when all have become somebody else', async () => {
    const { world: w, pages } = await world('guest', 'guest', 'guest')
    for (const [index, page] of pages.entries()) page.become(`user ${index}`)
    await w.cut()
    await w.tell()
    expect(pages.map(({ data }) => data)).toEqual([['user 0 1'], ['user 1 1'], ['user 2 1']])
    expect(w.open).toEqual(['user 0', 'user 1', 'user 2'])
  })

  test('do not share with one that gives what the connection once had', async () => {
    const { world: w, one } = await world('T1')
    one.become('T2')
    await w.cut()
    const late = new Giver(w, 'late', 'T1')
    const fresh = new Giver(w, 'fresh', 'T2')
    await w.clock.advance(OPEN)
    await w.tell()
    expect([one.data, late.data, fresh.data]).toEqual([['T2 1'], ['T1 1'], ['T2 1']])
    expect(w.open).toEqual(['T1', 'T2'])
  })

  test('are not given what the stream had under other headers', async () => {
    const { world: w, one } = await world('alice')
    await w.tell()
    one.become('bob')
    await w.cut()
    await w.tell()
    const late = new Giver(w, 'late', 'bob', { replay: 'all' })
    await w.clock.advance(OPEN)
    expect(late.data).toEqual(['bob 2'])
    expect(w.open).toEqual(['bob'])
  })

  test('are not given it when they come from another stream', async () => {
    const { world: w, one, other } = await world('alice', 'T1')
    for (let count = 0; count < 3; count++) await w.tell()
    // The stream of alice becomes one of bob, and then the other page gives that, too.
    for (const page of [one, other]) {
      page.become('bob')
      page.stream.reconnect()
      await w.clock.advance(1_000)
    }
    await w.clock.advance(1_000)
    await w.tell()
    // The third came again for bob, as the server was asked.
    expect(other.data).toEqual(['T1 1', 'T1 2', 'T1 3', 'bob 3', 'bob 4'])
    expect(other.gaps).toEqual(['asleep'])
    expect(w.open).toEqual(['bob'])
  })

  test('come together where their streams come to have equal headers', async () => {
    const { world: w, one, other } = await world('T1', 'T2')
    w.isCommon = true
    await w.tell()
    one.become('T2')
    await w.cut()
    await w.clock.advance(2_000)
    await w.tell()
    expect(w.open).toEqual(['T2'])
    expect([one.data, other.data]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
  })

  test('stay where they are while names change after that', async () => {
    const { world: w, one, other } = await world('T1', 'T1')
    for (const page of [one, other]) page.become('T2')
    await w.cut()
    one.stream.on('x', () => {})
    await w.clock.advance(OPEN)
    expect(w.report().streams).toMatchObject([{ subscribers: 2, names: ['message', 'x'] }])
    await w.tell()
    expect([one.data, other.data]).toEqual([['T2 1'], ['T2 1']])
  })

  test('find each other at the next hub by what they have given last', async () => {
    const { world: w, one } = await world('T1')
    one.become('T2')
    await w.cut()
    const other = new Giver(w, 'other', 'T2')
    await w.clock.advance(OPEN)
    w.workers()[0]?.agent.kill()
    await w.clock.advance(3_000)
    await w.tell()
    expect(w.open).toEqual(['T2'])
    expect([one.data, other.data]).toEqual([['T2 1'], ['T2 1']])
  })

  test('are asked again by the next hub, and part there', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    await w.tell()
    one.become('alice')
    w.workers()[0]?.agent.kill()
    await w.clock.advance(3_000)
    await w.tell()
    expect([one.data.at(-1), other.data.at(-1)]).toEqual(['alice 2', 'guest 2'])
  })
})

test('an answer that comes after a later one is not what the page has given last', async () => {
  const { world: w, one } = await world('guest')
  let answer: (headers: HeadersInit) => void = () => {}
  one.give = () => new Promise((resolve) => (answer = resolve))
  await w.cut()
  // Another hub asks again, while the first answer is still to come.
  one.become('bob')
  w.workers()[0]?.agent.kill()
  await w.clock.advance(1_000)
  answer({ Authorization: 'guest' })
  await w.clock.advance(10)
  one.page.happen('pagehide')
  new Giver(w, 'guest', 'guest')
  await w.clock.advance(2_000)
  one.page.happen('pageshow')
  await w.clock.advance(1_000)
  await w.tell()
  expect(one.data).toEqual(['bob 1'])
})

describe('a page that comes to give nothing', () => {
  test('shares with nobody from then on', async () => {
    const { world: w, one, other } = await world('alice', 'alice')
    for (const page of [one, other]) page.give = () => ({})
    await w.cut()
    expect(w.open).toEqual(['', ''])
    for (const page of [one, other]) page.become('bob')
    await w.cut()
    expect(w.open).toEqual(['bob', 'bob'])
  })
})

describe('a page that does not answer', () => {
  test('is given nothing until it has, and all of it then', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    let answer: (headers: HeadersInit) => void = () => {}
    other.give = () => new Promise((resolve) => (answer = resolve))
    await w.cut()
    await w.tell()
    await w.clock.advance(1_000)
    expect([one.data, other.data]).toEqual([['guest 1'], []])
    answer({ Authorization: 'guest' })
    await w.clock.advance(10)
    expect(other.data).toEqual(['guest 1'])
    expect(w.open).toEqual(['guest'])
  })

  test('goes its own way where it gives others in the end', async () => {
    const { world: w, other } = await world('guest', 'guest')
    let answer: (headers: HeadersInit) => void = () => {}
    other.give = () => new Promise((resolve) => (answer = resolve))
    await w.cut()
    await w.tell()
    answer({ Authorization: 'bob' })
    await w.clock.advance(1_000)
    await w.tell()
    expect(other.data).toEqual(['bob 2'])
  })

  test('is given nothing that came to headers it never gave, even if it is the only one left', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    other.page.agent.freeze()
    one.become('alice')
    await w.cut()
    await w.tell()
    one.stream.close()
    await w.cut()
    other.become('carol')
    other.page.agent.wake()
    await w.clock.advance(1_000)
    await w.tell()
    expect([one.data, other.data]).toEqual([['alice 1'], ['carol 2']])
  })

  test('is given nothing of what came in between, where it has become the same', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    other.page.agent.freeze()
    for (const name of ['alice', 'bob']) {
      one.become(name)
      await w.cut()
      await w.tell()
    }
    other.become('bob')
    other.page.agent.wake()
    await w.clock.advance(1_000)
    await w.tell()
    expect(one.data).toEqual(['alice 1', 'bob 2', 'bob 3'])
    expect(other.data).toEqual(['bob 2', 'bob 3'])
    expect(other.gaps).toEqual(['asleep'])
    expect(w.open).toEqual(['bob'])
  })

  test('goes on with everything, where it has become the same with the others', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    await w.tell()
    other.page.agent.freeze()
    one.become('alice')
    await w.cut()
    await w.tell()
    await w.cut()
    await w.tell()
    other.become('alice')
    other.page.agent.wake()
    await w.clock.advance(1_000)
    expect(other.data).toEqual(['guest 1', 'alice 2', 'alice 3'])
    expect(other.gaps).toEqual([])
  })

  test.each(['dies', 'is frozen', 'never answers'])('holds up nobody: it %s', async (what) => {
    const { world: w, one, other } = await world('guest', 'guest')
    await w.tell()
    if (what === 'never answers') one.give = never
    else if (what === 'dies') one.page.agent.kill()
    else one.page.agent.freeze()
    await w.cut()
    await w.tell()
    expect(other.data).toEqual(['guest 1', 'guest 2'])
    await w.clock.advance(ASK_TIMEOUT)
    if (what === 'is frozen') {
      one.page.agent.wake()
      await w.clock.advance(1_000)
      await w.tell()
      expect(one.data).toEqual(['guest 1', 'guest 2', 'guest 3'])
      expect(one.gaps).toEqual([])
    }
    expect(w.open).toEqual(['guest'])
  })
})

describe('a function that fails', () => {
  const fails = () => Promise.reject(new Error('no'))

  test('makes its page part from those whose function does not', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    one.give = fails
    await w.cut()
    await w.tell()
    expect([one.data, other.data]).toEqual([[], ['guest 1']])
    one.become('guest')
    await w.clock.advance(10_000)
    await w.tell()
    expect(one.data.at(-1)).toBe('guest 2')
    expect(w.open).toEqual(['guest', 'guest'])
  })

  test('in all pages parts nobody, and is not asked in a busy loop', async () => {
    const { world: w, one, other } = await world('guest', 'guest')
    for (const page of [one, other]) page.give = fails
    await w.cut()
    await w.clock.advance(20_000)
    for (const page of [one, other]) {
      expect(page.stream.status.error?.message).toBe('a page could not give headers or URL: no')
      // The server has asked for 100 ms, and nothing is added here by chance.
      expect(page.reasons.length).toBeLessThan(220)
      page.become('guest')
    }
    await w.clock.advance(30_000)
    await w.tell()
    expect([one.data, other.data]).toEqual([['guest 1'], ['guest 1']])
    expect(w.open).toEqual(['guest'])
  })
})

describe('a function that gives something else each time', () => {
  test('is asked as seldom as any, and its page keeps its place', async () => {
    let count = 0
    const { world: w, one } = await world(() => ({ Authorization: String(++count) }))
    await w.tell()
    w.refused.set('2', 503).set('3', 503).set('4', 503)
    await w.cut()
    await w.clock.advance(20_000)
    await w.tell()
    expect(w.tokens).toEqual(['1', '2', '3', '4', '5'])
    expect(one.gaps).toEqual([])
    const waits = w.upstream.requests.map(({ at }, index) => at - (w.upstream.requests[index - 1]?.at ?? 0))
    expect(waits[4]).toBeGreaterThan(90)
  })

  test('is asked once for a stream and its loops', async () => {
    let count = 0
    const { world: w, one } = await world(() => ({ Authorization: String(++count) }))
    const loops = ['a', 'b'].map((name) => one.stream.events(name))
    for (const loop of loops) loop.next().catch(() => {})
    await w.clock.advance(OPEN)
    await w.cut()
    expect(one.reasons).toEqual(['connect', 'retry'])
    expect(w.open).toEqual(['2'])
    expect(w.report().streams).toMatchObject([{ subscribers: 3 }])
  })
})

describe('after status 401', () => {
  test('those who give what is good go on, and those who do not are told', async () => {
    const { world: w, one, other } = await world('T1', 'T1')
    await w.tell()
    w.refused.set('T1', 401)
    other.give = (reason) => ({ Authorization: reason === 'unauthorized' ? 'T2' : 'T1' })
    await w.cut()
    await w.tell()
    expect(one.stream.status).toMatchObject({ state: 'closed', error: { status: 401 } })
    expect(other.data).toEqual(['T1 1', 'T2 2'])
    expect(other.gaps).toEqual([])
  })

  test('a page that parts is not asked without end', async () => {
    let count = 0
    const nonce = () => ({ Authorization: `n${++count}` })
    const { world: w, one, other } = await world('T1', 'T1')
    for (const page of [one, other]) page.give = nonce
    w.upstream.answer = () => ({ status: 401 })
    await w.cut()
    await w.clock.advance(60_000)
    expect([one.state, other.state]).toEqual(['closed', 'closed'])
    expect(w.tokens.length).toBeLessThan(8)
  })
})
