import type { DurableOptions } from '../../src/link/durable.ts'
import { digestOf, SEPARATOR } from '../../src/link/place.ts'
import type { HubPlatform } from '../platform.ts'
import { Asking } from './asking.ts'
import { Elements } from './elements.ts'
import { FailedError, type Failure, failureOf, tooLarge } from './failure.ts'
import { Frame, parsed, withParameters } from './frame.ts'
import { refusalOf } from './refusal.ts'
import type { ConnectionRequest, Receiver, Source, SourceEvent } from './source.ts'

// A module of its own, dist/durable-source.js, that hubs fetch.
// [spec] https://github.com/durable-streams/durable-streams/blob/main/PROTOCOL.md

/** Bytes that are read at a time. Even messages of one character are no more in it than a log takes. */
const SLICE = 8_192

/** An answer that brings nothing, and sooner than after so many ms, is asked for no more often than that. */
const SOONEST = 1_000

/** The offsets that are words of the protocol, and have no place in the order of the others. */
const [BEGINNING, NOW] = ['-1', 'now']

const CLOSED = new FailedError('the stream is closed', { isEnd: true, isFinal: true }).failure

/**
 * A Durable Stream: what it has is read first, then what is new.
 *
 * The server gives an offset for each batch only, and makes other batches each time. So an event's ID is `COUNT␟OFFSET,SKIP`: what
 * follows it lies `SKIP` messages, or characters of text, behind the offset. `COUNT` is its place in the stream's life, by which it is known again.
 */
export function source(platform: HubPlatform, options: DurableOptions, events: Source): Source {
  const askings = new Map<string, Asking>()
  const former: Former = { id: '', gone: undefined, given: [] }
  return async (connection, receiver) => {
    try {
      const { origin } = new URL(connection.url)
      const asking =
        askings.get(origin) ?? new Asking(platform, askings.size === 0 && connection.resumeAfter !== '')
      askings.set(origin, asking)
      return await new Reading(platform, options, asking, former, events, connection, receiver).run()
    } catch (error) {
      const failure = failureOf(error)
      if (failure.isUnreadable) receiver.advise(failure.message)
      return failure
    }
  }
}

/** What the server says beside a batch. */
interface Told {
  readonly next: string
  readonly cursor: string | undefined
  readonly isUpToDate: boolean
  readonly isClosed: boolean
}

/** What connections that resumed after one ID have found out. */
interface Former {
  id: string
  /** Where they have begun has turned out to be gone when the connection was open already; before that, so many places were tried. */
  gone: { readonly tried: number; readonly offset: string } | undefined
  /** Where the first events lay that they have given. The hub may not know them yet, and holds them. */
  given: number[]
}

/** How many of them are kept. */
const MOST_GIVEN = 1_024

/** One connection as the hub sees it: several requests, one after the other. */
class Reading {
  readonly #platform: HubPlatform
  readonly #options: DurableOptions
  readonly #asking: Asking
  readonly #former: Former
  readonly #events: Source
  readonly #connection: ConnectionRequest
  readonly #receiver: Receiver
  readonly #frame: Frame
  /** Where the present batch begins, how much of it has come, and how much of that is known and to be left out. */
  #offset = ''
  #begun = ''
  #within = 0
  #skip = 0
  #count = 0
  /** Where known events lie that may come again, in their order. */
  readonly #known: ReadonlySet<number>
  /** Places of what the hub knows, and the last place in the stream's life among them. */
  readonly #latest: readonly Place[]
  /** How many of them have been tried. */
  #tried = 0
  readonly #lastCount: number
  /** What has come last. Its ID depends on whether it is the last of its batch. */
  #held: string | undefined
  #isJson = false
  #isElsewhere = false
  #cursor: string | undefined
  #isClosed = false
  #hasOpened = false

  constructor(
    platform: HubPlatform,
    options: DurableOptions,
    asking: Asking,
    former: Former,
    events: Source,
    connection: ConnectionRequest,
    receiver: Receiver,
  ) {
    this.#platform = platform
    this.#options = options
    this.#asking = asking
    this.#former = former
    this.#events = events
    this.#connection = connection
    this.#receiver = receiver
    this.#frame = new Frame(options.frame)
    this.#begin(connection.resumeAfter === '' ? beginningAt(options.offset) : placeOf(connection.resumeAfter))
    const { resumeAfter, latest = [] } = connection
    if (former.id !== resumeAfter) Object.assign(former, { id: resumeAfter, gone: undefined, given: [] })
    this.#latest = latest.map(placeOf)
    this.#lastCount = Math.max(this.#count, ...this.#latest.map(({ count }) => count))
    const known = [...this.#latest.map(({ count }) => count), ...former.given]
    this.#known = new Set(known.sort((one, other) => one - other))
    if (former.gone === undefined) return
    this.#tried = former.gone.tried
    this.#begun = former.gone.offset
    this.#beginElsewhere()
  }

  async run(): Promise<Failure> {
    for (let isBehind = true; isBehind && !this.#isClosed; ) {
      const asked = this.#offset
      const { next, isUpToDate } = await this.#read({})
      isBehind = !isUpToDate && next !== asked
    }
    while (!this.#isClosed) {
      const begun = this.#platform.now()
      const asked = this.#offset
      const failure = await this.#wait()
      if (failure !== undefined) return failure
      const rest = begun + SOONEST - this.#platform.now()
      if (asked === this.#offset && !this.#isClosed && rest > 0) await this.#pause(rest)
    }
    return CLOSED
  }

  /** What is new, for as long as the server waits for it. Answers with why that has failed. */
  async #wait(): Promise<Failure | undefined> {
    const cursor = this.#cursor === undefined ? {} : { cursor: this.#cursor }
    // In an event stream text would lose its line ends and leading blanks.
    if (this.#options.live === 'sse' && this.#isJson) return this.#readEvents({ ...cursor, live: 'sse' })
    await this.#read({ ...cursor, live: 'long-poll' })
    return undefined
  }

  #pause(time: number): Promise<void> {
    return this.#during(
      (signal) =>
        new Promise((resolve, reject) => {
          const timer = this.#platform.setTimeout(resolve, time)
          signal.addEventListener('abort', () => {
            this.#platform.clearTimeout(timer)
            reject(signal.reason)
          })
        }),
    )
  }

  /**
   * Gives a part of the connection a signal of its own, and ends what is left of it. A connection can last for days, and must collect
   * neither listeners nor responses that nobody reads.
   */
  async #during<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const { signal } = this.#connection
    signal.throwIfAborted()
    const abort = new AbortController()
    const end = () => abort.abort(signal.reason)
    signal.addEventListener('abort', end)
    try {
      return await work(abort.signal)
    } finally {
      signal.removeEventListener('abort', end)
      abort.abort()
    }
  }

  /** @param parameters in the order of their names, so that caches know the request */
  #requestFor(
    parameters: Readonly<Record<string, string>>,
    accept: string,
    signal: AbortSignal,
  ): ConnectionRequest {
    const { url, headers } = this.#connection
    const named = Object.entries({ ...parameters, offset: this.#offset })
    return {
      ...this.#connection,
      url: withParameters(url, named),
      headers: [['accept', accept], ...headers],
      resumeAfter: '',
      signal,
    }
  }

  /** Reads one batch. */
  #read(parameters: Readonly<Record<string, string>>): Promise<Told> {
    return this.#during((signal) => this.#readBy(this.#requestFor(parameters, '*/*', signal), parameters))
  }

  async #readBy(request: ConnectionRequest, parameters: Readonly<Record<string, string>>): Promise<Told> {
    const { url, readsRefusal, resumeAfter } = this.#connection
    const { response } = await this.#asking.ask(request)
    const { status, headers, body } = response
    const type = (headers.get('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
    const isJson = type === 'application/json'
    const isEmpty = status === 204
    const next = headers.get('Stream-Next-Offset')
    const isGone = status === 410 || (status === 200 && next !== null && this.#isBefore(next))
    const mayBeginAnew = !this.#hasOpened && resumeAfter !== '' && this.#offset !== BEGINNING
    if (isGone && mayBeginAnew) {
      body?.cancel().catch(() => {})
      this.#beginElsewhere()
      return this.#read(parameters)
    }
    if (isGone && this.#hasOpened) throw BEGUN_ANEW
    // An offset of the page's own. It says itself from where to read instead.
    if (isGone && status === 200) throw new FailedError(BEGUN_ANEW.message, { isFinal: true })
    if (!isEmpty && (status !== 200 || !(isJson || type.startsWith('text/'))))
      throw await refusalOf(this.#platform, response, [], readsRefusal)
    if (next === null) throw new FailedError(withoutOffset(url))
    if (!isEmpty) this.#isJson = isJson
    this.#receiver.alive(0)
    if (!this.#hasOpened) this.#open(response, type)
    // Chromium can have a body where there is none.
    if (!isEmpty && body !== null) await this.#readBody(body, next)
    const told = {
      next,
      cursor: headers.get('Stream-Cursor') ?? undefined,
      isUpToDate: isTrue(headers.get('Stream-Up-To-Date')),
      isClosed: isTrue(headers.get('Stream-Closed')),
    }
    this.#pass(told)
    await this.#receiver.flushed()
    return told
  }

  #open({ url }: Response, type: string): void {
    const isResuming = this.#connection.resumeAfter !== ''
    // The beginning moves where a server drops old messages, so only what is known shows that it is the same.
    const isUncertain =
      this.#isElsewhere || (this.#lastCount > 0 && this.#offset === BEGINNING && this.#latest.length === 0)
    this.#hasOpened = true
    this.#receiver.opened({
      origin: new URL(url || this.#connection.url).origin,
      status: 200,
      headers: [['content-type', type]],
      // Otherwise it would have said that the offset is gone.
      confirmsResumption: isResuming && !isUncertain,
      deniesResumption: isUncertain,
    })
    // Where this connection brings nothing, the next one begins at the same place. Only "now" is another one by then.
    if (this.#connection.resumeAfter === '' && this.#offset !== NOW)
      this.#receiver.idAlone(idOf({ offset: this.#offset, skip: 0, count: this.#count }))
  }

  /**
   * The server has no history any more that goes on from the offset. What it has behind another known place may still be there; otherwise
   * all that it has is new, and its IDs are new ones.
   */
  #beginElsewhere(): void {
    this.#isElsewhere = true
    const others = this.#latest.slice(this.#tried)
    const next = others.findIndex(({ offset }) => offset !== this.#begun && offset !== BEGINNING)
    const place = others[next]
    this.#tried += next + 1
    this.#begin(place ?? { offset: BEGINNING, skip: 0, count: this.#lastCount })
  }

  #begin({ offset, skip, count }: Place): void {
    this.#offset = this.#begun = offset
    this.#skip = skip
    this.#count = count
  }

  /** Offsets grow, so this one is of another stream than the one that has been read. */
  #isBefore(offset: string): boolean {
    return this.#offset !== BEGINNING && this.#offset !== NOW && offset < this.#offset
  }

  /** @param next the offset behind it */
  async #readBody(body: ReadableStream<Uint8Array<ArrayBuffer>>, next: string): Promise<void> {
    const { signal } = this.#connection
    const elements = this.#isJson ? new Elements() : undefined
    const take = async (text: string) => {
      this.#take(text, elements)
      await this.#receiver.flushed()
      await this.#platform.turn()
      signal.throwIfAborted()
    }
    // A byte order mark is a character like others: the next batch may begin elsewhere.
    const decoder = new TextDecoder(undefined, { ignoreBOM: true })
    let size = 0
    const reader = body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      size += value.length
      this.#receiver.alive(value.length)
      for (let at = 0; at < value.length; at += SLICE)
        await take(decoder.decode(value.subarray(at, at + SLICE), { stream: true }))
    }
    await take(decoder.decode())
    // [spec] Where nothing lies behind the offset that was asked for, the body may be empty.
    const hasNothing = size === 0 && next === this.#offset
    if (elements?.isComplete === false && !hasNothing)
      throw new FailedError('the server has sent an array that does not end')
  }

  /** What is new, as Server-Sent Events. Answers with why they have ended, unless they may be asked for again at once. */
  async #readEvents(parameters: Readonly<Record<string, string>>): Promise<Failure | undefined> {
    const arrived: SourceEvent[] = []
    let error: unknown
    let hasPassed = false
    const handOver = async () => {
      for (const { name, data } of arrived.splice(0)) {
        if (name === 'data') await this.#takeAll(data)
        else if (name === 'control') {
          this.#pass(toldIn(data))
          hasPassed = true
        }
      }
      await this.#receiver.flushed()
    }
    const receiver: Receiver = {
      ...this.#receiver,
      opened: () => {},
      idAlone: () => {},
      // What has come without its offset comes again.
      takesUnfinished: () => false,
      event: (event) => arrived.push(event),
      flushed: () =>
        handOver().catch((reason) => {
          error = reason
          throw reason
        }),
    }
    const failure = await this.#during((signal) =>
      this.#events(this.#requestFor(parameters, 'text/event-stream', signal), receiver),
    )
    if (error !== undefined) throw error
    if (failure.status === 410) throw BEGUN_ANEW
    // What has come without its offset comes again, and the hub knows it.
    const mayGoOn = failure.isEnd && hasPassed && this.#within === 0
    return this.#isClosed || mayGoOn ? undefined : failure
  }

  /** A batch, or a part of it, that has come as one text. */
  async #takeAll(data: string): Promise<void> {
    const elements = new Elements()
    for (let at = 0; at < data.length; at += SLICE) {
      this.#take(data.slice(at, at + SLICE), elements)
      await this.#receiver.flushed()
      this.#connection.signal.throwIfAborted()
    }
    if (!elements.isComplete) throw new FailedError(NO_ARRAY)
  }

  #take(text: string, elements: Elements | undefined): void {
    const { maxEventSize } = this.#connection
    if (elements === undefined) {
      for (let at = 0; at < text.length; at += maxEventSize) this.#addText(text.slice(at, at + maxEventSize))
      return
    }
    const messages = elements.take(text)
    if (messages === undefined) throw new FailedError(NO_ARRAY)
    for (const message of messages) {
      if (message.length > maxEventSize) throw tooLarge(maxEventSize)
      this.#add(message.replace(LINE_BREAKS, ''), 1)
    }
    if (elements.size > maxEventSize) throw tooLarge(maxEventSize)
  }

  /** Divides it where events have been divided that are known. */
  #addText(text: string): void {
    const left = text.slice(this.#skip)
    this.#leaveOut(text.length - left.length)
    let from = 0
    for (const count of [...this.#known, Number.POSITIVE_INFINITY]) {
      const end = Math.min(from + count - this.#count, left.length)
      if (end <= from) continue
      this.#add(left.slice(from, end), end - from)
      from = end
    }
  }

  #leaveOut(size: number): void {
    this.#skip -= size
    this.#within += size
  }

  /** @param size in messages, or in characters of text */
  #add(text: string, size: number): void {
    if (this.#skip > 0) {
      this.#leaveOut(size)
      return
    }
    this.#give(idOf({ offset: this.#offset, skip: this.#within, count: this.#count }))
    this.#held = text
    this.#within += size
    this.#count += size
  }

  /** Gives what is held. */
  #give(id: string): void {
    const text = this.#held
    if (text === undefined) return
    this.#held = undefined
    const { given } = this.#former
    if (!this.#known.has(this.#count) && given.length < MOST_GIVEN) given.push(this.#count)
    this.#receiver.event({ ...this.#eventOf(text), id })
  }

  #eventOf(text: string): Pick<SourceEvent, 'name' | 'data'> {
    if (!this.#isJson) return { name: 'message', data: text }
    const [event] = this.#frame.eventsOf(text, true) ?? []
    if (event === undefined) throw new FailedError('the server has sent a message that is not JSON')
    return event
  }

  /** A batch is complete. */
  #pass({ next, cursor, isUpToDate, isClosed }: Told): void {
    if (this.#isBefore(next)) throw BEGUN_ANEW
    if (isUpToDate && this.#skip > 0) {
      // It is shorter than it was. Pages can be told only where a connection begins.
      this.#former.gone = { tried: this.#tried, offset: this.#begun }
      throw BEGUN_ANEW
    }
    if (this.#offset === NOW) this.#count = beginningAt(next).count
    const id = idOf({ offset: next, skip: 0, count: this.#count })
    // Where nothing has come, the offset alone says where to go on.
    if (this.#within === 0 && this.#offset !== next) this.#receiver.idAlone(id)
    this.#give(id)
    this.#offset = next
    this.#within = 0
    this.#cursor = cursor ?? this.#cursor
    this.#isClosed = isClosed
  }
}

/** Between the tokens of JSON: an event stream does not keep them, nor what is indented behind them. */
const LINE_BREAKS = /[\r\n]\s*/g

const NO_ARRAY = 'the server has sent something that is no array in JSON, which a stream of JSON consists of'

const BEGUN_ANEW = new FailedError(
  'the server has another history now, which does not go on from the last offset',
)

const withoutOffset = (url: string): string =>
  `${new URL(url).origin} does not say "Stream-Next-Offset": either this is no Durable Stream, or it does not permit another origin to read ` +
  'it by "Access-Control-Expose-Headers"'

const isTrue = (value: string | null): boolean => value?.toLowerCase() === 'true'

/** What an ID says. */
interface Place {
  readonly offset: string
  readonly skip: number
  readonly count: number
}

/** Where a stream's life begins. Counted from elsewhere, its messages have other numbers, so that none seems to be another one. */
const beginningAt = (offset: string): Place => ({
  offset,
  skip: 0,
  count: offset === BEGINNING || offset === NOW ? 0 : digestOf(offset, '') * LIVES,
})

/** So many numbers lie between two beginnings, of 2^32. */
const LIVES = 2 ** 20

const idOf = ({ offset, skip, count }: Place): string => `${count}${SEPARATOR}${offset},${skip}`

const SAID = /^(\d+)␟(.*),(\d+)$/s

/** Where a connection begins that resumes after this ID, which may be an offset alone. */
function placeOf(id: string): Place {
  const [, count, offset = id, skip] = SAID.exec(id) ?? []
  return { offset, skip: Number(skip) || 0, count: Number(count) || 0 }
}

/** What an event `control` says. */
function toldIn(data: string): Told {
  const { streamNextOffset, streamCursor, upToDate, streamClosed } = Object(parsed(data))
  if (typeof streamNextOffset !== 'string')
    throw new FailedError('the server has sent an event "control" without a streamNextOffset')
  return {
    next: streamNextOffset,
    cursor: typeof streamCursor === 'string' ? streamCursor : undefined,
    isUpToDate: upToDate === true,
    isClosed: streamClosed === true,
  }
}
