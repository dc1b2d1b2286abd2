import { expect, test } from 'vitest'
import { inspect, record } from './browser.ts'
import { ESSENTIAL, SOURCES, useBrowser } from './stage.ts'

const stage = useBrowser()

test.each(SOURCES.filter(({ kind }) => kind === 'SharedEventSource'))(
  'inspect tells the state of the hub: $name',
  ESSENTIAL,
  async ({ page }) => {
    const { server, open } = await stage()
    const channel = server.channel('news')
    const tab = await open(page)
    const before = await inspect(tab)
    const host = page.split('=')[1]
    expect(before).toEqual({
      host,
      isHere: host !== 'shared-worker',
      refused: [],
      hubId: expect.any(String),
      tabs: 1,
      malformed: 0,
      streams: [],
      origins: [],
    })

    const one = await record(tab, '/events/news?q#fragment', ['zebra', 'ant'])
    const two = await record(tab, '/events/news?q', ['message', 'ant'])
    for (const recording of [one, two]) await recording.waitForSignals('open')
    // A server may name its events like this too, and every recording listens for these three.
    const signals = ['error', 'gap', 'open']
    const report = {
      ...before,
      streams: [
        {
          url: server.url('/events/news?q'),
          state: 'open',
          parked: '',
          isVisible: true,
          connections: 1,
          subscribers: 2,
          names: ['ant', 'message', 'zebra', ...signals].sort(),
          logEvents: expect.any(Number),
          logBytes: expect.any(Number),
          lastEventId: '',
        },
      ],
      origins: [
        { origin: new URL(server.url('/')).origin, protocol: 'http/1.1', limit: 4, live: 1, parked: 0 },
      ],
    }
    const empty = await inspect(tab)
    expect(empty).toEqual(report)

    channel.send({ data: 'x'.repeat(1000), id: 'one' }, { event: 'ant', data: 'y', id: 'two' })
    await two.waitForEvents(2)
    const [stream, earlier] = [(await inspect(tab)).streams[0], empty.streams[0]]
    if (!stream || !earlier) throw new Error('a stream was open')
    expect(stream.lastEventId).toBe('two')
    expect(stream.logEvents - earlier.logEvents).toBe(2)
    expect(stream.logBytes - earlier.logBytes).toBeGreaterThan(1000)

    channel.hold()
    channel.cut()
    await one.waitForSignals('error')
    expect((await inspect(tab)).streams[0]?.state).toMatch(/^(retrying|connecting)$/)
    channel.release()
    await one.waitForSignals('open', 2)
    expect((await inspect(tab)).streams[0]).toMatchObject({ state: 'open', connections: 2 })
  },
)
