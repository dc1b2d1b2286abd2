import { INITIAL_STATE, type StateEntry, type StreamRequest } from '../../../src/link/protocol.ts'

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
  ...INITIAL_STATE,
  state,
  ...details,
})
