import { jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Redis } from 'ioredis'
import pg from 'pg'
import { onTestFinished } from 'vitest'
// @ts-expect-error: a script without types of its own
import { SCHEMA } from '../../demo/logs/postgres-log.mjs'
import type { EventLog } from '../../src/server/index.ts'
import { RedisServer } from '../unit/server/redis-server.ts'
import { Nats } from './nats.ts'
// @ts-expect-error: a script without types of its own
import { open } from './opened-log.mjs'
import { Postgres } from './postgres.ts'

/** Where the logs of several processes keep their events. */
export interface Store {
  readonly url: string
  /** Keeps so many events. */
  trim(count: number): Promise<void>
  /** A crash, and a start with all that was kept. */
  crash(): Promise<void>
  /** Loses all events. IDs begin again where the store counts. */
  forget(): Promise<void>
}

async function crash(server: { kill(): Promise<void>; start(): Promise<void> }): Promise<void> {
  await server.kill()
  await server.start()
}

async function redis(): Promise<Store> {
  const server = await RedisServer.start()
  onTestFinished(() => server.close())
  const control = new Redis(server.url, { retryStrategy: () => 20 })
  control.on('error', () => {})
  onTestFinished(() => control.disconnect())
  return {
    url: server.url,
    trim: async (count) => void (await control.xtrim('{tabstream}:events', 'MAXLEN', count)),
    crash: () => crash(server),
    async forget() {
      await server.kill()
      server.forget()
      await server.start()
    },
  }
}

async function postgres(): Promise<Store> {
  const server = await Postgres.start()
  const query = async (text: string) => {
    const client = new pg.Client(server.url)
    await client.connect()
    await client.query(text)
    await client.end()
  }
  await query(SCHEMA)
  return {
    url: server.url,
    async trim(count) {
      await query(`DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - ${count}`)
    },
    crash: () => crash(server),
    forget: () => query(`TRUNCATE events RESTART IDENTITY; NOTIFY events`),
  }
}

async function nats(): Promise<Store> {
  const server = await Nats.start()
  const connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 })
  onTestFinished(() => connection.close())
  const { streams } = await jetstreamManager(connection)
  const add = () => streams.add({ name: 'events', subjects: ['events'], storage: StorageType.File })
  await add()
  return {
    url: server.url,
    trim: async (count) => void (await streams.purge('events', { keep: count })),
    crash: () => crash(server),
    async forget() {
      await server.kill()
      server.forget()
      await server.start()
      for (;;) {
        try {
          return void (await add())
        } catch {
          // The connection comes back by itself.
        }
      }
    },
  }
}

/** By what their logs are called, with the program that each needs. */
export const STORES: readonly { name: string; program: string; start(): Promise<Store> }[] = [
  { name: 'redis', program: 'redis-server', start: redis },
  { name: 'postgres', program: 'postgres', start: postgres },
  { name: 'nats', program: 'nats-server', start: nats },
]

/** A log as another process has it. */
export async function logOf(name: string, { url }: Store): Promise<EventLog> {
  const log = await open[name]?.(url)
  if (log === undefined) throw new Error(`no such store: ${name}`)
  onTestFinished(() => log.close())
  return log
}
