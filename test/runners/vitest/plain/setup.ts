import { mockStreams } from 'tabstream/testing'

// Before the app's modules are loaded, since one of them opens a stream.
export const streams = mockStreams()

afterEach(() => streams.reset())
