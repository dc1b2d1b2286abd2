import type { ConnectionDetails, HeadersReason, StreamRequest } from '../../src/link/protocol.ts'
import { FailedError } from '../source/failure.ts'
import type { Pace } from './pace.ts'
import type { Questions, Subscriber } from './subscriber.ts'

/** What those who ask need of their stream. */
export interface AskingStream {
  readonly id: string
  readonly request: StreamRequest
  readonly subscribers: ReadonlySet<Subscriber>
  readonly pace: Pace
  /** How often it has got other headers. */
  readonly seals: number
  /**
   * Whether the stream is one of these headers.
   *
   * @param mayChange it is to become one, unless there is another of them
   */
  isOf(details: ConnectionDetails, mayChange: boolean): boolean
}

/** What has been asked for a stream's connections so far. */
export class Asked {
  /** Pages that have been asked since the server refused headers or URL. */
  readonly refused = new Set<object>()
  /** The page whose headers or URL were used last. */
  last: object | undefined
  /** The same, but for those that took the place of refused ones. */
  first: object | undefined
  rounds = 0
}

/** Whether pages must be asked before each connection. */
export const asksDetails = ({ asksHeaders, asksUrl }: StreamRequest): boolean =>
  asksHeaders || asksUrl === true

/**
 * Headers and URL for a connection, from the pages.
 *
 * A key says that the pages belong together, so one is enough: the one whose details were used last, or the oldest subscriber's;
 * then the next one where that goes, fails or does not answer. After a refusal each page is asked once, and last the one whose
 * details were refused.
 *
 * Without a key, pages have nothing in common but the headers. So all are asked, and the first answer is taken, unless there is
 * another stream of those headers. Who gives others, or cannot say, parts. Until a page has answered, it is sent nothing. It may be
 * asked several times before it does: it parts where the stream has meanwhile had headers that are not those of its answer.
 *
 * @throws {FailedError} where no page can give them
 */
export async function askDetails(
  stream: AskingStream,
  asked: Asked,
  reason: HeadersReason,
  signal: AbortSignal,
): Promise<ConnectionDetails> {
  const { subscribers } = stream
  const isUnauthorized = reason === 'unauthorized'
  const hasKey = stream.request.key !== ''
  const round = `${stream.id} ${++asked.rounds}`
  const known = new Set<Questions>()
  /** Those who have given nothing, or what is another stream's. */
  const unfit = new Set<Questions>()
  let failure: unknown = new FailedError('no page could give headers or URL')
  let taken: ConnectionDetails | undefined
  let progress = () => {}
  signal.addEventListener('abort', () => progress())

  const ask = (questions: Questions) => {
    known.add(questions)
    if (isUnauthorized) asked.refused.add(questions.page)
    if (!hasKey) {
      if (questions.awaited === undefined) questions.seals = stream.seals
      questions.awaited = round
    }
    questions
      .details(reason, round)
      .catch((error) => {
        failure = error
      })
      .then((details) => {
        if (hasKey || questions.awaited === round) settle(questions, details || undefined)
        // It has gone, or is asked for another connection by now.
        else known.delete(questions)
        progress()
      })
  }
  const settle = (questions: Questions, details: ConnectionDetails | undefined) => {
    questions.awaited = undefined
    if (details !== undefined && (hasKey || isFit(questions, details))) {
      if (taken === undefined) take(questions, details)
    } else {
      unfit.add(questions)
      if (!hasKey && (taken ?? details) !== undefined) questions.holder?.part()
    }
    questions.holder?.pump()
  }
  /** What has come since it was first asked came to headers that it has given. */
  const isFit = ({ seals }: Questions, details: ConnectionDetails): boolean => {
    const missed = stream.seals - seals
    return missed < 2 && stream.isOf(details, taken === undefined && missed === 0)
  }
  const take = ({ page }: Questions, details: ConnectionDetails) => {
    taken = details
    asked.last = page
    if (!isUnauthorized) asked.first = page
    if (hasKey) return
    // Who has come meanwhile came to other headers.
    left().forEach(ask)
    for (const { holder } of unfit) holder?.part()
  }
  const left = () => [...subscribers].map(({ questions }) => questions).filter((one) => !known.has(one))

  for (;;) {
    if (!hasKey) left().forEach(ask)
    else if (unfit.size === known.size) {
      const others = left().filter(({ page }) => !isUnauthorized || !asked.refused.has(page))
      const next =
        others.find(({ page }) => (isUnauthorized ? page !== asked.first : page === asked.last)) ?? others[0]
      if (next !== undefined) ask(next)
    }
    // The last one may have gone; another may come before the stream closes.
    if (subscribers.size > 0 && unfit.size === known.size) throw failure
    await new Promise<void>((resolve) => {
      progress = resolve
      stream.pace.wait().then(resolve)
    })
    signal.throwIfAborted()
    if (taken !== undefined) return taken
  }
}
