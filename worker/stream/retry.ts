import type { Policy } from '../../src/link/protocol.ts'
import type { Failure } from '../source/failure.ts'

/** Reconnection time until the server sends `retry:`, in ms. */
export const DEFAULT_RECONNECTION_TIME = 1_000

/** The exponential part never waits longer than this, in ms; a server's own `retry:` may. */
const CAP = 30_000

/** Of the reconnection time: near enough to what the standard says, and to what browsers do. */
const FIRST_SPREAD = 0.2

/** A server's `retry: 0` must not become a busy loop, nor `retry: 99999999999` overflow a timer. */
const LEAST = 100
const MOST = 3_600_000

/** Statuses that may pass: a deployment, an overload, a limit. */
const PASSING = new Set([408, 425, 429])

/** The time, in ms, made harmless. */
export const reconnectionTime = (retry: number): number => Math.min(Math.max(retry || 0, LEAST), MOST)

/**
 * How long to wait before a reconnection, in ms: the stream's reconnection time, as the standard asks, and on top
 * of it a random part, so that a crowd of clients spreads out. It is small for a stream that has just ended, and doubles
 * with every failure in a row.
 *
 * @param failures attempts that failed since the stream last lived, 0 for a stream that has just ended
 * @param time the stream's reconnection time in ms
 * @param random uniform in [0, 1)
 */
export const retryDelay = (failures: number, time: number, random: number): number => {
  const factor = failures === 0 ? FIRST_SPREAD : 2 ** Math.min(failures, 20)
  const spread = Math.min(Math.max(CAP - time, time), time * factor)
  return Math.round(time + random * spread)
}

/** Whether a subscriber wants another attempt after a failure, the `attempt`-th in a row. */
export function wantsRetry({ retries, retriesStatuses }: Policy, failure: Failure, attempt: number): boolean {
  if (failure.isFinal || attempt > retries) return false
  return failure.status === 0 || (retriesStatuses && isPassing(failure.status))
}

const isPassing = (status: number): boolean => PASSING.has(status) || (status >= 500 && status <= 599)
