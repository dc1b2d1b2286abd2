import type { Host, HostName } from '../../src/link/host.ts'
import {
  type Batch,
  type Entry,
  EVENT_SOURCE_POLICY,
  type EventEntry,
  type Policy,
  type SourceRequest,
} from '../../src/link/protocol.ts'
import { Client } from '../../src/page/client.ts'
import { answerOf } from '../../src/page/hub-link.ts'
import type { PageSubscription } from '../../src/page/page-subscription.ts'
import { SocketStream } from '../../src/websocket/socket-stream.ts'
import type { Agent } from './world/agent.ts'
import { CENTRIFUGO_GAPS, CENTRIFUGO_SOURCE } from './world/centrifugo.ts'
import { isDurable } from './world/durable.ts'
import { LINES_SCRIPT, UNNAMED } from './world/lines.ts'
import { overhear } from './world/overhear.ts'
import { requestTo } from './world/samples.ts'
import type { VirtualServer } from './world/server.ts'
import { SOCKET_SOURCE } from './world/socket.ts'
import type { Looks } from './world/wire.ts'
import type { World } from './world/world.ts'

/** What a page was given, in order. */
export type Recorded =
  /** `sentByThen`: how many events the server had sent when the page was given this. */
  | { type: 'event'; looks: Looks; sentByThen: number }
  | { type: 'frame'; looks: Looks }
  | { type: 'gap'; reason: string; before: string; after: string; sentByThen: number }

/** A record for people. */
export const inWords = (record: Recorded): string => {
  if (record.type === 'gap') return `gap ${record.reason} between ${record.before} and ${record.after}`
  const { name, data, id } = record.looks
  return `${record.type} ${name} ${data} @${id}`
}

/** A point in a server's order of events. */
export type Point =
  /** After so many. */
  | { sent: number }
  /** After the event that a page recorded at this index. */
  | { record: number }
  /** After the latest event among so many records of a page. */
  | { records: number }

/** A stretch of a server's events of one name that a page must have been given. */
export interface Due {
  name: string
  after: Point
  /** `undefined` while the page still listens. */
  upTo: Point | undefined
}

/** What a page may want of a stream besides. */
export type SimWish = Partial<Pick<Policy, 'hidden' | 'priority'>>

/** A page's listener: records, and knows what it was promised. */
export class SimSubscription {
  readonly server: VirtualServer
  readonly wish: SimWish
  readonly records: Recorded[] = []
  readonly #given: (entry: Entry) => void
  /** Calls back later. */
  readonly #again: (then: () => void) => void
  readonly due: Due[] = []
  /** What must not come at all: data of another server, an event of a name that the page does not listen to, or the end of a stream that nobody has refused. */
  readonly strays: string[] = []
  isClosed = false
  /** A name to begin to listen to from within the next event's listener. */
  addNext: string | undefined
  readonly #names = new Set<string>()
  readonly #client: Client
  readonly #subscription: PageSubscription
  /** It listens to this, which must not come. */
  readonly #unwanted: string | undefined
  /** The server is asked only for what pages listen to. */
  readonly #isSelective: boolean
  /** Names that it waits for, or has, with the number of the change that has added each. */
  readonly #asked = new Map<string, number>()
  #changes = 0
  #hasOpened = false

  /** @param given told of each entry */
  constructor(
    client: Client,
    server: VirtualServer,
    names: readonly string[],
    given: (entry: Entry) => void,
    again: (then: () => void) => void,
    wish: SimWish = {},
    source?: SourceRequest,
  ) {
    this.server = server
    this.wish = wish
    this.#client = client
    this.#unwanted = source?.script === LINES_SCRIPT ? UNNAMED : undefined
    this.#isSelective = source?.isSelective === true
    this.#given = given
    this.#again = again
    const gapEvents = source?.options === CENTRIFUGO_SOURCE.options ? CENTRIFUGO_GAPS : undefined
    const isPatient = source !== undefined && isDurable(source.script)
    this.#subscription = client.subscribe(
      {
        request: requestTo(server.url, {
          credentials: server.credentials,
          ...(source && { source }),
        }),
        // As `connectDurable()` has it: it goes on after a refusal that may pass.
        policy: {
          ...EVENT_SOURCE_POLICY,
          ...(isPatient && { retriesStatuses: true }),
          ...(gapEvents && { gapEvents }),
          ...wish,
        },
      },
      (entry) => this.#receive(entry),
    )
    for (const name of names) this.add(name)
  }

  get id(): number {
    return this.#subscription.id
  }

  get names(): readonly string[] {
    return [...this.#names]
  }

  /** How many events of its connections this page was given. */
  get frameCount(): number {
    return this.records.filter(({ type }) => type === 'frame').length
  }

  add(name: string): void {
    if (this.isClosed || this.#names.has(name)) return
    this.#names.add(name)
    if (this.#hasOpened) this.#promise(name)
    this.#listen()
    if (this.#isSelective) this.#promiseWhenAsked(name, ++this.#changes)
  }

  /** As `ready()` of a stream of topics does. */
  async #promiseWhenAsked(name: string, change: number): Promise<void> {
    this.#asked.set(name, change)
    while (!this.isClosed && this.#asked.get(name) === change) {
      const link = await this.#client.attach().catch(() => undefined)
      const answer = link?.remote.send(this.id, { topic: name }) as Promise<true | undefined> | undefined
      const isAsked = link && answer && (await answerOf(link, answer).catch(() => undefined))
      if (this.#asked.get(name) !== change || this.isClosed) return
      if (isAsked) {
        this.due.push({ name, after: { sent: this.server.events.length }, upTo: undefined })
        return
      }
      await new Promise<void>((resolve) => this.#again(resolve))
    }
  }

  remove(name: string): void {
    if (!this.#names.delete(name)) return
    this.#asked.delete(name)
    this.#settle(name)
    this.#listen()
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.stop()
    this.#subscription.close()
  }

  /** Nothing more is due. */
  stop(): void {
    this.#asked.clear()
    for (const name of this.#names) this.#settle(name)
  }

  #listen(): void {
    this.#subscription.setNames(this.#unwanted === undefined ? this.#names : [...this.#names, this.#unwanted])
  }

  #promise(name: string): void {
    if (this.#isSelective) return
    this.due.push({ name, after: { sent: this.server.events.length }, upTo: undefined })
  }

  #settle(name: string): void {
    for (const due of this.due) {
      if (due.name === name) due.upTo ??= { records: this.records.length }
    }
  }

  #receive(entry: Entry): 'turn' {
    this.#given(entry)
    this.#record(entry)
    return 'turn'
  }

  #record(entry: Entry): void {
    if (entry.type === 'gap') {
      const { type, reason, before, after } = entry
      this.records.push({ type, reason, before, after, sentByThen: this.server.events.length })
    } else if (entry.type === 'state') {
      if (entry.state === 'closed') this.strays.push(`closed: ${entry.error?.message}`)
      if (entry.state !== 'open' || this.#hasOpened) return
      this.#hasOpened = true
      for (const name of this.#names) this.#promise(name)
    } else if (!this.#names.has(entry.name)) {
      this.strays.push(`${entry.name}: ${entry.data}`)
    } else {
      this.#recordEvent(entry)
    }
  }

  #recordEvent({ name, data, id }: EventEntry): void {
    const looks = { name, data, id }
    if (this.server.framesLike(looks) > 0) {
      this.records.push({ type: 'frame', looks })
      return
    }
    this.records.push({ type: 'event', looks, sentByThen: this.server.events.length })
    const added = this.addNext
    this.addNext = undefined
    if (added === undefined || this.#names.has(added)) return
    if (this.#isSelective) {
      this.add(added)
      return
    }
    this.#names.add(added)
    // Whatever follows the event being dispatched is due, even what the hub has had for long.
    this.due.push({ name: added, after: { record: this.records.length - 1 }, upTo: undefined })
    this.#listen()
  }
}

export interface SimTabOptions {
  /** Most connections to one origin, as the page says. */
  connections?: number | undefined
  /** It is opened in the background. */
  isHidden?: boolean | undefined
}

/** A tab of the virtual browser, with the real client in it. */
export class SimTab {
  readonly agent: Agent
  readonly connections: number | undefined
  /** Told of each batch that the hub sends, where the hub is in a SharedWorker. */
  onBatch: (batch: Batch) => void = () => {}
  readonly subscriptions: SimSubscription[] = []
  readonly warnings: string[] = []
  /** With the way its batches came. */
  readonly problems: string[] = []
  /** Was frozen or cached at some time. */
  hasSlept = false
  /** Ran nothing for so long that nobody waits for it. */
  hasStoodStill = false
  readonly #world: World
  readonly #host: Host
  readonly #client: Client
  readonly #listeners = new Map<string, () => void>()
  readonly #given = new Set<string>()
  #isCached = false
  /** Since when it has been shown, or hidden. */
  seenSince: number

  constructor(
    world: World,
    name: string,
    hostName: HostName,
    { connections, isHidden = false }: SimTabOptions = {},
  ) {
    this.connections = connections
    this.#world = world
    this.agent = world.agent(name)
    this.agent.isShown = !isHidden
    this.seenSince = world.clock.now
    const platform = world.platform(
      this.agent,
      (type, listener) => this.#listeners.set(type, listener),
      (message) => this.warnings.push(message),
    )
    const sharedWorker = world.sharedWorkerHost(this.agent, (link) =>
      overhear(
        link,
        (entry) => this.#given.has(JSON.stringify(entry)),
        (problem) => this.problems.push(problem),
        (batch) => this.onBatch(batch),
      ),
    )
    this.#host = hostName === 'leader' ? world.leaderHost(this.agent, platform) : sharedWorker
    this.#client = new Client(platform, [this.#host], '', connections)
  }

  get canAct(): boolean {
    return this.agent.isAlive && !this.agent.isFrozen
  }

  /** Of the hub that it is attached to. */
  get hubId(): string | undefined {
    return this.#client.link?.hubId
  }

  /** Its window shows it, or something else. */
  see(isShown: boolean): void {
    if (!this.canAct || this.agent.isShown === isShown) return
    this.agent.isShown = isShown
    this.seenSince = this.#world.clock.now
    this.#listeners.get(isShown ? 'visible' : 'hidden')?.()
  }

  subscribe(server: VirtualServer, names: readonly string[], wish: SimWish = {}): void {
    if (!this.canAct) return
    this.subscriptions.push(
      new SimSubscription(
        this.#client,
        server,
        names,
        (entry) => this.#given.add(JSON.stringify(entry)),
        (then) => this.agent.schedule(100, then),
        wish,
        this.#world.source,
      ),
    )
  }

  /** A socket of the kind that `connectSocket()` returns. */
  openSocket({ url }: VirtualServer): SocketStream {
    const request = requestTo(url, { source: SOCKET_SOURCE })
    return new SocketStream(this.#client, { request, policy: EVENT_SOURCE_POLICY }, {})
  }

  /** Closed by its user, or crashed: the page hears of it only in the first case. */
  end({ isCrash }: { isCrash: boolean }): void {
    if (!this.agent.isAlive) return
    for (const subscription of this.subscriptions) subscription.stop()
    if (!isCrash && this.canAct) this.#listeners.get('pagehide')?.()
    this.agent.kill()
  }

  /** Goes to the back/forward cache: hears `pagehide`, then stands still. */
  cache(): void {
    if (!this.canAct) return
    this.#isCached = true
    this.hasSlept = true
    this.#listeners.get('pagehide')?.()
    this.agent.freeze()
  }

  /** The hub lives in this tab. */
  get leads(): boolean {
    return this.agent.isAlive && this.#host.isHere?.() === true
  }

  freeze(): void {
    if (!this.canAct) return
    this.hasSlept = true
    this.agent.freeze()
  }

  /** Runs nothing for so many ms, as if one task took that long. */
  block(duration: number): void {
    if (!this.canAct) return
    // Acknowledgements and what is said of work may take a while.
    if (duration > 1_000) this.hasStoodStill = true
    this.freeze()
    this.#world.clock.schedule(duration, () => this.wake())
  }

  /** Comes back from the cache, or thaws. */
  wake(): void {
    if (!this.agent.isFrozen) return
    this.agent.wake()
    if (this.#isCached) this.#listeners.get('pageshow')?.()
    this.#isCached = false
  }
}
