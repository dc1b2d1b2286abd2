import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { SharedStream } from '../../src/index.ts'
import type { Tab } from './browser.ts'
import { whenReady } from './browser.ts'
import { ESSENTIAL, type Stage, useBrowser } from './stage.ts'
import { Changes } from './until.ts'

// Whose events a page is given, as SECURITY.md says: two users of one browser.

const stage = useBrowser()

const HOSTS = ['shared-worker', 'leader'] as const

declare global {
  // They live in the page.
  var given: string[]
  var opened: { close(): void; end?(): void }
  var tokens: { token: string }
}

/** A server that knows its users by cookie or token, marks each event with the user of the connection, and replays nothing. */
class Users {
  /** Of each connection so far, or why it was refused. */
  readonly connections: string[] = []
  readonly #open = new Map<ServerResponse, string>()
  readonly #changes = new Changes()
  readonly #refused: readonly string[]
  #count = 0

  constructor({ server }: Stage, refused: readonly string[] = []) {
    this.#refused = refused
    server.answer('/private', (request, response) => this.#handle(request, response))
    server.answer('/login', (request, response) => {
      const query = new URL(request.url ?? '', server.origin).searchParams
      const headers = { 'set-cookie': `user=${query.get('user')}; Path=/` }
      const to = query.get('to')
      response.writeHead(to === null ? 204 : 302, to === null ? headers : { ...headers, location: to }).end()
    })
  }

  /** Whose connections are open, sorted. */
  get open(): string[] {
    return [...this.#open.values()].sort()
  }

  /** An event to each user, such as `alice 1`. */
  tell(): number {
    const number = ++this.#count
    for (const [response, user] of this.#open) response.write(`id: ${number}\ndata: ${user} ${number}\n\n`)
    return number
  }

  /** Resolves when just these users have connections. */
  until(...users: string[]): Promise<void> {
    return this.untilAnew(0, ...users)
  }

  /** The same, where each of them has connected since there were so many: the server can hear late that a connection has ended. */
  untilAnew(had: number, ...users: string[]): Promise<void> {
    const isSo = () =>
      JSON.stringify(this.open) === JSON.stringify(users) &&
      users.every((user) => this.connections.includes(user, had))
    return this.#changes.until(isSo, () => `${users} to be connected; ${this.connections} were`)
  }

  #handle({ headers }: IncomingMessage, response: ServerResponse): void {
    const [, cookie = ''] = /user=(\w+)/.exec(headers.cookie ?? '') ?? []
    const user = headers.authorization ?? (cookie || 'nobody')
    const isRefused = this.#refused.includes(user)
    this.connections.push(isRefused ? `${user} refused` : user)
    if (isRefused) {
      response.writeHead(401).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('retry: 10\n\n')
    this.#open.set(response, user)
    response.on('close', () => {
      this.#open.delete(response)
      this.#changes.changed()
    })
    this.#changes.changed()
  }
}

/** Opens the source, and what it is given goes to `given`. */
const openSource = (tab: Tab): Promise<void> =>
  tab.page.evaluate(() => {
    globalThis.given = []
    const source = new tabstream.SharedEventSource('/private', { replay: 'all' })
    source.onmessage = ({ data }) => given.push(data)
    globalThis.opened = source
    return new Promise<void>((resolve) => source.addEventListener('open', () => resolve(), { once: true }))
  })

/** Opens a stream whose function gives the page's token. */
const openStream = (tab: Tab, token: string, key?: string): Promise<void> =>
  tab.page.evaluate(
    ([token, key]) => {
      globalThis.given = []
      globalThis.tokens = { token }
      const headers = (): Record<string, string> =>
        tokens.token === '' ? {} : { Authorization: tokens.token }
      const stream: SharedStream = tabstream.connect('/private', { headers, ...(key && { key }) })
      stream.on('message', ({ data }) => given.push(data))
      globalThis.opened = stream
      return new Promise<void>((resolve) => {
        stream.onStatus(({ state }) => {
          if (state !== 'connecting') resolve()
        })
      })
    },
    [token, key] as const,
  )

const logIn = (tab: Tab, user: string) => tab.page.evaluate((user) => fetch(`/login?user=${user}`), user)

/** Resolves with all that the page has been given, when it has been given the event of this number. */
async function givenUpTo(tab: Tab, number: number): Promise<string[]> {
  await tab.page.waitForFunction((last) => given.at(-1)?.endsWith(` ${last}`), number)
  return tab.page.evaluate(() => given)
}

describe.each(HOSTS)('with host %s', (host) => {
  const path = `/page?host=${host}`

  test(
    'who logs in within a second, in the same page, has a connection of their own',
    ESSENTIAL,
    async () => {
      const scene = await stage()
      const users = new Users(scene)
      const tab = await scene.open(path)
      await logIn(tab, 'alice')
      await openSource(tab)
      await givenUpTo(tab, users.tell())
      await tab.page.evaluate(async () => {
        opened.close()
        await fetch('/login?user=bob')
      })
      await openSource(tab)
      await users.until('bob')
      expect(await givenUpTo(tab, users.tell())).toEqual(['bob 2'])
      expect(users.connections).toEqual(['alice', 'bob'])
    },
  )

  test('who logs in by a navigation has, while an unrelated tab lives', ESSENTIAL, async () => {
    const scene = await stage()
    const users = new Users(scene)
    // The hub lives on in it, or leads there.
    const unrelated = await scene.open(path)
    await unrelated.page.evaluate(() => {
      new tabstream.SharedEventSource('/events/news').onmessage = () => {}
    })
    await scene.server.channel('news').waitForConnections(1)
    const tab = await scene.open(path)
    await logIn(tab, 'alice')
    await openSource(tab)
    await givenUpTo(tab, users.tell())
    await tab.page.goto(scene.server.url(`/login?user=bob&to=${encodeURIComponent(path)}`))
    await whenReady(tab)
    await openSource(tab)
    await users.until('bob')
    expect(await givenUpTo(tab, users.tell())).toEqual(['bob 2'])
  })

  test('a tab that comes when another has closed its source has a connection of its own', async () => {
    const scene = await stage()
    const users = new Users(scene)
    const [one, other] = (await scene.openMany(2, path)) as [Tab, Tab]
    await logIn(one, 'alice')
    await openSource(one)
    await givenUpTo(one, users.tell())
    await one.page.evaluate(() => opened.close())
    await logIn(other, 'bob')
    await openSource(other)
    await users.until('bob')
    expect(await givenUpTo(other, users.tell())).toEqual(['bob 2'])
  })

  test('a component that is rendered anew keeps the connection', ESSENTIAL, async () => {
    const scene = await stage()
    const users = new Users(scene)
    const tab = await scene.open(path)
    await logIn(tab, 'alice')
    await openSource(tab)
    await givenUpTo(tab, users.tell())
    await tab.page.evaluate(() => {
      opened.close()
      globalThis.given = []
      const source = new tabstream.SharedEventSource('/private', { replay: 'all' })
      source.onmessage = ({ data }) => given.push(data)
      return new Promise((resolve) => source.addEventListener('open', resolve, { once: true }))
    })
    expect(await givenUpTo(tab, users.tell())).toEqual(['alice 2'])
    expect(users.connections).toEqual(['alice'])
  })

  test(
    'end() at log-out ends the sources of all tabs, and the next user has their own',
    ESSENTIAL,
    async () => {
      const scene = await stage()
      const users = new Users(scene)
      const tabs = (await scene.openMany(2, path)) as [Tab, Tab]
      await logIn(tabs[0], 'alice')
      for (const tab of tabs) await openSource(tab)
      await tabs[0].page.evaluate(() => tabstream.connect('/private').end())
      await users.until()
      await tabs[1].page.waitForFunction(() => (opened as unknown as EventSource).readyState === 2)
      await logIn(tabs[0], 'bob')
      await openSource(tabs[1])
      expect(await givenUpTo(tabs[1], users.tell())).toEqual(['bob 1'])
    },
  )

  test('tabs whose functions give nothing at first never share', ESSENTIAL, async () => {
    const scene = await stage()
    const users = new Users(scene)
    const tabs = (await scene.openMany(2, path)) as [Tab, Tab]
    for (const tab of tabs) await openStream(tab, '')
    await users.until('nobody', 'nobody')
    for (const [index, tab] of tabs.entries()) {
      await tab.page.evaluate((token) => {
        tokens.token = token
        ;(opened as SharedStream).reconnect()
      }, ['alice', 'bob'][index] as string)
    }
    await users.until('alice', 'bob')
    const number = users.tell()
    expect(await givenUpTo(tabs[0], number)).toEqual([`alice ${number}`])
    expect(await givenUpTo(tabs[1], number)).toEqual([`bob ${number}`])
  })

  test('tabs whose functions come to give others part', ESSENTIAL, async () => {
    const scene = await stage()
    const users = new Users(scene)
    const tabs = (await scene.openMany(2, path)) as [Tab, Tab]
    for (const tab of tabs) await openStream(tab, 'guest')
    await users.until('guest')
    const had = users.connections.length
    await tabs[0].page.evaluate(() => {
      tokens.token = 'alice'
      ;(opened as SharedStream).reconnect()
    })
    await users.untilAnew(had, 'alice', 'guest')
    const number = users.tell()
    expect(await givenUpTo(tabs[0], number)).toEqual([`alice ${number}`])
    expect(await givenUpTo(tabs[1], number)).toEqual([`guest ${number}`])
  })

  test('a stale token in one tab does not end the stream for the other', ESSENTIAL, async () => {
    const scene = await stage()
    const users = new Users(scene, ['stale'])
    const tabs = (await scene.openMany(2, path)) as [Tab, Tab]
    for (const tab of tabs) await openStream(tab, 'good', 'alice')
    await users.until('good')
    await tabs[0].page.evaluate(() => {
      tokens.token = 'stale'
    })
    for (let count = 0; count < 2; count++) {
      const had = users.connections.length
      await tabs[count]?.page.evaluate(() => (opened as SharedStream).reconnect())
      await users.untilAnew(had, 'good')
      await tabs[0].page.waitForFunction(() => (opened as SharedStream).status.state === 'open')
    }
    const number = users.tell()
    for (const tab of tabs) expect((await givenUpTo(tab, number)).at(-1)).toBe(`good ${number}`)
    await tabs[1].page.evaluate(() => {
      tokens.token = 'stale'
      ;(opened as SharedStream).reconnect()
    })
    for (const tab of tabs)
      await tab.page.waitForFunction(() => (opened as SharedStream).status.error?.status === 401)
    await users.until()
  })
})
