import { connect } from '@nats-io/transport-node'
import { Redis } from 'ioredis'
import { natsLog } from '../../demo/logs/nats-log.mjs'
import { postgresLog } from '../../demo/logs/postgres-log.mjs'
import { redisLog } from '../../dist/server.js'

const silent = { onError: () => {} }

/**
 * A log as one process has it, with connections of its own.
 *
 * @type {Record<string, (url: string) => Promise<import('tabstream/server').EventLog & { close(): void }>>}
 */
export const open = {
  async redis(url) {
    const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
    client.on('error', () => {})
    const log = redisLog(client, silent)
    return {
      ...log,
      close() {
        log.close()
        client.disconnect()
      },
    }
  },
  async postgres(url) {
    return postgresLog(url, silent)
  },
  async nats(url) {
    const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20 })
    const log = natsLog(connection, 'events', silent)
    return {
      ...log,
      close() {
        log.close()
        void connection.close()
      },
    }
  },
}
