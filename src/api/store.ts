import { report } from './report.ts'

declare global {
  interface SymbolConstructor {
    /** Of the proposal for observables: not every page has it. Others declare it in the same words. */
    readonly observable: symbol
  }
}

/** Ends a subscription to a {@link Store}: call it, or its `unsubscribe`. */
export interface Unsubscribe {
  (): void
  unsubscribe(): void
}

/** What listens to a {@link Store}: a function, or an observer. */
export type StoreListener<Value> = ((value: Value) => void) | { readonly next?: (value: Value) => void }

/**
 * A value that changes. It fits Svelte's `$store`, React's `useSyncExternalStore`, Solid's `from`, RxJS's `from` and Angular's
 * `toSignal` as it is.
 */
export interface Store<Value> {
  /** The value now; as long as nobody subscribes, the one that it begins with. The same until it changes. */
  get(): Value
  /** Calls at once, and then once for each batch of events that has changed the value. */
  subscribe(listener: StoreListener<Value>): Unsubscribe
  /** Itself, for what takes observables. Also as `'@@observable'`, where the page does not have the symbol. */
  [Symbol.observable](): {
    subscribe(observer: { readonly next?: (value: Value) => void }): Unsubscribe
  }
}

/** Feeds a store. */
export interface Feed<Value> {
  /** Tells those who subscribe only when `tell` is called. */
  set(value: Value): void
  get(): Value
  tell(): void
}

/** A store that is fed only while somebody subscribes. */
export class FedStore<Value> implements Store<Value> {
  declare readonly [Symbol.observable]: () => this
  readonly #initial: Value
  #value: Value
  #told: Value
  readonly #listeners = new Set<StoreListener<Value>>()
  readonly #feed: (feed: Feed<Value>) => () => void
  #stop: (() => void) | undefined

  /** @param feed begins to feed it, and returns what ends that */
  constructor(initial: Value, feed: (feed: Feed<Value>) => () => void) {
    this.#initial = initial
    this.#value = initial
    this.#told = initial
    this.#feed = feed
    // RxJS looks for one of these, and not every page has the symbol.
    const self = { value: () => this }
    Object.defineProperty(this, '@@observable', self)
    const observable: symbol | undefined = Symbol.observable
    if (observable !== undefined) Object.defineProperty(this, observable, self)
  }

  /** So that Vue does not wrap it in a proxy, on which private fields throw. */
  get [Symbol.toStringTag](): string {
    return 'Store'
  }

  readonly get = (): Value => this.#value

  readonly subscribe = (listener: StoreListener<Value>): Unsubscribe => {
    // The same function may subscribe twice.
    const own: StoreListener<Value> =
      typeof listener === 'function'
        ? (value) => listener(value)
        : { next: (value) => listener.next?.(value) }
    this.#stop ??= this.#feed({
      get: this.get,
      set: (value) => {
        this.#value = value
      },
      tell: () => this.#tell(),
    })
    this.#listeners.add(own)
    call(own, this.#value)
    const unsubscribe = () => {
      if (!this.#listeners.delete(own) || this.#listeners.size > 0) return
      this.#stop?.()
      this.#stop = undefined
      this.#value = this.#initial
      this.#told = this.#initial
    }
    return Object.assign(unsubscribe, { unsubscribe })
  }

  #tell(): void {
    if (Object.is(this.#value, this.#told)) return
    this.#told = this.#value
    for (const listener of [...this.#listeners])
      if (this.#listeners.has(listener)) call(listener, this.#value)
  }
}

function call<Value>(listener: StoreListener<Value>, value: Value): void {
  try {
    if (typeof listener === 'function') listener(value)
    else listener.next?.(value)
  } catch (error) {
    report(error)
  }
}
