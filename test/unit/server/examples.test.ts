import { type ChildProcess, spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { EventLog } from '../../../src/server/index.ts'
import { freePort } from '../../ports.mjs'
import { Client } from './client.ts'
import { storeLog } from './own-log.ts'
import { RedisServer, whyNoRedis } from './redis-server.ts'
import { serve, serveBy } from './site.ts'

// The examples of docs/server.md and of docs/servers, as they stand there.

const ROOT = join(import.meta.dirname, '../../..')

const exampleOf = (file: string, page = 'server.md'): string =>
  readFileSync(join(ROOT, 'docs', page), 'utf8').match(
    new RegExp(`\`\`\`(?:js|ts)\\n// ${file}\\n([\\s\\S]*?)\`\`\``),
  )?.[1] ?? ''

let folder: string

/** An app that has the package and its libraries. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tabstream-server-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules/tabstream'))
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Resolves when the example serves. */
async function run(
  file: string,
  env: Record<string, string> = {},
  page?: string,
): Promise<{ url: string; process: ChildProcess }> {
  const port = await freePort()
  const listening = `
import { Server } from 'node:http'
const { listen } = Server.prototype
Server.prototype.listen = function (...args) { return listen.call(this, ...args, () => process.send('listening')) }
await import('./${file}')`
  writeFileSync(join(folder, file), exampleOf(file, page))
  writeFileSync(join(folder, `run-${file}`), listening)
  const child = spawn(process.execPath, [join(folder, `run-${file}`)], {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await new Promise((resolve) => child.once('message', resolve))
  return { url: `http://127.0.0.1:${port}`, process: child }
}

test('the plain server sends, and resumes', async () => {
  const { url } = await run('plain.mjs')
  const client = new Client(`${url}/events`)
  expect(await client.connect()).toBe(200)
  await client.has(2)
  expect(client.events[0]?.name).toBe('tick')
  client.lastId = client.events[0]?.id ?? ''
  await client.connect()
  expect(client.resumed).toBe('1')
  await client.has(3)
  expect(client.events[2]).toEqual(client.events[1])
  expect(await new Client(url).connect()).toBe(404)
})

test('the server of the page on Node sends what was posted, resumes, and ends in good order', async () => {
  const server = await run('server.mjs', {}, 'servers/node.md')
  const post = (body: string) => fetch(`${server.url}/news`, { method: 'POST', body })
  const client = new Client(`${server.url}/events`)
  await client.connect()
  const { id } = (await (await post('one')).json()) as { id: string }
  await client.has(1)
  expect(client.events).toEqual([{ name: 'news', data: 'one', id }])
  client.cut()
  await post('two')
  await client.connect()
  expect(client.resumed).toBe('1')
  await client.has(2)
  expect(client.data).toEqual(['one', 'two'])
  expect(await new Client(`${server.url}/news`).connect()).toBe(404)
  const exited = new Promise((resolve) => server.process.once('exit', resolve))
  server.process.kill('SIGTERM')
  await client.ended()
  expect(client.end).toBe('in good order')
  expect(await exited).toBe(0)
})

test.skipIf(whyNoRedis !== undefined)(
  'the server with Redis ends its responses in good order when it is told to end, and clients go on at another',
  { timeout: 20_000 },
  async () => {
    const redis = await RedisServer.start()
    onTestFinished(() => redis.close())
    const [one, other] = [
      await run('cluster.mjs', { REDIS_URL: redis.url }),
      await run('cluster.mjs', { REDIS_URL: redis.url }),
    ]
    const client = new Client(one.url)
    await client.connect()
    await client.said('id: ')
    const ended = new Promise((resolve) => one.process.once('exit', resolve))
    one.process.kill('SIGTERM')
    await client.ended()
    expect(client.end).toBe('in good order')
    expect(await ended).toBe(0)
    const moved = new Client(other.url)
    moved.lastId = client.lastId
    await moved.connect()
    expect(moved.resumed).toBe('1')
  },
)

test('the route of Hono sends what was posted', async () => {
  const file = join(folder, 'hono.mjs')
  writeFileSync(file, exampleOf('hono.ts'))
  const { app } = (await import(file)) as {
    app: { request(path: string, init?: RequestInit): Promise<Response> }
  }
  const response = await app.request('/events')
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const texts: string[] = []
  const read = async () => void texts.push(new TextDecoder().decode((await reader.read()).value))
  await read()
  await read()
  const posted = await app.request('/news', { method: 'POST', body: '{"n":1}' })
  const { id } = (await posted.json()) as { id: string }
  await read()
  expect(texts.at(-1)).toBe(`id: ${id}\ndata: {"n":1}\n\n`)
  await reader.cancel()
})

test('the routes of Next and of SvelteKit share a log, and resume', async () => {
  for (const file of ['log.ts', 'route.ts', 'events.ts']) writeFileSync(join(folder, file), exampleOf(file))
  const entry = `export { log } from './log'
export { GET as next } from './route'
export { GET as kit } from './events'`
  const outfile = join(folder, 'routes.mjs')
  const stdin = { contents: entry, resolveDir: folder }
  await build({ stdin, outfile, bundle: true, format: 'esm', platform: 'node', logLevel: 'error' })
  const { log, next, kit } = (await import(outfile)) as {
    log: EventLog
    next(request: Request): Promise<Response>
    kit(event: { request: Request }): Promise<Response>
  }
  const site = await serveBy((request) => (request.url.endsWith('/kit') ? kit({ request }) : next(request)))
  const clients = [new Client(`${site.url}next`), new Client(`${site.url}kit`)]
  await Promise.all(clients.map((client) => client.connect()))
  await log.append('news', { data: '1' })
  for (const client of clients) {
    await client.has(1)
    client.cut()
  }
  await log.append('news', { data: '2' })
  for (const client of clients) {
    await client.connect()
    expect(client.resumed).toBe('1')
    await client.has(2)
    expect(client.data).toEqual(['1', '2'])
  }
})

test('the routes of the page on Next share a log, resume, and end in good order', async () => {
  for (const file of ['lib/log.ts', 'app/events/route.ts', 'app/news/route.ts']) {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    writeFileSync(join(folder, file), exampleOf(file, 'servers/next.md'))
  }
  // Each route is a bundle of its own, as with Next.
  const routeOf = async (name: string) => {
    const outfile = join(folder, `next-${name}.mjs`)
    const entryPoints = [join(folder, 'app', name, 'route.ts')]
    await build({ entryPoints, outfile, bundle: true, format: 'esm', platform: 'node', logLevel: 'error' })
    return import(outfile)
  }
  const { GET } = (await routeOf('events')) as { GET(request: Request): Promise<Response> }
  const { POST } = (await routeOf('news')) as { POST(request: Request): Promise<Response> }
  const site = await serveBy((request) => (request.method === 'POST' ? POST(request) : GET(request)))
  const client = new Client(`${site.url}events`)
  await client.connect()
  for (const body of ['{"n":1}', '{"n":2}']) {
    await fetch(`${site.url}news`, { method: 'POST', body })
    client.cut()
    await client.connect()
  }
  await client.has(2)
  expect(client.data).toEqual(['{"n":1}', '{"n":2}'])
  process.emit('SIGTERM')
  await client.ended()
  expect(client.end).toBe('in good order')
})

test('the log of a store resumes, and knows when it cannot', async () => {
  const rows: { number: number; topic: string; name?: string; data: string }[] = []
  let first = 1
  const changes = new Set<() => void>()
  const store: Parameters<typeof storeLog>[0] = {
    async add(topic, name, data) {
      rows.push({ number: rows.length + 1, topic, data, ...(name !== undefined && { name }) })
      for (const tell of changes) tell()
      changes.clear()
      return rows.length
    },
    bounds: async () => ({ first, last: rows.length }),
    after: async (number) => rows.slice(Math.max(number, first - 1)),
    changed: (signal) =>
      new Promise((resolve) => {
        changes.add(resolve)
        signal.addEventListener('abort', () => resolve())
      }),
  }
  const log = storeLog(store, 'e')
  const { url } = await serve(log, { topics: ['a'], heartbeat: 20 })
  const client = new Client(url)
  await client.connect()
  await log.append('a', { name: 'n', data: { one: 1 } })
  await client.has(1)
  await log.append('b', { data: 'of others' })
  await client.said('id: e-2\n')
  await log.append('a', { data: '2' })
  await client.has(2)
  client.lastId = 'e-1'
  await client.connect()
  expect(client.resumed).toBe('1')
  await client.has(3)
  first = 3
  client.lastId = 'e-1'
  await client.connect()
  expect(client.resumed).toBe('0')
  await client.has(4)
  expect(client.data).toEqual(['{"one":1}', '2', '2', '2'])
})
