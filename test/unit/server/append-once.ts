import { setTimeout } from 'node:timers/promises'
import type { Appended, RedisLog } from 'tabstream/server'

/** Resolves with the event's ID when it is kept, however often the connection to Redis breaks. */
export async function appendOnce(log: RedisLog, topic: string, event: Appended): Promise<string> {
  const idempotencyKey = crypto.randomUUID()
  for (;;) {
    try {
      return await log.append(topic, { ...event, idempotencyKey })
    } catch (error) {
      if (error instanceof TypeError) throw error // it will never be kept
      await setTimeout(100)
    }
  }
}
