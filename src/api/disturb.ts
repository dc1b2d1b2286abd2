import type { Disturbance } from '../link/protocol.ts'
import { disturbClient, type Slowness } from '../page/disturb-client.ts'
import { describe, misuse } from './checks.ts'
import { takeOptions } from './configure.ts'
import { pageClient } from './page-client.ts'

const TYPES = ['cut', 'reconnect', 'offline', 'skip', 'end-hub', 'slow']
const OF_A_STREAM = ['cut', 'reconnect', 'skip']

/** Most ms by which a page may be slowed down: longer ones would make it look frozen. */
const MOST_DELAY = 10_000

/**
 * Does to this page's hub what networks, servers and users do, for development and tests. It concerns all pages that share the hub,
 * except `'skip'` and `'slow'`, which concern this page only. Resolves when it has been done.
 *
 * @param disturbance `stream` is an `id` from `(await inspect({ seen: {}, entries: 0 })).life.streams`; a stream that is no more is ignored
 * @throws {TabstreamError} of type `'configuration'` without `configure({ inspector: true })`, or if it makes no sense; of type
 *   `'no-host'` as `inspect()`
 * @example
 * await disturb({ type: 'offline', isOffline: true })
 */
export async function disturb(disturbance: Disturbance | Slowness): Promise<void> {
  check(disturbance)
  await disturbClient(pageClient(), disturbance)
}

function check(disturbance: Disturbance | Slowness): void {
  if (takeOptions().inspector !== true) {
    throw misuse('disturb() is for development; allow it by configure({ inspector: true })')
  }
  const { type, stream, isOffline, delay } = Object(disturbance) as { readonly [key: string]: unknown }
  if (!TYPES.includes(type as string)) {
    throw misuse(`disturb() takes an object whose type is one of ${TYPES.join(', ')}, not ${describe(type)}`)
  }
  if (OF_A_STREAM.includes(type as string) && typeof stream !== 'string') {
    throw misuse(`stream must be the ID of a stream, not ${describe(stream)}`)
  }
  if (type === 'offline' && typeof isOffline !== 'boolean') {
    throw misuse(`isOffline must be true or false, not ${describe(isOffline)}`)
  }
  if (type === 'slow' && !(typeof delay === 'number' && delay >= 0 && delay <= MOST_DELAY)) {
    throw misuse(`delay must be a number of ms up to ${MOST_DELAY}, not ${describe(delay)}`)
  }
}
