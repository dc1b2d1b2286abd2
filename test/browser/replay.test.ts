import { describe, expect, test } from 'vitest'
import { Recording, record } from './browser.ts'
import type { ServerEvent } from './channel.ts'
import { Feed } from './feed.ts'
import { ESSENTIAL, type Stage, useBrowser } from './stage.ts'

const NAMES = ['cpu', 'disk']

/** Three of one name and four of the other, and one that nobody of the latecomers asks for. */
const PAST: ServerEvent[] = [
  { event: 'cpu', data: 'cpu 1' },
  { event: 'disk', data: 'disk 1' },
  { event: 'cpu', data: 'cpu 2' },
  { event: 'cpu', data: 'cpu 3' },
  { event: 'other', data: 'other 1' },
  { event: 'disk', data: 'disk 2' },
  { event: 'cpu', data: 'cpu 4' },
  { event: 'disk', data: 'disk 3' },
]
const LIVE: ServerEvent[] = [
  { event: 'disk', data: 'disk 4' },
  { event: 'cpu', data: 'cpu 5' },
]

const stage = useBrowser()

/** A tab that has been there all the time, so that the hub has something to give again. */
async function witness({ server, open }: Stage): Promise<Recording> {
  const recording = await record(await open(), '/events/metrics', [...NAMES, 'other'])
  await recording.waitForSignals('open')
  const channel = server.channel('metrics')
  channel.send(...PAST)
  await recording.reach('disk 3')
  return recording
}

describe('a tab that comes later', () => {
  test.each([
    ['the latest two of each name', 2, ['cpu 3', 'disk 2', 'cpu 4', 'disk 3']],
    ['the latest three of each name', 3, ['disk 1', 'cpu 2', 'cpu 3', 'disk 2', 'cpu 4', 'disk 3']],
    ['more than there is', 50, ['cpu 1', 'disk 1', 'cpu 2', 'cpu 3', 'disk 2', 'cpu 4', 'disk 3']],
    ['all', 'all', ['cpu 1', 'disk 1', 'cpu 2', 'cpu 3', 'disk 2', 'cpu 4', 'disk 3']],
    ['the latest of one name', { cpu: 1 }, ['cpu 4']],
    ['the latest of both, in different numbers', { cpu: 2, disk: 1 }, ['cpu 3', 'cpu 4', 'disk 3']],
    ['the latest of a name that it does not listen to', { other: 1 }, []],
    ['nothing', 0, []],
    ['nothing by default', undefined, []],
  ] as const)('is first given what it asks for: %s; then what is live', async (_what, replay, expected) => {
    const set = await stage()
    const channel = set.server.channel('metrics')
    await witness(set)
    const tab = await set.open()
    const late = await record(tab, '/events/metrics', NAMES, replay === undefined ? {} : { replay })
    await late.waitForSignals('open')
    channel.send(...LIVE)
    await late.reach('cpu 5')
    expect(await late.data()).toEqual([...expected, 'disk 4', 'cpu 5'])
    // They are what the first tab has had, IDs and all.
    const ids = (await late.received()).map(
      ({ lastEventId }) => PAST.concat(LIVE)[Number(lastEventId) - 1]?.data,
    )
    expect(ids).toEqual(await late.data())
    expect(await late.signals()).toEqual([{ type: 'open', readyState: 1 }])
    expect(channel.totalConnections).toBe(1)
  })

  test('is given nothing twice after the connection was cut and the server has repeated events', async () => {
    const set = await stage()
    const channel = set.server.channel('metrics')
    const first = await witness(set)
    channel.cut()
    channel.send({ event: 'cpu', data: 'cpu after the cut' })
    await first.reach('cpu after the cut')
    const late = await record(await set.open(), '/events/metrics', NAMES, { replay: 2 })
    await late.waitForSignals('open')
    channel.send(...LIVE)
    await late.reach('cpu 5')
    const expected = ['disk 2', 'cpu 4', 'disk 3', 'cpu after the cut', 'disk 4', 'cpu 5']
    expect(await late.data()).toEqual(expected)
    channel.cut()
    channel.send({ event: 'cpu', data: 'end' })
    await late.reach('end')
    expect(await late.data()).toEqual([...expected, 'end'])
  })

  test('is given nothing of a name to which it listens only when the replay has begun', async () => {
    const set = await stage()
    const channel = set.server.channel('metrics')
    await witness(set)
    const tab = await set.open()
    await tab.page.evaluate(() => {
      // In the handler of the first event replayed, so that the rest is still to come.
      recorder.open({
        key: 'late',
        kind: 'SharedEventSource',
        url: '/events/metrics',
        names: [],
        replay: 'all',
      })
      const { source, listen, keep } = recorder.get('late')
      for (const name of ['cpu', 'disk']) source.addEventListener(name, keep)
      source.addEventListener('cpu', () => listen('other'), { once: true })
    })
    const late = new Recording(tab, 'late')
    await late.waitForSignals('open')
    channel.send(...LIVE, { event: 'other', data: 'other 2' })
    await late.reach('other 2')
    expect(await late.data()).toEqual([
      'cpu 1',
      'disk 1',
      'cpu 2',
      'cpu 3',
      'disk 2',
      'cpu 4',
      'disk 3',
      'disk 4',
      'cpu 5',
      'other 2',
    ])
  })

  test('misses nothing and gets nothing twice where the past meets what is live', ESSENTIAL, async () => {
    const set = await stage()
    const channel = set.server.channel('metrics')
    const feed = new Feed(channel, (number) => NAMES[number % 2] ?? '')
    const first = await record(await set.open(), '/events/metrics', NAMES)
    await first.waitForSignals('open')
    feed.start()
    await feed.more(100)
    for (const replay of ['all', 3] as const) {
      const late = await record(await set.open(), '/events/metrics', NAMES, { replay })
      await late.waitForSignals('open')
      await feed.more(100)
      await late.reach(String(feed.length))
      const received = await late.received()
      const from = Number(received[0]?.lastEventId)
      expect(received).toEqual(feed.sent.slice(from - 1, received.length + from - 1))
      if (replay === 'all') expect(from).toBe(1)
    }
    feed.stop()
    expect(channel.totalConnections).toBe(1)
  })

  test('is given the last event of a name, after which 17,000 others came', async () => {
    const set = await stage()
    const channel = set.server.channel('metrics')
    // Somebody has asked for that name: from then on its last event is kept.
    const first = await record(await set.open(), '/events/metrics', [...NAMES, 'other'], {
      replay: { cpu: 1 },
    })
    await first.waitForSignals('open')
    channel.send(...PAST)
    for (let block = 1; block <= 17; block++) {
      channel.send(
        ...Array.from({ length: 1_000 }, (_, index) => ({ event: 'other', data: `${block} ${index}` })),
      )
      await first.reach(`${block} 999`)
    }
    const late = await record(await set.open(), '/events/metrics', NAMES, { replay: { cpu: 1, disk: 1 } })
    await late.waitForSignals('open')
    channel.send(...LIVE)
    await late.reach('cpu 5')
    // Nobody had asked for the other name before it fell off the log.
    expect(await late.received()).toEqual([
      { type: 'cpu', data: 'cpu 4', lastEventId: '7' },
      { type: 'disk', data: 'disk 4', lastEventId: '17009' },
      { type: 'cpu', data: 'cpu 5', lastEventId: '17010' },
    ])
    expect(await late.signals()).toEqual([{ type: 'open', readyState: 1 }])
    expect(channel.totalConnections).toBe(1)
  })
})
