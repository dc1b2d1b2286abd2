import type { Incoming, Writing } from './world/incoming.ts'

/**
 * Where events are alike, what a server sends can look just like the replay that was asked for, though it is none. Nobody
 * can tell then, so that what is missing before it is missing in silence.
 */

/** Events after one number, up to another. */
export interface Stretch {
  readonly after: number
  readonly upTo: number
}

/** How many ms after the head a replay begins at the latest, and how many are between two of its pieces at most. */
const REPLAY_DELAY = 10_000
const REPLAY_PAUSE = 70

/** For how many ms what has come may be held: where the connection is cut by then, it is taken for what belonged to that. */
const HELD = 1_050

/**
 * The events that may be missing in silence.
 *
 * @param connections all of a server, in the order in which they were opened
 */
export function deceptionsOf(connections: readonly Incoming[]): Stretch[] {
  const before: Writing[] = []
  // Less what may have been taken for a replay: then the client still asks for what it had before that.
  const undoubted: Writing[] = []
  const stretches: Stretch[] = []
  let after = 0
  for (const connection of connections) {
    const deceptive = [lastDeceptive(connection, before), lastDeceptive(connection, undoubted)].reduce(
      (last, one) => (one === undefined || (last && last.number > one.number) ? last : one),
    )
    if (deceptive !== undefined) stretches.push({ after, upTo: deceptive.number })
    const arrived = connection.writings.filter(({ hasArrived }) => hasArrived)
    before.push(...arrived)
    const isHeld = deceptive === undefined && isCutWhileHeld(connection)
    if (isHeld) continue
    undoubted.push(...arrived.filter(({ number }) => number > (deceptive?.number ?? 0)))
    after = before.reduce((most, { number }) => Math.max(most, number), 0)
  }
  return stretches
}

/** Whether it was asked for something that had not come yet. */
const isCutWhileHeld = ({ lastEventId, endedAt, writings }: Incoming): boolean =>
  lastEventId !== '' && endedAt <= (writings[0]?.at ?? 0) + HELD

/**
 * The last event at the beginning of a connection that looks like an event asked for, where what came up to it could be
 * a replay: of what was asked for, or of everything, which is only recognised where no known event looks like another one
 * before it but for their IDs.
 *
 * @param before what earlier connections had brought, as far as it arrived
 */
function lastDeceptive(connection: Incoming, before: readonly Writing[]): Writing | undefined {
  const { lastEventId, openedAt, writings } = connection
  const anchor = before.findLastIndex(({ id }) => id === lastEventId)
  if (lastEventId === '' || anchor < 0) return undefined
  const known = new Set(before.map(({ looks }) => looks))
  const askedFor = new Set(before.slice(anchor).map(({ looks }) => looks))
  let last: Writing | undefined
  let previousAt = openedAt + REPLAY_DELAY - REPLAY_PAUSE
  const lookedLike = new Set<string>()
  let isDistinctive = true
  for (const [index, writing] of writings.entries()) {
    // Who repeats the very event that was named may take its time behind that.
    const hasNamed = index === 1 && writings[0]?.looks === before[anchor]?.looks
    if (writing.at > (hasNamed ? openedAt + REPLAY_DELAY : previousAt + REPLAY_PAUSE)) break
    previousAt = writing.at
    isDistinctive &&= !known.has(writing.looks) || !lookedLike.has(writing.looksWithoutId)
    lookedLike.add(writing.looksWithoutId)
    const isNextAskedFor = index === 0 || last === writings[index - 1]
    if (askedFor.has(writing.looks) && (isDistinctive || isNextAskedFor)) last = writing
  }
  return last
}
