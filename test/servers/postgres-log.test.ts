import pg from 'pg'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { Client } from '../unit/server/client.ts'
import { serve } from '../unit/server/site.ts'
import { needs } from './program.ts'
import { logOf, STORES, type Store } from './stores.ts'

const INSERT = 'INSERT INTO events (topic, data) VALUES ($1, $2)'

async function begin(context: TestContext) {
  needs(context, 'postgres')
  const store = (await STORES.find(({ name }) => name === 'postgres')?.start()) as Store
  const connect = async () => {
    const client = new pg.Client(store.url)
    await client.connect()
    onTestFinished(() => client.end())
    return client
  }
  const log = await logOf('postgres', store)
  const site = await serve(log)
  const client = new Client(site.url)
  await client.connect()
  await client.said(':')
  return { log, site, client, connect }
}

test('a transaction that began to write first and commits last loses nothing', async (context) => {
  const { log, client, connect } = await begin(context)
  const [early, late, observer] = [await connect(), await connect(), await connect()]
  await early.query('BEGIN')
  await early.query(INSERT, ['a', 'early'])
  // It would have the higher number, and be there first.
  const overtaking = late.query(INSERT, ['a', 'late'])
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'"
  await expect.poll(async () => (await observer.query(waiting)).rowCount).toBe(1)
  await early.query('COMMIT')
  await overtaking
  await log.append('a', { data: 'last' })
  await client.has(3)
  expect(client.data).toEqual(['early', 'late', 'last'])
})

test('whatever transactions do at once, each event that is committed is given once', async (context) => {
  const { client, connect } = await begin(context)
  const writers = await Promise.all(Array.from({ length: 8 }, connect))
  const committed: string[] = []
  await Promise.all(
    writers.map(async (writer, index) => {
      for (let count = 0; count < 20; count++) {
        const data = [`${index}-${count}`, `${index}-${count}, again`]
        await writer.query('BEGIN')
        await writer.query(INSERT, ['a', data[0]])
        await writer.query('SELECT pg_sleep(random() / 100)')
        await writer.query(INSERT, ['a', data[1]])
        const isKept = (index + count) % 4 > 0
        await writer.query(isKept ? 'COMMIT' : 'ROLLBACK')
        if (isKept) committed.push(...data)
      }
    }),
  )
  await client.has(committed.length)
  expect([...client.data].sort()).toEqual(committed.sort())
  const numbers = client.events.map(({ id }) => Number(id.split('-')[0]))
  expect(numbers).toEqual([...numbers].sort((one, other) => one - other))
})

test('what a transaction has taken back, nobody is given', async (context) => {
  const { log, client, connect } = await begin(context)
  const writer = await connect()
  await writer.query('BEGIN')
  await writer.query(INSERT, ['a', 'taken back'])
  await writer.query('ROLLBACK')
  await log.append('a', { data: '1' })
  await client.has(1)
  expect(client.data).toEqual(['1'])
})

test('one connection follows the table for all clients of a process, and another when that is cut', async (context) => {
  const { log, site, client, connect } = await begin(context)
  const observer = await connect()
  const clients = [client, ...Array.from({ length: 19 }, () => new Client(site.url))]
  for (const each of clients.slice(1)) {
    await each.connect()
    await each.said(':')
  }
  await log.append('a', { data: '1' })
  for (const each of clients) await each.has(1)
  const followers =
    "FROM pg_stat_activity WHERE query LIKE 'SELECT%events WHERE number >=%' AND pid <> pg_backend_pid()"
  const cut = await observer.query(`SELECT pg_terminate_backend(pid) ${followers}`)
  expect(cut.rowCount).toBe(1)
  await log.append('a', { data: '2' })
  for (const each of clients) {
    await each.has(2)
    expect([each.data, each.end]).toEqual([['1', '2'], undefined])
  }
})
