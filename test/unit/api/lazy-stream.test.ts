import { afterEach, describe, expect, test, vi } from 'vitest'
import type { LazyStream } from '../../../src/api/lazy-stream.ts'
import { enter } from '../current-page.ts'
import { OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

const { defineStream, streamFamily } = await import('../../../src/api/define-stream.ts')
const { json } = await import('../../../src/api/decode.ts')

function stage() {
  const world = new UpstreamWorld()
  const page = new Page(world, 'page')
  enter(page.client)
  return { world, page }
}

const send = async (world: UpstreamWorld, ...data: (string | number)[]) => {
  world.upstream.write(data.map((one) => `id: ${one}\ndata: ${one}\n\n`).join(''))
  await world.clock.advance(10)
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('a defined stream', () => {
  test('opens when it is first used, and closes when nobody uses it', async () => {
    const { world } = stage()
    const feed = defineStream(URL_OF_EVENTS)
    await world.clock.advance(5_000)
    expect(world.upstream.requests).toEqual([])
    const heard: string[] = []
    const offs = [1, 2].map((n) => feed.on('message', ({ data }) => heard.push(`${n} ${data}`)))
    await world.clock.advance(OPEN)
    await send(world, 'a')
    expect(heard).toEqual(['1 a', '2 a'])
    for (const off of offs) off()
    offs[0]?.()
    await world.clock.advance(2_000)
    expect(world.upstream.open.size).toBe(0)
    feed.on('message', ({ data }) => heard.push(`again ${data}`))
    await world.clock.advance(OPEN)
    await send(world, 'b')
    expect(heard).toEqual(['1 a', '2 a', 'again b'])
  })

  test('goes on over the same connection where it is left and used again in one task, as components do', async () => {
    const { world } = stage()
    const feed = defineStream(URL_OF_EVENTS)
    const off = feed.on('message', () => {})
    await world.clock.advance(OPEN)
    off()
    feed.on('message', () => {})
    await world.clock.advance(5_000)
    expect(world.upstream.requests).toHaveLength(1)
  })

  test.each([
    ['one connection, whenever it is used, where there is a key', { key: 'ann' }, 2_000, 1],
    ['one for all that use it in one go where there is none', {}, 0, 1],
    ['one for each who comes later where there is none, since the user may be another one', {}, 2_000, 3],
  ])('has %s and each call gives a fresh token', async (_what, options, pause, connections) => {
    const { world } = stage()
    let calls = 0
    const headers = async () => ({ Authorization: `Bearer ${++calls}` })
    const feed = defineStream(URL_OF_EVENTS, { headers, ...options })
    const uses = [feed.latest('message'), feed.fold('other', 0, (sum) => sum + 1), feed.status]
    for (const { subscribe } of uses as { subscribe(run: () => void): unknown }[]) {
      subscribe(() => {})
      if (pause > 0) await world.clock.advance(pause)
    }
    await world.clock.advance(OPEN)
    expect(world.upstream.open.size).toBe(connections)
    expect(calls).toBe(connections)
  })

  test('stays on one connection when that is lost, and is asked once', async () => {
    const { world } = stage()
    let calls = 0
    const headers = async () => ({ Authorization: `Bearer ${++calls}` })
    const feed = defineStream(URL_OF_EVENTS, { headers })
    for (const name of ['a', 'b', 'c']) feed.on(name, () => {})
    await world.clock.advance(OPEN)
    world.upstream.cut()
    await world.clock.advance(10_000)
    expect(world.upstream.open.size).toBe(1)
    expect(calls).toBe(2)
  })

  test('is not shared in one go by what asks for something else, or by another function', async () => {
    const { world } = stage()
    const headers = () => ({ 'x-user': 'ann' })
    const others = [{ headers, method: 'POST', body: {} }, { headers: () => ({ 'x-user': 'bob' }) }]
    for (const options of [{ headers }, ...others])
      defineStream(URL_OF_EVENTS, options).on('message', () => {})
    await world.clock.advance(OPEN)
    expect(world.upstream.requests.map(({ method, headers }) => [method, headers['x-user']])).toEqual([
      ['GET', 'ann'],
      ['POST', 'ann'],
      ['GET', 'bob'],
    ])
  })

  test('asks for its options whenever it opens', async () => {
    const { world } = stage()
    let user = 'alice'
    const feed = defineStream(URL_OF_EVENTS, () => ({ headers: { 'x-user': user } }))
    feed.on('message', () => {})()
    feed.hold()[Symbol.dispose]()
    user = 'bob'
    const off = feed.on('message', () => {})
    await world.clock.advance(OPEN)
    expect(world.upstream.requests.map(({ headers }) => headers['x-user'])).toEqual(['bob'])
    off()
  })

  test('says at once what is wrong with its options, unless a function gives them', () => {
    stage()
    const wrong = { retries: 3 } as object
    expect(() => defineStream(URL_OF_EVENTS, wrong)).toThrow(/knows no option "retries"/)
    expect(() => defineStream(() => URL_OF_EVENTS, {} as never)).toThrow(/needs a key/)
    const late = defineStream(URL_OF_EVENTS, () => wrong)
    expect(() => late.on('message', () => {})).toThrow(/knows no option "retries"/)
    const feed = defineStream(URL_OF_EVENTS)
    expect(() => feed.on(Symbol() as never, () => {})).toThrow(/must be a string/)
  })

  test('is let go by a signal, and by one that has aborted already', async () => {
    const { world } = stage()
    const feed = defineStream(URL_OF_EVENTS)
    const abort = new AbortController()
    feed.on('message', () => {}, { signal: abort.signal })
    feed.onGap(() => {}, { signal: AbortSignal.abort() })
    await world.clock.advance(OPEN)
    expect(world.upstream.open.size).toBe(1)
    abort.abort()
    await world.clock.advance(2_000)
    expect(world.upstream.open.size).toBe(0)
  })

  test('is open for as long as something of it is awaited, looped over or held', async () => {
    const { world } = stage()
    const feed = defineStream(URL_OF_EVENTS)
    const first = feed.once('message')
    await world.clock.advance(OPEN)
    await send(world, 'a')
    expect((await first).data).toBe('a')
    await world.clock.advance(2_000)
    expect(world.upstream.open.size).toBe(0)
    const loop = feed.events('message')
    await world.clock.advance(OPEN)
    await send(world, 'b')
    expect((await loop.next()).value?.data).toBe('b')
    await loop.return?.()
    await world.clock.advance(2_000)
    expect(world.upstream.open.size).toBe(0)
    const release = feed.hold()
    await world.clock.advance(OPEN)
    expect(world.upstream.open.size).toBe(1)
    release()
    await world.clock.advance(2_000)
    expect(world.upstream.open.size).toBe(0)
  })

  test('ends its loops with the stream, and is open no longer', async () => {
    const { world } = stage()
    const feed = defineStream(URL_OF_EVENTS)
    const loop = feed.events('message')
    await world.clock.advance(OPEN)
    feed.end()
    await world.clock.advance(OPEN)
    expect((await loop.next()).done).toBe(true)
    expect(feed.status.get().state).toBe('idle')
  })

  test('may be ended where it is not used, for the tabs that use it', async () => {
    const { world } = stage()
    const other = new Page(world, 'other').connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    const { page } = { page: new Page(world, 'page') }
    enter(page.client)
    defineStream(URL_OF_EVENTS).end()
    await world.clock.advance(OPEN)
    expect(other.status.state).toBe('closed')
  })

  test('is opened anew by reconnect() where it has ended, with all that listens', async () => {
    const { world } = stage()
    const feed = defineStream(URL_OF_EVENTS)
    const heard: string[] = []
    feed.on('message', ({ data }) => heard.push(data))
    const seen: (string | undefined)[] = []
    feed.latest('message').subscribe((event) => seen.push(event?.data))
    world.upstream.answer = (_asked, number) => (number === 1 ? { status: 404 } : undefined)
    await world.clock.advance(OPEN)
    feed.reconnect()
    await world.clock.advance(OPEN)
    await send(world, 'a')
    expect(heard).toEqual(['a'])
    expect(seen).toEqual([undefined, 'a'])
    expect(world.upstream.open.size).toBe(1)
  })
})

describe('its stores', () => {
  test('begin anew where it is opened anew, perhaps for another user', async () => {
    const { world } = stage()
    let user = 'ann'
    const feed = defineStream(URL_OF_EVENTS, () => ({ key: user }))
    const latest: (string | undefined)[] = []
    feed.latest('message').subscribe((event) => latest.push(event?.data))
    const all: string[][] = []
    feed
      .fold('message', [] as string[], (list, { data }) => [...list, data])
      .subscribe((list) => all.push(list))
    await world.clock.advance(OPEN)
    await send(world, 'of ann')
    feed.end()
    await world.clock.advance(OPEN)
    user = 'bob'
    feed.reconnect()
    expect([latest.at(-1), all.at(-1)]).toEqual([undefined, []])
    await world.clock.advance(OPEN)
    await send(world, 'of bob')
    expect(latest).toEqual([undefined, 'of ann', undefined, 'of bob'])
    expect(all).toEqual([[], ['of ann'], [], ['of bob']])
  })
})

describe('its status', () => {
  test('is idle while nobody uses the stream', async () => {
    const { world } = stage()
    const feed = defineStream(URL_OF_EVENTS)
    expect(feed.status.get().state).toBe('idle')
    const states: string[] = []
    const off = feed.status.subscribe(({ state }) => states.push(state))
    await world.clock.advance(OPEN)
    off()
    expect(states).toEqual(['connecting', 'connecting', 'open'])
    expect(feed.status.get().state).toBe('idle')
  })
})

describe('the latest event', () => {
  test('is also one that came before, if another tab has had it', async () => {
    const { world } = stage()
    new Page(world, 'other').connect(URL_OF_EVENTS).on('message', () => {})
    await world.clock.advance(OPEN)
    await send(world, 'old', 'newer')
    const { client } = new Page(world, 'late')
    enter(client)
    const latest = defineStream(URL_OF_EVENTS).latest('message')
    const seen: (string | undefined)[] = []
    latest.subscribe((event) => seen.push(event?.data))
    await world.clock.advance(OPEN)
    expect(seen).toEqual([undefined, 'newer'])
    expect(latest.get()?.data).toBe('newer')
  })

  test('is one store for all who ask, told once for each batch', async () => {
    const { world } = stage()
    const feed = defineStream(URL_OF_EVENTS, { events: { message: json<number>() } })
    expect(feed.latest('message')).toBe(feed.latest('message'))
    const seen: (number | undefined)[] = []
    const calls = vi.fn()
    const off = feed.latest('message').subscribe((event) => seen.push(event?.data))
    feed.latest('message').subscribe({ next: calls })
    await world.clock.advance(OPEN)
    await send(world, ...Array.from({ length: 10_000 }, (_, index) => index))
    expect(seen.length).toBeLessThan(6)
    expect(seen.at(-1)).toBe(9_999)
    expect(calls.mock.calls.at(-1)?.[0].data).toBe(9_999)
    off.unsubscribe()
    await send(world, 10_000)
    expect(seen.at(-1)).toBe(9_999)
  })

  test('begins with what a server has rendered', async () => {
    const { world } = stage()
    const initial = { name: 'message', data: 'rendered', id: '1', origin: '' } as const
    const latest = defineStream(URL_OF_EVENTS).latest('message', { initial })
    expect(latest.get()).toBe(initial)
    const seen: (string | undefined)[] = []
    const off = latest.subscribe((event) => seen.push(event?.data))
    await world.clock.advance(OPEN)
    await send(world, 'live')
    expect(seen).toEqual(['rendered', 'live'])
    off()
    expect(latest.get()).toBe(initial)
  })
})

describe('what is made of all events', () => {
  test('of several names, in order', async () => {
    const { world } = stage()
    const feed = defineStream(URL_OF_EVENTS)
    const list = feed.fold<string, readonly string[]>(['a', 'b'], [], (all, { data }) =>
      [...all, data].slice(-3),
    )
    const seen: (readonly string[])[] = []
    list.subscribe((all) => seen.push(all))
    await world.clock.advance(OPEN)
    world.upstream.write(
      'event: a\ndata: 1\n\nevent: b\ndata: 2\n\nevent: c\ndata: 3\n\nevent: a\ndata: 4\n\n',
    )
    await world.clock.advance(10)
    expect(list.get()).toEqual(['1', '2', '4'])
    expect(seen).toEqual([[], ['1', '2', '4']])
  })

  test('of every name, and with what came before', async () => {
    const { world } = stage()
    new Page(world, 'other').connect(URL_OF_EVENTS).on('*', () => {})
    await world.clock.advance(OPEN)
    await send(world, 'a', 'b')
    const late = new Page(world, 'late')
    enter(late.client)
    const count = defineStream(URL_OF_EVENTS).fold('*', 0, (sum) => sum + 1, { replay: 'all' })
    count.subscribe(() => {})
    await world.clock.advance(OPEN)
    expect(count.get()).toBe(2)
  })

  test('is told to nobody where it stays the same, and a step that throws changes nothing', async () => {
    const { world } = stage()
    const reported = vi.fn()
    vi.stubGlobal('reportError', reported)
    const most = defineStream(URL_OF_EVENTS).fold('message', 0, (max, { data }) => {
      if (data === 'bad') throw new Error('bad')
      return Math.max(max, Number(data))
    })
    const seen: number[] = []
    most.subscribe((value) => seen.push(value))
    await world.clock.advance(OPEN)
    for (const data of [5, 3, 'bad', 7]) await send(world, data)
    expect(seen).toEqual([0, 5, 7])
    expect(reported).toHaveBeenCalledOnce()
  })

  test('a listener that throws is reported, and disturbs no other', async () => {
    const { world } = stage()
    const reported = vi.fn()
    vi.stubGlobal('reportError', reported)
    const latest = defineStream(URL_OF_EVENTS).latest('message')
    const seen: (string | undefined)[] = []
    latest.subscribe(() => {
      throw new Error('mine')
    })
    latest.subscribe((event) => seen.push(event?.data))
    await world.clock.advance(OPEN)
    await send(world, 'a')
    expect(seen).toEqual([undefined, 'a'])
    expect(reported).toHaveBeenCalledTimes(2)
  })

  test('fits what takes observables', () => {
    stage()
    const store = defineStream(URL_OF_EVENTS).latest('message') as unknown as Record<string, () => unknown>
    expect(store['@@observable']?.()).toBe(store)
  })
})

describe('a family of streams', () => {
  test('gives the same stream for the same arguments', async () => {
    const { world } = stage()
    const machine = streamFamily((id: string, part?: number) =>
      defineStream(`${URL_OF_EVENTS}/${id}/${part ?? 0}`),
    )
    const streams: LazyStream[] = [machine('a'), machine('a'), machine('b'), machine('a', 1)]
    expect(streams[0]).toBe(streams[1])
    expect(new Set(streams).size).toBe(3)
    for (const stream of streams) stream.hold()
    await world.clock.advance(OPEN)
    expect(world.upstream.requests.map(({ url }) => url.replace(URL_OF_EVENTS, '')).sort()).toEqual([
      '/a/0',
      '/a/1',
      '/b/0',
    ])
  })
})
