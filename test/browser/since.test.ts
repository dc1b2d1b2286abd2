import { describe, expect, test } from 'vitest'
import type { SharedStream } from '../../src/index.ts'
import { inspect, type Tab } from './browser.ts'
import type { Channel } from './channel.ts'
import { ESSENTIAL, POLL, type Stage, useBrowser } from './stage.ts'

// A page that has a snapshot, and begins behind its ID.

const stage = useBrowser()

const HOSTS = ['shared-worker', 'leader'] as const

declare global {
  // They live in the page.
  var follower: SharedStream
  var followed: string[]
}

/** What the page is told goes to `followed`: data of events, gaps, and states. */
async function follow(tab: Tab, options: object = {}): Promise<void> {
  await tab.page.evaluate((options) => {
    globalThis.followed = []
    globalThis.follower = tabstream.connect('/events/news', options)
    follower.onStatus(({ state }) => state === followed.at(-1) || followed.push(state))
    follower.onGap(({ reason, before }) => followed.push(`${reason} behind ${before}`))
    follower.on('*', ({ data }) => followed.push(data))
  }, options)
}

const toldTo = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => followed)

/** Resolves when the page has been told this. */
const told = (tab: Tab, what: string): Promise<unknown> =>
  tab.page.waitForFunction((what) => followed.includes(what), what)

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index))

function send(channel: Channel, from: number, to: number): void {
  for (const data of numbers(from, to)) channel.send({ data })
}

describe.each(HOSTS)('since, with host %s', ESSENTIAL, (host) => {
  /** The server has sent six events, the last three to a first tab. */
  async function shared({ server, open }: Stage): Promise<{ channel: Channel; first: Tab; late: Tab }> {
    const channel = server.channel('news')
    send(channel, 1, 3)
    const first = await open(`/page?host=${host}`)
    await follow(first)
    await told(first, 'open')
    send(channel, 4, 6)
    await told(first, '6')
    return { channel, first, late: await open(`/page?host=${host}`) }
  }

  /** The first tab has noticed nothing, and one connection is left. */
  async function expectUndisturbed(channel: Channel, first: Tab, to: number): Promise<void> {
    await told(first, String(to))
    expect(await toldTo(first)).toEqual(['connecting', 'open', ...numbers(4, to)])
    await channel.waitForConnections(1)
    await expect
      .poll(async () => (await inspect(first)).streams, POLL)
      .toMatchObject([{ connections: 1, subscribers: 2, state: 'open' }])
  }

  test('is what the first connection resumes after', async () => {
    const { server, open } = await stage()
    const channel = server.channel('news')
    send(channel, 1, 4)
    const tab = await open(`/page?host=${host}`)
    await follow(tab, { since: '2' })
    await told(tab, '4')
    send(channel, 5, 5)
    await told(tab, '5')
    expect(await toldTo(tab)).toEqual(['open', ...numbers(3, 5)])
    expect(channel.requests.map(({ lastEventId }) => lastEventId)).toEqual(['2'])
  })

  test('within the log asks nobody', async () => {
    const { channel, first, late } = await shared(await stage())
    await follow(late, { since: '4' })
    await told(late, '6')
    send(channel, 7, 7)
    await told(late, '7')
    expect(await toldTo(late)).toEqual(['open', ...numbers(5, 7)])
    await expectUndisturbed(channel, first, 7)
    expect(channel.totalConnections).toBe(1)
  })

  test('before the log asks the server, by a connection that ends', async () => {
    const { channel, first, late } = await shared(await stage())
    await follow(late, { since: '1' })
    await told(late, '6')
    send(channel, 7, 7)
    await told(late, '7')
    expect((await toldTo(late)).filter((what) => what !== 'open')).toEqual(numbers(2, 7))
    await expectUndisturbed(channel, first, 7)
    expect(channel.requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '1'])
  })

  test('before the log is a gap where the server does not resume', async () => {
    const { channel, first, late } = await shared(await stage())
    channel.replay = 'ignore'
    await follow(late, { since: '1' })
    await told(late, 'open')
    send(channel, 7, 7)
    await told(late, '7')
    expect(await toldTo(late)).toEqual(['history-lost behind 1', 'open', '7'])
    await expectUndisturbed(channel, first, 7)
    expect(channel.requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '1'])
  })
})
