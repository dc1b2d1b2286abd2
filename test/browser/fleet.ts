import { expect } from 'vitest'
import type { HostName } from '../../src/index.ts'
import { inspect, type Recording, record, type Tab } from './browser.ts'
import type { Channel, Replay } from './channel.ts'
import { dueOf, examine, Feed, type Findings, NOTHING } from './feed.ts'
import type { RecordedEvent } from './recorder.ts'
import type { Stage } from './stage.ts'

/** How long, in ms, two may lead without locks: a claim waits for 300, and as much again is for a busy machine. */
export const ELECTION = 600

/**
 * How long, in ms, the connection of a killed worker may outlive it. Chromium gives its thread two seconds to end by itself
 * (kForcibleTerminationDelay in Blink's worker_thread.cc), after which it takes a moment more: 2,404 ms have been seen. The lock is free at
 * once, so the next hub does not wait for that.
 */
export const GRACE = 4_000

/** Comes seldom: who hears nothing else is told only now and then how far the stream has come. */
const RARE = 'rare'
const END = 'end'
const COMMON = 7

const nameOf = (number: number) => (number % 150 === 0 ? RARE : `common-${number % COMMON}`)

/** Two common names each, shared with other tabs; one tab hears rare events only, one the end alone. */
const namesOf = (index: number, size: number): string[] => {
  if (index === size - 1) return [END]
  if (index === size - 2) return [RARE, END]
  return [`common-${index % COMMON}`, `common-${(index + 3) % COMMON}`, END]
}

interface Member {
  readonly tab: Tab
  readonly names: readonly string[]
  readonly recording: Recording
  /** The number of the last event that was sent before the source was known to be open. */
  readonly joined: number
}

/** Tabs that listen to different names of one busy channel. */
export class Fleet {
  readonly channel: Channel
  readonly feed: Feed
  readonly tabs: readonly Tab[]
  readonly #host: HostName
  readonly #members: Member[] = []

  constructor(channel: Channel, tabs: readonly Tab[], host: HostName) {
    this.#host = host
    this.channel = channel
    this.feed = new Feed(channel, nameOf)
    this.tabs = tabs
  }

  /**
   * The first tab has started the hub. No event has been sent when this resolves.
   *
   * @param options `size` is the number of tabs, `host` where the hub is to live
   */
  static async assemble(
    stage: Stage,
    {
      size = 10,
      replay = 'strict',
      host = 'shared-worker',
      path = host === 'shared-worker' ? '/' : `/page?host=${host}`,
    }: { size?: number; replay?: Replay; host?: HostName; path?: string } = {},
  ): Promise<Fleet> {
    const channel = stage.server.channel('busy')
    channel.replay = replay
    const fleet = new Fleet(channel, await stage.openMany(size, path), host)
    const [first, ...others] = fleet.tabs.keys()
    // Open before the next one begins: so it is the first that starts the hub.
    await fleet.subscribe(first ?? 0)
    await Promise.all(others.map((index) => fleet.subscribe(index)))
    return fleet
  }

  /** Opens the source of a tab; a new one after a reload. */
  async subscribe(index: number): Promise<void> {
    const tab = this.tab(index)
    const names = namesOf(index, this.tabs.length)
    const recording = await record(tab, '/events/busy', names)
    await recording.waitForSignals('open')
    this.#members[index] = { tab, names, recording, joined: this.feed.length }
  }

  tab(index: number): Tab {
    const tab = this.tabs[index]
    if (!tab) throw new Error(`there is no tab ${index}`)
    return tab
  }

  async received(index: number): Promise<RecordedEvent[]> {
    return (await this.#members[index]?.recording.received()) ?? []
  }

  /** Resolves when a tab has all that has been sent to it so far. */
  async caughtUp(index: number): Promise<void> {
    const member = this.#members[index]
    const last = this.feed.sent.findLast(({ type }) => member?.names.includes(type))
    if (last) await member?.recording.reach(last.data)
  }

  /** Stops the feed and waits until every tab has heard the end of it; the tabs that are left out are dead. */
  async finish({ without = [] as readonly number[] } = {}): Promise<void> {
    this.feed.stop()
    this.feed.send(END)
    await Promise.all(this.#living(without).map(({ recording }) => recording.reach(String(this.feed.length))))
  }

  /** What is wrong with each tab. */
  async findings({ without = [] as readonly number[] } = {}): Promise<Findings[]> {
    return Promise.all(this.#living(without).map((member) => this.#examine(member)))
  }

  /** Every tab has every event of its names once, in order, and none was told of a gap. */
  async expectNothingMissing({ without = [] as readonly number[] } = {}): Promise<void> {
    const findings = await this.findings({ without })
    expect(findings).toEqual(findings.map(() => NOTHING))
  }

  /** A server that does not resume: what is lost is lost, but no tab is left to guess. */
  async expectToldLosses({ without = [] as readonly number[] } = {}): Promise<void> {
    const findings = await this.findings({ without })
    expect(findings.map(({ lost: _lost, gaps: _gaps, ...defects }) => defects)).toEqual(
      findings.map(() => ({ lostInSilence: [], repeated: [], strange: [], misplaced: [] })),
    )
    // Something was lost, or nothing is tested; and nobody was told more often than the connection was.
    expect(findings.some(({ lost }) => lost.length > 0)).toBe(true)
    for (const { gaps } of findings) expect(gaps.length).toBeLessThan(this.channel.totalConnections)
  }

  /** All tabs are served by one hub; tells its ID. */
  async expectOneHub({ without = [] as readonly number[] } = {}): Promise<string> {
    const reports = await Promise.all(this.#living(without).map(({ tab }) => inspect(tab)))
    expect(new Set(reports.map(({ hubId }) => hubId)).size).toBe(1)
    expect(reports[0]).toMatchObject({ host: this.#host, tabs: reports.length })
    expect(reports.filter(({ isHere }) => isHere)).toHaveLength(this.#host === 'leader' ? 1 : 0)
    return reports[0]?.hubId ?? ''
  }

  /** Which tab's page is the leader. */
  async leader({ without = [] as readonly number[] } = {}): Promise<number> {
    const leads = await Promise.all(
      this.tabs.map(async (tab, index) => !without.includes(index) && (await inspect(tab)).isHere),
    )
    return leads.indexOf(true)
  }

  /**
   * Lets the hub die and another take over, in the midst of the feed; prints how long no event came.
   *
   * @param options `without` are the tabs that die with the hub, `overlap` is how long, in ms, there may be two
   *   connections: the server may learn of the end of one when the next is open already
   */
  async survive(
    what: string,
    kill: () => unknown,
    { without = [] as readonly number[], overlap = 100 } = {},
  ): Promise<void> {
    const { channel, feed } = this
    const hubId = await this.expectOneHub()
    feed.start()
    await feed.more(200)

    await kill()
    await channel.until(() => channel.connections === 0 || channel.totalConnections > 1, 'the end of the hub')
    // What is sent from now on, no tab can have had from the dead hub.
    const [died, last] = [Date.now(), feed.length]
    await channel.until(() => channel.totalConnections === 2, 'another hub')
    await feed.more(400)
    await this.finish({ without })

    const silences = (await this.firstTimesAfter(last, { without })).map((time) => time - died)
    console.log(
      `${what}, server '${channel.replay}': events again after ${Math.min(...silences)} ms in the first tab, ${Math.max(...silences)} ms in the last; ${this.describe()}`,
    )
    expect(await this.expectOneHub({ without })).not.toBe(hubId)
    expect(channel.totalConnections).toBe(2)
    expect(channel.peakConnections).toBeLessThanOrEqual(2)
    expect(channel.longestCrowd).toBeLessThan(overlap)
    expect(channel.connections).toBe(1)
  }

  /** Of each tab that hears common events: when the first event came that was sent after number `last`. */
  async firstTimesAfter(last: number, { without = [] as readonly number[] } = {}): Promise<number[]> {
    const listeners = this.#living(without).filter(({ names }) => names.length === 3)
    return Promise.all(
      listeners.map(async ({ recording }) => {
        const [received, times] = [await recording.received(), await recording.times()]
        const index = received.findIndex(({ type, data }) => type !== 'gap' && Number(data) > last)
        return times[index] ?? Number.NaN
      }),
    )
  }

  describe(): string {
    const { totalConnections, peakConnections, longestCrowd } = this.channel
    return `${this.feed.length} events, ${totalConnections} connections in all, ${peakConnections} at most at once, more than one for ${Math.round(longestCrowd)} ms`
  }

  #living(without: readonly number[]): Member[] {
    return this.#members.filter((_member, index) => !without.includes(index))
  }

  async #examine({ recording, names, joined }: Member): Promise<Findings> {
    const received = await recording.received()
    return examine(received, dueOf(this.feed, names, joined, received))
  }
}
