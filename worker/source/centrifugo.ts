import type { HubPlatform } from '../platform.ts'
import { CODES, type Publication, type Push, pushOf, requestFor, type Subscribed } from './centrifugo-wire.ts'
import { FailedError, type Failure, failureOf, tooLarge } from './failure.ts'
import { Behind, idOf, type Point } from './points.ts'
import type { ConnectionRequest, Head, Receiver, Source, SourceEvent } from './source.ts'

/** How soon, in ms, other channels are asked for again when that has failed. */
const AGAIN = 5_000

/** How long, in ms, a connection with other channels may wait for the present one to get to where it begins. */
const PATIENCE = 2_000

/** So many publications are held for so long. */
const MOST_HELD = 1_000

/** So many are given at a time: one frame can bring more than a log holds. */
const SLICE = 8

/** With these, the server may mean that a second connection is not to be had beside the present one. */
const SINGLE: readonly (number | undefined)[] = [CODES.expired, CODES.connectionLimit]

const MOVE = new FailedError('other channels are wanted', { isMove: true })

/** One connection as the hub sees it, whatever responses it is made of. */
export interface Asked {
  /** What is asked for, or is about to be; nothing before there is any topic. */
  readonly topics: ReadonlySet<string> | undefined
  isOpenFor(topic: string): boolean
  begin(): void
  /** Other topics are wanted. */
  change(): void
}

/** What it must know of the channels that pages want. */
export interface Wishes {
  /** The present connection; between two, nothing is asked for. */
  course: Asked | undefined
  readonly wanted: ReadonlySet<string>
  /** What the next connection asks for. */
  next(): ReadonlySet<string>
  /** Whether an event goes on to the pages. */
  passes(event: SourceEvent): boolean
  /** Nothing from before now can be asked for. */
  beginAnew(channel: string): void
  /** Some channels may be ready. */
  opened(): void
  /** Another connection may be needed, in so many ms. */
  review(delay?: number): void
}

/** What outlives a connection. */
class Memory {
  /** The server has answered before. */
  hasOpened = false
  /** How far each channel has come that is asked for. */
  points = new Map<string, Point>()
  /** Where those began that were added at this hub. */
  readonly begun = new Map<string, Point>()
  /** Channels of which something has no offset, so that nothing shows what a connection has missed. */
  readonly loose = new Set<string>()
  /** Channels of which something may be missing, though no page has been told. */
  readonly lost = new Set<string>()

  /** Only these are asked for from now on. */
  keep(channels: ReadonlySet<string>): void {
    for (const kept of [this.begun, this.loose])
      for (const channel of kept.keys()) if (!channels.has(channel)) kept.delete(channel)
  }
}

/** One response of the server. */
interface Upstream {
  readonly channels: ReadonlySet<string>
  /** Where those go on that are to go on. */
  readonly asked: ReadonlyMap<string, Point>
  readonly behind: Behind
  readonly life: AbortController
  head: Head | undefined
  /** What the server has subscribed it to; nothing before it has answered. */
  subs: Map<string, Subscribed> | undefined
  readonly held: Publication[]
  /** What is yet to be given, in order, and as long as it is, when that is done. */
  readonly pending: (() => void)[]
  giving: Promise<void> | undefined
}

/** Makes the connections of one stream to Centrifugo. */
export function centrifugo(
  platform: HubPlatform,
  {
    token,
    gaps: [gap = ''] = [],
  }: { readonly token?: string | undefined; readonly gaps?: readonly string[] | undefined },
  events: Source,
  wishes: Wishes,
): (connection: ConnectionRequest, receiver: Receiver, resolve: (failure: Failure) => void) => Asked {
  const memory = new Memory()
  return (connection, receiver, resolve) =>
    new Course({ platform, token, gap, events, wishes, memory, connection, receiver, resolve })
}

interface Parts {
  readonly platform: HubPlatform
  readonly token: string | undefined
  /** Name of the event that tells a gap. */
  readonly gap: string
  readonly events: Source
  readonly wishes: Wishes
  readonly memory: Memory
  readonly connection: ConnectionRequest
  readonly receiver: Receiver
  readonly resolve: (failure: Failure) => void
}

/**
 * One connection as the hub sees it. Centrifugo says of each channel where it begins, and gives its publications offsets in a row. So an
 * event's ID is made here: how far each channel has come with it. It is known what a connection brings again, where two
 * connections join, and of which channels something is lost.
 */
class Course implements Asked {
  readonly #parts: Parts
  #present: Upstream | undefined
  #other: Upstream | undefined
  #timer: unknown
  #isOver = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get topics(): ReadonlySet<string> | undefined {
    return (this.#other ?? this.#present)?.channels
  }

  isOpenFor(channel: string): boolean {
    return this.#present?.subs?.has(channel) === true
  }

  begin(): void {
    const { signal } = this.#parts.connection
    this.#parts.wishes.course = this
    signal.addEventListener('abort', () => this.#end(failureOf(signal.reason)))
    if (signal.aborted) this.#end(failureOf(signal.reason))
    this.change()
  }

  change(): void {
    const { wishes, memory, connection } = this.#parts
    if (this.#isOver || this.#other !== undefined || wishes.wanted.size === 0) return
    const { resumeAfter, latest = [] } = connection
    if (this.#present === undefined) {
      const channels = wishes.next()
      memory.keep(channels)
      const behind = new Behind(resumeAfter, latest)
      const pointOf = (channel: string) => behind.before(channel) ?? memory.begun.get(channel)
      this.#present = this.#open(channels, resumeAfter === '' ? () => undefined : pointOf, behind)
    } else if (this.#present.subs !== undefined) {
      this.#other = this.#open(wishes.next(), (channel) => memory.points.get(channel), new Behind('', []))
    } else this.#end(MOVE.failure)
  }

  #open(
    channels: ReadonlySet<string>,
    pointOf: (channel: string) => Point | undefined,
    behind: Behind,
  ): Upstream {
    const { token, events, connection, receiver } = this.#parts
    const asked = new Map<string, Point>()
    for (const channel of channels) {
      const point = pointOf(channel)
      if (point !== undefined) asked.set(channel, point)
    }
    const life = new AbortController()
    const upstream: Upstream = {
      channels,
      asked,
      behind,
      life,
      head: undefined,
      subs: undefined,
      held: [],
      pending: [],
      giving: undefined,
    }
    const request = { ...requestFor(connection, token, channels, asked), signal: life.signal }
    const ended = events(request, {
      ...receiver,
      opened: (head) => {
        upstream.head = head
      },
      event: ({ data }) => this.#take(data, upstream),
      idAlone: () => {},
      flushed: () => upstream.giving ?? receiver.flushed(),
    })
    ended.then((failure) => this.#ended(failure, upstream))
    return upstream
  }

  #isCurrent(upstream: Upstream): boolean {
    return upstream === this.#present || upstream === this.#other
  }

  #ended(failure: Failure, upstream: Upstream): void {
    if (!this.#isCurrent(upstream)) return
    const isRefused = upstream === this.#other && upstream.subs === undefined
    // A connection of its own has another token, and is the only one.
    if (this.#other !== undefined && SINGLE.includes(failure.closeCode)) this.#end(MOVE.failure)
    else if (isRefused) this.#miss(failure.message)
    else this.#end(failure)
  }

  #take(data: string, upstream: Upstream): void {
    if (!this.#isCurrent(upstream)) return
    const push = pushOf(data, upstream.channels)
    if (push === undefined) this.#advise('has sent a message that is not JSON')
    else if (push.type === 'connect') this.#answered(push.subs, upstream)
    else if (push.type === 'disconnect') this.#ended(push.failure, upstream)
    else if (upstream.subs !== undefined) this.#takeFor(push, upstream, upstream.subs)
  }

  #takeFor(push: Push, upstream: Upstream, subs: Map<string, Subscribed>): void {
    if (push.type === 'publication') {
      if (!subs.has(push.publication.channel)) return
      if (upstream === this.#present) this.#giveAll(upstream, [push.publication])
      else if (upstream.held.push(push.publication) > MOST_HELD) this.#end(MOVE.failure)
      this.#join()
    } else if (push.type === 'subscribe') {
      if (subs.has(push.channel)) this.#end(changed(push.channel))
      else this.#subscribed(push.channel, push.subscribed, upstream, subs)
    } else if (push.type === 'unsubscribe' && subs.has(push.channel)) {
      this.#end(changed(push.channel))
    }
  }

  /** The server has done so later than it has answered. */
  #subscribed(channel: string, sub: Subscribed, upstream: Upstream, subs: Map<string, Subscribed>): void {
    subs.set(channel, sub)
    if (upstream !== this.#present) return
    const { wishes } = this.#parts
    wishes.beginAnew(channel)
    this.#beginAt(channel, sub.point, true)
    this.#tellPlace()
    wishes.opened()
  }

  #answered(subs: Map<string, Subscribed>, upstream: Upstream): void {
    upstream.subs = subs
    const refused = [...upstream.channels].filter((channel) => !subs.has(channel))
    if (refused.length > 0)
      this.#advise(`has not subscribed this user to ${refused.map((channel) => `"${channel}"`).join(', ')}`)
    if (upstream === this.#present) {
      this.#resumed(upstream, subs)
      return
    }
    upstream.held.push(...inOrder(subs, upstream.behind).flat())
    this.#timer = this.#parts.platform.setTimeout(() => this.#end(MOVE.failure), PATIENCE)
    this.#join()
  }

  /** The first response of a connection has begun. */
  #resumed(upstream: Upstream, subs: Map<string, Subscribed>): void {
    const { connection, receiver, wishes, memory } = this.#parts
    const resumes = connection.resumeAfter !== ''
    const { lost } = memory
    for (const channel of upstream.channels) if (this.#hasLost(channel, upstream)) lost.add(channel)
    // Otherwise the hub tells a gap itself, unless there is none.
    if (!resumes) lost.clear()
    memory.hasOpened = true
    memory.points = new Map()
    for (const channel of subs.keys()) {
      const begins = !upstream.asked.has(channel) || lost.has(channel)
      if (resumes && begins) wishes.beginAnew(channel)
      this.#beginAt(channel, beginningOf(channel, upstream), begins)
    }
    if (upstream.head !== undefined)
      receiver.opened({ ...upstream.head, confirmsResumption: resumes, deniesResumption: false })
    const [known, others] = inOrder(subs, upstream.behind)
    this.#giveAll(upstream, known)
    this.#do(upstream, [() => this.#tellGap()])
    this.#giveAll(upstream, others)
    this.#do(upstream, [() => this.#tellPlace()])
    wishes.opened()
  }

  /** Whether something of it may be missing. */
  #hasLost(channel: string, upstream: Upstream): boolean {
    const { memory } = this.#parts
    const asked = upstream.asked.get(channel)
    // Nothing shows whether pages have relied upon it at a former hub.
    if (asked === undefined)
      return upstream.subs?.has(channel) === true && (!memory.hasOpened || memory.loose.has(channel))
    const beginning = beginningOf(channel, upstream)
    if (beginning === undefined || memory.loose.has(channel)) return true
    if (upstream.subs?.get(channel)?.isRecovered) return beginning.offset > asked.offset
    // The history is too short for what is known to come again, but nothing is new.
    const furthest = memory.points.get(channel) ?? upstream.behind.furthest(channel)
    return beginning.epoch !== furthest?.epoch || beginning.offset !== furthest.offset
  }

  /** @param isNew it has not been asked for before, or nothing goes on there */
  #beginAt(channel: string, point: Point | undefined, isNew: boolean): void {
    const { points, begun, loose } = this.#parts.memory
    if (point === undefined) {
      loose.add(channel)
      return
    }
    points.set(channel, point)
    if (isNew) begun.set(channel, point)
  }

  #giveAll(upstream: Upstream, publications: readonly Publication[]): void {
    this.#do(
      upstream,
      publications.map((publication) => () => this.#give(publication)),
    )
  }

  #do(upstream: Upstream, steps: readonly (() => void)[]): void {
    upstream.pending.push(...steps)
    if (upstream.giving !== undefined || upstream.pending.length === 0) return
    if (upstream.pending.length > SLICE) upstream.giving = this.#giveSlices(upstream)
    else for (const step of upstream.pending.splice(0)) step()
  }

  async #giveSlices(upstream: Upstream): Promise<void> {
    const { platform, receiver } = this.#parts
    while (upstream.pending.length > 0 && upstream === this.#present) {
      for (const step of upstream.pending.splice(0, SLICE)) step()
      await receiver.flushed()
      await platform.turn()
    }
    upstream.giving = undefined
  }

  #give({ channel, offset, data }: Publication): void {
    const { memory, receiver, wishes, connection } = this.#parts
    const point = memory.points.get(channel)
    let id: string | undefined
    if (point !== undefined && offset !== undefined) {
      if (offset <= point.offset) return
      memory.points.set(channel, { ...point, offset })
      id = this.#present?.behind.knownId(idOf(memory.points, channel))
    } else memory.loose.add(channel)
    if (data.length > connection.maxEventSize) this.#end(tooLarge(connection.maxEventSize).failure)
    if (this.#isOver) return
    const event = { name: channel, data, id }
    if (wishes.passes(event)) receiver.event(event)
    // The server says whether it goes on there, so nothing that is known has to come again.
    if (id !== undefined) receiver.idAlone(id)
  }

  #tellGap(): void {
    const { gap, memory, receiver } = this.#parts
    if (memory.lost.size === 0 || this.#isOver) return
    const data = JSON.stringify({ channels: [...memory.lost] })
    const id = idOf(memory.points)
    memory.lost.clear()
    receiver.event({ name: gap, data, id: id === '' ? undefined : id })
  }

  #tellPlace(): void {
    const id = idOf(this.#parts.memory.points)
    if (id !== '' && !this.#isOver) this.#parts.receiver.idAlone(id)
  }

  /** The other one takes over when the present one has got to where it begins, in each channel. */
  #join(): void {
    const [present, other] = [this.#present, this.#other]
    if (present?.subs === undefined || other?.subs === undefined) return
    const { points } = this.#parts.memory
    for (const channel of other.subs.keys()) {
      const point = points.get(channel)
      const beginning = beginningOf(channel, other)
      if (point === undefined || beginning === undefined) continue
      if (beginning.epoch !== point.epoch || beginning.offset > point.offset) return
    }
    this.#turn(present, other, other.subs)
  }

  #turn(former: Upstream, present: Upstream, subs: Map<string, Subscribed>): void {
    const { platform, memory, wishes } = this.#parts
    platform.clearTimeout(this.#timer)
    this.#present = present
    this.#other = undefined
    former.life.abort()
    const { points } = memory
    memory.keep(present.channels)
    memory.points = new Map()
    for (const channel of subs.keys()) {
      const beginning = beginningOf(channel, present)
      this.#beginAt(channel, beginning && (points.get(channel) ?? beginning), !points.has(channel))
    }
    const hasLost = (channel: string) => memory.loose.has(channel) || !memory.points.has(channel)
    for (const channel of former.subs?.keys() ?? [])
      if (present.channels.has(channel) && hasLost(channel)) memory.lost.add(channel)
    this.#do(present, [() => this.#tellGap()])
    // What has no offset may have come by both.
    const isCounted = ({ channel, offset }: Publication) => offset !== undefined && memory.points.has(channel)
    this.#giveAll(present, present.held.splice(0).filter(isCounted))
    this.#do(present, [() => this.#tellPlace()])
    wishes.opened()
    wishes.review()
  }

  /** The other one could not be had: the present one goes on alone. No channel of it was ready. */
  #miss(why: string): void {
    const { receiver, wishes } = this.#parts
    this.#other?.life.abort()
    this.#other = undefined
    receiver.advise(`the server could not be asked for other channels (${why}); tabstream goes on trying`)
    wishes.review(AGAIN)
  }

  #advise(what: string): void {
    const { connection, receiver } = this.#parts
    receiver.advise(`${new URL(connection.url).origin} ${what}`)
  }

  /** What is held is left to the next connection. */
  #end(failure: Failure): void {
    if (this.#isOver) return
    this.#isOver = true
    const { platform, wishes, resolve } = this.#parts
    platform.clearTimeout(this.#timer)
    if (wishes.course === this) wishes.course = undefined
    for (const upstream of [this.#present, this.#other]) upstream?.life.abort()
    this.#present = undefined
    this.#other = undefined
    resolve(failure)
  }
}

const changed = (channel: string): Failure =>
  new FailedError(`the server has changed the subscription to "${channel}"`).failure

/** Behind which point everything of a channel comes; nothing where none of it can be counted. */
function beginningOf(channel: string, { asked, subs }: Upstream): Point | undefined {
  const sub = subs?.get(channel)
  const point = asked.get(channel)
  if (sub?.point === undefined || point === undefined || !sub.isRecovered) return sub?.point
  const first = sub.publications[0]?.offset
  return first === undefined ? point : { ...point, offset: first - 1 }
}

/**
 * What is recovered: as far as it is known, and the rest. With each known event all channels are as far as they were when it came first, so
 * that its ID holds.
 */
function inOrder(
  subs: ReadonlyMap<string, Subscribed>,
  { latest }: Behind,
): [known: Publication[], others: Publication[]] {
  const queues = new Map([...subs].map(([channel, { publications }]) => [channel, [...publications]]))
  const known: Publication[] = []
  for (const { channel: own, points } of latest) {
    const others = [...points.keys()].filter((channel) => channel !== own)
    for (const channel of own === undefined ? others : [...others, own]) {
      const queue = queues.get(channel) ?? []
      const { offset = 0 } = points.get(channel) ?? {}
      while ((queue[0]?.offset ?? Number.POSITIVE_INFINITY) <= offset) known.push(...queue.splice(0, 1))
    }
  }
  return [known, [...queues.values()].flat()]
}
