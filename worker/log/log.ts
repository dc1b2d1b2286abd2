import type { ConnectionError, Entry, EventEntry } from '../../src/link/protocol.ts'

/** Bounds of one stream's log; whichever is reached first counts. */
export interface LogLimits {
  readonly events: number
  readonly bytes: number
}

/** @default 16,384 entries and 16 MiB: more than a minute of a busy dashboard */
export const LOG_LIMITS: LogLimits = { events: 16_384, bytes: 16 * 1024 * 1024 }

/** Bytes of one entry's object header, fields and array slot in V8, roughly. */
const ENTRY_OVERHEAD = 96

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

/** An entry that the log has not numbered yet. */
export type NewEntry = DistributiveOmit<Entry, 'seq'>

const sizeOf = (entry: Entry): number => {
  if (entry.type === 'state') return ENTRY_OVERHEAD + sizeOfError(entry.error)
  if (entry.type === 'gap') return ENTRY_OVERHEAD
  return ENTRY_OVERHEAD + 2 * (entry.name.length + entry.data.length + entry.id.length)
}

const sizeOfError = (error: ConnectionError | undefined): number =>
  error === undefined ? 0 : 2 * (error.message.length + error.contentType.length + error.body.length)

/** A bounded ring of entries, each with a sequence number. Old ones fall off as new ones arrive. */
export class Log {
  readonly #limits: LogLimits
  /** Entries before `#head` have fallen off and are `undefined`. */
  #slots: (Entry | undefined)[] = []
  /** Size of each slot. Reading an old entry again would cost more than the rest of `append`. */
  #sizes: number[] = []
  #head = 0
  /** The last event of each name for which a subscriber has asked for a replay. */
  readonly #kept = new Map<string, Entry | undefined>()
  #bytes = 0
  #nextSeq = 1

  constructor(limits: LogLimits) {
    this.#limits = limits
  }

  /** Sequence number of the oldest entry still held; `lastSeq + 1` when empty. */
  get firstSeq(): number {
    return this.#nextSeq - this.length
  }

  /** Sequence number of the newest entry; 0 before the first. */
  get lastSeq(): number {
    return this.#nextSeq - 1
  }

  get length(): number {
    return this.#slots.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The newest event that is still held. */
  get lastEvent(): EventEntry | undefined {
    for (let seq = this.lastSeq; seq >= this.firstSeq; seq--) {
      const entry = this.at(seq)
      if (entry?.type === 'event') return entry
    }
    return undefined
  }

  /** True if no event has fallen off yet. */
  get isWhole(): boolean {
    const [first] = this.eventsAfter(0)
    return first === undefined ? this.firstSeq === 1 : first.ordinal === 1
  }

  get isHalfFull(): boolean {
    return this.length > this.#limits.events / 2 || this.#bytes > this.#limits.bytes / 2
  }

  append(entry: NewEntry): Entry {
    const numbered = numberedAs(this.#nextSeq++, entry)
    const size = sizeOf(numbered)
    this.#slots.push(numbered)
    this.#sizes.push(size)
    this.#bytes += size
    if (numbered.type === 'event' && this.#kept.has(numbered.name)) this.#kept.set(numbered.name, numbered)
    this.#trim()
    return numbered
  }

  /** The entry with that number; `undefined` if it has fallen off or does not exist yet. */
  at(seq: number): Entry | undefined {
    return seq < this.firstSeq ? undefined : this.#slots[this.#head + seq - this.firstSeq]
  }

  /** Keeps the last event of this name from now on, even after it has fallen off. Returns the present one. */
  keepLast(name: string): EventEntry | undefined {
    if (!this.#kept.has(name)) this.#kept.set(name, this.at(this.seqOfLatest(name, 1, this.#nextSeq)))
    const kept = this.#kept.get(name)
    return kept?.type === 'event' ? kept : undefined
  }

  /** Names of all events that are still held. */
  names(): Set<string> {
    return new Set(Array.from(this.eventsAfter(0), ({ name }) => name))
  }

  /** Where the latest `count` events of this name before `seq` begin; `seq` if there are none. */
  seqOfLatest(name: string, count: number, seq: number): number {
    let from = seq
    let left = count
    for (let at = seq - 1; at >= this.firstSeq && left > 0; at--) {
      const entry = this.at(at)
      if (entry?.type !== 'event' || entry.name !== name) continue
      from = at
      left--
    }
    return from
  }

  /** Events with higher sequence numbers, in order. */
  *eventsAfter(seq: number): Iterable<EventEntry> {
    for (let at = Math.max(seq + 1, this.firstSeq); at <= this.lastSeq; at++) {
      const entry = this.at(at)
      if (entry?.type === 'event') yield entry
    }
  }

  /** Keeps the newest entry whatever its size, or no subscriber could receive it. */
  #trim(): void {
    while (this.length > 1 && (this.length > this.#limits.events || this.#bytes > this.#limits.bytes)) {
      this.#bytes -= this.#sizes[this.#head] ?? 0
      this.#slots[this.#head++] = undefined
    }
    // Compacting at half keeps the cost of `append` constant on average.
    if (this.#head > 1024 && this.#head * 2 > this.#slots.length) {
      this.#slots.splice(0, this.#head)
      this.#sizes.splice(0, this.#head)
      this.#head = 0
    }
  }
}

/** Names every member of an event, because spreading the object costs several times as much. */
function numberedAs(seq: number, entry: NewEntry): Entry {
  if (entry.type !== 'event') return { ...entry, seq }
  const { type, name, data, id, nth, ordinal } = entry
  return { type, seq, name, data, id, nth, ordinal }
}
