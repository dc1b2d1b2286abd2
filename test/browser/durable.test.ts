import { describe, expect, onTestFinished, test } from 'vitest'
import type * as Durable from '../../src/durable/index.ts'
import type { HostName } from '../../src/index.ts'
import type { Tab } from './browser.ts'
import { DurableServer } from './durable-server.ts'
import { endHub } from './end-hub.ts'
import { expectHeard } from './heard.ts'
import { ESSENTIAL, type Stage, useBrowser } from './stage.ts'

const stage = useBrowser()

const HOSTS: readonly HostName[] = ['shared-worker', 'leader']

const MODES = ['sse', 'long-poll'] as const

const WAYS = HOSTS.flatMap((host) => MODES.map((live) => ({ host, live })))

async function startDurableServer(type?: string): Promise<DurableServer> {
  const server = await DurableServer.start(type)
  onTestFinished(() => server.stop())
  return server
}

type Options = Durable.DurableConnectOptions & { events?: undefined }

/** Opens a stream in a tab, which keeps what it hears: data, `gap REASON`, and `end` with why. */
async function listen({ page }: Tab, url: string, options: Options): Promise<void> {
  await page.evaluate(
    async ([url, options]) => {
      const { connectDurable } = await importModule<typeof Durable>('durable.js')
      globalThis.heard = []
      const stream = connectDurable(url, options)
      stream.on('*', ({ name, data }) => heard.push(name === 'message' ? data : `${name} ${data}`))
      stream.onGap(({ reason }) => heard.push(`gap ${reason}`))
      await new Promise<void>((resolve) => {
        const look = () => {
          const { state, error } = stream.status
          if (state === 'closed') heard.push(`end ${error?.message ?? ''}`)
          if (state !== 'connecting') resolve()
        }
        stream.onStatus(look)
        look()
      })
    },
    [url, options] as const,
  )
}

describe.each(WAYS)('a Durable Stream, $host, $live', ({ host, live }) => {
  const page = `/page?host=${host}`

  test(
    'three tabs share it, and miss nothing through cuts, a restart and a takeover',
    host === 'shared-worker' ? ESSENTIAL : {},
    async () => {
      const set = await stage()
      const server = await startDurableServer()
      const all: string[] = []
      let number = 0
      /** Batches of one, two and three messages. */
      const append = async (what: string) => {
        for (let size = 1; size <= 3; size++) {
          const messages = Array.from({ length: size }, () => ({ what, number: ++number }))
          all.push(...messages.map((message) => JSON.stringify(message)))
          await server.append(...messages)
        }
      }
      await append('before')
      const tabs = await set.openMany(3, page)
      const [first, ...others] = tabs as [Tab, ...Tab[]]
      await listen(first, server.url, { live })
      await expectHeard([first], all)
      for (const tab of others) await listen(tab, server.url, { live, since: '-1' })
      await expectHeard(tabs, all)
      await append('live')
      await expectHeard(tabs, all)
      expect(server.connections).toBe(1)

      server.cut()
      await append('cut')
      await expectHeard(tabs, all)

      await server.halt()
      await server.startAgain()
      await append('restarted')
      await expectHeard(tabs, all)

      const left = await endHub(host, set, tabs)
      await append('taken over')
      await expectHeard(left, all)
      await append('after')
      await expectHeard(left, all)
      await server.until(() => server.connections === 1, 'one connection')
    },
  )
})

describe.each(WAYS)('what a server of Durable Streams says, $host, $live', ({ host, live }) => {
  const page = `/page?host=${host}`

  /** Two tabs that have had these messages. */
  async function openTwo(server: DurableServer, options: Options = {}): Promise<[Stage, Tab[]]> {
    const set = await stage()
    const tabs = await set.openMany(2, page)
    for (const tab of tabs) await listen(tab, server.url, { live, ...options })
    return [set, tabs]
  }

  /** Two tabs that have had 1 and 2, and then 3. */
  async function openAfterThree(server: DurableServer): Promise<Tab[]> {
    const [, tabs] = await openTwo(server)
    await server.append(1, 2)
    await server.append(3)
    await expectHeard(tabs, ['1', '2', '3'])
    return tabs
  }

  test('a stream that has become shorter is a gap, and all that it has', async () => {
    const server = await startDurableServer()
    const tabs = await openAfterThree(server)
    await server.replaceBy([4])
    await expectHeard(tabs, ['1', '2', '3', 'gap history-lost', '4'])
    await server.append(5)
    await expectHeard(tabs, ['1', '2', '3', 'gap history-lost', '4', '5'])
  })

  test('a stream that has another message at an offset is a gap, and what it has from there on', async () => {
    const server = await startDurableServer()
    const tabs = await openAfterThree(server)
    await server.replaceBy([1, 2], [4])
    await expectHeard(tabs, ['1', '2', '3', 'gap history-lost', '4'])
  })

  test('history that is gone is a gap, and what there is follows', async () => {
    const server = await startDurableServer()
    const [, tabs] = await openTwo(server)
    await server.append(1, 2)
    await expectHeard(tabs, ['1', '2'])
    server.refuse()
    await server.delete()
    await server.create()
    await server.append(3, 4)
    await server.append(5)
    const gone = new Set<string>()
    server.answer = (query, response) => {
      const offset = query.get('offset') ?? ''
      // As it is after that: what there is has offsets of its own.
      if (offset === '-1') server.answer = undefined
      if (offset === '-1') return false
      gone.add(offset)
      response.writeHead(410, { 'Access-Control-Allow-Origin': '*' }).end()
      return true
    }
    await expectHeard(tabs, ['1', '2', 'gap history-lost', '3', '4', '5'])
    await server.append(6)
    await expectHeard(tabs, ['1', '2', 'gap history-lost', '3', '4', '5', '6'])
    // Each place that was known. A hub that has been cut off asks some more, to find out why.
    expect(gone.size).toBe(2)
  })

  test('a stream that is closed ends, and is not asked for again', async () => {
    const server = await startDurableServer()
    const [, tabs] = await openTwo(server)
    await server.append({ type: 'news', n: 1 })
    await server.append('last')
    await server.close()
    await expectHeard(tabs, ['{"type":"news","n":1}', '"last"', 'end '])
    await server.until(() => server.connections === 0, 'no connection')
    const { length } = server.reads
    await server.halt()
    expect(server.reads).toHaveLength(length)
  })

  test('text comes as it is, and none of it twice', async () => {
    const server = await startDurableServer('text/plain')
    const [set, tabs] = await openTwo(server)
    await server.append('Why is')
    await expectHeard(tabs, ['Why is'])
    await server.append(' the sky')
    await expectHeard(tabs, ['Why is', ' the sky'])
    server.cut()
    await server.append(' blue?')
    await expectHeard(tabs, ['Why is', ' the sky', ' blue?'])
    await server.append(' Because')
    await expectHeard(tabs, ['Why is', ' the sky', ' blue?', ' Because'])
    const left = await endHub(host, set, tabs)
    await server.append(' light\n')
    await expectHeard(left, ['Why is', ' the sky', ' blue?', ' Because', ' light\n'])
  })

  test('names are where the frame says, and only what is new comes from "now" on', async () => {
    const server = await startDurableServer()
    await server.append({ type: 'old' })
    const [, tabs] = await openTwo(server, { offset: 'now', frame: { name: '/type', data: '/value' } })
    server.cut()
    await server.append({ type: 'new', value: { n: 1 } })
    await expectHeard(tabs, ['new {"n":1}'])
  })

  test('a quiet stream is asked for once in the time that the server waits', async () => {
    const server = await startDurableServer()
    const [, tabs] = await openTwo(server)
    await server.append(1)
    await expectHeard(tabs, ['1'])
    const { length } = server.reads
    const sse = live === 'sse'
    const begun = performance.now()
    // As many as there can be of what takes 700 ms, or of none at all.
    if (!sse) await server.until(() => server.reads.length >= length + 3, 'three more rounds')
    await server.append(2)
    await expectHeard(tabs, ['1', '2'])
    const most = sse ? 0 : 2 + Math.ceil((performance.now() - begun) / 700)
    expect(server.reads.length - length).toBeLessThanOrEqual(most)
    const [first, second] = server.reads.map((query) => [...query.keys()].join())
    expect([first, second]).toEqual(['offset', 'live,offset'])
    expect([...(server.reads.at(-1)?.keys() ?? [])]).toEqual(
      sse ? ['live', 'offset'] : ['cursor', 'live', 'offset'],
    )
  })

  test('a server that is overloaded is asked again after the time that it says', async () => {
    const server = await startDurableServer()
    const [, tabs] = await openTwo(server)
    await server.append(1)
    await expectHeard(tabs, ['1'])
    let refusals = 2
    server.answer = (_, response) => {
      if (refusals-- <= 0) return false
      const status = refusals === 1 ? 429 : 503
      response.writeHead(status, { 'Retry-After': '1', 'Access-Control-Allow-Origin': '*' }).end()
      return true
    }
    server.cut()
    await server.append(2)
    await expectHeard(tabs, ['1', '2'])
    expect(server.statuses.filter((status) => status >= 400)).toEqual([429, 503])
  })
})
