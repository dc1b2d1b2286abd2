import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import {
  type Decoder,
  json,
  type StandardResult,
  type StandardSchema,
  text,
} from '../../../src/api/decode.ts'
import type { Gap, SharedStream, StreamEvent } from '../../../src/api/shared-stream.ts'
import type { Host } from '../../../src/link/host.ts'
import type { TabstreamError } from '../../../src/page/errors.ts'
import type { WorldOptions } from '../../sim/world/world.ts'
import { heard, inWords, OPEN, outcomeOf, Page, statuses, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

/** What was reported as an uncaught error is. */
const reported: unknown[] = []

beforeEach(() => {
  reported.length = 0
  vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
})

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A stream that a page has opened, over a connection that is open. */
async function opened(options: ConnectOptions = {}, worldOptions: Partial<WorldOptions> = {}) {
  const world = new UpstreamWorld(worldOptions)
  const page = new Page(world, 'page')
  const stream: SharedStream = page.connect(URL_OF_EVENTS, options as object)
  await world.clock.advance(OPEN)
  /** The server sends events, each as `name data`. */
  const send = async (...events: string[]) => {
    await world.clock.advance(0)
    world.upstream.write(events.map(textOf).join(''))
    await world.clock.advance(0)
  }
  return { world, page, stream, send }
}

const textOf = (words: string): string => {
  const [name, ...data] = words.split(' ')
  return `event: ${name}\ndata: ${data.join(' ')}\n\n`
}

const ended = (message = ''): TabstreamError =>
  expect.objectContaining({
    name: 'TabstreamError',
    type: 'stream-ended',
    message: expect.stringContaining(message),
  })

/** A schema of whichever library. */
const schema = <T>(validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>) =>
  ({ '~standard': { version: 1, vendor: 'test', validate } }) satisfies StandardSchema<T>

const positive = (value: unknown): StandardResult<number> =>
  typeof value === 'number' && value > 0
    ? { value: value * 10 }
    : { issues: [{ message: 'not positive' }, { message: 'not good' }] }

describe('on', () => {
  test('gives events of its name, with all that is known of them', async () => {
    const { world, stream, send } = await opened()
    const events: StreamEvent[] = []
    stream.on('a', (event) => events.push(event))
    await send('b 1', 'message 2')
    world.upstream.write('event: a\nid: 7\ndata: one\ndata: two\n\n')
    await world.clock.advance(0)
    expect(events).toEqual([{ name: 'a', data: 'one\ntwo', id: '7', origin: 'https://dash.test' }])
  })

  test('gives events of every name for *', async () => {
    const { stream, send } = await opened()
    const words = heard(stream, '*')
    await send('a 1', 'message 2', 'open 3', 'constructor 4')
    expect(words).toEqual(['a 1', 'message 2', 'open 3', 'constructor 4'])
  })

  test('gives an event to those that listen to its name and to all, in the order in which they came', async () => {
    const { stream, send } = await opened()
    const words: string[] = []
    for (const name of ['*', 'a', '*', 'b', 'a'] as const) {
      const number = words.length
      stream.on(name, ({ data }) => words.push(`${name} ${data}`))
      expect(words).toHaveLength(number)
    }
    await send('a 1')
    expect(words).toEqual(['* 1', 'a 1', '* 1', 'a 1'])
  })

  test('asks the hub for the names that are listened to, and no others', async () => {
    const { world, stream } = await opened()
    const off = stream.on('a', () => {})
    stream.on('b', () => {})
    await world.clock.advance(0)
    expect(world.report().streams).toMatchObject([{ names: ['a', 'b'] }])
    off()
    await world.clock.advance(0)
    expect(world.report().streams).toMatchObject([{ names: ['b'] }])
  })

  test('ends with what it returned, and that listener alone', async () => {
    const { stream, send } = await opened()
    const words: string[] = []
    const listener = ({ data }: StreamEvent) => words.push(data)
    const off = stream.on('a', listener)
    stream.on('a', listener)
    off()
    off()
    await send('a 1')
    expect(words).toEqual(['1'])
  })

  test.each([Symbol('a'), 42, undefined, null, {}])('complains of a name that is none: %s', async (name) => {
    const { world, stream, send } = await opened()
    const wrong = name as unknown as string
    const complaint = { name: 'TabstreamError', type: 'configuration' }
    expect(() => stream.on(wrong, () => {})).toThrow(expect.objectContaining(complaint))
    expect(() => stream.once(wrong)).toThrow(expect.objectContaining(complaint))
    expect(() => stream.events(wrong)).toThrow(expect.objectContaining(complaint))
    const words = heard(stream, 'a')
    await send('a 1')
    expect(words).toEqual(['a 1'])
    expect(world.report().streams).toMatchObject([{ names: ['a'], subscribers: 1 }])
  })

  test('complains of what is no listener or no signal, and takes nothing of it', async () => {
    const { stream, send } = await opened()
    for (const wrong of [undefined, null, 'a', {}] as unknown as (() => void)[]) {
      expect(() => stream.on('a', wrong)).toThrow('a listener must be a function')
      expect(() => stream.onGap(wrong)).toThrow('a listener must be a function')
      expect(() => stream.onStatus(wrong)).toThrow('a listener must be a function')
      expect(() => stream.onError(wrong)).toThrow('a listener must be a function')
    }
    let count = 0
    for (const wrong of [null, 5, {}, 'abort', new EventTarget()] as unknown as AbortSignal[]) {
      expect(() => stream.on('a', () => count++, { signal: wrong })).toThrow('signal must be an AbortSignal')
      expect(() => stream.onStatus(() => count++, { signal: wrong })).toThrow('signal must be an AbortSignal')
    }
    await send('a 1')
    expect([count, reported]).toEqual([0, []])
  })

  test('leaves nothing at a signal that outlives the stream', async () => {
    const { signal } = new AbortController()
    const { stream } = await opened({ signal })
    stream.on('a', () => {}, { signal })
    stream.onStatus(() => {}, { signal })
    stream.once('a', { signal }).catch(() => {})
    stream.events('a', { signal })
    const { length } = getEventListeners(signal, 'abort')
    stream.on('b', () => {}, { signal })()
    expect(getEventListeners(signal, 'abort')).toHaveLength(length)
    stream.close()
    stream.events('a', { signal })
    stream.on('a', () => {}, { signal })
    stream.onGap(() => {}, { signal })
    await stream.once('a', { signal }).catch(() => {})
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('calls no listener that a signal has taken away, though an earlier one has closed the stream', async () => {
    const { stream, send } = await opened()
    const abort = new AbortController()
    const words: string[] = []
    stream.on('a', () => {
      stream.close()
      abort.abort()
    })
    stream.on('a', ({ data }) => words.push(data), { signal: abort.signal })
    await send('a 1')
    expect(words).toEqual([])
  })

  test('ends when its signal aborts', async () => {
    const { stream, send } = await opened()
    const abort = new AbortController()
    const words: string[] = []
    stream.on('a', ({ data }) => words.push(data), { signal: abort.signal })
    await send('a 1')
    abort.abort()
    await send('a 2')
    expect(words).toEqual(['1'])
  })

  test('does not begin where its signal has aborted', async () => {
    const { world, stream, send } = await opened()
    const words: string[] = []
    stream.on('a', ({ data }) => words.push(data), { signal: AbortSignal.abort() })
    await send('a 1')
    expect(words).toEqual([])
    expect(world.report().streams).toMatchObject([{ names: [] }])
  })

  test('in a listener begins with the very next event, and hears each once', async () => {
    const { stream, send } = await opened()
    const words: string[] = []
    stream.on('a', ({ data }) => {
      words.push(`a ${data}`)
      if (data === '1') stream.on('b', (event) => words.push(`b ${event.data}`))
    })
    await send('b 0', 'a 1', 'b 2', 'a 3', 'b 4')
    expect(words).toEqual(['a 1', 'b 2', 'a 3', 'b 4'])
  })

  test('for the same name in a listener does not begin with the event that is being given', async () => {
    const { stream, send } = await opened()
    const words: string[] = []
    stream.on('a', ({ data }) => {
      if (data === '1') stream.on('a', (event) => words.push(event.data))
    })
    await send('a 1', 'a 2')
    expect(words).toEqual(['2'])
  })

  test('ends in another listener before that event has come to it', async () => {
    const { stream, send } = await opened()
    const words: string[] = []
    stream.on('a', () => off())
    const off = stream.on('a', ({ data }) => words.push(data))
    await send('a 1', 'a 2')
    expect(words).toEqual([])
  })

  test('is not disturbed by a listener that throws, which is reported', async () => {
    const { stream, send } = await opened()
    const words: string[] = []
    const error = new Error('in a listener')
    stream.on('a', () => {
      throw error
    })
    stream.on('a', ({ data }) => words.push(data))
    await send('a 1', 'a 2')
    expect(words).toEqual(['1', '2'])
    expect(reported).toEqual([error, error])
  })

  test('keeps nothing of names that a server makes up, however many it hears', async () => {
    const { stream, send } = await opened()
    let count = 0
    stream.on('*', () => count++)
    stream.on('a', () => count++)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    await send('first 1')
    const round = async (number: number) => {
      await send(...Array.from({ length: 2_000 }, (_, index) => `${'n'.repeat(500)}-${number}-${index} x`))
    }
    // A log's worth has passed before the first look.
    for (let number = 0; number < 10; number++) await round(number)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let number = 10; number < 30; number++) await round(number)
    collect()
    expect(count).toBe(60_001)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000)
  })

  test('begins with what is replayed where that is wanted', async () => {
    const { world, send, stream } = await opened()
    heard(stream, '*')
    await send('a 1', 'a 2', 'b 3')
    const late = new Page(world, 'late').connect(URL_OF_EVENTS, { replay: 1 })
    const words = heard(late, 'a')
    await world.clock.advance(OPEN)
    await send('a 4')
    expect(words).toEqual(['a 2', 'a 4'])
  })
})

describe('once', () => {
  test('resolves with the next event of its name, and listens no longer', async () => {
    const { world, stream, send } = await opened()
    const next = stream.once('a')
    await send('b 1', 'a 2', 'a 3')
    expect(await outcomeOf(world, next)).toMatchObject({ value: { name: 'a', data: '2' } })
    expect(world.report().streams).toMatchObject([{ names: [] }])
  })

  test('time and again misses nothing', async () => {
    const { stream, send } = await opened()
    const words: string[] = []
    const listening = (async () => {
      while (words.length < 3) words.push((await stream.once('a')).data)
    })()
    await send('a 1', 'b 2', 'a 3', 'a 4')
    await listening
    expect(words).toEqual(['1', '3', '4'])
  })

  test('rejects when the stream is closed first', async () => {
    const { world, stream } = await opened()
    const next = stream.once('a')
    stream.close()
    expect(await outcomeOf(world, next)).toEqual({ error: ended('the stream has ended') })
  })

  test('rejects when the stream fails first, with the reason', async () => {
    const { world, stream } = await opened()
    const next = stream.once('a')
    next.catch(() => {})
    world.upstream.answer = () => ({ status: 404 })
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(await outcomeOf(world, next)).toEqual({ error: ended('status 404') })
  })

  test('rejects where the stream is over already', async () => {
    const { world, stream } = await opened()
    stream.close()
    expect(await outcomeOf(world, stream.once('a'))).toEqual({ error: ended('the stream has ended') })
  })

  test.each([true, false])('rejects with the reason of its signal (aborted before: %s)', async (isBefore) => {
    const { world, stream, send } = await opened()
    const abort = new AbortController()
    if (isBefore) abort.abort(new Error('too late'))
    const next = stream.once('a', { signal: abort.signal })
    abort.abort(new Error('too late'))
    expect(await outcomeOf(world, next)).toEqual({ error: new Error('too late') })
    await send('a 1')
    expect(world.report().streams).toMatchObject([{ names: [] }])
  })

  test('leaves nothing at a signal that lasts longer', async () => {
    const { stream, send } = await opened()
    const { signal } = new AbortController()
    const remove = vi.spyOn(signal, 'removeEventListener')
    const add = vi.spyOn(signal, 'addEventListener')
    stream.once('a', { signal })
    await send('a 1')
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length)
  })
})

describe('data', () => {
  test('are strings without decoders', async () => {
    const { stream, send } = await opened()
    const words = heard(stream, 'a')
    await send('a {"b":1}')
    expect(words).toEqual(['a {"b":1}'])
  })

  test('are made by json(), text, functions and schemas, each for its name', async () => {
    const { stream, send } = await opened({
      events: { a: json(), b: text, c: (data: string) => data.length, d: schema(positive) },
    })
    const data: unknown[] = []
    stream.on('*', (event) => data.push(event.data))
    await send('a {"x":[1]}', 'b {"x":[1]}', 'c four', 'd 7')
    expect(data).toEqual([{ x: [1] }, '{"x":[1]}', 4, 70])
  })

  test('of other names come to * as they are', async () => {
    const { stream, send } = await opened({ events: { a: json() } })
    const words = heard(stream, '*')
    await send('other {"b":1}', 'toString x', '__proto__ y')
    expect(words).toEqual(['other {"b":1}', 'toString x', '__proto__ y'])
    expect(reported).toEqual([])
  })

  test('may come of a schema that is a function, too', async () => {
    const callable = Object.assign((data: unknown) => `called with ${data}`, schema(positive))
    const { stream, send } = await opened({ events: { a: callable } })
    const data: unknown[] = []
    stream.on('a', (event) => data.push(event.data))
    await send('a 7')
    expect(data).toEqual([70])
  })

  test('keep their order though a schema takes its time', async () => {
    const { world, stream, send } = await opened({
      events: {
        slow: schema(async (value) => {
          await new Promise<void>((resolve) => world.clock.schedule(100 - Number(value), resolve))
          return { value: value as number }
        }),
        quick: json<number>(),
      },
    })
    const words = heard(stream, 'slow', 'quick')
    await send('slow 1', 'slow 50', 'quick 3')
    expect(words).toEqual([])
    await world.clock.advance(98)
    expect(words).toEqual([])
    await world.clock.advance(200)
    expect(words).toEqual(['slow 1', 'slow 50', 'quick 3'])
  })

  test.each<[string, Record<string, Decoder>, string]>([
    ['JSON that cannot be parsed', { a: json() }, 'JSON'],
    ['a function that throws', { a: () => Promise.reject(new Error('no good')) }, 'no good'],
    ['a schema that finds faults', { a: schema(positive) }, 'JSON'],
    ['a schema that finds faults later', { a: schema(async () => positive(-1)) }, 'JSON'],
  ])('that are at fault go to onError as they came, and the stream lives on: %s', async (_what, events) => {
    const { stream, send } = await opened({ events })
    const faults: [Error, StreamEvent][] = []
    stream.onError((error, event) => faults.push([error, event]))
    const words = heard(stream, 'a', 'b')
    await send('a {', 'b 2')
    expect(faults).toMatchObject([
      [{ message: expect.stringContaining('event "a" could not be decoded') }, { name: 'a', data: '{' }],
    ])
    expect(words).toEqual(['b 2'])
    expect(reported).toEqual([])
  })

  test('that a schema refuses bring all of its reasons, and the error itself as cause', async () => {
    const { stream, send } = await opened({ events: { a: schema(positive) } })
    const faults: Error[] = []
    heard(stream, 'a')
    stream.onError((error) => faults.push(error))
    await send('a -1', 'a 2')
    expect(faults).toMatchObject([
      { message: expect.stringContaining('not positive; not good'), cause: expect.any(TypeError) },
    ])
  })

  test('that are at fault are reported where nobody listens to onError', async () => {
    const { stream, send } = await opened({ events: { a: json() } })
    heard(stream, 'a')
    const off = stream.onError(() => {})
    off()
    await send('a {')
    expect(reported).toEqual([expect.objectContaining({ message: expect.stringContaining('event "a"') })])
  })

  test('at fault disturb no other listener to onError by one that throws', async () => {
    const { stream, send } = await opened({ events: { a: json() } })
    heard(stream, 'a')
    let count = 0
    const error = new Error('in a listener')
    stream.onError(() => {
      throw error
    })
    stream.onError(() => count++)
    await send('a {')
    expect([count, reported]).toEqual([1, [error]])
  })

  test('are decoded once for all listeners, and not at all where nobody listens', async () => {
    let count = 0
    const { stream, send } = await opened({ events: { a: () => ++count }, until: () => false })
    await send('a 1')
    expect(count).toBe(0)
    const words = heard(stream, 'a', 'a', '*')
    await send('a 2')
    expect([count, words]).toEqual([1, ['a 1', 'a 1', 'a 1']])
  })

  test('that are not decoded when the stream is closed come to nobody', async () => {
    let settle: (result: StandardResult<number>) => void = () => {}
    const slow = schema<number>(() => new Promise((resolve) => (settle = resolve)))
    const { world, stream, send } = await opened({ events: { a: slow } })
    const words = heard(stream, 'a')
    const faults: unknown[] = []
    stream.onError((error) => faults.push(error))
    await send('a 1')
    stream.close()
    settle({ value: 1 })
    await world.clock.advance(0)
    expect([words, faults]).toEqual([[], []])
  })

  test('that are at fault when the stream is closed come to nobody either', async () => {
    let settle: (result: StandardResult<number>) => void = () => {}
    const slow = schema<number>(() => new Promise((resolve) => (settle = resolve)))
    const { world, stream, send } = await opened({ events: { a: slow } })
    heard(stream, 'a')
    await send('a 1')
    stream.close()
    settle({ issues: [{ message: 'no good' }] })
    await world.clock.advance(0)
    expect(reported).toEqual([])
  })

  test('that are being decoded cost nothing that comes when names are added meanwhile', async () => {
    let settle: (result: StandardResult<number>) => void = () => {}
    const slow = schema<number>(() => new Promise((resolve) => (settle = resolve)))
    const { world, stream, send } = await opened({ events: { a: slow } })
    const words = heard(stream, 'a')
    await send('a 1')
    stream.on('b', ({ data }) => words.push(`b ${data}`))
    await send('b 2', 'b 3')
    expect(words).toEqual([])
    settle({ value: 1 })
    await world.clock.advance(0)
    expect(words).toEqual(['a 1', 'b 2', 'b 3'])
  })

  test('that are being decoded hold nothing up for good when names are added meanwhile', async () => {
    const waiting: (() => void)[] = []
    const slow = schema(async (value) => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return { value: value as number }
    })
    const { world, stream, send } = await opened({ events: { a: slow, b: text } })
    const words = heard(stream, 'a')
    await send('a 1', 'b 2', 'a 3')
    heard(stream, 'b')
    stream.on('b', ({ data }) => words.push(`b ${data}`))
    await world.clock.advance(100)
    expect(words).toEqual([])
    waiting.shift()?.()
    await world.clock.advance(0)
    waiting.shift()?.()
    await world.clock.advance(0)
    expect(words).toEqual(['a 1', 'b 2', 'a 3'])
  })
})

describe('events()', () => {
  /** Takes so many events of an iterator, as `name data`. */
  async function taken(events: AsyncIterable<StreamEvent>, count = Infinity): Promise<string[]> {
    const words: string[] = []
    if (count === 0) return words
    for await (const { name, data } of events) {
      words.push(`${name} ${data}`)
      if (words.length >= count) break
    }
    return words
  }

  test('gives the events of its name in order, from now on', async () => {
    const { world, stream, send } = await opened()
    await send('a 0')
    const words = taken(stream.events('a'), 3)
    await send('a 1', 'b 2', 'a 3')
    await send('a 4')
    expect(await outcomeOf(world, words)).toEqual({ value: ['a 1', 'a 3', 'a 4'] })
  })

  test('gives those of every name for *', async () => {
    const { world, stream, send } = await opened()
    const words = taken(stream.events('*'), 2)
    await send('a 1', 'b 2')
    expect(await outcomeOf(world, words)).toEqual({ value: ['a 1', 'b 2'] })
  })

  test('gives what comes before the first is asked for', async () => {
    const { world, stream, send } = await opened()
    const events = stream.events('a')
    await send('a 1', 'a 2')
    expect(await outcomeOf(world, taken(events, 2))).toEqual({ value: ['a 1', 'a 2'] })
  })

  test('brings the origin, and decoded data', async () => {
    const { world, stream, send } = await opened({ events: { a: json() } })
    const events = stream.events('a')
    await send('a {', 'a {"b":1}')
    expect(await outcomeOf(world, events.next())).toMatchObject({
      value: { done: false, value: { data: { b: 1 }, origin: 'https://dash.test' } },
    })
    expect(reported).toHaveLength(1)
  })

  test('several at a time each get everything, at their own pace', async () => {
    const { world, stream, send } = await opened()
    const [quick, slow] = [stream.events('a'), stream.events('a')]
    await send('a 1', 'a 2')
    expect(await outcomeOf(world, taken(quick, 2))).toEqual({ value: ['a 1', 'a 2'] })
    expect(await outcomeOf(world, taken(slow, 2))).toEqual({ value: ['a 1', 'a 2'] })
  })

  test('answers each of several questions at a time', async () => {
    const { world, stream, send } = await opened()
    const events = stream.events('a')
    const answers = Promise.all([events.next(), events.next(), events.next()])
    await send('a 1', 'a 2', 'a 3', 'a 4')
    expect(await outcomeOf(world, answers)).toMatchObject({
      value: [{ value: { data: '1' } }, { value: { data: '2' } }, { value: { data: '3' } }],
    })
    expect(await outcomeOf(world, events.next())).toMatchObject({ value: { value: { data: '4' } } })
  })

  test('tells all who wait that it is over', async () => {
    const { world, stream } = await opened()
    const events = stream.events('a')
    const answers = Promise.all([events.next(), events.next()])
    stream.close()
    expect(await outcomeOf(world, answers)).toMatchObject({ value: [{ done: true }, { done: true }] })
  })

  test('leaves a bounded number of events in a page that does not ask, and holds up the hub', async () => {
    const { world, page, stream, send } = await opened({}, { logLimits: { events: 100, bytes: 1_000_000 } })
    let delivered = 0
    const subscribe = page.client.subscribe.bind(page.client)
    page.client.subscribe = (wish, receive) =>
      subscribe(wish, (entry, log) => {
        delivered++
        return receive(entry, log)
      })
    stream.events('a')
    await world.clock.advance(0)
    for (let number = 1; number <= 200; number++) await send(`a ${number}`)
    // How it stands, and the first event.
    expect(delivered).toBe(2)
    const [{ logEvents } = { logEvents: 0 }] = world.report().streams
    expect(logEvents).toBeGreaterThan(50)
    expect(logEvents).toBeLessThan(100)
  })

  test('goes on without loss when it is asked again, and holds up no other', async () => {
    const { world, stream, send } = await opened()
    const words = heard(stream, 'a')
    const events = stream.events('a')
    const all = Array.from({ length: 3_000 }, (_, index) => `a ${index}`)
    await send(...all)
    expect(words).toEqual(all)
    expect(await outcomeOf(world, taken(events, 3_000))).toEqual({ value: all })
  })

  test('tells a gap through onGap where it falls too far behind', async () => {
    const { world, stream, send } = await opened({}, { logLimits: { events: 100, bytes: 1_000_000 } })
    heard(stream, 'a')
    const gaps: Gap[] = []
    stream.onGap((gap) => gaps.push(gap))
    const events = stream.events('a')
    await send('a 1')
    // So long a loop may stand still.
    await world.clock.advance(2_100)
    for (let number = 2; number <= 300; number++) await send(`a ${number}`)
    const words = taken(events)
    await world.clock.advance(0)
    stream.close()
    expect(gaps).toMatchObject([{ reason: 'slow-tab' }])
    expect((await words).at(-1)).toBe('a 300')
  })

  test('ends by break, and listens no longer', async () => {
    const { world, stream, send } = await opened()
    const events = stream.events('a')
    const words = taken(events, 1)
    await send('a 1', 'a 2', 'a 3')
    expect(await outcomeOf(world, words)).toEqual({ value: ['a 1'] })
    expect(world.report().streams).toMatchObject([{ subscribers: 1, names: [] }])
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  test('gives nothing after return, not even what it held', async () => {
    const { world, stream, send } = await opened()
    const events = stream.events('a')
    await send('a 1', 'a 2')
    await events.return?.()
    expect(await outcomeOf(world, events.next())).toEqual({ value: { done: true, value: undefined } })
  })

  test('goes on with others when one is left', async () => {
    const { world, stream, send } = await opened()
    const [left, kept] = [stream.events('a'), stream.events('a')]
    await send('a 1')
    expect(await outcomeOf(world, taken(left, 1))).toEqual({ value: ['a 1'] })
    await send('a 2')
    expect(await outcomeOf(world, taken(kept, 2))).toEqual({ value: ['a 1', 'a 2'] })
  })

  test.each(['before', 'while it waits', 'while an event is held'])(
    'ends when its signal aborts %s',
    async (when) => {
      const { world, stream, send } = await opened()
      const abort = new AbortController()
      if (when === 'before') abort.abort()
      const events = stream.events('a', { signal: abort.signal })
      if (when === 'while an event is held') await send('a 1', 'a 2')
      const words = when === 'while it waits' ? taken(events) : undefined
      abort.abort()
      await send('a 3')
      expect(await outcomeOf(world, words ?? taken(events))).toEqual({ value: [] })
      expect(world.report().streams).toMatchObject([{ subscribers: 1 }])
    },
  )

  test('gives nothing that is decoded after it has ended', async () => {
    let settle: (result: StandardResult<number>) => void = () => {}
    const slow = schema<number>(() => new Promise((resolve) => (settle = resolve)))
    const { world, stream, send } = await opened({ events: { a: slow } })
    const abort = new AbortController()
    const events = stream.events('a', { signal: abort.signal })
    await send('a 1')
    abort.abort()
    settle({ value: 1 })
    await world.clock.advance(0)
    expect(await outcomeOf(world, events.next())).toEqual({ value: { done: true, value: undefined } })
  })

  test('ends with the stream', async () => {
    const { world, stream, send } = await opened()
    const words = taken(stream.events('a'))
    await send('a 1')
    stream.close()
    expect(await outcomeOf(world, words)).toEqual({ value: ['a 1'] })
  })

  test('gives nothing of a stream that is closed, not even what it held', async () => {
    const { world, stream, send } = await opened()
    const events = stream.events('a')
    await send('a 1', 'a 2')
    stream.close()
    expect(await outcomeOf(world, taken(events))).toEqual({ value: [] })
  })

  test('of a stream that is over already is over too, and asks for nothing', async () => {
    const { world, stream } = await opened()
    stream.close()
    expect(await outcomeOf(world, taken(stream.events('a')))).toEqual({ value: [] })
    await world.clock.advance(5_000)
    expect(world.report().streams).toEqual([])
  })

  test('throws where the stream fails, after all that came before', async () => {
    const { world, stream, send } = await opened()
    const events = stream.events('a')
    await send('a 1', 'a 2')
    world.upstream.answer = () => ({ status: 404 })
    world.upstream.cut()
    await world.clock.advance(1_000)
    const words: string[] = []
    const loop = (async () => {
      for await (const { data } of events) words.push(data)
    })()
    expect(await outcomeOf(world, loop)).toEqual({ error: ended('status 404') })
    expect(words).toEqual(['1', '2'])
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  test('throws to who waits when the stream fails', async () => {
    const { world, stream } = await opened()
    const next = stream.events('a').next()
    next.catch(() => {})
    world.upstream.answer = () => ({ headers: { 'Content-Type': 'text/html' } })
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(await outcomeOf(world, next)).toEqual({ error: ended('text/html') })
  })

  test('goes on where it was at another hub', async () => {
    const { world, stream } = await opened()
    const events = stream.events('a')
    const numbered = (from: number, to: number) =>
      Array.from(
        { length: to - from + 1 },
        (_, index) => `id: ${from + index}\n${textOf(`a ${from + index}`)}`,
      ).join('')
    await world.clock.advance(0)
    world.upstream.write(numbered(1, 5))
    await world.clock.advance(0)
    expect(await outcomeOf(world, Promise.all([events.next(), events.next()]))).toMatchObject({
      value: [{ value: { data: '1' } }, { value: { data: '2' } }],
    })
    world.upstream.answer = ({ headers }) => ({
      text: numbered(Number(headers['Last-Event-ID'] ?? 0) + 1, 7),
    })
    world.workers()[0]?.agent.kill()
    await world.clock.advance(3_000)
    expect(await outcomeOf(world, taken(events, 5))).toEqual({ value: ['a 3', 'a 4', 'a 5', 'a 6', 'a 7'] })
  })
})

describe('until', () => {
  const isDone = ({ data }: StreamEvent) => data === '[DONE]'

  test('closes the stream after the last event, which is still given, and asks for nothing more', async () => {
    const { world, stream, send } = await opened({ until: isDone, method: 'POST', body: {} })
    const words = heard(stream, '*')
    const seen = statuses(stream)
    await send('a 1', 'b [DONE]', 'a 2')
    world.upstream.cut()
    await world.clock.advance(60_000)
    expect(words).toEqual(['a 1', 'b [DONE]'])
    expect(seen).toEqual(['closed'])
    expect(world.upstream.requests).toHaveLength(1)
    expect(world.report().streams).toEqual([])
  })

  test('does so whether or not anybody listens to that event', async () => {
    const { world, stream, send } = await opened({ until: isDone })
    heard(stream, 'a')
    await send('b [DONE]')
    expect(stream.status.state).toBe('closed')
    expect(world.upstream.open.size).toBe(0)
  })

  test('does so where the server ends the response with the last event, and repeats no POST', async () => {
    const world = new UpstreamWorld()
    world.upstream.answer = () => ({ text: textOf('a 1') + textOf('a [DONE]'), ends: true })
    const streams = ['one', 'other'].map((name) =>
      new Page(world, name).connect(URL_OF_EVENTS, { method: 'POST', body: 'ask', until: isDone }),
    )
    const words = streams.map((stream) => heard(stream, '*'))
    await world.clock.advance(60_000)
    expect(words).toEqual(Array(2).fill(['a 1', 'a [DONE]']))
    expect(streams.map(({ status }) => status.state)).toEqual(['closed', 'closed'])
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('repeats no POST where the page is slower than the reconnection', async () => {
    const world = new UpstreamWorld()
    world.upstream.answer = () => ({ text: ['a 1', 'a 2', 'a [DONE]'].map(textOf).join(''), ends: true })
    const page = new Page(world, 'page')
    page.agent.pace = 800
    heard(page.connect(URL_OF_EVENTS, { method: 'POST', body: 'ask', until: isDone }), '*')
    await world.clock.advance(60_000)
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('repeats no POST where the hub dies before an iteration has come to the end', async () => {
    const { world, stream, send } = await opened({ until: isDone, method: 'POST', body: 'ask' })
    stream.events('a')
    await send('a 1', 'a 2', 'a [DONE]')
    expect(stream.status.state).toBe('closed')
    await world.clock.advance(2_000)
    world.workers()[0]?.agent.kill()
    await world.clock.advance(5_000)
    expect(world.upstream.requests).toHaveLength(1)
  })

  describe('and the end of the response without a blank line', () => {
    const text = `${textOf('a 1')}event: a\ndata: [DONE]`

    /** Who opens streams at a server that answers like that, and what they are given. */
    const answered = async (...wishes: ConnectOptions[]) => {
      const world = new UpstreamWorld()
      world.upstream.answer = () => ({ text, ends: true })
      const streams = wishes.map((options, index) =>
        new Page(world, `page ${index}`).connect(URL_OF_EVENTS, options as object),
      )
      const words = streams.map((stream) => heard(stream, '*'))
      const states = () => streams.map(({ status }) => status.state)
      return { world, words, states }
    }

    test.each<[string, ConnectOptions]>([
      ['GET', {}],
      ['POST', { method: 'POST', body: 'ask', retry: true }],
    ])('end a %s, which is not made again', async (_method, options) => {
      const { world, words, states } = await answered(
        { ...options, until: isDone },
        { ...options, until: isDone },
      )
      await world.clock.advance(60_000)
      expect(words).toEqual(Array(2).fill(['a 1', 'a [DONE]']))
      expect(states()).toEqual(['closed', 'closed'])
      expect(world.upstream.requests).toHaveLength(1)
    })

    test('end it for a page without until, too', async () => {
      const { world, words, states } = await answered({}, { until: isDone })
      await world.clock.advance(60_000)
      expect(words).toEqual(Array(2).fill(['a 1', 'a [DONE]']))
      expect(states()).toEqual(['closed', 'closed'])
    })

    test('are no event where nobody has until', async () => {
      const { world, words } = await answered({})
      await world.clock.advance(OPEN)
      expect(words).toEqual([['a 1']])
    })

    test('are no event where the connection breaks there', async () => {
      const { world, words } = await answered({ until: isDone })
      world.upstream.answer = () => ({ text })
      await world.clock.advance(OPEN)
      world.upstream.cut(new TypeError('network error'))
      await world.clock.advance(OPEN)
      expect(words).toEqual([['a 1']])
    })

    test('are no event as long as a SharedEventSource has the stream', async () => {
      const { world, words, states } = await answered({ until: isDone })
      const source = new Page(world, 'other').source()
      const notes: string[] = []
      source.addEventListener('a', ({ data }) => notes.push(data))
      source.addEventListener('error', () => notes.push(`error ${source.readyState}`))
      await world.clock.advance(OPEN)
      expect(notes).toEqual(['1', 'error 0'])
      expect(words).toEqual([['a 1']])
      source.close()
      await world.clock.advance(1_000)
      expect(words).toEqual([['a 1', 'a 1', 'a [DONE]']])
      expect(states()).toEqual(['closed'])
    })
  })

  test('closes it for all who share it, without an error', async () => {
    const { world, stream, send } = await opened({ until: isDone })
    const other = new Page(world, 'other').connect(URL_OF_EVENTS)
    const words = heard(other, '*')
    const seen = statuses(other)
    const source = new Page(world, 'third').source()
    await world.clock.advance(OPEN)
    await send('a 1', 'a [DONE]')
    await world.clock.advance(60_000)
    expect(words).toEqual(['a 1', 'a [DONE]'])
    expect([stream.status.state, seen.at(-1), source.readyState]).toEqual(['closed', 'closed', 2])
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('comes true in several tabs at a time without harm', async () => {
    const { world, stream, send } = await opened({ until: isDone })
    const others = ['b', 'c'].map((name) => new Page(world, name).connect(URL_OF_EVENTS, { until: isDone }))
    const words = [stream, ...others].map((one) => heard(one, '*'))
    await world.clock.advance(OPEN)
    await send('a 1', 'a [DONE]')
    await world.clock.advance(60_000)
    expect(words).toEqual(Array(3).fill(['a 1', 'a [DONE]']))
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('lets a later stream begin anew', async () => {
    const { world, page, send } = await opened({ until: isDone })
    await send('a [DONE]')
    const later = page.connect(URL_OF_EVENTS, { until: isDone })
    await world.clock.advance(OPEN)
    expect(later.status.state).toBe('open')
    expect(world.upstream.requests).toHaveLength(2)
  })

  test('that throws is reported, and the stream goes on', async () => {
    const error = new Error('in until')
    const { stream, send } = await opened({
      until: () => {
        throw error
      },
    })
    const words = heard(stream, 'a')
    await send('a 1')
    expect(words).toEqual(['a 1'])
    expect(reported).toEqual([error])
  })

  test('waits for the last event to be decoded', async () => {
    const slow = schema(async (value) => {
      await new Promise<void>((resolve) => world.clock.schedule(500, resolve))
      return { value: value as string }
    })
    const { world, stream, send } = await opened({
      events: { a: slow },
      until: ({ data }: StreamEvent) => data === '"[DONE]"',
    })
    const words = heard(stream, 'a')
    await send('a "[DONE]"')
    expect(stream.status.state).toBe('open')
    await world.clock.advance(500)
    expect(words).toEqual(['a [DONE]'])
    expect(stream.status.state).toBe('closed')
  })

  test.each(['a', '*'])('ends an iteration over %s after the last event and all before', async (name) => {
    const { world, stream, send } = await opened({ until: isDone })
    const events = stream.events(name)
    await send('a 1', 'a 2', 'a [DONE]', 'a 3')
    await world.clock.advance(1_000)
    const words: string[] = []
    const loop = (async () => {
      for await (const { data } of events) {
        words.push(data)
        await new Promise<void>((resolve) => world.clock.schedule(50, resolve))
      }
      words.push('over')
    })()
    await world.clock.advance(1_000)
    await loop
    expect(words).toEqual(['1', '2', '[DONE]', 'over'])
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('ends an iteration over another name than that of the last event', async () => {
    const { world, stream, send } = await opened({ until: isDone })
    const events = stream.events('a')
    await send('a 1', 'b [DONE]')
    const words: string[] = []
    const loop = (async () => {
      for await (const { data } of events) words.push(data)
    })()
    expect(await outcomeOf(world, loop)).toEqual({ value: undefined })
    expect(words).toEqual(['1'])
  })
})

describe('the status', () => {
  test('goes from connecting to open, with the host and the time', async () => {
    const world = new UpstreamWorld()
    await world.clock.advance(50)
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS)
    const seen = statuses(stream)
    expect(stream.status).toEqual({
      state: 'connecting',
      host: undefined,
      attempt: 0,
      retryAt: undefined,
      error: undefined,
      openedAt: undefined,
    })
    await world.clock.advance(OPEN)
    expect(seen).toEqual(['connecting', 'open'])
    expect(stream.status).toEqual({
      state: 'open',
      host: 'shared-worker',
      attempt: 0,
      retryAt: undefined,
      error: undefined,
      openedAt: new Date(50),
    })
  })

  test('tells why and when it tries again, and how often it has failed', async () => {
    const { world, stream } = await opened()
    const seen = statuses(stream)
    world.upstream.answer = () => new TypeError('network error')
    world.upstream.cut()
    await world.clock.advance(0)
    expect(stream.status).toEqual({
      state: 'retrying',
      host: 'shared-worker',
      attempt: 1,
      retryAt: new Date(OPEN + 1_000),
      error: expect.objectContaining({ message: 'the server ended the response' }),
      openedAt: undefined,
    })
    await world.clock.advance(1_000)
    expect(stream.status).toMatchObject({
      attempt: 2,
      retryAt: new Date(OPEN + 2_000),
      error: expect.objectContaining({ message: 'network error' }),
    })
    world.upstream.answer = () => undefined
    await world.clock.advance(1_000)
    expect(seen).toEqual([
      'retrying 1: the server ended the response',
      'retrying 2: network error',
      expect.stringMatching(/^open/),
    ])
    expect(stream.status).toMatchObject({ openedAt: new Date(OPEN + 2_000), retryAt: undefined })
  })

  test('is the same object until it changes, as useSyncExternalStore wants it', async () => {
    const { world, stream } = await opened()
    const given: unknown[] = []
    stream.onStatus((status) => given.push(status))
    const open = stream.status
    expect(stream.status).toBe(open)
    world.upstream.answer = () => new TypeError('network error')
    world.upstream.cut()
    await world.clock.advance(0)
    const retrying = stream.status
    expect(retrying).not.toBe(open)
    expect(given).toEqual([retrying])
    expect(given[0]).toBe(retrying)
    await world.clock.advance(500)
    expect(stream.status).toBe(retrying)
    await world.clock.advance(1_000)
    expect(stream.status).not.toBe(retrying)
    expect(stream.status).toBe(given.at(-1))
  })

  test('is connecting, not retrying, while the attempt is under way', async () => {
    const { world, stream } = await opened({
      key: 'a',
      headers: (reason) => (reason === 'connect' ? {} : new Promise(() => {})),
    })
    world.upstream.cut()
    await world.clock.advance(3_000)
    expect(stream.status).toMatchObject({ state: 'connecting', retryAt: undefined })
  })

  test('is closed with the reason where the stream fails', async () => {
    const { world, stream } = await opened()
    world.upstream.answer = () => ({ status: 404 })
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(inWords(stream.status)).toContain('closed')
    expect(stream.status).toMatchObject({
      error: expect.objectContaining({ message: 'the server answered with status 404', status: 404 }),
      retryAt: undefined,
      openedAt: undefined,
    })
  })

  test('is closed without a reason where the page has closed it', async () => {
    const { stream } = await opened()
    const seen = statuses(stream)
    stream.close()
    stream.close()
    expect(seen).toEqual(['closed'])
  })

  test('is told to a latecomer as it stands', async () => {
    const world = new UpstreamWorld()
    await world.clock.advance(50)
    new Page(world, 'page').connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    const late = new Page(world, 'late').connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    expect(late.status).toMatchObject({ state: 'open', openedAt: new Date(50) })
    world.upstream.answer = () => new TypeError('network error')
    world.upstream.cut()
    await world.clock.advance(0)
    const later = new Page(world, 'later').connect(URL_OF_EVENTS)
    await world.clock.advance(OPEN)
    expect(later.status).toMatchObject({ state: 'retrying', attempt: 1, retryAt: late.status.retryAt })
  })

  test('is closed, with the reason, where no hub can be had', async () => {
    const world = new UpstreamWorld()
    const impossible: Host = {
      name: 'direct',
      open() {
        throw new Error('not here')
      },
    }
    const page = new Page(world, 'page', () => [impossible])
    const stream = page.connect(URL_OF_EVENTS)
    const events = stream.events('a')
    await world.clock.advance(OPEN)
    expect(inWords(stream.status)).toContain('closed: ')
    expect(stream.status.error?.message).toContain('no host is available')
    expect(await outcomeOf(world, events.next())).toEqual({ error: ended('no host is available') })
  })

  test('is told to each listener, one that throws or not', async () => {
    const { stream } = await opened()
    const error = new Error('in a listener')
    stream.onStatus(() => {
      throw error
    })
    const seen = statuses(stream)
    const abort = new AbortController()
    let calls = 0
    stream.onStatus(() => calls++, { signal: abort.signal })
    abort.abort()
    stream.onStatus(() => calls++)()
    stream.close()
    expect(seen).toEqual(['closed'])
    expect([reported, calls]).toEqual([[error], 0])
  })
})

describe('onGap', () => {
  test('tells what may be missing, and why', async () => {
    const { world, stream, send } = await opened()
    const gaps: Gap[] = []
    stream.onGap((gap) => gaps.push(gap))
    heard(stream, 'a')
    await send('a 1')
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(gaps).toEqual([{ reason: 'unresumable', before: '', after: '' }])
  })
})

describe('onGap beside an iteration', () => {
  test('tells each gap once', async () => {
    const { world, stream, send } = await opened()
    const gaps: Gap[] = []
    stream.onGap((gap) => gaps.push(gap))
    heard(stream, 'a')
    const loop = stream.events('a')
    await send('a 1')
    await loop.next()
    loop.next().catch(() => {})
    world.upstream.cut()
    await world.clock.advance(1_000)
    expect(gaps).toHaveLength(1)
  })
})

describe('a stream that is closed', () => {
  test.each<[string, (stream: SharedStream, abort: AbortController) => void]>([
    ['close()', (stream) => stream.close()],
    ['disposal', (stream) => stream[Symbol.dispose]()],
    ['its signal', (_stream, abort) => abort.abort()],
  ])('by %s gives nothing more, and ends the connection if it was the last', async (_how, close) => {
    const abort = new AbortController()
    const { world, stream, send } = await opened({ signal: abort.signal })
    const words = heard(stream, 'a')
    await send('a 1')
    close(stream, abort)
    await send('a 2')
    await world.clock.advance(2_000)
    expect(words).toEqual(['a 1'])
    expect(stream.status.state).toBe('closed')
    expect(world.upstream.open.size).toBe(0)
    expect(world.report().streams).toEqual([])
  })

  test('by a signal that has aborted before asks for nothing', async () => {
    const { world, stream } = await opened({ signal: AbortSignal.abort() })
    expect(stream.status.state).toBe('closed')
    expect(world.upstream.requests).toEqual([])
  })

  test('in a listener gives no later event, of those that have arrived either', async () => {
    const { stream, send } = await opened()
    const words: string[] = []
    stream.on('a', ({ data }) => {
      words.push(data)
      stream.close()
    })
    await send('a 1', 'a 2', 'a 3')
    expect(words).toEqual(['1'])
  })

  test('takes nothing from others, in the same page or in another', async () => {
    const { world, page, stream, send } = await opened()
    const others = [page, new Page(world, 'other')].map((one) => one.connect(URL_OF_EVENTS))
    const words = others.map((other) => heard(other, 'a'))
    await world.clock.advance(OPEN)
    stream.close()
    await world.clock.advance(5_000)
    await send('a 1')
    expect(words).toEqual([['a 1'], ['a 1']])
    expect(world.upstream.requests).toHaveLength(1)
  })

  test('takes listeners without a word, and gives them nothing', async () => {
    const { stream, send } = await opened()
    stream.close()
    const words = heard(stream, 'a', '*')
    await send('a 1')
    expect(words).toEqual([])
  })

  test('while an event is held up stays closed when that goes on', async () => {
    let settle: (result: StandardResult<number>) => void = () => {}
    const slow = schema<number>(() => new Promise((resolve) => (settle = resolve)))
    const { world, page, stream, send } = await opened({ events: { a: slow } })
    heard(stream, 'a')
    await send('a 1', 'a 2')
    stream.close()
    const other = page.connect(URL_OF_EVENTS)
    const words = heard(other, 'a')
    await world.clock.advance(OPEN)
    settle({ value: 1 })
    await send('a 3')
    expect(words).toEqual(['a 3'])
    expect(world.report().streams).toMatchObject([{ subscribers: 1 }])
  })
})
