import type { OriginReport } from '../src/link/protocol.ts'
import type { HubPlatform } from './platform.ts'
import type { Claimant, Cost, Share } from './stream/claimant.ts'

/** Over HTTP/1.x a browser opens six connections to an origin. This leaves two for the pages and their requests. */
const CONNECTIONS = 4

/** How long, in ms, a stream keeps its connection once it has caught up, where others of its rank wait for one. */
const TURN = 2_000

/** The same where it does not catch up, and where a gap follows because its server cannot resume. */
const LONGEST_TURN = 10_000
const TURN_WITHOUT_RESUMPTION = 60_000

/** A stream that has waited for so many ms gets a turn from streams of a higher rank; one such turn in as many ms. */
const LONGEST_WAIT = 60_000

/** How often, in ms, it is looked whether a turn is over, while somebody waits. */
const LOOK_INTERVAL = 250

/**
 * With more streams than this, what happens to them is looked at together, after what else has arrived: each look is at all of
 * them, and one tab can open thousands.
 */
const MANY = 100

const COSTS: readonly Cost[] = ['nothing', 'unknown', 'gap']

/** One stream's share in the connections to an origin. */
class Slot implements Share {
  readonly claimant: Claimant
  readonly #budget: Budget
  origin = ''
  state: 'none' | 'waiting' | 'held' | 'leaving' = 'none'
  /** When it began to wait, or got its connection, in ms since 1970. */
  since = 0
  /** When it had a connection last; 0 where it never had one. */
  leftAt = 0
  /** It got its connection because it was its turn: the next turn is another's. */
  isTurn = false
  /** It got it from a stream of a higher rank. */
  isOverdue = false

  constructor(budget: Budget, claimant: Claimant) {
    this.#budget = budget
    this.claimant = claimant
  }

  take(origin: string): void {
    this.origin = origin
    if (this.state === 'held') {
      this.claimant.granted(this.isTurn)
      return
    }
    if (this.state !== 'waiting') this.enter('waiting')
    this.#budget.add(this)
  }

  moveTo(origin: string): void {
    if (this.origin === origin) return
    this.origin = origin
    this.#budget.review()
  }

  release(): void {
    if (this.state === 'none') return
    if (this.state !== 'waiting') this.leftAt = this.#budget.now
    this.state = 'none'
    this.#budget.remove(this)
  }

  /** Nobody waits for its connection any more, so it keeps it. */
  stay(): void {
    this.isTurn = false
    this.claimant.stays()
  }

  enter(state: 'waiting' | 'held' | 'leaving'): void {
    if (state === 'leaving') this.leftAt = this.#budget.now
    this.state = state
    this.since = this.#budget.now
    if (state === 'waiting') this.isTurn = this.isOverdue = false
  }
}

/**
 * Shares the connections to each origin out among the streams of one hub.
 *
 * Streams of a higher rank have theirs first: a visible one takes the place of a hidden one at once. Among equals one connection
 * goes round, so that each stream catches up now and then.
 */
export class Budget {
  readonly #platform: HubPlatform
  readonly #limitOf: (origin: string) => number
  readonly #slots = new Set<Slot>()
  readonly #overdueAt = new Map<string, number>()
  #timer: unknown
  #isReviewing = false
  #isStale = false
  #isDue = false

  /** @param limitOf how many connections the hub may hold to an origin, where it would hold more than {@link CONNECTIONS} */
  constructor(platform: HubPlatform, limitOf: (origin: string) => number | undefined) {
    this.#platform = platform
    this.#limitOf = (origin) => limitOf(origin) ?? CONNECTIONS
  }

  get now(): number {
    return this.#platform.now()
  }

  slotFor(claimant: Claimant): Share {
    return new Slot(this, claimant)
  }

  add(slot: Slot): void {
    this.#slots.add(slot)
    this.review()
  }

  remove(slot: Slot): void {
    this.#slots.delete(slot)
    this.review()
  }

  /** A page has been shown or hidden, a stream has another rank, or another limit may hold. */
  review(): void {
    if (this.#slots.size <= MANY) this.#review()
    if (this.#slots.size <= MANY || this.#isDue) return
    this.#isDue = true
    this.#platform.turn().then(() => {
      this.#isDue = false
      this.#review()
    })
  }

  #review(): void {
    this.#isStale = true
    // What it does may make others call it.
    if (this.#isReviewing) return
    this.#isReviewing = true
    while (this.#isStale) {
      this.#isStale = false
      const origins = new Set([...this.#slots].map(({ origin }) => origin))
      for (const origin of origins) this.#share(origin)
      for (const origin of this.#overdueAt.keys()) if (!origins.has(origin)) this.#overdueAt.delete(origin)
    }
    this.#isReviewing = false
    this.#look()
  }

  report(protocolOf: (origin: string) => string): OriginReport[] {
    const origins = [...new Set([...this.#slots].map(({ origin }) => origin))]
    return origins.map((origin) => {
      const slots = this.#at(origin)
      const parked = slots.filter(({ state }) => state === 'waiting').length
      const [limit, protocol] = [this.#limitOf(origin), protocolOf(origin)]
      return { origin, protocol, limit, live: slots.length - parked, parked }
    })
  }

  #at(origin: string): Slot[] {
    return [...this.#slots].filter((slot) => slot.origin === origin)
  }

  #share(origin: string): void {
    const slots = this.#at(origin)
    const count = (state: Slot['state']) => slots.filter((slot) => slot.state === state).length
    for (const slot of slots) {
      const { state, claimant } = slot
      if (!claimant.attention.isResting) continue
      if (state === 'waiting') claimant.rests()
      else if (state === 'held' && claimant.cost !== 'everything') this.#park(slot)
    }
    // With that few of them, nobody has to know the limit, which takes a look at all that the page has fetched.
    const limit = slots.length <= 1 ? slots.length : this.#limitOf(origin)
    while (count('held') > limit && this.#makeRoom(origin, Number.POSITIVE_INFINITY));
    const wanting = slots.filter(
      ({ state, claimant }) => state === 'waiting' && !claimant.attention.isResting,
    )
    // A clock may be coarse: who has just been parked for another's turn must not come before it.
    wanting.sort(
      (one, other) =>
        this.#rankOf(other) - this.#rankOf(one) ||
        Number(other.isTurn) - Number(one.isTurn) ||
        one.leftAt - other.leftAt,
    )
    const free = Math.max(0, limit - count('held') - count('leaving'))
    const overdue = this.#overdueOf(origin, wanting)
    if (free > 0 && overdue !== undefined && wanting.indexOf(overdue) >= free) {
      this.#call(overdue)
      wanting.unshift(...wanting.splice(wanting.indexOf(overdue), 1))
    }
    for (const slot of wanting.splice(0, free)) this.#grant(slot)
    // The first of those who wait get what is being given up.
    for (const slot of wanting.slice(count('leaving'))) if (!this.#makeRoom(origin, this.#rankOf(slot))) break
    if (count('leaving') === 0) this.#passOn(wanting)
    const highest = wanting.reduce(
      (most, { claimant }) => Math.max(most, rankOf(claimant)),
      Number.NEGATIVE_INFINITY,
    )
    for (const slot of slots)
      if (slot.state === 'held' && slot.isTurn && rankOf(slot.claimant) > highest) slot.stay()
    for (const { claimant } of wanting.slice(count('leaving')))
      claimant.waits(`all ${limit} connections to ${origin} are taken`)
  }

  /** The least of those that rank lower gives its connection up. */
  #makeRoom(origin: string, rank: number): boolean {
    const victim = this.#leastOf(origin, (slot) => this.#rankOf(slot) < rank)
    if (victim !== undefined) this.#park(victim)
    return victim !== undefined
  }

  /** Whose turn is over gives its connection up to the next. */
  #passOn(waiting: readonly Slot[]): void {
    const [next] = waiting
    if (next === undefined) return
    const { origin } = next
    const isEqual = (slot: Slot) => this.#rankOf(slot) <= this.#rankOf(next)
    const isOver = (slot: Slot) => this.#isTurnOver(slot)
    // One connection goes round, except where a gap would be the price.
    const turn = this.#leastOf(origin, (slot) => slot.isTurn && isEqual(slot) && !isOver(slot))
    if (turn !== undefined && turn.claimant.cost !== 'gap') return
    const equal = this.#leastOf(origin, (slot) => isEqual(slot) && isOver(slot))
    if (equal !== undefined) {
      next.isTurn = true
      this.#park(equal)
      return
    }
    const overdue = this.#overdueOf(origin, waiting)
    const victim = overdue && this.#leastOf(origin, isOver)
    if (overdue === undefined || victim === undefined) return
    this.#call(overdue)
    this.#park(victim)
  }

  /** Who has waited longest, if that is too long. */
  #overdueOf(origin: string, waiting: readonly Slot[]): Slot | undefined {
    const since = waiting.reduce((least, slot) => Math.min(least, slot.since), Number.POSITIVE_INFINITY)
    const last = this.#overdueAt.get(origin) ?? 0
    return this.now - Math.max(since, last) < LONGEST_WAIT
      ? undefined
      : waiting.find((slot) => slot.since === since)
  }

  /** It has its turn next, whatever its rank. */
  #call(overdue: Slot): void {
    this.#overdueAt.set(overdue.origin, this.now)
    overdue.isTurn = overdue.isOverdue = true
  }

  #leastOf(origin: string, mayGo: (slot: Slot) => boolean): Slot | undefined {
    const held = this.#at(origin).filter(
      (slot) => slot.state === 'held' && slot.claimant.cost !== 'everything' && mayGo(slot),
    )
    const costOf = ({ claimant }: Slot) => COSTS.indexOf(claimant.cost)
    return held.sort(
      (one, other) =>
        // Who goes although it ranks higher than another would take that one's connection at once.
        this.#rankOf(one) - this.#rankOf(other) ||
        costOf(one) - costOf(other) ||
        Number(other.isTurn) - Number(one.isTurn) ||
        one.claimant.attention.shownAt - other.claimant.attention.shownAt,
    )[0]
  }

  /** Who has waited for too long comes first, and is not sent away before its turn is over. */
  #rankOf(slot: Slot): number {
    const isFirst = slot.isOverdue && (slot.state === 'waiting' || !this.#isTurnOver(slot))
    return isFirst ? Number.POSITIVE_INFINITY : rankOf(slot.claimant)
  }

  #isTurnOver({ since, claimant }: Slot): boolean {
    const { now } = this
    if (claimant.cost === 'gap') return now - since >= TURN_WITHOUT_RESUMPTION
    return now - claimant.caughtUpAt >= TURN || now - since >= LONGEST_TURN
  }

  #grant(slot: Slot): void {
    slot.enter('held')
    slot.claimant.granted(slot.isTurn)
  }

  #park(slot: Slot): void {
    slot.enter('leaving')
    slot.claimant.park()
  }

  #look(): void {
    this.#platform.clearTimeout(this.#timer)
    const isWaited = [...this.#slots].some(
      ({ state, claimant }) => state === 'waiting' && !claimant.attention.isResting,
    )
    if (isWaited) this.#timer = this.#platform.setTimeout(() => this.review(), LOOK_INTERVAL)
  }
}

const rankOf = ({ attention }: Claimant): number => attention.rank
