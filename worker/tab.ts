import { expose, type Remote, wrap } from 'comlink'
import type { LinkEndpoint } from '../src/link/endpoint.ts'
import {
  type Attachment,
  type Disturbance,
  type EndedStream,
  type HubLife,
  type HubReport,
  type HubSide,
  type Look,
  type Position,
  type StreamRequest,
  type Subscription,
  type TabLife,
  type TabSide,
  tabLockName,
} from '../src/link/protocol.ts'
import { Cursor } from './delivery/cursor.ts'
import type { HubPlatform } from './platform.ts'
import type { Bridge } from './stream/bridge.ts'
import type { Stream } from './stream/stream.ts'
import { sinceOf } from './stream/takeover.ts'

/** A tab that has not attached after this many ms has gone, or has opened another link. */
const ATTACH_LIMIT = 10_000

/** How often, in ms, a tab without a lock is pinged, and how many pings in a row it may miss. */
const PING_INTERVAL = 5_000
const PINGS_MISSED = 3

interface Subscribed {
  readonly stream: Stream
  readonly cursor: Cursor
  /** As the page has said it last. */
  readonly subscription: Subscription
}

/** What a tab needs from its hub. */
export interface TabHub {
  readonly id: string
  readonly platform: HubPlatform
  /** @param protocol by which the tab has come, by its ALPN name */
  join(tab: Tab, protocol: string | undefined): void
  leave(tab: Tab): void
  /** The stream for a tab's subscription, created if there is none. */
  streamFor(subscription: Subscription, tab: Tab): Stream
  /** The stream of a request, if there is one. */
  streamOf(request: StreamRequest): Stream | undefined
  /** The network may be back. */
  wake(): void
  report(): HubReport
  /** @param tab that looks */
  life(look: Look, tab: Tab): HubLife
  disturb(disturbance: Disturbance, tab: Tab): void
}

/** A hub's side of one link. */
export class Tab implements HubSide {
  readonly #hub: TabHub
  readonly #endpoint: LinkEndpoint
  /** Held as long as the tab exists: if a remote is garbage-collected, its calls never settle. */
  readonly #remote: Remote<TabSide>
  readonly #subscriptions = new Map<number, Subscribed>()
  readonly #watch = new AbortController()
  readonly #closed: () => void
  #id = ''
  #mayDisturb: boolean | undefined
  /** Name of the Web Lock that the page holds as long as it lives; `''` where it can have none. */
  #lock = ''
  /** It has told where it stands: from then on, nothing that it knows of a dead hub is waited for. */
  #hasSubscribed = false
  #isAttached = false
  isVisible = true
  /** The latest streams that have ended: not those from before it came, which may be another user's. */
  former: readonly EndedStream[] = []
  /** Most connections to one origin, where its page says. */
  connections: number | undefined
  /** Runs until the tab must have attached, then until the next ping. */
  #timer: unknown
  /** Pings in a row that have not been answered. */
  #missed = 0

  constructor(hub: TabHub, endpoint: LinkEndpoint, closed: () => void) {
    this.#hub = hub
    this.#closed = closed
    this.#endpoint = endpoint
    this.#remote = wrap<TabSide>(endpoint)
  }

  /** Name of its Web Lock; `''` before it has subscribed to anything. */
  get lock(): string {
    return this.#hasSubscribed ? this.#lock : ''
  }

  listen(): void {
    expose(this, this.#endpoint)
    this.#timer = this.#hub.platform.setTimeout(() => this.#close(), ATTACH_LIMIT)
  }

  attach({ tabId, holdsLock, protocol, connections, mayDisturb }: Attachment): string {
    this.#isAttached = true
    this.#id = tabId
    this.#mayDisturb = mayDisturb
    this.connections = connections
    this.#hub.platform.clearTimeout(this.#timer)
    this.#hub.join(this, protocol)
    const { locks } = this.#hub.platform
    if (holdsLock && locks !== undefined) {
      this.#lock = tabLockName(tabId)
      locks.request(this.#lock, { signal: this.#watch.signal }, async () => this.detach()).catch(() => {})
    } else {
      this.#ping()
    }
    return this.#hub.id
  }

  subscribe(subscription: Subscription): string {
    if (!this.#isAttached) return ''
    this.#hasSubscribed = true
    const known = this.#subscriptions.get(subscription.id)
    // It may have parted.
    const present = known?.stream.subscribers.has(known.cursor) ? known : undefined
    const stream = present?.stream ?? this.#hub.streamFor(subscription, this)
    this.#follow(stream, subscription, stream.startOf(subscription), present?.cursor)
    return this.#hub.id
  }

  /** Subscriptions that a bridge has brought to its shore go on there. Where it has not joined, they begin as well as they can. */
  cross({ stream, shore, isJoined, seals }: Bridge): void {
    for (const { subscription, cursor, ...one } of [...this.#subscriptions.values()]) {
      // Who has been told to part says itself where to go on.
      if (one.stream !== stream || !stream.subscribers.has(cursor) || (isJoined && !cursor.isThrough))
        continue
      // The shore has got other headers than those that its page gave.
      if (shore.seals !== seals && shore.request.asksHeaders && shore.request.key === '') {
        cursor.part()
        continue
      }
      const start = isJoined ? stream.positionAt(stream.log.lastSeq) : shore.startOf(subscription)
      this.#follow(shore, subscription, start, cursor)
    }
  }

  unsubscribe(subscriptionId: number): void {
    const { stream, cursor } = this.#subscriptions.get(subscriptionId) ?? {}
    this.#subscriptions.delete(subscriptionId)
    cursor?.close()
    if (stream?.subscribers.size === 0) stream.left = { tab: this, subscription: subscriptionId }
  }

  end(subscriptionId: number, request?: StreamRequest): void {
    const stream = this.#shared(subscriptionId) ?? (request && this.#hub.streamOf(request))
    stream?.finish()
  }

  working(subscriptionId: number): void {
    this.#subscriptions.get(subscriptionId)?.cursor.noteWork()
  }

  reconnect(subscriptionId: number): void {
    this.#shared(subscriptionId)?.connection.reconnect()
  }

  async send(subscriptionId: number, message: unknown): Promise<unknown> {
    const { stream, cursor } = this.#subscriptions.get(subscriptionId) ?? {}
    // Where it is not known whether the stream is still its own, the message might be sent for another user.
    if (!stream || !cursor || cursor.questions.awaited !== undefined) return undefined
    return (stream.shore ?? stream).connection.source.send?.(message)
  }

  detach(): void {
    if (!this.#isAttached) return
    this.#isAttached = false
    this.#hub.leave(this)
    for (const id of this.#subscriptions.keys()) this.unsubscribe(id)
    this.#watch.abort()
    this.#close()
  }

  subscribesTo(stream: Stream): boolean {
    return [...this.#subscriptions.values()].some((one) => one.stream === stream)
  }

  /** Its streams, less those of which it has still to say whether they are its own: of these it is told nothing. */
  get ownStreams(): ReadonlySet<Stream> {
    const own = [...this.#subscriptions.values()].filter(
      ({ cursor }) => cursor.questions.awaited === undefined,
    )
    return new Set(own.map(({ stream }) => stream))
  }

  /** Tells its subscriptions to a stream that they have been too slow. */
  skip(stream: Stream): void {
    for (const one of this.#subscriptions.values()) if (one.stream === stream) one.cursor.skip()
  }

  /** @param looking whom it is told */
  life(looking: Tab): TabLife {
    const lives = [...this.#subscriptions.values()].map(({ cursor }) => cursor.life)
    const silences = lives.map(({ silentSince }) => silentSince).filter((since) => since > 0)
    return {
      id: this.#id,
      isYou: this === looking,
      isVisible: this.isVisible,
      silentSince: silences.length > 0 ? Math.min(...silences) : 0,
      subscriptions: lives.map(({ silentSince, ...life }) => life),
    }
  }

  /** Writes to the page's console. */
  warn(message: string): void {
    this.#remote.warn(message)
  }

  /** @param former the cursor whose place it takes */
  #follow(stream: Stream, subscription: Subscription, start: Position | undefined, former?: Cursor): void {
    const begun = { ...subscription, position: start, since: sinceOf(subscription) }
    const cursor = new Cursor(this.#hub.platform, this.#hub.id, stream, begun, this.#remote, this, former)
    this.#subscriptions.set(subscription.id, { stream, cursor, subscription })
    former?.close()
    cursor.pump()
  }

  /** The stream that others share as well. */
  #shared(subscriptionId: number): Stream | undefined {
    const { stream } = this.#subscriptions.get(subscriptionId) ?? {}
    return stream?.shore ?? stream
  }

  #close(): void {
    this.#hub.platform.clearTimeout(this.#timer)
    this.#endpoint.close()
    this.#closed()
  }

  /** Hidden tabs answer too, because messages are not throttled. Frozen tabs attach again when they wake. */
  #ping(): void {
    const { platform } = this.#hub
    this.#timer = platform.setTimeout(() => {
      if (this.#missed === PINGS_MISSED) return this.detach()
      this.#missed++
      this.#remote.ping().then(() => {
        this.#missed = 0
      })
      this.#ping()
    }, PING_INTERVAL)
  }

  wake(isVisible: boolean): void {
    this.#see(isVisible)
    this.#hub.wake()
  }

  hide(): void {
    this.#see(false)
  }

  #see(isVisible: boolean): void {
    if (this.isVisible === isVisible) return
    this.isVisible = isVisible
    for (const { stream, cursor } of this.#subscriptions.values()) {
      cursor.pump()
      stream.reviewAttention()
    }
  }

  ping(): string {
    return this.#isAttached ? this.#hub.id : ''
  }

  inspect(): HubReport {
    return this.#hub.report()
  }

  look(look: Look): ReturnType<HubSide['look']> {
    return { report: this.#hub.report(), life: this.#hub.life(look, this) }
  }

  disturb(disturbance: Disturbance): void {
    if (this.#mayDisturb) this.#hub.disturb(disturbance, this)
  }
}
