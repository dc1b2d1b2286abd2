import type { Entry, EventEntry, Replay, StateEntry } from '../link/protocol.ts'
import type { Pause } from '../page/inbox.ts'
import { Message } from '../page/message.ts'
import type { PageSubscription } from '../page/page-subscription.ts'
import {
  checkReplay,
  dictionaryOf,
  isObject,
  isSignal,
  mannersOf,
  resolve,
  withoutFragment,
} from './checks.ts'
import { GapEvent } from './gap-event.ts'
import { pageClient } from './page-client.ts'

const CONNECTING = 0
const OPEN = 1
const CLOSED = 2

type Handler<E extends Event> = ((this: EventSource, event: E) => unknown) | null

interface ListenerRecord {
  readonly callback: EventListenerOrEventListenerObject
  readonly capture: boolean
  /** What the platform calls: the callback, or for `once` a wrapper that records the call. */
  readonly called: EventListenerOrEventListenerObject
  /** Lets its signal go, which may live much longer. */
  letGo?: () => void
}

/** Options of {@link SharedEventSource}. */
export interface SharedEventSourceInit extends EventSourceInit {
  /**
   * How many of the latest events to receive first, of those that other tabs have received already: a
   * number for every name, `'all'` that the log still holds, or an object with a number for each name. It
   * applies to the names that are listened to in the same task as the constructor call.
   * @default 0, as with EventSource
   */
  replay?: Replay
  /** As with `connect()`: names of events that belong to the connection which brings them. */
  ephemeral?: readonly string[]
  /** As with `connect()`: names of events by which the server says that history is gone. */
  gapEvents?: readonly string[]
}

/**
 * An `EventSource` that shares its connection with every tab of the origin that opens the same URL with the
 * same credentials mode. It works like the platform's, and adds the `gap` event and the `replay` option.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @example
 * const events = new SharedEventSource('/events')
 * events.addEventListener('cpu', (event) => draw(JSON.parse(event.data)))
 */
export class SharedEventSource extends EventTarget implements EventSource {
  static readonly CONNECTING = CONNECTING
  static readonly OPEN = OPEN
  static readonly CLOSED = CLOSED
  declare readonly CONNECTING: typeof CONNECTING
  declare readonly OPEN: typeof OPEN
  declare readonly CLOSED: typeof CLOSED

  readonly #url: string
  readonly #withCredentials: boolean
  readonly #subscription: PageSubscription
  readonly #listeners = new Map<string, ListenerRecord[]>()
  readonly #handlers = new Map<string, { callback: Handler<never>; listener: (event: Event) => void }>()
  #readyState: number = CONNECTING
  #origin = ''

  /**
   * @param url relative to the document's base URL
   * @throws {DOMException} `SyntaxError` if `url` cannot be resolved
   * @throws {TypeError} if `url` is missing or `init` is not an object
   * @throws {TabstreamError} of type `'configuration'` if `replay`, `ephemeral` or `gapEvents` is invalid
   */
  constructor(url: string | URL, init?: SharedEventSourceInit)
  constructor(...given: unknown[]) {
    super()
    if (given.length === 0) throw new TypeError('Cannot open an event source without a URL.')
    const [url, init] = given as [url: string | URL, init?: SharedEventSourceInit]
    const { withCredentials, replay, ephemeral, gapEvents } = dictionaryOf<SharedEventSourceInit>(init)
    this.#url = resolve(url)
    this.#withCredentials = Boolean(withCredentials)
    const wish = {
      request: {
        url: withoutFragment(this.#url),
        credentials: this.#withCredentials ? 'include' : 'same-origin',
        method: 'GET',
        body: undefined,
        headers: [],
        key: pageClient().key,
        asksHeaders: false,
      },
      policy: mannersOf({ ephemeral, gapEvents }),
      replay: checkReplay(replay),
    } as const
    this.#subscription = pageClient().subscribe(wish, (entry) => this.#receive(entry))
  }

  /** Absolute URL. */
  get url(): string {
    return this.#url
  }

  get withCredentials(): boolean {
    return this.#withCredentials
  }

  /** `CONNECTING`, `OPEN` or `CLOSED`. */
  get readyState(): number {
    return this.#readyState
  }

  get onopen(): Handler<Event> {
    return this.#handler('open')
  }

  set onopen(callback: Handler<Event>) {
    this.#setHandler('open', callback)
  }

  get onmessage(): Handler<MessageEvent> {
    return this.#handler('message')
  }

  set onmessage(callback: Handler<MessageEvent>) {
    this.#setHandler('message', callback)
  }

  get onerror(): Handler<Event> {
    return this.#handler('error')
  }

  set onerror(callback: Handler<Event>) {
    this.#setHandler('error', callback)
  }

  /** Stops receiving. The hub closes the connection 1 s after its last subscriber has gone. */
  close(): void {
    this.#readyState = CLOSED
    this.#subscription.close()
    // Until the event that is being dispatched has been, a signal can still take listeners from it.
    queueMicrotask(() => {
      for (const record of [...this.#listeners.values()].flat()) record.letGo?.()
    })
  }

  /** Also subscribes to events of the name `type`. The listener receives events that arrive from now on. */
  override addEventListener<K extends keyof EventSourceEventMap>(
    type: K,
    listener: (this: EventSource, event: EventSourceEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void
  override addEventListener(
    type: 'gap',
    listener: (this: EventSource, event: GapEvent) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void
  override addEventListener(
    type: string,
    listener: (this: EventSource, event: MessageEvent) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void
  override addEventListener(
    type: string,
    listener: unknown,
    options: boolean | AddEventListenerOptions = false,
  ): void {
    const callback = listener as EventListenerOrEventListenerObject | null
    const { signal, ...rest } = optionsOf(options)
    const { capture = false, once = false } = rest
    // The platform rejects invalid listeners and signals, and ignores aborted signals.
    if (!isObject(callback) || (signal !== undefined && !isSignal(signal)) || signal?.aborted) {
      super.addEventListener(type, callback, options)
      return
    }
    const name = `${type}`
    const record: ListenerRecord = {
      callback,
      capture: Boolean(capture),
      called: once ? callingOnce(callback, () => this.#untrack(name, record)) : callback,
    }
    if (!this.#track(name, record)) return
    super.addEventListener(name, record.called, rest)
    if (signal === undefined) return
    const remove = () => {
      this.#untrack(name, record)
      super.removeEventListener(name, record.called, rest)
    }
    signal.addEventListener('abort', remove)
    record.letGo = () => signal.removeEventListener('abort', remove)
  }

  override removeEventListener<K extends keyof EventSourceEventMap>(
    type: K,
    listener: (this: EventSource, event: EventSourceEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void
  override removeEventListener(
    type: 'gap',
    listener: (this: EventSource, event: GapEvent) => unknown,
    options?: boolean | EventListenerOptions,
  ): void
  override removeEventListener(
    type: string,
    listener: (this: EventSource, event: MessageEvent) => unknown,
    options?: boolean | EventListenerOptions,
  ): void
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void
  override removeEventListener(
    type: string,
    listener: unknown,
    options: boolean | EventListenerOptions = false,
  ): void {
    const callback = listener as EventListenerOrEventListenerObject | null
    const { capture = false } = optionsOf(options)
    const records = this.#listeners.get(String(type)) ?? []
    const record = records.find((one) => one.callback === callback && one.capture === Boolean(capture))
    super.removeEventListener(type, record?.called ?? callback, options)
    if (record !== undefined) this.#untrack(String(type), record)
  }

  /** Asks for a turn after each event that it dispatches, because the platform runs microtasks there. */
  #receive(entry: Entry): Pause {
    if (this.#readyState === CLOSED) return undefined
    if (entry.type === 'event') return this.#receiveEvent(entry)
    if (entry.type === 'gap') this.dispatchEvent(new GapEvent(entry))
    else this.#receiveState(entry)
    return 'turn'
  }

  #receiveEvent({ name, data, id }: EventEntry): Pause {
    // A hidden page is not told when its stream is connected for a moment.
    this.#open()
    if (!this.#listeners.has(name)) return undefined
    this.dispatchEvent(new Message(name, data, this.#origin, id))
    return 'turn'
  }

  #open(): void {
    if (this.#readyState === OPEN) return
    this.#readyState = OPEN
    this.dispatchEvent(new Event('open'))
  }

  /** [spec] The steps to announce, reestablish and fail the connection.
   *  https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model */
  #receiveState({ state, origin, error }: StateEntry): void {
    this.#origin = origin
    if (state === 'parked') return
    const former = this.#readyState
    if (state === 'open') {
      this.#open()
    } else if (state === 'connecting') {
      this.#readyState = CONNECTING
      // An entry without an error only reports the state, which this tab may know already.
      if (former === OPEN || error !== undefined) this.dispatchEvent(new Event('error'))
    } else {
      this.close()
      this.dispatchEvent(new Event('error'))
    }
  }

  /** Returns true if the listener is new. */
  #track(type: string, record: ListenerRecord): boolean {
    const { callback, capture } = record
    const records = this.#listeners.get(type) ?? []
    if (records.some((other) => other.callback === callback && other.capture === capture)) return false
    this.#listeners.set(type, [...records, record])
    if (records.length === 0) this.#subscription.setNames(this.#listeners.keys())
    return true
  }

  #untrack(type: string, record: ListenerRecord): void {
    const records = this.#listeners.get(type) ?? []
    const left = records.filter((other) => other !== record)
    if (left.length === records.length) return
    record.letGo?.()
    if (left.length > 0) {
      this.#listeners.set(type, left)
    } else {
      this.#listeners.delete(type)
      this.#subscription.setNames(this.#listeners.keys())
    }
  }

  #handler<E extends Event>(type: string): Handler<E> {
    return (this.#handlers.get(type)?.callback ?? null) as Handler<E>
  }

  /** [spec] An event handler keeps its place among the listeners from when it is first set until it is set to
   *  `null`. Any object is accepted, but only a function is called.
   *  https://html.spec.whatwg.org/multipage/webappapis.html#event-handler-attributes */
  #setHandler(type: string, value: unknown): void {
    const callback = isObject(value) ? (value as Handler<never>) : null
    const present = this.#handlers.get(type)
    if (present !== undefined && callback !== null) {
      present.callback = callback
    } else if (callback !== null) {
      const handler = {
        callback,
        listener: (event: Event) => {
          if (typeof handler.callback !== 'function') return
          if (handler.callback.call(this, event as never) === false) event.preventDefault()
        },
      }
      this.#handlers.set(type, handler)
      this.addEventListener(type, handler.listener)
    } else if (present !== undefined) {
      this.#handlers.delete(type)
      this.removeEventListener(type, present.listener)
    }
  }
}

/** [spec] IDL attributes are enumerable. Constants are read-only on the interface object and its prototype.
 *  https://webidl.spec.whatwg.org/#js-constants */
for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSED })) {
  const constant = { value, enumerable: true, writable: false, configurable: false }
  Object.defineProperty(SharedEventSource, name, constant)
  Object.defineProperty(SharedEventSource.prototype, name, constant)
}
for (const name of ['url', 'withCredentials', 'readyState', 'onopen', 'onmessage', 'onerror', 'close']) {
  Object.defineProperty(SharedEventSource.prototype, name, { enumerable: true })
}
Object.defineProperty(SharedEventSource.prototype, Symbol.toStringTag, {
  value: 'EventSource',
  configurable: true,
})
// A rest parameter does not count towards `length`, and a minifier changes `name`.
Object.defineProperty(SharedEventSource, 'length', { value: 1, configurable: true })
Object.defineProperty(SharedEventSource, 'name', { value: 'SharedEventSource', configurable: true })

const callingOnce = (callback: EventListenerOrEventListenerObject, note: () => void) =>
  function (this: unknown, event: Event): void {
    note()
    if (typeof callback === 'function') callback.call(this as EventTarget, event)
    else callback.handleEvent(event)
  }

const optionsOf = (options: boolean | AddEventListenerOptions | null): AddEventListenerOptions =>
  typeof options === 'object' && options !== null ? options : { capture: Boolean(options) }
