import { expect, onTestFinished, type TestContext, test } from 'vitest'
import type * as Sockets from '../../src/websocket/index.ts'
import type { Channel } from '../browser/channel.ts'
import { examine, Feed, NOTHING } from '../browser/feed.ts'
import type { TestServer } from '../browser/server.ts'
import { SocketServer } from '../browser/socket-server.ts'
import { type Facts, testify, witness } from './facts.ts'
import type { Recording, Stage, Tab } from './stage.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Of the browser. */
    version?: string
    /** What the table says beside the result. */
    note?: string
  }
}

declare global {
  // In the page.
  var numbers: unknown[]
}

/** For states of the hub, which can only be asked for. */
const POLL = { interval: 50, timeout: 20_000 }

/**
 * Declares the cases that must hold in every engine and in every build of the library, in the `describe` that calls it.
 *
 * @param host which the page asks for
 * @param setStage sets the stage for one test
 */
export function testEssentials(host: string, setStage: () => Promise<Stage>): void {
  const stage = async ({ task }: TestContext): Promise<Stage> => {
    const set = await setStage()
    task.meta.version = set.version
    return set
  }

  test('five tabs share one connection', async (context) => {
    const set = await stage(context)
    const channel = set.server.channel('all')
    const recordings = await recordInEach(5, set, '/events/all', ['message'])
    await expectOneHub(recordings, host)
    channel.send({ data: 'x' })
    for (const recording of recordings) {
      expect(await recording.reach('x')).toEqual([{ type: 'message', data: 'x', lastEventId: '1' }])
    }
    expect(channel.requests).toHaveLength(1)
  })

  test('each tab gets the names it listens to', async (context) => {
    const { server, open } = await stage(context)
    const channel = server.channel('names')
    const one = await (await open()).record('/events/names', ['cpu', 'end'])
    const other = await (await open()).record('/events/names', ['disk', 'end'])
    await one.tab.evaluate((key) => {
      const { source, keep } = recorder.get(key)
      const keepAs =
        (type: string) =>
        ({ data, lastEventId }: MessageEvent) =>
          keep({ type, data, lastEventId })
      source.addEventListener('cpu', keepAs('once'), { once: true })
      source.addEventListener('cpu', keepAs('third'))
    }, one.key)
    channel.send(
      { event: 'cpu', data: '1' },
      { event: 'disk', data: '2' },
      { data: '3' },
      { event: 'cpu', data: '4' },
      { event: 'end', data: '5' },
    )
    expect(await told(one, '5')).toEqual(['cpu 1', 'once 1', 'third 1', 'cpu 4', 'third 4', 'end 5'])
    expect(await told(other, '5')).toEqual(['disk 2', 'end 5'])
    expect(channel.requests).toHaveLength(1)
  })

  test.for(LEAVING)('nothing is lost when %s', async ([, ...leavings], context) => {
    const set = await stage(context)
    const channel = set.server.channel('busy')
    const recordings = await recordInEach(4, set, '/events/busy', ['tick'])
    const feed = new Ticks(channel)
    feed.start()
    await feed.more(100)
    const notes: string[] = []
    for (const leave of leavings) {
      const leaving = recordings.shift()
      if (leaving) notes.push(await outlive(recordings, feed, () => leave(leaving.tab, set.server)))
    }
    context.task.meta.note = notes.join(', then ')
    await finish(feed, recordings)
    await expectOneHub(recordings, host)
    await channel.waitForConnections(1)
    expect(channel.totalConnections).toBeLessThanOrEqual(1 + leavings.length)
    // The server may learn of the end of one connection when the next is open already.
    expect(channel.peakConnections).toBeLessThanOrEqual(2)
  })

  test('nothing is lost when the server restarts', async (context) => {
    const set = await stage(context)
    const channel = set.server.channel('busy')
    const recordings = await recordInEach(3, set, '/events/busy', ['tick'])
    const feed = new Feed(channel, () => 'tick')
    feed.start()
    await feed.more(100)
    await set.server.stop()
    await channel.waitForConnections(0)
    await feed.more(100)
    await set.server.restart()
    await channel.waitForConnections(1)
    await feed.more(100)
    await finish(feed, recordings)
    await expectOneHub(recordings, host)
    expect(channel.totalConnections).toBe(2)
    expect(channel.peakConnections).toBe(1)
  })

  test('tabs share a WebSocket: nothing is lost through a cut, and each message is sent once', async (context) => {
    const set = await stage(context)
    const server = await SocketServer.start()
    onTestFinished(() => server.stop())
    const tabs = [await set.open(), await set.open(), await set.open()]
    for (const tab of tabs) {
      await tab.evaluate(async (url) => {
        const { connectSocket } = await importModule<typeof Sockets>('websocket.js')
        const socket = connectSocket(url, {
          frame: { name: '/type', id: '/seq', data: '/payload' },
          resume: { query: 'after' },
        })
        globalThis.numbers = []
        socket.on('tick', ({ data }) => numbers.push(JSON.parse(data).number))
        socket.onGap(({ reason }) => numbers.push(reason))
        await socket.send('hello')
      }, server.url)
    }
    const reach = async (count: number) => {
      const numbers = Array.from({ length: count }, (_, index) => index + 1)
      for (const tab of tabs)
        await expect.poll(() => tab.evaluate(() => globalThis.numbers, undefined), POLL).toEqual(numbers)
    }
    for (let count = 0; count < 50; count++) server.send('tick')
    await reach(50)
    server.cut()
    for (let count = 0; count < 50; count++) server.send('tick')
    await reach(100)
    expect(server.received.map(({ text }) => text)).toEqual(['hello', 'hello', 'hello'])
    expect(server.requests).toHaveLength(2)
    expect(server.peak).toBe(1)
  })

  test('a tab that comes later is open at once', async (context) => {
    const { server, open } = await stage(context)
    const channel = server.channel('news')
    const early = await (await open()).record('/events/news', ['message'])
    channel.send({ data: 'before' })
    await early.reach('before')
    // No byte comes from the server between here and the second tab's `open`.
    const late = await (await open()).record('/events/news', ['message'])
    expect(await late.signals()).toEqual([{ type: 'open', readyState: 1 }])
    channel.send({ data: 'after' })
    expect(await told(late, 'after')).toEqual(['message after'])
    expect(await told(early, 'after')).toEqual(['message before', 'message after'])
    expect(channel.requests).toHaveLength(1)
  })

  test('a server of another origin may refuse preflights, or everything', async (context) => {
    const { server, open } = await stage(context)
    // To the browser another origin, although it is the same server.
    const elsewhere = `http://localhost:${server.port}`
    const channel = server.channel('far')
    channel.headers = { 'access-control-allow-origin': server.origin }
    channel.preflight = { status: 405 }
    const tab = await open()
    const recording = await tab.record(`${elsewhere}/events/far`, ['message'])
    channel.send({ data: 'one' }, { data: 'two' })
    await recording.reach('two')
    channel.cut()
    await channel.waitForConnections(1)
    expect(channel.requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, undefined])
    await expect.poll(async () => (await tab.inspect()).streams[0]?.state, POLL).toBe('open')
    channel.send({ data: 'three' })
    expect(await told(recording, 'three')).toEqual([
      'message one',
      'message two',
      'gap history-lost',
      'message three',
    ])

    const readyState = await tab.evaluate(
      (url) =>
        new Promise<number>((resolve) => {
          const source = new tabstream.SharedEventSource(url)
          source.onerror = () => resolve(source.readyState)
        }),
      `${elsewhere}/events/forbidden`,
    )
    expect(readyState).toBe(2)
  })

  // The browser's own EventSource is asked too, which proves the case.
  test('source and events look like those of EventSource', async (context) => {
    const { server, open } = await stage(context)
    const tab = await open()
    for (const kind of ['EventSource', 'SharedEventSource'] as const) {
      const channel = server.channel(kind)
      await tab.evaluate(witness, { kind, url: `../events/${kind}#fragment` })
      channel.send(
        { data: 'two\nlines', id: 'ä' },
        { event: 'cpu', data: '' },
        { event: 'end' },
        { data: 'after close()' },
      )
      const facts = factsAt(server, `/events/${kind}#fragment`)
      expect(await tab.evaluate(testify, kind)).toEqual(facts)
      await channel.waitForConnections(0)
      expect(await tab.evaluate(testify, kind)).toEqual(facts)
    }
  })
}

type Leave = (tab: Tab, server: TestServer) => Promise<void>

const close: Leave = (tab) => tab.close()
const navigate: Leave = (tab, { port }) => tab.goto(`http://localhost:${port}/page?native`)

/** What the tabs do one after the other, in the order in which they came. The first of them began the hub. */
const LEAVING: [string, ...Leave[]][] = [
  ['the first tab is closed', close],
  // WebKit keeps the process of a closed tab, and the hub in it, until another tab of the site is closed.
  ['the first two tabs are closed', close, close],
  ['the first tab goes to another site', navigate],
]

/** Opens tabs one after the other, each with a source that is open before the next comes: the first begins the hub. */
async function recordInEach(
  count: number,
  { open }: Stage,
  url: string,
  names: string[],
): Promise<Recording[]> {
  const recordings: Recording[] = []
  while (recordings.length < count) recordings.push(await (await open()).record(url, names))
  return recordings
}

/** Resolves with the ID of the hub that serves these tabs, and no others. */
async function expectOneHub(recordings: Recording[], host: string): Promise<string> {
  const [first] = recordings
  if (!first) throw new Error('no tab to ask')
  const { hubId } = await first.tab.inspect()
  const expected = recordings.map(() => expect.objectContaining({ host, hubId, tabs: recordings.length }))
  await expect.poll(() => Promise.all(recordings.map(({ tab }) => tab.inspect())), POLL).toEqual(expected)
  return hubId
}

/** A steady feed, of whose events it is known which of the server's connections was the first that could bring them. */
class Ticks extends Feed {
  /** Counted from 1, as the events are that they belong to. */
  readonly firstConnections: readonly number[]

  constructor(channel: Channel) {
    const firstConnections: number[] = []
    super(channel, (number) => {
      firstConnections[number] = channel.totalConnections + (channel.connections === 0 ? 1 : 0)
      return 'tick'
    })
    this.firstConnections = firstConnections
  }
}

/** Lets a tab leave in the midst of the feed. Tells how long the slowest of the others waited for what is new. */
async function outlive(others: Recording[], feed: Ticks, leave: () => Promise<void>): Promise<string> {
  const hubs = async () =>
    (await Promise.all(others.map(({ tab }) => tab.inspect()))).map(({ hubId }) => hubId)
  const before = await hubs()
  const [last, leftAt] = [feed.length, Date.now()]
  await leave()
  await feed.more(300)
  const { length } = feed
  for (const recording of others) await recording.reach(String(length))

  const isSame = (await hubs()).every((hubId) => before.includes(hubId))
  // From a new hub, that is what the former one cannot have brought.
  const connection = (feed.firstConnections[last] ?? 1) + (isSame ? 0 : 1)
  const fresh = feed.firstConnections.findIndex((first, number) => number > last && first >= connection)
  const times = await Promise.all(others.map((recording) => timeOf(recording, fresh)))
  return `${Math.max(...times) - leftAt} ms (${isSame ? 'same hub' : 'new hub'})`
}

/** Ends the feed, and sees that each tab has all of it once, in order, and was told of no gap. */
async function finish(feed: Feed, recordings: Recording[]): Promise<void> {
  feed.stop()
  feed.send('tick')
  for (const recording of recordings) {
    expect(examine(await recording.reach(String(feed.length)), feed.sent)).toEqual(NOTHING)
  }
}

/** When a recording got the first event of this number or a higher one. */
async function timeOf(recording: Recording, number: number): Promise<number> {
  const [received, times] = [await recording.received(), await recording.times()]
  return times[received.findIndex(({ data }) => Number(data) >= number)] ?? Number.NaN
}

/** What a recording was told, up to an event with this data. */
const told = async (recording: Recording, data: string): Promise<string[]> =>
  (await recording.reach(data)).map(({ type, data }) => `${type} ${data}`)

function factsAt(server: TestServer, path: string): Facts {
  const event = {
    isMessageEvent: true,
    isTarget: true,
    origin: server.origin,
    bubbles: false,
    cancelable: false,
  }
  return {
    url: server.url(path),
    withCredentials: false,
    readyStates: [0, 1, 1, 1, 2],
    opened: [{ type: 'open', isTarget: true, isThis: true }],
    messages: [{ ...event, type: 'message', data: 'two\nlines', lastEventId: 'ä' }],
    named: [{ ...event, type: 'cpu', data: '', lastEventId: '2' }],
  }
}
