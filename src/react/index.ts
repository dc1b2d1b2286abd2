import { useEffect, useInsertionEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { FoldOptions, Gap, LazyStatus, LazyStream, Store, StreamEvent } from 'tabstream'

/** Takes the place of a stream where nothing is to be listened to. */
export type NoStream = false | null | undefined

/** What a hook uses of a stream, whatever events it has. */
type AnyStream = Pick<LazyStream, 'status' | 'onGap'> | NoStream

type EventOf<T extends object, Name extends keyof T & string> = StreamEvent<T[Name], Name>

/** What React takes of a store. */
type Readable<Value> = Pick<Store<Value>, 'get' | 'subscribe'>

type Select<Value, Selected> = (value: Value) => Selected

const IDLE: LazyStatus = {
  state: 'idle',
  host: undefined,
  attempt: 0,
  retryAt: undefined,
  error: undefined,
  openedAt: undefined,
}

/**
 * The latest event of a name: also one that came before, if another tab has received it. The component renders once for each batch
 * of events.
 *
 * @param stream as `defineStream()` gives it; a falsy one listens to nothing
 * @returns `undefined` before the first event, on a server, and while the page hydrates
 * @example
 * const cpu = useStream(feed, 'cpu')
 */
export function useStream<T extends object, Name extends keyof T & string>(
  stream: LazyStream<T> | NoStream,
  name: Name,
): EventOf<T, Name> | undefined
/**
 * What `select` makes of the latest event of a name. The component renders only where that changes.
 *
 * @param stream as `defineStream()` gives it; a falsy one listens to nothing
 * @param select is given `undefined` before the first event, on a server, and while the page hydrates; it may be written inline
 * @param isEqual says that two results are the same, so that the former one is kept. `Object.is` by default
 * @example
 * const load = useStream(feed, 'cpu', (event) => event?.data.load ?? 0)
 */
export function useStream<T extends object, Name extends keyof T & string, Selected>(
  stream: LazyStream<T> | NoStream,
  name: Name,
  select: (event: EventOf<T, Name> | undefined) => Selected,
  isEqual?: (one: Selected, other: Selected) => boolean,
): Selected
export function useStream(
  stream: LazyStream | NoStream,
  name: string,
  select: Select<StreamEvent | undefined, unknown> = same,
  isEqual: (one: unknown, other: unknown) => boolean = Object.is,
): unknown {
  const shown = useRef<{ readonly value: unknown }>(undefined)
  const selected = useMemo(() => {
    let last: { readonly event: StreamEvent | undefined; readonly value: unknown } | undefined
    return (event: StreamEvent | undefined) => {
      if (last?.event === event && last !== undefined) return last.value
      let value = select(event)
      const former = last ?? shown.current
      if (former !== undefined && isEqual(former.value, value)) value = former.value
      last = { event, value }
      return value
    }
  }, [select, isEqual])
  const store = stream ? stream.latest(name) : constant(undefined)
  const value = useSyncExternalStore(
    store.subscribe,
    () => selected(store.get()),
    () => selected(undefined),
  )
  useEffect(() => {
    shown.current = { value }
  })
  return value
}

/**
 * What `step` makes of all events of one name, of several, or of every name for `'*'`, from when the component is mounted. Where
 * `step` returns the same value again, nothing renders. It begins anew where stream, names or `replay` change.
 *
 * @param stream as `defineStream()` gives it; a falsy one listens to nothing
 * @param step makes the next value of the value and an event, and changes neither; it may be written inline
 * @param initial what to begin with, and what a server renders
 * @param options `replay`: how many of the latest events of each name come first. Default: 0
 * @example
 * const lines = useStreamFold(feed, 'log', (all, { data }) => [...all, data].slice(-200), [] as string[])
 */
export function useStreamFold<T extends object, Name extends keyof T & string, Value>(
  stream: LazyStream<T> | NoStream,
  names: Name | readonly Name[] | '*',
  step: (value: Value, event: EventOf<T, Name>) => Value,
  initial: Value,
  { replay }: FoldOptions = {},
): Value {
  const newest = useNewest(step)
  const key = JSON.stringify(names)
  // A list of names, and what to begin with, may be written inline.
  const store = useMemo<Readable<Value>>(
    () =>
      stream
        ? stream.fold<Name, Value>(names, initial, (value, event) => newest.current(value, event), {
            replay: replay ?? 0,
          })
        : constant(initial),
    [stream, key, replay],
  )
  // Nobody else subscribes to it, so it has what it begins with until it is mounted.
  return useSyncExternalStore(store.subscribe, store.get, store.get)
}

/**
 * Calls `listener` with each event of a name, or of every name for `'*'`, while the component is mounted. It renders nothing.
 *
 * @param stream as `defineStream()` gives it; a falsy one listens to nothing
 * @param listener always the one of the latest render; it may be written inline
 */
export function useStreamListener<T extends object, Name extends keyof T & string>(
  stream: LazyStream<T> | NoStream,
  name: Name,
  listener: (event: EventOf<T, Name>) => unknown,
): void
export function useStreamListener<T extends object>(
  stream: LazyStream<T> | NoStream,
  name: '*',
  listener: (event: StreamEvent<T[keyof T] | string>) => unknown,
): void
export function useStreamListener(
  stream: LazyStream | NoStream,
  name: string,
  listener: (event: StreamEvent) => unknown,
): void {
  const newest = useNewest(listener)
  useEffect(
    () => (stream ? stream.on(name, (event) => newest.current(event)) : undefined),
    [stream, name, newest],
  )
}

/**
 * Calls `listener` where events may be missing, while the component is mounted: fetch your state again there.
 *
 * @param stream as `defineStream()` gives it; a falsy one listens to nothing
 * @param listener always the one of the latest render; it may be written inline
 */
export function useStreamGap(stream: AnyStream, listener: (gap: Gap) => unknown): void {
  const newest = useNewest(listener)
  useEffect(() => (stream ? stream.onGap((gap) => newest.current(gap)) : undefined), [stream, newest])
}

/**
 * The status of a stream, which it also keeps open.
 *
 * @param stream as `defineStream()` gives it; a falsy one listens to nothing
 * @returns `state` is `'idle'` for a falsy stream, on a server, and while the page hydrates
 */
export function useStreamStatus(stream: AnyStream): LazyStatus {
  const { subscribe, get } = stream ? stream.status : constant(IDLE)
  return useSyncExternalStore(subscribe, get, () => IDLE)
}

const same = (value: unknown): unknown => value

const nothing = () => {}
/** The same for all, so that nobody subscribes anew in each render. */
const toNothing = () => Object.assign(nothing, { unsubscribe: nothing })

/** Never changes. */
const constant = <Value>(value: Value): Readable<Value> => ({ subscribe: toNothing, get: () => value })

/** Holds the function of the latest render that was shown. */
function useNewest<Called>(given: Called): { current: Called } {
  const newest = useRef(given)
  useInsertionEffect(() => {
    newest.current = given
  })
  return newest
}
