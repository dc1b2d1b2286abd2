import { describe, expect, test, vi } from 'vitest'
import type { Disturbance, LifeInspection, Look, Slowness } from '../../src/index.ts'
import { inspect, record, type Tab } from './browser.ts'
import { ESSENTIAL, POLL, useBrowser } from './stage.ts'

const stage = useBrowser()

const FIRST: Look = { seen: {}, entries: 100 }

const look = (tab: Tab, look = FIRST): Promise<LifeInspection> =>
  tab.page.evaluate((look) => tabstream.inspect(look), look)

const disturb = (tab: Tab, disturbance: Disturbance | Slowness): Promise<void> =>
  tab.page.evaluate((disturbance) => tabstream.disturb(disturbance), disturbance)

const streamOf = async (tab: Tab) => {
  const [stream] = (await look(tab)).life.streams
  if (stream === undefined) throw new Error('a stream was open')
  return stream
}

describe.each(['shared-worker', 'leader', 'direct'])('%s', (host) => {
  const page = `/page?host=${host}&inspector`

  /** A page that listens to a stream, which is open. */
  async function opened() {
    const { server, open } = await stage()
    const tab = await open(page)
    const recording = await record(tab, '/events/news', ['a'])
    await recording.waitForSignals('open')
    return { channel: server.channel('news'), open, tab, recording }
  }

  test('a page is told what its hub does', ESSENTIAL, async () => {
    const { channel, tab, recording } = await opened()
    channel.send({ event: 'a', data: 'one', id: '1' }, { event: 'a', data: 'two', id: '2' })
    await recording.waitForEvents(2)
    const { life } = await look(tab)
    expect(life.tabs).toMatchObject([{ isYou: true, isVisible: true }])
    const [stream] = life.streams
    expect(stream).toMatchObject({
      isYours: true,
      counts: [{ name: 'a', events: 2 }],
      status: { state: 'open' },
      connections: [
        { status: 200, headers: expect.arrayContaining([['content-type', 'text/event-stream']]), endedAt: 0 },
      ],
    })
    expect(stream?.entries.text).toContain('one')
    expect(stream?.bytes).toBeGreaterThan(30)
  })

  test('a page cuts the connection, and nothing is lost', async () => {
    const { channel, tab, recording } = await opened()
    channel.send({ event: 'a', data: 'one', id: '1' }, { event: 'a', data: 'two', id: '2' })
    await recording.waitForEvents(2)
    await disturb(tab, { type: 'cut', stream: (await streamOf(tab)).id })
    await recording.waitForSignals('open', 2)
    channel.send({ event: 'a', data: 'three', id: '3' })
    await recording.waitForEvents(3)
    expect(await recording.data()).toEqual(['one', 'two', 'three'])
    const { connections } = await streamOf(tab)
    expect(connections).toMatchObject([
      { end: 'a page has cut the connection' },
      { resumeAfter: '1', repeated: 1, outcome: 'joined' },
    ])
  })

  test('a page goes offline, and comes back', async () => {
    const { channel, tab, recording } = await opened()
    channel.send({ event: 'a', data: 'one', id: '1' })
    await recording.waitForEvents(1)
    await disturb(tab, { type: 'offline', isOffline: true })
    await recording.waitForSignals('error', 2)
    expect((await look(tab)).life.isOffline).toBe(true)
    channel.send({ event: 'a', data: 'two', id: '2' })
    await disturb(tab, { type: 'offline', isOffline: false })
    await recording.waitForEvents(2)
    expect(await recording.data()).toEqual(['one', 'two'])
  })

  test('a page ends the hub, and another takes over', async () => {
    const { channel, tab, recording, open } = await opened()
    const other = await record(await open(page), '/events/news', ['a'])
    await other.waitForSignals('open')
    const recordings = [recording, other]
    channel.send({ event: 'a', data: 'one', id: '1' }, { event: 'a', data: 'two', id: '2' })
    for (const recording of recordings) await recording.waitForEvents(2)
    const { hubId } = await inspect(tab)
    await disturb(tab, { type: 'end-hub' })
    await vi.waitFor(async () => expect((await inspect(tab)).hubId).not.toBe(hubId), POLL)
    channel.send({ event: 'a', data: 'three', id: '3' })
    for (const recording of recordings) {
      await recording.waitForEvents(3)
      expect(await recording.data()).toEqual(['one', 'two', 'three'])
    }
  })

  test('a page is slow for as long as it wants to be', async () => {
    const { channel, tab, recording } = await opened()
    await disturb(tab, { type: 'slow', delay: 1_000 })
    const before = Date.now()
    channel.send({ event: 'a', data: 'one', id: '1' })
    await recording.waitForEvents(1)
    expect(Date.now() - before).toBeGreaterThanOrEqual(990)
    await disturb(tab, { type: 'slow', delay: 0 })
    channel.send({ event: 'a', data: 'two', id: '2' })
    await recording.waitForEvents(2)
    expect(await recording.data()).toEqual(['one', 'two'])
  })
})

test('a page of the same hub that was not allowed to disturb it cannot', async () => {
  const { open } = await stage()
  const tab = await open('/page')
  await expect(disturb(tab, { type: 'end-hub' })).rejects.toThrow(
    'allow it by configure({ inspector: true })',
  )
})
