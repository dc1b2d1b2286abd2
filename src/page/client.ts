import { expose, type Remote, wrap } from 'comlink'
import type { LinkEndpoint } from '../link/endpoint.ts'
import { guarded, TAB_CALLS } from '../link/guard.ts'
import type { Host, HostName } from '../link/host.ts'
import { type Batch, type HubSide, hubLockName, LATER, type TabSide, tabLockName } from '../link/protocol.ts'
import { TabstreamError } from './errors.ts'
import type { Inspection, Refusal } from './inspection.ts'
import { PageSubscription, type Receive, type Wish } from './page-subscription.ts'
import type { Platform } from './platform.ts'

/** How long to wait for a hub's answer, in ms, before asking again: it may have died while it was asked. */
const ATTACH_TIMEOUT = 2_500

/** A hub that is lost so soon, in ms, has died young. A few may, when tabs are closed one after the other. */
const YOUNG = 1_000
const YOUNG_DEATHS = 3

/** How long, in ms, to wait after that before looking for the next: twice as long after each, up to a second. */
const REATTACH_DELAY = 50
const MOST_REATTACH_DELAY = 1_000

/**
 * How often a visible page asks whether its hub is alive, in ms: seldom where a lock tells of its death and no page can
 * freeze it.
 */
const CHECK_INTERVAL = 2_000
const CHECK_INTERVAL_OF_WORKER = 10_000

/** How long, in ms, to wait for the answer. */
const CHECK_TIMEOUT = 1_500
const CHECK_TIMEOUT_OF_WORKER = 10_000

/**
 * How often to ask a hub, and then its successor, before the next host is tried. Ten seconds in all for the first:
 * the worker's script may have to come over a slow network.
 */
const ATTEMPTS = 4
const SUCCESSOR_ATTEMPTS = 2

/** A page's way to its hub. */
interface Link {
  readonly host: Host
  readonly hubId: string
  /** When the hub answered. */
  readonly since: number
  /** Kept for as long as the link: a remote that is collected leaves its calls hanging. */
  readonly remote: Remote<HubSide>
  /** Aborted when the link is given up. */
  readonly life: AbortController
}

/** One per page: finds a hub, holds the page's subscriptions, and attaches them again when the hub is gone. */
export class Client {
  /** What a hub may call. */
  readonly #tabSide: TabSide = {
    deliver: async (batch) => {
      await this.#deliver(batch)
      return batch.mayWait ? LATER : undefined
    },
    headers: async (id, reason) => this.#wish(id).headers?.(reason) ?? [],
    retryDelay: async (id, attempt, error) => this.#wish(id).retryDelay?.(attempt, error) ?? false,
    warn: (message) => this.#platform.warn(message),
    ping: () => {},
  }
  readonly #platform: Platform
  readonly #hosts: readonly Host[]
  readonly #subscriptions = new Map<number, PageSubscription>()
  #nextSubscription = 1
  #link: Link | undefined
  #attaching: Promise<Link> | undefined
  /** Until the hub is next asked whether it is alive. */
  #timer: unknown
  /** How many hubs in a row have died young. */
  #youngDeaths = 0
  /** Where pages tell each other of dead hubs, as long as no lock does. */
  #obituaries: LinkEndpoint | undefined
  #isAway = false
  /** Hosts that are not to be had, and why. They are not tried again until the page has been away. */
  readonly #refusals = new Map<Host, string>()
  #hasWarned = false
  #hasComplained = false
  /** Messages from a hub, or on a channel of pages, that made no sense. */
  #malformed = 0
  /** Hubs given up although they still exist; their successors have other names. */
  #generation = 1

  /** @param hosts where a hub can live, in order of preference */
  constructor(platform: Platform, hosts: readonly Host[]) {
    this.#platform = platform
    this.#hosts = hosts
    platform.onPageEvent('pagehide', () => this.#leave())
    platform.onPageEvent('pageshow', () => this.#return())
    // A frozen page hears and answers BroadcastChannels, in Chromium, while its connections stand still.
    platform.onPageEvent('freeze', () => this.#link?.host.isHere?.() && this.#leave())
    platform.onPageEvent('resume', () => {
      this.#return()
      this.#stir()
    })
    platform.onPageEvent('online', () => this.#stir())
    platform.onPageEvent('visible', () => this.#stir())
  }

  /** Subscribes to no names yet. `receive` is called for each entry, in order. */
  subscribe(wish: Wish, receive: Receive): PageSubscription {
    const id = this.#nextSubscription++
    const subscription = new PageSubscription(this.#platform, id, wish, receive, {
      changed: () => this.#send(subscription),
      closed: (endsStream) => {
        this.#subscriptions.delete(id)
        if (endsStream) this.#link?.remote.end(id)
        this.#link?.remote.unsubscribe(id)
      },
    })
    this.#subscriptions.set(id, subscription)
    return subscription
  }

  async inspect(): Promise<Inspection> {
    const link = await this.#attach()
    const report = await this.#answer(link, link.remote.inspect()).catch((error: unknown) => {
      if (!link.life.signal.aborted) throw error
    })
    // The hub has died meanwhile: its successor is asked.
    if (report === undefined) return this.inspect()
    return {
      ...report,
      host: link.host.name,
      isHere: link.host.isHere?.() ?? false,
      refused: this.#refused(),
      malformed: report.malformed + this.#malformed,
    }
  }

  /** Counts a message that made no sense. */
  readonly dropped = (): void => {
    this.#malformed++
  }

  randomId(): string {
    return this.#platform.randomId()
  }

  now(): number {
    return this.#platform.now()
  }

  /** Where this page's hub lives; nothing as long as it has none. */
  get host(): HostName | undefined {
    return this.#link?.host.name
  }

  /** A page that hears nothing of its hub must not hear nothing of why. */
  #dropFromHub(): void {
    this.dropped()
    if (this.#hasComplained) return
    this.#hasComplained = true
    this.#platform.error(
      "tabstream: a message from this page's hub was not understood and has been ignored, so events may not arrive. " +
        "Either another script writes to tabstream's channels, or the build has changed the library's code: serve the files " +
        'of tabstream/dist as they are, or report this.',
    )
  }

  #wish(id: number): Wish {
    const subscription = this.#subscriptions.get(id)
    if (subscription === undefined) throw new Error('the page does not listen any more')
    return subscription.wish
  }

  #deliver(batch: Batch): Promise<void> | undefined {
    if (batch.hubId !== this.#link?.hubId) return undefined
    return this.#subscriptions.get(batch.subscription)?.deliver(batch)
  }

  async #send(subscription: PageSubscription): Promise<void> {
    const link = this.#link
    if (link === undefined) {
      // A fresh attachment sends every subscription, this one included.
      await this.#attach().catch(() => {})
      return
    }
    const message = subscription.message()
    if (message === undefined) return
    const hubId = await this.#answer(link, link.remote.subscribe(message)).catch(() => '')
    if (hubId !== link.hubId && !link.life.signal.aborted) this.#lose(link)
  }

  #attach(): Promise<Link> {
    if (this.#isAway) return Promise.reject(left())
    if (this.#link !== undefined) return Promise.resolve(this.#link)
    this.#attaching ??= this.#climb().finally(() => {
      this.#attaching = undefined
    })
    return this.#attaching
  }

  /** Tries the hosts in order. */
  async #climb(): Promise<Link> {
    for (const host of this.#hosts) {
      if (this.#refusals.has(host)) continue
      const link = await this.#find(host).catch((error: unknown) => {
        this.#refusals.set(host, error instanceof Error ? error.message : String(error))
      })
      if (this.#isAway) throw left()
      if (link === undefined) continue
      if (this.#refusals.size > 0) this.#warn(host)
      this.#take(link)
      return link
    }
    const error = new TabstreamError('no-host', `no hub could be had (${listed(this.#refused())})`)
    this.#refusals.clear()
    for (const subscription of this.#subscriptions.values()) subscription.fail(error)
    throw error
  }

  /** Asks a host's hub until it answers; one that never does is left for a successor. */
  async #find(host: Host): Promise<Link> {
    await host.load?.()
    for (let attempt = 1; ; attempt++) {
      const generation = this.#generation + (attempt > ATTEMPTS ? 1 : 0)
      const link = await this.#open(host, generation)
      if (this.#isAway) {
        link?.life.abort()
        throw left()
      }
      if (link !== undefined) {
        this.#generation = generation
        return link
      }
      if (attempt === ATTEMPTS + SUCCESSOR_ATTEMPTS) throw new Error('no hub answered')
    }
  }

  /** Resolves to nothing when no answer came in time; rejects when none can come. */
  async #open(host: Host, generation: number): Promise<Link | undefined> {
    const life = new AbortController()
    const tabId = this.#platform.randomId()
    try {
      const holdsLock = await this.#holdLock(tabId, life.signal)
      if (this.#isAway) throw left()
      const link = await new Promise<Link | undefined>((resolve, reject) => {
        const opened = host.open(generation, {
          refused: (reason) => reject(new Error(reason)),
          gone: () => {
            resolve(undefined)
            if (this.#link?.life === life) this.#lose(this.#link)
          },
        })
        const endpoint = guarded(opened, TAB_CALLS, () => this.#dropFromHub())
        life.signal.addEventListener('abort', () => endpoint.close())
        const remote = wrap<HubSide>(endpoint)
        expose(this.#tabSide, endpoint)
        const timer = this.#platform.setTimeout(() => resolve(undefined), ATTACH_TIMEOUT)
        remote
          .attach({ tabId, holdsLock })
          .then((hubId) => resolve({ host, hubId, since: this.#platform.now(), remote, life }))
          .catch(reject)
          .finally(() => this.#platform.clearTimeout(timer))
      })
      if (link === undefined) life.abort()
      return link
    } catch (error) {
      life.abort()
      throw error
    }
  }

  /** Holds the lock whose release tells the hub that this tab is gone; `false` where there are no locks to be had. */
  #holdLock(tabId: string, signal: AbortSignal): Promise<boolean> {
    const { locks } = this.#platform
    if (locks === undefined) return Promise.resolve(false)
    return new Promise((resolve) => {
      const released = new Promise((release) => signal.addEventListener('abort', release))
      locks
        .request(tabLockName(tabId), {}, () => {
          resolve(true)
          return released
        })
        // They are forbidden in a sandboxed frame.
        .catch(() => resolve(false))
    })
  }

  #take(link: Link): void {
    this.#link = link
    if (this.#platform.locks === undefined) this.#listenForDeaths()
    // Shared: all who wait are told at once, even if the first of them is frozen.
    const options = { mode: 'shared', signal: link.life.signal } as const
    this.#platform.locks
      ?.request(hubLockName(link.hubId), options, async () => this.#lose(link))
      .catch(() => {})
    for (const subscription of this.#subscriptions.values()) {
      subscription.reattach()
    }
    this.#watch(link)
  }

  /** All pages should move to the next hub at the same time: it resumes from where those stand that it knows. */
  #listenForDeaths(): void {
    if (this.#obituaries !== undefined) return
    this.#obituaries = this.#platform.openChannel?.('tabstream/deaths')
    this.#obituaries?.addEventListener('message', (event) => {
      const hubId: unknown = (event as MessageEvent).data
      if (typeof hubId !== 'string') this.dropped()
      else if (this.#link?.hubId === hubId) this.#lose(this.#link)
    })
  }

  /** Asks a hub now and then whether it is alive: it may have died where no lock tells, or be wedged. */
  #watch(link: Link): void {
    this.#timer = this.#platform.setTimeout(
      async () => {
        if (this.#platform.isVisible()) await this.#check(link)
        if (this.#link === link) this.#watch(link)
      },
      this.#isSafe(link) ? CHECK_INTERVAL_OF_WORKER : CHECK_INTERVAL,
    )
  }

  /** A lock tells when the hub dies, and it can hardly come to a standstill without dying. */
  #isSafe({ host }: Link): boolean {
    return host.name === 'shared-worker' && this.#platform.locks !== undefined
  }

  async #check(link: Link): Promise<void> {
    // Twice: when a frozen page wakes, the timer of the first may run before the answer that has long been there.
    const answer = (await this.#ping(link)) ?? (await this.#ping(link))
    if (answer === link.hubId || this.#link !== link) return
    // Its lock is held and it does not answer: it will not come back. Without locks it may just be dead.
    if (answer === undefined && this.#platform.locks !== undefined) this.#generation++
    this.#obituaries?.postMessage(link.hubId)
    this.#lose(link)
  }

  /** The answer, or nothing when none comes in time. */
  #ping(link: Link): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timeout = this.#isSafe(link) ? CHECK_TIMEOUT_OF_WORKER : CHECK_TIMEOUT
      const timer = this.#platform.setTimeout(() => resolve(undefined), timeout)
      this.#answer(link, link.remote.ping())
        .catch(() => '')
        .then(resolve)
        .finally(() => this.#platform.clearTimeout(timer))
    })
  }

  /** The page, or its network, has come back. */
  #stir(): void {
    const link = this.#link
    if (link === undefined) return
    link.remote.wake()
    this.#check(link)
  }

  /** The hub is gone, or does not know this tab any more. */
  #lose(link: Link): void {
    if (this.#link !== link) return
    this.#release()
    // A row of hubs that fail must not become a busy loop.
    this.#youngDeaths = this.#platform.now() - link.since < YOUNG ? this.#youngDeaths + 1 : 0
    const excess = this.#youngDeaths - YOUNG_DEATHS
    const delay = excess < 0 ? 0 : Math.min(REATTACH_DELAY * 2 ** excess, MOST_REATTACH_DELAY)
    // Without a timer: in a hidden page the shortest takes a second.
    if (delay === 0) this.#resume()
    else this.#timer = this.#platform.setTimeout(() => this.#resume(), delay)
  }

  #resume(): void {
    if (this.#subscriptions.size > 0) this.#attach().catch(() => {})
  }

  #release(): void {
    this.#platform.clearTimeout(this.#timer)
    this.#link?.life.abort()
    this.#link = undefined
  }

  #leave(): void {
    this.#isAway = true
    this.#link?.remote.detach()
    this.#release()
    this.#obituaries?.close()
    this.#obituaries = undefined
    for (const host of this.#hosts) host.leave?.()
  }

  #return(): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#refusals.clear()
    this.#resume()
  }

  /** A call's result; rejects when the link is given up first, since a dead hub never answers. */
  #answer<Result>(link: Link, result: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const gone = () => reject(new Error('the hub is gone'))
      if (link.life.signal.aborted) gone()
      link.life.signal.addEventListener('abort', gone)
      result.then(resolve, reject).finally(() => link.life.signal.removeEventListener('abort', gone))
    })
  }

  #refused(): Refusal[] {
    return Array.from(this.#refusals, ([host, reason]) => ({ host: host.name, reason }))
  }

  #warn(host: Host): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    const consequence =
      host.name === 'leader'
        ? 'so one of the open pages holds the connection for all of them'
        : 'so this page holds a connection of its own'
    this.#platform.warn(`tabstream: using host "${host.name}", ${consequence} (${listed(this.#refused())})`)
  }
}

const left = () => new TabstreamError('no-host', 'the page was left, and has no hub until it is shown again')

const listed = (refusals: readonly Refusal[]): string =>
  refusals.map(({ host, reason }) => `${host}: ${reason}`).join('; ')
