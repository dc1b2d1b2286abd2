import { ownIn, placeKey, placeOf } from '../../src/link/place.ts'
import { EVERY_NAME } from '../../src/link/protocol.ts'
import type { Engine, TopicQuestion } from '../../src/link/topics.ts'
import type { HubPlatform } from '../platform.ts'
import { BehindGap } from './beginning.ts'
import { type Asked, centrifugo, type Wishes } from './centrifugo.ts'
import { FailedError, type Failure, failureOf } from './failure.ts'
import { Frame, idIn, resumingBy, saidBy } from './frame.ts'
import { Held, keyOf, takes } from './overlap.ts'
import { Positions } from './positions.ts'
import type { ConnectionRequest, Receiver, Source, SourceEvent, Standing } from './source.ts'
import { urlOf } from './topics-url.ts'
import { Vectors } from './vectors.ts'

// A module of its own, dist/topics-source.js, that hubs fetch.

/** Topics that are added within so many ms are asked for together. */
const GATHER = 50

/**
 * What proves that a server resumes are the latest known events, of which a position names so many. A topic that nobody wants any more is
 * asked for until others have brought as many.
 */
const PROVING = 16

/** For so many ms, a topic that nobody wants any more may go on to come. */
const LINGER = 30_000

/** How soon, in ms, other topics are asked for again when that has failed. */
const AGAIN = 5_000

/** How long, in ms, two connections are open for one event that comes by both. */
const PATIENCE = 2_000

/** So many events are kept that one of the two has brought, and the other one has not. */
const MOST_HELD = 1_000

const BY_NAME = 'event'

const MOVE = new FailedError('other topics are wanted', { isMove: true })

/** Events of many topics by one connection; the name of each is its topic. */
export function source(platform: HubPlatform, engine: Engine, events: Source): Source {
  const topics = new Topics(platform, engine)
  const courseOf: ReturnType<typeof centrifugo> =
    engine.protocol === 'centrifugo'
      ? centrifugo(platform, engine, events, topics)
      : (...given) => new Course(platform, topics, events, ...given)
  return Object.assign(
    (connection: ConnectionRequest, receiver: Receiver) =>
      new Promise<Failure>((resolve) => {
        courseOf(connection, receiver, resolve).begin()
      }),
    {
      listen: (names: readonly string[]) => topics.listen(names),
      begin: (names: readonly string[], standing: Standing) =>
        topics.lacks(names, standing.lastId) ? new BehindGap(standing) : undefined,
      send: (question: unknown) => topics.answer(question),
      drop: (isOver: boolean) => topics.drop(isOver),
    },
  )
}

interface Asking extends TopicQuestion {
  readonly answer: (isAsked: true | undefined) => void
}

/** A topic that nobody wants any more: since when, and how many events had come by then. */
interface Unwanted {
  readonly since: number
  readonly count: number
}

/** What the pages want, and what has been asked for, over all connections. */
class Topics implements Wishes {
  readonly engine: Engine
  readonly positions: Positions | undefined
  readonly vectors: Vectors | undefined
  course: Asked | undefined
  wanted: ReadonlySet<string> = new Set()
  /** Those of the last connection. */
  #asked: ReadonlySet<string> = new Set()
  readonly #platform: HubPlatform
  readonly #frame: Frame
  /** From where on everything of a topic has been asked for and given: behind so many events. */
  #whole: Map<string, number> | undefined
  /** What nobody wanted when it came, and how many others had come by then. A connection that resumes may bring it again. */
  readonly #dropped = new Map<string, number>()
  readonly #unwanted = new Map<string, Unwanted>()
  /** Events so far that history can be proven by. */
  #count = 0
  /** What names the latest of them, and how many had come by then. A connection that resumes brings some again. */
  readonly #ids = new Map<string, number>()
  #timer: unknown
  readonly #asking = new Set<Asking>()
  /** Topics that had not been asked for yet where a connection resumes: what it brings of them before what is known is older. */
  #late: readonly string[] = []
  /** How many events had come by then. */
  #resumedFrom = 0

  constructor(platform: HubPlatform, engine: Engine) {
    this.#platform = platform
    this.engine = engine
    const { topic, id, data, positions } = engine
    if (positions === 'kafka') this.vectors = new Vectors(platform)
    else if (positions !== undefined) this.positions = new Positions(platform, positions)
    this.#frame = new Frame({ name: topic === BY_NAME ? undefined : topic, id, data })
  }

  listen(names: readonly string[]): void {
    this.wanted = new Set(this.#topicsOf(names))
    this.#giveUp(({ topic }) => !this.wanted.has(topic))
    for (const topic of this.wanted) this.#unwanted.delete(topic)
    for (const topic of this.#asked) {
      if (!this.wanted.has(topic) && !this.#unwanted.has(topic))
        this.#unwanted.set(topic, { since: this.#platform.now(), count: this.#count })
    }
    for (const topic of this.wanted)
      if (this.#asked.has(topic) && this.#whole?.has(topic) === false) this.#whole.set(topic, this.#count)
    this.review()
  }

  /**
   * A page has not been given all that there was of one of these.
   *
   * @param lastId of the last event that it has passed
   */
  lacks(names: readonly string[], lastId: string): boolean {
    const whole = this.#whole
    if (whole === undefined) return false
    const count = this.#ids.get(ownIn(lastId)) ?? -1
    return this.#topicsOf(names).some((topic) => (whole.get(topic) ?? Number.POSITIVE_INFINITY) >= count)
  }

  /** When the topic is asked for. Nothing where there is no stream any more, or nobody wants the topic. */
  answer(question: unknown): Promise<true | undefined> {
    const { topic } = Object(question) as TopicQuestion
    return new Promise((answer) => {
      if (!this.wanted.has(topic)) answer(undefined)
      else {
        this.#asking.add({ topic, answer })
        this.opened()
      }
    })
  }

  drop(isOver: boolean): void {
    if (!isOver) return
    this.#giveUp(() => true)
    this.#platform.clearTimeout(this.#timer)
  }

  #giveUp(isOver: (asking: Asking) => boolean): void {
    for (const asking of this.#asking) {
      if (!isOver(asking)) continue
      this.#asking.delete(asking)
      asking.answer(undefined)
    }
  }

  review(delay = GATHER): void {
    this.#platform.clearTimeout(this.#timer)
    if (!this.#isComplete)
      this.#timer = this.#platform.setTimeout(() => this.#isComplete || this.course?.change(), delay)
  }

  /** All that is wanted is asked for. */
  get #isComplete(): boolean {
    return [...this.wanted].every((topic) => this.course?.topics?.has(topic))
  }

  opened(): void {
    for (const asking of this.#asking) {
      if (!this.course?.isOpenFor(asking.topic)) continue
      this.#asking.delete(asking)
      asking.answer(true)
    }
  }

  /** What a connection that resumes asks for. Where its ID does not say how far a topic has got, something of that may be missing. */
  resume(connection: ConnectionRequest) {
    const isMissing = (topic: string) => whole === undefined || whole.has(topic)
    const whole = this.#whole
    const hasPlaces = this.positions !== undefined || this.vectors !== undefined
    // One ID stands for all topics: those that are new come from there on as well.
    const begun = hasPlaces ? undefined : this.#ids.get(ownIn(connection.resumeAfter))
    const topics = this.next(begun === undefined ? this.#count : begun - 1)
    const isLate = (topic: string) => begun !== undefined && (this.#whole?.get(topic) ?? 0) >= begun
    // Nothing else shows where they begin.
    this.#late = begun === this.#count ? [] : [...topics].filter(isLate)
    this.#resumedFrom = begun ?? 0
    this.vectors?.expect(connection, topics)
    const resumed = this.positions?.resume(connection, topics)
    const { after = connection.resumeAfter, lacks = [], isTorn = false } = resumed ?? {}
    return { topics, after, isPartial: after !== '' && (isTorn || lacks.some(isMissing)) }
  }

  /** @param count how many events had come where those topics begin that have not been asked for yet */
  next(count = this.#count): ReadonlySet<string> {
    for (const [topic, unwanted] of this.#unwanted)
      if (this.#isDispensable(unwanted)) this.#unwanted.delete(topic)
    const former = this.#asked
    this.#asked = new Set([...this.wanted, ...this.#unwanted.keys()].sort())
    const since = (topic: string) =>
      this.#whole === undefined
        ? Number.NEGATIVE_INFINITY
        : (this.#whole.get(topic) ?? (former.has(topic) ? this.#count : count))
    this.#whole = new Map([...this.#asked].map((topic) => [topic, since(topic)]))
    return this.#asked
  }

  beginAnew(topic: string): void {
    this.#whole?.set(topic, this.#count)
  }

  /** What an event means: its topic is its name. Nothing where it does not say of which of these it is. */
  read({ name, data, id }: SourceEvent, topics: ReadonlySet<string>): SourceEvent | undefined {
    const parts = this.#frame.isFramed ? this.#frame.partsOf(data) : undefined
    const named = saidBy(parts?.name) ?? (this.engine.topic === BY_NAME ? name : undefined)
    // With a single one there is nothing to tell apart.
    const [of] = topics.size === 1 ? topics : [named]
    const own = this.engine.id === undefined ? id : parts?.id && idIn(parts.id)
    const hasBoth = own !== undefined && id !== undefined
    const read = {
      name: of ?? '',
      id: this.vectors !== undefined && hasBoth ? this.vectors.idOf(own, of ?? '', topics, id) : own,
      data: saidBy(parts?.data) ?? parts?.data ?? data,
    }
    const placed = this.positions?.read(read, topics) ?? read
    return placed === read && of === undefined ? undefined : placed
  }

  /** If what it comes before is known, it is from before its topic was asked for. */
  isOlder({ name, id = '' }: SourceEvent): boolean {
    if (this.#late.length > 0 && (this.#ids.get(ownIn(id)) ?? 0) > this.#resumedFrom) this.#late = []
    return this.#late.includes(name)
  }

  passes(event: SourceEvent): boolean {
    const { name, id } = event
    const dropped = this.#dropped.size > 0 ? this.#dropped.get(droppedAs(event)) : undefined
    if (dropped !== undefined && this.#count - dropped < PROVING) {
      this.beginAnew(name)
      return false
    }
    const unwanted = this.#unwanted.get(name)
    // The very first one goes on: the next connection is asked to begin before the second.
    const isFirst = id !== undefined && !this.hasIds
    if (unwanted !== undefined && !isFirst && !this.#ids.has(ownIn(id ?? ''))) {
      this.#whole?.delete(name)
      this.#dropped.set(droppedAs(event), this.#count)
      trim(this.#dropped, MOST_HELD)
      // Were it logged, it would have to come again to prove that the server resumes.
      const isOverdue = this.#platform.now() - unwanted.since >= LINGER
      if (isOverdue && this.#isDispensable(unwanted)) this.course?.change()
      return false
    }
    if (id === undefined) return true
    this.#count++
    this.#ids.delete(ownIn(id))
    this.#ids.set(ownIn(id), this.#count)
    trim(this.#ids, 2 * PROVING)
    return true
  }

  /** Something has come after which can be resumed. */
  get hasIds(): boolean {
    return this.#count > 0
  }

  /** Something has come behind that, which a server that resumes brings again. */
  get canProve(): boolean {
    return this.#ids.size > 1
  }

  #isDispensable({ count }: Unwanted): boolean {
    return this.#count - count >= PROVING
  }

  #topicsOf(names: readonly string[]): string[] {
    const { gaps = [] } = this.engine
    return names.filter((name) => name !== EVERY_NAME && !gaps.includes(name))
  }
}

/** One response of the server. */
interface Upstream {
  readonly topics: ReadonlySet<string>
  readonly life: AbortController
  /** What pages have been given by another one while this one was asked for, and how often. It may bring that as well. */
  readonly had: Map<string, number>
  isOpen: boolean
  /** Nothing more is read of it for now. */
  waits: boolean
}

/**
 * One connection as the hub sees it. When other topics are wanted, another response takes the place of the present one. Both are open
 * until one event has come by both: from there on the other has everything.
 */
class Course implements Asked {
  readonly #platform: HubPlatform
  readonly #topics: Topics
  readonly #events: Source
  readonly #connection: ConnectionRequest
  readonly #receiver: Receiver
  readonly #resolve: (failure: Failure) => void
  #present: Upstream | undefined
  #other: Upstream | undefined
  /** What has come by the other one alone, and since that is open, by the present one alone. */
  #ahead = new Held()
  #behind = new Held()
  #timer: unknown
  #isOver = false

  constructor(
    platform: HubPlatform,
    topics: Topics,
    events: Source,
    connection: ConnectionRequest,
    receiver: Receiver,
    resolve: (failure: Failure) => void,
  ) {
    this.#platform = platform
    this.#topics = topics
    this.#events = events
    this.#connection = connection
    this.#receiver = receiver
    this.#resolve = resolve
  }

  get topics(): ReadonlySet<string> | undefined {
    return (this.#other ?? this.#present)?.topics
  }

  isOpenFor(topic: string): boolean {
    return [this.#present, this.#other].some((one) => one?.isOpen && one.topics.has(topic))
  }

  begin(): void {
    const { signal } = this.#connection
    this.#topics.course = this
    signal.addEventListener('abort', () => this.#end(failureOf(signal.reason)))
    if (signal.aborted) this.#end(failureOf(signal.reason))
    this.change()
  }

  change(): void {
    if (this.#isOver || this.#other !== undefined || this.#topics.wanted.size === 0) return
    if (this.#present === undefined) {
      const { topics, after, isPartial } = this.#topics.resume(this.#connection)
      this.#present = this.#open(topics, after, isPartial)
    } else if (this.#present.isOpen) this.#openOther()
    else this.#end(MOVE.failure)
  }

  #openOther(): void {
    const { positions } = this.#topics
    const topics = this.#topics.next()
    const { last } = positions ?? {}
    // It brings the last event at once, so nobody waits for one that comes by both.
    const after = last === undefined ? '' : (positions?.before(topics) ?? '')
    this.#other = this.#open(topics, after)
    if (last !== undefined && after !== '') this.#note(last, this.#other)
  }

  #open(topics: ReadonlySet<string>, resumeAfter: string, isPartial = false): Upstream {
    const { engine } = this.#topics
    const upstream: Upstream = {
      topics,
      life: new AbortController(),
      had: new Map(),
      isOpen: false,
      waits: false,
    }
    const receiver = this.#receiver
    const url = urlOf(this.#connection.url, [...topics], engine)
    const request = { ...this.#connection, url, resumeAfter, signal: upstream.life.signal }
    const { vectors } = this.#topics
    const resumed =
      vectors === undefined
        ? { connection: resumingBy(engine.resume, request), hasCome: undefined }
        : vectors.resuming(request, topics)
    const denies = isPartial || resumed === undefined
    const ended = this.#events(resumed?.connection ?? { ...request, resumeAfter: '' }, {
      ...receiver,
      opened: (head) => {
        upstream.isOpen = true
        if (upstream === this.#other) this.#timer = this.#platform.setTimeout(() => this.#expire(), PATIENCE)
        else receiver.opened(denies ? { ...head, deniesResumption: true } : head)
        this.#topics.opened()
      },
      event: (event) => resumed?.hasCome?.(event) || this.#take(event, upstream),
      flushed: () => {
        const room = receiver.flushed()
        upstream.waits = room !== undefined
        return room?.then(() => {
          upstream.waits = false
        })
      },
      idAlone: (id) => upstream === this.#present && receiver.idAlone(id),
    })
    ended.then((failure) => {
      if (upstream === this.#other && !upstream.isOpen) this.#miss(failure.message)
      else if (upstream === this.#present || upstream === this.#other) this.#end(failure)
    })
    return upstream
  }

  #take(event: SourceEvent, upstream: Upstream): void {
    // It goes on for a moment when another one has taken its place.
    if (upstream !== this.#present && upstream !== this.#other) return
    const { heartbeats = [], gaps = [], errors = [] } = this.#topics.engine
    const { name, data } = event
    if (heartbeats.includes(name)) return
    if (errors.includes(name)) {
      this.#end(new FailedError(`the server says: ${data.slice(0, 1_000)}`).failure)
    } else if (gaps.includes(name)) {
      if (upstream !== this.#present) return
      this.#topics.positions?.beginAnew(event, (one) => this.#pass(one))
      this.#receiver.event(event)
    } else {
      const read = this.#topics.read(event, upstream.topics)
      if (read === undefined)
        this.#advise('an event does not say of which topic it is, so no page is given it')
      else if (!upstream.topics.has(read.name))
        this.#advise(`an event is of topic "${read.name}", by which no page has asked for it`)
      else this.#sort(read, upstream)
    }
  }

  #advise(what: string): void {
    const { origin } = new URL(this.#connection.url)
    this.#receiver.advise(`${what}; the engine’s topic must say where ${origin} names a topic as pages do`)
  }

  /**
   * Once, whichever of the two has brought it, and in the order of the other one: were something given that lies behind what the other one
   * has yet to bring, a connection that follows would be asked to resume behind that.
   */
  #sort(event: SourceEvent, upstream: Upstream): void {
    const other = this.#other
    if (other !== undefined && event.id === undefined) {
      // Nothing shows whether both have brought it.
      this.#end(MOVE.failure)
    } else if (takes(upstream.had, event)) {
      if (upstream !== other) return
      this.#topics.positions?.join(event)
      this.#turn([])
    } else if (upstream === other) {
      this.#ahead.add(event)
      if (this.#behind.has(event)) this.#turn(this.#behind.before(event))
    } else if (other?.isOpen !== true) {
      this.#give(event)
      if (other !== undefined) this.#note(event, other)
    } else if (this.#ahead.has(event)) {
      this.#turn(this.#behind.events)
    } else {
      this.#behind.add(event)
    }
    if (this.#ahead.events.length + this.#behind.events.length > MOST_HELD) this.#end(MOVE.failure)
  }

  #note(event: SourceEvent, { had }: Upstream): void {
    const key = keyOf(event)
    had.set(key, (had.get(key) ?? 0) + 1)
    if (had.size > MOST_HELD) this.#miss('it does not answer')
  }

  #give(event: SourceEvent): void {
    const { positions, vectors } = this.#topics
    if (vectors !== undefined) vectors.take(event, (one) => this.#pass(one))
    else if (positions === undefined) this.#pass(event)
    else if (this.#topics.canProve && positions.isTornBy(event)) this.#end(MOVE.failure)
    else positions.take(event, (one) => this.#pass(one))
  }

  #pass(event: SourceEvent): void {
    if (this.#isOver) return
    const isOlder = this.#topics.isOlder(event)
    if (this.#topics.passes(event)) this.#receiver.event(isOlder ? { ...event, isOlder } : event)
  }

  /** Nothing has come by both. Where nothing has ever come, there is nothing to resume after either. */
  #expire(): void {
    if (this.#present?.waits) {
      this.#timer = this.#platform.setTimeout(() => this.#expire(), PATIENCE)
    } else if (this.#topics.hasIds || this.#connection.resumeAfter !== '') {
      this.#end(MOVE.failure)
    } else {
      const { events } = this.#behind
      // The other one may bring that just now.
      for (const event of events) if (this.#other !== undefined) this.#note(event, this.#other)
      this.#turn(events)
    }
  }

  /** The other one could not be had: the present one goes on alone. No topic of it was ready. */
  #miss(why: string): void {
    this.#other?.life.abort()
    this.#other = undefined
    this.#receiver.advise(`the server could not be asked for other topics (${why}); tabstream goes on trying`)
    this.#topics.review(AGAIN)
  }

  /**
   * The other one has everything from here on.
   *
   * @param before what came by the present one alone, before all that
   */
  #turn(before: readonly SourceEvent[]): void {
    this.#platform.clearTimeout(this.#timer)
    const former = this.#present
    const { events } = this.#ahead
    this.#present = this.#other
    this.#other = undefined
    this.#ahead = new Held()
    this.#behind = new Held()
    former?.life.abort()
    for (const event of [...before, ...events]) this.#give(event)
    this.#topics.review()
  }

  /** Of what is held, what can be given first. */
  get #proof(): readonly SourceEvent[] {
    // The next connection resumes after the first of it. If that is the first event ever, something of another topic may lie before it.
    return this.#topics.hasIds ? this.#behind.events : []
  }

  #end(failure: Failure): void {
    // What is held is left to the next connection, but for what shows whether that resumes.
    for (const event of this.#proof) {
      if (this.#topics.canProve) break
      this.#give(event)
    }
    if (this.#isOver) return
    this.#isOver = true
    this.#platform.clearTimeout(this.#timer)
    if (this.#topics.course === this) {
      this.#topics.course = undefined
      this.#topics.positions?.end()
      this.#topics.vectors?.end()
    }
    for (const upstream of [this.#present, this.#other]) upstream?.life.abort()
    this.#present = undefined
    this.#other = undefined
    this.#resolve(failure)
  }
}

/** Says the same for the same event, in a few characters besides its ID. */
const droppedAs = ({ name, data, id = '' }: SourceEvent): string =>
  placeKey(placeOf({ name, data, id, nth: 0 }))

/** Forgets the oldest, so that so many are left. */
function trim(counts: Map<string, number>, most: number): void {
  const [oldest] = counts.keys()
  if (counts.size > most && oldest !== undefined) counts.delete(oldest)
}
