import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { inspect, openTab, type Tab, warnings } from './browser.ts'
import { connect, dataIn, errorIn, reach, received, statusesIn } from './connected.ts'
import { startServer } from './server.ts'
import { ESSENTIAL, POLL, type Stage, useBrowser } from './stage.ts'
import { Changes } from './until.ts'

const stage = useBrowser()

const HOSTS = ['shared-worker', 'leader'] as const

/** Numbered events for whoever has a token that is good, as a server behind a gateway sends them. */
class Gateway {
  readonly sent: string[] = []
  /** Tokens of all requests, with what became of them. */
  readonly requests: string[] = []
  connections = 0
  peak = 0
  readonly #changes = new Changes()
  readonly #open = new Set<ServerResponse>()
  readonly #isGood: (token: string) => boolean
  /** How long a token is good for a stream, in ms. */
  readonly #validity: number

  constructor({ server }: Stage, path: string, isGood: (token: string) => boolean, validity = 60_000) {
    this.#isGood = isGood
    this.#validity = validity
    server.answer(path, (request, response) => this.#handle(request, response))
    const timer = setInterval(() => this.#send(), 20)
    onTestFinished(() => clearInterval(timer))
  }

  until(isTrue: () => boolean, what: string): Promise<void> {
    return this.#changes.until(isTrue, () => `${what}; ${this.requests.join(', ')}`)
  }

  #send(): void {
    const number = String(this.sent.length + 1)
    this.sent.push(number)
    for (const response of this.#open) response.write(textOf(number))
    this.#changes.changed()
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const token = String(request.headers.authorization ?? '').replace('Bearer ', '')
    const isGood = this.#isGood(token)
    this.requests.push(`${token} ${isGood ? 'good' : 'refused'}`)
    if (!isGood) {
      response.writeHead(401).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('retry: 100\n\n')
    const last = Number(request.headers['last-event-id'] ?? this.sent.length)
    for (const number of this.sent.slice(last)) response.write(textOf(number))
    this.#open.add(response)
    this.connections++
    this.peak = Math.max(this.peak, this.connections)
    const timer = setTimeout(() => response.end(), this.#validity)
    response.on('close', () => {
      clearTimeout(timer)
      this.#open.delete(response)
      this.connections--
      this.#changes.changed()
    })
    this.#changes.changed()
  }
}

const textOf = (number: string): string => `id: ${number}\ndata: ${number}\n\n`

/** Whether these are all the numbers from the first to the last. */
const isUnbroken = (data: readonly string[]): boolean =>
  data.every((number, index) => index === 0 || Number(number) === Number(data[index - 1]) + 1)

describe.each(HOSTS)('tokens, with host %s', (host) => {
  test('that expire every two seconds are replaced, whoever of the tabs is there to do it', async () => {
    const scene = await stage()
    const { server, context, openMany } = scene
    let issued = 0
    let current = ''
    server.answer('/token', (_request, response) => {
      current = `token-${++issued}`
      response.end(current)
    })
    const gateway = new Gateway(scene, '/guarded', (token) => token !== '' && token === current, 2_000)
    const tabs = await openMany(6, `/page?host=${host}`)
    const options = `{
      key: 'user 1',
      async headers(reason) {
        asked.push(reason)
        const response = await fetch('/token', { method: 'POST' })
        return { Authorization: 'Bearer ' + await response.text() }
      },
    }`
    await Promise.all(tabs.map((tab) => connect(tab, '/guarded', options)))
    await gateway.until(() => gateway.requests.length >= 3, 'three connections')

    const counts = await Promise.all(tabs.map((tab) => tab.page.evaluate(() => asked.length)))
    expect(counts.filter((count) => count > 0)).toHaveLength(1)
    const asker = tabs[counts.findIndex((count) => count > 0)] as Tab
    await asker.page.close()
    const others = tabs.filter((tab) => tab !== asker)
    const had = gateway.requests.length
    await gateway.until(() => gateway.requests.length >= had + 2, 'two more connections')
    const last = String(gateway.sent.length)
    await Promise.all(others.map((tab) => received(tab, last)))

    for (const tab of others) {
      expect(isUnbroken(await dataIn(tab))).toBe(true)
      expect(await tab.page.evaluate(() => [seen.gaps, seen.errors])).toEqual([0, []])
      expect(await statusesIn(tab)).not.toContain('closed')
    }
    expect(gateway.peak).toBe(1)
    expect(gateway.requests.filter((request) => request.endsWith('refused'))).toEqual([])
    expect(context.pages()).toHaveLength(5)
  })

  test('that the server refuses are asked for once more, and then the stream ends', ESSENTIAL, async () => {
    const scene = await stage()
    const gateway = new Gateway(scene, '/guarded', (token) => token === 'second')
    const tab = await scene.open(`/page?host=${host}`)
    const options = `{
      key: 'user',
      headers: (reason) => {
        asked.push(reason)
        return { authorization: 'Bearer ' + (reason === 'unauthorized' ? token.value : 'first') }
      },
    }`
    await tab.page.evaluate(() => {
      globalThis.token = { value: 'second' }
    })
    await connect(tab, '/guarded', options)
    await reach(tab, 'open')
    expect(await tab.page.evaluate(() => asked)).toEqual(['connect', 'unauthorized'])

    const other = await scene.open(`/page?host=${host}`)
    await other.page.evaluate(() => {
      globalThis.token = { value: 'third' }
    })
    await connect(other, '/guarded', options.replace("key: 'user'", "key: 'other'"))
    await reach(other, 'closed')
    expect(await other.page.evaluate(() => asked)).toEqual(['connect', 'unauthorized'])
    expect(await errorIn(other)).toContain('401')
    expect(gateway.requests).toEqual(['first refused', 'second good', 'first refused', 'third refused'])
  })

  test(
    'in the URL, good for one request, are drawn for each, and the stream goes on',
    ESSENTIAL,
    async () => {
      const { server, openMany } = await stage()
      const tickets = new Set<string>()
      const requests: string[] = []
      const open = new Set<ServerResponse>()
      let issued = 0
      server.answer('/ticket', (_request, response) => {
        tickets.add(`secret-${++issued}`)
        response.end(`secret-${issued}`)
      })
      server.answer('/ticketed', (request, response) => {
        const ticket = new URL(request.url ?? '', server.origin).searchParams.get('ticket') ?? ''
        const last = Number(request.headers['last-event-id'] ?? 0)
        requests.push(`${ticket} after ${last}`)
        if (!tickets.delete(ticket)) {
          response.writeHead(401).end()
          return
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('retry: 100\n\n')
        for (const number of [1, 2, 3, 4].slice(last, requests.length + 1))
          response.write(textOf(String(number)))
        open.add(response)
      })
      const tabs = await openMany(2, `/page?host=${host}`)
      for (const tab of tabs) {
        await tab.page.evaluate(() => {
          globalThis.asked = []
          globalThis.seen = { data: [], times: [], statuses: [], gaps: 0, errors: [] }
          globalThis.stream = tabstream.connect(
            async (reason) => {
              asked.push(reason)
              const response = await fetch('/ticket', { method: 'POST' })
              return `/ticketed?ticket=${await response.text()}`
            },
            { key: 'alice', replay: 'all' },
          )
          stream.on('*', ({ data }) => seen.data.push(data))
          stream.onGap(() => seen.gaps++)
        })
      }
      await Promise.all(tabs.map((tab) => received(tab, '2')))
      for (const number of ['3', '4']) {
        for (const response of open) response.destroy()
        await Promise.all(tabs.map((tab) => received(tab, number)))
      }
      expect(requests).toEqual(['secret-1 after 0', 'secret-2 after 1', 'secret-3 after 2'])
      for (const tab of tabs) {
        expect(await dataIn(tab)).toEqual(['1', '2', '3', '4'])
        expect(await tab.page.evaluate(() => seen.gaps)).toBe(0)
        expect(JSON.stringify([await inspect(tab), tab.console])).not.toContain('secret')
      }
      const asks = await Promise.all(tabs.map((tab) => tab.page.evaluate(() => asked)))
      expect(asks.flat().sort()).toEqual(['connect', 'retry', 'retry'])
    },
  )

  test('of two users on one URL, in four tabs, never meet, and show nowhere', ESSENTIAL, async () => {
    const { server, context, open } = await stage()
    server.answer('/private', (request, response) => {
      const user = String(request.headers.authorization).replace('Bearer secret-of-', '')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const send = () => response.write(`data: for ${user}\n\n`)
      const timer = setInterval(send, 20)
      response.on('close', () => clearInterval(timer))
    })
    const ways = [
      (user: string) => `{ headers: { Authorization: 'Bearer secret-of-${user}' } }`,
      (user: string) => `{ headers: async () => ({ Authorization: 'Bearer secret-of-${user}' }) }`,
      (user: string) =>
        `{ key: 'secret-key-of-${user}', headers: () => ({ Authorization: 'Bearer secret-of-${user}' }) }`,
    ]
    for (const way of ways) {
      const tabs = [
        { user: 'ann', tab: await open(`/page?host=${host}`) },
        { user: 'bob', tab: await open(`/page?host=${host}`) },
        { user: 'ann', tab: await open(`/page?host=${host}`) },
        { user: 'bob', tab: await open(`/page?host=${host}`) },
      ]
      for (const { user, tab } of tabs) await connect(tab, '/private', way(user))
      for (const { tab } of tabs) await tab.page.waitForFunction(() => seen.data.length >= 10)
      for (const { user, tab } of tabs) expect(new Set(await dataIn(tab))).toEqual(new Set([`for ${user}`]))
      const report = await inspect(tabs[0]?.tab as Tab)
      expect(report.streams).toHaveLength(2)

      const locks = await tabs[0]?.tab.page.evaluate(async () =>
        JSON.stringify(await navigator.locks.query()),
      )
      const lines = tabs.flatMap(({ tab }) => tab.console.map(({ text }) => text))
      const names = await Promise.all(context.pages().map((page) => page.title()))
      expect(JSON.stringify([report, locks, lines, names])).not.toContain('secret')
      for (const { tab } of tabs) await tab.page.close()
    }
  })
})

describe('a server that', () => {
  /** Answers as told, each request by the next answer, the last one from then on. */
  const answering = async (
    ...answers: ((response: ServerResponse) => void)[]
  ): Promise<{ scene: Stage; times: number[]; tab: Tab }> => {
    const scene = await stage()
    const times: number[] = []
    scene.server.answer('/moody', (_request, response) => {
      const answer = answers[Math.min(times.length, answers.length - 1)]
      times.push(Date.now())
      answer?.(response)
    })
    return { scene, times, tab: await scene.open() }
  }
  const status =
    (code: number, headers: Record<string, string> = {}) =>
    (response: ServerResponse) => {
      response.writeHead(code, headers).end()
    }
  const streaming = (text: string) => (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`retry: 100\n\n${text}`)
  }

  test('is down for a deployment is tried again when it says', ESSENTIAL, async () => {
    const { tab, times } = await answering(status(503, { 'retry-after': '2' }), streaming('data: back\n\n'))
    await connect(tab, '/moody')
    await received(tab, 'back')
    expect(await statusesIn(tab)).toEqual(['connecting', 'retrying', 'open'])
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(1_990)
  })

  test('has had too many requests is tried again', async () => {
    const { tab } = await answering(status(429), status(408), streaming('data: back\n\n'))
    await connect(tab, '/moody')
    await received(tab, 'back')
  })

  test('answers 503 ends a SharedEventSource, as the standard says, while connect() goes on', async () => {
    const { tab } = await answering(status(503), streaming('data: back\n\n'))
    await connect(tab, '/moody')
    const state = await tab.page.evaluate(async () => {
      const source = new tabstream.SharedEventSource('/moody')
      await new Promise((resolve) => source.addEventListener('error', resolve))
      return source.readyState
    })
    expect(state).toBe(2)
    await received(tab, 'back')
  })

  test.each([204, 404, 401])('answers %d ends the stream for good', async (code) => {
    const { tab, times } = await answering(status(code))
    await connect(tab, '/moody')
    await reach(tab, 'closed')
    expect(await errorIn(tab)).toContain(String(code))
    await expect.poll(async () => (await inspect(tab)).streams, POLL).toEqual([])
    expect(times).toHaveLength(1)
  })

  test('answers 403 in words lets each page read them, and shows them nowhere else', async () => {
    const { scene, tab } = await answering((response) => {
      response.writeHead(403, { 'content-type': 'application/json; charset=utf-8' })
      response.end(JSON.stringify({ reason: `süß und geheim ${'x'.repeat(20_000)}` }))
    })
    const options = '{ retry: (attempt, { body }) => { asked.push(body); return attempt < 2 && 100 } }'
    const other = await scene.open()
    await Promise.all([connect(tab, '/moody', options), connect(other, '/moody', options)])
    await Promise.all([reach(tab, 'closed'), reach(other, 'closed')])
    for (const page of [tab, other]) {
      const error = await page.page.evaluate(() => stream.status.error)
      expect(error).toMatchObject({ status: 403, contentType: 'application/json; charset=utf-8' })
      expect(error?.body).toMatch(/^\{"reason":"süß und geheim x+$/)
      expect(Buffer.byteLength(error?.body ?? '')).toBe(16_384)
      expect(await page.page.evaluate(() => [...new Set(asked)])).toEqual([error?.body])
      expect(JSON.stringify([await inspect(page), page.console])).not.toContain('geheim')
    }
  })

  test('accepts and closes at once, for 20 seconds, is not hammered', { timeout: 90_000 }, async () => {
    const { tab, times } = await answering((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 0\n\n')
    })
    await connect(tab, '/moody')
    const begun = Date.now()
    // Time is what is tested.
    await new Promise((resolve) => setTimeout(resolve, 20_000))
    console.log(`attempts within ${Date.now() - begun} ms: ${times.length}`)
    expect(times.length).toBeGreaterThan(3)
    expect(times.length).toBeLessThan(20)
  })

  test('sends 20 MB without the end of a line ends its own stream, and no other', async () => {
    const { scene, tab } = await answering((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: ')
      const block = 'x'.repeat(1_000_000)
      for (let count = 0; count < 20; count++) response.write(block)
    })
    const channel = scene.server.channel('quiet')
    const other = await scene.open()
    await connect(other, '/events/quiet')
    await reach(other, 'open')
    await connect(tab, '/moody')
    await reach(tab, 'closed')
    expect(await errorIn(tab)).toContain('more than 8,388,608 characters')
    channel.send({ data: 'alive' })
    await received(other, 'alive')
    expect((await inspect(tab)).hubId).toBe((await inspect(other)).hubId)
  })

  test('falls silent is left after the idle time-out; a comment is a sign of life', async () => {
    const { tab, times } = await answering((response) => {
      streaming('data: first\n\n')(response)
      let left = 6
      const timer = setInterval(() => (--left > 0 ? response.write(':\n\n') : clearInterval(timer)), 300)
    }, streaming('data: second\n\n'))
    await connect(tab, '/moody', '{ idleTimeout: 1_000 }')
    await received(tab, 'second')
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(2_400)
    expect(await tab.page.evaluate(() => seen.statuses.map(({ error }) => error?.message))).toContainEqual(
      expect.stringMatching(/^the server has sent nothing for 1000 ms/),
    )
  })

  test('holds its answer back is left after the idle time-out, with the usual cause', async () => {
    const { tab } = await answering(() => {}, streaming('data: back\n\n'))
    await connect(tab, '/moody', '{ idleTimeout: 1_000 }')
    await received(tab, 'back')
    expect(await tab.page.evaluate(() => seen.statuses.map(({ error }) => error?.message))).toContainEqual(
      expect.stringMatching(/sent nothing for 1000 ms\. .*X-Accel-Buffering: no.*proxy_buffering off/),
    )
  })
})

describe.each(HOSTS)('a page of several, with host %s,', (host) => {
  test('reconnects for all, and ends the stream for all', ESSENTIAL, async () => {
    const { server, openMany } = await stage()
    const channel = server.channel('shared')
    // Nothing but reconnect() brings the next connection in time.
    channel.retry = 60_000
    const tabs = await openMany(3, `/page?host=${host}`)
    await Promise.all(tabs.map((tab) => connect(tab, '/events/shared')))
    await Promise.all(tabs.map((tab) => reach(tab, 'open')))
    channel.send({ data: 'one' }, { data: 'two' })
    await Promise.all(tabs.map((tab) => received(tab, 'two')))
    await tabs[1]?.page.evaluate(() => stream.reconnect())
    await channel.until(() => channel.totalConnections === 2, 'another connection')
    channel.send({ data: 'three' })
    await Promise.all(tabs.map((tab) => received(tab, 'three')))
    channel.cut()
    await Promise.all(tabs.map((tab) => reach(tab, 'retrying')))
    await tabs[2]?.page.evaluate(() => stream.reconnect())
    await Promise.all(tabs.map((tab) => reach(tab, 'open')))
    expect(channel.requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '1', '2'])

    await tabs[0]?.page.evaluate(() => stream.end())
    await channel.waitForConnections(0)
    await Promise.all(tabs.map((tab) => reach(tab, 'closed')))
    for (const tab of tabs) {
      expect(await dataIn(tab)).toEqual(['one', 'two', 'three'])
      expect(await tab.page.evaluate(() => [seen.gaps, stream.status.error])).toEqual([0, undefined])
      expect((await inspect(tab)).streams).toEqual([])
    }
    expect(channel.totalConnections).toBe(3)
  })
})

describe.each(HOSTS)('a redirect to another origin, with host %s', (host) => {
  /** Two servers: the first redirects to the second, which notes what it is given, body included. */
  async function redirecting() {
    const { server, open } = await stage()
    const elsewhere = await startServer()
    onTestFinished(() => elsewhere.close())
    const given: string[] = []
    const cors = {
      'access-control-allow-origin': server.origin,
      'access-control-allow-headers': 'x-api-key, content-type, last-event-id',
      'access-control-allow-credentials': 'true',
    }
    server.answer('/moved', (_request, response) => {
      response.writeHead(307, { location: elsewhere.url('/stream') }).end()
    })
    server.answer('/begun', (_request, response) => {
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end('retry: 10\nid: 1\ndata: begun\n\n')
    })
    elsewhere.answer('/stream', async (request, response) => {
      if (request.method === 'OPTIONS') {
        response.writeHead(204, cors).end()
        return
      }
      let body = ''
      for await (const chunk of request) body += chunk
      given.push(`${request.method} ${request.headers['x-api-key'] ?? ''} ${body}`)
      response.writeHead(200, { ...cors, 'content-type': 'text/event-stream' })
      response.write('data: here\n\n')
    })
    return { tab: await open(`/page?host=${host}`), given }
  }

  test.each([
    ['headers', "{ headers: { 'X-API-Key': 'secret' } }"],
    ['headers from a function', "{ headers: () => ({ 'X-API-Key': 'secret' }) }"],
    ['a body', "{ method: 'POST', body: 'secret' }"],
  ])('is not given %s', ESSENTIAL, async (_what, options) => {
    const { tab, given } = await redirecting()
    await connect(tab, '/moved', options)
    await reach(tab, 'closed')
    expect(await errorIn(tab)).toContain('say redirect: "follow"')
    expect(given).toEqual([])
  })

  test.each([
    ['nothing of the page goes along', '{}', 'GET  '],
    ['the page says so', "{ headers: { 'X-API-Key': 'mine' }, redirect: 'follow' }", 'GET mine '],
    ['the page says so', "{ method: 'POST', body: 'mine', redirect: 'follow' }", 'POST  mine'],
  ])('is followed where %s: %s', async (_why, options, expected) => {
    const { tab, given } = await redirecting()
    await connect(tab, '/moved', options)
    await received(tab, 'here')
    expect(given).toEqual([expected])
  })

  test('is followed by a GET that resumes a POST, for it carries neither', ESSENTIAL, async () => {
    const { tab, given } = await redirecting()
    await connect(tab, '/begun', "{ method: 'POST', body: { a: 1 }, resume: { url: '/moved' } }")
    await received(tab, 'here')
    expect(given).toEqual(['GET  '])
  })

  test('is not given the body of the request that resumes', async () => {
    const { tab, given } = await redirecting()
    await connect(tab, '/begun', "{ resume: { url: '/moved', method: 'POST', body: 'secret' } }")
    await reach(tab, 'closed')
    expect(await errorIn(tab)).toContain('say redirect: "follow"')
    expect(given).toEqual([])
  })
})

describe('a stream', ESSENTIAL, () => {
  test('of a completion ends with its last event, for all, and is not begun again', async () => {
    const { server, openMany } = await stage()
    const bodies: string[] = []
    server.answer('/complete', (request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        bodies.push(`${request.method} ${request.headers['content-type']} ${body}`)
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        const words = ['Once', 'upon', 'a', 'time', '[DONE]']
        const timer = setInterval(() => {
          const word = words.shift()
          if (word === undefined) clearInterval(timer)
          else response.write(`data: ${word}\n\n`)
          if (words.length === 0) response.end()
        }, 50)
      })
    })
    const [one, two] = (await openMany(2)) as [Tab, Tab]
    const options = `{
      method: 'POST', body: { prompt: 'tell' }, until: ({ data }) => data === '[DONE]'
    }`
    const told = one.page.evaluate(async (options) => {
      const stream = tabstream.connect('/complete', new Function(`return ${options}`)())
      const words: string[] = []
      for await (const { data } of stream.events('message')) words.push(data)
      return words
    }, options)
    await connect(two, '/complete', options)
    expect(await told).toEqual(['Once', 'upon', 'a', 'time', '[DONE]'])
    await reach(two, 'closed')
    expect(await dataIn(two)).toEqual(['Once', 'upon', 'a', 'time', '[DONE]'])
    expect(await errorIn(two)).toBeUndefined()
    await expect.poll(async () => (await inspect(one)).streams, POLL).toEqual([])
    expect(bodies).toEqual(['POST application/json {"prompt":"tell"}'])
  })

  test('of a completion ends with its last event, though the blank line after that is missing', async () => {
    const { server, openMany } = await stage()
    const responses: ServerResponse[] = []
    server.answer('/complete', (request, response) => {
      request.resume()
      responses.push(response)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('retry: 100\n\ndata: Once\n\n')
    })
    const tabs = await openMany(2)
    const options = `{
      method: 'POST', body: { prompt: 'tell' }, retry: true, replay: 'all', until: ({ data }) => data === '[DONE]'
    }`
    await Promise.all(tabs.map((tab) => connect(tab, '/complete', options)))
    await Promise.all(tabs.map((tab) => received(tab, 'Once')))
    for (const response of responses) response.end('data: [DONE]')
    await Promise.all(tabs.map((tab) => reach(tab, 'closed')))
    for (const tab of tabs) {
      expect(await dataIn(tab)).toEqual(['Once', '[DONE]'])
      expect(await errorIn(tab)).toBeUndefined()
    }
    await expect.poll(async () => (await inspect(tabs[0] as Tab)).streams, POLL).toEqual([])
    expect(responses).toHaveLength(1)
  })

  test('is read by a slow loop at its own pace, without loss and without holding up others', async () => {
    const { server, open } = await stage()
    const channel = server.channel('fast')
    const tab = await open()
    await connect(tab, '/events/fast')
    await reach(tab, 'open')
    await tab.page.evaluate(() => {
      const words: string[] = []
      Object.assign(globalThis, { words, go: () => {} })
      const loop = async () => {
        for await (const { data } of stream.events('message')) {
          words.push(data)
          if (words.length === 1)
            await new Promise<void>((resolve) => Object.assign(globalThis, { go: resolve }))
        }
      }
      loop()
    })
    await expect.poll(async () => (await inspect(tab)).streams[0]?.subscribers, POLL).toBe(2)
    channel.send(...Array.from({ length: 5_000 }, (_, index) => ({ data: `event ${index}` })))
    await received(tab, 'event 4999')
    expect(await tab.page.evaluate('words')).toEqual(['event 0'])
    await tab.page.evaluate('go()')
    await tab.page.waitForFunction('words.length === 5000')
    const words = (await tab.page.evaluate('words')) as string[]
    expect(words.every((word, index) => word === `event ${index}`)).toBe(true)
    expect(await tab.page.evaluate(() => seen.gaps)).toBe(0)
  })

  test('from another origin gets its headers through a preflight', async () => {
    const { server, open } = await stage()
    const upstream = await startServer()
    onTestFinished(() => upstream.close())
    upstream.channel('far').headers = {
      'access-control-allow-origin': server.origin,
      'access-control-allow-headers': 'x-key',
    }
    const tab = await open()
    await connect(tab, upstream.url('/events/far'), "{ headers: { 'X-Key': 'value' } }")
    await reach(tab, 'open')
    expect(upstream.channel('far').preflights).toBe(1)
    expect(upstream.channel('far').requests[0]?.headers['x-key']).toBe('value')
  })

  test('too many to one origin are told of in the console, once and without query', async () => {
    const { open } = await stage()
    const tab = await open()
    await tab.page.evaluate(async () => {
      for (let number = 1; number <= 6; number++) {
        const stream = tabstream.connect(`/events/${number}?token=secret`)
        await new Promise<void>((resolve) => {
          stream.onStatus(({ state }) => ['open', 'parked'].includes(state) && resolve())
        })
      }
    })
    await expect.poll(async () => (await warnings(tab)).length, POLL).toBe(1)
    const [warning] = await warnings(tab)
    expect(warning).toMatch(/all 4 connections to http:\S+ are taken, so the other streams take turns/)
    expect(warning).not.toContain('secret')
  })
})

test('connect() works from the classic build', ESSENTIAL, async () => {
  const { server, context } = await stage()
  const tab = await openTab(context, server.url('/page?global'))
  await connect(tab, '/events/news')
  await reach(tab, 'open')
  server.channel('news').send({ data: 'x' })
  await received(tab, 'x')
})
