import { join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { HostName } from '../../src/index.ts'
import type * as Sources from '../../src/source/index.ts'
import type { Tab } from './browser.ts'
import { endHub } from './end-hub.ts'
import { GraphqlServer } from './graphql-server.ts'
import { SocketServer } from './socket-server.ts'
import { ESSENTIAL, POLL, type Stage, useBrowser } from './stage.ts'

const stage = useBrowser()

const HOSTS: readonly HostName[] = ['shared-worker', 'leader']

declare global {
  // In the page.
  var ownStream: Sources.SharedSourceStream
  var told: string[]
}

/** Scripts as an app's build makes them. */
const scripts = new Map<string, string>()

const DIST = join(import.meta.dirname, '../../dist')

beforeAll(async () => {
  const names = ['graphql-source', 'numbered-source', 'own-worker']
  for (const name of names) {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, `sources/${name}.js`)],
      bundle: true,
      format: name === 'own-worker' ? 'iife' : 'esm',
      alias: { 'tabstream/source': join(DIST, 'source.js'), 'tabstream/worker': join(DIST, 'worker.js') },
      write: false,
      logLevel: 'error',
    })
    scripts.set(`/${name}.js`, outputFiles[0]?.text ?? '')
  }
})

async function setStage(): Promise<Stage> {
  const set = await stage()
  for (const [path, code] of scripts)
    set.server.answer(path, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/javascript' })
      response.end(code)
    })
  return set
}

/** Opens a stream in a tab, which keeps what it is told: `NAME DATA`, `gap REASON`. */
async function listen(
  { page }: Tab,
  url: string,
  options: Sources.SourceConnectOptions,
  worker?: string,
): Promise<void> {
  await page.evaluate(
    async ([url, options, worker]) => {
      const { connectSource } = (await importModule('source.js')) as typeof Sources
      if (worker !== undefined) tabstream.configure({ worker })
      globalThis.told = []
      globalThis.ownStream = connectSource(url, options as { source: string })
      ownStream.on('*', ({ name, data }) => told.push(`${name} ${data}`))
      ownStream.onGap(({ reason }) => told.push(`gap ${reason}`))
    },
    [url, options, worker] as const,
  )
}

/** Resolves when each tab's stream is open. */
async function untilOpen(tabs: readonly Tab[]): Promise<void> {
  for (const { page } of tabs)
    await expect.poll(() => page.evaluate(() => ownStream.status.state), POLL).toBe('open')
}

const toldTo = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => told)

/** Resolves when each tab has been told all this, and asserts that it was told nothing else. */
async function expectTold(tabs: readonly Tab[], all: readonly string[]): Promise<void> {
  for (const tab of tabs) {
    await expect
      .poll(() => tab.page.evaluate((last) => told.includes(last), all.at(-1) ?? ''), POLL)
      .toBe(true)
    expect(await toldTo(tab)).toEqual(all)
  }
}

const tick = (number: number) => `message {"tick":${number}}`

const OPTIONS = { query: 'subscription { tick }' }

describe.each(HOSTS)('a source of the app’s own, %s', (host) => {
  const page = `/page?host=${host}`

  test(
    'has one socket and one subscription of graphql-ws for all tabs, through a restart and a takeover',
    host === 'shared-worker' ? ESSENTIAL : {},
    async () => {
      const set = await setStage()
      const server = await GraphqlServer.start()
      onTestFinished(() => server.stop())
      const tabs = await set.openMany(2, page)
      const source = '/graphql-source.js#graphql'
      for (const tab of tabs) await listen(tab, server.url, { source, options: OPTIONS })
      await server.waitForSubscriptions(1)
      await untilOpen(tabs)
      server.send(1)
      server.send(2)
      await expectTold(tabs, [tick(1), tick(2)])
      expect([server.sockets, server.subscriptions, server.begun]).toEqual([1, 1, 1])

      await server.stop()
      await server.restart()
      await server.waitForSubscriptions(2)
      server.send(3)
      const before = [tick(1), tick(2), 'gap unresumable', tick(3)]
      await expectTold(tabs, before)

      const left = await endHub(host, set, tabs)
      await server.waitForSubscriptions(3)
      server.send(4)
      await expectTold(left, [...before, 'gap unresumable', tick(4)])
    },
  )

  test('that has IDs loses nothing and doubles nothing through a cut and a takeover', ESSENTIAL, async () => {
    const set = await setStage()
    const server = await SocketServer.start()
    onTestFinished(() => server.stop())
    const tabs = await set.openMany(3, page)
    for (const tab of tabs)
      await listen(tab, server.url, { source: '/numbered-source.js', options: { after: 'after' } })
    await untilOpen(tabs)
    const all = () => server.log.map((name, index) => `${name} {"number":${index + 1}}`)
    for (let number = 0; number < 20; number++) server.send('tick')
    await expectTold(tabs, all())
    server.cut()
    for (let number = 0; number < 20; number++) server.send('cut')
    await expectTold(tabs, all())
    const left = await endHub(host, set, tabs)
    for (let number = 0; number < 20; number++) server.send('taken over')
    await expectTold(left, all())
    expect(server.requests).toHaveLength(3)
    expect(server.requests.at(-1)).toMatch(/after=\d+/)
  })

  test('is given what tabs send, and its refusal is theirs', async () => {
    const set = await setStage()
    const server = await SocketServer.start()
    onTestFinished(() => server.stop())
    const [tab] = (await set.openMany(1, page)) as [Tab]
    await listen(tab, server.url, { source: '/numbered-source.js', options: { after: 'after' } })
    await tab.page.evaluate(() => ownStream.send({ a: 1 }))
    await expect.poll(() => server.received.map(({ text }) => text), POLL).toEqual(['{"a":1}'])
    const problem = await tab.page.evaluate(() =>
      ownStream.send({ refused: true }).catch(({ type, message }) => `${type} ${message}`),
    )
    expect(problem).toBe('not-sent tabstream: the message has not been sent: it is refused')
  })

  test('that the hub does not know ends its stream, and no other', async () => {
    const set = await setStage()
    const [tab] = (await set.openMany(1, page)) as [Tab]
    await listen(tab, '/graphql', { source: 'nobody' })
    await expect.poll(() => tab.page.evaluate(() => ownStream.status.state), POLL).toBe('closed')
    expect(await tab.page.evaluate(() => ownStream.status.error?.message)).toMatch(
      /#nobody.*neither provided/,
    )
    await tab.page.evaluate(() => {
      globalThis.told = []
      tabstream.connect('/events/a').on('message', ({ data }) => told.push(data))
    })
    await set.server.waitForRequest('/events/a')
    set.server.channel('a').send({ data: 'still here' })
    await expectTold([tab], ['still here'])
  })
})

test('a source is provided by a worker of the app’s own, under a name', async () => {
  const set = await setStage()
  const server = await GraphqlServer.start()
  onTestFinished(() => server.stop())
  const tabs = await set.openMany(2)
  for (const tab of tabs)
    await listen(tab, server.url, { source: 'graphql', options: OPTIONS }, '/own-worker.js')
  await server.waitForSubscriptions(1)
  await untilOpen(tabs)
  server.send(1)
  await expectTold(tabs, [tick(1)])
  expect([server.sockets, server.begun]).toEqual([1, 1])
})

test('what a source throws at any time harms no stream', async () => {
  const set = await setStage()
  set.server.answer('/throwing.js', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/javascript' })
    response.end(`import { defineSource } from '/tabstream/define-source.js'
      export const source = defineSource(() => ({
        open(connection) {
          setTimeout(() => { throw new Error('a mistake') })
          Promise.reject(new Error('another one'))
          setTimeout(() => connection.emit({ data: 'later' }), 50)
        },
      }))`)
  })
  const [tab] = (await set.openMany(1, '/page?host=shared-worker')) as [Tab]
  await listen(tab, '/any', { source: '/throwing.js' })
  await expectTold([tab], ['message later'])
  expect(await tab.page.evaluate(async () => (await tabstream.inspect()).host)).toBe('shared-worker')
})
