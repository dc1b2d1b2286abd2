import { expose, wrap } from 'comlink'
import { guarded, TAB_CALLS } from '../link/guard.ts'
import type { Host } from '../link/host.ts'
import { type HubSide, type TabSide, tabLockName } from '../link/protocol.ts'
import { TabstreamError } from './errors.ts'
import type { HubLink } from './hub-link.ts'
import type { Refusal } from './inspection.ts'
import type { Platform } from './platform.ts'

/** How long, in ms, to wait for a hub's answer before asking again. The hub may have died meanwhile. */
const ATTACH_TIMEOUT = 2_500

/** The same for the first attempt at a worker, after which its host finds out whether the worker's script has failed. */
const FIRST_TIMEOUT = 1_000

/**
 * How many times to ask a hub, and then its successor, before trying the next host. The first has 10 s in
 * all, because the worker's script may load over a slow network.
 */
const ATTEMPTS = 4
const SUCCESSOR_ATTEMPTS = 2

/** What the ladder needs from its client. */
export interface Climber {
  /** The methods that a hub may call. */
  readonly tabSide: Partial<TabSide>
  /** The page has been left, so no hub is wanted. */
  readonly isAway: boolean
  /** Most connections to one origin, where the page says. */
  readonly connections: number | undefined
  /** For development: the page may disturb its hub. */
  readonly mayDisturb: true | undefined
  /** The page's own hub sent a malformed message. */
  misunderstood(): void
  /** The hub at the other end of a link is gone. */
  gone(life: AbortController): void
}

/** Finds a hub: tries the hosts in order, and remembers which are not available. */
export class Ladder {
  /** `climb()` may succeed later if it has failed: a host could not be reached, rather than not be used here at all. */
  mayFindLater = false
  readonly #platform: Platform
  readonly #hosts: readonly Host[]
  readonly #climber: Climber
  /** Hosts that are not available, and why. */
  readonly #refusals = new Map<Host, string>()
  #hasWarned = false
  /** Counts hubs that were given up although they still exist. A successor has another name. */
  #generation = 1

  /** @param hosts in order of preference */
  constructor(platform: Platform, hosts: readonly Host[], climber: Climber) {
    this.#platform = platform
    this.#hosts = hosts
    this.#climber = climber
  }

  get refused(): Refusal[] {
    return [...this.#refusals].map(([host, reason]) => ({ host: host.name, reason }))
  }

  /** Lets the next `climb()` try hosts again that were not available. */
  forgive(): void {
    this.#refusals.clear()
  }

  /** The hub exists but will not answer again. The next one gets another name. */
  giveUp(): void {
    this.#generation++
  }

  leave(): void {
    for (const host of this.#hosts) host.leave?.()
  }

  /**
   * Tries the hosts in order.
   *
   * @throws {TabstreamError} of type `'no-host'` if none is available, or the page is left
   */
  async climb(): Promise<HubLink> {
    if (this.#refusals.size === 0) this.mayFindLater = false
    for (const host of this.#hosts) {
      if (this.#refusals.has(host)) continue
      const link = await this.#find(host).catch((error: unknown) => {
        this.#refusals.set(host, error instanceof Error ? error.message : String(error))
      })
      if (this.#climber.isAway) throw left()
      if (link === undefined) continue
      if (this.#refusals.size > 0) this.#warn(host)
      return link
    }
    const error = new TabstreamError('no-host', `no host is available (${this.#reasons()})`)
    this.#refusals.clear()
    throw error
  }

  /** Asks a host's hub until it answers. If it never does, asks its successor. */
  async #find(host: Host): Promise<HubLink> {
    await host.load?.().catch((error: unknown) => {
      this.mayFindLater = true
      throw error
    })
    for (let attempt = 1; ; attempt++) {
      const generation = this.#generation + (attempt > ATTEMPTS ? 1 : 0)
      const link = await this.#open(host, generation, attempt)
      if (this.#climber.isAway) {
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

  /** Resolves to `undefined` if no answer comes in time. Rejects if none can come. */
  async #open(host: Host, generation: number, attempt: number): Promise<HubLink | undefined> {
    const life = new AbortController()
    const tabId = this.#platform.randomId()
    try {
      const link = await new Promise<HubLink | undefined>((resolve, reject) => {
        const notices = {
          refused: (reason: string) => reject(new Error(reason)),
          gone: () => {
            resolve(undefined)
            this.#climber.gone(life)
          },
        }
        const opened = host.open(generation, notices, attempt)
        // Meanwhile the hub starts.
        const lock = this.#holdLock(tabId, life)
        this.mayFindLater = true
        const endpoint = guarded(opened, TAB_CALLS, () => this.#climber.misunderstood())
        life.signal.addEventListener('abort', () => {
          endpoint.close()
          resolve(undefined)
        })
        const remote = wrap<HubSide>(endpoint)
        expose(this.#climber.tabSide, endpoint)
        let timer: unknown
        lock
          .then((holdsLock) => {
            if (this.#climber.isAway) throw left()
            // A page that is rendered ahead gets neither lock nor worker until it is shown.
            timer = this.#platform.setTimeout(() => resolve(undefined), timeoutOf(host, attempt))
            const { connections, mayDisturb } = this.#climber
            return remote.attach({
              tabId,
              holdsLock,
              protocol: this.#platform.protocol(),
              connections,
              mayDisturb,
            })
          })
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

  /**
   * Holds the lock whose release tells the hub that this tab is gone. Resolves to `false` without locks. Any script of the
   * origin can steal it. Then the hub takes this tab for gone, so another link is opened.
   */
  #holdLock(tabId: string, life: AbortController): Promise<boolean> {
    const { locks } = this.#platform
    if (locks === undefined) return Promise.resolve(false)
    return new Promise((resolve) => {
      const released = new Promise((release) => life.signal.addEventListener('abort', release))
      let isHeld = false
      locks
        .request(tabLockName(tabId), {}, () => {
          isHeld = true
          resolve(true)
          return released
        })
        .catch(() => {
          // A sandboxed frame may not use locks.
          if (!isHeld) return resolve(false)
          this.#climber.gone(life)
          life.abort()
        })
    })
  }

  #reasons(): string {
    return this.refused.map(({ host, reason }) => `${host}: ${reason}`).join('; ')
  }

  #warn(host: Host): void {
    if (this.#hasWarned || !host.warning) return
    this.#hasWarned = true
    this.#platform.warn(host.warning(this.#reasons()))
  }
}

const timeoutOf = ({ load }: Host, attempt: number): number =>
  attempt > 1 || load ? ATTACH_TIMEOUT : FIRST_TIMEOUT

export const left = () => new TabstreamError('no-host', 'the page has no hub while it is not shown')
