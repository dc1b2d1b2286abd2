import type { Client } from './client.ts'
import { type Decoder, decode } from './decode.ts'
import { TabstreamError } from './errors.ts'
import type { PageSubscription, Wish } from './page-subscription.ts'
import { type Entry, EVERY_NAME, type EventEntry, type StateEntry } from './protocol.ts'
import type {
  Gap,
  Listener,
  ListenOptions,
  SharedStream,
  StreamErrorListener,
  StreamEvent,
  StreamStatus,
} from './shared-stream.ts'

interface Registration {
  readonly name: string
  readonly listener: Listener<never>
}

/** Someone who has asked an iterator for the next event. */
interface Waiting {
  resolve(result: IteratorResult<never>): void
  reject(error: unknown): void
}

/** A page's part of a stream. */
export class PageStream implements SharedStream {
  readonly #client: Client
  readonly #wish: Wish
  readonly #decoders: Readonly<Record<string, Decoder>> | undefined
  readonly #until: ((event: StreamEvent) => boolean) | undefined
  readonly #subscription: PageSubscription
  readonly #listeners = new Set<Registration>()
  readonly #iterators = new Set<() => void>()
  readonly #gapListeners = new Set<Listener<Gap>>()
  readonly #statusListeners = new Set<Listener<StreamStatus>>()
  readonly #errorListeners = new Set<StreamErrorListener>()
  #state: Omit<StateEntry, 'type' | 'seq'> = {
    state: 'connecting',
    origin: '',
    error: '',
    attempt: 0,
    retryAt: 0,
    openedAt: 0,
  }

  constructor(
    client: Client,
    wish: Wish,
    options: {
      decoders?: Readonly<Record<string, Decoder>> | undefined
      until?: ((event: StreamEvent) => boolean) | undefined
      signal?: AbortSignal | undefined
    },
  ) {
    this.#client = client
    this.#wish = wish
    this.#decoders = options.decoders
    this.#until = options.until
    this.#subscription = client.subscribe(wish, (entry) => this.#receive(entry))
    this.#subscribe()
    if (options.signal?.aborted) this.close()
    options.signal?.addEventListener('abort', () => this.close(), { once: true })
  }

  get status(): StreamStatus {
    const { state, error, attempt, openedAt } = this.#state
    // The hub does not say when an attempt begins.
    const retryAt = this.#state.retryAt > this.#client.now() ? this.#state.retryAt : 0
    return {
      state: state === 'connecting' && retryAt > 0 ? 'retrying' : state,
      host: this.#client.host,
      attempt,
      retryAt: retryAt > 0 ? new Date(retryAt) : undefined,
      error: error === '' ? undefined : error,
      openedAt: openedAt > 0 ? new Date(openedAt) : undefined,
    }
  }

  on(name: string, listener: Listener<never>, { signal }: ListenOptions = {}): () => void {
    const registration = { name, listener }
    return this.#register(this.#listeners, registration, signal, () => this.#subscribe())
  }

  once(name: string, { signal }: ListenOptions = {}): Promise<StreamEvent<never, never>> {
    return new Promise((resolve, reject) => {
      const done = () => {
        off()
        offStatus()
        signal?.removeEventListener('abort', abort)
      }
      const abort = () => {
        done()
        reject(signal?.reason)
      }
      const off = this.on(name, (event) => {
        done()
        resolve(event)
      })
      const offStatus = this.onStatus(({ state, error }) => {
        if (state !== 'closed') return
        done()
        reject(ended(error))
      })
      if (signal?.aborted) abort()
      else if (this.status.state === 'closed') {
        done()
        reject(ended(this.status.error))
      }
      signal?.addEventListener('abort', abort)
    })
  }

  events(name: string, { signal }: ListenOptions = {}): AsyncIterableIterator<StreamEvent<never, never>> {
    /** Lets the next entry come. */
    let release: (() => void) | undefined
    const waiting: Waiting[] = []
    let held: StreamEvent<unknown> | undefined
    let failure: Error | undefined
    let isOver = false
    const over = { done: true, value: undefined } as const

    const finish = (error?: Error) => {
      if (isOver) return
      isOver = true
      subscription.close()
      this.#iterators.delete(stop)
      signal?.removeEventListener('abort', stop)
      release?.()
      const first = error === undefined ? undefined : waiting.shift()
      if (first === undefined) failure = error
      else first.reject(error)
      for (const { resolve } of waiting.splice(0)) resolve(over)
    }
    const stop = () => {
      held = undefined
      finish()
    }
    const offer = (event: StreamEvent<unknown>): Promise<void> | undefined => {
      const first = waiting.shift()
      if (first === undefined) held = event
      else first.resolve({ done: false, value: event as never })
      if (waiting.length > 0) return undefined
      return new Promise((resolve) => {
        release = resolve
      })
    }
    const take = (raw: StreamEvent): Promise<void> | undefined => {
      const pause = this.#decoded(raw, () => !isOver, offer)
      if (!this.#isLast(raw)) return pause
      if (pause === undefined) finish()
      return pause?.then(() => finish())
    }
    let origin = ''
    const subscription = this.#client.subscribe({ ...this.#wish, replay: undefined }, (entry) => {
      if (entry.type === 'event') return take(rawOf(entry, origin))
      if (entry.type === 'gap') this.#notify(this.#gapListeners, gapOf(entry))
      else {
        origin = entry.origin
        if (entry.state === 'closed') finish(entry.error === '' ? undefined : ended(entry.error))
      }
      return undefined
    })
    subscription.setNames([name])
    this.#iterators.add(stop)
    if (signal?.aborted || this.#state.state === 'closed') stop()
    signal?.addEventListener('abort', stop)

    return {
      next: () => {
        if (held !== undefined) {
          const value = held as never
          held = undefined
          return Promise.resolve({ done: false, value })
        }
        if (failure !== undefined) {
          const error = failure
          failure = undefined
          return Promise.reject(error)
        }
        if (isOver) return Promise.resolve(over)
        return new Promise((resolve, reject) => {
          waiting.push({ resolve, reject })
          release?.()
          release = undefined
        })
      },
      return: () => {
        stop()
        return Promise.resolve(over)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  onGap(listener: Listener<Gap>, { signal }: ListenOptions = {}): () => void {
    return this.#register(this.#gapListeners, listener, signal)
  }

  onStatus(listener: Listener<StreamStatus>, { signal }: ListenOptions = {}): () => void {
    return this.#register(this.#statusListeners, listener, signal)
  }

  onError(listener: StreamErrorListener, { signal }: ListenOptions = {}): () => void {
    return this.#register(this.#errorListeners, listener, signal)
  }

  close(): void {
    for (const stop of [...this.#iterators]) stop()
    this.#close('')
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #close(error: string, endsStream = false): void {
    if (this.#state.state === 'closed') return
    this.#subscription.close(endsStream)
    this.#enter({ ...this.#state, state: 'closed', retryAt: 0, openedAt: 0, error })
  }

  #receive(entry: Entry): Promise<void> | undefined {
    if (this.#state.state === 'closed') return undefined
    if (entry.type === 'event') return this.#receiveEvent(entry)
    if (entry.type === 'gap') this.#notify(this.#gapListeners, gapOf(entry))
    else if (entry.state === 'closed') this.#close(entry.error)
    else this.#enter(entry)
    return undefined
  }

  #receiveEvent(entry: EventEntry): Promise<void> | undefined {
    const raw = rawOf(entry, this.#state.origin)
    const isOpen = () => this.#state.state !== 'closed'
    const pause = this.#isHeard(raw.name)
      ? this.#decoded(raw, isOpen, (event) => this.#dispatch(event))
      : undefined
    if (!this.#isLast(raw)) return pause
    if (pause !== undefined) return pause.then(() => this.#close('', true))
    this.#close('', true)
    return undefined
  }

  #isHeard(name: string): boolean {
    for (const registration of this.#listeners) if (hears(registration, name)) return true
    return false
  }

  #isLast(raw: StreamEvent): boolean {
    try {
      return this.#until?.(raw) === true
    } catch (error) {
      reportError(error)
      return false
    }
  }

  /**
   * Hands the event over with its data decoded. Where that takes time, or the taker does, a promise tells the end of it.
   *
   * @param isWanted asked when it has taken time
   */
  #decoded(
    raw: StreamEvent,
    isWanted: () => boolean,
    handOver: (event: StreamEvent<unknown>) => Promise<void> | undefined,
  ): Promise<void> | undefined {
    const { name } = raw
    const decoder = Object.hasOwn(this.#decoders ?? {}, name) ? this.#decoders?.[name] : undefined
    if (decoder === undefined) return handOver(raw)
    try {
      const value = decode(decoder, raw.data)
      if (!(value instanceof Promise)) return handOver({ ...raw, data: value })
      return value.then(
        (data) => (isWanted() ? handOver({ ...raw, data }) : undefined),
        (error) => (isWanted() ? this.#fault(error, raw) : undefined),
      )
    } catch (error) {
      this.#fault(error, raw)
      return undefined
    }
  }

  #dispatch(event: StreamEvent<unknown>): undefined {
    for (const registration of [...this.#listeners]) {
      // One listener may have removed another.
      if (!hears(registration, event.name) || !this.#listeners.has(registration)) continue
      this.#call(registration.listener as Listener<unknown>, event)
    }
  }

  #fault(error: unknown, event: StreamEvent): void {
    const reason = error instanceof Error ? error : new Error(String(error))
    const message = `tabstream: the data of event "${event.name}" could not be decoded (${reason.message})`
    const fault = new Error(message, { cause: error })
    if (this.#errorListeners.size === 0) reportError(fault)
    for (const listener of [...this.#errorListeners]) this.#call(() => listener(fault, event), undefined)
  }

  #enter({ state, origin, error, attempt, retryAt, openedAt }: Omit<StateEntry, 'type' | 'seq'>): void {
    this.#state = { state, origin, error, attempt, retryAt, openedAt }
    this.#notify(this.#statusListeners, this.status)
  }

  #notify<Value>(listeners: ReadonlySet<Listener<Value>>, value: Value): void {
    for (const listener of [...listeners]) if (listeners.has(listener)) this.#call(listener, value)
  }

  #call<Value>(listener: Listener<Value>, value: Value): void {
    try {
      listener(value)
    } catch (error) {
      reportError(error)
    }
  }

  #subscribe(): void {
    const names = new Set(Array.from(this.#listeners, ({ name }) => name))
    if (this.#until !== undefined) names.add(EVERY_NAME)
    this.#subscription.setNames(names)
  }

  #register<Item>(
    items: Set<Item>,
    item: Item,
    signal: AbortSignal | undefined,
    changed: () => void = () => {},
  ): () => void {
    if (signal?.aborted) return () => {}
    items.add(item)
    changed()
    const remove = () => {
      if (items.delete(item)) changed()
      signal?.removeEventListener('abort', remove)
    }
    signal?.addEventListener('abort', remove)
    return remove
  }
}

const hears = ({ name }: Registration, event: string): boolean => name === event || name === EVERY_NAME

const rawOf = ({ name, data, id }: EventEntry, origin: string): StreamEvent => ({ name, data, id, origin })

const gapOf = ({ reason, before, after }: Gap): Gap => ({ reason, before, after })

const ended = (error: string | undefined): TabstreamError =>
  new TabstreamError('stream-ended', error ? `the stream has failed (${error})` : 'the stream has ended')
