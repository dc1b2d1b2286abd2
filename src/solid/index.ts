import { type Accessor, createEffect, createSignal, onCleanup, untrack } from 'solid-js'
import type { FoldOptions, Gap, LazyStatus, LazyStream, Store, StreamEvent } from 'tabstream'

/** Takes the place of a stream where nothing is to be listened to. */
export type NoStream = false | null | undefined

/** What `defineStream()` gives, or an accessor of that, which is followed. */
export type StreamOrAccessor<Stream> = Stream | NoStream | Accessor<Stream | NoStream>

/** What is used of a stream, whatever events it has. */
type AnyStream = Pick<LazyStream, 'status' | 'onGap'>

type EventOf<T extends object, Name extends keyof T & string> = StreamEvent<T[Name], Name>

const IDLE: LazyStatus = {
  state: 'idle',
  host: undefined,
  attempt: 0,
  retryAt: undefined,
  error: undefined,
  openedAt: undefined,
}

/**
 * The latest event of a name: also one that came before, if another tab has received it. It changes once for each batch of events.
 *
 * It listens from when the owner is rendered until that is disposed of, and so never on a server.
 *
 * @param stream as `defineStream()` gives it, or an accessor of one; a falsy one listens to nothing
 * @returns an accessor of `undefined` before the first event
 * @example
 * const cpu = createStream(() => feed, 'cpu')
 */
export function createStream<T extends object, Name extends keyof T & string>(
  stream: StreamOrAccessor<LazyStream<T>>,
  name: Name,
): Accessor<EventOf<T, Name> | undefined> {
  return follow(stream, (stream) => stream.latest(name), undefined)
}

/**
 * What `step` makes of all events of one name, of several, or of every name for `'*'`, from when the owner is rendered. It changes once
 * for each batch of events, and begins anew where the stream changes.
 *
 * @param stream as `defineStream()` gives it, or an accessor of one; a falsy one listens to nothing
 * @param step makes the next value of the value and an event, and changes neither
 * @param initial what to begin with, and what a server renders
 * @param options `replay`: how many of the latest events of each name come first. Default: 0
 * @example
 * const lines = createStreamFold(() => feed, 'log', (all, { data }) => [...all, data].slice(-200), [] as string[])
 */
export function createStreamFold<T extends object, Name extends keyof T & string, Value>(
  stream: StreamOrAccessor<LazyStream<T>>,
  names: Name | readonly Name[] | '*',
  step: (value: Value, event: EventOf<T, Name>) => Value,
  initial: Value,
  options?: FoldOptions,
): Accessor<Value> {
  return follow(stream, (stream) => stream.fold<Name, Value>(names, initial, step, options), initial)
}

/**
 * The status of a stream, which it also keeps open.
 *
 * @param stream as `defineStream()` gives it, or an accessor of one; a falsy one listens to nothing
 * @returns an accessor; `state` is `'idle'` until the owner is rendered, and where the stream is falsy
 */
export function createStreamStatus(stream: StreamOrAccessor<AnyStream>): Accessor<LazyStatus> {
  return follow(stream, (stream) => stream.status, IDLE)
}

/**
 * Calls `listener` with each event of a name, or of every name for `'*'`, from when the owner is rendered until it is disposed of.
 *
 * @param stream as `defineStream()` gives it, or an accessor of one; a falsy one listens to nothing
 */
export function createStreamListener<T extends object, Name extends keyof T & string>(
  stream: StreamOrAccessor<LazyStream<T>>,
  name: Name,
  listener: (event: EventOf<T, Name>) => unknown,
): void
export function createStreamListener<T extends object>(
  stream: StreamOrAccessor<LazyStream<T>>,
  name: '*',
  listener: (event: StreamEvent<T[keyof T] | string>) => unknown,
): void
export function createStreamListener(
  stream: StreamOrAccessor<LazyStream>,
  name: string,
  listener: (event: StreamEvent) => unknown,
): void {
  use(stream, (stream) => stream?.on(name, listener))
}

/**
 * Calls `listener` where events may be missing, from when the owner is rendered until it is disposed of: fetch your state again there.
 *
 * @param stream as `defineStream()` gives it, or an accessor of one; a falsy one listens to nothing
 */
export function createStreamGap(stream: StreamOrAccessor<AnyStream>, listener: (gap: Gap) => unknown): void {
  use(stream, (stream) => stream?.onGap(listener))
}

/** The value of a store of the stream. */
function follow<Stream, Value>(
  stream: StreamOrAccessor<Stream>,
  storeOf: (stream: Stream) => Store<Value>,
  initial: Value,
): Accessor<Value> {
  const [value, setValue] = createSignal(initial)
  const set = (value: Value): undefined => {
    setValue(() => value)
  }
  use(stream, (stream) => (stream ? storeOf(stream).subscribe(set) : set(initial)))
  return value
}

/** Starts, and again whenever the stream changes. What `start` returns ends it. Effects do not run on a server. */
function use<Stream>(
  stream: StreamOrAccessor<Stream>,
  start: (stream: Stream | undefined) => (() => void) | undefined,
): void {
  createEffect(() => {
    const now = typeof stream === 'function' ? (stream as Accessor<Stream | NoStream>)() : stream
    const end = untrack(() => start(now || undefined))
    if (end) onCleanup(end)
  })
}
