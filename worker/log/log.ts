import { copyOf } from '../../src/link/copy-of.ts'
import type { ConnectionError, EventEntry, GapEntry, StateEntry } from '../../src/link/protocol.ts'

/** Bounds of one stream's log; whichever is reached first counts. */
export interface LogLimits {
  readonly events: number
  readonly bytes: number
}

/** @default 16,384 entries and 16 MiB: more than a minute of a busy dashboard */
export const LOG_LIMITS: LogLimits = { events: 16_384, bytes: 16 * 1024 * 1024 }

/** For how many names the last event is kept beyond the log, and how much of its bytes these events may take. */
const MOST_KEPT = 1_024
const KEPT_SHARE = 1 / 4

/** Bytes of one entry's object header, fields and array slot in V8, roughly. */
const ENTRY_OVERHEAD = 96

/**
 * What an event is to the stream: a part of its history; a frame of the connection that brought it; or something unknown that
 * came ahead of what a replay had to bring.
 */
export type Role = 'history' | 'frame' | 'ahead'

/** An event as the hub keeps it. */
export interface LoggedEvent extends EventEntry {
  readonly role: Role
  /** What makes it the same event whatever its ID, where a page has said what does. */
  readonly same: string | undefined
  /** The server has said that what lies before it is gone, so nothing before it can be asked for. */
  readonly beginsAnew: boolean
  /** Its place in the server's order: its number, or between those of the events that it came between in a replay. */
  readonly at: number
  /** All events up to this number had come by then, or will not come. While a replay is under way that can be an earlier one. */
  readonly upTo: number
  /** The number by which tabs of a dead hub have had it, where a replay has brought it too late for the others to keep that. */
  readonly former?: number | undefined
}

export type Entry = LoggedEvent | StateEntry | GapEntry

/** True if the log's numbers do not go on evenly behind this event. A batch must end there. */
export const isOutOfLine = ({ ordinal, upTo }: LoggedEvent): boolean => ordinal !== upTo

/** Characters of an event. A server can make its name or its ID as long as its data. */
export const charactersOf = ({ name, data, id }: Pick<EventEntry, 'name' | 'data' | 'id'>): number =>
  name.length + data.length + id.length

const sizeOf = (entry: Entry): number => {
  if (entry.type === 'event') return ENTRY_OVERHEAD + 2 * (charactersOf(entry) + (entry.same?.length ?? 0))
  if (entry.type === 'gap') return ENTRY_OVERHEAD + 2 * (entry.before.length + entry.after.length)
  return ENTRY_OVERHEAD + 2 * entry.origin.length + sizeOfError(entry.error)
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
  /** The last event of each name for which a page has asked for a replay, the name asked for last at the end. */
  readonly #kept = new Map<string, LoggedEvent | undefined>()
  /** Of the slots, and of the kept events that have fallen off. */
  #bytes = 0
  #keptBytes = 0
  #isWhole = true
  #nextSeq = 1
  /** What is older is replayed to nobody. */
  #replaysFrom = 1

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

  /** Sequence number of the entry that is appended next. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  /** Sequence number of the oldest entry that may be replayed, if it is still held. */
  get replaysFrom(): number {
    return this.#replaysFrom
  }

  get length(): number {
    return this.#slots.length - this.#head
  }

  get bytes(): number {
    return this.#bytes + this.#keptBytes
  }

  /** The newest event that is still held. */
  get lastEvent(): LoggedEvent | undefined {
    for (let seq = this.lastSeq; seq >= this.firstSeq; seq--) {
      const entry = this.at(seq)
      if (entry?.type === 'event') return entry
    }
    return undefined
  }

  /** True if no event has fallen off yet, and no gap: what came behind that did not follow what was before. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** So many entries may be appended at a time: no more than half of it is still needed, since nothing is read then. */
  get room(): number {
    return this.#limits.events / 2
  }

  get isHalfFull(): boolean {
    return this.length > this.room || this.bytes > this.#limits.bytes / 2
  }

  /** @param entry its number is `nextSeq`: a copy that is numbered would cost more than all else here */
  append(entry: Entry): void {
    this.#nextSeq++
    const size = sizeOf(entry)
    this.#slots.push(entry)
    this.#sizes.push(size)
    this.#bytes += size
    if (entry.type === 'event' && this.#kept.has(entry.name)) this.#keep(entry.name, entry)
    this.#trim()
  }

  /** The entry with that number; `undefined` if it has fallen off or does not exist yet. */
  at(seq: number): Entry | undefined {
    return seq < this.firstSeq ? undefined : this.#slots[this.#head + seq - this.firstSeq]
  }

  /**
   * Keeps the last event of each of these names from now on, even after it has fallen off; as far as there is room for it.
   *
   * @returns those that have fallen off
   */
  keepLast(names: readonly string[]): LoggedEvent[] {
    const missing = new Set(names.filter((name) => !this.#kept.has(name)))
    for (const name of names) {
      const kept = this.#kept.get(name)
      this.#kept.delete(name)
      this.#kept.set(name, kept)
    }
    for (let seq = this.lastSeq; seq >= this.firstSeq && missing.size > 0; seq--) {
      const entry = this.at(seq)
      if (entry?.type === 'event' && missing.delete(entry.name)) this.#kept.set(entry.name, entry)
    }
    for (const name of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break
      this.#keep(name, undefined)
      this.#kept.delete(name)
    }
    return names.flatMap((name) => this.#kept.get(name) ?? []).filter(({ seq }) => seq < this.firstSeq)
  }

  /** From now on what has been is replayed to nobody: it can be another user's. */
  seal(): void {
    this.#replaysFrom = this.#nextSeq
  }

  /** Events with higher sequence numbers, in order. */
  *eventsAfter(seq: number): Iterable<LoggedEvent> {
    for (let at = Math.max(seq + 1, this.firstSeq); at <= this.lastSeq; at++) {
      const entry = this.at(at)
      if (entry?.type === 'event') yield entry
    }
  }

  /** In place of the last event that was kept so far. */
  #keep(name: string, event: LoggedEvent | undefined): void {
    const former = this.#kept.get(name)
    if (former !== undefined && former.seq < this.firstSeq) this.#keptBytes -= sizeOf(former)
    this.#kept.set(name, event)
  }

  /** Keeps the newest entry whatever its size, or no subscriber could receive it. */
  #trim(): void {
    while (this.length > 1 && (this.length > this.#limits.events || this.bytes > this.#limits.bytes)) {
      const fallen = this.#slots[this.#head]
      const size = this.#sizes[this.#head] ?? 0
      if (fallen?.type !== 'state') this.#isWhole = false
      this.#slots[this.#head++] = undefined
      this.#bytes -= size
      if (fallen?.type !== 'event' || this.#kept.get(fallen.name) !== fallen) continue
      const { name, data, id } = fallen
      // The others that were brought together with it have fallen off, too.
      this.#kept.set(name, { ...fallen, name: copyOf(name), data: copyOf(data), id: copyOf(id) })
      this.#keptBytes += size
      // At once: as long as it counts, still more would fall off.
      if (this.#keptBytes > this.#limits.bytes * KEPT_SHARE) this.#forget()
    }
    // Compacting at half keeps the cost of `append` constant on average.
    if (this.#head > 1024 && this.#head * 2 > this.#slots.length) {
      this.#slots.splice(0, this.#head)
      this.#sizes.splice(0, this.#head)
      this.#head = 0
    }
  }

  /** Lets go what has fallen off, the names first that nobody has asked for lately. */
  #forget(): void {
    for (const [name, event] of this.#kept) {
      if (this.#keptBytes <= this.#limits.bytes * KEPT_SHARE) return
      if (event !== undefined && event.seq < this.firstSeq) this.#keep(name, undefined)
    }
  }
}
