import type { StreamReport } from 'tabstream'
import { unpack } from '../link/pack.ts'
import type { EndedStream, StreamLife, SubscriptionLife } from '../link/protocol.ts'
import { number } from './format.ts'
import type { Answer } from './hub.ts'
import { Traffic } from './rates.ts'
import { type ConnectionRow, type Row, rowOf } from './rows.ts'

/** Most entries of a stream that one answer is to bring. */
export const MOST = 1_000

/** How many names of a stream have rates of their own. */
const NAMES = 200

/** How many streams are kept that the hub has no more. */
const GONE = 10

/** How many arrivals are remembered, to tell how far a tab is behind in time. */
const ARRIVALS = 10_000

/** How many characters of data are kept of a stream. The latest event is kept, however long it is. */
const CHARACTERS = 33_554_432

/** What is known of one stream, over the lives of several hubs. */
export class InspectedStream {
  /** Counts up in the panel. */
  readonly key: string
  report: StreamReport
  life: StreamLife
  /** Oldest first, and not more than are to be kept. */
  rows: Row[] = []
  readonly traffic = new Traffic()
  readonly names = new Map<string, Traffic>()
  /** The hub has it no more. */
  isGone = false
  /** When the server has last sent anything, or the panel has begun to look, in ms since 1970. */
  heardAt: number
  #arrivals: StreamLife['arrivals'][number][] = []
  /** Lines of the latest connections, by the time at which each began. */
  #connections = new Map<number, ConnectionRow>()
  #connectionCount = 0
  #rowCount = 0

  constructor(key: string, report: StreamReport, life: StreamLife, now: number) {
    this.key = key
    this.report = report
    this.life = life
    this.heardAt = now
  }

  /** A hub has answered. @param since when it was last asked, in ms since 1970 */
  take(report: StreamReport, life: StreamLife, since: number, now: number, keep: number): void {
    const isSame = life.id === this.life.id
    const bytes = isSame ? Math.max(life.bytes - this.life.bytes, 0) : 0
    if (bytes > 0 || !isSame) this.heardAt = now
    this.report = report
    this.life = life
    if (now > since) this.#measure(bytes, since, now)
    if (!isSame) this.#arrivals = []
    this.#arrivals = [...this.#arrivals, ...life.arrivals].slice(-ARRIVALS)
    this.#append(this.#newRows(), keep)
  }

  /** The hub has it no more. */
  goes(now: number, keep: number): void {
    if (!this.isGone) this.note('The hub has this stream no more', now, keep)
    this.isGone = true
  }

  /** Says something in line with the events. */
  note(text: string, at: number, keep: number): void {
    this.#append([{ number: 0, at, type: 'note', text }], keep)
  }

  /** How long a page has waited for what it is sent next, in ms, as far as the panel has looked; 0 where it has all. */
  lagOf({ next }: SubscriptionLife, now: number): number {
    if (next > this.life.lastSeq) return 0
    const arrival = this.#arrivals.find(([lastSeq]) => lastSeq >= next)
    return arrival === undefined ? 0 : Math.max(now - arrival[1], 0)
  }

  #measure(bytes: number, since: number, now: number): void {
    let events = 0
    for (const { name, events: some, characters } of this.life.counts) {
      events += some
      const traffic = this.names.get(name) ?? new Traffic()
      if (this.names.size < NAMES) this.names.set(name, traffic)
      traffic.events.add(some, since, now)
      traffic.size.add(characters, since, now)
    }
    this.traffic.events.add(events, since, now)
    this.traffic.size.add(bytes, since, now)
  }

  /** Entries with the time at which they came, and connections between them. */
  #newRows(): Row[] {
    const { entries, arrivals, skipped, connections } = this.life
    const rows: Row[] = []
    const begun = this.#newConnections(connections)
    if (skipped > 0)
      rows.push({ number: 0, at: 0, type: 'note', text: `${number(skipped)} more are not shown` })
    let index = 0
    for (const entry of unpack(entries)) {
      while ((arrivals[index]?.[0] ?? Number.POSITIVE_INFINITY) < entry.seq) index++
      const row = rowOf(entry, arrivals[index]?.[1] ?? 0)
      while (row.at > 0 && begun[0] !== undefined && begun[0].at <= row.at) rows.push(begun.shift() as Row)
      rows.push(row)
    }
    return [...rows, ...begun]
  }

  /** Brings the known ones up to date as well, and forgets those of which the hub tells no more. */
  #newConnections(connections: StreamLife['connections']): ConnectionRow[] {
    const known = this.#connections
    this.#connections = new Map()
    return connections.flatMap((connection, index) => {
      const { begunAt: at } = connection
      const former = known.get(at)
      const row: ConnectionRow = former ?? {
        type: 'connection',
        number: 0,
        at,
        ordinal: ++this.#connectionCount,
        connection,
        former: connections[index - 1],
      }
      row.connection = connection
      this.#connections.set(at, row)
      return former === undefined ? row : []
    })
  }

  #append(rows: readonly Row[], keep: number): void {
    for (const row of rows) row.number = ++this.#rowCount
    this.rows.push(...rows)
    const last = this.rows.length - 1
    let left = CHARACTERS
    const tooOld = this.rows.findLastIndex((row, index) => {
      left -= row.type === 'event' ? row.data.length : 0
      return index <= last - keep || (index < last && left < 0)
    })
    if (tooOld >= 0) this.rows = this.rows.slice(tooOld + 1)
  }
}

/** Everything that the hub has told. */
export class Model {
  /** In the order in which the hub names them; those that it has no more come last. */
  streams: readonly InspectedStream[] = []
  /** Those that the hub has, by their present IDs. */
  readonly live = new Map<string, InspectedStream>()
  answer: Answer | undefined
  /** Most lines of a stream's log. */
  keep = 2_000
  #keys = 0

  /** Number of the last entry told, by the streams' IDs. */
  get seen(): Record<string, number> {
    return Object.fromEntries(this.answer?.life.streams.map(({ id, lastSeq }) => [id, lastSeq]) ?? [])
  }

  take(answer: Answer): void {
    const { now, streams: lives, former } = answer.life
    const since = this.answer?.life.now ?? now
    const isOther = this.answer !== undefined && this.answer.hubId !== answer.hubId
    // Another hub gives its streams other IDs.
    const nameOf = ({ report, life }: EndedStream) => (isOther ? `${life.method} ${report.url}` : life.id)
    const left = new Set(this.streams)
    const known = new Map<string, InspectedStream[]>()
    for (const stream of left) {
      const name = nameOf(stream)
      const same = known.get(name) ?? []
      same.push(stream)
      known.set(name, same)
    }
    this.live.clear()
    const live = lives.map((life, index) => ({ report: answer.streams[index] as StreamReport, life }))
    const streams = [...live, ...former].map((told, index) => {
      const { report, life } = told
      let stream = known.get(nameOf(told))?.shift()
      if (stream === undefined) stream = new InspectedStream(String(++this.#keys), report, life, now)
      else if (isOther) stream.note('Another hub has taken over', now, this.keep)
      left.delete(stream)
      stream.take(report, life, since, now, this.keep)
      if (index < live.length) {
        stream.isGone = false
        this.live.set(life.id, stream)
      } else stream.goes(now, this.keep)
      return stream
    })
    for (const stream of left) stream.goes(now, this.keep)
    this.streams = [...streams, ...[...left].slice(0, GONE)]
    this.answer = answer
  }

  clear(stream: InspectedStream): void {
    stream.rows = []
  }
}
