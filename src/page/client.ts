import type { Host } from '../link/host.ts'
import { type Batch, LATER, type TabSide } from '../link/protocol.ts'
import { answerOf, type HubLink } from './hub-link.ts'
import { HubWatch } from './hub-watch.ts'
import type { Receive } from './inbox.ts'
import type { Refusal } from './inspection.ts'
import { type Climber, Ladder, left } from './ladder.ts'
import { PageSubscription, type Wish } from './page-subscription.ts'
import type { Platform } from './platform.ts'

/** A hub lost within this many ms has died young. A few may, when the user closes several tabs in a row. */
const YOUNG = 1_000
const YOUNG_DEATHS = 3

/** How long, in ms, to wait after the third young death before the next attempt. It doubles, up to 1 s. */
const REATTACH_DELAY = 50
const MOST_REATTACH_DELAY = 1_000

/** The same where no hub could be had, because a server is down or a deployment is under way. */
const SEARCH_DELAY = 1_000
const MOST_SEARCH_DELAY = 30_000

let subscriptionCount = 0

/** One per page. It holds the page's subscriptions, and attaches them to the next hub when one is gone. */
export class Client implements Climber {
  readonly tabSide: Partial<TabSide> = {
    deliver: async (batch) => {
      await this.#deliver(batch)
      return batch.mayWait ? LATER : undefined
    },
    warn: (message) => this.#platform.warn(message),
    ping: () => {},
  }
  readonly #platform: Platform
  readonly #ladder: Ladder
  readonly #watch: HubWatch
  readonly #subscriptions = new Map<number, PageSubscription>()
  /** Subscriptions that have been closed in this task: what is opened in it may be the same, rendered anew. */
  #justClosed: number[] = []
  #link: HubLink | undefined
  #attaching: Promise<HubLink> | undefined
  /** Runs until the client looks for the next hub. */
  #timer: unknown
  /** How many hubs in a row have died young, or could not be had. */
  #failures = 0
  #isAway = false
  #hasComplained = false
  /** Malformed messages from a hub, or on a channel between pages. */
  malformed = 0

  /** Tells apart streams for which the page gives no key. */
  readonly key: string
  readonly connections: number | undefined
  readonly mayDisturb: true | undefined

  /**
   * @param hosts where a hub can live, in order of preference; none where there is no browser, so that nothing ever happens
   * @param connections most of them to one origin, where the page says
   * @param mayDisturb for development: the page may disturb its hub
   */
  constructor(platform: Platform, hosts: readonly Host[], key = '', connections?: number, mayDisturb?: true) {
    this.#platform = platform
    this.key = key
    this.#isAway = hosts.length === 0
    this.connections = connections
    this.mayDisturb = mayDisturb
    this.#ladder = new Ladder(platform, hosts, this)
    this.#watch = new HubWatch(platform, {
      lost: (link, isWedged) => this.#lose(link, isWedged),
      dropped: this.dropped,
    })
    platform.onPageEvent('pagehide', () => this.#leave())
    platform.onPageEvent('pageshow', () => this.#return())
    // In Chromium, a frozen page still answers on BroadcastChannels, although its connections stand still.
    platform.onPageEvent('freeze', () => this.#link?.host.isHere?.() && this.#leave())
    platform.onPageEvent('resume', () => {
      this.#return()
      this.#stir()
    })
    platform.onPageEvent('online', () => this.#stir())
    platform.onPageEvent('visible', () => this.#stir())
    platform.onPageEvent('hidden', () => this.#link?.remote.hide())
  }

  /** Opens a subscription, which has no names yet. `receive` is called for each entry, in order. */
  subscribe(wish: Wish, receive: Receive): PageSubscription {
    const id = ++subscriptionCount
    const subscription = new PageSubscription(this.#platform, id, wish, receive, {
      renews: this.#justClosed,
      changed: () => this.#send(subscription),
      works: () => this.#link?.remote.working(id),
      closed: () => {
        this.#subscriptions.delete(id)
        this.#noteClosed(id)
        this.#link?.remote.unsubscribe(id)
      },
    })
    this.#subscriptions.set(id, subscription)
    return subscription
  }

  /** `undefined` if the page has closed it. */
  subscription(id: number): PageSubscription | undefined {
    return this.#subscriptions.get(id)
  }

  /** Counts a malformed message. */
  readonly dropped = (): void => {
    this.malformed++
  }

  /** Reports the first malformed message, because it may be why the page receives no events. */
  misunderstood(): void {
    this.dropped()
    if (this.#hasComplained) return
    this.#hasComplained = true
    this.#platform.error(
      "tabstream: ignored a malformed message from this page's hub, so events may be missing. Serve the files of " +
        'tabstream/dist unchanged, and let no other script write to its channels.',
    )
  }

  gone(life: AbortController): void {
    if (this.#link?.life === life) this.#lose(this.#link)
  }

  get isAway(): boolean {
    return this.#isAway
  }

  randomId(): string {
    return this.#platform.randomId()
  }

  now(): number {
    return this.#platform.now()
  }

  /** The link to this page's hub; `undefined` while it has none. */
  get link(): HubLink | undefined {
    return this.#link
  }

  /** Preferred hosts that are not available. */
  get refused(): Refusal[] {
    return this.#ladder.refused
  }

  #deliver(batch: Batch): Promise<void> | undefined {
    if (batch.hubId !== this.#link?.hubId) return undefined
    return this.subscription(batch.subscription)?.deliver(batch)
  }

  async #send(subscription: PageSubscription): Promise<void> {
    const link = this.#link
    if (link === undefined) {
      // Attaching sends every subscription, including this one.
      await this.attach().catch(() => {})
      return
    }
    const message = subscription.message()
    if (message === undefined) return
    const hubId = await answerOf(link, link.remote.subscribe(message)).catch((error: unknown) => {
      // What cannot be sent, or fails at the hub, is this subscription's matter: another hub could do no more.
      if (!link.life.signal.aborted) subscription.fail(refused(error))
      return link.hubId
    })
    if (hubId !== link.hubId && !link.life.signal.aborted) this.#lose(link)
  }

  #noteClosed(id: number): void {
    // Nothing is subscribed of a page that is away. On a server, nothing may run later.
    if (this.#isAway || this.#justClosed.push(id) > 1) return
    this.#platform.run(() => {
      this.#justClosed = []
      return false
    })
  }

  /**
   * A link to a hub, which is sought if there is none.
   *
   * @throws {TabstreamError} of type `'no-host'` if none is available, or the page is left
   */
  attach(): Promise<HubLink> {
    if (this.#isAway) return Promise.reject(left())
    if (this.#link !== undefined) return Promise.resolve(this.#link)
    this.#attaching ??= this.#find().finally(() => {
      this.#attaching = undefined
    })
    return this.#attaching
  }

  async #find(): Promise<HubLink> {
    try {
      const link = await this.#ladder.climb()
      this.#link = link
      if (!this.#platform.isVisible()) link.remote.hide()
      for (const subscription of this.#subscriptions.values()) subscription.reattach()
      this.#watch.begin(link)
      return link
    } catch (error) {
      if (!this.#isAway) this.#miss(error as Error)
      throw error
    }
  }

  /** No hub could be had. No stream ends because a script cannot be fetched just now. */
  #miss(error: Error): void {
    const subscriptions = [...this.#subscriptions.values()]
    if (!this.#ladder.mayFindLater) {
      for (const subscription of subscriptions) subscription.fail(error)
      return
    }
    if (this.#failures === 0) this.#platform.warn(`${error.message}; tabstream goes on trying`)
    const delay = Math.min(SEARCH_DELAY * 2 ** this.#failures++, MOST_SEARCH_DELAY)
    this.#wait(delay)
    for (const subscription of subscriptions) {
      subscription.fail(error, this.#failures, this.#platform.now() + delay)
    }
  }

  /** The page or its network is back. */
  #stir(): void {
    const link = this.#link
    if (link === undefined) {
      this.resume()
      return
    }
    link.remote.wake(this.#platform.isVisible())
    this.#watch.check(link)
  }

  #lose(link: HubLink, isWedged = false): void {
    if (this.#link !== link) return
    if (isWedged) this.#ladder.giveUp()
    this.#release()
    // Hubs that fail one after the other must not cause a busy loop.
    this.#failures = this.#platform.now() - link.since < YOUNG ? this.#failures + 1 : 0
    const excess = this.#failures - YOUNG_DEATHS
    const delay = excess < 0 ? 0 : Math.min(REATTACH_DELAY * 2 ** excess, MOST_REATTACH_DELAY)
    // No timer here: in a hidden page even the shortest takes a second.
    if (delay === 0) this.resume()
    else this.#wait(delay)
  }

  #wait(delay: number): void {
    this.#platform.clearTimeout(this.#timer)
    this.#timer = this.#platform.setTimeout(() => this.resume(), delay)
  }

  /** Looks for a hub now, if anything is subscribed. */
  resume(): void {
    if (this.#subscriptions.size > 0) this.attach().catch(() => {})
  }

  #release(): void {
    this.#platform.clearTimeout(this.#timer)
    this.#watch.end()
    this.#link?.life.abort()
    this.#link = undefined
  }

  #leave(): void {
    this.#isAway = true
    this.#link?.remote.detach()
    this.#release()
    this.#watch.leave()
    this.#ladder.leave()
  }

  #return(): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#ladder.forgive()
    // Meanwhile a connection may have died without a word.
    if (this.#subscriptions.size > 0)
      this.attach().then(
        () => this.#stir(),
        () => {},
      )
  }
}

const refused = (error: unknown): Error =>
  new Error(`the hub could not be asked for the stream (${error instanceof Error ? error.message : error})`)
