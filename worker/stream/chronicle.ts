import type { ConnectionLife } from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import type { Failure } from '../source/failure.ts'
import type { Head } from '../source/source.ts'

/** So many of a stream's connections are remembered. */
const MOST_CONNECTIONS = 8

/** For so long, in ms, after a page has looked, it is noted when entries come; so many times until it looks again. */
const WATCHED = 5_000
const MOST_ARRIVALS = 2_048

/** What the judge finds out of a connection. */
export type Findings = Pick<ConnectionLife, 'repeated' | 'outcome'>

type Connection = { -readonly [Key in keyof Omit<ConnectionLife, keyof Findings>]: ConnectionLife[Key] } & {
  readonly findings: Findings
}

type Arrival = readonly [lastSeq: number, at: number]

/** What is told of a stream to pages that look into the hub's life. */
export class Chronicle {
  /** Of all connections, without compression. */
  bytes = 0
  readonly #platform: Pick<HubPlatform, 'now'>
  readonly #connections: Connection[] = []
  #arrivals: Arrival[] = []
  /** In ms since 1970. */
  #watchedUntil = 0

  constructor(platform: Pick<HubPlatform, 'now'>) {
    this.#platform = platform
  }

  /** @param findings of this connection; they change as it goes on */
  begin(resumeAfter: string, findings: Findings): void {
    const begunAt = this.#platform.now()
    this.#connections.push({
      begunAt,
      resumeAfter,
      openedAt: 0,
      status: 0,
      headers: [],
      findings,
      endedAt: 0,
      end: '',
    })
    if (this.#connections.length > MOST_CONNECTIONS) this.#connections.shift()
  }

  opened({ status, headers }: Head): void {
    this.#note({ openedAt: this.#platform.now(), status, headers })
  }

  end({ message, status }: Failure): void {
    this.#note({ endedAt: this.#platform.now(), end: message, ...(status > 0 && { status }) })
  }

  #note(news: Partial<Connection>): void {
    const connection = this.#connections.at(-1)
    // The present one may not have been begun, because the page's functions have failed.
    if (connection?.endedAt === 0) Object.assign(connection, news)
  }

  /** Entries may have come: the last one has this number now. */
  arrived(lastSeq: number): void {
    if (this.#watchedUntil === 0 || this.#arrivals.at(-1)?.[0] === lastSeq) return
    const now = this.#platform.now()
    this.#arrivals.push([lastSeq, now])
    if (this.#arrivals.length > MOST_ARRIVALS) this.#arrivals.shift()
    if (now < this.#watchedUntil) return
    this.#watchedUntil = 0
    this.#arrivals = []
  }

  /** What has come since, as far as it was noted. From now on it is. */
  arrivalsAfter(seq: number): Arrival[] {
    this.#watchedUntil = this.#platform.now() + WATCHED
    return this.#arrivals.filter(([lastSeq]) => lastSeq > seq)
  }

  get connections(): ConnectionLife[] {
    return this.#connections.map(({ findings, ...one }) => ({ ...one, ...findings }))
  }
}
