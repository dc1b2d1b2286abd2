import type { ConnectionDetails, HeadersReason, StreamRequest } from '../link/protocol.ts'
import type { Client } from '../page/client.ts'
import type { Wish } from '../page/page-subscription.ts'

/** For how many ms headers that were given for one purpose are good for the other. */
const FRESH = 10_000

type ByHeaders = Pick<Wish, 'request' | 'latest' | 'details' | 'parted'>

/** What has been wished for in the present job, by client, function and request. */
const wished = new Map<unknown, Map<unknown, Map<string, ByHeaders>>>()

/**
 * As `wishByHeaders()`, once for all who ask for the same in one go, as the components of a page do when it is drawn. They are one
 * for the hub: the function is called once, and a new token at each call does not part them. Who comes later asks anew, because
 * the user may be another one.
 *
 * @param text equal for equal requests
 */
export function wishInOneGo(
  client: unknown,
  headers: unknown,
  text: string,
  make: () => ByHeaders,
): ByHeaders {
  if (wished.size === 0) queueMicrotask(() => wished.clear())
  const own = wished.get(client) ?? new Map<unknown, Map<string, ByHeaders>>()
  wished.set(client, own)
  const same = own.get(headers) ?? new Map<string, ByHeaders>()
  own.set(headers, same)
  const wish = same.get(text) ?? make()
  same.set(text, wish)
  return wish
}

/**
 * What to wish for where a function gives the headers and there is no key. What tells users apart is only in the headers
 * themselves: pages share a stream whose functions give the same, for as long as they do.
 *
 * @param request without headers
 */
export function wishByHeaders(
  request: StreamRequest,
  ask: (reason: HeadersReason) => Promise<ConnectionDetails>,
  client: Pick<Client, 'now' | 'randomId' | 'isAway'>,
): ByHeaders {
  const own = client.randomId()
  /** Stays its own, once it is: the stream is shared with nobody. */
  let key = ''
  let given: ConnectionDetails | undefined
  let givenAt = 0
  /** The answer has been given for a connection that is yet to be made. */
  let isFresh = true
  let round: string | undefined
  let calls = 0
  let asking: Promise<ConnectionDetails>

  const learn = async (reason: HeadersReason): Promise<ConnectionDetails> => {
    const call = ++calls
    try {
      const { url, headers } = await ask(reason)
      // Who gives nothing that tells users apart may be anybody. The type is that of the body.
      if (headers.every(([name]) => name === 'content-type')) key = own
      const details = { url, headers, key }
      // It may have been called again meanwhile.
      if (call === calls) given = details
      givenAt = client.now()
      return details
    } catch (error) {
      if (call === calls) given = undefined
      throw error
    }
  }
  // Nobody knows whose stream it is as long as the function fails.
  const latest = (): StreamRequest =>
    given && key === '' ? { ...request, headers: given.headers } : { ...request, key: own }
  const settle = (): StreamRequest => {
    if (given === undefined) key = own
    isFresh = true
    return latest()
  }
  const parted = async (): Promise<void> => {
    await asking.then(settle, settle)
  }
  const details = (reason: HeadersReason, asked: string): Promise<ConnectionDetails> => {
    // The stream and its loops are asked one by one.
    if (asked === round) return asking
    round = asked
    const isKnown = reason === 'connect' && isFresh && given && client.now() - givenAt < FRESH
    isFresh = false
    if (!isKnown) asking = learn(reason)
    return asking
  }
  // On a server, nothing is asked.
  asking = client.isAway ? new Promise<never>(() => {}) : learn('connect')
  return { request: asking.then(settle, settle), latest, details, parted }
}
