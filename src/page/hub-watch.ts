import type { LinkEndpoint } from '../link/endpoint.ts'
import { hubLockName } from '../link/protocol.ts'
import { answerOf, type HubLink } from './hub-link.ts'
import type { Platform } from './platform.ts'

/**
 * How often, in ms, a visible page asks whether its hub is alive. A worker that holds a lock is asked less
 * often, because the lock reports its death and no page can freeze it.
 */
const CHECK_INTERVAL = 2_000
const CHECK_INTERVAL_OF_WORKER = 10_000

/** How long, in ms, to wait for the answer. */
const CHECK_TIMEOUT = 1_500
const CHECK_TIMEOUT_OF_WORKER = 10_000

/** What the watch reports to its client. */
export interface WatchNotices {
  /**
   * The hub is gone, or no longer knows this tab.
   *
   * @param isWedged the hub holds its lock but does not answer, and will not recover
   */
  lost(link: HubLink, isWedged: boolean): void
  /** A malformed message was ignored. */
  dropped(): void
}

/** Detects the death of the hub at the other end of a link. */
export class HubWatch {
  readonly #platform: Platform
  readonly #notices: WatchNotices
  #link: HubLink | undefined
  /** Runs until the hub is asked again whether it is alive. */
  #timer: unknown
  /** Channel on which pages tell each other of dead hubs, if there are no locks. */
  #obituaries: LinkEndpoint | undefined

  constructor(platform: Platform, notices: WatchNotices) {
    this.#platform = platform
    this.#notices = notices
  }

  begin(link: HubLink): void {
    this.#link = link
    if (this.#platform.locks === undefined) this.#listenForDeaths()
    // Shared mode: all waiting pages are told at once, even if the first of them is frozen.
    const options = { mode: 'shared', signal: link.life.signal } as const
    this.#platform.locks
      ?.request(hubLockName(link.hubId), options, async () => this.#notices.lost(link, false))
      .catch(() => {})
    this.#ask(link)
  }

  end(): void {
    this.#link = undefined
    this.#platform.clearTimeout(this.#timer)
  }

  /** The page is left: stops watching and listening. */
  leave(): void {
    this.end()
    this.#obituaries?.close()
    this.#obituaries = undefined
  }

  /** Asks the hub whether it is alive. */
  async check(link: HubLink): Promise<void> {
    // Ask twice: when a frozen page wakes, the first time-out may fire before the answer that already waits.
    const answer = (await this.#ping(link)) ?? (await this.#ping(link))
    if (answer === link.hubId || this.#link !== link) return
    this.#obituaries?.postMessage(link.hubId)
    // Without locks, the hub may simply be dead.
    this.#notices.lost(link, answer === undefined && this.#platform.locks !== undefined)
  }

  /** All pages should move to the next hub together, because it resumes from the positions that it knows. */
  #listenForDeaths(): void {
    if (this.#obituaries !== undefined) return
    this.#obituaries = this.#platform.openChannel?.('tabstream/deaths')
    this.#obituaries?.addEventListener('message', (event) => {
      const hubId: unknown = (event as MessageEvent).data
      if (typeof hubId !== 'string') this.#notices.dropped()
      else if (this.#link?.hubId === hubId) this.#notices.lost(this.#link, false)
    })
  }

  /** Asks at intervals, because the hub may be wedged, or have died without a lock that reports it. */
  #ask(link: HubLink): void {
    this.#timer = this.#platform.setTimeout(
      async () => {
        if (this.#platform.isVisible()) await this.check(link)
        if (this.#link === link) this.#ask(link)
      },
      this.#isSafe(link) ? CHECK_INTERVAL_OF_WORKER : CHECK_INTERVAL,
    )
  }

  /** True if a lock reports the hub's death, and the hub can hardly stop without dying. */
  #isSafe({ host }: HubLink): boolean {
    return host.name === 'shared-worker' && this.#platform.locks !== undefined
  }

  /** The hub's answer; `undefined` if none comes in time. */
  #ping(link: HubLink): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timeout = this.#isSafe(link) ? CHECK_TIMEOUT_OF_WORKER : CHECK_TIMEOUT
      const timer = this.#platform.setTimeout(() => resolve(undefined), timeout)
      answerOf(link, link.remote.ping())
        .catch(() => '')
        .then(resolve)
        .finally(() => this.#platform.clearTimeout(timer))
    })
  }
}
