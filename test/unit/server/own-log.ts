import type { EventLog } from 'tabstream/server'

/** Of a store whose events have growing numbers. */
interface Store {
  add(topic: string, name: string | undefined, data: string): Promise<number>
  /** The number of the oldest event, and of the newest; 1 and 0 where there is none. */
  bounds(): Promise<{ first: number; last: number }>
  /** What came after this number, oldest first. */
  after(number: number): Promise<{ number: number; topic: string; name?: string; data: string }[]>
  /** Resolves when something may have come. */
  changed(signal: AbortSignal): Promise<void>
}

/** @param epoch belongs to the history: it must change when the numbers begin again */
export function storeLog(store: Store, epoch: string): EventLog {
  return {
    async append(topic, { name, data }) {
      const text = typeof data === 'string' ? data : JSON.stringify(data)
      return `${epoch}-${await store.add(topic, name, text)}`
    },
    async read(topics, start, signal) {
      const { first, last } = await store.bounds()
      const [ofEpoch, number] = typeof start === 'string' ? [] : start.after.split('-')
      const asked = ofEpoch === epoch ? Number(number) : Number.NaN
      const knows = asked >= first - 1 && asked <= last
      let position = start === 'now' ? last : knows ? asked : first - 1
      async function* events() {
        while (!signal.aborted) {
          const changed = store.changed(signal)
          for (const { number, ...event } of await store.after(position)) {
            position = number
            if (topics.includes(event.topic)) yield { id: `${epoch}-${number}`, ...event }
          }
          await changed
        }
      }
      return {
        resumed: knows || typeof start === 'string',
        get position() {
          return `${epoch}-${position}`
        },
        events: events(),
      }
    },
  }
}
