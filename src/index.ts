export { type ConnectOptions, connect } from './connect.ts'
export { type Decode, type Decoded, type Decoder, json, type StandardSchema, text } from './decode.ts'
export { TabstreamError, type TabstreamErrorType } from './errors.ts'
export { type Inspection, inspect, type Refusal } from './inspect.ts'
export { configure, type HostName, type Options } from './options.ts'
export type {
  ConnectionError,
  GapReason,
  HeadersReason,
  HubReport,
  Replay,
  StreamReport,
} from './protocol.ts'
export { type GapEvent, SharedEventSource, type SharedEventSourceInit } from './shared-event-source.ts'
export type {
  Gap,
  Listener,
  ListenOptions,
  SharedStream,
  StreamErrorListener,
  StreamEvent,
  StreamStatus,
} from './shared-stream.ts'
