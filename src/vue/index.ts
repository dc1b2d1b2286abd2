import {
  type FoldOptions,
  type Gap,
  type GapEvent,
  type LazyStatus,
  type LazyStream,
  SharedEventSource,
  type SharedEventSourceInit,
  type StreamEvent,
} from 'tabstream'
import {
  effectScope,
  getCurrentInstance,
  type MaybeRefOrGetter,
  onMounted,
  onScopeDispose,
  type ShallowRef,
  shallowRef,
  toValue,
  watch,
} from 'vue'

/** Takes the place of a stream where nothing is to be listened to. */
export type NoStream = false | null | undefined

/** What a composable uses of a stream, whatever events it has. */
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
 * In a component it listens from when that is mounted, and so never on a server. It ends with the component or the effect scope.
 *
 * @param stream as `defineStream()` gives it, or a ref or getter of one; a falsy one listens to nothing
 * @param name may be a ref or a getter, too
 * @returns a ref of `undefined` before the first event
 * @example
 * const cpu = useStream(feed, 'cpu')
 */
export function useStream<T extends object, Name extends keyof T & string>(
  stream: MaybeRefOrGetter<LazyStream<T> | NoStream>,
  name: MaybeRefOrGetter<Name>,
): Readonly<ShallowRef<EventOf<T, Name> | undefined>> {
  const value = shallowRef<EventOf<T, Name>>()
  follow(stream, name, (stream, name) => {
    if (stream) return stream.latest(name).subscribe(setterOf(value))
    value.value = undefined
    return
  })
  return value
}

/**
 * What `step` makes of all events of one name, of several, or of every name for `'*'`, from when the component is mounted. It changes
 * once for each batch of events, and begins anew where stream or names change.
 *
 * @param stream as `defineStream()` gives it, or a ref or getter of one; a falsy one listens to nothing
 * @param names may be a ref or a getter, too
 * @param step makes the next value of the value and an event, and changes neither
 * @param initial what to begin with, and what a server renders
 * @param options `replay`: how many of the latest events of each name come first. Default: 0
 * @example
 * const lines = useStreamFold(feed, 'log', (all, { data }) => [...all, data].slice(-200), [] as string[])
 */
export function useStreamFold<T extends object, Name extends keyof T & string, Value>(
  stream: MaybeRefOrGetter<LazyStream<T> | NoStream>,
  names: MaybeRefOrGetter<Name | readonly Name[] | '*'>,
  step: (value: Value, event: EventOf<T, Name>) => Value,
  initial: Value,
  options?: FoldOptions,
): Readonly<ShallowRef<Value>> {
  const value = shallowRef(initial) as ShallowRef<Value>
  follow(stream, names, (stream, names) => {
    if (stream) return stream.fold<Name, Value>(names, initial, step, options).subscribe(setterOf(value))
    value.value = initial
    return
  })
  return value
}

/**
 * Calls `listener` with each event of a name, or of every name for `'*'`, from when the component is mounted.
 *
 * @param stream as `defineStream()` gives it, or a ref or getter of one; a falsy one listens to nothing
 * @param name may be a ref or a getter, too
 * @returns a function that ends it before the component or the effect scope does
 */
export function useStreamListener<T extends object, Name extends keyof T & string>(
  stream: MaybeRefOrGetter<LazyStream<T> | NoStream>,
  name: MaybeRefOrGetter<Name>,
  listener: (event: EventOf<T, Name>) => unknown,
): () => void
export function useStreamListener<T extends object>(
  stream: MaybeRefOrGetter<LazyStream<T> | NoStream>,
  name: '*',
  listener: (event: StreamEvent<T[keyof T] | string>) => unknown,
): () => void
export function useStreamListener(
  stream: MaybeRefOrGetter<LazyStream | NoStream>,
  name: MaybeRefOrGetter<string>,
  listener: (event: StreamEvent) => unknown,
): () => void {
  return follow(stream, name, (stream, name) => (stream ? stream.on(name, listener) : undefined))
}

/**
 * Calls `listener` where events may be missing, from when the component is mounted: fetch your state again there.
 *
 * @param stream as `defineStream()` gives it, or a ref or getter of one; a falsy one listens to nothing
 * @returns a function that ends it before the component or the effect scope does
 */
export function useStreamGap(
  stream: MaybeRefOrGetter<AnyStream | NoStream>,
  listener: (gap: Gap) => unknown,
): () => void {
  return follow(stream, 0, (stream) => (stream ? stream.onGap(listener) : undefined))
}

/**
 * The status of a stream, which it also keeps open.
 *
 * @param stream as `defineStream()` gives it, or a ref or getter of one; a falsy one listens to nothing
 * @returns a ref; `state` is `'idle'` until the component is mounted, and where the stream is falsy
 */
export function useStreamStatus(
  stream: MaybeRefOrGetter<AnyStream | NoStream>,
): Readonly<ShallowRef<LazyStatus>> {
  const value = shallowRef(IDLE)
  follow(stream, 0, (stream) => {
    if (stream) return stream.status.subscribe(setterOf(value))
    value.value = IDLE
    return
  })
  return value
}

/** Options of {@link useSharedEventSource}. */
export interface UseSharedEventSourceOptions<Data = string> extends SharedEventSourceInit {
  /** Opens at once. @default true */
  immediate?: boolean
  /** Opens anew where the URL changes. @default true */
  autoConnect?: boolean
  /** What to make of the data. By default they stay strings. */
  serializer?: { read: (data?: string) => Data }
}

/** What {@link useSharedEventSource} returns. */
export interface UseSharedEventSourceReturn<Name extends string = string, Data = string> {
  /** `null` while it is closed, and on a server. */
  eventSource: Readonly<ShallowRef<SharedEventSource | null>>
  /** Name of the latest event; `null` for one without a name. */
  event: ShallowRef<Name | null>
  data: ShallowRef<Data | null>
  /** `'CONNECTING'` also while a lost connection is made again. */
  status: ShallowRef<'CONNECTING' | 'OPEN' | 'CLOSED'>
  /** The latest `error` event; `null` once the connection is open. */
  error: ShallowRef<Event | null>
  lastEventId: ShallowRef<string | null>
  /** The latest gap: events may be missing there. */
  gap: ShallowRef<GapEvent | null>
  /** Opens it, anew if it is open. */
  open: () => void
  close: () => void
}

/**
 * Takes the place of VueUse's `useEventSource`, with a source that all tabs share. It closes with the component or the effect scope.
 *
 * @param url a ref or getter of `undefined` listens to nothing
 * @param events names to listen to besides `message`
 * @example
 * const { data, status } = useSharedEventSource('/events', ['cpu'])
 */
export function useSharedEventSource<const Name extends string = never, Data = string>(
  url: MaybeRefOrGetter<string | URL | undefined>,
  events: readonly Name[] = [],
  { immediate = true, autoConnect = true, serializer, ...init }: UseSharedEventSourceOptions<Data> = {},
): UseSharedEventSourceReturn<Name, Data> {
  const eventSource = shallowRef<SharedEventSource | null>(null)
  const event = shallowRef(null) as ShallowRef<Name | null>
  const data = shallowRef(null) as ShallowRef<Data | null>
  const status = shallowRef<'CONNECTING' | 'OPEN' | 'CLOSED'>('CONNECTING')
  const error = shallowRef<Event | null>(null)
  const lastEventId = shallowRef<string | null>(null)
  const gap = shallowRef<GapEvent | null>(null)
  const read = serializer?.read ?? ((data?: string) => data as Data)
  const close = () => {
    eventSource.value?.close()
    if (eventSource.value) status.value = 'CLOSED'
    eventSource.value = null
  }
  const open = () => {
    close()
    const at = toValue(url)
    if (at === undefined || !('document' in globalThis)) return
    const source = new SharedEventSource(at, init)
    eventSource.value = source
    status.value = 'CONNECTING'
    source.onopen = () => {
      status.value = 'OPEN'
      error.value = null
    }
    source.onerror = (failure) => {
      status.value = source.readyState === source.CLOSED ? 'CLOSED' : 'CONNECTING'
      error.value = failure
    }
    const take = (name: Name | null) => (message: MessageEvent) => {
      event.value = name
      data.value = read(message.data)
      lastEventId.value = message.lastEventId
    }
    source.onmessage = take(null)
    for (const name of events) source.addEventListener(name, take(name) as (event: Event) => void)
    source.addEventListener('gap', (event) => {
      gap.value = event as GapEvent
    })
  }
  if (immediate) open()
  if (autoConnect) watch(() => toValue(url), open)
  onScopeDispose(close)
  return { eventSource, event, data, status, error, lastEventId, gap, open, close }
}

const setterOf =
  <Value>(target: ShallowRef<Value>) =>
  (value: Value): void => {
    target.value = value
  }

/**
 * Starts, from when the component is mounted, and again whenever one of these values changes. What `start` returns ends it.
 *
 * @returns ends it for good
 */
function follow<One, Other>(
  one: MaybeRefOrGetter<One>,
  other: MaybeRefOrGetter<Other>,
  start: (one: One, other: Other) => (() => void) | undefined,
): () => void {
  const scope = effectScope()
  const begin = () =>
    scope.run(() =>
      watch(
        [() => toValue(one), () => toValue(other)] as const,
        ([one, other], _former, onCleanup) => {
          const end = start(one, other)
          if (end) onCleanup(end)
        },
        { immediate: true },
      ),
    )
  const instance = getCurrentInstance()
  // What a server has rendered must be there when the page hydrates.
  if (instance && !instance.isMounted) onMounted(begin)
  else begin()
  return () => scope.stop()
}
