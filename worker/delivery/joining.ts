import { type Entry, EVERY_NAME, type Replay } from '../../src/link/protocol.ts'
import type { Log } from '../log/log.ts'

/** Decides which entries matter to a subscription, by its names and by where it joined. */
export class Joining {
  readonly names: ReadonlySet<string>
  /** Sequence number at which a newcomer joined. */
  #seq = 0
  /** Sequence number from which each name's events are replayed to it. */
  #replayFrom: ReadonlyMap<string, number> = new Map()

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
  }

  /**
   * A newcomer joins at `seq`, or further back by as many events as it wants replayed.
   *
   * @param isKept called with each replayed event that has fallen off the log
   * @returns sequence number at which it begins
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

  /** Of the entries from before a newcomer joined, only the events that it wants replayed matter. */
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
