import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, onTestFinished, type TestContext, test } from 'vitest'
import { type EventLog, type LogEvent, memoryLog } from '../../src/server/index.ts'
import { Client } from '../unit/server/client.ts'
import { serve } from '../unit/server/site.ts'
import { needs } from './program.ts'
import { logOf, STORES, type Store } from './stores.ts'

// What every log has to do, and what those that several processes share have to do besides.

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index))

const append = async (log: EventLog, data: readonly string[], topic = 'a') => {
  for (const one of data) await log.append(topic, { data: one })
}

/** All events of these topics that the log has, which are so many at least. */
async function kept(log: EventLog, count: number, topics = ['a']): Promise<LogEvent[]> {
  const events: LogEvent[] = []
  const ending = new AbortController()
  for await (const event of (await log.read(topics, 'earliest', ending.signal)).events) {
    if (events.push(event) === count) break
  }
  ending.abort()
  return events
}

const LOGS = [
  // It drops what is oldest by itself.
  { name: 'memory', begin: async () => ({ log: memoryLog({ limit: 300 }), trim: async () => {} }) },
  ...STORES.map(({ name, program, start }) => ({
    name,
    async begin(context: TestContext) {
      needs(context, program)
      const store = await start()
      return { log: await logOf(name, store), trim: () => store.trim(300) }
    },
  })),
]

describe.each(LOGS)('a log in $name', ({ begin }) => {
  test('gives what comes while it comes, to each client its topics', async (context) => {
    const { log } = await begin(context)
    const [one, both] = [await serve(log), await serve(log, { topics: ['a', 'b'] })]
    const clients = [new Client(one.url), new Client(both.url)] as const
    await Promise.all(clients.map((client) => client.connect()))
    await log.append('a', { name: 'n', data: { one: 1 } })
    const ids = []
    for (const data of numbers(2, 101)) ids.push(await log.append(data.endsWith('5') ? 'b' : 'a', { data }))
    await Promise.all([clients[0].has(91), clients[1].has(101)])
    expect(clients[0].events[0]).toEqual({ name: 'n', data: '{"one":1}', id: expect.any(String) })
    expect(clients[1].data.slice(1)).toEqual(numbers(2, 101))
    expect(clients[1].events.slice(1).map(({ id }) => id)).toEqual(ids)
    expect(clients[0].data.slice(1)).toEqual(numbers(2, 101).filter((data) => !data.endsWith('5')))
  })

  test('goes on behind each ID, while others append', async (context) => {
    const { log } = await begin(context)
    const ids: string[] = []
    for (const data of numbers(1, 20)) ids.push(await log.append(Number(data) % 2 ? 'a' : 'b', { data }))
    const { url } = await serve(log)
    const appending = append(log, numbers(21, 60))
    for (const [index, id] of ids.entries()) {
      const client = new Client(url)
      client.lastId = id
      await client.connect()
      expect(client.resumed).toBe('1')
      await client.until(() => client.data.at(-1) === '60', 'the last event')
      expect(client.data).toEqual([
        ...numbers(index + 2, 20).filter((data) => Number(data) % 2),
        ...numbers(21, 60),
      ])
    }
    await appending
  })

  test('tells where it is before there is an event', async (context) => {
    const { log } = await begin(context)
    await append(log, ['before'], 'b')
    const client = new Client((await serve(log)).url)
    await client.connect()
    await client.said('id: ')
    client.cut()
    await append(log, ['1'])
    await client.connect()
    expect(client.resumed).toBe('1')
    await client.has(1)
    expect(client.data).toEqual(['1'])
  })

  test('knows no ID that it has not given', async (context) => {
    const { log } = await begin(context)
    const site = await serve(log)
    const known = await log.append('a', { data: '1' })
    const unknown = [
      '-',
      '+',
      '0',
      '0-0',
      '1',
      '%',
      `${known}0`,
      `0${known}`,
      known.slice(0, -1),
      '9'.repeat(30),
    ]
    for (const id of [...unknown, `9${known}`, '1-x', '1-', "1-' OR true", `${known};`]) {
      const client = new Client(site.url)
      client.lastId = id
      await client.connect()
      expect([id, client.resumed]).toEqual([id, '0'])
      // Behind the place of an event that it has, a log may go on, since it says that it does not resume.
      if (!id.endsWith(known)) await client.has(1)
      expect([client.data, site.errors]).toEqual([id.endsWith(known) ? expect.anything() : ['1'], []])
      client.cut()
    }
  })

  test('says what it has dropped', async (context) => {
    const { log, trim } = await begin(context)
    const site = await serve(log)
    const client = new Client(site.url)
    client.lastId = await log.append('a', { data: '0' })
    // Further back than any process has it in memory.
    await append(log, numbers(1, 1_498))
    const live = new Client(site.url)
    live.lastId = await log.append('a', { data: '1499' })
    await live.connect()
    const last = await log.append('a', { data: '1500' })
    await live.has(1)
    await trim()
    await client.connect()
    expect(client.resumed).toBe('0')
    await client.until(() => client.lastId === last, 'the last event')
    expect(client.events.length).toBeLessThanOrEqual(300)
    expect(client.data).toEqual(numbers(1_501 - client.events.length, 1_500))
    expect(live.end).toBeUndefined()
  })
})

describe.each(STORES)('processes with a log in $name', ({ name, program, start }) => {
  async function begin(context: TestContext): Promise<{ store: Store; log: EventLog }> {
    needs(context, program)
    const store = await start()
    return { store, log: await logOf(name, store) }
  }

  test('read what only the store has page by page, and lose nothing where that meets their memory', async (context) => {
    const { store, log } = await begin(context)
    const first = await log.append('a', { data: '0' })
    const early = new Client((await serve(log)).url)
    early.lastId = first
    await Promise.all(numbers(1, 2_600).map((data) => log.append('a', { data })))
    const publishing = append(log, numbers(2_601, 2_700))
    await early.connect()
    expect(early.resumed).toBe('1')
    await publishing
    await early.has(2_700)
    const due = (await kept(log, 2_701)).slice(1)
    expect(early.events.map(({ id }) => id)).toEqual(due.map(({ id }) => id))
    expect(new Set(early.data)).toEqual(new Set(numbers(1, 2_700)))
    // So does one that starts only now.
    const late = new Client((await serve(await logOf(name, store))).url)
    late.lastId = first
    await late.connect()
    await late.has(2_700)
    expect(late.data).toEqual(early.data)
  })

  test('end a reading that trimming overtakes', async (context) => {
    const { store, log } = await begin(context)
    const first = await log.append('a', { data: '0' })
    for (const data of numbers(1, 1_600)) await log.append('a', { data })
    const { resumed, events } = await log.read(['a'], { after: first }, new AbortController().signal)
    expect(resumed).toBe(true)
    const given: string[] = []
    for await (const { data } of events) if (given.push(data) === 10) await store.trim(700)
    expect(given).toEqual(numbers(1, given.length))
    expect(given.length).toBeLessThan(700)
  })

  test('go on for each other when one is killed', async (context) => {
    const { store, log } = await begin(context)
    const { url } = await serve(log)
    const node = spawn(process.execPath, [join(import.meta.dirname, 'log-node.mjs'), name, store.url], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    onTestFinished(() => void node.kill('SIGKILL'))
    const client = new Client(String(await new Promise((resolve) => node.once('message', resolve))))
    await client.connect()
    await client.said(':')
    const publishing = append(log, numbers(1, 300))
    await client.has(50)
    node.kill('SIGKILL')
    await client.ended()
    const moved = new Client(url)
    moved.lastId = client.lastId
    await moved.connect()
    expect(moved.resumed).toBe('1')
    await publishing
    await moved.has(300 - client.events.length)
    expect([...client.data, ...moved.data]).toEqual(numbers(1, 300))
  })

  test('lose and double nothing when the store crashes under load', async (context) => {
    const { store, log } = await begin(context)
    await append(log, ['first'])
    const logs = [log, await logOf(name, store)]
    const sites = await Promise.all(logs.map((each) => serve(each, { topics: ['a'], heartbeat: 500 })))
    const clients = [0, 1, 2, 3].map((index) => new Client((sites[index % 2] as { url: string }).url))
    for (const client of clients) {
      await client.connect()
      await client.said('id: ')
    }
    const known = new Set<string>()
    let isOver = false
    onTestFinished(() => {
      isOver = true
    })
    const publishing = logs.map(async (each, index) => {
      for (let count = 0; !isOver; count++) {
        await each.append('a', { data: `${index}-${count}` }).then(
          (id) => void known.add(id),
          () => new Promise((resolve) => setTimeout(resolve, 20)),
        )
      }
    })
    for (let round = 0; round < 4; round++) {
      const due = known.size + 100
      await expect.poll(() => known.size, { timeout: 30_000 }).toBeGreaterThan(due)
      // One that comes back while the store is away.
      const cut = clients[round] as Client
      cut.cut()
      await store.crash()
      await cut.connect()
      while (cut.resumed === undefined) await cut.connect()
      expect(cut.resumed).toBe('1')
    }
    const due = known.size + 100
    await expect.poll(() => known.size, { timeout: 30_000 }).toBeGreaterThan(due)
    isOver = true
    await Promise.all(publishing)
    const last = await log.append('a', { data: 'last' })
    for (const client of clients) await client.until(() => client.lastId === last, 'the last event')
    const { events } = await log.read(['a'], 'earliest', new AbortController().signal)
    const all: string[] = []
    for await (const { id } of events) {
      all.push(id)
      if (id === last) break
    }
    // Some were kept although nobody was told.
    expect([...known].filter((id) => !all.includes(id))).toEqual([])
    for (const client of clients) expect(client.events.map(({ id }) => id)).toEqual(all.slice(1))
    expect(clients.map(({ end }) => end)).toEqual(clients.map(() => undefined))
  })

  test('say that the store has begun again', async (context) => {
    const { store, log } = await begin(context)
    const client = new Client((await serve(log)).url)
    await client.connect()
    await append(log, numbers(1, 4))
    await client.has(4)
    await store.forget()
    const again = async () => {
      for (;;) {
        try {
          return await append(log, numbers(11, 16))
        } catch {
          // Its connection comes back by itself.
        }
      }
    }
    await Promise.all([client.ended(), again()])
    await client.connect()
    expect(client.resumed).toBe('0')
    await client.until(() => client.data.at(-1) === '16', 'the last event')
    expect(new Set(client.events.map(({ id }) => id)).size).toBe(client.events.length)
    expect(client.data.slice(4)).toEqual(numbers(11, 16))
  })
})
