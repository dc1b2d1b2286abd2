export type { DisconnectOptions, MockRequest, MockStream, SendOptions, Which } from './mock-stream.ts'
export { type MockOptions, type MockStreams, mockStreams } from './mock-streams.ts'
