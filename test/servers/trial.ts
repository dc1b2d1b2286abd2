import { expect, type TestContext } from 'vitest'
import { inspect, type Recording, record, type Tab } from '../browser/browser.ts'
import { examine, Feed, type Findings, PACE, type Sender } from '../browser/feed.ts'
import type { Kind, RecordedEvent } from '../browser/recorder.ts'
import type { Stage } from '../browser/stage.ts'
import { within } from '../browser/until.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** What the table says of a test, as far as it has come. */
    row?: Row
    /** Why it was skipped. */
    why?: string
  }
}

/** The least and the most that there is in any tab. */
type Range = readonly [number, number]

/** What the trials of a test have come to, all its streams together. */
export interface Row {
  tabs: number
  sent: number
  /** In each tab, as are the following. */
  received: Range
  lost: Range
  doubled: Range
  /** That were told. */
  gaps: Range
  expectedGaps: number
}

const NAME = 'tick'

/** What a page hears is a number, and nothing else. */
const NUMBER = /^(\d+)$/

/** Nothing. */
const NONE = /(?!)/

interface Options {
  /** Where the pages come from. */
  origin?: string
  /** Of the stream, at that origin. */
  path?: string
  /** How many tabs. */
  size?: number
  /** Tabs that are open already. */
  tabs?: readonly Tab[]
  /** Milliseconds between two events. */
  pace?: number
  /** How a page listens: one tab after the other, and then from the first again. */
  kinds?: readonly Kind[]
  /** What the server does to give the tabs an event; its data are the event's number. */
  sender?: Sender
  /** The name under which the tabs hear events. */
  name?: string
  /** How many channels the events take turns in, of a server that keeps their order within each of them only. */
  lanes?: number
  /** Finds an event's number in its data, where these hold more. */
  number?: RegExp
  /** The data of what the server sends under the same name about itself. */
  others?: RegExp
}

/** Tabs of one profile that all hear one stream, behind whatever server or proxy stands at its origin. */
export class Trial {
  readonly feed: Feed
  readonly tabs: readonly Tab[]
  readonly #task: TestContext['task']
  readonly #recordings: readonly Recording[]
  readonly #name: string
  readonly #lanes: number
  readonly #number: RegExp
  readonly #others: RegExp

  private constructor(
    task: TestContext['task'],
    tabs: readonly Tab[],
    recordings: readonly Recording[],
    {
      sender,
      name,
      lanes,
      number,
      others,
      pace,
    }: Required<Pick<Options, 'sender' | 'name' | 'lanes' | 'number' | 'others' | 'pace'>>,
  ) {
    this.#task = task
    this.tabs = tabs
    this.#recordings = recordings
    this.#name = name
    this.#lanes = lanes
    this.#number = number
    this.#others = others
    this.feed = new Feed(sender, () => name, pace)
  }

  /** Opens the tabs. When this resolves, all are open and served by one hub in a SharedWorker, and each has been given event 1. */
  static async begin(
    { task }: Pick<TestContext, 'task'>,
    stage: Stage,
    {
      origin = stage.server.origin,
      path = '/events/busy',
      size = 3,
      tabs: given,
      pace = PACE,
      kinds = ['SharedEventSource', 'connect'],
      sender = stage.server.channel('busy'),
      name = NAME,
      lanes = 1,
      number = NUMBER,
      others = NONE,
    }: Options = {},
  ): Promise<Trial> {
    const tabs = given ?? (await stage.openMany(size, `${origin}/`))
    const recordings = await Promise.all(
      tabs.map((tab, index) => record(tab, path, [name], { kind: kinds[index % kinds.length] ?? 'connect' })),
    )
    await Promise.all(recordings.map((recording) => recording.waitForSignals('open')))
    const trial = new Trial(task, tabs, recordings, { sender, name, lanes, number, others, pace })
    const reports = await Promise.all(tabs.map((tab) => inspect(tab)))
    expect(reports.map(({ host, tabs }) => ({ host, tabs }))).toEqual(
      reports.map(() => ({ host: 'shared-worker', tabs: reports.length })),
    )
    // Before the first ID no server can resume.
    trial.feed.send(name)
    await trial.caughtUp()
    return trial
  }

  /** How the hub's one stream stands; `url` chooses one of several. */
  async state(url = ''): Promise<string | undefined> {
    const [tab] = this.tabs
    if (!tab) return undefined
    const { streams } = await inspect(tab)
    return streams.find((stream) => stream.url.includes(url))?.state
  }

  /** Resolves when every tab has all that has been sent so far. */
  caughtUp(): Promise<void> {
    return this.#reach(this.feed.length)
  }

  /** Resolves when every tab has been given an event that is sent from now on; the feed is running. */
  isLive(): Promise<void> {
    return this.#reach(this.feed.length + 1)
  }

  /**
   * Stops the feed and holds every tab to the promise: each event once and in order, or a gap where some are missing.
   *
   * @param options `gaps` is how many gaps each tab is told, between two events each; with none nothing may be missing. With
   *   `isCertain` false there may be fewer, and an event that a tab has had may follow each: the server gives it another ID then.
   *   With `isDoubling` the server sends events twice on one connection, which tabs are given as they come
   */
  async conclude({ gaps = 0, isCertain = true, isDoubling = false } = {}): Promise<void> {
    this.feed.stop()
    this.feed.send(this.#name)
    try {
      await this.caughtUp()
    } finally {
      await this.#report(gaps)
    }
    for (const { lost, repeated, gaps: told, ...defects } of (await this.#findings()).flat()) {
      expect(defects).toEqual({ lostInSilence: [], strange: [], misplaced: [] })
      if (!isDoubling) expect(repeated.length).toBeLessThanOrEqual(isCertain ? 0 : told.length)
      if (isCertain) expect(told).toHaveLength(gaps)
      else expect(told.length).toBeLessThanOrEqual(gaps)
      if (gaps === 0) expect(lost).toEqual([])
    }
  }

  async #reach(number: number): Promise<void> {
    await Promise.all(
      this.#recordings.map((recording, index) =>
        within(this.#reachIn(index, recording.key, number), () => `event ${number} in tab ${index}`),
      ),
    )
  }

  async #reachIn(index: number, key: string, number: number): Promise<void> {
    await this.tabs[index]?.page.evaluate(
      ([key, pattern, number]) => {
        const recording = recorder.get(key)
        const [expression, wanted] = [new RegExp(pattern), Number(number)]
        // Looks at each event once. A later one will do, where this one was lost.
        let next = 0
        return recording.until(() => {
          while (next < recording.events.length) {
            const { type, data } = recording.events[next++] ?? { type: 'gap', data: '' }
            if (type !== 'gap' && Number(expression.exec(data)?.[1]) >= wanted) return true
          }
          return false
        })
      },
      [key, this.#number.source, String(number)] as const,
    )
  }

  /** Of each tab, and of each lane in it. */
  async #findings(): Promise<Findings[][]> {
    const lanes = Array.from({ length: this.#lanes }, (_, lane) => lane)
    return Promise.all(
      this.#recordings.map(async (recording) => {
        const received = this.#numbered(await recording.received())
        const isIn =
          (lane: number) =>
          ({ type, data }: RecordedEvent) =>
            type === 'gap' || Number(data) % this.#lanes === lane
        return lanes.map((lane) => examine(received.filter(isIn(lane)), this.feed.sent.filter(isIn(lane))))
      }),
    )
  }

  /** What a tab has received, with numbers in the place of whatever data and IDs the server has made of them. */
  #numbered(received: readonly RecordedEvent[]): RecordedEvent[] {
    const numbers = new Map<string, string>()
    let last = '0'
    const events = received.filter(({ type, data }) => type === 'gap' || !this.#others.test(data))
    return events.map(({ type, data, lastEventId }) => {
      // A gap names the ID of the event before it, or nothing where there are no IDs.
      if (type === 'gap')
        return { type, data, lastEventId: lastEventId === '' ? last : (numbers.get(lastEventId) ?? '') }
      last = this.#number.exec(data)?.[1] ?? data
      numbers.set(lastEventId, last)
      return { type, data: last, lastEventId: last }
    })
  }

  async #report(gaps: number): Promise<void> {
    const findings = await this.#findings()
    const received = await Promise.all(
      this.#recordings.map(async (recording) => this.#numbered(await recording.received())),
    )
    const { sent, ...sums } = this.#task.meta.row ?? NOTHING_YET
    const count = (of: (lane: Findings) => number) =>
      findings.map((lanes) => lanes.reduce((sum, lane) => sum + of(lane), 0))
    this.#task.meta.row = {
      tabs: this.tabs.length,
      sent: sent + this.feed.length,
      received: add(
        sums.received,
        received.map((events) => events.filter(({ type }) => type !== 'gap').length),
      ),
      lost: add(
        sums.lost,
        count(({ lost, lostInSilence }) => lost.length + lostInSilence.length),
      ),
      doubled: add(
        sums.doubled,
        count(({ repeated }) => repeated.length),
      ),
      gaps: add(
        sums.gaps,
        received.map((events) => events.filter(({ type }) => type === 'gap').length),
      ),
      expectedGaps: sums.expectedGaps + gaps,
    }
  }
}

const NOTHING_YET = {
  sent: 0,
  received: [0, 0],
  lost: [0, 0],
  doubled: [0, 0],
  gaps: [0, 0],
  expectedGaps: 0,
} as const

const add = ([least, most]: Range, values: readonly number[]): Range => [
  least + Math.min(...values),
  most + Math.max(...values),
]
