import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { redisLog } from 'tabstream/server'

// Appends the numbers 1, 2, 3 … at a steady rate: each once, in order, whatever happens to Redis.

const { RATE = '200', MAX_LENGTH = '100000', REDIS_URL = 'redis://127.0.0.1:6379' } = process.env

const redis = new Redis(REDIS_URL)
redis.on('error', () => {})
const log = redisLog(redis, { maxLength: Number(MAX_LENGTH) })

const run = crypto.randomUUID()
const began = performance.now()
const dueNumber = () => Math.floor(((performance.now() - began) * Number(RATE)) / 1_000)

/**
 * At once, so that Redis writes to the disk once for all. One connection keeps their order.
 *
 * @param {number[]} numbers
 */
async function append(numbers) {
  const appending = numbers.map((number) =>
    log.append('numbers', { data: { run, number }, idempotencyKey: `${run} ${number}` }),
  )
  const results = await Promise.allSettled(appending)
  return results.every(({ status }) => status === 'fulfilled')
}

for (let last = 0; ; ) {
  const due = dueNumber()
  const numbers = Array.from({ length: due - last }, (_, index) => last + 1 + index)
  // Whether one that failed has been carried out does not matter: its idempotency key lets it come once.
  while (!(await append(numbers))) await setTimeout(100)
  last = due
  await setTimeout(1_000 / Number(RATE))
}
