import {
  type EventEntry,
  INITIAL_STATE,
  type StateEntry,
  type StreamRequest,
} from '../../../src/link/protocol.ts'
import type { Entry, Log, LoggedEvent } from '../../../worker/log/log.ts'

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

/** An entry that no log has numbered yet. */
export type NewEntry = DistributiveOmit<Entry, 'seq'>

/** Answers with the entry as the log holds it. */
export function append(log: Log, entry: NewEntry): Entry {
  const numbered = { ...entry, seq: log.nextSeq }
  log.append(numbered)
  return numbered
}

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

/** An event as a log has it that goes on evenly. */
export const logged = <Event extends Omit<EventEntry, 'seq'>>(
  event: Event,
): Event & Pick<LoggedEvent, 'role' | 'at' | 'upTo' | 'same' | 'beginsAnew'> => ({
  ...event,
  role: 'history',
  same: undefined,
  beginsAnew: false,
  at: event.ordinal,
  upTo: event.ordinal,
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
