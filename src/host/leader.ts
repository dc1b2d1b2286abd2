import { Hub } from '../../worker/hub.ts'
import type { HubPlatform } from '../../worker/platform.ts'
import type { LinkEndpoint } from '../link/endpoint.ts'
import type { Host, LinkNotices } from '../link/host.ts'
import { PROTOCOL_VERSION } from '../link/protocol.ts'
import { type Election, type ElectionMessage, LockElection, TermElection } from './election.ts'
import type { DetachableFetch } from './frame-fetch.ts'
import type { HostPlatform } from './platform.ts'
import { type Punctual, punctual } from './punctual.ts'

/** How long, in ms, a page waits for a leader's answer before it demands another leader. */
const PATIENCE = 2_000

/** Terms are times. A term may be ahead of this page's clock by at most this many ms. */
const MOST_AHEAD = 86_400_000

type Message =
  | ElectionMessage
  /** A page looks for the leader, to open a link with this ID. */
  | { readonly type: 'seek'; readonly link: string }
  /** The leader now listens on the link's own channel. */
  | { readonly type: 'found'; readonly link: string; readonly hubId: string }

/** What a leading page needs from its environment. */
export interface LeaderPlatform extends HostPlatform {
  /** `undefined` where aborting is enough to close a connection. */
  readonly openFetch?: (() => DetachableFetch) | undefined
}

/**
 * The hub in one of the pages, which all of them elect: the leader. Its own page is a tab like the others, and reaches the hub
 * through a MessageChannel. The other pages are followers.
 *
 * Every page of a namespace listens to one BroadcastChannel. A page that wants a link makes an ID for it and posts `seek`.
 * The leader opens a channel that is named after its hub and that ID, and posts `found`. The page then opens the same
 * channel; what was written before waits in the link. So a batch for one page wakes no other page, and a page that has left
 * a deposed hub hears it no more.
 *
 * Any script of the origin can write to these channels. `isMessage` checks what comes on the shared one, the guard what comes
 * on a link.
 */
export class LeaderHost implements Host {
  readonly name = 'leader'
  readonly #platform: LeaderPlatform & Punctual
  readonly #base: string
  /** Called for each malformed message. */
  readonly #dropped: () => void
  readonly #createHub: (platform: HubPlatform, id: string) => Hub
  readonly #election: Election
  /** The channel that every page of the namespace hears. */
  #channel: LinkEndpoint | undefined
  /** This page's links. There is more than one only while an attempt replaces another. */
  readonly #links = new Map<string, LeaderLink>()
  /** Set while this page leads. */
  #hub: Hub | undefined
  #fetch: DetachableFetch | undefined
  /** The hub's end of each link, by the link's ID. `ready` resolves when the hub listens to it. */
  readonly #served = new Map<string, { endpoint: LinkEndpoint; ready: Promise<void> }>()
  #timer: unknown

  /** @param dropped called for each malformed message */
  constructor(
    platform: LeaderPlatform,
    namespace: string,
    dropped: () => void,
    createHub = (platform: HubPlatform, id: string) => new Hub(platform, id),
  ) {
    this.#platform = punctual(platform)
    this.#createHub = createHub
    this.#base = `tabstream/${PROTOCOL_VERSION}/${namespace}`
    this.#dropped = dropped
    const candidate = {
      elected: (hubId: string) => this.#lead(hubId),
      deposed: () => this.#stepDown(),
      refused: (reason: string) => this.#refuse(reason),
      post: (message: ElectionMessage) => this.#post(message),
    }
    this.#election =
      platform.locks === undefined
        ? new TermElection(this.#platform, candidate)
        : new LockElection(platform, `${this.#base}/leader`, candidate)
  }

  isHere(): boolean {
    return this.#hub !== undefined
  }

  open(_generation: number, notices: LinkNotices): LinkEndpoint {
    this.#join()
    const link = new LeaderLink(this.#platform.randomId(), notices, () => {
      this.#links.delete(link.id)
      // The client closes links that do not answer.
      this.#election.suspect(link.hubId)
    })
    this.#links.set(link.id, link)
    if (this.#hub === undefined) this.#seek(link)
    else this.#connectHere(link, this.#hub)
    return link
  }

  warning(reasons: string): string {
    return `tabstream: using host "leader", so one of the open pages holds the connection for all of them (${reasons})`
  }

  leave(): void {
    this.#stepDown()
    this.#election.withdraw()
    this.#refuse('the page was left')
  }

  #join(): void {
    if (this.#channel === undefined) {
      this.#channel = this.#platform.openChannel?.(this.#base)
      if (this.#channel === undefined) throw new Error('this context can use no BroadcastChannel')
      this.#channel.addEventListener('message', (event) => {
        this.#hear((event as MessageEvent).data)
        this.#platform.runDue()
      })
    }
    this.#election.stand()
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message)
  }

  #seek(link: LeaderLink): void {
    this.#post({ type: 'seek', link: link.id })
    this.#platform.clearTimeout(this.#timer)
    this.#timer = this.#platform.setTimeout(() => {
      const seeking = [...this.#links.values()].filter(({ hubId }) => hubId === '')
      if (seeking.length === 0) return
      this.#election.challenge()
      for (const link of seeking) this.#seek(link)
    }, PATIENCE)
  }

  #hear(message: unknown): void {
    if (!isMessage(message, this.#platform.now() + MOST_AHEAD)) {
      this.#dropped()
    } else if (message.type === 'seek') {
      this.#serve(message.link)
    } else if (message.type === 'found') {
      this.#find(message.link, message.hubId)
    } else if (this.#election.hear(message)) {
      if (message.type === 'lead') this.#follow(message.hubId)
      else this.#lose((hubId) => hubId === message.hubId)
    }
  }

  /** Another page now leads. */
  #follow(leader: string): void {
    this.#lose((hubId) => hubId !== leader && hubId !== '')
    for (const link of this.#links.values()) if (link.hubId === '') this.#seek(link)
  }

  #lose(isGone: (hubId: string) => boolean): void {
    for (const link of this.#links.values()) if (isGone(link.hubId)) link.notices.gone()
  }

  #find(id: string, hubId: string): void {
    const link = this.#links.get(id)
    if (link?.hubId !== '') return
    const channel = this.#channelOf(hubId, id)
    if (channel !== undefined) link.connect(hubId, channel)
  }

  #channelOf(hubId: string, link: string): LinkEndpoint | undefined {
    return this.#platform.openChannel?.(`${this.#base}/${hubId}/${link}`)
  }

  #lead(hubId: string): void {
    const detachable = this.#platform.openFetch?.()
    this.#fetch = detachable
    const own = detachable && {
      fetch: detachable.fetch,
      protocolOf: (origin: string) => detachable.protocolOf(origin) || this.#platform.protocolOf(origin),
    }
    this.#hub = this.#createHub({ ...this.#platform, ...own, end: () => this.#resign() }, hubId)
    this.#lose((followed) => followed !== '')
    for (const link of this.#links.values()) if (link.hubId === '') this.#connectHere(link, this.#hub)
  }

  /** Another page is to lead. */
  #resign(): void {
    this.#election.withdraw()
    this.#stepDown()
  }

  #stepDown(): void {
    const hub = this.#hub
    if (hub === undefined) return
    this.#hub = undefined
    hub.close()
    this.#fetch?.close()
    for (const { endpoint } of this.#served.values()) endpoint.close()
    this.#served.clear()
    this.#lose((hubId) => hubId === hub.id)
  }

  #connectHere(link: LeaderLink, hub: Hub): void {
    const { port1, port2 } = this.#platform.createChannel()
    const ready = hub.connect(port1, () => this.#served.delete(link.id))
    this.#served.set(link.id, { endpoint: port1, ready })
    link.connect(hub.id, port2)
  }

  #serve(link: string): void {
    const hub = this.#hub
    if (hub === undefined) return
    if (!this.#served.has(link)) {
      const endpoint = this.#channelOf(hub.id, link)
      if (endpoint === undefined) return
      endpoint.addEventListener('message', () => this.#platform.runDue())
      this.#served.set(link, { endpoint, ready: hub.connect(endpoint, () => this.#served.delete(link)) })
    }
    // A BroadcastChannel keeps no messages for those who do not listen yet.
    this.#served.get(link)?.ready.then(() => {
      if (this.#hub === hub) this.#post({ type: 'found', link, hubId: hub.id })
    })
  }

  #refuse(reason: string): void {
    for (const link of this.#links.values()) link.notices.refused(reason)
    this.#links.clear()
    this.#platform.clearTimeout(this.#timer)
    this.#channel?.close()
    this.#channel = undefined
  }
}

/** A page's end of a link. What is written before the leader has been found waits here. */
class LeaderLink implements LinkEndpoint {
  readonly id: string
  readonly notices: LinkNotices
  /** `''` until the leader has been found. */
  hubId = ''
  readonly #closed: () => void
  readonly #listeners: Parameters<LinkEndpoint['addEventListener']>[] = []
  readonly #waiting: unknown[] = []
  #target: LinkEndpoint | undefined

  constructor(id: string, notices: LinkNotices, closed: () => void) {
    this.id = id
    this.notices = notices
    this.#closed = closed
  }

  connect(hubId: string, target: LinkEndpoint): void {
    this.hubId = hubId
    this.#target = target
    for (const [type, listener] of this.#listeners) target.addEventListener(type, listener)
    target.start?.()
    for (const message of this.#waiting.splice(0)) target.postMessage(message)
  }

  postMessage(message: unknown): void {
    if (this.#target === undefined) this.#waiting.push(message)
    else this.#target.postMessage(message)
  }

  addEventListener(type: string, listener: EventListenerOrEventListenerObject): void {
    this.#listeners.push([type, listener])
    this.#target?.addEventListener(type, listener)
  }

  removeEventListener(type: string, listener: EventListenerOrEventListenerObject): void {
    this.#target?.removeEventListener(type, listener)
  }

  close(): void {
    this.#closed()
    this.#target?.close()
  }
}

/** @param latest the highest valid term */
function isMessage(value: unknown, latest: number): value is Message {
  if (typeof value !== 'object' || value === null) return false
  const { type, term, hubId, link } = value as Record<string, unknown>
  switch (type) {
    case 'claim':
    case 'lead':
      return isId(hubId) && Number.isSafeInteger(term) && (term as number) <= latest
    case 'resign':
      return isId(hubId)
    case 'seek':
      return typeof link === 'string'
    case 'found':
      return typeof link === 'string' && isId(hubId)
    default:
      return false
  }
}

const isId = (value: unknown): boolean => typeof value === 'string' && value !== ''
