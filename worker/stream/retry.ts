import type { Policy } from '../../src/link/protocol.ts'
import type { Failure } from '../source/failure.ts'

/** Reconnection time until the server sends `retry:`, in ms. */
export const DEFAULT_RECONNECTION_TIME = 1_000

/** Upper bound of the exponential back-off, in ms. A server's own `retry:` may exceed it. */
const CAP = 30_000

/** Random share of the reconnection time after a normal end: close to the standard and to browsers. */
const FIRST_SPREAD = 0.2

/** In ms: `retry: 0` must not cause a busy loop, and `retry: 99999999999` must not overflow a timer. */
const LEAST = 100
const MOST = 3_600_000

/** Client-error statuses that may pass: a time-out, a request that is too early, a rate limit. */
const PASSING = new Set([408, 425, 429])

/** The server's `retry:` time, in ms, within safe bounds. */
export const reconnectionTime = (retry: number): number => Math.min(Math.max(retry || 0, LEAST), MOST)

/**
 * How long, in ms, to wait before a reconnection: the stream's reconnection time, as the standard asks,
 * plus a random part, so that many clients spread out. The random part is small for a stream that has just
 * ended, and doubles with every failure in a row.
 *
 * @param failures failed attempts in a row; 0 for a stream that has just ended
 * @param time the stream's reconnection time in ms
 * @param random uniform in [0, 1)
 */
export const retryDelay = (failures: number, time: number, random: number): number => {
  const factor = failures === 0 ? FIRST_SPREAD : 2 ** Math.min(failures, 20)
  const spread = Math.min(Math.max(CAP - time, time), time * factor)
  return Math.round(time + random * spread)
}

/** True if a subscriber wants another attempt after a failure, the `attempt`-th in a row. */
export function wantsRetry({ retries, retriesStatuses }: Policy, failure: Failure, attempt: number): boolean {
  if (failure.isFinal || attempt > retries) return false
  // A server that has let itself be read may be restarting behind a proxy, whose answers permit nobody.
  if (failure.isUnreadable) return retriesStatuses && failure.hasBeenReadable
  return failure.status === 0 || (retriesStatuses && isPassing(failure.status))
}

const isPassing = (status: number): boolean => PASSING.has(status) || (status >= 500 && status <= 599)
