import { expect } from 'vitest'
import { inspect, type Recording, record, type Tab } from './browser.ts'
import type { Channel } from './channel.ts'
import { dueOf, examine, Feed, NOTHING } from './feed.ts'
import type { Stage } from './stage.ts'

/** Milliseconds between two events of a stream. */
const PACE = 100

const TICK = 'tick'
const END = 'end'
const NAMES = [TICK, END]

interface Member {
  readonly tab: Tab
  readonly channel: Channel
  readonly feed: Feed
  readonly recording: Recording
  /** The number of the last event that was sent before the source was known to be open. */
  readonly joined: number
}

/** Tabs with a URL each, of a server that has something to say on each of them. */
export class Spread {
  readonly members: Member[] = []
  /** How long, in ms, it took until each page was there, and a request that it made. */
  readonly navigations: number[] = []
  readonly requests: number[] = []
  readonly #stage: Stage

  private constructor(stage: Stage) {
    this.#stage = stage
  }

  /**
   * Opens one tab after the other, so that each has been visible.
   *
   * @param path of the pages
   */
  static async open(stage: Stage, size: number, path: string): Promise<Spread> {
    const spread = new Spread(stage)
    while (spread.members.length < size) await spread.#openOne(path)
    return spread
  }

  async #openOne(path: string): Promise<void> {
    const { server, open } = this.#stage
    const begun = performance.now()
    const tab = await open(path)
    this.navigations.push(performance.now() - begun)
    const name = `stream-${this.members.length}`
    const channel = server.channel(name)
    const feed = new Feed(channel, () => TICK, PACE)
    feed.start()
    const recording = await record(tab, `/events/${name}`, NAMES)
    await recording.waitForSignals('open')
    const joined = feed.length
    // Before the first ID no server can resume.
    await recording.waitForEvents(1)
    this.members.push({ tab, channel, feed, recording, joined })
    this.requests.push(
      await tab.page.evaluate(async () => {
        const begun = performance.now()
        await (await fetch('/ping')).text()
        return performance.now() - begun
      }),
    )
  }

  member(index: number): Member {
    const member = this.members[index]
    if (!member) throw new Error(`there is no tab ${index}`)
    return member
  }

  /** How the streams stand, as the hub of one tab tells it. */
  async states(index = 0): Promise<string[]> {
    const { streams } = await inspect(this.member(index).tab)
    return this.members.map(
      ({ tab, channel }) =>
        streams.find(({ url }) => url === new URL(channel.path, tab.page.url()).href)?.state ?? 'gone',
    )
  }

  /**
   * Brings a tab to the front.
   *
   * @returns how long, in ms, it took until it had all that had been sent by then; 0 where it had that
   */
  async show(index: number): Promise<number> {
    const { tab, feed, recording } = this.member(index)
    const [begun, last] = [Date.now(), feed.length]
    await tab.page.bringToFront()
    await recording.reach(String(last))
    const [events, times] = [await recording.received(), await recording.times()]
    const at = times[events.findIndex(({ data }) => data === String(last))] ?? Number.NaN
    return Math.max(0, at - begun)
  }

  /** Resolves when a tab has been given an event that is sent from now on. */
  async isLive(index: number): Promise<void> {
    const { feed, recording } = this.member(index)
    await recording.reach(String(feed.length + 1))
  }

  /** Ends all streams, and shows each tab until it has heard so; those that are left out are gone. */
  async finish({ without = [] as readonly number[] } = {}): Promise<void> {
    for (const { feed } of this.members) {
      feed.stop()
      feed.send(END)
    }
    for (const index of this.#living(without)) await this.show(index)
  }

  /** Each tab has everything since its source was open, once and in order, and was told of no gap, error or second opening. */
  async expectNothingMissing({ without = [] as readonly number[] } = {}): Promise<void> {
    for (const index of this.#living(without)) {
      const { feed, recording, joined } = this.member(index)
      const received = await recording.received()
      expect(examine(received, dueOf(feed, NAMES, joined, received)), `tab ${index}`).toEqual(NOTHING)
      expect(await recording.signals(), `tab ${index}`).toEqual([{ type: 'open', readyState: 1 }])
    }
  }

  #living(without: readonly number[]): number[] {
    return [...this.members.keys()].filter((index) => !without.includes(index))
  }
}
