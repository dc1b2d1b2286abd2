import { expect, test } from 'vitest'
import type { Tab } from '../browser/browser.ts'
import { useBrowser } from '../browser/stage.ts'
import { add, expectWhole, hear, notedBy, open, reach, remove } from '../browser/topic-tabs.ts'
import { EventstreamOrigin } from './eventstream-origin.ts'
import { needs } from './program.ts'
import { startPushpin } from './pushpin.ts'
import { TopicFeed } from './topic-feed.ts'

const stage = useBrowser()

test('Pushpin with django-eventstream: three tabs change their topics under load, and it is restarted', async (context) => {
  needs(context, 'pushpin')
  const set = await stage()
  const pushpin = await startPushpin(set.server.origin)
  const origin = new EventstreamOrigin(set, '/events/topics', pushpin.publishing)
  const feed = new TopicFeed(set, (topic, data) => origin.send(topic, data))
  const tabs = (await set.openMany(3, `${pushpin.origin}/page?host=shared-worker`)) as [Tab, Tab, Tab]
  const [first, second, third] = tabs
  for (const tab of tabs) await open(tab, 'pushpin', '/events/topics')
  feed.start(['a', 'b', 'c', 'd'])
  await Promise.all([add(first, 'a'), add(second, 'b'), add(third, 'c')])
  await hear(second, 'b')
  await hear(third, 'c')
  await add(second, 'a')
  await remove(third, 'c')
  await add(third, 'd')
  await feed.more(100)
  await pushpin.restart()
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
  for (const tab of tabs) expect(expectWhole(await notedBy(tab), feed)).toBe(0)
})
