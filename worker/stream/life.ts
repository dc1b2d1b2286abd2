import { pack } from '../../src/link/pack.ts'
import type { NameCount, StreamLife } from '../../src/link/protocol.ts'
import { charactersOf, type Entry } from '../log/log.ts'
import type { Stream } from './stream.ts'

/**
 * What a page is told that looks into the hub's life.
 *
 * @param seen number of the last entry that it has been told of
 * @param most entries that it is told of
 * @param isYours the stream is its own, too; of other streams it is told how many events came, and none of what they say
 */
export function lifeOf(stream: Stream, seen: number, most: number, isYours: boolean): StreamLife {
  const { id, request, log, chronicle, stateNow } = stream
  const { firstSeq, lastSeq } = log
  const counts = new Map<string, { -readonly [Key in keyof NameCount]: NameCount[Key] }>()
  for (const event of log.eventsAfter(seen)) {
    const { name } = event
    const count = counts.get(name) ?? { name, events: 0, characters: 0 }
    count.events++
    count.characters += charactersOf(event)
    counts.set(name, count)
  }
  const entries: Entry[] = []
  const first = Math.max(seen + 1, log.replaysFrom, firstSeq, lastSeq + 1 - most)
  for (let seq = first; isYours && seq <= lastSeq; seq++) entries.push(log.at(seq) as Entry)
  const { error } = stateNow
  return {
    id,
    method: request.method,
    headers: request.headers.map(([name]) => name),
    isYours,
    status: isYours
      ? stateNow
      : { ...stateNow, protocol: '', error: error && { ...error, contentType: '', body: '' } },
    firstSeq,
    lastSeq,
    bytes: chronicle.bytes,
    counts: [...counts.values()],
    arrivals: chronicle.arrivalsAfter(seen),
    entries: pack(entries),
    skipped: Math.max(0, lastSeq - seen) - entries.length,
    connections: chronicle.connections,
  }
}
