import { expect, test } from 'vitest'
import type { Tab } from '../browser/browser.ts'
import { useBrowser } from '../browser/stage.ts'
import { expectWhole, notedBy, open } from '../browser/topic-tabs.ts'
import { EventstreamOrigin } from './eventstream-origin.ts'
import { needs } from './program.ts'
import { startPushpin } from './pushpin.ts'
import { changeTopics, TopicFeed } from './topic-feed.ts'

const stage = useBrowser()

test('Pushpin with django-eventstream: three tabs change their topics under load, and it is restarted', async (context) => {
  needs(context, 'pushpin')
  const set = await stage()
  const pushpin = await startPushpin(set.server.origin)
  const origin = new EventstreamOrigin(set, '/events/topics', pushpin.publishing)
  const feed = new TopicFeed(set, (topic, data) => origin.send(topic, data))
  const tabs = (await set.openMany(3, `${pushpin.origin}/page?host=shared-worker`)) as [Tab, Tab, Tab]
  for (const tab of tabs) await open(tab, 'pushpin', '/events/topics')
  await changeTopics(tabs, feed, () => pushpin.restart())
  for (const tab of tabs) expect(expectWhole(await notedBy(tab), feed)).toBe(0)
})
