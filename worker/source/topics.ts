import { keysOf, valueAt } from '../../src/link/identify.ts'
import { EVERY_NAME } from '../../src/link/protocol.ts'
import { type Engine, PLACEHOLDER, type TopicQuestion } from '../../src/link/topics.ts'
import type { HubPlatform } from '../platform.ts'
import { FailedError, type Failure, failureOf } from './failure.ts'
import { idOf, parsed, withParameters } from './frame.ts'
import type { ConnectionRequest, Receiver, Source, SourceEvent } from './source.ts'

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
  return Object.assign(
    (connection: ConnectionRequest, receiver: Receiver) =>
      new Promise<Failure>((resolve) => {
        new Course(platform, topics, events, connection, receiver, resolve).begin()
      }),
    {
      listen: (names: readonly string[]) => topics.listen(names),
      lacks: (names: readonly string[]) => topics.lacks(names),
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
class Topics {
  readonly engine: Engine
  /** The present connection; between two, nothing is asked for. */
  course: Course | undefined
  wanted: readonly string[] = []
  /** Those of the last connection. */
  #asked: readonly string[] = []
  readonly #platform: HubPlatform
  readonly #paths: Readonly<Record<'topic' | 'id' | 'data', readonly string[] | undefined>>
  /** Those that have been asked for all the time, and that somebody has wanted all the time. */
  #always: Set<string> | undefined
  readonly #unwanted = new Map<string, Unwanted>()
  /** Events so far that history can be proven by. */
  #count = 0
  /** The latest of them. A connection that resumes brings some again. */
  readonly #ids: string[] = []
  #timer: unknown
  readonly #asking = new Set<Asking>()

  constructor(platform: HubPlatform, engine: Engine) {
    this.#platform = platform
    this.engine = engine
    const { topic, id, data } = engine
    const keys = (pointer: string | undefined) =>
      pointer === undefined || pointer === BY_NAME ? undefined : keysOf(pointer)
    this.#paths = { topic: keys(topic), id: keys(id), data: keys(data) }
  }

  listen(names: readonly string[]): void {
    this.wanted = this.#topicsOf(names)
    for (const topic of this.wanted) this.#unwanted.delete(topic)
    for (const topic of this.#asked) {
      if (!this.wanted.includes(topic) && !this.#unwanted.has(topic))
        this.#unwanted.set(topic, { since: this.#platform.now(), count: this.#count })
    }
    for (const topic of this.#unwanted.keys()) this.#always?.delete(topic)
    this.review()
  }

  /** What has come so far is not all that there was of one of these. */
  lacks(names: readonly string[]): boolean {
    return this.#always !== undefined && this.#topicsOf(names).some((topic) => !this.#always?.has(topic))
  }

  /** When the topic is asked for. Nothing where there is no stream any more. */
  answer(question: unknown): Promise<true | undefined> {
    const { topic } = Object(question) as TopicQuestion
    return new Promise((answer) => {
      this.#asking.add({ topic, answer })
      this.opened()
    })
  }

  drop(isOver: boolean): void {
    if (!isOver) return
    for (const { answer } of this.#asking) answer(undefined)
    this.#asking.clear()
    this.#platform.clearTimeout(this.#timer)
  }

  /** Another connection may be needed, in so many ms. */
  review(delay = GATHER): void {
    this.#platform.clearTimeout(this.#timer)
    if (!this.#isComplete)
      this.#timer = this.#platform.setTimeout(() => this.#isComplete || this.course?.change(), delay)
  }

  /** All that is wanted is asked for. */
  get #isComplete(): boolean {
    const asked = this.course?.topics ?? []
    return this.wanted.every((topic) => asked.includes(topic))
  }

  /** A connection has opened. */
  opened(): void {
    for (const asking of this.#asking) {
      if (!this.course?.isOpenFor(asking.topic)) continue
      this.#asking.delete(asking)
      asking.answer(true)
    }
  }

  /**
   * What the next connection asks for.
   *
   * @param isGapless nothing is missed on the way to it
   */
  next(isGapless: boolean): string[] {
    for (const [topic, unwanted] of this.#unwanted)
      if (this.#isDispensable(unwanted)) this.#unwanted.delete(topic)
    const topics = [...new Set([...this.wanted, ...this.#unwanted.keys()])].sort()
    this.#asked = topics
    if (!isGapless)
      this.#always = new Set(topics.filter((topic) => this.wanted.includes(topic) && this.#has(topic)))
    return topics
  }

  #has = (topic: string): boolean => this.#always?.has(topic) ?? true

  /** What an event means: its topic is its name. */
  read(
    { name, data, id }: SourceEvent,
    topics: readonly string[],
  ): SourceEvent & { readonly isUnnamed: boolean } {
    const paths = this.#paths
    const value = paths.topic || paths.id || paths.data ? parsed(data) : undefined
    const topic = paths.topic && valueAt(value, paths.topic)
    const payload = paths.data && valueAt(value, paths.data)
    const named = typeof topic === 'string' ? topic : this.engine.topic === BY_NAME ? name : undefined
    return {
      // With a single one there is nothing to tell apart.
      name: topics.length === 1 ? String(topics[0]) : (named ?? ''),
      isUnnamed: topics.length > 1 && named === undefined,
      id: paths.id ? idOf(valueAt(value, paths.id)) : id,
      data: typeof payload === 'string' ? payload : payload === undefined ? data : JSON.stringify(payload),
    }
  }

  /** Whether an event goes on to the pages. */
  passes({ name, id }: SourceEvent): boolean {
    const unwanted = this.#unwanted.get(name)
    if (unwanted !== undefined && !this.#ids.includes(id ?? '')) {
      // Were it logged, it would have to come again to prove that the server resumes.
      const isOverdue = this.#platform.now() - unwanted.since >= LINGER
      if (isOverdue && this.#isDispensable(unwanted)) this.course?.change()
      return false
    }
    if (id === undefined) return true
    this.#count++
    this.#ids.push(id)
    if (this.#ids.length > 2 * PROVING) this.#ids.shift()
    return true
  }

  /** Something has come after which can be resumed. */
  get hasIds(): boolean {
    return this.#count > 0
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
  readonly topics: readonly string[]
  readonly life: AbortController
  isOpen: boolean
}

/**
 * One connection as the hub sees it. When other topics are wanted, another response takes the place of the present one. Both are open
 * until one event has come by both: from there on the other has everything.
 */
class Course {
  readonly #platform: HubPlatform
  readonly #topics: Topics
  readonly #events: Source
  readonly #connection: ConnectionRequest
  readonly #receiver: Receiver
  readonly #resolve: (failure: Failure) => void
  #present: Upstream | undefined
  #other: Upstream | undefined
  /** IDs of events that have come by the present one while the other one was asked for. */
  readonly #had = new Set<string>()
  /** What has come by the other one alone, and since that is open, by the present one alone. */
  #ahead: SourceEvent[] = []
  #behind: SourceEvent[] = []
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

  /** What is asked for, or is about to be; nothing before there is any topic. */
  get topics(): readonly string[] | undefined {
    return (this.#other ?? this.#present)?.topics
  }

  isOpenFor(topic: string): boolean {
    return [this.#present, this.#other].some((one) => one?.isOpen && one.topics.includes(topic))
  }

  begin(): void {
    const { signal } = this.#connection
    this.#topics.course = this
    signal.addEventListener('abort', () => this.#end(failureOf(signal.reason)))
    if (signal.aborted) this.#end(failureOf(signal.reason))
    this.change()
  }

  /** Other topics are wanted. */
  change(): void {
    if (this.#isOver || this.#other !== undefined || this.#topics.wanted.length === 0) return
    if (this.#present === undefined) this.#begin()
    // Where an ID changes with the topics, nothing would be seen to come by both.
    else if (this.#present.isOpen) this.#other = this.#open(this.#topics.next(true), '')
    else this.#end(MOVE.failure)
  }

  #begin(): void {
    const { resumeAfter } = this.#connection
    const topics = this.#topics.next(false)
    this.#present = this.#open(topics, resumeAfter)
  }

  #open(topics: readonly string[], resumeAfter: string): Upstream {
    const { resume } = this.#topics.engine
    const upstream: Upstream = { topics, life: new AbortController(), isOpen: false }
    const url = urlOf(this.#connection.url, topics, this.#topics.engine)
    const receiver = this.#receiver
    const request = {
      ...this.#connection,
      url: resume !== undefined && resumeAfter !== '' ? withParameters(url, [[resume, resumeAfter]]) : url,
      resumeAfter: resume === undefined ? resumeAfter : '',
      signal: upstream.life.signal,
    }
    const ended = this.#events(request, {
      ...receiver,
      opened: (head) => {
        upstream.isOpen = true
        if (upstream === this.#other) this.#timer = this.#platform.setTimeout(() => this.#expire(), PATIENCE)
        else receiver.opened(head)
        this.#topics.opened()
      },
      event: (event) => this.#take(event, upstream),
      idAlone: (id) => upstream === this.#present && receiver.idAlone(id),
    })
    ended.then((failure) => {
      if (upstream === this.#other && !upstream.isOpen) this.#miss(failure)
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
      if (upstream === this.#present) this.#receiver.event(event)
    } else {
      const { isUnnamed, ...read } = this.#topics.read(event, upstream.topics)
      if (isUnnamed) this.#advise('an event does not say of which topic it is, so no page is given it')
      else if (!upstream.topics.includes(read.name))
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
    const { id } = event
    if (this.#other === undefined) {
      if (id === undefined || !this.#had.delete(id)) this.#give(event)
      return
    }
    if (id === undefined) {
      // Nothing shows whether both have brought it.
      this.#end(MOVE.failure)
    } else if (upstream === this.#other) {
      const index = this.#behind.findIndex((one) => one.id === id)
      if (this.#had.delete(id)) this.#turn()
      else this.#ahead.push(event)
      if (index >= 0) this.#turn(this.#behind.slice(0, index))
    } else if (!this.#other.isOpen) {
      this.#give(event)
      this.#had.add(id)
    } else if (this.#ahead.some((one) => one.id === id)) {
      this.#turn(this.#behind)
    } else {
      this.#behind.push(event)
    }
    if (this.#ahead.length + this.#behind.length > MOST_HELD) this.#end(MOVE.failure)
  }

  #give(event: SourceEvent): void {
    if (!this.#isOver && this.#topics.passes(event)) this.#receiver.event(event)
  }

  /** Nothing has come by both. Where nothing has ever come, there is nothing to resume after either. */
  #expire(): void {
    if (this.#topics.hasIds || this.#connection.resumeAfter !== '') this.#end(MOVE.failure)
    else this.#turn(this.#behind)
  }

  /** The other one could not be had: the present one goes on alone. No topic of it was ready. */
  #miss({ message }: Failure): void {
    this.#other = undefined
    this.#had.clear()
    this.#receiver.advise(
      `the server could not be asked for other topics (${message}); tabstream goes on trying`,
    )
    this.#topics.review(AGAIN)
  }

  /**
   * The other one has everything from here on.
   *
   * @param before what came by the present one alone, before all that
   */
  #turn(before: readonly SourceEvent[] = []): void {
    this.#platform.clearTimeout(this.#timer)
    const former = this.#present
    const ahead = this.#ahead
    this.#present = this.#other
    this.#other = undefined
    this.#ahead = []
    this.#behind = []
    former?.life.abort()
    for (const event of [...before, ...ahead]) this.#give(event)
    this.#topics.review()
  }

  #end(failure: Failure): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#platform.clearTimeout(this.#timer)
    if (this.#topics.course === this) this.#topics.course = undefined
    for (const upstream of [this.#present, this.#other]) upstream?.life.abort()
    this.#present = undefined
    this.#other = undefined
    this.#resolve(failure)
  }
}

/** A path has it in other characters. */
const ANY_PLACEHOLDER = new RegExp(`${PLACEHOLDER}|${encodeURI(PLACEHOLDER)}`, 'i')

function urlOf(url: string, topics: readonly string[], { parameter = 'topic', separator }: Engine): string {
  const filled = url.replace(ANY_PLACEHOLDER, () => topics.map(encodeURIComponent).join(separator ?? ','))
  if (filled !== url) return filled
  const values = separator === undefined ? topics : [topics.join(separator)]
  return withParameters(
    url,
    values.map((value) => [parameter, value] as const),
  )
}
