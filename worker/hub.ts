import type { LinkEndpoint } from '../src/link/endpoint.ts'
import { guarded, HUB_CALLS } from '../src/link/guard.ts'
import { type HubReport, hubLockName, type StreamRequest, type Subscription } from '../src/link/protocol.ts'
import { LOG_LIMITS, type LogLimits } from './log/log.ts'
import type { HubPlatform } from './platform.ts'
import { sse } from './source/sse.ts'
import { Stream } from './stream/stream.ts'
import { Tab, type TabHub } from './tab.ts'

/**
 * How long after its birth, in ms, a hub waits before it connects. It may succeed a hub that died, whose tabs need
 * that long to say where they stand. When one has, others may follow: it waits until they have stopped coming, and
 * longer where more than the one that died with the hub are missing.
 */
const GATHER = 50
const GATHER_MORE = 60
const GATHER_MISSING = 600
const MOST_GATHER = 1_000

/** More streams than this to one origin are worth a warning. */
const MANY_STREAMS = 4

/** Owns streams and serves tabs; knows nothing of where it runs. */
export class Hub implements TabHub {
  readonly id: string
  readonly platform: HubPlatform
  readonly #tabs = new Set<Tab>()
  readonly #streams = new Map<string, Stream>()
  readonly #ready: Promise<void>
  readonly #logLimits: LogLimits
  readonly #birth: number
  readonly #end = new AbortController()
  #streamCount = 0
  #malformed = 0
  #hasWarned = false
  #warning: string | undefined

  /** @param logLimits bounds of each stream's log */
  constructor(platform: HubPlatform, id: string, logLimits: LogLimits = LOG_LIMITS) {
    this.#logLimits = logLimits
    this.platform = platform
    this.id = id
    this.#birth = platform.now()
    this.#ready = this.#holdLock()
  }

  /**
   * Serves the tab at the other end of `endpoint`; resolves when the hub listens to it.
   *
   * @param closed called when it has been closed
   */
  async connect(endpoint: LinkEndpoint, closed: () => void = () => {}): Promise<void> {
    const dropped = () => {
      this.#malformed++
    }
    const tab = new Tab(this, guarded(endpoint, HUB_CALLS, dropped), closed)
    // A tab that is told the hub's ID waits for the hub's lock: it must be held by then.
    await this.#ready
    tab.listen()
  }

  join(tab: Tab): void {
    this.#tabs.add(tab)
  }

  leave(tab: Tab): void {
    this.#tabs.delete(tab)
  }

  /** The stream for a subscription, connected where there was none. */
  streamFor({ request, position }: Subscription): Stream {
    const identity = identityOf(request)
    const stream = this.#streams.get(identity) ?? this.#createStream(identity, request)
    if (position !== undefined && position.resumeAfter !== '') {
      const wait = stream.gather(position) > 1 ? GATHER_MISSING : GATHER_MORE
      stream.connection.postpone(Math.min(wait, this.#birth + MOST_GATHER - this.platform.now()))
    }
    return stream
  }

  /** What should be said once, in the console of the page that has caused it. */
  takeWarning(): string | undefined {
    const warning = this.#warning
    this.#warning = undefined
    return warning
  }

  wake(): void {
    for (const stream of this.#streams.values()) stream.connection.wake()
  }

  /** Lets go of every tab and every connection. */
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
      streams: Array.from(this.#streams.values(), (stream) => stream.report()),
    }
  }

  #createStream(identity: string, request: StreamRequest): Stream {
    const ended = () => {
      if (this.#streams.get(identity) === stream) this.#streams.delete(identity)
    }
    const id = `${this.id}/${++this.#streamCount}`
    const stream = new Stream(this.platform, sse(this.platform), id, request, this.#logLimits, ended)
    this.#streams.set(identity, stream)
    this.#count(new URL(request.url).origin)
    stream.begin(Math.max(0, this.#birth + GATHER - this.platform.now()))
    return stream
  }

  /** A browser has six connections to an origin over HTTP/1.1, and the pages need some of them. */
  #count(origin: string): void {
    const urls = Array.from(this.#streams.values(), ({ request }) => new URL(request.url))
    const paths = urls.filter((url) => url.origin === origin).map(({ pathname }) => pathname)
    if (paths.length <= MANY_STREAMS || this.#hasWarned) return
    this.#hasWarned = true
    this.#warning =
      `tabstream: ${paths.length} streams from ${origin} are open at a time, each on a connection of its own ` +
      `(${paths.join(', ')}). Over HTTP/1.1 a browser opens six to an origin, for requests too: use HTTP/2, or ` +
      'fewer URLs with events of different names.'
  }

  #holdLock(): Promise<void> {
    const { locks } = this.platform
    if (locks === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const ended = new Promise((end) => this.#end.signal.addEventListener('abort', end))
      locks
        .request(hubLockName(this.id), {}, () => {
          resolve()
          return ended
        })
        // Where locks are forbidden, as in a sandboxed frame, tabs watch by asking.
        .catch(resolve)
    })
  }
}

/** Streams are shared between requests for which this is equal, and no others. */
const identityOf = ({ url, credentials, method, body, headers, key, asksHeaders }: StreamRequest): string =>
  JSON.stringify([url, credentials, method, body, headers, key, asksHeaders])
