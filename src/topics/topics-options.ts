import type { ConnectOptions } from '../api/connect-options.ts'
import type { Decoder } from '../api/decode.ts'
import type { Engine } from '../link/topics.ts'

/** Options of `connect()` that mean something else here, or nothing. */
type Unfit = 'gapEvents' | 'resume' | 'since' | 'until'

/** Options of `connectTopics()`: those of `connect()`, and these. Tabs share if the engine is the same; the topics make no difference. */
export interface TopicsConnectOptions<
  Decoders extends Readonly<Record<string, Decoder>> = Record<string, Decoder>,
> extends Omit<ConnectOptions<Decoders>, Unfit> {
  /** How the server is asked for topics, and says which topic an event is of. */
  engine: Engine
  /**
   * Where the source for topics is, `dist/topics-source.js`, which the hub fetches: for apps whose tools do not place it beside the other
   * files. It must be of the page's origin.
   */
  script?: string | URL
}
