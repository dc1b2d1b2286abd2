import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connect, dataIn } from './connected.ts'
import { POLL, type Stage, useBrowser } from './stage.ts'

const stage = useBrowser()

const HOSTS = ['shared-worker', 'leader'] as const

const ROUNDS = 30

/** Ends each answer, and says with `retry:` when to come again. Every second answer brings a new event. */
class PollingServer {
  readonly log: string[] = []
  /** When answers have ended, and when the next request came after each, in ms. */
  readonly pauses: number[] = []
  requests = 0
  peak = 0
  #present = 0
  #endedAt = 0

  constructor({ server }: Stage, path: string, retry: number) {
    server.answer(path, (request, response) => {
      if (this.#endedAt > 0) this.pauses.push(performance.now() - this.#endedAt)
      this.peak = Math.max(this.peak, ++this.#present)
      if (this.requests++ % 2 === 0) this.log.push(`event ${this.log.length + 1}`)
      const last = Number(request.headers['last-event-id'] ?? 0)
      const events = this.log.map((data, index) => `id: ${index + 1}\ndata: ${data}\n\n`).slice(last)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`retry: ${retry}\n\n${events.join('')}`)
      response.on('close', () => {
        this.#present--
        this.#endedAt = performance.now()
      })
    })
  }
}

describe.each(HOSTS)('a server that ends each answer, %s', (host) => {
  test('costs one request a round, and brings each event once', async () => {
    const set = await stage()
    const server = new PollingServer(set, '/polls', 50)
    const tabs = await set.openMany(3, `/page?host=${host}`)
    for (const tab of tabs) await connect(tab, '/polls', '{ since: "0" }')
    await expect.poll(() => server.requests, POLL).toBeGreaterThan(ROUNDS)
    const given = server.log.slice(0, ROUNDS / 2)
    for (const tab of tabs) {
      await expect.poll(async () => (await dataIn(tab)).length, POLL).toBeGreaterThanOrEqual(given.length)
      const data = await dataIn(tab)
      expect(data).toEqual(server.log.slice(0, data.length))
      expect(await tab.page.evaluate(() => [seen.gaps, seen.errors])).toEqual([0, []])
    }
    expect(server.peak).toBe(1)
    // Nobody comes earlier than was asked. The clocks of server and browser may differ by the resolution of timers.
    expect(Math.min(...server.pauses)).toBeGreaterThan(40)
  })

  test('is what an app falls back to behind a proxy that buffers', async () => {
    const set = await stage()
    const log = ['a', 'b', 'c']
    const asked: string[] = []
    set.server.answer('/direct', (request, response) => {
      const isPoll = request.url?.endsWith('?poll=1') === true
      const last = Number(request.headers['last-event-id'] ?? 0)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(
        log
          .map((data, index) => `id: ${index + 1}\ndata: ${data}\n\n`)
          .slice(last)
          .join(''),
      )
      if (isPoll) response.end('retry: 50\n\n')
    })
    // It passes an answer on when it has all of it.
    set.server.answer('/events', async (request, response) => {
      const { pathname, search } = new URL(request.url ?? '', set.server.origin)
      asked.push(pathname + search)
      const lastId = request.headers['last-event-id']
      const abort = new AbortController()
      response.on('close', () => abort.abort())
      try {
        const answer = await fetch(`${set.server.origin}/direct${search}`, {
          headers: lastId === undefined ? {} : { 'last-event-id': String(lastId) },
          signal: abort.signal,
        })
        const body = await answer.text()
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(body)
      } catch {
        // The browser has given up.
      }
    })
    const tabs = await set.openMany(2, `/page?host=${host}`)
    for (const { page } of tabs)
      await page.evaluate((code) => {
        globalThis.seen = { data: [], times: [], statuses: [], gaps: 0, errors: [] }
        globalThis.stream = new Function('connect', 'user', `${code}\nreturn stream`)(tabstream.connect, {
          id: '7',
        })
        stream.on('*', ({ data }) => seen.data.push(data))
        stream.onGap(() => seen.gaps++)
      }, RECIPE)
    for (const tab of tabs) await expect.poll(() => dataIn(tab), POLL).toEqual(log)
    log.push('d', 'e')
    for (const tab of tabs) {
      await expect.poll(() => dataIn(tab), POLL).toEqual(log)
      expect(await tab.page.evaluate(() => seen.gaps)).toBe(0)
    }
    const [first, ...others] = asked
    expect(first).toBe('/events')
    expect(new Set(others)).toEqual(new Set(['/events?poll=1']))
  })
})

/** As docs/servers.md has it, with the shortest time. */
const RECIPE = (
  /```js\n\/\/ polling\.js\nimport[^\n]*\n([\s\S]*?)```/.exec(
    readFileSync(join(import.meta.dirname, '../../docs/servers.md'), 'utf8'),
  )?.[1] ?? ''
)
  .replaceAll('export ', '')
  .replace('20_000', '1_000')
