import { describe, expect, test } from 'vitest'
import { comeBack, crashTab, inspect, leave, record, type Tab, whenReady } from './browser.ts'
import { ESSENTIAL, POLL, useBrowser } from './stage.ts'

const stage = useBrowser()

const subscribers = (tab: Tab) => async () => (await inspect(tab)).streams[0]?.subscribers

describe('a tab that goes away', ESSENTIAL, () => {
  test('is forgotten: 20 tabs, then one, then none', async () => {
    const { server, openMany } = await stage()
    const channel = server.channel('news')
    const tabs = await openMany(20)
    const recordings = await Promise.all(tabs.map((tab) => record(tab, '/events/news', ['message'])))
    await Promise.all(recordings.map((recording) => recording.waitForSignals('open')))
    // Not the first one stays: the hub was started in its process.
    const last = tabs[19]
    if (!last) throw new Error('twenty tabs were asked for')
    expect(await inspect(last)).toMatchObject({ tabs: 20, streams: [{ subscribers: 20 }] })

    await Promise.all(tabs.slice(0, 19).map((tab) => tab.page.close()))
    await expect.poll(() => inspect(last), POLL).toMatchObject({ tabs: 1, streams: [{ subscribers: 1 }] })
    channel.send({ data: 'still here' })
    expect(await recordings[19]?.waitForEvents(1)).toHaveLength(1)
    expect(channel.totalConnections).toBe(1)

    await last.page.close()
    await channel.waitForConnections(0)
    expect(channel.totalConnections).toBe(1)
  })

  test('by a crash is forgotten, and the others go on', async () => {
    const { server, context, openMany } = await stage()
    const channel = server.channel('news')
    const [first, second, third] = await openMany(3)
    if (!first || !second || !third) throw new Error('three tabs were asked for')
    const one = await record(first, '/events/news', ['message'])
    // Open before the next one begins: so it is the first that starts the hub.
    await one.waitForSignals('open')
    const two = await record(second, '/events/news', ['message'])
    const three = await record(third, '/events/news', ['message'])
    for (const recording of [two, three]) await recording.waitForSignals('open')
    const { hubId } = await inspect(first)

    await crashTab(context, third)
    await expect
      .poll(() => inspect(first), POLL)
      .toMatchObject({
        tabs: 2,
        streams: [{ subscribers: 2 }],
      })
    channel.send({ data: 'still here' })
    expect(await one.waitForEvents(1)).toHaveLength(1)
    expect(await two.waitForEvents(1)).toHaveLength(1)
    expect((await inspect(second)).hubId).toBe(hubId)
    expect(channel.totalConnections).toBe(1)
  })

  test('by navigating elsewhere is forgotten, and may come back', async () => {
    const { server, openMany } = await stage()
    const channel = server.channel('news')
    const [first, second] = await openMany(2)
    if (!first || !second) throw new Error('two tabs were asked for')
    const one = await record(first, '/events/news', ['message'])
    const two = await record(second, '/events/news', ['message'])
    for (const recording of [one, two]) await recording.waitForSignals('open')

    await second.page.goto(server.url('/page?native'))
    await expect.poll(subscribers(first), POLL).toBe(1)
    await second.page.goto(server.url('/page'))
    await whenReady(second)
    const back = await record(second, '/events/news', ['message'])
    await back.waitForSignals('open')
    expect(await subscribers(first)()).toBe(2)
    channel.send({ data: 'x' })
    expect(await back.waitForEvents(1)).toHaveLength(1)
    expect(await one.waitForEvents(1)).toHaveLength(1)
    expect(channel.totalConnections).toBe(1)
  })

  test('into the back/forward cache is forgotten, and goes on where it was when it is back', async () => {
    const { server, openMany } = await stage()
    const channel = server.channel('news')
    const [first, second] = await openMany(2)
    if (!first || !second) throw new Error('two tabs were asked for')
    const one = await record(first, '/events/news', ['message'])
    const two = await record(second, '/events/news', ['message'])
    for (const recording of [one, two]) await recording.waitForSignals('open')
    channel.send({ data: 'before' })
    await two.reach('before')

    await leave(second)
    await expect.poll(() => inspect(first), POLL).toMatchObject({ tabs: 1, streams: [{ subscribers: 1 }] })
    channel.send({ data: 'meanwhile' })
    await one.reach('meanwhile')
    await comeBack(second)
    channel.send({ data: 'after' })
    await two.reach('after')
    expect(await two.data()).toEqual(['before', 'meanwhile', 'after'])
    expect(await two.signals()).toEqual([{ type: 'open', readyState: 1 }])
    expect(await inspect(first)).toMatchObject({ tabs: 2, streams: [{ subscribers: 2 }] })
    expect(channel.totalConnections).toBe(1)
  })

  // The SharedWorker dies with the process of the tab that created it, and nobody is told.
  test('by a crash that takes the hub along: the others find a new hub and miss nothing', async () => {
    const { server, context, openMany } = await stage()
    const channel = server.channel('news')
    const [first, second, third] = await openMany(3)
    if (!first || !second || !third) throw new Error('three tabs were asked for')
    const recordings = []
    for (const tab of [first, second, third]) {
      // Open before the next one begins: so it is the first that starts the hub.
      const recording = await record(tab, '/events/news', ['message'])
      await recording.waitForSignals('open')
      recordings.push(recording)
    }
    const [, two, three] = recordings
    if (!two || !three) throw new Error('three recordings were asked for')
    const { hubId } = await inspect(second)
    channel.send({ data: '1' }, { data: '2' }, { data: '3' })
    await two.waitForData('3')
    await three.waitForData('3')

    await crashTab(context, first)
    await channel.until(
      () => channel.totalConnections === 2 || channel.connections === 0,
      'the end of the hub',
    )
    channel.send({ data: '4' }, { data: '5' })
    await two.waitForData('5')
    await three.waitForData('5')
    channel.send({ data: '6' })
    for (const recording of [two, three]) {
      await recording.waitForData('6')
      expect(await recording.data()).toEqual(['1', '2', '3', '4', '5', '6'])
    }
    const [one, other] = [await inspect(second), await inspect(third)]
    expect(one.hubId).not.toBe(hubId)
    expect(other.hubId).toBe(one.hubId)
    expect(channel.connections).toBe(1)
    expect(channel.totalConnections).toBe(2)
  })
})
