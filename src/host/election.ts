import type { LinkPlatform } from '../link/platform.ts'

/** How long, in ms, a claim waits for a better claim or a leader's answer. */
const CLAIM_WINDOW = 300

/** The messages of an election, on a channel that all pages hear. */
export type ElectionMessage =
  /** `hubId` is the ID of the hub that the page would start, or has started. */
  | { readonly type: 'claim' | 'lead'; readonly term: number; readonly hubId: string }
  | { readonly type: 'resign'; readonly hubId: string }

/** A page's part in an election: what it is told, and how messages are sent. */
export interface Candidate {
  elected(hubId: string): void
  deposed(): void
  /** No election is possible here. `reason` is in words for people. */
  refused(reason: string): void
  post(message: ElectionMessage): void
}

/** Elects one of the pages as the leader. */
export interface Election {
  /** Takes part from now on, without displacing a living leader. */
  stand(): void
  /** The hub of this ID does not answer. */
  suspect(hubId: string): void
  /** The leader has not answered for too long, so another is needed. */
  challenge(): void
  /** Gives up office or candidacy. */
  withdraw(): void
  /** Handles another page's message. Returns true if this page must follow it. */
  hear(message: ElectionMessage): boolean
}

/**
 * The page that holds the lock leads. All pages queue for it. When the holder is closed, crashes or leaves, the browser
 * grants the lock to the next page in the queue; no timer is involved.
 *
 * A leader that comes to a standstill keeps the lock. A page that gets no answer takes the lock by `steal`; if several pages
 * do, the last one has it. The former leader learns of it when it wakes up, because its request is then rejected. It says so:
 * where two pages steal at about the same time, the first of them may be heard last, and be followed.
 */
export class LockElection implements Election {
  readonly #platform: LinkPlatform
  readonly #lock: string
  readonly #candidate: Candidate
  #candidacy: AbortController | undefined
  #leads = false

  /** @param lock name of the Web Lock */
  constructor(platform: LinkPlatform, lock: string, candidate: Candidate) {
    this.#platform = platform
    this.#lock = lock
    this.#candidate = candidate
  }

  stand(): void {
    if (this.#candidacy === undefined) this.#request(false)
  }

  suspect(): void {}

  challenge(): void {
    this.withdraw()
    this.#request(true)
  }

  withdraw(): void {
    const candidacy = this.#candidacy
    this.#candidacy = undefined
    this.#leads = false
    candidacy?.abort()
  }

  /** The lock decides: claims do not count, and its holder ignores all messages. */
  hear({ type }: ElectionMessage): boolean {
    return type !== 'claim' && !this.#leads
  }

  #request(steal: boolean): void {
    const candidacy = new AbortController()
    const { signal } = candidacy
    /** Of the hub that lives while the lock is held. */
    let hubId = ''
    this.#candidacy = candidacy
    this.#platform.locks
      ?.request(this.#lock, steal ? { steal } : { signal }, () => {
        if (this.#candidacy !== candidacy) return Promise.resolve()
        hubId = this.#platform.randomId()
        this.#leads = true
        this.#candidate.elected(hubId)
        this.#candidate.post({ type: 'lead', term: 0, hubId })
        return new Promise((resolve) => signal.addEventListener('abort', resolve))
      })
      .catch((error: unknown) => {
        if (this.#candidacy !== candidacy) return
        this.#candidacy = undefined
        this.#leads = false
        const isStolen = error instanceof Error && error.name === 'AbortError'
        if (hubId !== '') this.#candidate.post({ type: 'resign', hubId })
        if (isStolen) this.#candidate.deposed()
        else this.#candidate.refused(`Web Locks cannot be used here (${String(error)})`)
      })
  }
}

interface Claim {
  readonly term: number
  readonly hubId: string
}

/**
 * A page that needs a leader, and knows of none, posts a claim: a term, and the ID of the hub that it would start. A leader
 * answers every claim by `lead`, from its message handler, which hidden pages run too. Of two pages that claim, the later one
 * gives way, so that newcomers do not beat each other for ever; of two claims with the same term, the one with the higher
 * ID. A page that hears no earlier claim and no leader within the window starts its hub. Of two pages that lead, the one
 * with the lower term steps down.
 *
 * This is the bully algorithm (Garcia-Molina, 1982) with the terms of Raft. It departs from both. Ranks are random, so a
 * claim goes to all pages. There is no majority, since nobody knows how many pages there are: two pages can lead until they
 * hear each other. A claim gives way to any leader that still speaks, so a newcomer displaces nobody. A term is the time of the
 * claim, or one more than the last known term: the later leader wins even if it has never heard of the former one, and no
 * page goes back to a hub that it has left, whose log would show it old events.
 */
export class TermElection implements Election {
  readonly #platform: LinkPlatform
  readonly #candidate: Candidate
  /** The best leader heard of, and whether it may still be alive. */
  #known: Claim = { term: 0, hubId: '' }
  #isKnownAlive = false
  #claim: Claim | undefined
  #office: Claim | undefined
  #timer: unknown

  constructor(platform: LinkPlatform, candidate: Candidate) {
    this.#platform = platform
    this.#candidate = candidate
  }

  stand(): void {
    if (this.#office !== undefined || this.#claim !== undefined || this.#isKnownAlive) return
    const term = Math.max(this.#known.term + 1, Math.floor(this.#platform.now()))
    this.#claim = { term, hubId: this.#platform.randomId() }
    this.#candidate.post({ type: 'claim', ...this.#claim })
    this.#timer = this.#platform.setTimeout(() => this.#win(), CLAIM_WINDOW)
  }

  suspect(hubId: string): void {
    if (hubId === this.#known.hubId) this.#isKnownAlive = false
  }

  challenge(): void {
    this.#isKnownAlive = false
    this.stand()
  }

  withdraw(): void {
    this.#yield()
    if (this.#office !== undefined) this.#candidate.post({ type: 'resign', hubId: this.#office.hubId })
    this.#office = undefined
    this.#isKnownAlive = false
  }

  hear(message: ElectionMessage): boolean {
    if (message.type === 'claim') this.#hearClaim(message)
    else if (message.type === 'lead') return this.#hearLeader(message)
    else this.suspect(message.hubId)
    return message.type === 'resign'
  }

  #win(): void {
    const office = this.#claim
    if (office === undefined) return
    this.#claim = undefined
    this.#office = office
    this.#know(office)
    this.#candidate.elected(office.hubId)
    this.#candidate.post({ type: 'lead', ...office })
  }

  #hearClaim(other: Claim): void {
    if (this.#office !== undefined) {
      this.#candidate.post({ type: 'lead', ...this.#office })
    } else if (this.#claim !== undefined) {
      // The earlier claim wins. If newcomers won, as among leaders, each would displace the one before, and
      // nobody would lead.
      if (isEarlier(other, this.#claim) && other.term > this.#known.term) this.#yield()
      else this.#candidate.post({ type: 'claim', ...this.#claim })
    }
  }

  #hearLeader(other: Claim): boolean {
    if (this.#office !== undefined && isBetter(this.#office, other)) {
      this.#candidate.post({ type: 'lead', ...this.#office })
      return false
    }
    if (isBetter(this.#known, other)) return false
    this.#yield()
    this.#know(other)
    if (this.#office !== undefined) {
      this.#office = undefined
      this.#candidate.deposed()
    }
    return true
  }

  #know({ term, hubId }: Claim): void {
    this.#known = { term, hubId }
    this.#isKnownAlive = true
  }

  #yield(): void {
    this.#claim = undefined
    this.#platform.clearTimeout(this.#timer)
  }
}

const isBetter = (one: Claim, other: Claim): boolean => one.term > other.term || hasLowerId(one, other)

const isEarlier = (one: Claim, other: Claim): boolean => one.term < other.term || hasLowerId(one, other)

const hasLowerId = (one: Claim, other: Claim): boolean => one.term === other.term && one.hubId < other.hubId
