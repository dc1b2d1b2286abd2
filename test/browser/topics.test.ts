import { describe, expect, test } from 'vitest'
import type { HostName } from '../../src/index.ts'
import { killWorker, type Tab } from './browser.ts'
import { CentrifugoServer } from './centrifugo-server.ts'
import { ESSENTIAL, type Stage, useBrowser } from './stage.ts'
import { MERCURE, NCHAN, NTFY, PLAIN, PUSHPIN, TopicServer, WIKIMEDIA, type Wire } from './topic-server.ts'
import { add, COUNT, type EngineName, expectWhole, hear, notedBy, open, reach, remove } from './topic-tabs.ts'

const stage = useBrowser()

const HOSTS: readonly HostName[] = ['shared-worker', 'leader']

const WIRES: Readonly<Record<Exclude<EngineName, 'centrifugo'>, Wire>> = {
  plain: PLAIN,
  mercure: MERCURE,
  ntfy: NTFY,
  pushpin: PUSHPIN,
  nchan: NCHAN,
  wikimedia: WIKIMEDIA,
}

const PATHS: Partial<Readonly<Record<EngineName, string>>> = {
  ntfy: '/events/{topics}/sse',
  nchan: '/events/{topics}',
  wikimedia: '/events/{topics}',
}

const pathOf = (engine: EngineName) => PATHS[engine] ?? '/events/topics'

type Server = TopicServer | CentrifugoServer

/** Publishes 100 events a second, of the topics in turn. */
function load(server: Server, topics: readonly string[]): () => void {
  let turn = 0
  const timer = setInterval(() => {
    const topic = topics[turn++ % topics.length] ?? ''
    server.publish(topic)
    if (turn % 20 === 0) server.heartbeat()
  }, 10)
  return () => clearInterval(timer)
}

function serve({ server }: Stage, engine: EngineName): Server {
  const topics = engine === 'centrifugo' ? new CentrifugoServer() : new TopicServer(WIRES[engine])
  server.answer(pathOf(engine).replace(/{.*/, ''), topics.answer)
  server.answer(COUNT, (_request, response) => response.end(String(topics.log.length)))
  return topics
}

describe.each(HOSTS)('topics, %s', (host) => {
  const page = `/page?host=${host}`

  test.each<EngineName>(['mercure', 'plain', 'ntfy', 'pushpin', 'nchan', 'centrifugo', 'wikimedia'])(
    '%s: three tabs change their minds under load, through a cut and the death of the hub',
    host === 'shared-worker' ? ESSENTIAL : {},
    async (engine) => {
      const set = await stage()
      const server = serve(set, engine)
      const [first, second, third] = (await set.openMany(3, page)) as [Tab, Tab, Tab]
      for (const tab of [first, second, third]) await open(tab, engine, pathOf(engine))
      const stop = load(server, ['a', 'b', 'c', 'd'])
      await Promise.all([add(first, 'a'), add(second, 'b'), add(third, 'c')])
      await add(second, 'a')
      await remove(third, 'c')
      await add(third, 'd')
      server.cut()
      await add(third, 'b')
      await remove(second, 'a')
      await add(first, 'c')
      // Of a channel that has just been added only IDs tell a new hub where it has begun: without one, a gap is due.
      if (engine === 'centrifugo') await hear(first, 'c')
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
        expect(expectWhole(await notedBy(tab), server)).toBe(0)
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
