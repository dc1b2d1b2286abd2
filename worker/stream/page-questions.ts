import type { Remote } from 'comlink'
import type { ConnectionDetails, HeadersReason, TabSide } from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import { errorOf, FailedError, type Failure } from '../source/failure.ts'
import { reconnectionTime, wantsRetry } from './retry.ts'
import type { Questions, Subscriber } from './subscriber.ts'

/** How long, in ms, a page's function may take before another page is asked, or the usual is done. */
const ASK_TIMEOUT = 10_000

/** How long, in ms, those who want another attempt wait for those who have yet to say. */
const RETRY_PATIENCE = 250

/** What can be asked of a page. */
export type AskedTab = Pick<Remote<TabSide>, 'details' | 'part' | 'retryDelay'>

/** Questions to one subscription's page. They are given up when the subscription goes. */
export class PageQuestions implements Questions {
  readonly #platform: HubPlatform
  readonly #tab: AskedTab
  readonly #subscription: number
  readonly #pending = new Set<() => void>()
  awaited: string | undefined
  seals = 0
  holder: Subscriber | undefined

  /** @param subscription its ID in the tab */
  constructor(platform: HubPlatform, tab: AskedTab, subscription: number) {
    this.#platform = platform
    this.#tab = tab
    this.#subscription = subscription
  }

  get page(): object {
    return this.#tab
  }

  details(reason: HeadersReason, round: string): Promise<ConnectionDetails | undefined> {
    const call: Promise<ConnectionDetails | undefined> = this.#tab.details(this.#subscription, reason, round)
    const checked = call.then((details) => {
      if (details && !isDetails(details)) throw new TypeError('what it gave is neither')
      return details
    })
    return this.#ask(checked).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error)
      throw new FailedError(`a page could not give headers or URL: ${message}`)
    })
  }

  retryDelay(attempt: number, failure: Failure): Promise<number | false | undefined> {
    const call: Promise<number | false> = this.#tab.retryDelay(this.#subscription, attempt, errorOf(failure))
    return this.#ask<number | false>(call).catch(() => undefined)
  }

  /** Tells the page to subscribe anew. */
  part(): void {
    this.#tab.part(this.#subscription)
  }

  /** The page will not answer any more. */
  giveUp(): void {
    this.awaited = undefined
    for (const giveUp of this.#pending) giveUp()
  }

  #ask<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
    return new Promise<Answer | undefined>((resolve, reject) => {
      const giveUp = () => resolve(undefined)
      const timer = this.#platform.setTimeout(giveUp, ASK_TIMEOUT)
      this.#pending.add(giveUp)
      call.then(resolve, reject).finally(() => {
        this.#platform.clearTimeout(timer)
        this.#pending.delete(giveUp)
      })
    })
  }
}

const isDetails = ({ url, headers, key = '' }: ConnectionDetails): boolean =>
  typeof url === 'string' &&
  typeof key === 'string' &&
  Array.isArray(headers) &&
  headers.every((one: unknown) => Array.isArray(one) && one.every((text) => typeof text === 'string'))

/** How long, in ms, to wait after the `attempt`-th failure in a row: `delay`, what the page says, or `false`. */
async function retryDelayOf(
  { policy, questions }: Subscriber,
  failure: Failure,
  attempt: number,
  delay: number,
): Promise<number | false> {
  const usual = wantsRetry(policy, failure, attempt) && delay
  if (!policy.asksRetry || failure.isFinal || attempt > policy.retries) return usual
  const answer = await questions.retryDelay(attempt, failure)
  if (typeof answer === 'number') return reconnectionTime(answer)
  return answer !== false && usual
}

/** Whether, and when, subscribers want another attempt. */
export interface RetryWishes {
  /** The waits wanted, in ms. */
  readonly delays: readonly number[]
  /** Those who do not want another attempt. */
  readonly refusing: readonly Subscriber[]
}

/**
 * Asks subscribers about another attempt. Waits for all of them; where one wants an attempt, only for a moment, so that a
 * page that stands still holds up nobody.
 *
 * @param delay what to wait where a page does not say otherwise, in ms
 * @param refused called with each subscriber that does not want another attempt, where others have to be waited for longer
 */
export function askRetries(
  platform: HubPlatform,
  subscribers: readonly Subscriber[],
  failure: Failure,
  attempt: number,
  delay: number,
  refused: (subscriber: Subscriber) => void,
): Promise<RetryWishes> {
  return new Promise((resolve) => {
    const delays: number[] = []
    const refusing: Subscriber[] = []
    let isPatient = true
    const decide = () => {
      const isComplete = delays.length + refusing.length === subscribers.length
      if (isComplete) platform.clearTimeout(timer)
      if (isComplete || (!isPatient && delays.length > 0))
        resolve({ delays: [...delays], refusing: [...refusing] })
    }
    const timer = platform.setTimeout(() => {
      isPatient = false
      for (const subscriber of refusing) refused(subscriber)
      decide()
    }, RETRY_PATIENCE)
    for (const subscriber of subscribers) {
      retryDelayOf(subscriber, failure, attempt, delay).then((answer) => {
        if (answer !== false) delays.push(answer)
        else refusing.push(subscriber)
        if (answer === false && !isPatient) refused(subscriber)
        decide()
      })
    }
    decide()
  })
}
