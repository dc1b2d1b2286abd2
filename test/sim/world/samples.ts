import type { StateEntry, StreamRequest } from '../../../src/link/protocol.ts'

/** What `SharedEventSource` asks for, unless told otherwise. */
export const requestTo = (url: string, details: Partial<StreamRequest> = {}): StreamRequest => ({
  url,
  credentials: 'same-origin',
  method: 'GET',
  body: undefined,
  headers: [],
  key: '',
  asksHeaders: false,
  ...details,
})

export const stateEntry = (
  state: StateEntry['state'],
  details: Partial<Omit<StateEntry, 'seq'>> = {},
): Omit<StateEntry, 'seq'> => ({
  type: 'state',
  state,
  origin: '',
  error: '',
  attempt: 0,
  retryAt: 0,
  openedAt: 0,
  ...details,
})
