export { configure, type HostName, type Options } from './api/configure.ts'
export { type ConnectOptions, connect } from './api/connect.ts'
export { type Decode, type Decoded, type Decoder, json, type StandardSchema, text } from './api/decode.ts'
export { type Inspection, inspect, type Refusal } from './api/inspect.ts'
export { type GapEvent, SharedEventSource, type SharedEventSourceInit } from './api/shared-event-source.ts'
export type {
  Gap,
  Listener,
  ListenOptions,
  SharedStream,
  StreamErrorListener,
  StreamEvent,
  StreamStatus,
} from './api/shared-stream.ts'
export type {
  ConnectionError,
  GapReason,
  HeadersReason,
  HubReport,
  Replay,
  StreamReport,
} from './link/protocol.ts'
export { TabstreamError, type TabstreamErrorType } from './page/errors.ts'
