import { createSubscriber } from 'svelte/reactivity'
import {
  type FoldOptions,
  type LazyStatus,
  type LazyStream,
  type Store,
  type StreamEvent,
  TabstreamError,
} from 'tabstream'

/** Takes the place of a stream where nothing is to be listened to. */
export type NoStream = false | null | undefined

/** What `defineStream()` gives, or a function that does; where that reads a state, it is followed. */
export type StreamOrGetter<Stream> = Stream | NoStream | (() => Stream | NoStream)

type EventOf<T extends object, Name extends keyof T & string> = StreamEvent<T[Name], Name>

const IDLE: LazyStatus = {
  state: 'idle',
  host: undefined,
  attempt: 0,
  retryAt: undefined,
  error: undefined,
  openedAt: undefined,
}

/** The value of a store. It is subscribed to while an effect, such as that of a template, has read the value. */
class Current<Stream, Value> {
  readonly #stream: StreamOrGetter<Stream>
  readonly #storeOf: (stream: Stream) => Store<Value>
  readonly #initial: Value
  #used: { readonly stream: Stream | NoStream; readonly read: () => Value } | undefined

  constructor(stream: StreamOrGetter<Stream>, storeOf: (stream: Stream) => Store<Value>, initial: Value) {
    this.#stream = stream
    this.#storeOf = storeOf
    this.#initial = initial
  }

  /** The value now. */
  get current(): Value {
    const stream = given(this.#stream)
    if (!this.#used || this.#used.stream !== stream) {
      this.#used = { stream, read: stream ? reader(this.#storeOf(stream)) : () => this.#initial }
    }
    return this.#used.read()
  }
}

/**
 * The latest event of a name, as `current`: also one that came before, if another tab has received it. It changes once for each batch
 * of events. The stream is open while a template or an effect reads it.
 *
 * `current` is `undefined` before the first event, on a server, and where the stream is falsy.
 *
 * @example
 * const cpu = new Latest(feed, 'cpu')
 * // {cpu.current?.data.load}
 */
export class Latest<T extends object, Name extends keyof T & string> extends Current<
  LazyStream<T>,
  EventOf<T, Name> | undefined
> {
  /** @param stream as `defineStream()` gives it, or a function that gives one; a falsy one listens to nothing */
  constructor(stream: StreamOrGetter<LazyStream<T>>, name: Name) {
    super(stream, (stream) => stream.latest(name), undefined)
  }
}

/**
 * What `step` makes of all events of one name, of several, or of every name for `'*'`, as `current`, from when a template or an effect
 * first reads it. It changes once for each batch of events. It begins anew where the stream changes, and once nobody reads it.
 *
 * @example
 * const lines = new Fold(feed, 'log', (all, { data }) => [...all, data].slice(-200), [] as string[])
 * // {#each lines.current as line}
 */
export class Fold<T extends object, Name extends keyof T & string, Value> extends Current<
  LazyStream<T>,
  Value
> {
  /**
   * @param stream as `defineStream()` gives it, or a function that gives one; a falsy one listens to nothing
   * @param step makes the next value of the value and an event, and changes neither
   * @param initial what to begin with, and what a server renders
   * @param options `replay`: how many of the latest events of each name come first. Default: 0
   */
  constructor(
    stream: StreamOrGetter<LazyStream<T>>,
    names: Name | readonly Name[] | '*',
    step: (value: Value, event: EventOf<T, Name>) => Value,
    initial: Value,
    options?: FoldOptions,
  ) {
    super(stream, (stream) => stream.fold<Name, Value>(names, initial, step, options), initial)
  }
}

/**
 * The status of a stream, as `current`. The stream is open while a template or an effect reads it.
 *
 * `current.state` is `'idle'` on a server, and where the stream is falsy.
 */
export class Status extends Current<Pick<LazyStream, 'status'>, LazyStatus> {
  /** @param stream as `defineStream()` gives it, or a function that gives one; a falsy one listens to nothing */
  constructor(stream: StreamOrGetter<Pick<LazyStream, 'status'>>) {
    super(stream, (stream) => stream.status, IDLE)
  }
}

/**
 * Calls `listener` with each event of a name, or of every name for `'*'`, until the effect in which it is called ends or runs anew.
 *
 * @param stream as `defineStream()` gives it, or a function that gives one; a falsy one listens to nothing
 * @throws {TabstreamError} of type `'configuration'` outside `$effect`
 * @example
 * $effect(() => onEvent(feed, 'log', ({ data }) => console.log(data)))
 */
export function onEvent<T extends object, Name extends keyof T & string>(
  stream: StreamOrGetter<LazyStream<T>>,
  name: Name,
  listener: (event: EventOf<T, Name>) => unknown,
): void
export function onEvent<T extends object>(
  stream: StreamOrGetter<LazyStream<T>>,
  name: '*',
  listener: (event: StreamEvent<T[keyof T] | string>) => unknown,
): void
export function onEvent(
  stream: StreamOrGetter<LazyStream>,
  name: string,
  listener: (event: StreamEvent) => unknown,
): void {
  const now = given(stream)
  let isInEffect = false
  createSubscriber(() => {
    isInEffect = true
    return now ? now.on(name, listener) : undefined
  })()
  if (!isInEffect)
    throw new TabstreamError('configuration', 'call onEvent() inside $effect, with which it ends')
}

const given = <Stream>(stream: StreamOrGetter<Stream>): Stream | NoStream =>
  typeof stream === 'function' ? (stream as () => Stream | NoStream)() : stream

/** Reads a store, so that the effect that reads runs anew when it changes. */
function reader<Value>(store: Store<Value>): () => Value {
  const track = createSubscriber((update) => {
    let isTold = false
    const end = store.subscribe(() => {
      // The first call, at once, tells nothing new.
      if (isTold) update()
    })
    isTold = true
    return end
  })
  return () => {
    track()
    return store.get()
  }
}
