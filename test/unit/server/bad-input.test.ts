import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type EventLog, type LogEvent, memoryLog, type Reading } from '../../../src/server/index.ts'
import { Client } from './client.ts'
import { serve } from './site.ts'

describe('a Last-Event-ID', () => {
  test.each([
    ['that is unknown', 'nobody-1'],
    ['that is over-long', 'e-1'.padEnd(12_000, '1')],
    ['of bytes that are no ASCII', 'e-\xff\xfe1'],
    ['of a number that is none', 'e-1e0'],
    ['that reads like a command', '-'],
    ['with a field of its own', 'e-1: x, data: y'],
    ['that is a name of the language', '__proto__'],
  ])('%s has all that there is, and disturbs nobody', async (_what, id) => {
    const log = memoryLog({ epoch: 'e' })
    const site = await serve(log)
    const other = new Client(site.url)
    await other.connect()
    for (const data of ['1', '2']) await log.append('a', { data })
    const client = new Client(site.url)
    client.lastId = id
    expect(await client.connect()).toBe(200)
    expect(client.resumed).toBe('0')
    await log.append('a', { data: '3' })
    await client.has(3)
    await other.has(3)
    expect([client.data, other.data, site.errors]).toEqual([['1', '2', '3'], ['1', '2', '3'], []])
  })

  test('that is empty is none', async () => {
    const log = memoryLog({ epoch: 'e' })
    await log.append('a', { data: '1' })
    const client = new Client((await serve(log)).url)
    await client.connect({ 'last-event-id': '' })
    expect(client.resumed).toBeUndefined()
    await log.append('a', { data: '2' })
    await client.has(1)
    expect(client.data).toEqual(['2'])
  })

  test('with newlines comes as a parameter only, and is unknown', async () => {
    const log = memoryLog({ epoch: 'e' })
    await log.append('a', { data: '1' })
    const client = new Client(`${(await serve(log)).url}?since=e-1%0A%0Adata:%20mine%0A%0A`)
    await client.connect()
    expect(client.resumed).toBe('0')
    await client.has(1)
    expect(client.text).not.toContain('mine')
  })
})

test('a request that Node lets pass and the web platform does not is answered with 400', async () => {
  const { url } = await serve(memoryLog())
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: in valid\r\n\r\n')
  const [chunk] = (await new Promise((resolve) => socket.once('data', (...all) => resolve(all)))) as [Buffer]
  expect(chunk.toString()).toMatch(/^HTTP\/1\.1 400 /)
  socket.destroy()
})

describe('what is refused when it is appended', () => {
  const log = memoryLog()
  test.each([
    ['a name of two lines', 'a', { name: 'one\ntwo', data: '' }],
    ['a name with CR', 'a', { name: 'one\rid: 7', data: '' }],
    ['data that JSON cannot express', 'a', { data: undefined }],
    ['no topic', '', { data: '1' }],
  ])('%s', async (_what, topic, event) => {
    await expect(log.append(topic, event)).rejects.toThrow(TypeError)
  })

  test.each(['two\nlines', 'ümlaut', '', ' '])('an epoch that no ID can begin with: %j', (epoch) => {
    expect(() => memoryLog({ epoch })).toThrow(TypeError)
  })

  test.each([{ limit: 0 }, { maxSize: Number.NaN }])('a bound that makes no sense: %j', (options) => {
    expect(() => memoryLog(options)).toThrow(TypeError)
  })
})

describe('a log that fails', () => {
  /** Reads as the log does until it is told to do otherwise. */
  class Failing implements EventLog {
    readonly #log = memoryLog({ epoch: 'e' })
    fail: (() => Promise<Reading> | undefined) | undefined

    append(...args: Parameters<EventLog['append']>) {
      return this.#log.append(...args)
    }

    async read(...args: Parameters<EventLog['read']>): Promise<Reading> {
      return (await this.fail?.()) ?? this.#log.read(...args)
    }
  }

  const after = async (...events: LogEvent[]): Promise<Reading> => ({
    resumed: true,
    events: (async function* () {
      yield* events
      throw new Error('the disk is full')
    })(),
  })

  test.each([
    ['before it begins', () => Promise.reject(new Error('the disk is full')), [], 'the disk is full'],
    ['on its way', () => after({ id: 'x', topic: 'a', data: '1' }), ['1'], 'the disk is full'],
    [
      'by an ID of two lines',
      () => after({ id: 'x\ny', topic: 'a', data: '1' }),
      [],
      'an ID must be one line',
    ],
    [
      'by a name of two lines',
      () => after({ id: 'x', name: 'a\rb', topic: 'a', data: '1' }),
      [],
      'is not one line',
    ],
  ])('%s ends this response in good order, and no other', async (_when, fail, data, message) => {
    const log = new Failing()
    const site = await serve(log)
    const other = new Client(site.url)
    await other.connect()
    log.fail = fail
    const client = new Client(site.url)
    expect(await client.connect()).toBe(200)
    await client.ended()
    expect([client.end, client.data]).toEqual(['in good order', data])
    expect(site.errors).toEqual([expect.objectContaining({ message: expect.stringContaining(message) })])

    log.fail = undefined
    await log.append('a', { data: 'live' })
    await other.has(1)
    client.lastId = 'e-0'
    await client.connect()
    await client.has(data.length + 1)
    expect(client.data).toEqual([...data, 'live'])
  })
})

test('a client that never reads is cut, costs no more than its queue, and resumes without loss', async () => {
  const log = memoryLog({ epoch: 'e', maxSize: 100_000_000 })
  let read = 0
  const counting: EventLog = {
    append: log.append,
    async read(...args) {
      const reading = await log.read(...args)
      const events = async function* () {
        for await (const event of reading.events) {
          read++
          yield event
        }
      }
      return { resumed: reading.resumed, events: events() }
    },
  }
  const site = await serve(counting, { topics: ['a'], heartbeat: 50 })
  const cut = new Promise((resolve) =>
    site.server.once('connection', (socket) => socket.once('close', resolve)),
  )
  const client = new Client(site.url)
  client.lastId = 'e-0'
  await client.connect()
  client.pause()
  const quick = new Client((await serve(log)).url)
  await quick.connect()
  // More than the sockets' buffers take.
  for (let count = 1; count <= 120; count++)
    await log.append('a', { data: `${count} ${'x'.repeat(100_000)}` })
  await cut
  expect(read).toBeLessThan(120)
  client.resume()
  await client.ended()
  expect(client.end).toBe('abruptly')
  const received = client.events.length
  expect(received).toBeLessThan(120)
  await quick.has(120)
  // This machine may be too slow for such heartbeats.
  while (client.events.length < 120) {
    await client.connect()
    expect(client.resumed).toBe('1')
    await client.until(
      () => client.events.length === 120 || client.end !== undefined,
      'all events, or the end',
    )
  }
  const due = Array.from({ length: 120 }, (_, index) => index + 1)
  expect(client.data.map((data) => Number.parseInt(data, 10))).toEqual(due)
  expect(site.errors).toEqual([])
})
