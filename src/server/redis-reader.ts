import { newEpoch } from './epoch.ts'
import { connectLike, type OwnConnection, type RedisClient } from './redis-client.ts'
import { type Entry, EPOCH, type Era, isBefore, RedisStream } from './redis-stream.ts'
import { type Bounds, Tail } from './tail.ts'

/** How long, in ms, Redis may let the reader wait, and how much longer an answer may take. */
const BLOCK = 5_000
const GRACE = 10_000

/** How many entries are read at a time. */
const COUNT = 1_000

/** How long, in ms, the reader waits after a failure, at first and at most. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 2_000

/** The end of a Redis stream as this process knows it. */
export interface Known {
  readonly era: Era
  readonly tail: Tail
}

/**
 * Reads a Redis stream for all clients of this process, by one connection, into a {@link Tail}.
 *
 * Where history is not continuous it ends the tail, and with it all readings, and begins another: when Redis comes back without some of
 * what was read, or when it has dropped entries before they were read.
 */
export class RedisReader {
  readonly #client: RedisClient
  readonly #prefix: string
  readonly #bounds: Bounds
  readonly #onError: (error: unknown) => void
  #known: Known | undefined
  /** The last entry that was read. */
  #last = ''
  #connection: OwnConnection | undefined
  #waiting: { resolve(known: Known): void; reject(error: unknown): void }[] = []
  #hasBegun = false
  #isClosed = false
  #endPause: (() => void) | undefined

  constructor(client: RedisClient, prefix: string, bounds: Bounds, onError: (error: unknown) => void) {
    this.#client = client
    this.#prefix = prefix
    this.#bounds = bounds
    this.#onError = onError
  }

  /** Resolves when the end of the stream is known. Begins to read when it is called for the first time. Rejects where Redis fails. */
  async known(signal: AbortSignal): Promise<Known> {
    if (!this.#hasBegun) {
      this.#hasBegun = true
      void this.#run()
    }
    signal.throwIfAborted()
    if (this.#isClosed) throw new Error('the log is closed')
    return this.#known ?? new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  close(): void {
    this.#isClosed = true
    this.#connection?.close()
    this.#known?.tail.end()
    this.#known = undefined
    this.#endPause?.()
    this.#fail(new Error('the log is closed'))
  }

  async #run(): Promise<void> {
    let pause = FIRST_PAUSE
    while (!this.#isClosed) {
      const connection = connectLike(this.#client)
      this.#connection = connection
      const stream = new RedisStream((...command) => connection.send(BLOCK + GRACE, ...command), this.#prefix)
      try {
        if (this.#known === undefined) await this.#begin(stream)
        else await this.#goesOn(stream)
        for (;;) {
          await this.#readOn(stream)
          pause = FIRST_PAUSE
        }
      } catch (error) {
        connection.close()
        if (this.#isClosed) return
        this.#fail(error)
        // Once for each outage.
        if (pause === FIRST_PAUSE) this.#onError(error)
        await this.#pause(pause)
        pause = Math.min(pause * 2, LONGEST_PAUSE)
      }
    }
  }

  async #readOn(stream: RedisStream): Promise<void> {
    const entries = await stream.next(this.#last, BLOCK, COUNT)
    if (await this.#goesOn(stream)) for (const entry of entries) this.#take(entry)
  }

  /** Whether nothing can be missing behind what was read. Where something can, history begins anew. */
  async #goesOn(stream: RedisStream): Promise<boolean> {
    const last = this.#last
    if (await stream.has(last)) return true
    const [first] = await stream.range('-', 1)
    const { era } = this.#known as Known
    // What was read is gone, while older entries are there, or none: Redis has lost its latest ones.
    if (first === undefined || !isBefore(last, first.id)) await stream.era(newEpoch(), era.epoch)
    await this.#begin(stream)
    return false
  }

  /** Begins with the newest entries. Readings of what was known before end. */
  async #begin(stream: RedisStream): Promise<void> {
    const era = await stream.era(newEpoch())
    const [first, ...others] = await stream.newest(this.#bounds.limit + 1)
    if (first === undefined) {
      // Somebody has emptied the stream.
      await stream.era(newEpoch(), era.epoch)
      return this.#begin(stream)
    }
    const former = this.#known
    this.#known = this.#knownFrom(era, first.id)
    this.#last = first.id
    for (const entry of others) this.#take(entry)
    former?.tail.end()
    this.#tell(this.#known)
  }

  #take(entry: Entry): void {
    this.#last = entry.id
    const { era, tail } = this.#known as Known
    const epoch = entry.fields.get(EPOCH)
    if (epoch === undefined) {
      tail.append(eventOf(entry, era))
      return
    }
    // Another process has found history incomplete, up to here.
    this.#known = this.#knownFrom({ epoch, mark: entry.id }, entry.id)
    tail.end()
  }

  #knownFrom(era: Era, id: string): Known {
    return { era, tail: new Tail(this.#bounds, idOf(era, id)) }
  }

  #tell(known: Known): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(known)
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  #pause(time: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** What clients know an entry by. */
export const idOf = ({ epoch }: Era, id: string): string => `${epoch}.${id}`

/** Fields of an event. */
export const [TOPIC, NAME, DATA] = ['topic', 'name', 'data'] as const

export function eventOf({ id, fields }: Entry, era: Era) {
  const name = fields.get(NAME)
  return {
    id: idOf(era, id),
    topic: fields.get(TOPIC) ?? '',
    ...(name !== undefined && { name }),
    data: fields.get(DATA) ?? '',
  }
}
