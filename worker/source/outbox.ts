import { isPointer, keysOf, valueAt } from '../../src/link/identify.ts'
import type { Outcome, Outgoing } from '../../src/link/socket.ts'
import type { HubPlatform } from '../platform.ts'

/** What the hub's platform may have in place of the browser's. */
export type SocketPlatform = Pick<HubPlatform, 'setTimeout' | 'clearTimeout' | 'turn'> & {
  readonly openSocket?: (url: string, protocols: readonly string[]) => WebSocket
}

/** More bytes than this are not given to a socket that has yet to send them. */
const MOST_BUFFERED = 1_048_576

/** How soon, in ms, such a socket is looked at again. */
const LOOK_AGAIN = 20

interface Waiting {
  readonly message: Outgoing
  readonly settle: (outcome: Outcome) => void
}

interface Asking {
  readonly match: readonly (readonly [keys: readonly string[], value: unknown])[]
  readonly settle: (outcome: Outcome) => void
}

/** Messages of pages to a server, in the order in which they have come. None is sent twice. */
export class Outbox {
  readonly #platform: SocketPlatform
  readonly #limit: number
  #waiting: Waiting[] = []
  readonly #asking = new Set<Asking>()
  #socket: WebSocket | undefined
  #timer: unknown
  #hasEnded = false

  /** @param limit how many messages may wait */
  constructor(platform: SocketPlatform, limit: number) {
    this.#platform = platform
    this.#limit = limit
  }

  /** Somebody waits for an answer. */
  get isAsking(): boolean {
    return this.#asking.size > 0
  }

  send(message: unknown): Promise<Outcome> {
    return new Promise((settle) => {
      if (!isOutgoing(message)) settle(notSent('it is no message'))
      else if (this.#hasEnded) settle(notSent('the stream has ended'))
      else {
        this.#waiting.push({ message, settle })
        this.#drain()
        if (this.#waiting.length > this.#limit) {
          this.#waiting.pop()
          settle(notSent(`${this.#limit} messages wait already`))
        }
      }
    })
  }

  /** Whether a message is an answer that somebody waits for, who is given it. */
  answer(value: unknown, text: string): boolean {
    for (const asking of this.#asking) {
      if (!asking.match.every(([keys, wanted]) => valueAt(value, keys) === wanted)) continue
      asking.settle({ type: 'answered', data: text })
      return true
    }
    return false
  }

  opened(socket: WebSocket): void {
    this.#socket = socket
    this.#drain()
  }

  /** What has not been sent waits for the next connection. What has been asked will not be answered there. */
  closed(socket: WebSocket | undefined): void {
    // It may be an old one, of which the browser says so only when the server has answered, or after a minute.
    if (socket !== this.#socket) return
    this.#socket = undefined
    this.#platform.clearTimeout(this.#timer)
    for (const { settle } of this.#asking)
      settle({ type: 'no-answer', message: 'the connection was lost before the answer came' })
  }

  drop(isOver: boolean): void {
    this.#hasEnded ||= isOver
    const why = isOver ? 'the stream has ended' : 'the connection is another user’s now'
    for (const { settle } of this.#waiting) settle(notSent(why))
    this.#waiting = []
    if (isOver) this.closed(this.#socket)
  }

  #drain(): void {
    const socket = this.#socket
    while (socket?.readyState === OPEN && this.#waiting.length > 0) {
      if (socket.bufferedAmount > MOST_BUFFERED) {
        this.#platform.clearTimeout(this.#timer)
        this.#timer = this.#platform.setTimeout(() => this.#drain(), LOOK_AGAIN)
        return
      }
      const { message, settle } = this.#waiting.shift() as Waiting
      socket.send(message.data)
      if (message.match === undefined) settle({ type: 'sent' })
      else this.#ask(message, message.match, settle)
    }
  }

  #ask(
    { timeout = 0 }: Outgoing,
    match: NonNullable<Outgoing['match']>,
    settle: (outcome: Outcome) => void,
  ): void {
    const timer =
      timeout > 0 &&
      this.#platform.setTimeout(() => {
        asking.settle({ type: 'no-answer', message: `no answer has come in ${timeout} ms` })
      }, timeout)
    const asking = {
      match: match.map(([pointer, value]) => [keysOf(pointer), value] as const),
      settle: (outcome: Outcome) => {
        this.#asking.delete(asking)
        if (timer !== false) this.#platform.clearTimeout(timer)
        settle(outcome)
      },
    }
    this.#asking.add(asking)
  }
}

/** Of `WebSocket`, which a simulation does not have. */
const OPEN = 1

const notSent = (message: string): Outcome => ({ type: 'not-sent', message })

function isOutgoing(message: unknown): message is Outgoing {
  if (typeof message !== 'object' || message === null) return false
  const { data, match, timeout } = message as Readonly<Record<string, unknown>>
  return (
    (typeof data === 'string' || data instanceof ArrayBuffer) &&
    (timeout === undefined || typeof timeout === 'number') &&
    (match === undefined ||
      (Array.isArray(match) &&
        match.length > 0 &&
        match.every((pair) => Array.isArray(pair) && pair.length === 2 && isPointer(pair[0]))))
  )
}
