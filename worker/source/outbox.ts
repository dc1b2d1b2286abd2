import { isPointer, keysOf, valueAt } from '../../src/link/identify.ts'
import type { Outcome, Outgoing } from '../../src/link/socket.ts'
import type { HubPlatform } from '../platform.ts'

/** What the hub's platform may have in place of the browser's. */
export type SocketPlatform = Pick<HubPlatform, 'now' | 'setTimeout' | 'clearTimeout' | 'turn'> & {
  readonly openSocket?: (url: string, protocols: readonly string[]) => WebSocket
}

/** More bytes than this are not given to a socket that has yet to send them. */
const MOST_BUFFERED = 1_048_576

/** How soon, in ms, such a socket is looked at again. */
const LOOK_AGAIN = 20

type Settle = (outcome: Outcome) => void

interface Waiting {
  readonly message: Outgoing
  readonly settle: Settle
}

/** Requests that wait for an answer with values at the same paths: by these values, the first first. */
interface Asking {
  readonly paths: readonly (readonly string[])[]
  readonly byValues: Map<string, Set<Settle>>
}

/** Messages of pages to a server, in the order in which they have come. None is sent twice. */
export class Outbox {
  readonly #platform: SocketPlatform
  readonly #limit: number
  #waiting: Waiting[] = []
  /** By their pointers, of which apps have few. */
  readonly #asking = new Map<string, Asking>()
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
    for (const { paths, byValues } of this.#asking.values()) {
      const values = paths.map((keys) => valueAt(value, keys))
      if (values.some((one) => typeof one === 'object')) continue
      const [settle] = byValues.get(JSON.stringify(values)) ?? []
      settle?.({ type: 'answered', data: text })
      if (settle !== undefined) return true
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
    for (const { byValues } of [...this.#asking.values()]) {
      for (const settle of [...byValues.values()].flatMap((settles) => [...settles]))
        settle({ type: 'no-answer', message: 'the connection was lost before the answer came' })
    }
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

  #ask({ timeout = 0 }: Outgoing, match: NonNullable<Outgoing['match']>, tell: Settle): void {
    const pointers = JSON.stringify(match.map(([pointer]) => pointer))
    const values = JSON.stringify(match.map(([, value]) => value))
    const paths = match.map(([pointer]) => keysOf(pointer))
    const asking = this.#asking.get(pointers) ?? { paths, byValues: new Map() }
    this.#asking.set(pointers, asking)
    const settles = asking.byValues.get(values) ?? new Set()
    asking.byValues.set(values, settles)
    const settle = (outcome: Outcome) => {
      settles.delete(settle)
      if (settles.size === 0) asking.byValues.delete(values)
      if (asking.byValues.size === 0) this.#asking.delete(pointers)
      this.#platform.clearTimeout(timer)
      tell(outcome)
    }
    settles.add(settle)
    const timer =
      timeout === 0
        ? undefined
        : this.#platform.setTimeout(() => {
            settle({ type: 'no-answer', message: `no answer has come in ${timeout} ms` })
          }, timeout)
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
