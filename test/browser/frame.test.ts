import { describe, expect, test } from 'vitest'
import { inspect, record, type Tab } from './browser.ts'
import { ESSENTIAL, type Stage, useBrowser } from './stage.ts'

// The hidden frame in which a leader holds its connections.

const stage = useBrowser()

const removals: [string, () => void][] = [
  ['takes it out', () => document.querySelector('iframe')?.remove()],
  ['replaces <html>', () => document.documentElement.replaceWith(document.createElement('html'))],
  [
    'opens the document anew',
    () => {
      document.open()
      document.write('<!doctype html><title>again</title>')
      document.close()
    },
  ],
]

async function leaderAndFollower({ server, open }: Stage) {
  const channel = server.channel('news')
  const tabs: Tab[] = []
  const recordings = []
  for (const _role of ['leader', 'follower']) {
    const tab = await open('/page?host=leader')
    const recording = await record(tab, '/events/news', ['message'])
    await recording.waitForSignals('open')
    tabs.push(tab)
    recordings.push(recording)
  }
  const [leader] = tabs
  if (leader === undefined || !(await inspect(leader)).isHere) throw new Error('the first tab does not lead')
  return { channel, leader, recordings }
}

describe('nothing is lost', () => {
  test.each(removals)('when the page %s', ESSENTIAL, async (_what, remove) => {
    const { channel, leader, recordings } = await leaderAndFollower(await stage())
    channel.send({ data: '1' }, { data: '2' })
    for (const recording of recordings) await recording.reach('2')
    expect(await leader.page.evaluate(() => document.querySelectorAll('iframe').length)).toBe(1)
    await leader.page.evaluate(remove)
    await channel.until(
      () => channel.totalConnections === 2 && channel.connections === 1,
      'another connection',
    )
    channel.send({ data: '3' })
    // In the leader, `document.open()` takes all listeners away; in its follower nothing has happened.
    await recordings.at(-1)?.reach('3')
    expect(await recordings.at(-1)?.data()).toEqual(['1', '2', '3'])
  })
})

test('another takes its place, also while the server has not answered yet', ESSENTIAL, async () => {
  const { channel, leader, recordings } = await leaderAndFollower(await stage())
  const frames = () => leader.page.evaluate(() => document.querySelectorAll('iframe').length)
  const remove = () => leader.page.evaluate(() => document.querySelector('iframe')?.remove())
  channel.hold()
  await remove()
  await channel.until(() => channel.requests.length === 2, 'another request')
  expect(await frames()).toBe(1)
  await remove()
  await channel.until(() => channel.requests.length === 3, 'a third request')
  expect(await frames()).toBe(1)
  channel.release()
  await channel.until(() => channel.connections === 1, 'one connection')
  channel.send({ data: 'x' })
  for (const recording of recordings) await recording.reach('x')
})

test('no style of the page shows it', ESSENTIAL, async () => {
  const { leader } = await leaderAndFollower(await stage())
  const shown = await leader.page.evaluate(() => {
    document.head.append(
      Object.assign(document.createElement('style'), {
        textContent: 'iframe, [hidden] { display: block !important; width: 300px; height: 200px }',
      }),
    )
    const [frame] = document.querySelectorAll('iframe')
    return frame?.getBoundingClientRect().height
  })
  expect(shown).toBe(0)
})
