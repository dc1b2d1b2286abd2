import { describe, expect, onTestFinished, test } from 'vitest'
import type { HostName } from '../../src/index.ts'
import type * as Lines from '../../src/lines/index.ts'
import type { Tab } from './browser.ts'
import { expectHeard } from './heard.ts'
import { LineServer } from './line-server.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

const stage = useBrowser()

const HOSTS: readonly HostName[] = ['shared-worker', 'leader']

const FRAMED = {
  frame: { name: '/event', id: '/id', data: '/message' },
  resume: { query: 'since' },
} as const

async function startLineServer(): Promise<LineServer> {
  const server = await LineServer.start()
  onTestFinished(() => server.stop())
  return server
}

/** Opens a stream in a tab, which keeps what it hears: data, and `gap REASON`. */
async function listen({ page }: Tab, url: string): Promise<void> {
  await page.evaluate(
    async ([url, options]) => {
      const { connectLines } = await importModule<typeof Lines>('lines.js')
      globalThis.heard = []
      const stream = connectLines(url, options)
      stream.on('*', ({ data }) => heard.push(data))
      stream.onGap(({ reason }) => heard.push(`gap ${reason}`))
      await new Promise<void>((resolve) => {
        const look = () => stream.status.state === 'open' && resolve()
        stream.onStatus(look)
        look()
      })
    },
    [url, FRAMED] as const,
  )
}

const allOf = ({ log }: LineServer) => log.map((name, index) => `${name} ${index + 1}`)

describe.each(HOSTS)('a stream of lines, %s', (host) => {
  const page = `/page?host=${host}`

  const options = host === 'shared-worker' ? ESSENTIAL : {}
  test('six tabs share one, and miss nothing where it breaks within a line', options, async () => {
    const set = await stage()
    const server = await startLineServer()
    const tabs = await set.openMany(6, page)
    for (const tab of tabs) await listen(tab, server.url)
    expect(server.connections).toBe(1)
    for (let count = 0; count < 10; count++) server.send('a')
    await expectHeard(tabs, allOf(server))

    server.cutWithin('cut')
    for (let count = 0; count < 10; count++) server.send('missed')
    await expectHeard(tabs, allOf(server))
    server.send('b')
    await expectHeard(tabs, allOf(server))
    expect(server.requests).toEqual(['/json', '/json?since=9'])
    // The ID is in no header, so no browser asks first.
    expect(server.methods).toEqual(['GET', 'GET'])
  })

  test('without IDs a cut leaves a gap', async () => {
    const set = await stage()
    const server = await startLineServer()
    server.resumes = false
    const tabs = await set.openMany(2, page)
    for (const tab of tabs) await listen(tab, server.url)
    server.send('a')
    await expectHeard(tabs, ['a 1'])
    server.cutWithin('cut')
    await server.waitForRequests(2)
    server.send('b')
    await expectHeard(tabs, ['a 1', 'gap unresumable', 'b 3'])
  })
})
