import type { ConnectionLife, Entry, EventEntry, GapEntry, StateEntry } from '../link/protocol.ts'
import { count, duration } from './format.ts'
import type { Words } from './masked.ts'

/** One line of a stream's log. */
export type Row = EventRow | GapRow | StateRow | ConnectionRow | NoteRow

interface Common {
  /** Counts up in a stream. */
  number: number
  /** When it came, in ms since 1970; 0 where that is not known. */
  at: number
}

export interface EventRow extends Common, Pick<EventEntry, 'name' | 'data' | 'id'> {
  readonly type: 'event'
}

interface GapRow extends Common, Pick<GapEntry, 'reason' | 'before' | 'after'> {
  readonly type: 'gap'
}

interface StateRow extends Common, Pick<StateEntry, 'state' | 'error' | 'attempt' | 'retryAt'> {
  readonly type: 'state'
}

/** Stands where the connection began, and tells what has become of it since. */
export interface ConnectionRow extends Common {
  readonly type: 'connection'
  /** The first that is known is 1. */
  readonly ordinal: number
  connection: ConnectionLife
  /** The one before it. */
  readonly former: ConnectionLife | undefined
}

/** What the panel says itself. */
interface NoteRow extends Common {
  readonly type: 'note'
  readonly text: string
}

export function rowOf(entry: Entry, at: number): Row {
  if (entry.type !== 'event')
    return { ...entry, number: 0, at: at || (entry.type === 'state' ? entry.openedAt : 0) }
  // The entry of an event is the next one's, too.
  const { type, name, data, id } = entry
  return { type, name, data, id, number: 0, at }
}

/** What a line that is no event says. */
export function describe(row: Exclude<Row, EventRow>, words: Words): string {
  if (row.type === 'note') return row.text
  if (row.type === 'gap') {
    const { before, after } = row
    return joined([`Gap: ${row.reason}`, before && `after ${before}`, after && `before ${after}`])
  }
  if (row.type === 'state') {
    const { error, attempt, retryAt, at } = row
    return joined([
      `State: ${row.state}`,
      attempt > 0 && `${count(attempt, 'attempt')} failed`,
      retryAt > at && at > 0 && `next in ${duration(retryAt - at)}`,
      error && words(error.message),
    ])
  }
  return joined([`Connection ${row.ordinal}`, ...courseOf(row.connection, row.former, words)])
}

/** What a connection was asked for, and what has become of it. */
export function courseOf(
  connection: ConnectionLife,
  former: ConnectionLife | undefined,
  words: Words,
): (string | false)[] {
  const { resumeAfter, repeated, openedAt, outcome, status, end } = connection
  return [
    resumeAfter !== '' && `asked to resume after ${resumeAfter}`,
    repeated > 0 && `${count(repeated, 'known event')} came back`,
    outcome !== 'open' && outcome,
    status > 0 && `status ${status}`,
    openedAt > 0 &&
      former !== undefined &&
      former.endedAt > 0 &&
      `${duration(openedAt - former.endedAt)} without one`,
    end !== '' && `ended: ${words(end)}`,
  ]
}

export const joined = (parts: readonly (string | false | undefined)[]): string =>
  parts.filter(Boolean).join(' · ')
