import type { Policy } from '../../src/link/protocol.ts'
import type { Failure } from '../source/failure.ts'

/** Reconnection time until the server sends `retry:`, in ms. */
export const DEFAULT_RECONNECTION_TIME = 1_000

/** Upper bound of the exponential back-off, in ms. What the server asks for may exceed it. */
const CAP = 30_000

/** Random share of the reconnection time after a short connection: servers that end each answer are asked again as often as they say. */
const SHORT_SPREAD = 0.2

/** In ms: `retry: 0` must not cause a busy loop, and `retry: 99999999999` must not overflow a timer. */
const LEAST = 100
const MOST = 3_600_000

/** Client-error statuses that may pass: a time-out, a request that is too early, a rate limit. */
const PASSING = new Set([408, 425, 429])

/** The server's `retry:` time, in ms, within safe bounds. */
export const reconnectionTime = (retry: number): number => Math.min(Math.max(retry || 0, LEAST), MOST)

/** What the wait before a reconnection depends on. */
export interface Loss {
  /** Failed attempts in a row; 0 for a stream that has just ended. */
  readonly failures: number
  /** The connection had lasted for a while, so that many may have been lost at the same moment: the server has gone. */
  readonly hasLived: boolean
  /** The stream's reconnection time in ms. */
  readonly time: number
  /** How long the server has asked to be left alone, in ms; 0 where it has not. */
  readonly retryAfter: number
}

/**
 * How long, in ms, to wait before a reconnection: as long as the server has asked for, as the standard demands, plus a random part,
 * so that many clients spread out over as long a time again. The random part is small after a short connection, and doubles with
 * every failure in a row. `npm run bench -- --only storm` shows what that is good for.
 *
 * @param random uniform in [0, 1)
 */
export function retryDelay({ failures, hasLived, time, retryAfter }: Loss, random: number): number {
  const least = Math.max(time, retryAfter)
  const isShort = failures === 0 && !hasLived && retryAfter === 0
  const spread = least * (isShort ? SHORT_SPREAD : 2 ** Math.min(failures, 20))
  return Math.round(least + random * Math.min(spread, Math.max(CAP - least, least)))
}

/** True if a subscriber wants another attempt after a failure, the `attempt`-th in a row. */
export function wantsRetry({ retries, retriesStatuses }: Policy, failure: Failure, attempt: number): boolean {
  if (failure.isFinal || attempt > retries) return false
  // A server that has let itself be read may be restarting behind a proxy, whose answers permit nobody.
  if (failure.isUnreadable) return retriesStatuses && failure.hasBeenReadable
  return failure.status === 0 || (retriesStatuses && isPassing(failure.status))
}

const isPassing = (status: number): boolean => PASSING.has(status) || (status >= 500 && status <= 599)
