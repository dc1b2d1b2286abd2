import type { HostName } from '../link/host.ts'
import type { GapReason } from '../link/protocol.ts'

/** One event of a stream. */
export interface StreamEvent<Data = string, Name extends string = string> {
  readonly name: Name
  readonly data: Data
  /** The last event ID in effect, `''` where there is none. */
  readonly id: string
  /** Of the server. */
  readonly origin: string
}

/** Says that events may be missing: fetch your state again, then carry on. */
export interface Gap {
  readonly reason: GapReason
  /** Last event ID before the gap. */
  readonly before: string
  /** Last event ID of the first event after it, `''` where that is not known yet. */
  readonly after: string
}

/** How a stream stands. */
export interface StreamStatus {
  /** `'retrying'`: waits before the next attempt. */
  readonly state: 'connecting' | 'open' | 'retrying' | 'closed'
  /** Where the hub lives; absent until one is found. */
  readonly host: HostName | undefined
  /** How many attempts in a row have failed. */
  readonly attempt: number
  /** When the next one begins. */
  readonly retryAt: Date | undefined
  /** What went wrong last, for people; absent while all is well. */
  readonly error: string | undefined
  readonly openedAt: Date | undefined
}

/** An event whose data could not be decoded, or another fault of this page's own. */
export type StreamErrorListener = (error: Error, event: StreamEvent) => unknown

export type Listener<Value> = (value: Value) => unknown

/** Options of whatever listens. */
export interface ListenOptions {
  /** Ends the listening. */
  signal?: AbortSignal | undefined
}

/**
 * A stream that tabs share, as {@link connect} opens it.
 *
 * A listener that throws is reported as the platform reports it, and disturbs no other. What `on…` returns ends the
 * listening.
 */
export interface SharedStream<T extends object = Record<string, string>> extends Disposable {
  readonly status: StreamStatus
  /** Listens to events of a name, `'*'` for every name. Events that arrive from now on are received. */
  on<Name extends keyof T & string>(
    name: Name,
    listener: Listener<StreamEvent<T[Name], Name>>,
    options?: ListenOptions,
  ): () => void
  on(name: '*', listener: Listener<StreamEvent<T[keyof T] | string>>, options?: ListenOptions): () => void
  /**
   * Resolves with the next event of a name. Rejects when the stream ends first, with a {@link TabstreamError} of type
   * `'stream-ended'`, and when `signal` aborts, with its reason.
   */
  once<Name extends keyof T & string>(
    name: Name,
    options?: ListenOptions,
  ): Promise<StreamEvent<T[Name], Name>>
  /**
   * Iterates over the events of a name, or of every name for `'*'`, from now on. An event is taken from the hub when it is
   * asked for, so a slow loop holds up nothing but itself; where it falls behind further than the hub's log reaches,
   * `onGap` tells. Ends with the stream; throws where that has failed.
   */
  events<Name extends keyof T & string>(
    name: Name,
    options?: ListenOptions,
  ): AsyncIterableIterator<StreamEvent<T[Name], Name>>
  events(name: '*', options?: ListenOptions): AsyncIterableIterator<StreamEvent<T[keyof T] | string>>
  onGap(listener: Listener<Gap>, options?: ListenOptions): () => void
  /** Called with each new status. */
  onStatus(listener: Listener<StreamStatus>, options?: ListenOptions): () => void
  /**
   * Called with what could not be decoded: the reason, and the event with its data as they came. Without such a listener
   * the reason is reported as an uncaught error is. The stream lives on.
   */
  onError(listener: StreamErrorListener, options?: ListenOptions): () => void
  /** Stops receiving. The connection ends with its last subscriber. */
  close(): void
}
