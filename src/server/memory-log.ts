import { newEpoch } from './epoch.ts'
import { checked, checkId, type EventLog } from './event-log.ts'
import { type Cursor, Tail } from './tail.ts'

/** Options of {@link memoryLog}. */
export interface MemoryLogOptions {
  /**
   * How many events are kept, of all topics together. Keep more than come in the longest outage that is to be survived.
   * @default 10_000
   */
  limit?: number
  /**
   * How many characters are kept: of data, names, topics and IDs. The newest event is kept whatever its size.
   * @default 16_777_216
   */
  maxSize?: number
  /**
   * What IDs begin with. It must differ from that of every earlier log whose IDs clients may still have.
   * @default made of the time and of chance
   */
  epoch?: string
}

/**
 * A log in the memory of one process. Its history ends with the process: clients that come back after a restart are told that it is gone.
 *
 * @throws {TypeError} where the epoch is not one line of printable ASCII characters, or a bound is not a positive number
 * @example
 * const log = memoryLog({ limit: 50_000 })
 * await log.append('prices', { name: 'tick', data: { symbol: 'ACME', price: 12 } })
 */
export function memoryLog({
  limit = 10_000,
  maxSize = 16_777_216,
  epoch = newEpoch(),
}: MemoryLogOptions = {}): EventLog {
  checkId(epoch)
  if (!(limit >= 1 && maxSize >= 1)) throw new TypeError('limit and maxSize are numbers from 1 on')
  let count = 0
  const tail = new Tail({ limit, maxSize }, `${epoch}-0`)
  return {
    async append(topic, event) {
      const entry = checked(topic, event)
      const id = `${epoch}-${++count}`
      tail.append({ id, ...entry })
      return id
    },
    async read(topics, start, signal) {
      if (start === 'now') return readingOf(tail.fromNow(topics, signal), true)
      const cursor = start === 'earliest' ? undefined : tail.after(start.after, topics, signal)
      return readingOf(cursor ?? tail.fromFirst(topics, signal), cursor !== undefined || start === 'earliest')
    },
  }
}

const readingOf = (cursor: Cursor, resumed: boolean) => ({
  resumed,
  get position() {
    return cursor.position
  },
  events: cursor.events(),
})
