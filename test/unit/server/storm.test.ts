import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { redisLog } from '../../../src/server/index.ts'
import { Client } from './client.ts'
import { RedisServer, whyNoRedis } from './redis-server.ts'
import { type Site, serve } from './site.ts'

// What goes wrong in a cluster, at random and under load. What clients were given is compared with what Redis has.

const SEED = Number(process.env.TABSTREAM_SEED ?? 1)
const KEY = '{tabstream}:events'

/** Numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

/** What a client was told of one connection, and the events that came on it. */
interface Stretch {
  resumed: string | undefined
  from: number
}

const connectTo = (redis: RedisServer): Redis => {
  const client = new Redis(redis.url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  return client
}

describe.skipIf(whyNoRedis !== undefined)('two nodes, eight clients, and a Redis', () => {
  test.each([
    { trims: false, loss: 'no event is lost or doubled' },
    { trims: true, loss: 'none is lost without a word' },
  ])('whatever is cut or killed: $loss (history trimmed: $trims)', { timeout: 60_000 }, async ({ trims }) => {
    const random = randomFrom(SEED)
    const redis = await RedisServer.start()
    onTestFinished(() => redis.close())
    const control = connectTo(redis)
    /** Every entry that there has been, in order. */
    const entries = new Map<string, string>()
    const record = async () => {
      for (const [id, fields] of await control.xrange(KEY, '-', '+')) entries.set(id, fields.join())
    }
    const startNode = (port?: number) => {
      const client = connectTo(redis)
      const log = redisLog(client, { onError: () => {} })
      onTestFinished(() => log.close())
      return serve(log, { topics: ['a'], heartbeat: 200 }, port)
    }
    const nodes = [await startNode(), await startNode()] as [Site, Site]

    let isOver = false
    // However the test ends.
    onTestFinished(() => {
      isOver = true
    })
    const clients = Array.from({ length: 8 }, (_, index) => {
      const url = () => nodes[index % 2 === 0 ? 0 : 1].url
      const client = new Client(url())
      const stretches: Stretch[] = []
      const connect = async () => {
        // Events can come with the head.
        const from = client.events.length
        await client.connect()
        stretches.push({ resumed: client.resumed, from })
      }
      const run = async () => {
        while (!isOver) {
          try {
            await connect()
            await client.until(() => client.end !== undefined || isOver, 'the end')
          } catch {
            // Its node is being restarted.
            await new Promise((resolve) => setImmediate(resolve))
          }
        }
      }
      return { client, stretches, connect, running: run() }
    })
    for (const { client } of clients) await client.said('id: ')

    const publisher = redisLog(connectTo(redis))
    let count = 0
    const publishing = (async () => {
      while (!isOver) {
        const burst = Array.from({ length: 5 }, () => publisher.append('a', { data: String(++count) }))
        await Promise.allSettled(burst)
        // Without a connection each fails at once, and nothing else would have its turn.
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()

    const happenings: Record<string, () => Promise<unknown>> = {
      'a client is cut': async () => clients[Math.floor(random() * 8)]?.client.response?.destroy(),
      'the readers are cut': () => control.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
      'a node is restarted': async () => {
        const index = random() < 0.5 ? 0 : 1
        const { port } = new URL(nodes[index].url)
        await nodes[index].stop()
        nodes[index] = await startNode(Number(port))
      },
      'Redis is killed': async () => {
        if (trims) await record()
        await redis.kill()
        await redis.start()
      },
      'history is trimmed': async () => {
        await record()
        if (trims) await control.xtrim(KEY, 'MAXLEN', 20)
      },
    }
    const names = Object.keys(happenings)
    for (let round = 0; round < 25; round++) {
      const due = count + 50
      await happenings[names[Math.floor(random() * names.length)] as string]?.()
      await expect.poll(() => count, { timeout: 20_000 }).toBeGreaterThan(due)
    }
    isOver = true
    await publishing
    const last = (await publisher.append('a', { data: 'last' })).split('.')[1] as string
    // Those that were on their way to another connection go on.
    for (const { client, connect } of clients) {
      while (client.events.at(-1)?.data !== 'last') {
        await connect()
        await client.until(
          () => client.end !== undefined || client.events.at(-1)?.data === 'last',
          'the last event',
        )
      }
    }
    await record()

    const all = [...entries].filter(([, fields]) => fields.startsWith('topic,')).map(([id]) => id)
    const placeOf = new Map(all.map((id, place) => [id, place]))
    expect(all.at(-1)).toBe(last)
    for (const { client, stretches } of clients) {
      const places = client.events.map(({ id }) => placeOf.get(id.split('.')[1] as string) as number)
      const skips = places.flatMap((place, index) =>
        index > 0 && place !== (places[index - 1] as number) + 1 ? [index] : [],
      )
      const told = stretches.filter(({ resumed }) => resumed === '0').map(({ from }) => from)
      if (trims) expect(skips.filter((index) => !told.includes(index))).toEqual([])
      else expect([skips, told]).toEqual([[], []])
    }
    const told = clients.flatMap(({ stretches }) => stretches).filter(({ resumed }) => resumed === '0').length
    console.info(
      `seed ${SEED}: ${all.length} events, ${clients.flatMap(({ stretches }) => stretches).length} connections, ${told} not resumed`,
    )
  })
})
