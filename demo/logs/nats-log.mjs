import { randomUUID } from 'node:crypto'
import { DeliverPolicy, jetstream } from '@nats-io/jetstream'
import { storeLog } from 'tabstream/server'

/**
 * A log in a stream of NATS JetStream.
 *
 * @param {import('@nats-io/transport-node').NatsConnection} connection
 * @param {string} name of the stream, and of its one subject
 * @param {import('tabstream/server').StoreLogOptions} [options]
 */
export function natsLog(connection, name, options) {
  const client = jetstream(connection)
  const bounds = async () => {
    const { state } = await (await client.streams.get(name)).info()
    // Of a stream that has never had a message it is 0.
    return { first: Math.max(1, state.first_seq), last: state.last_seq }
  }
  /** @param {number} from */
  const consumerFrom = (from) =>
    client.consumers.get(name, { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from })

  /** @param {number} from a number that there is @param {number} count no more than there are */
  async function read(from, count) {
    if (count <= 0) return []
    const consumer = await consumerFrom(from)
    const events = []
    for await (const message of await consumer.fetch({ max_messages: count, expires: 5_000 })) {
      events.push(eventOf(message))
      // Some may have been deleted one by one.
      if (message.info.pending === 0) break
    }
    await consumer.delete()
    return events
  }

  return storeLog(
    {
      async append(event) {
        const key = randomUUID().slice(0, 8)
        const { seq } = await client.publish(name, JSON.stringify(event), { msgID: key })
        return `${seq}-${key}`
      },
      async newest(count) {
        const { first, last } = await bounds()
        const from = Math.max(first, last - count + 1)
        return read(from, last - from + 1)
      },
      async from(id, count) {
        const { first, last } = await bounds()
        const from = id === undefined ? first : numberOf(id)
        // A consumer that begins later than there is anything would wait for that.
        if (from < first || from > last) return []
        const events = await read(from, Math.min(count, last - from + 1))
        return id === undefined || events[0]?.id === id ? events : []
      },
      async follow(id, take, signal) {
        const { first, last } = await bounds()
        const from = id === undefined ? first : numberOf(id)
        if (id !== undefined && (from < first || from > last)) return
        const messages = await (await consumerFrom(from)).consume({ expires: 10_000, idle_heartbeat: 1_000 })
        const close = () => void messages.close()
        signal.addEventListener('abort', close, { once: true })
        void closeWhenLost(messages)
        let due = from
        for await (const message of messages) {
          const event = eventOf(message)
          // Dropped before it was read; or not the event that had this number.
          if (message.seq !== due || (due === from && id !== undefined && event.id !== id)) return close()
          if (due++ > from || id === undefined) take(event)
        }
        if (!signal.aborted) throw new Error('the connection to NATS was lost')
      },
    },
    options,
  )
}

/**
 * The client makes another consumer by itself. It would not look whether the last event is still there.
 *
 * @param {import('@nats-io/jetstream').ConsumerMessages} messages
 */
async function closeWhenLost(messages) {
  for await (const { type } of messages.status()) {
    if (type !== 'next' && type !== 'heartbeat') void messages.close()
  }
}

/** @param {string} id */
const numberOf = (id) => Number(/^(\d{1,15})-/.exec(id)?.[1] ?? 0)

/** @param {import('@nats-io/jetstream').JsMsg} message */
function eventOf(message) {
  // What others publish may have none. It tells a message from one that had its number in a stream of before.
  const key = message.headers?.get('Nats-Msg-Id') || message.time.getTime().toString(36)
  return { id: `${message.seq}-${key}`, ...contentOf(message) }
}

/** What is no event keeps its place, and is nobody's. @param {import('@nats-io/jetstream').JsMsg} message */
function contentOf(message) {
  try {
    const { topic, name, data } = /** @type {Record<string, unknown>} */ (message.json())
    if (typeof topic === 'string' && typeof data === 'string' && !/[\r\n]/.test(String(name)))
      return { topic, ...(typeof name === 'string' && { name }), data }
  } catch {
    // It is no JSON.
  }
  return { topic: '', data: '' }
}
