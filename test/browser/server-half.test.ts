import { type ChildProcess, spawn } from 'node:child_process'
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { eventStream, memoryLog, redisLog, toNodeHandler } from '../../src/server/index.ts'
import { RedisServer, whyNoRedis } from '../unit/server/redis-server.ts'
import { connect, dataIn, reach, received } from './connected.ts'
import { ESSENTIAL, POLL, useBrowser } from './stage.ts'

// Pages of tabstream in front of a server that is made with tabstream/server.

const stage = useBrowser()

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index))

/** Calls in each turn of the event loop, until it is told to stop. */
function repeat(work: () => void): () => void {
  let isOn = true
  const next = () => {
    if (!isOn) return
    work()
    setImmediate(next)
  }
  next()
  return () => {
    isOn = false
  }
}

test(
  'a plain Node server that is restarted under load: two tabs lose nothing, and are given nothing twice',
  ESSENTIAL,
  async () => {
    const { server, open } = await stage()
    const log = memoryLog({ limit: 1_000_000 })
    server.answer(
      '/stream',
      toNodeHandler((request) => eventStream(request, log, { topics: ['n'], retry: 10 })),
    )
    const tabs = [await open(), await open()]
    for (const tab of tabs) {
      await connect(tab, '/stream')
      await reach(tab, 'open')
    }
    let count = 0
    let sent = 0
    const publish = () => void log.append('n', { data: String(++count) })
    publish()
    for (const tab of tabs) await received(tab, '1')
    for (let round = 0; round < 5; round++) {
      const stop = repeat(() => {
        if (sent++ % 20 === 0) publish()
      })
      await server.stop()
      await server.restart()
      const target = String(count + 50)
      await received(tabs[0] as (typeof tabs)[0], target)
      stop()
    }
    publish()
    for (const tab of tabs) {
      await received(tab, String(count))
      expect(await dataIn(tab)).toEqual(numbers(1, count))
      expect(await tab.page.evaluate(() => seen.gaps)).toBe(0)
    }
    expect(server.journal.filter((entry) => entry === 'GET /stream').length).toBeGreaterThanOrEqual(6)
  },
)

test('a server that has restarted without its history: each tab is told, and is given what there is', async () => {
  const { server, open } = await stage()
  const answerFrom = (log: ReturnType<typeof memoryLog>) =>
    server.answer(
      '/stream',
      toNodeHandler((request) => eventStream(request, log, { topics: ['n'], retry: 10 })),
    )
  const former = memoryLog()
  answerFrom(former)
  const tabs = [await open(), await open()]
  for (const tab of tabs) {
    await connect(tab, '/stream')
    await reach(tab, 'open')
  }
  // One event alone proves nothing by coming again.
  await former.append('n', { data: 'one' })
  for (const tab of tabs) await received(tab, 'one')
  const log = memoryLog()
  await log.append('n', { data: 'two' })
  answerFrom(log)
  server.destroyConnections()
  for (const tab of tabs) {
    await received(tab, 'two')
    expect(await dataIn(tab)).toEqual(['one', 'two'])
    expect(await tab.page.evaluate(() => seen.gaps)).toBe(1)
  }
})

interface Node {
  readonly url: string
  readonly process: ChildProcess
}

/** A process that serves what Redis has. */
async function startNode(redis: RedisServer): Promise<Node> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../unit/server/node.mjs'), redis.url, 'tabs'],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const url = await new Promise<unknown>((resolve) => child.once('message', resolve))
  return { url: String(url), process: child }
}

/** Passes a request on, and cuts the answer where the other side does. */
function passOn(node: Node, request: IncomingMessage, response: ServerResponse): void {
  const passed = ask(node.url, { headers: request.headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    answer.pipe(response)
    answer.once('close', () => response.destroy())
  })
  passed.once('error', () => response.destroy())
  response.once('close', () => passed.destroy())
  passed.end()
}

test.skipIf(whyNoRedis !== undefined)(
  `two processes and a Redis, killed in turn under load: two tabs lose nothing${whyNoRedis ? ` (${whyNoRedis})` : ''}`,
  async () => {
    const { server, open } = await stage()
    const redis = await RedisServer.start()
    const client = new Redis(redis.url, { retryStrategy: () => 20 })
    client.on('error', () => {})
    onTestFinished(async () => {
      client.disconnect()
      await redis.close()
    })
    const log = redisLog(client, { prefix: 'tabs' })
    const nodes = [await startNode(redis), await startNode(redis)] as [Node, Node]
    let turn = 0
    server.answer('/stream', (request, response) => passOn(nodes[turn % 2 === 0 ? 0 : 1], request, response))
    const tabs = [await open(), await open()]
    for (const tab of tabs) {
      await connect(tab, '/stream', '{ retry: ({ attempt }) => Math.min(attempt, 5) * 20 }')
      await reach(tab, 'open')
    }
    let isOver = false
    /** What Redis has confirmed, in order: each waits for the one before. */
    const kept: string[] = []
    let count = 0
    const publishing = (async () => {
      while (!isOver) {
        const data = String(++count)
        await log.append('a', { data }).then(
          () => kept.push(data),
          () => {},
        )
      }
    })()
    for (let round = 0; round < 4; round++) {
      const target = kept.length + 100
      const index = turn % 2 === 0 ? 0 : 1
      turn++
      if (round === 2) {
        await redis.kill()
        await redis.start()
      } else {
        nodes[index].process.kill('SIGKILL')
        nodes[index] = await startNode(redis)
      }
      await expect.poll(() => kept.length, POLL).toBeGreaterThan(target)
      for (const tab of tabs) await received(tab, kept[target] as string)
    }
    isOver = true
    await publishing
    // The client may have sent one again that was there already.
    const entries = await client.xrange('{tabs}:events', '-', '+')
    const due = entries
      .filter(([, [field]]) => field === 'topic')
      .map(([, fields]) => fields.at(-1) as string)
    expect(due).toEqual(expect.arrayContaining(kept))
    for (const tab of tabs) {
      await received(tab, due.at(-1) as string)
      expect(await dataIn(tab)).toEqual(due)
      expect(await tab.page.evaluate(() => seen.gaps)).toBe(0)
    }
  },
)
