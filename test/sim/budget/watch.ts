import type { Batch } from '../../../src/link/protocol.ts'
import type { Hub } from '../../../worker/hub.ts'
import type { SimSubscription, SimTab, SimWish } from '../page.ts'
import type { Outcome, Schedule } from '../schedule.ts'
import type { Agent } from '../world/agent.ts'
import type { VirtualServer } from '../world/server.ts'

/** How often, in ms, it is looked at what holds over a time. */
const LOOK = 100

/** Of a hub, where no page says. */
const CONNECTIONS = 4

/**
 * How long, in ms, a page may take to be heard: a message takes 5 at most, a request 20 to the server. It is looked at only every
 * 100 ms, and a hub looks at turns every 250.
 */
const MOMENT = 400

/** How long, in ms, a page must have had its hub and its stream: a new hub waits for positions of others for up to a second. */
const SETTLED = 2_500

/** The longest turn, in ms, of a stream whose server can resume, and of others. A bit for the hand-over each time. */
const TURN = 10_000 + MOMENT
const TURN_BEFORE_GAP = 60_000 + MOMENT

/** A stream that has waited for so many ms has its turn even from those of a higher rank. */
const LONGEST_WAIT = 60_000

/** A tab that is gone, or has lost its hub, may count as visible for so many ms: without locks, three pings are missed. */
const FORGETTING = 25_000

/** A page's subscriptions that are closed, and streams that nobody holds, are forgotten within so many ms. */
const LINGERING = 1_100

/** A log of fewer events may overflow. */
const SHORT_LOG = 1_000

/** A server that ends each response with nothing new is asked again after so many ms at most. */
const BACK_OFF = 30_000

/** A hidden page is sent a batch in so many ms. */
const BATCH_INTERVAL = 1_000

/** What a hub's pages want of one stream. */
interface Wanted {
  /** A page certainly subscribes to it, and can not do without a connection. */
  isWanted: boolean
  /** A page certainly subscribes to it. */
  isHeld: boolean
  /** A visible page certainly subscribes to it. */
  isVisible: boolean
  /** The hub may take it for visible. */
  mayBeVisible: boolean
  /** The hub may know it. */
  mayBeKnown: boolean
  /** All pages that may subscribe to it are hidden, and can do without from this time on, in ms; `undefined` where they cannot. */
  restsFrom: number | undefined
  /** Lowest and highest rank that the hub may give it. */
  rank: { least: number; most: number }
}

/** What has held of one stream at one hub until now. Times in ms. */
interface Record {
  knownSince: number
  /** It has not ended since then. */
  heldSince: number
  /** Its hub has run since then. */
  awakeSince: number
  wantedSince: number
  visibleSince: number
  /** It has waited for a connection since then; and with nobody ahead of it in rank. */
  waitingSince: number
  aheadSince: number
  connectedAt: number
  /** The bound of its wait, in ms, as it was highest since it has waited. */
  bound: number
  topBound: number
}

/**
 * Watches connections and deliveries from outside: what servers and links see, and how pages are shown.
 *
 * In this world a server sees at once that a connection is given up, and each connection that it has not seen the end of
 * counts. So no moment of a hand-over has to be allowed for.
 */
export class Watch {
  readonly #outcome: Outcome
  readonly #schedule: Schedule
  readonly #found = new Set<string>()
  readonly #records = new Map<string, Record>()
  /** Since when each tab has been attached to the hub that it has now. */
  readonly #attached = new Map<SimTab, { hubId: string | undefined; since: number }>()
  /** Since when a tab is dead, frozen, or without a hub. */
  readonly #goneSince = new Map<SimTab, number>()
  readonly #openedAt = new Map<SimSubscription, number>()
  readonly #closedAt = new Map<SimSubscription, number>()
  /** When each subscription was sent something last, by which hub and in which epoch. */
  readonly #sent = new Map<SimSubscription, { key: string; at: number }>()
  /** Connections whose stream had waited for so long that it may have taken them from others. */
  readonly #overdueUntil = new Map<string, VirtualServer>()
  readonly #idleSince = new Map<string, number>()
  readonly #lookedAt = new Map<string, number>()
  #isOver = false

  constructor(outcome: Outcome, schedule: Schedule) {
    this.#outcome = outcome
    this.#schedule = schedule
    for (const server of outcome.world.servers) server.onOpen = (reader) => this.#opened(server, reader)
    this.#look()
  }

  end(): void {
    this.#isOver = true
  }

  /** Some stream wants a connection, has had none since then, and nothing has been found yet. */
  isWaitedSince(time: number): boolean {
    return (
      this.#hubs().some(({ hub }) =>
        this.#outcome.world.servers.some((server) => {
          const { wantedSince, connectedAt } = this.#recordOf(hub, server)
          return this.#now - wantedSince > 2 * LOOK && connectedAt < time
        }),
      ) && this.#outcome.problems.length === 0
    )
  }

  /** A page wants what this server sends. */
  isWanted(server: VirtualServer): boolean {
    return this.#hubs().some(({ hub }) => this.#wantedOf(hub, server).isWanted)
  }

  get #now(): number {
    return this.#outcome.world.clock.now
  }

  #problem(problem: string): void {
    // The same is told again and again.
    if (this.#found.has(problem)) return
    this.#found.add(problem)
    this.#outcome.problems.push(`${problem}, at ${Math.round(this.#now)}`)
  }

  /** The hubs that run: of a frozen agent nothing can be asked. */
  #hubs(): { agent: Agent; hub: Hub }[] {
    const { world, tabs } = this.#outcome
    const leaders = world
      .leaders()
      .filter(({ agent }) => tabs.some((tab) => tab.agent === agent && tab.leads))
    return [...world.workers(), ...leaders].filter(({ agent }) => !agent.isFrozen)
  }

  #recordOf(hub: Hub, server: VirtualServer): Record {
    const key = `${hub.id} ${server.name}`
    let record = this.#records.get(key)
    if (record === undefined) {
      const now = this.#now
      record = {
        knownSince: now,
        heldSince: now,
        awakeSince: now,
        wantedSince: now,
        visibleSince: now,
        waitingSince: now,
        aheadSince: now,
        connectedAt: Number.NEGATIVE_INFINITY,
        bound: 0,
        topBound: 0,
      }
      this.#records.set(key, record)
    }
    return record
  }

  /** Never more than the budget, as servers see it. */
  #opened(server: VirtualServer, reader: string): void {
    const { world, tabs } = this.#outcome
    const hubs = [...world.workers(), ...world.leaders()].filter(({ agent }) => agent.name === reader)
    for (const { hub, agent } of hubs) {
      const record = this.#recordOf(hub, server)
      const waited = this.#now - Math.max(record.connectedAt, record.knownSince)
      if (waited >= LONGEST_WAIT - MOMENT) this.#overdueUntil.set(`${hub.id} ${server.name}`, server)
      record.connectedAt = this.#now
      this.#checkCount(agent, hub, tabs)
    }
  }

  #checkCount(agent: Agent, hub: Hub, tabs: readonly SimTab[]): void {
    const { servers } = this.#outcome.world
    const connections = servers.reduce((sum, server) => sum + server.connectionsOf(agent.name), 0)
    // Of these tabs it is certain that the hub knows them: it has answered, and has had no reason to take them for gone.
    const known = tabs.filter(({ agent, hubId, hasSlept }) => agent.isAlive && hubId === hub.id && !hasSlept)
    const limit = Math.min(CONNECTIONS, ...known.flatMap(({ connections = [] }) => connections))
    if (connections > limit) this.#problem(`${connections} connections of one hub, of ${limit} at most`)
  }

  /** As long as anything may happen. */
  #look(): void {
    if (this.#isOver) return
    const { world } = this.#outcome
    this.#lookAtTabs()
    for (const { agent, hub } of this.#hubs()) this.#lookAtHub(agent, hub)
    world.clock.schedule(LOOK, () => this.#look())
  }

  #lookAtTabs(): void {
    const now = this.#now
    for (const tab of this.#outcome.tabs) {
      const { agent, hubId, subscriptions } = tab
      if (this.#attached.get(tab)?.hubId !== hubId || !this.#attached.has(tab)) {
        this.#attached.set(tab, { hubId, since: now })
        tab.onBatch = (batch) => this.#delivered(tab, batch)
      }
      const isHere = agent.isAlive && !agent.isFrozen && hubId !== undefined
      // Without locks, a page that stood still may have been given up, and finds out late.
      if (!isHere) this.#goneSince.set(tab, this.#goneSince.get(tab) ?? now)
      else if (this.#goneSince.delete(tab) && !this.#schedule.hasLocks && tab.hasSlept)
        this.#attached.set(tab, { hubId, since: now + FORGETTING })
      for (const one of subscriptions) {
        if (!this.#openedAt.has(one)) this.#openedAt.set(one, now)
        if (one.isClosed && !this.#closedAt.has(one)) this.#closedAt.set(one, now)
      }
    }
  }

  /** What pages want of a stream, as far as it is certain. */
  #wantedOf(hub: Hub, server: VirtualServer): Wanted {
    const now = this.#now
    // A stream that begins with hidden pages only waits as if they had been hidden just then. A hub that has stood still is told
    // late of what happened meanwhile.
    const { knownSince, awakeSince } = this.#recordOf(hub, server)
    let hiddenSince = Math.max(knownSince, awakeSince)
    let patience = 0
    let mayRest = true
    const wanted: Wanted = {
      isWanted: false,
      isHeld: false,
      isVisible: false,
      mayBeVisible: false,
      mayBeKnown: false,
      restsFrom: undefined,
      rank: { least: Number.NEGATIVE_INFINITY, most: -1 },
    }
    for (const tab of this.#outcome.tabs) {
      const gone = this.#goneSince.get(tab)
      const isHere = gone === undefined && tab.hubId === hub.id
      // A frozen page is waited for by nobody, but its hub may not know.
      if (!isHere && now - (gone ?? now) > FORGETTING && !tab.agent.isFrozen) {
        // The hub may have noticed only then.
        const uses = tab.subscriptions.some((one) => one.server === server)
        if (uses) hiddenSince = Math.max(hiddenSince, (gone ?? now) + FORGETTING)
        continue
      }
      const seen = { isShown: tab.agent.isShown, since: tab.seenSince }
      // Hidden pages ask for nothing, so they find out only when they are shown that they were given up.
      const isAware =
        this.#schedule.hasLocks || !tab.hasSlept || (seen.isShown && now - seen.since >= FORGETTING)
      const isKnown = isAware && isHere && now - (this.#attached.get(tab)?.since ?? now) >= MOMENT
      for (const one of tab.subscriptions) {
        if (one.server !== server) continue
        const closedAt = this.#closedAt.get(one)
        // It may have been the last one that was visible.
        hiddenSince = Math.max(hiddenSince, closedAt ?? 0)
        if (closedAt !== undefined && now - closedAt > LINGERING) continue
        const { hidden, priority } = one.wish
        const own = priority === undefined ? 0 : priority === 'high' ? 1 : -1
        const isCertain = isKnown && !one.isClosed
        const isHidden = isCertain && !seen.isShown && now - seen.since >= LOOK
        const attachedSince = this.#attached.get(tab)?.since ?? now
        hiddenSince = Math.max(hiddenSince, seen.since, attachedSince, this.#openedAt.get(one) ?? now)
        wanted.mayBeKnown = true
        if (!isHidden) wanted.mayBeVisible = true
        wanted.rank.most = Math.max(wanted.rank.most, own)
        if (!isHidden || !canRest(hidden)) mayRest = false
        else patience = Math.max(patience, typeof hidden === 'object' ? hidden.parkAfter : 0)
        if (!isCertain) continue
        wanted.isHeld = true
        if (seen.isShown) wanted.isVisible = true
        if (seen.isShown || !canRest(hidden)) wanted.isWanted = true
        wanted.rank.least = Math.max(wanted.rank.least, own)
      }
    }
    // The highest priority of all who share the stream counts, those of hidden pages too.
    if (wanted.mayBeVisible) wanted.rank.most += 10
    if (wanted.isVisible) wanted.rank.least += 10
    // The longest of them counts from when the last page was hidden.
    if (wanted.mayBeKnown && mayRest) wanted.restsFrom = hiddenSince + patience
    return wanted
  }

  #lookAtHub(agent: Agent, hub: Hub): void {
    const { world, tabs } = this.#outcome
    const now = this.#now
    this.#checkCount(agent, hub, tabs)
    // It has stood still, and so could do nothing.
    const hasStoodStill = now - (this.#lookedAt.get(hub.id) ?? now) > 2 * LOOK
    this.#lookedAt.set(hub.id, now)
    if (hasStoodStill) this.#idleSince.delete(hub.id)
    const all = world.servers.map((server) => ({
      server,
      record: this.#recordOf(hub, server),
      count: server.connectionsOf(agent.name),
      ...this.#wantedOf(hub, server),
    }))
    const known = all.filter(({ mayBeKnown }) => mayBeKnown)
    const limit = Math.min(CONNECTIONS, ...tabs.flatMap(({ connections = [] }) => connections))
    for (const { server, count } of all)
      if (count === 0) this.#overdueUntil.delete(`${hub.id} ${server.name}`)
    const overdue = all.filter(({ server }) => this.#overdueUntil.has(`${hub.id} ${server.name}`)).length
    const mayBeVisible = known.filter((one) => one.mayBeVisible).length
    const isEnough = mayBeVisible <= limit - overdue
    const turn = known.every((one) => this.#resumes(one, agent)) ? TURN : TURN_BEFORE_GAP
    for (const { server, record, count, isWanted, isHeld, isVisible, mayBeKnown, restsFrom, rank } of all) {
      if (!mayBeKnown) record.knownSince = now
      if (!isHeld) record.heldSince = now
      if (hasStoodStill) record.awakeSince = now
      if (count > 0) record.connectedAt = now
      const isRefused = server.refuseWith !== undefined
      // After a cut it waits for a while before it tries again: nobody has to give it a connection meanwhile.
      const isUnwell = isRefused || server.cutAt >= record.connectedAt
      if (!isWanted || hasStoodStill) record.wantedSince = now
      if (!isVisible || !isEnough || isUnwell || hasStoodStill) record.visibleSince = now
      if (!isWanted || count > 0 || record.connectedAt > record.waitingSince || isUnwell || hasStoodStill) {
        record.waitingSince = now
        record.bound = 0
      }
      const isTop = known.every((one) => one.server === server || one.rank.most <= rank.least)
      if (!isTop || record.waitingSince === now) {
        record.aheadSince = now
        record.topBound = 0
      }
      // Who is there already may be ahead of it, and one that is overdue.
      record.topBound = Math.max(record.topBound, (known.length + 1) * turn + SETTLED)
      record.bound = Math.max(record.bound, known.length * (LONGEST_WAIT + turn) + SETTLED)
      const name = `${server.kind} ${server.name}`
      if (now - record.aheadSince > record.topBound)
        this.#problem(`${name} has waited for ${record.topBound} ms among equals`)
      if (now - record.waitingSince > record.bound) this.#problem(`${name} has waited for ${record.bound} ms`)
      // A page that is shown may have another connection take the place of one that was silent.
      const isLive = now - record.connectedAt < (server.staysConnected ? MOMENT : BACK_OFF + MOMENT)
      if (now - record.visibleSince >= MOMENT && now - record.wantedSince >= SETTLED && !isLive)
        this.#problem(`${name} is visible, and has no connection`)
      if (count > 0 && restsFrom !== undefined && now - Math.max(restsFrom, record.awakeSince) > MOMENT)
        this.#problem(`${name} has a connection, though all who share it are hidden and can do without`)
    }
    this.#checkUse(agent, hub, all, limit)
  }

  /** No connection is left unused while somebody waits. */
  #checkUse(
    agent: Agent,
    hub: Hub,
    all: readonly { server: VirtualServer; record: Record; count: number }[],
    limit: number,
  ): void {
    const now = this.#now
    const wanting = all.filter(
      ({ server, record }) =>
        now - record.wantedSince >= SETTLED &&
        server.staysConnected &&
        server.cutAt < record.connectedAt - SETTLED,
    )
    // Of a response that the server has ended, the hub may have left something unread: it waits for a slow page.
    const used = all.filter(({ server, count }) => count > 0 || server.isReadBy(agent.name)).length
    const isIdle = used < Math.min(limit, wanting.length)
    if (!isIdle || !this.#idleSince.has(hub.id)) this.#idleSince.set(hub.id, now)
    if (now - (this.#idleSince.get(hub.id) ?? now) > SETTLED)
      this.#problem(`${used} connections, though ${wanting.length} streams want one of ${limit}`)
  }

  /** The hub has seen that an ID can be resumed after: a turn does not have to be long. A stream that has ended is forgotten. */
  #resumes({ server, record }: { server: VirtualServer; record: Record }, agent: Agent): boolean {
    return (
      server.isFaithful &&
      server.allConnections.some(
        ({ reader, openedAt, idsArrived }) =>
          reader === agent.name && openedAt >= record.heldSince && idsArrived.size > 1,
      )
    )
  }

  /** A hidden page that wants few batches is sent one a second. */
  #delivered(tab: SimTab, { hubId, subscription, epoch }: Batch): void {
    const one = tab.subscriptions.find(({ id }) => id === subscription)
    // Where the log may overflow, the page is sent what would fall off.
    if (one?.wish.hidden !== 'batch' || this.#schedule.logEvents < SHORT_LOG) return
    const now = this.#now
    const key = `${hubId} ${epoch}`
    const last = this.#sent.get(one)
    const attached = this.#attached.get(tab)
    const isHidden = !tab.agent.isShown && now - tab.seenSince >= MOMENT
    const isSettled = attached?.hubId === hubId && now - attached.since >= SETTLED
    if (isHidden && isSettled && last?.key === key && now - last.at < BATCH_INTERVAL - 1)
      this.#problem(`a hidden page was sent another batch after ${Math.round(now - last.at)} ms`)
    this.#sent.set(one, { key, at: now })
  }
}

const canRest = (hidden: SimWish['hidden']): boolean => hidden === 'park' || typeof hidden === 'object'
