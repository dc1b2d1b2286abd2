import { isId, type LogEvent, type Reading } from './event-log.ts'
import type { EventStreamOptions } from './event-stream-options.ts'
import { encode, frameOf } from './frame.ts'

type Options = Pick<EventStreamOptions, 'heartbeat' | 'retry' | 'lifetime' | 'maxQueue'> & {
  readonly onError: (error: unknown) => void
}

/**
 * The body of an event stream.
 *
 * It is read from the log as the client takes it, so nothing piles up for a slow client but `maxQueue` bytes.
 *
 * @param reading nothing where the log has failed: the stream ends at once
 * @param isNew the client has no ID yet
 * @param ending aborts the reading; aborted, it ends the body
 */
export function bodyOf(
  reading: Reading | undefined,
  isNew: boolean,
  ending: AbortController,
  options: Options,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const highWaterMark = options.maxQueue ?? 65_536
  return new ReadableStream(
    new Body(reading, isNew, ending, options),
    new ByteLengthQueuingStrategy({ highWaterMark }),
  )
}

type Controller = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>

class Body implements UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> {
  readonly #reading: Reading | undefined
  readonly #events: AsyncIterator<LogEvent> | undefined
  readonly #isNew: boolean
  readonly #ending: AbortController
  readonly #options: Options
  #controller: Controller | undefined
  #beat: ReturnType<typeof setInterval> | undefined
  #lifetime: ReturnType<typeof setTimeout> | undefined
  #last: ReturnType<typeof setTimeout> | undefined
  /** What the client knows as its last ID, if it has come on this connection. */
  #lastId: string | undefined
  /** An event has been sent since the last heartbeat. */
  #isBusy = false
  /** How much the queue could take at the last heartbeat. */
  #room = Number.POSITIVE_INFINITY

  constructor(reading: Reading | undefined, isNew: boolean, ending: AbortController, options: Options) {
    this.#reading = reading
    this.#events = reading?.events[Symbol.asyncIterator]()
    this.#isNew = isNew
    this.#ending = ending
    this.#options = options
  }

  start(controller: Controller): void {
    const { retry, heartbeat = 15_000, lifetime } = this.#options
    this.#controller = controller
    // The first bytes tell a client that the stream is open: Firefox waits for them.
    controller.enqueue(encode(`:\n${retry === undefined ? '' : `retry: ${Math.round(retry)}\n`}\n`))
    // Who is cut before its first event can resume, too.
    if (this.#isNew) this.#tellPosition()
    const { signal } = this.#ending
    if (signal.aborted) {
      this.#end()
      return
    }
    signal.addEventListener('abort', () => this.#end(), { once: true })
    this.#beat = setInterval(() => this.#heartbeat(controller), heartbeat)
    if (lifetime !== undefined)
      this.#lifetime = setTimeout(() => this.#end(), lifetime * (1 - Math.random() / 10))
  }

  /** Called when the queue has room, and not again before the promise has resolved. */
  async pull(controller: Controller): Promise<void> {
    try {
      const { done, value } = (await this.#events?.next()) ?? { done: true as const, value: undefined }
      if (this.#controller === undefined) return
      if (done || value === undefined) {
        this.#end()
        return
      }
      controller.enqueue(frameOf(value))
      this.#lastId = value.id
      this.#isBusy = true
    } catch (error) {
      if (this.#controller === undefined) return
      this.#end()
      this.#options.onError(error)
    }
  }

  cancel(): void {
    this.#controller = undefined
    this.#stop()
    clearTimeout(this.#last)
  }

  #heartbeat(controller: Controller): void {
    const room = controller.desiredSize ?? 0
    if (room <= 0 && room === this.#room) {
      this.#controller = undefined
      this.#stop()
      controller.error(new StalledError())
      return
    }
    this.#room = room
    if (room <= 0) return
    // Where nothing else has come, the place to resume after moves on: the events of other topics must not push it out of the history.
    if (this.#isBusy || !this.#tellPosition()) controller.enqueue(encode(':\n\n'))
    this.#isBusy = false
  }

  /** An ID without an event moves the place to resume after. Tells whether there was one to tell. */
  #tellPosition(): boolean {
    const position = this.#reading?.position
    if (position === undefined || position === this.#lastId || !isId(position)) return false
    this.#lastId = position
    this.#controller?.enqueue(encode(`:\nid: ${position}\n\n`))
    return true
  }

  #end(): void {
    const controller = this.#controller
    if (controller === undefined) return
    this.#controller = undefined
    this.#stop()
    const { heartbeat = 15_000, maxQueue = 65_536 } = this.#options
    const isWaiting = (controller.desiredSize ?? 0) < maxQueue
    controller.close()
    // Who takes nothing of what is left would keep the connection for ever.
    if (isWaiting) this.#last = setTimeout(() => controller.error(new StalledError()), heartbeat)
  }

  #stop(): void {
    clearInterval(this.#beat)
    clearTimeout(this.#lifetime)
    this.#ending.abort()
    // It need not end by the signal alone; what it throws now concerns nobody.
    Promise.resolve(this.#events?.return?.()).catch(() => {})
  }
}

class StalledError extends Error {
  override readonly name = 'StalledError'

  constructor() {
    super('the client has taken nothing between two heartbeats')
  }
}
