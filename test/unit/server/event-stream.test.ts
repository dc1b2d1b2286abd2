import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type EventStreamOptions, eventStream, memoryLog } from '../../../src/server/index.ts'

const URL = 'https://dash.test/events'

const request = (headers: Record<string, string> = {}, query = '') => new Request(URL + query, { headers })

/** Reads what a response says, piece by piece. */
function readerOf(response: Response) {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  return {
    next: async () => {
      const { value } = await reader.read()
      return value && new TextDecoder().decode(value)
    },
    cancel: () => reader.cancel(),
  }
}

const open = (options: EventStreamOptions = {}, log = memoryLog({ epoch: 'e' })) =>
  eventStream(request(), log, { topics: ['a'], ...options })

describe('the head', () => {
  test('keeps proxies from buffering', async () => {
    const { status, headers } = await open()
    expect(status).toBe(200)
    expect(Object.fromEntries(headers)).toEqual({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'access-control-expose-headers': 'Tabstream-Resumed',
    })
  })

  test.each([
    ['e-1', '1', ['e-2', 'e-3']],
    ['e-3', '1', []],
    ['e-0', '1', ['e-1', 'e-2', 'e-3']],
    ['e-4', '0', ['e-1', 'e-2', 'e-3']],
    ['former-2', '0', ['e-1', 'e-2', 'e-3']],
  ])('says of the ID %s whether the stream goes on behind it: %s', async (id, resumed, ids) => {
    const log = memoryLog({ epoch: 'e' })
    for (const data of ['1', '2', '3']) await log.append('a', { data })
    const response = await eventStream(request({ 'last-event-id': id }), log, { topics: ['a'] })
    expect(response.headers.get('tabstream-resumed')).toBe(resumed)
    const reader = readerOf(response)
    expect(await reader.next()).toBe(':\n\n')
    for (const id of ids) expect(await reader.next()).toContain(`id: ${id}\n`)
    await log.append('a', { data: 'live' })
    expect(await reader.next()).toBe('id: e-4\ndata: live\n\n')
    await reader.cancel()
  })

  test('takes the ID from the URL where there is no header', async () => {
    const log = memoryLog({ epoch: 'e' })
    for (const data of ['1', '2', '3']) await log.append('a', { data })
    const answers = await Promise.all([
      eventStream(request({}, '?since=e-2'), log, { topics: ['a'] }),
      eventStream(request({ 'last-event-id': 'e-1' }, '?since=e-2'), log, { topics: ['a'] }),
      eventStream(request({ 'last-event-id': '' }, '?since=e-2'), log, { topics: ['a'] }),
    ])
    const firsts = answers.map(async (response) => {
      const reader = readerOf(response)
      await reader.next()
      return reader.next()
    })
    expect(await Promise.all(firsts)).toEqual(['3', '2', '3'].map((n) => `id: e-${n}\ndata: ${n}\n\n`))
  })
})

describe('the beginning', () => {
  test('tells a client that has no ID one at once', async () => {
    const log = memoryLog({ epoch: 'e' })
    await log.append('a', { data: '1' })
    const reader = readerOf(await open({ retry: 2_000 }, log))
    expect([await reader.next(), await reader.next()]).toEqual([':\nretry: 2000\n\n', ':\nid: e-1\n\n'])
    await log.append('b', { data: 'of another topic' })
    await log.append('a', { name: 'n', data: { two: 2 } })
    expect(await reader.next()).toBe('id: e-3\nevent: n\ndata: {"two":2}\n\n')
  })

  test('is the oldest event where the server says so', async () => {
    const log = memoryLog({ epoch: 'e', limit: 2 })
    for (const data of ['1', '2', '3']) await log.append('a', { data })
    const reader = readerOf(await open({ from: 'earliest' }, log))
    expect(await reader.next()).toBe(':\n\n')
    // All that comes after it is still to come.
    expect(await reader.next()).toBe(':\nid: e-1\n\n')
    expect(await reader.next()).toBe('id: e-2\ndata: 2\n\n')
  })

  test('has several lines where data have', async () => {
    const log = memoryLog({ epoch: 'e' })
    const reader = readerOf(await open({ from: 'earliest' }, log))
    await reader.next()
    await reader.next()
    await log.append('a', { data: 'one\r\ntwo\rthree\n' })
    expect(await reader.next()).toBe('id: e-1\ndata: one\ndata: two\ndata: three\ndata: \n\n')
  })
})

describe('in the course of time', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('a comment comes every 15 seconds', async () => {
    const log = memoryLog({ epoch: 'e' })
    await log.append('a', { data: '1' })
    const reader = readerOf(await eventStream(request({ 'last-event-id': 'e-0' }), log, { topics: ['a'] }))
    await reader.next()
    expect(await reader.next()).toBe('id: e-1\ndata: 1\n\n')
    let hasCome = false
    const next = reader.next().finally(() => {
      hasCome = true
    })
    await vi.advanceTimersByTimeAsync(14_999)
    expect(hasCome).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await next).toBe(':\n\n')
    await reader.cancel()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('what comes for others moves the place to resume after, and nothing else', async () => {
    const log = memoryLog({ epoch: 'e', limit: 2 })
    const reader = readerOf(await open({}, log))
    await reader.next()
    await reader.next()
    for (const data of ['1', '2', '3', '4']) await log.append('b', { data })
    await vi.advanceTimersByTimeAsync(15_000)
    expect(await reader.next()).toBe(':\nid: e-4\n\n')
    await vi.advanceTimersByTimeAsync(15_000)
    expect(await reader.next()).toBe(':\n\n')
    await log.append('a', { data: '5' })
    expect(await reader.next()).toBe('id: e-5\ndata: 5\n\n')
  })

  test('a response ends politely, up to a tenth before its time', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const reader = readerOf(await open({ lifetime: 100_000, heartbeat: 1_000_000 }))
    await reader.next()
    await reader.next()
    const next = reader.next()
    await vi.advanceTimersByTimeAsync(94_999)
    expect(vi.getTimerCount()).toBe(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(await next).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a log that does not begin is not waited for without end', async () => {
    const errors: unknown[] = []
    const log = { ...memoryLog(), read: () => new Promise<never>(() => {}) }
    const opening = open({ onError: (error) => errors.push(error) }, log)
    await vi.advanceTimersByTimeAsync(10_000)
    const reader = readerOf(await opening)
    expect([await reader.next(), await reader.next()]).toEqual([':\n\n', undefined])
    expect(errors).toEqual([new Error('the log has not begun within 10000 ms')])
  })
})

test('a response ends when the process is about to end', async () => {
  const ending = new AbortController()
  const reader = readerOf(await open({ signal: ending.signal }))
  await reader.next()
  await reader.next()
  ending.abort()
  expect(await reader.next()).toBeUndefined()
  const late = readerOf(await open({ signal: ending.signal }))
  expect([await late.next(), await late.next(), await late.next()]).toContain(undefined)
})

test('a process with many responses is not warned of many listeners', async () => {
  const warned = vi.fn()
  process.on('warning', warned)
  const { signal } = new AbortController()
  const log = memoryLog()
  const readers = await Promise.all(
    Array.from({ length: 50 }, async () => readerOf(await open({ signal }, log))),
  )
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', warned)
  expect(warned).not.toHaveBeenCalled()
  for (const reader of readers) await reader.cancel()
})

describe('topics', () => {
  const log = memoryLog()
  const statusOf = async (options: EventStreamOptions, query = '') =>
    (await eventStream(request({}, query), log, options)).status

  test('of the URL are each authorised', async () => {
    const asked: string[] = []
    const authorize = (topic: string) => {
      asked.push(topic)
      return true
    }
    expect(await statusOf({ authorize }, '?topic=a&topic=b&topic=a')).toBe(200)
    expect(asked).toEqual(['a', 'b'])
  })

  test.each([
    ['403 where one is not permitted', { authorize: (topic: string) => topic === 'a' }, 403],
    ['401 where the user has to log in', { authorize: async () => 401 as const }, 401],
    ['403 where authorize answers nothing', { authorize: () => undefined as never }, 403],
    ['403 for those that the server names, too', { topics: ['a'], authorize: () => false }, 403],
    [
      '500 where authorize fails',
      { authorize: () => Promise.reject(new Error('no database')), onError: () => {} },
      500,
    ],
  ])('%s', async (_what, options, status) => {
    expect(await statusOf(options, '?topic=a&topic=b')).toBe(status)
  })

  test.each([
    ['none', ''],
    ['empty ones', '?topic='],
    ['too many', `?${Array.from({ length: 65 }, (_, n) => `topic=${n}`).join('&')}`],
    ['one that is too long', `?topic=${'x'.repeat(257)}`],
  ])('%s: 400', async (_what, query) => {
    expect(await statusOf({ authorize: () => true }, query)).toBe(400)
  })

  test('are nothing that everybody may choose', async () => {
    await expect(statusOf({}, '?topic=a')).rejects.toThrow(TypeError)
  })
})

test.each([
  ['HEAD', 200],
  ['POST', 200],
  ['DELETE', 405],
])('%s: %i', async (method, status) => {
  const response = await eventStream(new Request(URL, { method }), memoryLog(), { topics: ['a'] })
  expect(response.status).toBe(status)
  expect(response.body === null).toBe(method === 'HEAD')
  await response.body?.cancel()
})
