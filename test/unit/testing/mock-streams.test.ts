import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import {
  connect,
  defineStream,
  type Gap,
  inspect,
  json,
  type LazyStatus,
  type LazyStream,
  SharedEventSource,
  type StandardSchema,
  type StreamEvent,
  type StreamStatus,
  streamFamily,
  text,
} from '../../../src/index.ts'
import { type MockStream, type MockStreams, mockStreams } from '../../../src/testing/index.ts'
import { connectTopics } from '../../../src/topics/index.ts'
import { connectSocket } from '../../../src/websocket/index.ts'

interface Cpu {
  load: number
}

let streams: MockStreams

beforeEach(() => {
  streams = mockStreams()
})

afterEach(() => {
  streams.restore()
  vi.useRealTimers()
})

const events = { cpu: json<Cpu>(), log: text }

/** What is asked to happen before anything is awaited. */
const soon = () => Promise.resolve()

test('connectTopics(): every topic is ready at once', async () => {
  const books = connectTopics('/books', { engine: { topic: '/of' } })
  const heard: string[] = []
  books.on('a', ({ data }) => heard.push(data))
  await books.ready('a')
  streams.at('/books').send('a', 'x')
  expect(heard).toEqual(['x'])
})

describe('connectSocket()', () => {
  const URL_OF_SOCKET = 'wss://dash.test/live'

  test('is given events, and a test sees what it sends and answers its requests', async () => {
    const socket = connectSocket(URL_OF_SOCKET, { hello: () => ['never asked for'] })
    const heard: string[] = []
    socket.on('tick', ({ data }) => heard.push(data))
    const mock = streams.at(URL_OF_SOCKET)
    mock.send('tick', 'a')
    expect(heard).toEqual(['a'])
    await socket.send({ watch: 'ACME' })
    const ask = () => socket.request('ask', { match: { '/ref': 1 } })
    await expect(ask()).rejects.toMatchObject({ type: 'no-answer' })
    mock.answer((message) => (message === 'ask' ? '{"ref":1}' : undefined))
    expect(await ask()).toBe('{"ref":1}')
    expect(mock.messages).toEqual(['{"watch":"ACME"}', 'ask', 'ask'])
    streams.reset()
    expect(mock.messages).toEqual([])
    await expect(ask()).rejects.toMatchObject({ type: 'no-answer' })
    socket.close()
    await expect(socket.send('late')).rejects.toMatchObject({ type: 'not-sent' })
  })
})

describe('connect()', () => {
  test('is given decoded events before send() returns, and the status before', () => {
    const stream = connect('/events', { events })
    const mock = streams.at(stream)
    const seen: unknown[] = []
    stream.onStatus(({ state }) => seen.push(state))
    stream.on('cpu', ({ data, id, name, origin }) => seen.push([name, data.load, id, origin]))
    mock.send('cpu', { load: 0.5 })
    mock.send('cpu', '{"load":1}', { id: 'x' })
    expect(seen).toEqual([
      'connecting',
      'open',
      ['cpu', 0.5, '1', 'http://localhost'],
      ['cpu', 1, 'x', 'http://localhost'],
    ])
  })

  test('is driven through all that can become of a connection', () => {
    vi.useFakeTimers({ now: 1_000_000 })
    const stream = connect('/events')
    const mock = streams.at('/events')
    const statuses: StreamStatus[] = []
    stream.onStatus((status) => statuses.push(status))
    expect(stream.status.state).toBe('connecting')
    mock.open()
    mock.disconnect({ after: 5_000, error: { message: 'cut' } })
    expect(stream.status).toBe(stream.status)
    expect(stream.status).toBe(statuses[2])
    vi.advanceTimersByTime(5_000)
    expect(stream.status.state).toBe('connecting')
    mock.disconnect()
    mock.open()
    mock.park()
    mock.open()
    mock.fail({ status: 500, body: 'no', contentType: 'text/plain' })
    const at = (time: number) => new Date(time)
    const common = { host: 'direct', attempt: 0, retryAt: undefined, error: undefined, openedAt: undefined }
    const error = { message: 'cut', status: 0, contentType: '', body: '' }
    expect(statuses).toEqual([
      { ...common, state: 'connecting' },
      { ...common, state: 'open', openedAt: at(1_000_000) },
      { ...common, state: 'retrying', attempt: 1, retryAt: at(1_005_000), error },
      {
        ...common,
        state: 'retrying',
        attempt: 2,
        retryAt: at(1_006_000),
        error: { ...error, message: 'the connection was lost' },
      },
      { ...common, state: 'open', attempt: 2, openedAt: at(1_005_000) },
      { ...common, state: 'parked' },
      { ...common, state: 'open', openedAt: at(1_005_000) },
      {
        ...common,
        state: 'closed',
        error: {
          message: 'the server answered with status 500',
          status: 500,
          contentType: 'text/plain',
          body: 'no',
        },
      },
    ])
    expect(vi.getTimerCount()).toBe(0)
    expect(mock.subscribers).toBe(0)
  })

  test('is told of gaps, once each, in the shape that they have', async () => {
    const stream = connect('/events')
    const mock = streams.at('/events')
    const gaps: Gap[] = []
    stream.onGap((gap) => gaps.push(gap))
    stream.on('message', () => {})
    const loop = stream.events('message')
    loop.next()
    mock.send('message', 'a', { id: 'one' })
    mock.gap()
    mock.gap({ reason: 'slow-tab', before: 'b', after: 'c' })
    await streams.settled()
    expect(gaps).toEqual([
      { reason: 'unresumable', before: 'one', after: '' },
      { reason: 'slow-tab', before: 'b', after: 'c' },
    ])
  })

  test('has its decoders, its filter by name and its until', () => {
    const until = ({ name }: StreamEvent) => name === 'end'
    const stream = connect('/events', { events: { ...events, end: text }, until })
    const mock = streams.at(stream)
    const faults: unknown[] = []
    const seen: unknown[] = []
    stream.onError(({ message }, { data }) => faults.push([message.split(' (')[0], data]))
    stream.on('cpu', ({ data }) => seen.push(data))
    const off = stream.on('log', ({ data }) => seen.push(data))
    mock.send('cpu', '{broken')
    mock.send('log', 'line')
    off()
    mock.send('log', 'unheard')
    expect(stream.status.state).toBe('open')
    mock.send('end', 'now')
    expect([seen, stream.status.state]).toEqual([['line'], 'closed'])
    expect(faults).toEqual([['tabstream: the data of event "cpu" could not be decoded', '{broken']])
    expect(mock.ends).toBe(1)
  })

  test('gives loops and asynchronous schemas one event after the other', async () => {
    const schema: StandardSchema<number> = {
      '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value: Number(value) * 2 }) },
    }
    const stream = connect('/events', { events: { n: schema } })
    const mock = streams.at(stream)
    const heard: number[] = []
    const looped: number[] = []
    stream.on('n', ({ data }) => heard.push(data))
    const loop = (async () => {
      for await (const { data } of stream.events('n')) {
        await soon()
        looped.push(data)
      }
      looped.push(-1)
    })()
    for (const n of [1, 2, 3]) mock.send('n', n as never)
    expect(heard).toEqual([])
    await streams.settled()
    expect([heard, looped]).toEqual([
      [2, 4, 6],
      [2, 4, 6],
    ])
    mock.close()
    await loop
    expect(looped.at(-1)).toBe(-1)
  })

  test('gives a loop the events of its name alone, however many', async () => {
    const stream = connect('/events', { events })
    const mock = streams.at(stream)
    const looped: string[] = []
    const loop = (async () => {
      for await (const { data } of stream.events('log')) looped.push(data)
    })()
    stream.on('cpu', () => {})
    for (let n = 0; n < 300; n++) {
      mock.send('cpu', { load: n })
      mock.send('log', `${n}`)
    }
    await streams.settled()
    expect(looped).toEqual(Array.from({ length: 300 }, (_, n) => `${n}`))
    stream.close()
    await loop
  })

  test('has what comes at once after it has joined an open stream, once', () => {
    const mock = streams.at('/events')
    const seen: string[] = []
    connect('/events').on('log', ({ data }) => seen.push(data))
    mock.send('log', 'a')
    const late = connect('/events', { replay: 1 })
    late.on('log', ({ data }) => seen.push(`late ${data}`))
    mock.send('log', 'b')
    expect(seen).toEqual(['a', 'late a', 'b', 'late b'])
  })

  test('is told how it stands although a test has taken microtasks and timers away', async () => {
    vi.useFakeTimers({ toFake: ['queueMicrotask', 'setTimeout'] })
    const states: string[] = []
    streams.at('/events').seed('log', 'a')
    connect('/events').onStatus(({ state }) => states.push(state))
    await soon()
    expect(states).toEqual(['open'])
  })

  test('rejects what waits for a stream that fails', async () => {
    const stream = connect('/events')
    const once = stream.once('message')
    const loop = stream.events('message').next()
    streams.at('/events').fail({ message: 'gone' })
    await expect(once).rejects.toThrow('the stream has failed (gone)')
    await expect(loop).rejects.toThrow('the stream has failed (gone)')
  })

  test('resolves once() with the event', async () => {
    const stream = connect('/events', { events })
    const once = stream.once('log')
    streams.at(stream).send('log', 'first')
    expect((await once).data).toBe('first')
  })

  test('can have been told of by listeners that send and listen themselves', () => {
    const stream = connect('/events')
    const mock = streams.at('/events')
    const seen: string[] = []
    stream.on('a', () => {
      mock.send('b', 'from a')
      stream.on('c', ({ data }) => seen.push(data))
      seen.push('a')
    })
    stream.on('b', ({ data }) => seen.push(data))
    mock.send('a', '')
    mock.send('c', 'c')
    expect(seen).toEqual(['a', 'from a', 'c'])
  })

  test('frees what it held when it is closed', () => {
    const stream = connect('/events')
    const mock = streams.at('/events')
    stream.on('message', () => {})
    expect([mock.subscribers, mock.names]).toEqual([1, ['message']])
    stream.close()
    expect([mock.subscribers, mock.names, streams.requests]).toEqual([0, [], []])
    expect(() => mock.send('message', 'late')).toThrow('nothing has opened http://localhost/events')
  })

  test('says what it asks the server for', async () => {
    const reasons: string[] = []
    const stream = connect('/chat', {
      method: 'post',
      body: { prompt: 'hello' },
      key: 'me',
      since: '7',
      headers: async (reason) => {
        reasons.push(reason)
        return { Authorization: `Bearer ${reasons.length}` }
      },
    })
    const mock = streams.at(stream)
    expect(mock.request).toEqual({
      url: 'http://localhost/chat',
      method: 'POST',
      body: '{"prompt":"hello"}',
      key: 'me',
      credentials: 'same-origin',
      headers: {},
      since: '7',
    })
    await soon()
    expect(reasons).toEqual([])
    const headers = { authorization: 'Bearer 1', 'content-type': 'application/json' }
    expect(await mock.ask()).toEqual({ url: 'http://localhost/chat', headers })
    await mock.ask('unauthorized')
    expect(reasons).toEqual(['connect', 'unauthorized'])
  })

  test('asks a function for the URL, and one for the headers without a key, too', async () => {
    const byUrl = connect((reason) => `/events?why=${reason}`, { key: 'mine' })
    expect(await streams.at(byUrl).ask('retry')).toEqual({
      url: 'http://localhost/events?why=retry',
      headers: {},
    })
    let token = 0
    const byHeaders = connect('/other', { headers: () => ({ token: `${++token}` }) })
    byHeaders.on('message', () => {})
    const mock = streams.at('/other')
    expect(await mock.ask()).toEqual({ url: 'http://localhost/other', headers: { token: '1' } })
    expect(await mock.ask()).toEqual({ url: 'http://localhost/other', headers: { token: '2' } })
    mock.send('message', 'a')
    expect(streams.at(byHeaders).request?.key).toBe('')
  })

  test('counts the calls of reconnect(), and ends for all who share it', () => {
    const one = connect('/events')
    const two = connect('/events')
    const mock = streams.at('/events')
    const states: string[] = []
    one.onStatus(({ state }) => states.push(`one ${state}`))
    two.onStatus(({ state }) => states.push(`two ${state}`))
    mock.open()
    one.reconnect()
    mock.open()
    states.splice(0, 2)
    two.end()
    expect(states).toEqual([
      'one open',
      'two open',
      'one connecting',
      'two connecting',
      'one open',
      'two open',
      'one closed',
      'two closed',
    ])
    expect([mock.reconnects, mock.ends, mock.subscribers]).toEqual([1, 1, 0])
  })
})

describe('SharedEventSource', () => {
  test('has what the platform gives it', () => {
    const source = new SharedEventSource('/events', { withCredentials: true })
    const mock = streams.at('/events')
    const seen: unknown[] = []
    const note = (event: Event) => seen.push([event.type, source.readyState])
    source.onopen = note
    source.onerror = note
    source.onmessage = ({ data, lastEventId, origin }) => seen.push([data, lastEventId, origin])
    source.addEventListener('gap', ({ reason, before, after }) => seen.push([reason, before, after]))
    mock.open()
    mock.send('message', 'a')
    mock.gap({ after: '9' })
    mock.disconnect()
    mock.send('message', { b: 1 })
    mock.close()
    expect(seen).toEqual([
      ['open', 1],
      ['a', '1', 'http://localhost'],
      ['unresumable', '1', '9'],
      ['error', 0],
      ['open', 1],
      ['{"b":1}', '2', 'http://localhost'],
      ['error', 2],
    ])
    expect([mock.request, streams.requests]).toEqual([undefined, []])
  })

  test('is told that its stream is open later than its constructor, as in a browser', async () => {
    const mock = streams.at('/events')
    mock.seed('cpu', { load: 1 })
    const source = new SharedEventSource('/events', { replay: 'all' })
    const seen: string[] = []
    source.onopen = () => seen.push('open')
    source.addEventListener('cpu', ({ data }) => seen.push(data))
    expect(seen).toEqual([])
    await soon()
    expect(seen).toEqual(['open', '{"load":1}'])
  })
})

describe('defineStream()', () => {
  const define = (): LazyStream<{ cpu: Cpu; log: string }> => defineStream('/events', { events })

  test('has stores that tell once for each batch', () => {
    const feed = define()
    const mock = streams.at(feed)
    const latest: (number | undefined)[] = []
    const folded: number[] = []
    feed.latest('cpu').subscribe((event) => latest.push(event?.data.load))
    feed.fold('cpu', 0, (sum, { data }) => sum + data.load).subscribe((sum) => folded.push(sum))
    mock.batch(() => {
      for (const load of [1, 2, 3]) mock.send('cpu', { load })
      expect(latest).toEqual([undefined])
      mock.batch(() => mock.send('cpu', { load: 4 }))
    })
    mock.send('cpu', { load: 5 })
    expect([latest, folded]).toEqual([
      [undefined, 4, 5],
      [0, 10, 15],
    ])
  })

  test('sends nothing of a batch whose work throws', () => {
    const feed = define()
    const mock = streams.at(feed)
    const heard = vi.fn()
    feed.on('log', heard)
    expect(() =>
      mock.batch(() => {
        mock.send('log', 'a')
        throw new Error('mine')
      }),
    ).toThrow('mine')
    mock.send('log', 'b')
    expect(heard.mock.calls.map(([{ data }]) => data)).toEqual(['b'])
  })

  test('opens with the first who uses it and closes with the last', async () => {
    const feed = define()
    const mock = streams.at(feed)
    expect([mock.subscribers, streams.requests]).toEqual([0, []])
    const states: LazyStatus['state'][] = []
    const unsubscribe = feed.status.subscribe(({ state }) => states.push(state))
    const off = feed.latest('cpu').subscribe(() => {})
    expect([mock.subscribers, mock.names]).toEqual([2, ['cpu']])
    mock.open()
    expect(feed.status.get()).toBe(feed.status.get())
    unsubscribe()
    off()
    expect([mock.subscribers, feed.status.get().state]).toEqual([0, 'idle'])
    expect(states).toEqual(['idle', 'connecting', 'open'].slice(1))
  })

  test('gives who comes later what came before, as another tab would have it', async () => {
    const feed = define()
    const mock = streams.at(feed)
    feed.on('cpu', () => {})
    mock.send('cpu', { load: 1 })
    mock.send('cpu', { load: 2 })
    const seen: unknown[] = []
    feed.latest('cpu').subscribe((event) => seen.push(event?.data.load))
    feed
      .fold('cpu', 0, (sum, { data }) => sum + data.load, { replay: 'all' })
      .subscribe((sum) => seen.push(sum))
    connect('/events', { replay: { log: 3 } }).on('cpu', () => seen.push('never'))
    connect('/events', { since: '1' }).on('cpu', ({ id }) => seen.push(`after ${id}`))
    expect(seen).toEqual([undefined, 0])
    await soon()
    expect(seen).toEqual([undefined, 0, 2, 3, 'after 2'])
  })

  test('is there from the start with what is seeded, for whoever opens it', async () => {
    const feed = define()
    const mock = streams.at(feed)
    mock.seed('cpu', { load: 0.1 })
    mock.seed('cpu', { load: 0.9 }, { id: 'seeded' })
    for (const _ of [1, 2]) {
      const { subscribe, get } = feed.latest('cpu')
      const off = subscribe(() => {})
      streams.flush()
      expect([get()?.data.load, get()?.id]).toEqual([0.9, 'seeded'])
      off()
      await soon()
    }
    streams.reset()
    const { subscribe, get } = feed.latest('cpu')
    const off = subscribe(() => {})
    streams.flush()
    expect(get()).toBe(undefined)
    off()
    const states: string[] = []
    connect('/events').onStatus(({ state }) => states.push(state))
    mock.seed('cpu', { load: 0.3 })
    streams.flush()
    expect(states).toEqual(['open'])
  })

  test('begins anew after its last subscriber has left, and goes on within one task', async () => {
    const feed = define()
    const mock = streams.at(feed)
    feed.hold()()
    const release = feed.hold()
    mock.open()
    release()
    feed.on('cpu', () => {})
    streams.flush()
    const states: string[] = []
    feed.status.subscribe(({ state }) => states.push(state))
    expect(states).toEqual(['open'])
    await soon()
    expect(mock.subscribers).toBe(1)
    connect('/other').close()
    const other = connect('/other', { replay: 'all' })
    const seen: string[] = []
    other.on('log', ({ data }) => seen.push(data))
    streams.at('/other').send('log', 'a')
    other.close()
    await soon()
    const another = connect('/other', { replay: 'all' })
    another.on('log', ({ data }) => seen.push(data))
    streams.flush()
    expect([seen, another.status.state]).toEqual([['a'], 'connecting'])
  })

  test('opens again after it has ended', () => {
    const feed = define()
    const mock = streams.at(feed)
    const heard = vi.fn()
    feed.on('log', heard)
    mock.close()
    expect(mock.subscribers).toBe(0)
    feed.reconnect()
    mock.send('log', 'again')
    expect(heard).toHaveBeenCalledTimes(1)
    feed.end()
    expect([mock.ends, mock.subscribers]).toEqual([1, 0])
  })

  test('works for families, each by its URL', () => {
    const machine = streamFamily((id: string) => defineStream(`/machines/${id}`, { events }))
    const seen: unknown[] = []
    for (const id of ['a', 'b']) machine(id).on('cpu', ({ data }) => seen.push([id, data.load]))
    streams.at(machine('b')).send('cpu', { load: 1 })
    streams.at('/machines/a').send('cpu', { load: 2 })
    expect(seen).toEqual([
      ['b', 1],
      ['a', 2],
    ])
  })

  test('is not opened when it is asked for its mock', () => {
    const options = vi.fn(() => ({ events }))
    const feed = defineStream('/events', options)
    streams.at(feed)
    expect(options).toHaveBeenCalled()
    expect(streams.requests).toEqual([])
    expect(feed.status.get().state).toBe('idle')
  })
})

describe('a mistake is named', () => {
  test('a URL that nobody has opened', () => {
    const mock = streams.at('/evnts')
    expect(() => mock.send('cpu', '1')).toThrow(
      'No stream is open; those that were opened before mockStreams() are real.',
    )
    connect('/events', { key: 'me' })
    expect(() => mock.send('cpu', '1')).toThrow(
      'nothing has opened http://localhost/evnts. What is open: GET http://localhost/events, key "me".',
    )
    for (const drive of ['open', 'gap', 'disconnect', 'park', 'fail', 'close'] as const)
      expect(() => mock[drive](), drive).toThrow('nothing has opened')
    expect(() => mock.batch(() => {})).toThrow('nothing has opened')
  })

  test('a name that nobody listens to, unless a test says that it may be', () => {
    const stream = connect('/events')
    stream.on('cpu', () => {})
    const mock = streams.at('/events')
    expect(() => mock.send('cup', '1')).toThrow(
      'nothing listens to "cup" of GET http://localhost/events; names that are listened to: "cpu"',
    )
    expect(stream.status.state).toBe('connecting')
    mockStreams({ strict: false })
    mock.send('cup', '1')
    expect(stream.status.state).toBe('open')
  })

  test('streams that only more than a URL tells apart', () => {
    const heard = vi.fn()
    connect('/chat', { method: 'POST', body: 'one', key: 'me' })
    connect('/chat', { method: 'POST', body: 'two', key: 'me' }).on('message', heard)
    expect(() => streams.at('/chat').open()).toThrow(
      'several streams of this URL are open (POST http://localhost/chat, key "me", body one; POST http://localhost/chat, key "me", body two)',
    )
    streams.at('/chat', { body: 'two' }).send('message', 'a')
    expect(heard).toHaveBeenCalledTimes(1)
  })

  test('data that JSON cannot express', () => {
    connect('/events').on('cpu', () => {})
    expect(() => streams.at('/events').send('cpu', undefined)).toThrow(
      'the data of "cpu" are nothing that JSON can',
    )
  })

  test('a stream that was opened before', () => {
    streams.restore()
    const stream = connect('/events')
    streams = mockStreams()
    expect(() => streams.at(stream)).toThrow('this stream was opened before mockStreams() was called')
    stream.close()
  })
})

describe('mockStreams()', () => {
  test('is one, however often it is called', () => {
    expect(mockStreams()).toBe(streams)
  })

  test('is found by another copy of the package', async () => {
    vi.resetModules()
    const copy = await import('../../../src/index.ts')
    const { mockStreams: another } = await import('../../../src/testing/index.ts')
    expect(copy.connect).not.toBe(connect)
    expect(another()).toBe(streams)
    const heard = vi.fn()
    copy.connect('/events').on('message', heard)
    streams.at('/events').send('message', 'a')
    expect(heard).toHaveBeenCalledTimes(1)
  })

  test('lets go with restore(), and with the end of a block', () => {
    const stream = connect('/events')
    streams.restore()
    expect(stream.status.state).toBe('closed')
    {
      using mocked = mockStreams()
      connect('/events')
      expect(mocked.requests).toHaveLength(1)
    }
    expect(Reflect.ownKeys(globalThis).filter((key) => String(key).includes('tabstream'))).toEqual([])
  })

  test('has nothing of before when it is called again, but goes on with streams that somebody has left open', () => {
    const feed = defineStream('/events', { events })
    const act = vi.fn((work: () => void) => work())
    mockStreams({ act, strict: false })
    feed.on('log', () => {})
    streams.at(feed).seed('log', 'old')
    streams.restore()
    streams.restore()
    act.mockClear()
    const again = mockStreams()
    const heard = vi.fn()
    feed.on('log', heard)
    feed.reconnect()
    again.at(feed).send('log', 'new', { id: 'x' })
    expect(heard.mock.calls.map(([{ data }]) => data)).toEqual(['new'])
    expect(() => again.at(feed).send('cpu', '1')).toThrow('nothing listens to "cpu"')
    expect(act).not.toHaveBeenCalled()
  })

  test('begins anew with reset(), for those who stay', () => {
    const stream = connect('/events')
    const ids: string[] = []
    stream.on('message', ({ id }) => ids.push(id))
    const mock = streams.at('/events')
    const gaps: string[] = []
    stream.onGap(({ before }) => gaps.push(before))
    stream.reconnect()
    mock.send('message', 'a')
    streams.reset()
    mock.gap()
    expect(gaps).toEqual([''])
    expect([stream.status.state, mock.reconnects, mock.subscribers]).toEqual(['connecting', 0, 1])
    mock.send('message', 'b')
    expect(ids).toEqual(['1', '1'])
  })

  test('runs whatever reaches the app by act', async () => {
    const calls: string[] = []
    mockStreams({
      act: (work) => {
        calls.push('begin')
        expect(work()).toBe(undefined)
        calls.push('end')
      },
    })
    const mock = streams.at('/events')
    mock.seed('message', 'before')
    connect('/events', { replay: 1 }).on('message', ({ data }) => calls.push(data))
    expect(calls).toEqual([])
    await soon()
    mock.send('message', 'now')
    expect(calls).toEqual(['begin', 'before', 'end', 'begin', 'now', 'end'])
  })

  test('reports what a listener throws although timers are fake', async () => {
    streams.restore()
    const real = vi.fn()
    vi.stubGlobal('setTimeout', real)
    vi.resetModules()
    const { mockStreams: early } = await import('../../../src/testing/index.ts')
    vi.unstubAllGlobals()
    vi.useFakeTimers()
    {
      using mocked = early()
      connect('/events').on('message', () => {
        throw new Error('an assertion')
      })
      mocked.at('/events').send('message', 'a')
    }
    expect(vi.getTimerCount()).toBe(0)
    expect(real.mock.calls[0]?.[0]).toThrow('an assertion')
    expect('reportError' in globalThis).toBe(false)
  })

  test('is what inspect() reports', async () => {
    const stream = connect('/events')
    stream.on('cpu', () => {})
    streams.at('/events').send('cpu', '1')
    const { host, isHere, tabs, streams: all } = await inspect()
    expect({ host, isHere, tabs }).toEqual({ host: 'direct', isHere: true, tabs: 1 })
    expect(all).toMatchObject([
      { url: 'http://localhost/events', state: 'open', subscribers: 1, names: ['cpu'], lastEventId: '1' },
    ])
  })

  test('has types of the events of a stream', () => {
    const feed = defineStream('/events', { events })
    const stream = connect('/events', { events })
    expectTypeOf(streams.at(feed)).toEqualTypeOf<MockStream<{ cpu: Cpu; log: string }>>()
    expectTypeOf(streams.at(stream)).toEqualTypeOf<MockStream<{ cpu: Cpu; log: string }>>()
    expectTypeOf(streams.at('/events')).toEqualTypeOf<MockStream<Record<string, unknown>>>()
    expectTypeOf(streams.at<{ cpu: Cpu }>('/events')).toEqualTypeOf<MockStream<{ cpu: Cpu }>>()
    const mock = streams.at(feed)
    const typed = () => {
      // @ts-expect-error: no such name
      mock.send('cup', { load: 1 })
      // @ts-expect-error: no such data
      mock.send('cpu', { lod: 1 })
    }
    expect(typed).toBeTypeOf('function')
  })
})
