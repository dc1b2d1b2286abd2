import type { LinkEndpoint } from '../../../src/link/endpoint.ts'
import { unpack } from '../../../src/link/pack.ts'
import type { Batch, Entry, Subscription } from '../../../src/link/protocol.ts'

/** The two ends of a link. */
export interface Link {
  /** The hub's. */
  port1: LinkEndpoint
  /** The tab's. */
  port2: LinkEndpoint
}

/**
 * More batches than this are never on their way to a subscription, whatever its tab does; of those whose acknowledgement
 * may wait there may be so many besides.
 */
const WINDOW = 2
const WAITING = 24

/** What Comlink sends, as far as it matters here. */
interface Message {
  id: string
  /** Absent in answers. */
  path?: string[]
  argumentList?: { value: unknown }[]
}

/**
 * Watches that few batches are on their way at any time, and that each is acknowledged only when the page has been given
 * all of it, unless the page has meanwhile changed what it wants.
 */
export function overhear(
  { port1, port2 }: Link,
  wasGiven: (entry: Entry) => boolean,
  found: (problem: string) => void,
  sent: (batch: Batch) => void = () => {},
): Link {
  /** By the ID of the message that brought them. */
  const underway = new Map<string, Batch>()
  const arrived = new Map<string, Batch>()
  /** By subscription; absent when the tab has closed it. */
  const epochs = new Map<number, number>()
  let isClosed = false

  const sentByHub = ({ id, path, argumentList }: Message): void => {
    if (path?.[0] !== 'deliver') return
    const batch = argumentList?.[0]?.value as Batch
    sent(batch)
    underway.set(id, batch)
    const all = [...underway.values()].filter(({ subscription, epoch }) => {
      return subscription === batch.subscription && epoch === batch.epoch
    })
    const waiting = all.filter(({ mayWait }) => mayWait)
    if (all.length - waiting.length > WINDOW || waiting.length > WAITING)
      found(`${all.length} batches on their way to one subscription`)
  }

  const sentByTab = ({ id, path, argumentList }: Message): void => {
    const argument = argumentList?.[0]?.value
    if (path?.[0] === 'subscribe') epochs.set((argument as Subscription).id, (argument as Subscription).epoch)
    if (path?.[0] === 'unsubscribe') epochs.delete(argument as number)
    const batch = arrived.get(id)
    underway.delete(id)
    arrived.delete(id)
    if (batch === undefined || isClosed || epochs.get(batch.subscription) !== batch.epoch) return
    if (!unpack(batch.entries).every(wasGiven)) found('a batch was acknowledged before it was dispatched')
  }

  port2.addEventListener('message', (event) => {
    const { id, path, argumentList } = (event as MessageEvent<Message>).data
    if (path?.[0] === 'deliver') arrived.set(id, argumentList?.[0]?.value as Batch)
  })
  return {
    port1: overheard(port1, sentByHub),
    port2: {
      ...overheard(port2, sentByTab),
      close() {
        isClosed = true
        port2.close()
      },
    },
  }
}

const overheard = (port: LinkEndpoint, sent: (message: Message) => void): LinkEndpoint => ({
  postMessage(message) {
    for (const each of [message].flat()) sent(each as Message)
    port.postMessage(message)
  },
  addEventListener: (type, listener) => port.addEventListener(type, listener),
  removeEventListener: (type, listener) => port.removeEventListener(type, listener),
  start: () => port.start?.(),
  close: () => port.close(),
})
