import {
  type ConnectionError,
  type Entry,
  EVERY_NAME,
  type EventEntry,
  type GapEntry,
  INITIAL_STATE,
  type StreamState,
} from '../link/protocol.ts'
import { answersOf } from '../page/answers.ts'
import type { Client } from '../page/client.ts'
import { TabstreamError } from '../page/errors.ts'
import { end, reconnect } from '../page/for-everyone.ts'
import type { Pause } from '../page/inbox.ts'
import type { PageSubscription, Wish } from '../page/page-subscription.ts'
import { checkListening, checkName, checkSignal } from './checks.ts'
import { type Decoder, handDecoded } from './decode.ts'
import { Iteration } from './iteration.ts'
import { report } from './report.ts'
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

interface PageStreamOptions {
  readonly decoders?: Readonly<Record<string, Decoder>> | undefined
  readonly until?: ((event: StreamEvent) => boolean) | undefined
  readonly signal?: AbortSignal | undefined
}

/** How many gaps are remembered, so that none is reported twice. */
const GAPS_REMEMBERED = 64

/** A page's part of a stream: what `connect()` returns. */
export class PageStream implements SharedStream {
  /** For what a kind of stream can do besides. */
  protected readonly client: Client
  readonly #wish: Wish
  readonly #options: PageStreamOptions
  protected readonly subscription: PageSubscription
  readonly #listeners = new Set<Registration>()
  /** Who hears events of each name that somebody listens to, and under `*` those of all other names. Filled when needed. */
  readonly #hearing = new Map<string, readonly Registration[] | undefined>()
  readonly #iterations = new Map<Iteration, PageSubscription>()
  readonly #hooks = {
    gap: new Set<Listener<Gap>>(),
    status: new Set<Listener<StreamStatus>>(),
    error: new Set<StreamErrorListener>(),
  }
  readonly #toldGaps = new Set<string>()
  /** How the stream stands. */
  protected current = INITIAL_STATE
  #status: StreamStatus | undefined
  /** Aborted when the stream is closed. */
  readonly #end = new AbortController()

  constructor(client: Client, wish: Wish, options: PageStreamOptions) {
    this.client = client
    Object.assign(client.tabSide, answersOf(client))
    this.#wish = wish
    this.#options = options
    this.subscription = client.subscribe(wish, (entry, log) => this.#receive(entry, log))
    this.#subscribe()
    if (options.signal?.aborted) this.close()
    this.#whenAborted(options.signal, () => this.close())
  }

  get status(): StreamStatus {
    const { state, error, attempt, retryAt, openedAt } = this.current
    // The hub does not report when an attempt begins, so the clock decides.
    const isWaiting = retryAt > this.client.now()
    const status = {
      state: state === 'connecting' && isWaiting ? 'retrying' : state,
      host: this.client.link?.host.name,
      attempt,
      retryAt: isWaiting ? new Date(retryAt) : undefined,
      error,
      openedAt: openedAt > 0 ? new Date(openedAt) : undefined,
    } as const
    // The same object until it changes, as React's `useSyncExternalStore` expects.
    if (JSON.stringify(status) !== JSON.stringify(this.#status)) this.#status = status
    return this.#status as StreamStatus
  }

  /** So that Vue does not wrap it in a proxy, on which private fields throw. */
  get [Symbol.toStringTag](): string {
    return 'SharedStream'
  }

  on(name: string, listener: Listener<never>, { signal }: ListenOptions = {}): () => void {
    checkName(name)
    checkListening(signal, listener)
    const registration = { name, listener }
    return this.#register(this.#listeners, registration, signal, () => this.#subscribe())
  }

  once(name: string, { signal }: ListenOptions = {}): Promise<StreamEvent<never, never>> {
    checkName(name)
    checkSignal(signal)
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
      // Asynchronous, so that code that awaits it can add listeners before the next event.
      const off = this.on(name, async (event) => {
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
      } else signal?.addEventListener('abort', abort)
    })
  }

  events(name: string, { signal }: ListenOptions = {}): AsyncIterableIterator<StreamEvent<never, never>> {
    checkName(name)
    checkSignal(signal)
    let origin = ''
    // Later ones begin where the stream is.
    const since = this.current === INITIAL_STATE ? this.#wish.since : undefined
    const subscription = this.client.subscribe({ ...this.#wish, replay: undefined, since }, (entry, log) => {
      if (entry.type === 'event') {
        const raw = rawOf(entry, origin)
        const pause = this.#decoded(
          raw,
          () => !iteration.isOver,
          (event) => iteration.offer(event),
        )
        return this.#isLast(raw) ? after(pause, () => iteration.finish()) : pause
      }
      if (entry.type === 'gap') this.#tellGap(entry, log)
      else {
        origin = entry.origin
        if (entry.state === 'closed') iteration.finish(entry.error && ended(entry.error))
      }
      return 'turn'
    })
    const stop = () => iteration.stop()
    const iteration = new Iteration(() => {
      subscription.close()
      this.#iterations.delete(iteration)
      signal?.removeEventListener('abort', stop)
    })
    this.#iterations.set(iteration, subscription)
    subscription.setNames([name])
    if (signal?.aborted || this.current.state === 'closed') stop()
    else signal?.addEventListener('abort', stop)
    return iteration
  }

  onGap(listener: Listener<Gap>, { signal }: ListenOptions = {}): () => void {
    return this.#hook(this.#hooks.gap, listener, signal)
  }

  onStatus(listener: Listener<StreamStatus>, { signal }: ListenOptions = {}): () => void {
    return this.#hook(this.#hooks.status, listener, signal)
  }

  onError(listener: StreamErrorListener, { signal }: ListenOptions = {}): () => void {
    return this.#hook(this.#hooks.error, listener, signal)
  }

  reconnect(): void {
    reconnect(this.client, this.subscription)
    // One that began when its page could not say whose it is may have another connection.
    for (const loop of this.#iterations.values())
      if (loop.log !== this.subscription.log) reconnect(this.client, loop)
  }

  end(): void {
    this.#leave(true)
  }

  close(): void {
    this.#leave(false)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #leave(endsStream: boolean): void {
    for (const iteration of [...this.#iterations.keys()]) iteration.stop()
    this.#close(undefined, endsStream)
  }

  #close(error: ConnectionError | undefined, endsStream = false): void {
    if (this.current.state === 'closed') return
    if (endsStream) end(this.client, this.subscription)
    this.subscription.close()
    if (endsStream) for (const subscription of this.#iterations.values()) subscription.conclude()
    this.#enter({ ...this.current, state: 'closed', retryAt: 0, openedAt: 0, error })
    // Until the event that is being dispatched has been, a signal can still take listeners from it.
    queueMicrotask(() => this.#end.abort())
  }

  /** A signal may live much longer than the stream, and must not keep it. */
  #whenAborted(signal: AbortSignal | undefined, then: () => void): void {
    if (!this.#end.signal.aborted) signal?.addEventListener('abort', then, { signal: this.#end.signal })
  }

  #receive(entry: Entry, log: string): Pause {
    if (this.current.state === 'closed') return undefined
    if (entry.type === 'event') return this.#receiveEvent(entry)
    if (entry.type === 'gap') this.#tellGap(entry, log)
    else if (entry.state === 'closed') this.#close(entry.error)
    else this.#enter(entry)
    return 'turn'
  }

  /** Each iteration is told the stream's gaps too, so repeated ones are dropped here. */
  #tellGap(gap: GapEntry, log: string): void {
    const key = JSON.stringify([log, gap])
    if (this.#toldGaps.has(key)) return
    if (this.#toldGaps.size === GAPS_REMEMBERED) this.#toldGaps.clear()
    this.#toldGaps.add(key)
    this.#notify(this.#hooks.gap, gapOf(gap))
  }

  #receiveEvent(entry: EventEntry): Pause {
    const raw = rawOf(entry, this.current.origin)
    const isHeard = this.#hearers(entry.name).length > 0
    const pause = isHeard ? this.#decoded(raw, this.#isOpen, this.#dispatch) : undefined
    return this.#isLast(raw) ? after(pause, () => this.#close(undefined, true)) : pause
  }

  readonly #isOpen = (): boolean => this.current.state !== 'closed'

  #hearers(name: string): readonly Registration[] {
    // One list for all other names: a server may make them up without end.
    const own = this.#hearing.has(name) ? name : EVERY_NAME
    let hearing = this.#hearing.get(own)
    if (hearing === undefined) {
      hearing = [...this.#listeners].filter((one) => one.name === own || one.name === EVERY_NAME)
      this.#hearing.set(own, hearing)
    }
    return hearing
  }

  #isLast(raw: StreamEvent): boolean {
    try {
      return this.#options.until?.(raw) === true
    } catch (error) {
      report(error)
      return false
    }
  }

  #decoded(
    raw: StreamEvent,
    isWanted: () => boolean,
    handOver: (event: StreamEvent<unknown>) => Pause,
  ): Pause {
    return handDecoded(raw, this.#options.decoders, isWanted, handOver, (error) => this.#fault(error, raw))
  }

  /** If a listener returns an object, as async functions do, its microtasks run before the next event. */
  readonly #dispatch = (event: StreamEvent<unknown>): Pause => {
    let pause: Pause
    for (const registration of this.#hearers(event.name)) {
      // An earlier listener may have removed this one.
      if (!this.#listeners.has(registration)) continue
      if (isObject(this.#call(registration.listener as Listener<unknown>, event))) pause = 'turn'
    }
    return pause
  }

  #fault(error: unknown, event: StreamEvent): void {
    const reason = error instanceof Error ? error : new Error(String(error))
    const message = `tabstream: the data of event "${event.name}" could not be decoded (${reason.message})`
    const fault = new Error(message, { cause: error })
    if (this.#hooks.error.size === 0) report(fault)
    for (const listener of [...this.#hooks.error]) this.#call(() => listener(fault, event), undefined)
  }

  #enter(state: StreamState): void {
    this.current = state
    this.#notify(this.#hooks.status, this.status)
  }

  #notify<Value>(listeners: ReadonlySet<Listener<Value>>, value: Value): void {
    for (const listener of [...listeners]) if (listeners.has(listener)) this.#call(listener, value)
  }

  #call<Value>(listener: Listener<Value>, value: Value): unknown {
    try {
      return listener(value)
    } catch (error) {
      report(error)
      return undefined
    }
  }

  #subscribe(): void {
    const names = new Set([...this.#listeners].map(({ name }) => name))
    this.#hearing.clear()
    for (const name of names) this.#hearing.set(name, undefined)
    if (this.#options.until !== undefined) names.add(EVERY_NAME)
    this.subscription.setNames(names)
  }

  #hook<Item>(items: Set<Item>, item: Item, signal: AbortSignal | undefined): () => void {
    checkListening(signal, item)
    return this.#register(items, item, signal)
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
    this.#whenAborted(signal, remove)
    return remove
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

function after(pause: Pause, finish: () => void): Pause {
  if (pause instanceof Promise) return pause.then(finish)
  finish()
  return pause
}

const rawOf = ({ name, data, id }: EventEntry, origin: string): StreamEvent => ({ name, data, id, origin })

const gapOf = ({ reason, before, after }: Gap): Gap => ({ reason, before, after })

const ended = (error: ConnectionError | undefined): TabstreamError =>
  new TabstreamError(
    'stream-ended',
    error ? `the stream has failed (${error.message})` : 'the stream has ended',
  )
