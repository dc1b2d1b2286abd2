// For apps whose own libraries do not have `Disposable`.
/// <reference lib="esnext.disposable" preserve="true" />
import type { HostName } from '../link/host.ts'
import type { ConnectionError, GapReason } from '../link/protocol.ts'

/** One event of a stream. */
export interface StreamEvent<Data = string, Name extends string = string> {
  readonly name: Name
  readonly data: Data
  /** The last event ID in effect; `''` if there is none. */
  readonly id: string
  /** Origin of the response's final URL. */
  readonly origin: string
}

/** Tells that events may be missing. Fetch your state again, then carry on. */
export interface Gap {
  readonly reason: GapReason
  /** Last event ID before the gap. */
  readonly before: string
  /** Last event ID of the first event after the gap; `''` if it is not known yet. */
  readonly after: string
}

/** The state of a stream's connection. */
export interface StreamStatus {
  /**
   * `'retrying'`: the hub waits before the next attempt. `'parked'`: the stream has no connection, because others need theirs
   * more, or because nobody looks at it and `hidden` says so. It goes on where it stands.
   */
  readonly state: 'connecting' | 'open' | 'retrying' | 'parked' | 'closed'
  /** Where the hub lives; `undefined` until one is found. */
  readonly host: HostName | undefined
  /** How many attempts in a row have failed. */
  readonly attempt: number
  /** When the next attempt begins; `undefined` if none is planned. */
  readonly retryAt: Date | undefined
  /** What went wrong last, and what the server said; `undefined` if nothing did. */
  readonly error: ConnectionError | undefined
  /** When the connection was opened; `undefined` if it is not open. */
  readonly openedAt: Date | undefined
}

/** Receives the reason why an event's data could not be decoded, and that event with its data undecoded. */
export type StreamErrorListener = (error: Error, event: StreamEvent) => unknown

/** A callback of {@link SharedStream}. */
export type Listener<Value> = (value: Value) => unknown

/** Options of the methods of {@link SharedStream} that listen. */
export interface ListenOptions {
  /** Ends the listening when it aborts. */
  signal?: AbortSignal | undefined
}

/**
 * A stream that tabs share, opened by {@link connect}.
 *
 * An error that a listener throws is reported as an uncaught error, and does not affect other listeners.
 * Each `on…` method returns a function that removes the listener.
 */
export interface SharedStream<T extends object = Record<string, string>> extends Disposable {
  readonly status: StreamStatus
  /** Listens to events of a name; `'*'` means every name. It receives events that arrive from now on. */
  on<Name extends keyof T & string>(
    name: Name,
    listener: Listener<StreamEvent<T[Name], Name>>,
    options?: ListenOptions,
  ): () => void
  on(name: '*', listener: Listener<StreamEvent<T[keyof T] | string>>, options?: ListenOptions): () => void
  /**
   * Resolves with the next event of a name. Rejects with a {@link TabstreamError} of type `'stream-ended'`
   * if the stream ends first, and with the signal's reason if `signal` aborts.
   */
  once<Name extends keyof T & string>(
    name: Name,
    options?: ListenOptions,
  ): Promise<StreamEvent<T[Name], Name>>
  /**
   * Iterates over the events of a name, or of every name for `'*'`, from now on. The loop takes events from
   * the hub as it asks for them, so a slow loop delays only itself. If it falls behind further than the
   * hub's log reaches, `onGap` reports a gap. The loop ends when the stream ends, and throws if the stream
   * fails.
   */
  events<Name extends keyof T & string>(
    name: Name,
    options?: ListenOptions,
  ): AsyncIterableIterator<StreamEvent<T[Name], Name>>
  events(name: '*', options?: ListenOptions): AsyncIterableIterator<StreamEvent<T[keyof T] | string>>
  /** Called when events may be missing. */
  onGap(listener: Listener<Gap>, options?: ListenOptions): () => void
  /** Called with each new status. */
  onStatus(listener: Listener<StreamStatus>, options?: ListenOptions): () => void
  /**
   * Called when an event's data could not be decoded, with the reason and the event with its data
   * undecoded. Without such a listener, the reason is reported as an uncaught error. The stream goes on.
   */
  onError(listener: StreamErrorListener, options?: ListenOptions): () => void
  /**
   * Drops the connection, or the wait for the next one, and connects at once, for everyone who shares the stream. It resumes as
   * after a lost connection. A request of whatever method is made again.
   */
  reconnect(): void
  /**
   * Ends the stream for everyone who shares it, in all tabs, and closes the connection at once; at a log-out, for instance. The
   * others' streams are `'closed'` without an error, and their loops end. A stream that is opened later begins anew.
   */
  end(): void
  /** Stops receiving. The hub closes the connection 1 s after its last subscriber has gone. */
  close(): void
}
