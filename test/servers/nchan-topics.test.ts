import { expect, test } from 'vitest'
import type { Tab } from '../browser/browser.ts'
import { useBrowser } from '../browser/stage.ts'
import { expectWhole, notedBy, open } from '../browser/topic-tabs.ts'
import { startCluster } from './nchan.ts'
import { needs } from './program.ts'
import { publisher } from './publisher.ts'
import { changeTopics, TopicFeed } from './topic-feed.ts'

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
  for (const tab of tabs) await open(tab, 'nchan', '/events/{topics}')
  await changeTopics(tabs, feed, () => node.kill())
  // Nchan leaves something out now and then, when it resumes just as something new comes.
  for (const tab of tabs) expect(expectWhole(await notedBy(tab), feed)).toBeLessThanOrEqual(RESUMPTIONS)
})
