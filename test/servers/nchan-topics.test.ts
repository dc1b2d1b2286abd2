import { expect, test } from 'vitest'
import type { Tab } from '../browser/browser.ts'
import { useBrowser } from '../browser/stage.ts'
import { add, expectWhole, hear, notedBy, open, reach, remove } from '../browser/topic-tabs.ts'
import { startCluster } from './nchan.ts'
import { needs } from './program.ts'
import { publisher } from './publisher.ts'
import { TopicFeed } from './topic-feed.ts'

const stage = useBrowser()

/** How often Nchan is asked to resume, at least: each of the changes of topics, and the node that is killed. */
const RESUMPTIONS = 6

test('Nchan with Redis, two nodes: three tabs change their topics under load, one node is killed', async (context) => {
  needs(context, 'nginx', 'nchan', 'redis-server')
  const set = await stage()
  const { first: node, second: other, front } = await startCluster(set)
  const sender = publisher(({ event = '', data = '' }) => ({
    url: `${other.origin}/publish/${event}`,
    headers: { 'content-type': 'text/plain' },
    body: data,
  }))
  const feed = new TopicFeed(set, (event, data) => sender.send({ event, data }))
  const tabs = (await set.openMany(3, `${front.origin}/page?host=shared-worker`)) as [Tab, Tab, Tab]
  const [first, second, third] = tabs
  for (const tab of tabs) await open(tab, 'nchan', '/events/{topics}')
  feed.start(['a', 'b', 'c', 'd'])
  await Promise.all([add(first, 'a'), add(second, 'b'), add(third, 'c')])
  await hear(second, 'b')
  await hear(third, 'c')
  await add(second, 'a')
  await remove(third, 'c')
  await add(third, 'd')
  await feed.more(100)
  await node.kill()
  await add(third, 'b')
  await feed.more(200)
  await remove(second, 'a')
  await add(first, 'c')
  await add(second, 'd')
  await add(third, 'c')
  await feed.more(100)
  feed.stop()
  for (const topic of ['a', 'b', 'c', 'd']) feed.publish(topic)
  for (const topic of ['a', 'c']) await reach(first, topic, feed)
  for (const topic of ['b', 'd']) await reach(second, topic, feed)
  for (const topic of ['b', 'c', 'd']) await reach(third, topic, feed)
  // Nchan leaves something out now and then, when it resumes just as something new comes.
  for (const tab of tabs) expect(expectWhole(await notedBy(tab), feed)).toBeLessThanOrEqual(RESUMPTIONS)
})
