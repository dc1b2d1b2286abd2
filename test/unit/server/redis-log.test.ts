import { type ChildProcess, spawn } from 'node:child_process'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type RedisClient, type RedisLog, type RedisLogOptions, redisLog } from '../../../src/server/index.ts'
import { sendBy } from '../../../src/server/redis-client.ts'
import { RedisStream } from '../../../src/server/redis-stream.ts'
import { appendOnce } from './append-once.ts'
import { Client } from './client.ts'
import { RedisServer, whyNoRedis } from './redis-server.ts'
import { serve } from './site.ts'

if (whyNoRedis !== undefined) console.error(`\nSkipped: tests of redisLog(). ${whyNoRedis}\n`)

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index))

interface Kind {
  name: string
  connect(url: string): Promise<{ client: RedisClient; close(): void }>
}

const KINDS: Kind[] = [
  {
    name: 'ioredis',
    async connect(url) {
      const client = new Redis(url, { retryStrategy: () => 20 })
      client.on('error', () => {})
      await client.ping()
      return { client, close: () => client.disconnect() }
    },
  },
  {
    name: 'redis',
    async connect(url) {
      const client = createClient({ url, socket: { reconnectStrategy: 20 } })
      client.on('error', () => {})
      await client.connect()
      return { client, close: () => client.destroy() }
    },
  },
]

describe.skipIf(whyNoRedis !== undefined)(`a log in Redis${whyNoRedis ? `: ${whyNoRedis}` : ''}`, () => {
  let redis: RedisServer
  let control: Redis
  let prefix = ''
  let count = 0

  beforeAll(async () => {
    redis = await RedisServer.start()
    control = new Redis(redis.url, { retryStrategy: () => 20 })
    control.on('error', () => {})
  })
  afterAll(async () => {
    control?.disconnect()
    await redis?.close()
  })
  beforeEach(() => {
    prefix = `test-${++count}`
  })

  /** A log as another process has it: with a client of its own. */
  async function logBy(kind: Kind, options: RedisLogOptions = {}): Promise<RedisLog> {
    const { client, close } = await kind.connect(redis.url)
    const log = redisLog(client, { prefix, onError: () => {}, ...options })
    onTestFinished(() => {
      log.close()
      close()
    })
    return log
  }

  const append = async (log: RedisLog, data: readonly string[], topic = 'a') => {
    for (const one of data) await log.append(topic, { data: one })
  }

  describe.each(KINDS)('by $name', (kind) => {
    test('gives what was kept, then what comes, and resumes', async () => {
      const log = await logBy(kind)
      const { url } = await serve(log)
      const client = new Client(url)
      await client.connect()
      await log.append('a', { name: 'n', data: { one: 1 } })
      await append(log, ['2', '3'])
      await append(log, ['of others'], 'b')
      await client.has(3)
      expect(client.events.map(({ name, data }) => [name, data])).toEqual([
        ['n', '{"one":1}'],
        ['message', '2'],
        ['message', '3'],
      ])
      client.cut()
      await append(log, ['4'])
      await client.connect()
      expect(client.resumed).toBe('1')
      await client.has(4)
      expect(client.data.slice(1)).toEqual(['2', '3', '4'])
    })

    test('history differs between nodes', async () => {
      const [one, other] = [await logBy(kind), await logBy(kind)]
      const urls = [(await serve(one)).url, (await serve(other)).url]
      const [first, second] = urls.map((url) => new Client(url)) as [Client, Client]
      await Promise.all([first.connect(), second.connect()])
      await append(one, ['1', '2'])
      await append(other, ['3'])
      await Promise.all([first.has(3), second.has(3)])
      expect(second.events).toEqual(first.events)
      const moved = new Client(urls[1] as string)
      moved.lastId = first.events[0]?.id ?? ''
      await moved.connect()
      expect(moved.resumed).toBe('1')
      await moved.has(2)
      expect(moved.data).toEqual(['2', '3'])
    })

    test('what only Redis has any more is read page by page, without loss where it meets what is in memory', async () => {
      const log = await logBy(kind)
      const { url } = await serve(log)
      const early = new Client(url)
      await early.connect()
      await append(log, ['0'])
      await early.has(1)
      early.cut()
      // A process keeps 1,000 in memory.
      await Promise.all(numbers(1, 2_600).map((data) => log.append('a', { data })))
      const publishing = append(log, numbers(2_601, 2_700))
      await early.connect()
      expect(early.resumed).toBe('1')
      await publishing
      await early.has(2_701)
      expect(early.data).toEqual(numbers(0, 2_700))
      // So does one that starts only now.
      const node = new Client((await serve(await logBy(kind))).url)
      node.lastId = early.events[0]?.id ?? ''
      await node.connect()
      await node.has(2_700)
      expect(node.data).toEqual(numbers(1, 2_700))
    })

    test('a reading that trimming overtakes between two pages ends there', async () => {
      const log = await logBy(kind)
      const { signal } = new AbortController()
      const first = await log.append('a', { data: '0' })
      await Promise.all(numbers(1, 1_600).map((data) => log.append('a', { data })))
      const { resumed, events } = await log.read(['a'], { after: first }, signal)
      expect(resumed).toBe(true)
      const given: string[] = []
      for await (const { data } of events) {
        if (given.push(data) === 10) await control.xtrim(`{${prefix}}:events`, 'MAXLEN', 700)
      }
      expect(given).toEqual(numbers(1, given.length))
      expect(given.length).toBeLessThan(700)
    })

    test('a history that was trimmed is known as such', async () => {
      const log = await logBy(kind, { maxLength: 100 })
      const { url } = await serve(log)
      const client = new Client(url)
      await client.connect()
      await append(log, ['0'])
      await client.has(1)
      client.cut()
      // Further than any process has in memory, and no faster than the process reads: that would end its readings.
      const live = new Client(url)
      await live.connect()
      await live.said('id: ')
      for (let from = 1; from <= 1_500; from += 50) {
        await Promise.all(numbers(from, from + 49).map((data) => log.append('a', { data })))
        await live.has(from + 49)
      }
      await client.connect()
      expect(client.resumed).toBe('0')
      await client.until(() => client.data.at(-1) === '1500', 'the last event')
      const [first] = client.data.slice(1).map(Number)
      expect(first).toBeGreaterThan(1)
      expect(client.data.slice(1)).toEqual(numbers(first as number, 1_500))
    })

    test('what is appended again with its idempotency key is there once, whoever appends it', async () => {
      const [log, other] = [await logBy(kind), await logBy(kind)]
      const client = new Client((await serve(log)).url)
      await client.connect()
      const id = await log.append('a', { data: '1', idempotencyKey: 'first' })
      await append(log, ['2'])
      for (const one of [log, other])
        expect(await one.append('a', { data: '1', idempotencyKey: 'first' })).toBe(id)
      expect(await log.append('a', { data: '1', idempotencyKey: 'second' })).not.toBe(id)
      await append(log, ['end'])
      await client.has(4)
      expect(client.data).toEqual(['1', '2', '1', 'end'])
      expect(client.events[0]?.id).toBe(id)
      await expect(log.append('a', { data: '3', idempotencyKey: '' })).rejects.toThrow(TypeError)
    })

    test('an idempotency key outlives Redis, and is forgotten some time', async () => {
      const log = await logBy(kind)
      const id = await log.append('a', { data: '1', idempotencyKey: 'k' })
      await redis.kill()
      await redis.start()
      expect(await log.append('a', { data: '1', idempotencyKey: 'k' })).toBe(id)
      const rest = await control.ttl(`{${prefix}}:appended:k`)
      expect(rest).toBeGreaterThan(0)
      expect(rest).toBeLessThanOrEqual(600)
    })

    test('an append whose reply is lost with its connection comes once, where it has an idempotency key', async () => {
      const { url, losesReply } = await lossyPath()
      const { client: connection, close } = await kind.connect(url)
      onTestFinished(close)
      const log = redisLog(connection, { prefix })
      await append(log, ['0'])
      losesReply()
      await appendOnce(log, 'a', { data: '1' })
      await append(log, ['2'])
      const entries = await control.xrange(`{${prefix}}:events`, '-', '+')
      expect(entries.slice(1).map(([, fields]) => fields.at(-1))).toEqual(['0', '1', '2'])
    })

    test('events that are too old are dropped', async () => {
      const log = await logBy(kind, { maxAge: 1 })
      await Promise.all(numbers(1, 500).map((data) => log.append('a', { data })))
      await new Promise((resolve) => setTimeout(resolve, 5))
      await append(log, ['last'])
      expect(await control.xlen(`{${prefix}}:events`)).toBeLessThan(200)
    })

    test('NOTIFY is taken for delivery: a reader whose connection was cut reads on where it was', async () => {
      const log = await logBy(kind)
      const { url } = await serve(log)
      const client = new Client(url)
      await client.connect()
      await append(log, ['1'])
      await client.has(1)
      for (let round = 0; round < 5; round++) {
        const from = 2 + round * 20
        const appending = Promise.all(numbers(from, from + 19).map((data) => log.append('a', { data })))
        await killReaders()
        await appending
      }
      await client.has(101)
      expect(new Set(client.data)).toEqual(new Set(numbers(1, 101)))
      expect(client.data).toHaveLength(101)
      expect(client.end).toBeUndefined()
    })

    test('a Redis that restarts with its history: clients stay, and lose nothing', async () => {
      const log = await logBy(kind)
      const { url } = await serve(log)
      const [client, away] = [new Client(url), new Client(url)]
      await Promise.all([client.connect(), away.connect()])
      await append(log, ['1', '2'])
      await Promise.all([client.has(2), away.has(2)])
      away.cut()
      away.lastId = away.events[0]?.id ?? ''
      await redis.kill()
      // From memory.
      await away.connect()
      expect(away.resumed).toBe('1')
      await away.has(3)
      await redis.start()
      await append(log, ['3'])
      await Promise.all([client.has(3), away.has(4)])
      expect([client.data, client.end]).toEqual([['1', '2', '3'], undefined])
      expect(away.data).toEqual(['1', '2', '2', '3'])
    })

    test('a Redis that restarts without its history: clients are told', async () => {
      const log = await logBy(kind)
      const { url } = await serve(log)
      const client = new Client(url)
      await client.connect()
      await append(log, ['1', '2'])
      await client.has(2)
      await redis.kill()
      redis.forget()
      await redis.start()
      await client.ended()
      expect(client.end).toBe('in good order')
      await append(log, ['3'])
      await client.connect()
      expect(client.resumed).toBe('0')
      await client.has(3)
      expect(client.data).toEqual(['1', '2', '3'])
    })

    test('a Redis that comes back without its latest events: clients are told, at each node', async () => {
      const [log, other] = [await logBy(kind), await logBy(kind)]
      const clients = [new Client((await serve(log)).url), new Client((await serve(other)).url)]
      await Promise.all(clients.map((client) => client.connect()))
      await append(log, ['1', '2'])
      await Promise.all(clients.map((client) => client.has(2)))
      const behind = new Client((await serve(log)).url)
      behind.lastId = clients[0]?.events[0]?.id ?? ''
      // As after a crash without a write to the disk in time, or where a replica has taken over.
      await control.xdel(`{${prefix}}:events`, (clients[0]?.lastId ?? '').split('.')[1] as string)
      await append(log, ['3'])
      for (const client of clients) {
        await client.ended()
        await client.connect()
        expect(client.resumed).toBe('0')
        await client.has(3)
        expect(client.data).toEqual(['1', '2', '3'])
      }
      // Its event is still there, and yet something behind that is gone.
      await behind.connect()
      expect(behind.resumed).toBe('0')
      await behind.has(1)
      expect(behind.data).toEqual(['3'])
    })

    test('a history that another process has found incomplete ends here, too', async () => {
      const log = await logBy(kind)
      const client = new Client((await serve(log)).url)
      await client.connect()
      await append(log, ['1'])
      await client.has(1)
      const stream = new RedisStream(sendBy(control), prefix)
      const [epoch] = client.lastId.split('.')
      expect((await stream.era('next', 'of nobody')).epoch).toBe(epoch)
      expect((await stream.era('next', epoch)).epoch).toBe('next')
      await client.ended()
      await append(log, ['2'])
      await client.connect()
      expect(client.resumed).toBe('0')
      await client.has(2)
      expect(client.events[1]).toEqual({ name: 'message', data: '2', id: expect.stringMatching(/^next\./) })
      client.cut()
      await append(log, ['3'])
      await client.connect()
      expect(client.resumed).toBe('1')
      await client.has(3)
    })

    test.each(['-', '+', '0-0', '18446744073709551616-0', '1-1 COUNT 1', '99999999999999-0', '1'])(
      'an ID of a client that ends with %s is unknown',
      async (id) => {
        const log = await logBy(kind)
        const site = await serve(log)
        const client = new Client(site.url)
        await client.connect()
        await append(log, ['1'])
        await client.has(1)
        client.lastId = `${client.lastId.split('.')[0]}.${id}`
        await client.connect()
        expect(client.resumed).toBe('0')
        await client.has(2)
        expect([client.data, site.errors]).toEqual([['1', '1'], []])
      },
    )

    test('one connection reads for all clients of a process', async () => {
      const log = await logBy(kind)
      const { url } = await serve(log)
      const before = await readers()
      const clients = Array.from({ length: 20 }, () => new Client(url))
      await Promise.all(clients.map((client) => client.connect()))
      await append(log, ['1'])
      await Promise.all(clients.map((client) => client.has(1)))
      await expect.poll(readers, { timeout: 20_000 }).toBe(before + 1)
    })
  })

  test('a Redis that is not there ends a response in good order, and is reported once', {
    timeout: 30_000,
  }, async () => {
    const errors: unknown[] = []
    const client = new Redis(1, '127.0.0.1', { retryStrategy: () => 10, maxRetriesPerRequest: 2 })
    client.on('error', () => {})
    const log = redisLog(client, { prefix, onError: (error) => errors.push(error) })
    onTestFinished(() => {
      log.close()
      client.disconnect()
    })
    const site = await serve(log)
    const asking = new Client(site.url)
    expect(await asking.connect()).toBe(200)
    await asking.ended()
    expect([asking.end, site.errors.length, errors.length]).toEqual(['in good order', 1, 1])
  })

  test('of two processes one is killed while it publishes: clients go on at the other, and lose nothing', async () => {
    const kind = KINDS[0] as Kind
    const log = await logBy(kind)
    const { url } = await serve(log)
    const child = await startNode()
    const client = new Client(child.url)
    await client.connect()
    const publishing = append(log, numbers(1, 300))
    await client.has(50)
    child.process.kill('SIGKILL')
    await client.ended()
    const moved = new Client(url)
    moved.lastId = client.lastId
    await moved.connect()
    expect(moved.resumed).toBe('1')
    await publishing
    await moved.has(300 - client.events.length)
    expect([...client.data, ...moved.data]).toEqual(numbers(1, 300))
  })

  /** A way to Redis that can let a command through, and cut the connection in place of the reply. */
  async function lossyPath(): Promise<{ url: string; losesReply(): void }> {
    let loses = false
    const server = createServer((socket) => {
      const upstream = createConnection(redis.port, '127.0.0.1')
      socket.on('error', () => {}).once('close', () => upstream.destroy())
      upstream.on('error', () => {}).once('close', () => socket.destroy())
      socket.pipe(upstream)
      upstream.on('data', (chunk) => {
        if (!loses) return socket.write(chunk)
        loses = false
        return socket.destroy()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
    return {
      url,
      losesReply: () => {
        loses = true
      },
    }
  }

  /** Cuts every connection that waits for events. */
  async function killReaders(): Promise<void> {
    for (const line of String(await control.call('CLIENT', 'LIST')).split('\n')) {
      const [, id] = /^id=(\d+) .* cmd=(?:xread|xrange) /.exec(line) ?? []
      if (id !== undefined) await control.call('CLIENT', 'KILL', 'ID', id)
    }
  }

  async function readers(): Promise<number> {
    return String(await control.call('CLIENT', 'LIST')).match(/ cmd=xread /g)?.length ?? 0
  }

  async function startNode(): Promise<{ process: ChildProcess; url: string }> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'node.mjs'), redis.url, prefix], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const url = await new Promise<unknown>((resolve) => child.once('message', resolve))
    return { process: child, url: String(url) }
  }
})
