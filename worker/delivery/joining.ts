import { type Entry, EVERY_NAME, type Replay } from '../../src/link/protocol.ts'
import type { Log } from '../log/log.ts'

/** Which entries matter to a subscription, by its names and by where it joined. */
export class Joining {
  readonly names: ReadonlySet<string>
  /** Where a newcomer joined. */
  #seq = 0
  /** From where on each name's events are replayed to it. */
  #replayFrom: ReadonlyMap<string, number> = new Map()

  constructor(names: ReadonlySet<string>) {
    this.names = names
  }

  get seq(): number {
    return this.#seq
  }

  /** The subscription has been one of this log before, with other names. */
  continue(former: Joining): void {
    this.#seq = former.#seq
    this.#replayFrom = former.#replayFrom
  }

  /**
   * A newcomer joins at `seq`, or further back by as many events as it wants replayed.
   *
   * @param isKept called with each event that is replayed and has fallen off the log
   * @returns where it begins
   */
  join(log: Log, seq: number, replay: Replay | undefined, isKept: (entry: Entry) => void): number {
    this.#seq = seq
    if (replay === undefined) return seq
    const replayFrom = new Map<string, number>()
    let next = seq
    for (const name of this.#namesToReplay(log, replay)) {
      const wanted = typeof replay === 'object' ? (replay[name] ?? 0) : replay === 'all' ? Infinity : replay
      if (wanted <= 0) continue
      const kept = log.keepLast(name)
      if (kept !== undefined && kept.seq < log.firstSeq) isKept(kept)
      const from = log.seqOfLatest(name, wanted, seq)
      replayFrom.set(name, from)
      next = Math.min(next, from)
    }
    this.#replayFrom = replayFrom
    return next
  }

  wants(name: string): boolean {
    return this.names.has(name) || this.names.has(EVERY_NAME)
  }

  /** Of what happened before a newcomer joined, only the events that it wants replayed matter. */
  matters(entry: Entry): boolean {
    if (entry.type !== 'event') return entry.seq >= this.#seq
    if (!this.wants(entry.name)) return false
    return entry.seq >= this.#seq || entry.seq >= (this.#replayFrom.get(entry.name) ?? Infinity)
  }

  #namesToReplay(log: Log, replay: Replay): Iterable<string> {
    if (!this.names.has(EVERY_NAME)) return this.names
    return typeof replay === 'object' ? Object.keys(replay) : log.names()
  }
}
