import type { LinkEndpoint } from '../link/endpoint.ts'
import { hubLockName } from '../link/protocol.ts'
import { answerOf, type HubLink } from './hub-link.ts'
import type { Platform } from './platform.ts'

/**
 * How often a visible page asks whether its hub is alive, in ms: seldom where a lock tells of its death and no page can
 * freeze it.
 */
const CHECK_INTERVAL = 2_000
const CHECK_INTERVAL_OF_WORKER = 10_000

/** How long, in ms, to wait for the answer. */
const CHECK_TIMEOUT = 1_500
const CHECK_TIMEOUT_OF_WORKER = 10_000

/** What the watch tells its client. */
export interface WatchNotices {
  /**
   * The hub is gone, or does not know this tab any more.
   *
   * @param isWedged it holds its lock and does not answer: it will not come back
   */
  lost(link: HubLink, isWedged: boolean): void
  /** A message made no sense. */
  dropped(): void
}

/** Sees when the hub at the other end of a link dies. */
export class HubWatch {
  readonly #platform: Platform
  readonly #notices: WatchNotices
  /** The link that is watched. */
  #link: HubLink | undefined
  /** Until the hub is next asked whether it is alive. */
  #timer: unknown
  /** Where pages tell each other of dead hubs, as long as no lock does. */
  #obituaries: LinkEndpoint | undefined

  constructor(platform: Platform, notices: WatchNotices) {
    this.#platform = platform
    this.#notices = notices
  }

  begin(link: HubLink): void {
    this.#link = link
    if (this.#platform.locks === undefined) this.#listenForDeaths()
    // Shared: all who wait are told at once, even if the first of them is frozen.
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

  /** The page is left: it hears nothing any more. */
  leave(): void {
    this.end()
    this.#obituaries?.close()
    this.#obituaries = undefined
  }

  /** Asks the hub whether it is alive. */
  async check(link: HubLink): Promise<void> {
    // Twice: when a frozen page wakes, the timer of the first may run before the answer that has long been there.
    const answer = (await this.#ping(link)) ?? (await this.#ping(link))
    if (answer === link.hubId || this.#link !== link) return
    this.#obituaries?.postMessage(link.hubId)
    // Without locks it may just be dead.
    this.#notices.lost(link, answer === undefined && this.#platform.locks !== undefined)
  }

  /** All pages should move to the next hub at the same time: it resumes from where those stand that it knows. */
  #listenForDeaths(): void {
    if (this.#obituaries !== undefined) return
    this.#obituaries = this.#platform.openChannel?.('tabstream/deaths')
    this.#obituaries?.addEventListener('message', (event) => {
      const hubId: unknown = (event as MessageEvent).data
      if (typeof hubId !== 'string') this.#notices.dropped()
      else if (this.#link?.hubId === hubId) this.#notices.lost(this.#link, false)
    })
  }

  /** Asks now and then: a hub may have died where no lock tells, or be wedged. */
  #ask(link: HubLink): void {
    this.#timer = this.#platform.setTimeout(
      async () => {
        if (this.#platform.isVisible()) await this.check(link)
        if (this.#link === link) this.#ask(link)
      },
      this.#isSafe(link) ? CHECK_INTERVAL_OF_WORKER : CHECK_INTERVAL,
    )
  }

  /** A lock tells when the hub dies, and it can hardly come to a standstill without dying. */
  #isSafe({ host }: HubLink): boolean {
    return host.name === 'shared-worker' && this.#platform.locks !== undefined
  }

  /** The answer, or nothing when none comes in time. */
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
