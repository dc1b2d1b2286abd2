import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { Client } from '../unit/server/client.ts'
import { serve } from '../unit/server/site.ts'
import { needs } from './program.ts'
import { logOf, STORES, type Store } from './stores.ts'

async function begin(context: TestContext) {
  needs(context, 'nats-server')
  const store = (await STORES.find(({ name }) => name === 'nats')?.start()) as Store
  const connection = await connect({ servers: store.url })
  onTestFinished(() => connection.close())
  const log = await logOf('nats', store)
  return { log, connection, site: await serve(log) }
}

test('one consumer follows the stream for all clients of a process', async (context) => {
  const { log, connection, site } = await begin(context)
  const { streams } = await jetstreamManager(connection)
  const consumers = async () => (await streams.info('events')).state.consumer_count
  const clients = Array.from({ length: 20 }, () => new Client(site.url))
  for (const client of clients) {
    await client.connect()
    await client.said(':')
  }
  await log.append('a', { data: '1' })
  for (const client of clients) await client.has(1)
  await expect.poll(consumers).toBe(1)
})

test('what others publish is an event, too, if it can be', async (context) => {
  const { log, connection, site } = await begin(context)
  const client = new Client(site.url)
  await client.connect()
  await client.said(':')
  const js = jetstream(connection)
  for (const text of ['no JSON', 'null', '{"topic":"a","data":1}', '{"topic":"a","name":"n\\n","data":"0"}'])
    await js.publish('events', text)
  await js.publish('events', JSON.stringify({ topic: 'a', name: 'n', data: '1' }))
  await client.has(1)
  client.cut()
  await log.append('a', { data: '2' })
  await client.connect()
  expect(client.resumed).toBe('1')
  await client.has(2)
  expect(client.events.map(({ name, data }) => [name, data])).toEqual([
    ['n', '1'],
    ['message', '2'],
  ])
})
