import { describe, expect, test } from 'vitest'
import type { HostName } from '../../src/index.ts'
import type * as Topics from '../../src/topics/index.ts'
import { killWorker, type Tab } from './browser.ts'
import { ESSENTIAL, POLL, type Stage, useBrowser } from './stage.ts'
import { MERCURE, NTFY, PLAIN, PUSHPIN, TopicServer, type Wire } from './topic-server.ts'

const stage = useBrowser()

const HOSTS: readonly HostName[] = ['shared-worker', 'leader']

/** What a page has noted: events, gaps, and from where on it may rely on a topic: after so many events of the server. */
type Noted =
  | { readonly type: 'event'; readonly topic: string; readonly number: number }
  | { readonly type: 'ready' | 'off'; readonly topic: string; readonly count: number }
  | { readonly type: 'gap'; readonly reason: string }

declare global {
  // In the page.
  var topicsModule: typeof Topics
  var topics: Topics.SharedTopics<Record<string, unknown>>
  var noted: Noted[]
  var offs: Map<string, () => void>
}

type EngineName = 'plain' | 'mercure' | 'ntfy' | 'pushpin'

const WIRES: Readonly<Record<EngineName, Wire>> = {
  plain: PLAIN,
  mercure: MERCURE,
  ntfy: NTFY,
  pushpin: PUSHPIN,
}

const pathOf = (engine: EngineName) => (engine === 'ntfy' ? '/events/{topics}/sse' : '/events/topics')

/** Where the server counts what it has published. */
const COUNT = '/count'

/** Opens the stream in a tab, without any topic. */
async function open({ page }: Tab, engine: EngineName): Promise<void> {
  await page.evaluate(
    async ([engine, path]) => {
      globalThis.topicsModule = await importModule('topics.js')
      const { connectTopics, mercure, ntfy, pushpin } = topicsModule
      const topic = '/topic'
      const engines = {
        plain: { topic },
        mercure: mercure({ topic }),
        ntfy: ntfy(),
        pushpin: pushpin({ topic }),
      }
      globalThis.noted = []
      globalThis.offs = new Map()
      globalThis.topics = connectTopics(path, { engine: engines[engine] }) as typeof globalThis.topics
      topics.onGap(({ reason }) => noted.push({ type: 'gap', reason }))
    },
    [engine, pathOf(engine)] as const,
  )
}

/** Listens to a topic, and notes when it is ready. */
const add = ({ page }: Tab, topic: string): Promise<void> =>
  page.evaluate(
    async ([topic, count]) => {
      const off = topics.on(topic, ({ name, data }) => {
        noted.push({ type: 'event', topic: name, number: JSON.parse(String(data)).number })
      })
      offs.set(topic, off)
      await topics.ready(topic)
      const answer = await fetch(count)
      noted.push({ type: 'ready', topic, count: Number(await answer.text()) })
    },
    [topic, COUNT] as const,
  )

const remove = ({ page }: Tab, topic: string): Promise<void> =>
  page.evaluate((topic) => {
    offs.get(topic)?.()
    noted.push({ type: 'off', topic, count: 0 })
  }, topic)

const notedBy = ({ page }: Tab): Promise<Noted[]> => page.evaluate(() => noted)

/** Resolves when a tab has heard the last event of a topic. */
async function reach({ page }: Tab, topic: string, server: TopicServer): Promise<void> {
  const last = server.numbersOf(topic, 0).at(-1) ?? 0
  const has = () =>
    page.evaluate(
      ([topic, last]) =>
        noted.some((one) => one.type === 'event' && one.topic === topic && one.number === last),
      [topic, last] as const,
    )
  await expect.poll(has, POLL).toBe(true)
}

/** Each topic of a tab: each of its events once and in order, and from the time on that it was ready, all of them. */
function expectWhole(noted: readonly Noted[], server: TopicServer): void {
  const topics = new Set(noted.flatMap((one) => (one.type === 'gap' ? [] : [one.topic])))
  for (const topic of topics) {
    const own = noted.filter((one) => one.type !== 'gap' && one.topic === topic)
    const numbers = own.flatMap((one) => (one.type === 'event' ? [one.number] : []))
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other))
    own.forEach((one, index) => {
      if (one.type !== 'ready') return
      const rest = own.slice(index)
      const end = rest.findIndex(({ type }) => type === 'off')
      const upTo = end < 0 ? own.length : index + end
      const heard = own.slice(0, upTo).flatMap((given) => (given.type === 'event' ? [given.number] : []))
      const due = server.numbersOf(topic, one.count)
      const last = end < 0 ? (due.at(-1) ?? 0) : (heard.at(-1) ?? 0)
      expect(heard.filter((number) => number > one.count)).toEqual(due.filter((number) => number <= last))
    })
  }
}

/** Publishes 100 events a second, of the topics in turn. */
function load(server: TopicServer, topics: readonly string[]): () => void {
  let turn = 0
  const timer = setInterval(() => {
    const topic = topics[turn++ % topics.length] ?? ''
    server.publish(topic)
    if (turn % 20 === 0) server.heartbeat()
  }, 10)
  return () => clearInterval(timer)
}

function serve({ server }: Stage, engine: EngineName): TopicServer {
  const topics = new TopicServer(WIRES[engine])
  server.answer(engine === 'ntfy' ? '/events/' : '/events/topics', topics.answer)
  server.answer(COUNT, (_request, response) => response.end(String(topics.log.length)))
  return topics
}

describe.each(HOSTS)('topics, %s', (host) => {
  const page = `/page?host=${host}`

  test.each<EngineName>(['mercure', 'plain', 'ntfy', 'pushpin'])(
    '%s: three tabs change their minds under load, through a cut and the death of the hub',
    host === 'shared-worker' ? ESSENTIAL : {},
    async (engine) => {
      const set = await stage()
      const server = serve(set, engine)
      const [first, second, third] = (await set.openMany(3, page)) as [Tab, Tab, Tab]
      for (const tab of [first, second, third]) await open(tab, engine)
      const stop = load(server, ['a', 'b', 'c', 'd'])
      await Promise.all([add(first, 'a'), add(second, 'b'), add(third, 'c')])
      await add(second, 'a')
      await remove(third, 'c')
      await add(third, 'd')
      server.cut()
      await add(third, 'b')
      await remove(second, 'a')
      await add(first, 'c')
      const left = [second, third]
      if (host === 'shared-worker') {
        await killWorker(set.context, set.server.origin)
        left.push(first)
      } else await first.page.close()
      await add(second, 'd')
      await add(third, 'c')
      stop()
      for (const topic of ['a', 'b', 'c', 'd']) server.publish(topic)
      for (const topic of ['b', 'd']) await reach(second, topic, server)
      for (const topic of ['b', 'c', 'd']) await reach(third, topic, server)
      for (const tab of left) {
        const noted = await notedBy(tab)
        expect(noted.filter(({ type }) => type === 'gap')).toEqual([])
        expectWhole(noted, server)
      }
      // That of a killed worker may outlive it for a while.
      await server.changes.until(
        () => server.connections === 1,
        () => `${server.connections} connections`,
      )
      expect(server.requests.at(-1)?.topics).toEqual(expect.arrayContaining(['b', 'c', 'd']))
    },
  )
})
