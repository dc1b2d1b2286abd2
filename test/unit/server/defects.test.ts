import { expect, test } from 'vitest'
import { eventStream, memoryLog } from '../../../src/server/index.ts'
import { Client } from './client.ts'
import { serve, serveBy } from './site.ts'

// Each test is named after a defect of servers as people write them by hand. Those of several processes are in redis-log.test.ts.

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index))

test('the sequence starts again after a restart, and clients drop or skip', async () => {
  const former = memoryLog()
  const site = await serve(former)
  const { port } = new URL(site.url)
  const client = new Client(site.url)
  await client.connect()
  for (const data of numbers(1, 4)) await former.append('a', { data })
  await client.has(4)
  await site.stop()
  await client.ended()

  const log = memoryLog()
  for (const data of numbers(11, 16)) await log.append('a', { data })
  await serve(log, { topics: ['a'] }, Number(port))
  await client.connect()
  expect(client.resumed).toBe('0')
  await client.has(10)
  expect(client.data).toEqual([...numbers(1, 4), ...numbers(11, 16)])
  expect(new Set(client.events.map(({ id }) => id)).size).toBe(10)
})

test('events between replay and subscription are lost', async () => {
  const log = memoryLog({ epoch: 'e' })
  const { url } = await serve(log)
  for (const data of numbers(1, 100)) await log.append('a', { data })
  const clients = Array.from({ length: 20 }, () => new Client(url))
  let count = 100
  for (const client of clients) {
    client.lastId = 'e-50'
    const connecting = client.connect()
    // Something is appended in every turn until the head is there.
    const isOpen = connecting.then(() => true)
    do await log.append('a', { data: String(++count) })
    while (!(await Promise.race([isOpen, new Promise((resolve) => setImmediate(resolve, false))])))
  }
  for (const client of clients) {
    await client.has(count - 50)
    expect(client.data).toEqual(numbers(51, count))
  }
})

test('control frames with false IDs move the cursor', async () => {
  const log = memoryLog({ epoch: 'e' })
  const { url } = await serve(log, { topics: ['a'], heartbeat: 20 })
  const client = new Client(url)
  await client.connect()
  await log.append('a', { data: '1' })
  await client.has(1)
  for (const data of numbers(1, 3)) await log.append('b', { data })
  // The heartbeat says that nothing up to there is missing, and that is so.
  await client.said('id: e-4\n')
  client.cut()
  await log.append('a', { data: '2' })
  await client.connect()
  expect([client.lastId, client.resumed]).toEqual(['e-4', '1'])
  await client.has(2)
  expect(client.data).toEqual(['1', '2'])
})

test('a replay crosses users', async () => {
  const log = memoryLog()
  const { url } = await serveBy((request) => {
    const { searchParams } = new URL(request.url)
    const user = request.headers.get('x-user')
    const topics = [`user-${searchParams.get('of')}`]
    return eventStream(request, log, { topics, authorize: (topic) => topic === `user-${user}` })
  })
  const ann = new Client(`${url}?of=ann`)
  await ann.connect({ 'x-user': 'ann' })
  for (const user of ['ann', 'bob', 'ann', 'bob']) await log.append(`user-${user}`, { data: `for ${user}` })
  await ann.has(2)
  const [{ id } = { id: '' }] = ann.events

  // With an ID of another user's, and what is one's own.
  const bob = new Client(`${url}?of=bob`)
  bob.lastId = id
  await bob.connect({ 'x-user': 'bob' })
  expect(bob.resumed).toBe('1')
  await bob.has(2)
  expect(bob.data).toEqual(['for bob', 'for bob'])

  // An ID permits nothing, nor does it that there was a permission once.
  expect(await ann.connect({ 'x-user': 'bob' })).toBe(403)
})

test('the cursor is lost when a stream is cut before its first event', async () => {
  const log = memoryLog({ epoch: 'e' })
  await log.append('a', { data: 'before' })
  const { url } = await serve(log)
  const client = new Client(url)
  await client.connect()
  await client.said('id: e-1\n')
  client.cut()
  await log.append('a', { data: '1' })
  await client.connect()
  expect(client.resumed).toBe('1')
  await client.has(1)
  client.cut()
  // The same for one that has resumed.
  await client.connect()
  client.cut()
  await log.append('a', { data: '2' })
  await client.connect()
  expect(client.resumed).toBe('1')
  await client.has(2)
  expect(client.data).toEqual(['1', '2'])
})

test('a cursor older than the history is met with silence', async () => {
  const log = memoryLog({ limit: 3 })
  const { url } = await serve(log)
  const client = new Client(url)
  await client.connect()
  await log.append('a', { data: '1' })
  await client.has(1)
  client.cut()
  for (const data of numbers(2, 10)) await log.append('a', { data })
  await client.connect()
  expect(client.resumed).toBe('0')
  await client.has(4)
  expect(client.data).toEqual(['1', '8', '9', '10'])
})
