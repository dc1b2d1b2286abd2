/** @param {number} ms */
export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Rejects when a promise takes too long.
 *
 * @template Result
 * @param {Promise<Result>} promise
 * @param {number} ms
 * @param {string} what
 * @returns {Promise<Result>}
 */
export async function withTimeLimit(promise, ms, what) {
  let timer
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come in ${ms} ms`)), ms)
  })
  // Whoever loses the race may fail later, when nobody listens any more.
  promise.catch(() => {})
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
