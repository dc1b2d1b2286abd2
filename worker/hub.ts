import type { LinkEndpoint } from '../src/link/endpoint.ts'
import { guarded, HUB_CALLS } from '../src/link/guard.ts'
import {
  type Disturbance,
  type HubLife,
  type HubReport,
  hubLockName,
  type Look,
  type Position,
  type StreamRequest,
  type Subscription,
  TAB_LOCK,
} from '../src/link/protocol.ts'
import { Budget } from './budget.ts'
import { LOG_LIMITS, type LogLimits } from './log/log.ts'
import type { HubPlatform } from './platform.ts'
import { FailedError } from './source/failure.ts'
import { fetched } from './source/fetched.ts'
import type { Source } from './source/source.ts'
import { sse } from './source/sse.ts'
import { Bridge } from './stream/bridge.ts'
import type { Claimant, Share } from './stream/claimant.ts'
import { lifeOf } from './stream/life.ts'
import { requestFor } from './stream/request.ts'
import { type Leading, Stream } from './stream/stream.ts'
import { sinceOf } from './stream/takeover.ts'
import { Tab, type TabHub } from './tab.ts'

/**
 * How long, in ms, a new hub waits before it connects. If it succeeds a dead hub, that hub's tabs need this
 * time to send their positions. Where there are no other tabs, nobody can, and it does not wait. After each position it waits
 * `GATHER_MORE` for another, or `GATHER_MISSING` if more subscriptions are missing than the one that died with the hub; in all,
 * at most `MOST_GATHER`.
 */
const GATHER = 50
const GATHER_MORE = 60
const GATHER_MISSING = 600
const MOST_GATHER = 1_000

/**
 * A hub whose lock is stolen again within this many ms waits so long before it takes it back. No tab can attach meanwhile, and
 * a stream without any ends after a second.
 */
const STEALING_PAUSE = 100

/** So many streams that have ended are remembered for each tab. */
const MOST_ENDED = 8

/** Owns streams and serves tabs. It does not know where it runs. */
export class Hub implements TabHub {
  readonly id: string
  readonly platform: HubPlatform
  readonly #tabs = new Set<Tab>()
  readonly #streams = new Map<string, Stream>()
  /** Resolves when the hub holds its lock. */
  #ready: Promise<void>
  #stolenAt = Number.NEGATIVE_INFINITY
  readonly #logLimits: LogLimits
  readonly #birth: number
  readonly #end = new AbortController()
  #streamCount = 0
  #malformed = 0
  readonly #budget: Budget
  /** Of origins for which it is known, by its ALPN name. */
  readonly #protocols = new Map<string, string>()
  /** Tabs that want no connection to be had. */
  readonly #offlineFor = new Set<Tab>()
  /** What pages have been told to write to the console. */
  readonly #advice = new Set<string>()

  /** @param logLimits bounds of each stream's log */
  constructor(platform: HubPlatform, id: string, logLimits: LogLimits = LOG_LIMITS) {
    this.#logLimits = logLimits
    this.platform = platform
    this.id = id
    this.#birth = platform.now()
    this.#budget = new Budget(platform, (origin) => this.#limitOf(origin))
    this.#ready = this.#holdLock()
  }

  /**
   * Serves the tab at the other end of `endpoint`; resolves when the hub listens to it.
   *
   * @param closed called when the endpoint has been closed
   */
  async connect(endpoint: LinkEndpoint, closed: () => void = () => {}): Promise<void> {
    const dropped = () => {
      this.#malformed++
    }
    const tab = new Tab(this, guarded(endpoint, HUB_CALLS, dropped), closed)
    // A tab that knows the hub's ID queues for the hub's lock, so the hub must hold it by then.
    await this.#ready
    tab.listen()
  }

  join(tab: Tab, protocol: string | undefined): void {
    this.#tabs.add(tab)
    if (protocol !== undefined) this.#protocols.set(this.platform.origin, protocol)
    this.#budget.review()
  }

  leave(tab: Tab): void {
    this.#tabs.delete(tab)
    this.#offlineFor.delete(tab)
    this.#budget.review()
  }

  streamFor(subscription: Subscription, tab: Tab): Stream {
    const { request, position, seen } = subscription
    const identity = identityOf(request)
    let stream = this.#streams.get(identity)
    if (stream?.isHeld === false && !mayTakeUp(stream, subscription, tab)) {
      stream.close()
      stream = undefined
    }
    stream ??= this.#createStream(identity, request)
    const since = sinceOf(subscription)
    if (since !== undefined) {
      if (subscription.policy.resumes === false || stream.startOf(subscription) !== undefined) return stream
      return (stream.bridges.get(since) ?? this.#bridge(stream, since)).stream
    }
    // A position in the stream's own log comes from a tab that is here already.
    if (position !== undefined && position.log !== stream.id && mayHaveIds(position)) {
      const wait = stream.gather(position, seen) > 1 ? GATHER_MISSING : GATHER_MORE
      stream.connection.postpone(Math.min(wait, stream.gathersFrom + MOST_GATHER - this.platform.now()))
    }
    return stream
  }

  streamOf(request: StreamRequest): Stream | undefined {
    return this.#streams.get(identityOf(request))
  }

  wake(): void {
    for (const stream of this.#streams.values()) stream.connection.wake()
  }

  /** Detaches every tab and closes every connection. */
  close(): void {
    for (const tab of this.#tabs) tab.detach()
    for (const stream of this.#streams.values()) stream.close()
    this.#end.abort()
  }

  report(): HubReport {
    return {
      hubId: this.id,
      tabs: this.#tabs.size,
      malformed: this.#malformed,
      streams: [...this.#streams.values()].map((stream) => stream.report()),
      origins: this.#budget.report((origin) => this.#protocolOf(origin)),
    }
  }

  life({ seen, entries }: Look, tab: Tab): HubLife {
    const { ownStreams } = tab
    return {
      now: this.platform.now(),
      isOffline: this.#offlineFor.size > 0,
      tabs: [...this.#tabs].map((one) => one.life(tab)),
      streams: [...this.#streams.values()].map((stream) =>
        lifeOf(stream, seen[stream.id] ?? 0, entries, ownStreams.has(stream)),
      ),
      former: tab.former,
    }
  }

  disturb(disturbance: Disturbance, tab: Tab): void {
    if (disturbance.type === 'end-hub') {
      this.platform.end?.()
    } else if (disturbance.type === 'offline') {
      this.#offlineFor[disturbance.isOffline ? 'add' : 'delete'](tab)
      if (this.#offlineFor.size === 0) this.wake()
      else for (const { connection } of this.#streams.values()) connection.cut()
    } else {
      const stream = [...this.#streams.values()].find(({ id }) => id === disturbance.stream)
      if (disturbance.type === 'cut') stream?.connection.cut()
      else if (disturbance.type === 'reconnect') stream?.connection.reconnect()
      else if (stream !== undefined) tab.skip(stream)
    }
  }

  /** As long as no page wants it to be offline. */
  #source({ source: fetchable }: StreamRequest): Source {
    const source = fetchable === undefined ? sse(this.platform) : fetched(this.platform, fetchable)
    const unlessOffline: Source = async (connection, receiver) =>
      this.#offlineFor.size > 0
        ? new FailedError('a page has taken the hub offline').failure
        : source(connection, receiver)
    return Object.assign(unlessOffline, source)
  }

  #createStream(identity: string, request: StreamRequest): Stream {
    let listed = identity
    const notices = {
      ...this.#slots,
      advise: (message: string) => this.#advise(message, stream),
      ended: () => {
        if (this.#streams.get(listed) === stream) this.#streams.delete(listed)
        const ended = { report: stream.report(), life: lifeOf(stream, stream.log.lastSeq, 0, false) }
        for (const tab of this.#tabs) tab.former = [ended, ...tab.former].slice(0, MOST_ENDED)
      },
      isOf: (request: StreamRequest, mayChange: boolean) => {
        const identity = identityOf(request)
        // A page may answer when it has ended: nobody is to find it again.
        if (stream.connection.isClosed) return identity === listed
        if ((this.#streams.get(identity) ?? (mayChange && stream)) !== stream) return false
        if (identity !== listed) stream.seal()
        this.#streams.delete(listed)
        listed = identity
        this.#streams.set(listed, stream)
        return true
      },
    }
    const id = `${this.id}/${++this.#streamCount}`
    const stream = new Stream(this.platform, this.#source(request), id, request, this.#logLimits, notices)
    this.#streams.set(identity, stream)
    // Tabs may also come back to a hub that had stood still.
    stream.gathersFrom = this.platform.locks === undefined ? this.#birth : this.platform.now()
    stream.begin(Math.max(0, stream.gathersFrom + GATHER - this.platform.now()))
    this.#isAlone().then((isAlone) => isAlone && stream.hasten())
    return stream
  }

  /** All tabs of the origin are here, so that none can come from a dead hub. */
  async #isAlone(): Promise<boolean> {
    // Where locks are forbidden, it is not known.
    const { held = [{ name: TAB_LOCK }] } = (await this.platform.locks?.query().catch(() => {})) ?? {}
    const locks = new Set([...this.#tabs].map(({ lock }) => lock))
    return held.every(({ name = '' }) => !name.startsWith(TAB_LOCK) || locks.has(name))
  }

  /** To those who have everything up to an ID, and a stream's log does not reach back to it. */
  #bridge(shore: Stream, since: string): Leading {
    const id = `${this.id}/${++this.#streamCount}`
    const bridge = new Bridge(this.platform, this.#source(shore.request), id, shore, since, this.#logLimits, {
      ...this.#slots,
      advise: (message) => this.#advise(message, bridge.stream),
      isOf: (request) => this.#streams.get(identityOf(request)) === shore,
      cross: () => {
        for (const tab of this.#tabs) tab.cross(bridge)
      },
    })
    return bridge
  }

  /** Once, in the console of the page that has come to the stream last. */
  #advise(message: string, stream: Stream): void {
    const tab = [...this.#tabs].findLast((tab) => tab.subscribesTo(stream))
    if (tab === undefined || this.#advice.has(message)) return
    this.#advice.add(message)
    tab.warn(`tabstream: ${message}`)
  }

  /** What a stream needs to have its share in the connections. */
  readonly #slots = {
    slotFor: (claimant: Claimant): Share => this.#budget.slotFor(claimant),
    reviewSlots: (): void => this.#budget.review(),
  }

  /** What pages say of it counts, or what can be found out of the server. */
  #limitOf(origin: string): number | undefined {
    const wished = [...this.#tabs].map(({ connections }) => connections).filter((n) => n !== undefined)
    if (wished.length > 0) return Math.min(...wished)
    return /^ws/.test(origin) || /^h[23]/.test(this.#protocolOf(origin))
      ? Number.POSITIVE_INFINITY
      : undefined
  }

  #protocolOf(origin: string): string {
    const known = this.#protocols.get(origin)
    if (known !== undefined) return known
    const protocol = this.platform.protocolOf(origin)
    if (protocol !== '') this.#protocols.set(origin, protocol)
    return protocol
  }

  #holdLock(steal = false): Promise<void> {
    const { locks } = this.platform
    if (locks === undefined || this.#end.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const ended = new Promise((end) => this.#end.signal.addEventListener('abort', end))
      let isHeld = false
      locks
        .request(hubLockName(this.id), { steal }, () => {
          isHeld = true
          resolve()
          return ended
        })
        .catch(() => {
          // Where locks are forbidden, as in a sandboxed frame, tabs ping the hub instead.
          if (!isHeld) resolve()
          else this.#ready = this.#takeBack()
        })
    })
  }

  /** Any script of the origin can steal the hub's lock. Tabs that attach meanwhile would take the hub for dead. */
  #takeBack(): Promise<void> {
    const now = this.platform.now()
    const wait = now - this.#stolenAt < STEALING_PAUSE ? STEALING_PAUSE : 0
    this.#stolenAt = now
    return new Promise((resolve) => {
      this.platform.setTimeout(() => this.#holdLock(true).then(resolve), wait)
    })
  }
}

/** Whether others of the same log may have an ID to resume after: where events have come without one, nobody is waited for. */
const mayHaveIds = ({ resumeAfter, ordinal }: Position): boolean => resumeAfter !== '' || ordinal === 0

/**
 * Whether a stream that nobody holds may be taken up: it can be the former user's. A key names whose it is, and who was part of it
 * goes on. The tab that held it last may take it up to render something anew, and is replayed nothing older.
 */
function mayTakeUp(stream: Stream, subscription: Subscription, tab: Tab): boolean {
  const { id, left } = stream
  const { request, position, renews = [] } = subscription
  if (request.key !== '' || position?.log === id) return true
  stream.seal()
  return left?.tab === tab && renews.includes(left.subscription)
}

/** Requests share a stream only if this is equal for both. */
const identityOf = (request: StreamRequest): string => {
  const { url, credentials, method, body, headers, key, asksHeaders, asksUrl, resume, source } = request
  const follows = ['', 'id'].map((resumeAfter) => requestFor(request, request, resumeAfter).followsRedirects)
  return JSON.stringify([
    url,
    credentials,
    method,
    body,
    headers,
    key,
    asksHeaders,
    asksUrl,
    resume,
    source,
    follows,
  ])
}
