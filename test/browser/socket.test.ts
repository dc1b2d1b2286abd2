import { describe, expect, onTestFinished, test } from 'vitest'
import type { HostName } from '../../src/index.ts'
import type * as Sockets from '../../src/websocket/index.ts'
import { inspect, type Tab } from './browser.ts'
import { endHub } from './end-hub.ts'
import { SocketServer } from './socket-server.ts'
import { ESSENTIAL, POLL, useBrowser } from './stage.ts'

const stage = useBrowser()

const HOSTS: readonly HostName[] = ['shared-worker', 'leader']

const FRAMED = { frame: { name: '/type', id: '/seq', data: '/payload' }, resume: { query: 'after' } } as const

declare global {
  // In the page.
  var sockets: typeof Sockets
  var socket: Sockets.SharedSocket<Record<string, unknown>>
  var heard: string[]
}

async function startSocketServer(): Promise<SocketServer> {
  const server = await SocketServer.start()
  onTestFinished(() => server.stop())
  return server
}

const load = ({ page }: Tab): Promise<void> =>
  page.evaluate(async () => {
    globalThis.sockets = await importModule('websocket.js')
  })

type Options = Sockets.SocketConnectOptions & { events?: undefined }

/** Opens a socket in a tab, which keeps what it hears: `NAME DATA`, `gap REASON`, and states. */
async function listen(tab: Tab, url: string, options: Options = FRAMED): Promise<void> {
  await load(tab)
  await tab.page.evaluate(
    async ([url, options]) => {
      globalThis.heard = []
      globalThis.socket = sockets.connectSocket(url, options) as typeof globalThis.socket
      socket.on('*', ({ name, data }) => heard.push(`${name} ${data}`))
      socket.onGap(({ reason }) => heard.push(`gap ${reason}`))
      await new Promise<void>((resolve) => {
        const look = () => socket.status.state === 'open' && resolve()
        socket.onStatus(look)
        look()
      })
    },
    [url, options] as const,
  )
}

const heardBy = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => heard)

/** Resolves when the tab has heard this. */
async function reach(tab: Tab, text: string): Promise<void> {
  await expect.poll(() => tab.page.evaluate((text) => heard.includes(text), text), POLL).toBe(true)
}

/** As a page hears the event of this number. */
const eventOf = (server: SocketServer, number: number) => `${server.log[number - 1]} {"number":${number}}`

async function expectAllOnce(tabs: readonly Tab[], server: SocketServer): Promise<void> {
  const all = server.log.map((_, index) => eventOf(server, index + 1))
  for (const tab of tabs) {
    await reach(tab, all.at(-1) ?? '')
    expect(await heardBy(tab)).toEqual(all)
  }
}

describe.each(HOSTS)('a WebSocket, %s', (host) => {
  const page = `/page?host=${host}`

  test(
    'six tabs share one, and miss nothing through a cut, a restart and a takeover',
    ESSENTIAL,
    async () => {
      const set = await stage()
      const server = await startSocketServer()
      const tabs = await set.openMany(6, page)
      for (const tab of tabs) await listen(tab, server.url)
      expect(server.connections).toBe(1)
      for (let number = 0; number < 20; number++) server.send(number % 2 === 0 ? 'tick' : 'trade')
      await expectAllOnce(tabs, server)

      server.cut()
      for (let number = 0; number < 20; number++) server.send('cut')
      await expectAllOnce(tabs, server)
      expect(server.requests.at(-1)).toMatch(/after=\d+/)

      await server.stop()
      await server.restart()
      for (let number = 0; number < 20; number++) server.send('restarted')
      await expectAllOnce(tabs, server)
      expect(server.peak).toBe(1)

      const left = await endHub(host, set, tabs)
      for (let number = 0; number < 20; number++) server.send('taken over')
      await expectAllOnce(left, server)
      // That of a killed worker may outlive it for a while.
      await server.waitForConnections(1)
      expect(server.requests).toHaveLength(4)
    },
  )

  test('without IDs a cut leaves a gap', async () => {
    const set = await stage()
    const server = await startSocketServer()
    server.resumes = false
    const tabs = await set.openMany(2, page)
    for (const tab of tabs) await listen(tab, server.url)
    server.send('a')
    for (const tab of tabs) await reach(tab, eventOf(server, 1))
    server.cut()
    await server.waitForRequests(2)
    server.send('b')
    for (const tab of tabs) {
      await reach(tab, eventOf(server, 2))
      expect(await heardBy(tab)).toEqual([eventOf(server, 1), 'gap unresumable', eventOf(server, 2)])
    }
  })

  test(
    'messages of each tab are sent in its order, none twice, also while there is no connection',
    ESSENTIAL,
    async () => {
      const set = await stage()
      const server = await startSocketServer()
      const tabs = await set.openMany(3, page)
      for (const tab of tabs) await listen(tab, server.url)
      const sendMany = (from: number, count: number) =>
        Promise.all(
          tabs.map(({ page }, tab) =>
            page.evaluate(
              async ([tab, from, count]) => {
                const numbers = Array.from({ length: count }, (_, index) => from + index)
                await Promise.all(numbers.map((number) => socket.send({ tab, number })))
              },
              [tab, from, count] as const,
            ),
          ),
        )
      const arrived = (count: number) =>
        server.changes.until(
          () => server.received.length >= count,
          () => `${count} messages, of which ${server.received.length} have come`,
        )
      await sendMany(0, 50)
      // What the socket has taken may be lost on its way.
      await arrived(150)
      await server.stop()
      for (const { page } of tabs)
        await expect.poll(() => page.evaluate(() => socket.status.state), POLL).not.toBe('open')
      // They wait for a connection.
      const waiting = sendMany(50, 10)
      await server.restart()
      await waiting
      const of = (tab: number) =>
        server.received.map(({ text }) => JSON.parse(text)).filter((message) => message.tab === tab)
      await arrived(180)
      for (const tab of tabs.keys())
        expect(of(tab).map(({ number }) => number)).toEqual(Array.from({ length: 60 }, (_, index) => index))
    },
  )

  test('a message is not sent twice where the hub dies with it: its promise says so', async () => {
    const set = await stage()
    const server = await startSocketServer()
    const tabs = await set.openMany(3, page)
    for (const tab of tabs) await listen(tab, server.url)
    await server.stop()
    const last = tabs.at(-1) as Tab
    // What the hub takes for open takes the message.
    await expect.poll(() => last.page.evaluate(() => socket.status.state), POLL).not.toBe('open')
    const outcome = last.page.evaluate(() =>
      socket.send('lost').then(
        () => 'sent',
        ({ type }) => type,
      ),
    )
    // It has reached the hub.
    await last.page.evaluate(() => tabstream.inspect())
    await endHub(host, set, tabs)
    expect(await outcome).toBe('hub-lost')
    await server.restart()
    await last.page.evaluate(() => socket.send('later'))
    await expect.poll(() => server.received.map(({ text }) => text), POLL).toEqual(['later'])
  })

  test('the answer to a request comes to the tab that asks, and to no other', async () => {
    const set = await stage()
    const server = await startSocketServer()
    const [one, other] = (await set.openMany(2, page)) as [Tab, Tab]
    for (const tab of [one, other]) await listen(tab, server.url)
    const answers = await Promise.all(
      [one, other].map((tab, index) =>
        tab.page.evaluate(
          (ref) => socket.request({ ask: ref }, { match: { '/reply': ref } }),
          `ref ${index}`,
        ),
      ),
    )
    expect(answers.map((text) => JSON.parse(text).reply)).toEqual(['ref 0', 'ref 1'])
    const problem = await one.page.evaluate(() =>
      socket.request('nobody answers', { match: { '/reply': 1 }, timeout: 50 }).catch(({ type }) => type),
    )
    expect(problem).toBe('no-answer')
    server.send('a')
    for (const tab of [one, other]) {
      await reach(tab, eventOf(server, 1))
      expect(await heardBy(tab)).toEqual([eventOf(server, 1)])
    }
  })

  test('bytes go both ways', async () => {
    const set = await stage()
    const server = await startSocketServer()
    const [tab] = (await set.openMany(1, page)) as [Tab]
    await listen(tab, server.url)
    const got = tab.page.evaluate(async () => {
      const { data } = await socket.once('binary')
      return [...tabstream.bytes(data as string)]
    })
    await tab.page.evaluate(() => socket.send(new Uint8Array([1, 2, 255]).subarray(1)))
    await expect.poll(() => server.received.map(({ text }) => text), POLL).toEqual(['bytes 2,255'])
    const all = Uint8Array.from({ length: 256 }, (_, index) => index)
    for (const socket of server.sockets) socket.send(all)
    expect(await got).toEqual([...all])
  })

  test('a token is said first on each connection, a new one after 4401, and the ID to resume after with it', async () => {
    const set = await stage()
    const server = await startSocketServer()
    let good = 1
    server.onMessage = (socket, text) => {
      if (JSON.parse(text).token !== good) socket.close(4401, 'the token has expired')
    }
    const [tab] = (await set.openMany(1, page)) as [Tab]
    await load(tab)
    await tab.page.evaluate(async (url) => {
      globalThis.heard = []
      let token = 0
      globalThis.socket = sockets.connectSocket(url, {
        frame: { name: '/type', id: '/seq', data: '/payload' },
        key: 'a user',
        hello: async (reason) => {
          heard.push(reason)
          return [{ token: ++token, umlaut: 'ä' }]
        },
        resume: { hello: '/from/id' },
      }) as typeof globalThis.socket
      socket.on('*', ({ name, data }) => heard.push(`${name} ${data}`))
    }, server.url)
    await server.waitForConnections(1)
    server.send('a')
    await reach(tab, eventOf(server, 1))
    good = 3
    server.cut()
    await expect
      .poll(() => server.received.at(-1)?.text, POLL)
      .toBe(JSON.stringify({ token: 3, umlaut: 'ä', from: { id: '1' } }))
    expect((await heardBy(tab)).filter((text) => /^[a-z]+$/.test(text))).toEqual([
      'connect',
      'retry',
      'unauthorized',
    ])
  })

  test('a function gives the subprotocols of each connection: a new token at each reconnection, also from another tab', async () => {
    const set = await stage()
    const server = await startSocketServer()
    const offered: (string | undefined)[] = []
    server.admit = (_, { headers }) => {
      offered.push(headers['sec-websocket-protocol'])
      return true
    }
    const tabs = (await set.openMany(3, page)) as [Tab, Tab, Tab]
    const openAs = async (tab: Tab, name: string, key: string) => {
      await load(tab)
      await tab.page.evaluate(
        ([url, name, key]) => {
          globalThis.heard = []
          globalThis.socket = sockets.connectSocket(url, {
            frame: { name: '/type', id: '/seq', data: '/payload' },
            resume: { query: 'after' },
            key,
            protocols: async (reason) => {
              const count = heard.push(`asked ${reason}`)
              // It hangs the third time.
              return count === 3 ? new Promise<never>(() => {}) : ['v1', `${name}-${count}`]
            },
          }) as typeof globalThis.socket
        },
        [server.url, name, key] as const,
      )
      await expect.poll(() => tab.page.evaluate(() => socket.status.state), POLL).toBe('open')
    }
    const [one, other, stranger] = tabs
    await openAs(one, 'one', 'a user')
    await openAs(other, 'other', 'a user')
    expect(offered).toEqual(['v1, one-1'])
    expect(await other.page.evaluate(() => socket.status.protocol)).toBe('one-1')
    server.cut()
    await server.waitForRequests(2)
    await server.waitForConnections(1)
    expect(offered).toEqual(['v1, one-1', 'v1, one-2'])
    server.cut()
    await reach(one, 'asked retry')
    await expect.poll(async () => (await heardBy(one)).length, POLL).toBe(3)
    // It dies while it is asked.
    await one.page.close()
    await server.waitForRequests(3)
    expect(offered.at(-1)).toBe('v1, other-1')
    await openAs(stranger, 'stranger', 'another user')
    expect(server.connections).toBe(2)
    expect(offered.at(-1)).toBe('v1, stranger-1')
  })

  test('a server that answers no heartbeat is given up', async () => {
    const set = await stage()
    const server = await startSocketServer()
    const [tab] = (await set.openMany(1, page)) as [Tab]
    let isDead = false
    server.onMessage = (socket) => isDead || socket.send('{"type":"pong"}')
    const heartbeat = { every: 1_000, send: { type: 'ping' }, expect: 'pong', within: 2_000 }
    await listen(tab, server.url, { ...FRAMED, heartbeat })
    await server.changes.until(
      () => server.received.length >= 2,
      () => 'two heartbeats',
    )
    expect(server.requests).toHaveLength(1)
    isDead = true
    await server.waitForRequests(2)
    // A gap may be told, since nothing has come that could be asked after.
    expect((await heardBy(tab)).filter((text) => !text.startsWith('gap'))).toEqual([])
  })

  test('more than six of them have no limit, and take no connection from requests', async () => {
    const set = await stage()
    const server = await startSocketServer()
    const tabs = await set.openMany(8, page)
    for (const [index, tab] of tabs.entries()) await listen(tab, `${server.url}?tab=${index}`)
    expect(server.connections).toBe(8)
    const { origins } = await inspect(tabs[0] as Tab)
    expect(origins).toMatchObject([{ limit: Number.POSITIVE_INFINITY, live: 8, parked: 0 }])
  })

  test('pages see the subprotocol that the server has chosen, and why it closed; others do not', async () => {
    const set = await stage()
    const server = await startSocketServer()
    const tabs = await set.openMany(3, page)
    const [one, late, other] = tabs as [Tab, Tab, Tab]
    const options = { ...FRAMED, protocols: ['v1', 'v2'] }
    await listen(one, server.url, options)
    // The other tab has a stream of its own, and looks into the hub's life.
    await listen(other, `${server.url}?other`)
    const protocolIn = ({ page }: Tab) => page.evaluate(() => socket.status.protocol)
    expect(await protocolIn(one)).toBe('v2')
    expect(await protocolIn(other)).toBe('')
    await one.page.evaluate(() => {
      socket.onStatus(({ state, protocol, error }) => {
        if (error) heard.push(`${state} ${protocol}, ${error.status}: ${error.body}`)
      })
    })
    const reason = 'ä'.repeat(61)
    for (const socket of server.sockets) socket.close(1013, `${reason}x`)
    await reach(one, `retrying , 1013: ${reason}x`)
    await server.waitForRequests(4)
    await listen(late, server.url, options)
    expect(await protocolIn(late)).toBe('v2')
    expect(await late.page.evaluate(() => socket.status.error)).toBeUndefined()
    const life = await other.page.evaluate(async () => {
      const { life } = await tabstream.inspect({ seen: {}, entries: 100 })
      return life.streams.filter(({ isYours }) => !isYours).map((one) => JSON.stringify(one))
    })
    expect(life).toHaveLength(1)
    expect(life[0]).toContain('the server closed the WebSocket (1013)')
    expect(life[0]).not.toContain(reason)
    expect(life[0]).not.toContain('v2')
  })

  test.each([
    [4000, {}],
    [1000, { closeCodes: { 1000: 'end' } }],
  ] as const)('a code that says so ends the stream: %i', async (code, options) => {
    const set = await stage()
    const server = await startSocketServer()
    const [tab] = (await set.openMany(1, page)) as [Tab]
    await listen(tab, server.url, options)
    for (const socket of server.sockets) socket.close(code, 'you are banned')
    await expect.poll(() => tab.page.evaluate(() => socket.status.state), POLL).toBe('closed')
    expect(await tab.page.evaluate(() => socket.status.error)).toEqual({
      message: `the server closed the WebSocket (${code})`,
      status: code,
      contentType: '',
      body: 'you are banned',
    })
    expect(server.requests).toHaveLength(1)
    const problem = await tab.page.evaluate(() => socket.send('a').catch(({ type }) => type))
    expect(problem).toBe('not-sent')
  })
})
