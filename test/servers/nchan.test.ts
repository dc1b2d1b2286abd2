import { test } from 'vitest'
import { useBrowser } from '../browser/stage.ts'
import { startCluster } from './nchan.ts'
import { needs } from './program.ts'
import { publisher } from './publisher.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

test('Nchan with Redis, two nodes, one is killed under load', async (context) => {
  needs(context, 'nginx', 'nchan', 'redis-server')
  const set = await stage()
  const { first, second, front } = await startCluster(set)
  const sender = publisher(({ event = '', data = '' }) => ({
    url: `${second.origin}/publish/busy`,
    headers: { 'x-eventsource-event': event, 'content-type': 'text/plain' },
    body: data,
  }))
  const trial = await Trial.begin(context, set, { origin: front.origin, sender })
  trial.feed.start()
  await trial.feed.more(200)
  await first.kill()
  await trial.feed.more(200)
  await trial.isLive()
  await trial.conclude()
})

test('Nchan, several channels in one stream, one node is killed under load', async (context) => {
  needs(context, 'nginx', 'nchan', 'redis-server')
  const set = await stage()
  const { first, second, front } = await startCluster(set)
  let count = 0
  const sender = publisher(({ event = '', data = '' }) => ({
    url: `${second.origin}/publish/${count++ % 2 === 0 ? 'odd' : 'even'}`,
    headers: { 'x-eventsource-event': event, 'content-type': 'text/plain' },
    body: data,
  }))
  const trial = await Trial.begin(context, set, {
    origin: front.origin,
    sender,
    path: '/events/odd,even',
    lanes: 2,
  })
  trial.feed.start()
  await trial.feed.more(200)
  await first.kill()
  await trial.feed.more(200)
  await trial.isLive()
  await trial.conclude({ gaps: 1, isCertain: false })
})
