import type { HubPlatform } from '../../worker/platform.ts'
import { Arrivals } from '../../worker/source/arrivals.ts'
import { FailedError, type Failure, failureOf, MOST_RETRY_AFTER } from '../../worker/source/failure.ts'
import { idOf } from '../../worker/source/frame.ts'
import type { ConnectionRequest, Receiver, Source, SourceEvent } from '../../worker/source/source.ts'
import type { Outcome, Outgoing } from '../link/socket.ts'
import type {
  AppSource,
  Opened,
  SourceConnection,
  SourceEventInit,
  SourceFailureInit,
  SourceParts,
  SourceStream,
} from './app-source.ts'
import { Letters } from './letters.ts'

type Define<Options> = (stream: SourceStream<Options>) => SourceParts

/**
 * Makes a source of an app's code, which hubs run: once for all tabs that share a stream.
 *
 * @param define called once for each stream, before its first connection
 * @example
 * export const source = defineSource(({ url }) => ({
 *   open(connection) {
 *     const socket = new WebSocket(url)
 *     socket.onopen = () => connection.opened()
 *     socket.onmessage = ({ data }) => connection.emit({ data })
 *     socket.onclose = ({ reason }) => connection.failed(reason)
 *     return () => socket.close()
 *   },
 * }))
 */
export function defineSource<Options = unknown>(define: Define<Options>): AppSource {
  if (typeof define !== 'function')
    throw new TypeError('tabstream: defineSource() needs a function that returns { open, send }')
  return (platform: Pick<HubPlatform, 'now' | 'turn'>, given: unknown): Source => {
    const { options } = given as { options: Options }
    const letters = new Letters()
    let parts: SourceParts | undefined
    const connect = (request: ConnectionRequest, receiver: Receiver) =>
      new Promise<Failure>((resolve) => {
        const connection = new Connection(platform, request, receiver, resolve, letters)
        connection.begin(() => {
          parts ??= define({ url: request.url, options })
          letters.deliver = parts.send && ((message) => parts?.send?.(message))
          return parts.open(connection.told)
        })
      })
    return Object.assign(connect, {
      send: (message: unknown): Promise<Outcome> => letters.post(message as Outgoing),
      drop: (isOver: boolean) => letters.drop(isOver),
    })
  }
}

interface Arrival extends SourceEvent {
  readonly length: number
}

class Connection extends Arrivals<Arrival, Pick<HubPlatform, 'now' | 'turn'>> {
  readonly #letters: Letters
  readonly #abort = new AbortController()
  #stop: (() => void) | undefined
  #isOpen = false

  constructor(
    platform: Pick<HubPlatform, 'now' | 'turn'>,
    connection: ConnectionRequest,
    receiver: Receiver,
    resolve: (failure: Failure) => void,
    letters: Letters,
  ) {
    super(platform, connection, receiver, resolve)
    this.#letters = letters
  }

  /** What the author's code is given of it. */
  get told(): SourceConnection {
    const { url, resumeAfter, headers } = this.connection
    return {
      url,
      lastEventId: resumeAfter,
      headers: new Headers(headers.map(([name, value]): [string, string] => [name, value])),
      signal: this.#abort.signal,
      opened: (about) => this.#guard(() => this.#opened(about ?? {})),
      emit: (event) => this.#guard(() => this.#emit(event)),
      failed: (error, about) => this.#guard(() => this.close(failureFrom(error, about ?? {}))),
      ended: () =>
        this.close(new FailedError('the server has ended the connection', { isEnd: true }).failure),
      alive: () => this.#guard(() => this.#isOpen && this.receiver.alive(0)),
    }
  }

  /** @param open runs the author's code */
  begin(open: () => ReturnType<SourceParts['open']>): void {
    const fail = (error: unknown) => this.close(failureFrom(error, {}))
    try {
      Promise.resolve(open()).then((stop) => this.#keep(stop), fail)
    } catch (error) {
      fail(error)
    }
  }

  protected eventsOf(arrival: Arrival): readonly SourceEvent[] {
    return [arrival]
  }

  protected release(): void {
    this.#letters.pause(this)
    const stop = this.#stop
    this.#stop = undefined
    callSafely(() => this.#abort.abort())
    if (stop !== undefined) callSafely(stop)
  }

  /** What closes it may come when it is over already. */
  #keep(stop: unknown): void {
    if (typeof stop !== 'function') return
    if (this.#abort.signal.aborted) callSafely(stop as () => void)
    else this.#stop = stop as () => void
  }

  /** Nothing that goes wrong reaches the author's callbacks, which nobody may look after. */
  #guard(work: () => void): void {
    if (this.isClosed) return
    try {
      work()
    } catch (error) {
      this.end(failureFrom(error, {}))
    }
  }

  #opened({ resumed }: Opened): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.receiver.opened({
      origin: new URL(this.connection.url).origin,
      status: 200,
      headers: [],
      confirmsResumption: resumed === true,
      deniesResumption: resumed === false,
    })
    this.#letters.resume(this)
  }

  #emit(event: SourceEventInit): void {
    const { name = 'message', data, id } = Object(event) as SourceEventInit
    if (typeof data !== 'string')
      throw new TypeError(`the data of an event must be a string, not ${typeof data}: make JSON of it`)
    if (typeof name !== 'string')
      throw new TypeError(`the name of an event must be a string, not ${typeof name}`)
    if (id !== undefined && (typeof id !== 'string' || idOf(id) === undefined))
      throw new TypeError('the ID of an event must be a string without line breaks')
    this.#opened({})
    this.receiver.alive(data.length)
    this.take({ name, data, id, length: data.length })
  }
}

function callSafely(work: () => unknown): void {
  try {
    // It may return a promise, which nobody waits for.
    Promise.resolve(work()).catch(() => {})
  } catch {
    // The connection is over in any case.
  }
}

function failureFrom(error: unknown, { status, final, retryAfter = 0 }: SourceFailureInit): Failure {
  return new FailedError(wordsOf(error), {
    status: Number.isInteger(status) ? (status as number) : 0,
    isFinal: final === true,
    retryAfter: retryAfter > 0 ? Math.min(retryAfter, MOST_RETRY_AFTER) : 0,
  }).failure
}

/** Of an error, the event of a WebSocket that has been closed, or a list of errors, as clients give them. */
function wordsOf(error: unknown): string {
  const { reason, code } = Object(error) as { readonly reason?: unknown; readonly code?: unknown }
  if (Array.isArray(error)) return error.map(wordsOf).join('; ')
  if (typeof reason === 'string' && typeof code === 'number')
    return `the server closed the connection (${reason === '' ? code : `${code}, ${reason}`})`
  const { message } = failureOf(error)
  // Of an event, which says nothing of why.
  return message === '[object Event]' ? 'the connection has failed' : message
}
