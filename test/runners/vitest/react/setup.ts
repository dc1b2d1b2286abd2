import { act } from '@testing-library/react'
import { mockStreams } from 'tabstream/testing'

const streams = mockStreams({ act })

afterEach(() => streams.reset())
