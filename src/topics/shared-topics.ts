import type { SharedStream } from '../api/shared-stream.ts'

/** Topics that tabs share, opened by `connectTopics()`: the name of an event is its topic. */
export interface SharedTopics<T extends object = Record<string, string>> extends SharedStream<T> {
  /**
   * Resolves when the server is asked for a topic that this page listens to. From then on each of its events comes, once and in order,
   * or `onGap` says that some may be missing. Events from shortly before may come as well.
   *
   * Rejects with a {@link TabstreamError} of type `'stream-ended'` where the stream ends before, and with an `AbortError` where the
   * page's last listener of the topic is taken off.
   */
  ready(topic: string): Promise<void>
}
