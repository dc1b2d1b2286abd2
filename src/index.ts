export { configure, type Options } from './api/configure.ts'
export { connect } from './api/connect.ts'
export type { ConnectOptions, ResumeOptions } from './api/connect-options.ts'
export {
  base64,
  bytes,
  type Decode,
  type Decoded,
  type Decoder,
  json,
  type StandardSchema,
  text,
} from './api/decode.ts'
export { defineStream, streamFamily } from './api/define-stream.ts'
export { disturb } from './api/disturb.ts'
export type { GapEvent } from './api/gap-event.ts'
export { inspect } from './api/inspect.ts'
export type { FoldOptions, LazyStatus, LazyStream } from './api/lazy-stream.ts'
export { SharedEventSource, type SharedEventSourceInit } from './api/shared-event-source.ts'
export type {
  Gap,
  Listener,
  ListenOptions,
  SharedStream,
  StreamErrorListener,
  StreamEvent,
  StreamStatus,
} from './api/shared-stream.ts'
export type { Store, StoreListener, Unsubscribe } from './api/store.ts'
export type { HostName } from './link/host.ts'
export type {
  ConnectionError,
  ConnectionLife,
  Disturbance,
  EventEntry,
  GapEntry,
  GapReason,
  HeadersReason,
  HubLife,
  HubReport,
  Look,
  NameCount,
  OriginReport,
  PackedEntries,
  Replay,
  StateEntry,
  StreamLife,
  StreamReport,
  StreamState,
  SubscriptionLife,
  TabLife,
} from './link/protocol.ts'
export type { Slowness } from './page/disturb-client.ts'
export { TabstreamError, type TabstreamErrorType } from './page/errors.ts'
export type { Inspection, LifeInspection, Refusal } from './page/inspection.ts'
