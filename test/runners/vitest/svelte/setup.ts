import { flushSync } from 'svelte'
import { mockStreams } from 'tabstream/testing'

const streams = mockStreams({ act: flushSync })

afterEach(() => streams.reset())
