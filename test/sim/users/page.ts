import type { SharedStream, StreamEvent } from '../../../src/api/shared-stream.ts'
import type { HostName } from '../../../src/link/host.ts'
import type { HeadersReason } from '../../../src/link/protocol.ts'
import { Page, URL_OF_EVENTS } from '../../unit/upstream.ts'
import { never, type Span, type User, UserWorld } from './world.ts'

/** What tells users apart: nothing but the cookie; a key and a token; a token alone. */
export const MODES = ['cookie', 'key', 'headers'] as const
export type Mode = (typeof MODES)[number]

/** Longer than any function takes here, and than it takes from its answer to the connection. */
const WINDOW = 1_200

/** Until a hub knows what a page has done. */
const GRACE = 60

/** Until what the server has sent is at the hub. */
const LATENCY = 5

const SETTLING = 2_000

/** For so long a function's first answer is good for the first connection. */
const FRESH = 10_000

/** The pages of a browser. */
export class Profile extends UserWorld {
  readonly tabs: UserTab[] = []
  /** The one stream that each connection without a token may be given to. */
  readonly private = new Map<string, UserStream>()
}

/** What a function has given, when it was called, and when it answered. */
interface Given {
  readonly token: string
  readonly calledAt: number
  answeredAt: number
  /** How long before a connection it may have been called. */
  readonly window: number
}

export class UserTab {
  readonly page: Page
  readonly streams: UserStream[] = []
  user: User = ''
  thinks = 0
  failsUntil = 0
  /** Its tokens are of this version. */
  staleAt: number | undefined
  /** Left, crashed, or in the back/forward cache. */
  awaySince = never
  /** When it was frozen last. */
  frozenAt = never
  wokeAt = Number.NEGATIVE_INFINITY
  isCached = false
  readonly world: Profile

  constructor(world: Profile, name: string, host: HostName) {
    this.world = world
    this.page = new Page(world, name, (agent, platform) => [
      host === 'leader' ? world.leaderHost(agent, platform) : world.sharedWorkerHost(agent),
    ])
  }

  get canAct(): boolean {
    return this.page.agent.isAlive && !this.page.agent.isFrozen
  }

  get token(): string {
    if (this.user === '') return ''
    return `${this.user}:${this.staleAt ?? this.world.versions.get(this.user)}`
  }

  open(mode: Mode, replays: boolean, renews?: UserStream): void {
    if (this.canAct) this.streams.push(new UserStream(this, mode, replays, renews))
  }

  freeze(): void {
    if (!this.page.agent.isFrozen) this.frozenAt = this.world.clock.now
    this.page.agent.freeze()
  }

  wake(): void {
    if (!this.page.agent.isFrozen) return
    this.page.agent.wake()
    this.wokeAt = this.world.clock.now
    if (this.isCached) this.page.happen('pageshow')
    if (this.isCached) this.awaySince = never
    this.isCached = false
  }

  leave(isCrash: boolean): void {
    if (!this.page.agent.isAlive) return
    if (!isCrash && this.canAct) this.page.happen('pagehide')
    this.awaySince = Math.min(this.awaySince, this.world.clock.now)
    this.page.agent.kill()
  }
}

/** One stream of a page, and what it may be given. */
export class UserStream {
  readonly tab: UserTab
  readonly mode: Mode
  readonly user: User
  readonly life: Span
  readonly given: Given[] = []
  readonly stream: SharedStream
  /** Was opened in the task in which this one was closed. */
  readonly #renews: UserStream | undefined
  #last = ''

  constructor(tab: UserTab, mode: Mode, replays: boolean, renews: UserStream | undefined) {
    const { world } = tab
    this.tab = tab
    this.mode = mode
    this.user = tab.user
    this.life = { from: world.clock.now, until: never }
    this.#renews = renews
    const options = {
      ...(replays && { replay: 'all' as const }),
      ...(mode === 'key' && { key: `key of ${tab.user}` }),
      ...(mode !== 'cookie' && { headers: (reason: HeadersReason) => this.#give(reason) }),
    }
    this.stream = tab.page.connect(`${URL_OF_EVENTS}/${mode}`, options as object)
    this.stream.on('message', (event) => this.#receive(event))
    this.stream.onStatus(({ state, error }) => {
      if (state !== 'closed') return
      this.life.until = Math.min(this.life.until, world.clock.now)
      if (error?.status === 401 && mode === 'key') this.#refused()
    })
  }

  get isOpen(): boolean {
    return this.life.until === never
  }

  /** A loop is given what the stream is. */
  async loop(): Promise<void> {
    for await (const event of this.stream.events('message')) this.#receive(event as StreamEvent)
  }

  close(): void {
    this.life.until = Math.min(this.life.until, this.tab.world.clock.now)
    this.stream.close()
  }

  /** Of the user that the page has now, or where it has a key, had when it opened the stream. */
  get token(): string {
    if (this.mode !== 'key') return this.tab.token
    return this.user === ''
      ? ''
      : `${this.user}:${this.tab.staleAt ?? this.tab.world.versions.get(this.user)}`
  }

  async #give(reason: HeadersReason): Promise<HeadersInit> {
    const { tab, token } = this
    const { clock } = tab.world
    const given = {
      token,
      calledAt: clock.now,
      answeredAt: never,
      // A page parts with another token, which is good for its next stream. That may have to wait for a hub, or for a connection.
      window:
        reason === 'connect' || tab.world.takesTurns || this.given.at(-1)?.token !== token
          ? WINDOW + FRESH
          : WINDOW,
    }
    const fails = clock.now < tab.failsUntil
    if (tab.thinks > 0) await new Promise<void>((resolve) => tab.page.agent.schedule(tab.thinks, resolve))
    if (fails) throw new Error('no token')
    given.answeredAt = clock.now
    this.given.push(given)
    return token === '' ? {} : { Authorization: token }
  }

  #receive({ data }: StreamEvent): void {
    const [owner = '', number] = data.split('|')
    this.#last = data
    const why = this.#whyForeign(owner, Number(number))
    if (why !== undefined)
      this.tab.world.problems.push(`${this.tab.page.agent.name}, by ${this.mode}: ${data}: ${why}`)
  }

  #whyForeign(owner: string, number: number): string | undefined {
    if (this.mode === 'key') {
      const isOwn = owner.split(/[: ]/)[0] === (this.user || 'nobody')
      return isOwn ? undefined : `the key is of ${this.user}`
    }
    return this.mode === 'headers' ? this.#whyNotGiven(owner, number) : this.#whyNotHeld(owner, number)
  }

  /** The page must have given the headers for that very connection. */
  #whyNotGiven(owner: string, number: number): string | undefined {
    const { world } = this.tab
    const sentAt = world.sentAt[number] ?? 0
    const token = owner.startsWith('nobody') ? '' : owner
    if (token === '') {
      const first = world.private.get(owner) ?? this
      world.private.set(owner, first)
      if (first !== this) return 'that of another that gives no token'
    }
    const possible = (world.connections.get(owner) ?? []).filter(({ until }) => until + GRACE >= sentAt)
    const answered = this.given.filter(({ answeredAt }) => answeredAt <= world.clock.now)
    const latest = answered.reduce<Given | undefined>(
      (last, one) => (last && last.answeredAt > one.answeredAt ? last : one),
      undefined,
    )
    // Who comes back, or to another hub, comes to what it has given last.
    const cameAt = Math.max(this.tab.wokeAt, world.killedAt + SETTLING)
    const isGiven = possible.some(
      ({ from }) =>
        (latest?.token === token && from <= cameAt + GRACE) ||
        answered.some((one) => one.token === token && one.calledAt >= from - one.window),
    )
    return isGiven ? undefined : `its function has given ${JSON.stringify(this.given)}`
  }

  /** The session was the browser's since this stream was opened; or a page held the stream then. */
  #whyNotHeld(owner: string, number: number): string | undefined {
    const { world } = this.tab
    const { from } = this.life
    if ((world.sessions.get(owner)?.until ?? never) + GRACE >= from) return undefined
    const streams = world.tabs.flatMap(({ streams }) => streams)
    const holders = streams.filter((one) => one !== this && one !== this.#renews && one.#isHeldAt(from))
    if (holders.length > 0) return undefined
    if (this.#renews === undefined) return `nobody held it at ${from}`
    return (world.sentAt[number] ?? 0) + LATENCY + GRACE >= from ? undefined : `from before ${from}`
  }

  #isHeldAt(at: number): boolean {
    if (this.mode !== 'cookie') return false
    const { awaySince, frozenAt, wokeAt } = this.tab
    // What a page has done just before it was frozen is known when it wakes, where the hub is in that page.
    const isUntold = this.life.until <= frozenAt && frozenAt <= this.life.until + GRACE
    const toldAt = wokeAt >= frozenAt ? wokeAt : never
    const end = Math.min(isUntold ? toldAt : this.life.until, awaySince)
    return this.life.from <= at + GRACE && end + GRACE >= at
  }

  /** Everything is well again, and has been for long: it must have been given the last events, and be whose it should. */
  whyForgotten(): string[] {
    const { world, page } = this.tab
    const [owner = '', number] = this.#last.split('|')
    const wanted = this.token === '' ? 'nobody' : this.token
    const isOwn = this.mode === 'cookie' || owner.startsWith(wanted)
    if (Number(number) === world.sentAt.length - 1 && isOwn) return []
    return [`${page.agent.name}, by ${this.mode}, of ${wanted}, was given ${this.#last} last`]
  }

  /** The stream has ended, so no page can have given what is good. */
  #refused(): void {
    const { world } = this.tab
    const { now } = world.clock
    // Only a page that has come to the hub can be asked.
    const changes = world.tabs.flatMap(({ awaySince, frozenAt }) => [awaySince, frozenAt])
    const changedAt = Math.max(world.expiredAt, world.killedAt, ...changes.filter((at) => at !== never))
    if (now - changedAt < SETTLING) return
    for (const tab of world.tabs) {
      if (!tab.canAct || tab.staleAt !== undefined || tab.failsUntil > now - SETTLING || tab.thinks > 0)
        continue
      const good = tab.streams.find(
        (one) => one.mode === 'key' && one.user === this.user && one.isOpen && now - one.life.from > SETTLING,
      )
      if (good !== undefined && now - tab.wokeAt > SETTLING)
        world.problems.push(`ended by 401 for ${this.user}, though ${tab.page.agent.name} has a good token`)
    }
  }
}
