import type { ConnectOptions, UrlFunction } from './connect-options.ts'
import { openStream } from './open-stream.ts'
import { canOpen } from './page-client.ts'
import type { PageStream } from './page-stream.ts'
import type {
  Gap,
  Listener,
  ListenOptions,
  SharedStream,
  StreamErrorListener,
  StreamEvent,
  StreamStatus,
} from './shared-stream.ts'
import { FedStore, type Store } from './store.ts'

/** As of a {@link SharedStream}; `'idle'` while nobody uses the stream, and where there is no browser. */
export type LazyStatus = Omit<StreamStatus, 'state'> & { readonly state: StreamStatus['state'] | 'idle' }

/** Options of {@link LazyStream.fold}. */
export interface FoldOptions {
  /** How many of the latest events of each name to begin with, of those that other tabs have received already. @default 0 */
  replay?: number | 'all'
}

/**
 * A stream that opens when somebody first uses it, and closes when nobody does any more: made by {@link defineStream}. Where there
 * is no browser it never opens, and does nothing.
 */
export interface LazyStream<T extends object = Record<string, string>>
  extends Pick<SharedStream<T>, 'on' | 'once' | 'events' | 'onGap' | 'onStatus' | 'onError'> {
  readonly status: Store<LazyStatus>
  /**
   * The latest event of a name: also one that came before, if another tab has received it.
   *
   * @param options `initial`: what to begin with, such as what a server has rendered
   */
  latest<Name extends keyof T & string>(
    name: Name,
    options?: { readonly initial?: StreamEvent<T[Name], Name> },
  ): Store<StreamEvent<T[Name], Name> | undefined>
  /**
   * What `step` makes of all events of one name, of several, or of every name for `'*'`, from when somebody subscribes. Where it
   * returns the same value again, nobody is told.
   */
  fold<Name extends keyof T & string, Value>(
    names: Name | readonly Name[] | '*',
    initial: Value,
    step: (value: Value, event: StreamEvent<T[Name], Name>) => Value,
    options?: FoldOptions,
  ): Store<Value>
  /** Keeps the stream open until what it returns is called, or disposed of. */
  hold(): (() => void) & Disposable
  /** Connects at once, for all who share the stream; opens it anew if it has ended. Nothing happens while nobody uses it. */
  reconnect(): void
  /** Ends the stream for everyone who shares it, in all tabs; also where this page does not use it. */
  end(): void
}

const IDLE: LazyStatus = {
  state: 'idle',
  host: undefined,
  attempt: 0,
  retryAt: undefined,
  error: undefined,
  openedAt: undefined,
}

/** What somebody does with the stream while it is open. Returns what ends that. */
type Use = (stream: PageStream) => () => void

/** One subscription to a stream, open while it is used. */
class Opening {
  readonly #open: () => PageStream
  /** Each with what ends it. */
  readonly #uses = new Map<Use, () => void>()
  stream: PageStream | undefined

  constructor(open: () => PageStream) {
    this.#open = open
  }

  use(given: Use, signal?: AbortSignal): () => void {
    if (signal?.aborted || !canOpen()) return () => {}
    // The same function may be given twice.
    const use: Use = (stream) => given(stream)
    this.stream ??= this.#open()
    try {
      this.#uses.set(use, use(this.stream))
    } catch (error) {
      this.#closeIfUnused()
      throw error
    }
    const release = () => {
      signal?.removeEventListener('abort', release)
      const end = this.#uses.get(use)
      if (!this.#uses.delete(use)) return
      end?.()
      this.#closeIfUnused()
    }
    signal?.addEventListener('abort', release)
    return release
  }

  /** Opens it anew if it has ended. */
  revive(): void {
    if (this.stream?.status.state !== 'closed') return
    this.stream = this.#open()
    for (const [use, end] of [...this.#uses]) {
      end()
      this.#uses.set(use, use(this.stream))
    }
  }

  #closeIfUnused(): void {
    if (this.#uses.size > 0) return
    this.stream?.close()
    this.stream = undefined
  }
}

/** What `defineStream()` returns. */
export class PageLazyStream implements LazyStream {
  readonly #url: string | URL | UrlFunction
  readonly #options: () => ConnectOptions
  readonly #common: Opening
  readonly #openings = new Set<Opening>()
  readonly #latest = new Map<string, Store<StreamEvent | undefined>>()
  readonly status: Store<LazyStatus>

  constructor(url: string | URL | UrlFunction, options: () => ConnectOptions) {
    this.#url = url
    this.#options = options
    this.#common = new Opening(() => openStream(url, options()))
    this.#openings.add(this.#common)
    this.status = new FedStore<LazyStatus>(IDLE, (feed) =>
      this.#common.use((stream) => {
        const tell = (status: StreamStatus) => {
          feed.set(status)
          feed.tell()
        }
        tell(stream.status)
        return stream.onStatus(tell)
      }),
    )
  }

  /** So that Vue does not wrap it in a proxy, on which private fields throw. */
  get [Symbol.toStringTag](): string {
    return 'LazyStream'
  }

  on(name: string, listener: Listener<never>, { signal }: ListenOptions = {}): () => void {
    return this.#common.use((stream) => stream.on(name, listener), signal)
  }

  onGap(listener: Listener<Gap>, { signal }: ListenOptions = {}): () => void {
    return this.#common.use((stream) => stream.onGap(listener), signal)
  }

  onStatus(listener: Listener<StreamStatus>, { signal }: ListenOptions = {}): () => void {
    return this.#common.use((stream) => stream.onStatus(listener), signal)
  }

  onError(listener: StreamErrorListener, { signal }: ListenOptions = {}): () => void {
    return this.#common.use((stream) => stream.onError(listener), signal)
  }

  async once(name: string, options?: ListenOptions): Promise<StreamEvent<never, never>> {
    const release = this.hold()
    try {
      return await (this.#common.stream?.once(name, options) ?? never())
    } finally {
      release()
    }
  }

  events(name: string, options?: ListenOptions): AsyncIterableIterator<StreamEvent<never, never>> {
    const release = this.hold()
    const { stream } = this.#common
    const loop = stream?.events(name, options)
    const passed = <Result extends IteratorResult<unknown>>(result: Result): Result => {
      if (result.done) release()
      return result
    }
    const failed = (error: unknown) => {
      release()
      throw error
    }
    const iterator: AsyncIterableIterator<StreamEvent<never, never>> = {
      next: () => (loop === undefined ? never() : loop.next().then(passed, failed)),
      return: async () => {
        release()
        await loop?.return?.()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  latest(
    name: string,
    { initial }: { readonly initial?: StreamEvent } = {},
  ): Store<StreamEvent<never, never> | undefined> {
    const known = initial === undefined ? this.#latest.get(name) : undefined
    const store =
      known ?? this.#fed<StreamEvent | undefined>([name], initial, (_former, event) => event, { [name]: 1 })
    // With an initial value it is one caller's own.
    if (initial === undefined) this.#latest.set(name, store)
    return store as Store<StreamEvent<never, never> | undefined>
  }

  fold<Value>(
    names: string | readonly string[],
    initial: Value,
    step: (value: Value, event: StreamEvent<never, never>) => Value,
    { replay }: FoldOptions = {},
  ): Store<Value> {
    return this.#fed(typeof names === 'string' ? [names] : names, initial, step as never, replay)
  }

  hold(): (() => void) & Disposable {
    const release = this.#common.use(() => () => {})
    return Object.assign(release, { [Symbol.dispose]: release })
  }

  reconnect(): void {
    for (const opening of this.#openings) opening.revive()
    // They share one connection.
    const [stream] = [...this.#openings].flatMap(({ stream }) => stream ?? [])
    stream?.reconnect()
  }

  end(): void {
    if (canOpen()) openStream(this.#url, this.#options()).end()
  }

  /** A store with a subscription of its own, because each has a `replay` of its own. */
  #fed<Value>(
    names: readonly string[],
    initial: Value,
    step: (value: Value, event: StreamEvent) => Value,
    replay: ConnectOptions['replay'],
  ): Store<Value> {
    return new FedStore<Value>(initial, (feed) => {
      const opening = new Opening(() =>
        openStream(this.#url, { ...this.#options(), replay: replay ?? 0 }, feed.tell),
      )
      this.#openings.add(opening)
      const release = opening.use((stream) => {
        // Opened anew, it may be another user's, and nobody knows what came meanwhile.
        feed.set(initial)
        feed.tell()
        const take = (event: StreamEvent) => feed.set(step(feed.get(), event))
        const offs = names.map((name) => stream.on(name, take as Listener<never>))
        return () => {
          for (const off of offs) off()
        }
      })
      return () => {
        release()
        this.#openings.delete(opening)
      }
    })
  }
}

/** Where there is no browser nothing comes. */
const never = (): Promise<never> => new Promise(() => {})
