import { FailedError, type Failure } from '../../worker/source/failure.ts'
import type { Head, Receiver, Source } from '../../worker/source/source.ts'
import { sse } from '../../worker/source/sse.ts'
import { isSafe, requestFor } from '../../worker/stream/request.ts'
import { EVENT_SOURCE_POLICY, type StreamRequest } from '../link/protocol.ts'
import { type Arrival, Arrivals, keyOf } from './arrivals.ts'
import { fetchRecorded, type HttpOptions } from './http.ts'
import { Judge } from './judge.ts'
import { nodePlatform } from './platform.ts'
import { type Purpose, Recording, type Watch } from './recording.ts'
import type { Case, Earlier, Resumed } from './resumption-verdict.ts'
import { inNumber, inSeconds } from './words.ts'

/** How often, in ms, a connection is looked at whether it has shown enough. */
const STEP = 20

/** Nothing came for so long, in ms: the server has said what it had to say. A busy server is cut after so long. */
const QUIET = 250
const MOST_QUIET = 500

/** Between two connections, in ms. A server may ask for more, up to the second. */
const PAUSE = 100
const MOST_PAUSE = 1_000

/** So many connections collect events where the server ends them, before it is asked to resume. */
const MOST_BEGINNINGS = 4

/** What is to be tested, and for how long. */
export interface TestOptions extends HttpOptions {
  /** Absolute, http or https. */
  readonly url: string
  readonly method: string
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string | undefined
  /** The first connection is cut after so many events; 0 to read it to the end of its time. */
  readonly cutAfter: number
  /** How long, in ms, each connection is read at most. */
  readonly duration: number
  /** So much longer than for a resumption, in ms, what follows on other IDs is waited for. */
  readonly patience: number
  /** Called with each event of the first connection: it goes on as long as this is false. */
  readonly hasEnough: (recording: Recording) => boolean
  readonly watch: Watch
}

/** What a server has done. */
export interface Findings {
  readonly recordings: readonly Recording[]
  /** Why there is no stream; `undefined` where there is one. */
  readonly failure: Failure | undefined
  readonly resumption: Case
}

/** One connection, from which nothing more is expected. */
interface Outcome {
  readonly recording: Recording
  readonly arrivals: Arrivals
  readonly failure: Failure
  readonly isDenied: boolean
}

/** Why a connection was cut by the tester itself. */
class CutError extends Error {
  override name = 'CutError'
}

/**
 * Tests a server: reads its stream, cuts the connection, and asks it to resume, as the hub does, as `EventSource` does, and after an
 * ID that it cannot know. The hub's own code reads the bytes and judges what comes. It never rejects: what fails is a finding.
 */
export class Tester {
  readonly #options: TestOptions
  readonly #judge: Judge
  readonly #source: Source
  readonly #recordings: Recording[] = []
  /** Events of the connections so far that collect some, without repetitions. */
  readonly #known: Arrival[] = []
  #isTwice = false
  /** Cuts the present connection. */
  #cut: (why: string) => void = () => {}

  constructor(options: TestOptions) {
    this.#options = options
    const platform = nodePlatform(new URL(options.url).origin, (url, init) => {
      return fetchRecorded(url, init, options, this.#recordings.at(-1) as Recording)
    })
    this.#judge = new Judge(platform)
    this.#source = sse(platform)
  }

  async run(): Promise<Findings> {
    const failure = await this.#collect()
    const problem = failure?.message ?? ''
    const seconds = this.#seconds
    const isRepeatable = isSafe(this.#options.method)
    const known = this.#known
    const hasIds = known.some(({ id }) => id !== undefined && id !== '')
    const isAsked = problem === '' && known.length > 0 && (isRepeatable || hasIds)
    const earlier = isAsked ? await this.#askEarlier() : undefined
    const patience = (this.#recordings.at(-1)?.firstByteAt ?? 0) * 2 + this.#options.patience
    const lastId = known.findLast((event) => event.id !== undefined && !this.#judge.isFrame(event))?.id ?? ''
    const asksOthers = earlier?.problem === '' && isRepeatable && lastId !== ''
    const last = asksOthers ? await this.#askPlainly('last ID', lastId, patience) : undefined
    const unknownId = `tabstream-test-${crypto.randomUUID()}`
    const unknown = asksOthers ? await this.#askPlainly('unknown ID', unknownId, patience) : undefined
    return {
      recordings: this.#recordings,
      failure,
      resumption: {
        problem,
        known,
        seconds,
        isSafe: isRepeatable,
        earlier,
        last,
        unknown,
        isFrame: (event) => this.#judge.isFrame(event),
        isMixed: this.#judge.isMixed,
        isTwice: this.#isTwice,
      },
    }
  }

  /** Cuts the present connection, if there is one: the next is made as if it had shown enough. */
  cut(): void {
    this.#cut('cut by hand')
  }

  get #seconds(): number {
    return this.#recordings.reduce((sum, { endedAt }) => sum + endedAt / 1_000, 0)
  }

  /** Reads events until there is an earlier ID to ask for, over several connections where the server ends them. */
  async #collect(): Promise<Failure | undefined> {
    const { cutAfter, hasEnough } = this.#options
    for (let count = 0; count < MOST_BEGINNINGS; count++) {
      const resumeAfter = this.#judge.resume()
      const isFirst = count === 0
      const { failure, recording, arrivals } = await this.#connect(
        isFirst ? 'begin' : 'continue',
        resumeAfter,
        true,
        (one, { list }) =>
          cutAfter > 0 &&
          list.length >= cutAfter &&
          (this.#judge.canProve || !isHopeful(list)) &&
          hasEnough(one),
      )
      this.#judge.lost(failure.isEnd)
      this.#note(arrivals.list)
      const hasStream = recording.head !== undefined && !isRefusal(failure, recording)
      if (!hasStream) return isFirst ? failure : undefined
      const isBroken = recording.isEndedByServer && !failure.isEnd
      if (failure.isFinal || (isBroken && this.#known.length === 0)) return failure
      const mayRepeat = isSafe(this.#options.method)
      const isEnough = this.#judge.canProve || (this.#known.length >= cutAfter && !isHopeful(this.#known))
      if (!recording.isEndedByServer || isEnough || !mayRepeat) return undefined
    }
    return undefined
  }

  /** Asks as the hub does: one event earlier than necessary. Once more where it is only now that there is an earlier ID. */
  async #askEarlier(): Promise<Earlier> {
    const couldProve = this.#judge.canProve
    const asked = this.#judge.resume()
    const outcome = await this.#connect('one event earlier', asked, true, (recording, arrivals) => {
      if (asked === '') return recording.head !== undefined
      return arrivals.list.length > 0 && !this.#judge.isUndecided
    })
    this.#judge.decide()
    const { gap } = this.#judge
    const earlier = { ...resumedOf(outcome, asked), isDenied: outcome.isDenied, canProve: couldProve, gap }
    this.#judge.lost(outcome.failure.isEnd)
    if (couldProve || !this.#judge.canProve || gap !== undefined || earlier.problem !== '') return earlier
    this.#note(outcome.arrivals.list)
    return this.#askEarlier()
  }

  /** Asks without the judge. */
  async #askPlainly(purpose: Purpose, id: string, patience: number): Promise<Resumed> {
    const outcome = await this.#connect(purpose, id, false, (_, { list }) => list.length > 0, patience)
    return resumedOf(outcome, id)
  }

  /** @param isEnough nothing more is needed, once the server is silent for a moment; the first connections are cut at once */
  async #connect(
    purpose: Purpose,
    resumeAfter: string,
    isJudged: boolean,
    isEnough: (recording: Recording, arrivals: Arrivals) => boolean,
    limit = this.#options.duration,
  ): Promise<Outcome> {
    const { duration, watch } = this.#options
    const delay = await this.#pause()
    const recording = new Recording(purpose, resumeAfter, delay, watch)
    this.#recordings.push(recording)
    watch.begun(recording)
    const arrivals = new Arrivals(resumeAfter)
    const abort = new AbortController()
    const cut = (why: string) => {
      abort.abort(new CutError(`${why} after ${inNumber(recording.eventCount, 'event')}`))
    }
    this.#cut = cut
    const isCutAtOnce = purpose === 'begin' || purpose === 'continue'
    let enoughSince: number | undefined
    const review = () => {
      if (abort.signal.aborted || !isEnough(recording, arrivals)) return
      enoughSince ??= recording.now
      const silence = recording.now - (recording.lastByteAt ?? recording.now)
      const isQuiet =
        silence >= QUIET || recording.now - enoughSince >= MOST_QUIET || arrivals.list.length === 0
      if (isCutAtOnce || isQuiet) cut('cut')
    }
    const timer = setTimeout(() => abort.abort(new CutError('its time was up')), Math.min(limit, duration))
    const reviews = setInterval(review, STEP)
    let head: Head | undefined
    const result = await this.#source(this.#requestFor(resumeAfter, abort.signal), {
      opened: (given) => {
        head = given
        if (isJudged) this.#judge.opened(given)
      },
      event: (event) => {
        arrivals.event(event)
        if (isJudged) this.#judge.event(event)
        review()
      },
      idAlone: (id) => {
        arrivals.idAlone(id)
        if (isJudged) this.#judge.idAlone(id)
      },
      ...INDIFFERENT,
    })
    this.#cut = () => {}
    clearTimeout(timer)
    clearInterval(reviews)
    const hasAnswered = recording.head !== undefined || !abort.signal.aborted
    const failure = hasAnswered ? result : noResponseIn(recording.now)
    const words = failure.isEnd ? 'ended by the server' : failure.message
    recording.ended(words, !abort.signal.aborted)
    watch.ended(recording)
    return { recording, arrivals, failure, isDenied: head?.deniesResumption === true }
  }

  #requestFor(resumeAfter: string, signal: AbortSignal) {
    const { url, method, headers, body, cookie } = this.#options
    const request: StreamRequest = {
      url,
      method,
      body,
      headers,
      credentials: cookie === '' ? 'same-origin' : 'include',
      key: '',
      asksHeaders: false,
      // The ID to begin with is no header of the page's own.
      ...(body === undefined &&
        headers.every(([name]) => name === 'last-event-id') && { redirect: 'follow' }),
    }
    const asked = requestFor(request, request, resumeAfter)
    const { maxEventSize } = EVENT_SOURCE_POLICY
    return { ...asked, resumeAfter, maxEventSize, readsRefusal: true, signal }
  }

  /** Answers with how long it was, in ms. */
  async #pause(): Promise<number> {
    const former = this.#recordings.at(-1)
    if (former === undefined) return 0
    const pause = Math.min(Math.max(former.retry ?? 0, PAUSE), MOST_PAUSE)
    await new Promise((resolve) => setTimeout(resolve, pause))
    return pause
  }

  #note(arrivals: readonly Arrival[]): void {
    const before = new Set(this.#known.map(keyOf))
    const here = new Set<string>()
    for (const event of arrivals) {
      const key = keyOf(event)
      // Without an ID, equal events are as many as there are.
      if (here.has(key) && event.id !== undefined) this.#isTwice = true
      else if (!before.has(key)) this.#known.push(event)
      here.add(key)
    }
  }
}

const INDIFFERENT: Omit<Receiver, 'opened' | 'event' | 'idAlone'> = {
  retry: () => {},
  takesUnfinished: () => false,
  advise: () => {},
  alive: () => {},
  flushed: () => undefined,
}

const noResponseIn = (time: number): Failure =>
  new FailedError(`no response came within ${inSeconds(time / 1_000)}, not even its head`).failure

/** Some event has had an ID, so another one may come. */
const isHopeful = (arrivals: readonly Arrival[]): boolean => arrivals.some(({ id }) => id !== undefined)

const isRefusal = ({ status, contentType }: Failure, { head }: Recording): boolean =>
  head?.status !== 200 || status !== 0 || contentType !== ''

function resumedOf({ recording, arrivals, failure }: Outcome, asked: string): Resumed {
  const isStream = recording.head !== undefined && !isRefusal(failure, recording)
  const hasTried = recording.head !== undefined || recording.isEndedByServer
  return {
    asked,
    brought: arrivals.list,
    problem: isStream || !hasTried ? '' : failure.message,
    seconds: recording.endedAt / 1_000,
  }
}
