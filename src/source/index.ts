export type {
  AppSource,
  Opened,
  SourceConnection,
  SourceEventInit,
  SourceFailureInit,
  SourceParts,
  SourceStream,
} from './app-source.ts'
export { connectSource } from './connect-source.ts'
export { defineSource, provideSources } from './for-hubs.ts'
export type { SharedSourceStream, SourceConnectOptions, SourceMessage } from './source-options.ts'
