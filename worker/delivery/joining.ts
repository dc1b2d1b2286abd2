import { type Entry, EVERY_NAME, type EventEntry, type Replay } from '../../src/link/protocol.ts'
import type { Log } from '../log/log.ts'

/** Decides which entries matter to a subscription, by its names and by where it joined. */
export class Joining {
  readonly names: ReadonlySet<string>
  /** Sequence number at which a newcomer joined. */
  #seq = 0
  /** Which of the entries from here on, up to there, are replayed to it: not 0 for those. */
  #replayFrom = 0
  #replayed = new Uint8Array()

  constructor(names: ReadonlySet<string>) {
    this.names = names
  }

  get seq(): number {
    return this.#seq
  }

  /** Continues a subscription to the same log that had other names. */
  continue(former: Joining): void {
    this.#seq = former.#seq
    this.#replayFrom = former.#replayFrom
    this.#replayed = former.#replayed
  }

  /**
   * A newcomer joins at `seq`, or further back by as many events as it wants replayed.
   *
   * @param isKept called with each replayed event that has fallen off the log
   * @param since nothing older is replayed: what is sealed is for those who were there
   * @returns sequence number at which it begins
   */
  join(
    log: Log,
    seq: number,
    replay: Replay | undefined,
    isKept: (event: EventEntry) => void,
    since = log.replaysFrom,
  ): number {
    this.#seq = seq
    if (replay === undefined) return seq
    const hearsAll = this.names.has(EVERY_NAME)
    const given = hearsAll && typeof replay === 'object' ? Object.keys(replay) : [...this.names]
    // Only names that a page has given are kept: a server may make up others without end.
    const wanted = given.filter((name) => name !== EVERY_NAME && countOf(replay, name) > 0)
    for (const kept of log.keepLast(wanted)) if (kept.seq >= since) isKept(kept)
    const left = new Map<string, number>()
    let unfilled = hearsAll && typeof replay !== 'object' ? Number.POSITIVE_INFINITY : wanted.length
    const replayed: number[] = []
    for (let at = seq - 1; at >= Math.max(log.firstSeq, since) && unfilled > 0; at--) {
      const entry = log.at(at)
      if (entry?.type !== 'event' || !this.wants(entry.name)) continue
      const count = left.get(entry.name) ?? countOf(replay, entry.name)
      if (count <= 0) continue
      left.set(entry.name, count - 1)
      if (count === 1) unfilled--
      replayed.push(at)
    }
    this.#replayFrom = replayed.at(-1) ?? seq
    this.#replayed = new Uint8Array(seq - this.#replayFrom)
    for (const at of replayed) this.#replayed[at - this.#replayFrom] = 1
    return this.#replayFrom
  }

  /** From now on the log keeps the latest event of each name, as far as there is room for it. */
  keepLatest(log: Log): void {
    log.keepLast([...this.names].filter((name) => name !== EVERY_NAME))
  }

  wants(name: string): boolean {
    return this.names.has(name) || this.names.has(EVERY_NAME)
  }

  /** Of the entries from before a newcomer joined, only the events that it wants replayed matter. */
  matters(entry: Entry): boolean {
    if (entry.type !== 'event') return entry.seq >= this.#seq
    if (!this.wants(entry.name)) return false
    return entry.seq >= this.#seq || this.#replayed[entry.seq - this.#replayFrom] === 1
  }
}

/** How many of the latest events of this name are wanted. */
function countOf(replay: Replay, name: string): number {
  if (replay === 'all') return Number.POSITIVE_INFINITY
  if (typeof replay === 'number') return replay
  return Object.hasOwn(replay, name) ? (replay[name] ?? 0) : 0
}
