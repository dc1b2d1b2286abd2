import { describe, misuse } from '../api/checks.ts'
import { SendingStream, wireOf } from '../api/sending-stream.ts'
import type { StreamStatus } from '../api/shared-stream.ts'
import { isPointer } from '../link/identify.ts'
import { LONGEST_TIMER } from '../link/protocol.ts'
import type { RequestOptions, SharedSocket, SocketMessage, SocketStatus } from './shared-socket.ts'

/** How many ms a server may take to answer a request, where the page does not say. */
const TIMEOUT = 10_000

/** What has been told of each status: the same object until it changes. */
const statuses = new WeakMap<StreamStatus, SocketStatus>()

/** A page's part of a WebSocket: what `connectSocket()` returns. */
export class SocketStream extends SendingStream implements Omit<SharedSocket, 'onStatus'> {
  override get status(): SocketStatus {
    const status = super.status
    const { state, protocol = '' } = this.current
    const own = statuses.get(status) ?? { ...status, protocol: state === 'open' ? protocol : '' }
    statuses.set(status, own)
    return own
  }

  async send(message: SocketMessage): Promise<void> {
    await this.post({ data: textOrWire(message) })
  }

  async request(message: SocketMessage, options: RequestOptions): Promise<string> {
    const { match, timeout = TIMEOUT } = Object(options) as RequestOptions
    const pairs = Object.entries(Object(match) as RequestOptions['match'])
    const isMatch = pairs.every(
      ([pointer, value]) => isPointer(pointer) && ['string', 'number', 'boolean'].includes(typeof value),
    )
    if (pairs.length === 0 || !isMatch)
      throw misuse('match must be an object that gives JSON Pointers values, such as { "/ref": ref }')
    if (typeof timeout !== 'number' || !(timeout >= 0))
      throw misuse(`timeout must be a number of ms, not ${describe(timeout)}`)
    const outcome = await this.post({
      data: textOrWire(message),
      match: pairs,
      timeout: Math.min(timeout, LONGEST_TIMER),
    })
    return outcome.type === 'answered' ? outcome.data : ''
  }
}

/** Strings are sent as they are. */
const textOrWire = (message: unknown) => (typeof message === 'string' ? message : wireOf(message))
