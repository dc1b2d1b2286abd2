import { expect, onTestFinished, test } from 'vitest'
import { type EventStore, type LogEvent, storeLog } from '../../../src/server/index.ts'
import { Client } from './client.ts'
import { serve } from './site.ts'

// Logs in real stores are tested in test/servers.

/** A store in memory, whose connections a test cuts. */
class Store implements EventStore {
  events: LogEvent[] = []
  isAway = false
  followers = 0
  #changed: (() => void)[] = []
  #count = 0

  async append(event: Omit<LogEvent, 'id'>): Promise<string> {
    const id = `e-${++this.#count}`
    this.events.push({ id, ...event })
    this.#wake()
    return id
  }

  async newest(count: number): Promise<LogEvent[]> {
    this.#reach()
    return this.events.slice(-count)
  }

  async from(id: string | undefined, count: number): Promise<LogEvent[]> {
    this.#reach()
    const index = id === undefined ? 0 : this.events.findIndex((event) => event.id === id)
    return index < 0 ? [] : this.events.slice(index, index + count)
  }

  async follow(id: string | undefined, take: (event: LogEvent) => void, signal: AbortSignal): Promise<void> {
    this.followers++
    try {
      for (let last = id; !signal.aborted; ) {
        const changed = new Promise<void>((resolve) => this.#changed.push(resolve))
        const events = await this.from(last, Number.POSITIVE_INFINITY)
        if (last !== undefined && events.shift()?.id !== last) return
        for (const event of events) take(event)
        last = events.at(-1)?.id ?? last
        await changed
      }
    } finally {
      this.followers--
    }
  }

  /** Nothing can be read until it is back. */
  cut(): void {
    this.isAway = true
    this.#wake()
  }

  /** Keeps so many events. */
  trim(count: number): void {
    this.events = count === 0 ? [] : this.events.slice(-count)
    this.#wake()
  }

  #reach(): void {
    if (this.isAway) throw new Error('the store is away')
  }

  #wake(): void {
    for (const changed of this.#changed.splice(0)) changed()
  }
}

async function begin() {
  const store = new Store()
  const errors: string[] = []
  const log = storeLog(store, { onError: (error) => errors.push(String(error)) })
  onTestFinished(() => log.close())
  const site = await serve(log)
  const client = new Client(site.url)
  return { store, errors, log, site, client }
}

test('clients stay while the store is away, which is told once, and then have what has come meanwhile', async () => {
  const { store, errors, log, client } = await begin()
  await client.connect()
  await log.append('a', { data: '1' })
  await client.has(1)
  store.cut()
  await log.append('a', { data: '2' })
  await expect.poll(() => errors.length).toBe(1)
  await expect.poll(() => store.followers).toBe(0)
  store.isAway = false
  await client.has(2)
  expect([client.data, client.end, errors]).toEqual([['1', '2'], undefined, ['Error: the store is away']])
})

test('readings end where the store has lost what was read', async () => {
  const { store, log, client } = await begin()
  await client.connect()
  await log.append('a', { data: '1' })
  await client.has(1)
  store.trim(0)
  await client.ended()
  expect(client.end).toBe('in good order')
  await log.append('a', { data: '2' })
  await client.connect()
  expect(client.resumed).toBe('0')
  await client.has(2)
  expect(client.data).toEqual(['1', '2'])
})

test('a store that cannot be reached at first ends a response in good order', async () => {
  const { store, site, client } = await begin()
  store.isAway = true
  expect(await client.connect()).toBe(200)
  await client.ended()
  expect([client.end, site.errors.map(String)]).toEqual(['in good order', ['Error: the store is away']])
})

test('it begins with the first event of a store that had none, for whoever reads from the earliest on', async () => {
  const { store, log } = await begin()
  const { events } = await log.read(['a'], 'earliest', new AbortController().signal)
  const first = events[Symbol.asyncIterator]().next()
  // Further than it holds in memory.
  for (let count = 1; count <= 1_200; count++) await store.append({ topic: 'a', data: String(count) })
  expect((await first).value).toEqual({ id: 'e-1', topic: 'a', data: '1' })
})

test('closed, it follows no longer, and reads no more', async () => {
  const { store, log, client } = await begin()
  await client.connect()
  await log.append('a', { data: '1' })
  await client.has(1)
  expect(store.followers).toBe(1)
  log.close()
  await client.ended()
  await log.append('a', { data: '2' })
  await expect.poll(() => store.followers).toBe(0)
  await expect(log.read(['a'], 'now', new AbortController().signal)).rejects.toThrow('the log is closed')
})

test('what makes no sense is not kept', async () => {
  const { store, log } = await begin()
  await expect(log.append('a', { name: 'n\ndata: x', data: '1' })).rejects.toThrow(TypeError)
  expect(store.events).toEqual([])
})
