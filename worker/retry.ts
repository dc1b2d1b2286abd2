/** Reconnection time until the server sends `retry:`, in ms. */
export const DEFAULT_RECONNECTION_TIME = 1_000

/** The exponential part never waits longer than this, in ms; a server's own `retry:` may. */
const CAP = 30_000

/** A server's `retry: 0` must not become a busy loop, nor `retry: 99999999999` overflow a timer. */
const LEAST = 100
const MOST = 3_600_000

/** The server's `retry:` value, in ms, made harmless. */
export const reconnectionTime = (retry: number): number => Math.min(Math.max(retry || 0, LEAST), MOST)

/**
 * How long to wait before a reconnection, in ms: the stream's reconnection time, as the standard asks, and on top
 * of it a random part that doubles with every failure in a row, so that a crowd of clients spreads out.
 *
 * @param failures attempts that failed since the stream last lived, 0 for a stream that has just ended
 * @param time the stream's reconnection time in ms
 * @param random uniform in [0, 1)
 */
export const retryDelay = (failures: number, time: number, random: number): number => {
  const spread = Math.min(Math.max(CAP - time, time), time * 2 ** Math.min(failures, 20))
  return Math.round(time + random * spread)
}
