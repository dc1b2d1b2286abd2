import { mockStreams } from 'tabstream/testing'

const streams = mockStreams()

afterEach(() => streams.reset())
