import pg from 'pg'
import { storeLog } from 'tabstream/server'

/** Run it once, as a migration. Needs Postgres 14. */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS events (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text NOT NULL DEFAULT left(gen_random_uuid()::text, 8),
  topic text NOT NULL,
  name text CHECK (name !~ E'[\\r\\n]'),
  data text NOT NULL
);
CREATE OR REPLACE FUNCTION events_in_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_advisory_xact_lock(TG_RELID::bigint), pg_notify('events', '');
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER events_in_order BEFORE INSERT ON events EXECUTE FUNCTION events_in_order();`

/** A notification can be lost with its connection: so often, in ms, the table is looked at without one. */
const PATIENCE = 5_000

/**
 * A log in a table of Postgres.
 *
 * @param {string} connectionString
 * @param {import('tabstream/server').StoreLogOptions} [options]
 */
export function postgresLog(connectionString, options) {
  const config = { connectionString, keepAlive: true, query_timeout: 10_000 }
  const pool = new pg.Pool(config)
  // A connection that waits in the pool was lost: it makes another.
  pool.on('error', () => {})
  const log = storeLog(
    {
      async append({ topic, name, data }) {
        const text = 'INSERT INTO events (topic, name, data) VALUES ($1, $2, $3) RETURNING number, key'
        return idOf((await pool.query(text, [topic, name, data])).rows[0])
      },
      async newest(count) {
        const text = 'SELECT * FROM events ORDER BY number DESC LIMIT $1'
        return (await pool.query(text, [count])).rows.map(eventOf).reverse()
      },
      from: (id, count) => eventsFrom(pool, id, count),
      follow,
    },
    options,
  )

  /** @type {import('tabstream/server').EventStore['follow']} */
  async function follow(id, take, signal) {
    const client = new pg.Client(config)
    let wake = () => {}
    client.on('notification', () => wake())
    // The next query then rejects.
    client.on('error', () => wake())
    signal.addEventListener('abort', () => wake(), { once: true })
    try {
      await client.connect()
      await client.query('LISTEN events')
      for (let last = id; !signal.aborted; ) {
        // Asked for before it reads, so that what comes while it reads is read in the next round.
        const woken = new Promise((resolve) => {
          wake = () => resolve(undefined)
        })
        const events = await eventsFrom(client, last, 1_000)
        if (last !== undefined && events.shift()?.id !== last) return
        for (const event of events) take(event)
        last = events.at(-1)?.id ?? last
        const late = setTimeout(wake, PATIENCE)
        if (events.length === 0) await woken
        clearTimeout(late)
      }
    } finally {
      await client.end().catch(() => {})
    }
  }

  return {
    ...log,
    /** Keeps so many events. The newest one has to stay. @param {number} count */
    async trim(count) {
      await pool.query('DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - $1', [count])
    },
    async close() {
      log.close()
      await pool.end()
    },
  }
}

/**
 * @param {pg.Pool | pg.Client} client
 * @param {string | undefined} id
 * @param {number} count
 */
async function eventsFrom(client, id, count) {
  const [, number = '0'] = id === undefined ? [] : (/^(\d{1,18})-/.exec(id) ?? [])
  const text = 'SELECT * FROM events WHERE number >= $1 ORDER BY number LIMIT $2'
  const events = (await client.query(text, [number, count])).rows.map(eventOf)
  return id === undefined || events[0]?.id === id ? events : []
}

/**
 * The key tells a row from one that had its number before a backup was restored.
 *
 * @param {{ number: string, key: string }} row
 */
const idOf = ({ number, key }) => `${number}-${key}`

/** @param {{ number: string, key: string, topic: string, name: string | null, data: string }} row */
const eventOf = ({ number, key, topic, name, data }) => ({
  id: idOf({ number, key }),
  topic,
  ...(name !== null && { name }),
  data,
})
