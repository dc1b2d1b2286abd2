import { describe, expect, test } from 'vitest'
import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import {
  type Connection,
  dueOf,
  gapInWords,
  headerValue,
  inWords,
  lastWords,
  namesIn,
  onlyNamed,
  SERVER_CASES,
  type ServerCase,
} from '../../servers.ts'
import { type Asked, OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// What a page is given by servers as people run them: byte by byte, on virtual time.

/** How a connection ends that does not end by itself. */
type Break = 'the connection is lost' | 'the hub dies'

/** How closely, in ms, the test looks at what the page has been given. */
const STEP = 10

/** Longer, in ms, than any wait for a reconnection, or for what a server still has to say. */
const LIMIT = 20_000

/** Longer, in ms, than anything is held back. */
const QUIET = 3_000

/** No server is called again sooner than this, in ms. */
const LEAST_PAUSE = 100

/** One server of the table, and one page. */
class Play {
  readonly world = new UpstreamWorld()
  readonly page = new Page(this.world, 'page')
  readonly given: string[] = []
  /** For each connection: how long its first text, or that before it was due, waited to be given. */
  readonly waits: number[] = []
  readonly #connections: readonly Connection[]
  #startedAt = 0
  #hasGiven = false

  constructor(connections: readonly Connection[]) {
    this.#connections = connections
    this.world.upstream.answer = (asked, number) => this.#answer(asked, number)
  }

  get requests(): readonly Asked[] {
    return this.world.upstream.requests
  }

  give(words: string): void {
    this.given.push(words)
    if (this.#hasGiven) return
    this.#hasGiven = true
    this.waits.push(this.world.clock.now - this.#startedAt)
  }

  /** Plays all connections, or as many as the page asks for. */
  async perform(how: Break): Promise<void> {
    for (const [index, { ends }] of this.#connections.entries()) {
      if (!(await this.#reach(() => this.requests.length > index))) return
      const [last, count] = lastWords(this.#connections, index)
      await this.#reach(() => this.given.filter((words) => words === last).length >= count)
      const isLast = index === this.#connections.length - 1
      if (isLast || ends !== undefined || isRefusal(this.#connections[index])) continue
      await this.world.clock.advance(OPEN)
      if (how === 'the hub dies') this.world.workers()[0]?.agent.kill()
      else this.world.upstream.cut(new TypeError('network error'))
    }
    await this.world.clock.advance(QUIET)
  }

  #answer(asked: Asked, number: number) {
    const connection = this.#connections[number - 1]
    // Who asks more often than the table says has failed, and is to end.
    if (connection === undefined) return { status: 204 }
    const after = idOf(asked)
    const pieces = connection.pieces?.(after) ?? []
    this.#hasGiven = false
    this.#write(pieces, asked, connection.ends)
    return {
      status: connection.status ?? 200,
      headers: connection.headers?.(after) ?? {},
    }
  }

  #write(pieces: Iterable<string | number>, asked: Asked, ends: Connection['ends']): void {
    const { clock, upstream } = this.world
    let at = 0
    let hasBegun = false
    const isMeant = (other: Asked) => other === asked
    for (const piece of pieces) {
      if (typeof piece === 'number') {
        at += piece
        continue
      }
      clock.schedule(at, () => upstream.write(piece, isMeant))
      if (!hasBegun) this.#startedAt = clock.now + at
      hasBegun = true
    }
    if (ends === undefined) return
    clock.schedule(at, () => {
      const error = ends === 'abruptly' ? new TypeError('network error') : undefined
      for (const connection of upstream.open) if (isMeant(connection.asked)) connection.end(error)
    })
  }

  async #reach(isTrue: () => boolean): Promise<boolean> {
    const end = this.world.clock.now + LIMIT
    while (!isTrue() && this.world.clock.now < end) await this.world.clock.advance(STEP)
    return isTrue()
  }
}

const isRefusal = (connection: Connection | undefined): boolean => (connection?.status ?? 200) !== 200

/** As it arrives: `fetch` takes blanks at the ends away, and sends UTF-8. */
const idOf = ({ headers }: Asked): string =>
  Buffer.from(headerValue(headers['Last-Event-ID'] ?? ''), 'latin1').toString('utf8')

/** Each request but the first, in ms after the one before it. */
const pauses = (requests: readonly Asked[]): number[] =>
  requests.slice(1).map(({ at }, index) => at - (requests[index]?.at ?? 0))

async function playConnect({ connections, options }: ServerCase, how: Break) {
  const play = new Play(connections)
  const chosen: ConnectOptions = options?.() ?? {}
  const stream = play.page.connect(URL_OF_EVENTS, chosen as object)
  stream.on('*', (event) => play.give(inWords(event)))
  stream.onGap((gap) => play.give(gapInWords(gap)))
  await play.perform(how)
  return { play, stream }
}

async function playSource(connections: readonly Connection[], names: readonly string[], how: Break) {
  const play = new Play(connections)
  const source = play.page.source()
  for (const name of names) {
    source.addEventListener(name, ({ data, lastEventId }) =>
      play.give(inWords({ name, data, id: lastEventId })),
    )
  }
  source.addEventListener('gap', (gap) => play.give(gapInWords(gap)))
  await play.perform(how)
  return { play, source }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

const BREAKS: readonly Break[] = ['the connection is lost', 'the hub dies']

describe.each(BREAKS)('when %s', (how) => {
  const cases = SERVER_CASES.filter(({ onlyCuts }) => onlyCuts === undefined || how !== 'the hub dies')

  describe.each(cases.map((one) => [one.kind, one] as const))('%s', (_kind, one) => {
    const { connections, closes, waits, eventSource, options } = one

    test('connect()', async () => {
      const { play, stream } = await playConnect(one, how)
      expect(play.given).toEqual(dueOf(connections, play.given))
      expect(play.requests).toHaveLength(connections.length)
      expect(stream.status.state).toBe(closes === undefined ? 'open' : 'closed')
      if (closes !== undefined)
        expect(stream.status.error?.message ?? '').toMatch(closes === '' ? /^$/ : closes)
      expect(Math.min(...pauses(play.requests))).toBeGreaterThanOrEqual(
        how === 'the hub dies' ? 0 : LEAST_PAUSE,
      )
    })

    if (options === undefined || eventSource !== undefined) {
      test('SharedEventSource', async () => {
        const script = eventSource?.connections ?? connections
        const { play, source } = await playSource(script, namesIn(script), how)
        expect(play.given).toEqual(dueOf(script, play.given))
        expect(play.requests).toHaveLength(script.length)
        expect(source.readyState).toBe(eventSource?.isClosed ? 2 : 1)
      })
    }

    if (namesIn(connections).length > 1) {
      test('SharedEventSource that listens to the last of the names only', async () => {
        const name = namesIn(connections.slice(-1)).at(-1) ?? ''
        const script = onlyNamed(connections, name)
        const { play } = await playSource(script, [name], how)
        expect(play.given).toEqual(dueOf(script, play.given))
      })
    }

    if (waits !== undefined) {
      test('how long events wait', async () => {
        const { play } = await playConnect(one, how)
        const measured = play.waits.slice(1)
        console.log(`${one.kind}; ${how}: ${measured.join(', ')} ms`)
        const allowed = how === 'the hub dies' ? waits.map(() => sum(waits)) : waits
        expect(measured).toHaveLength(allowed.length)
        for (const [index, wait] of measured.entries()) {
          expect(wait).toBeLessThanOrEqual((allowed[index] ?? 0) + STEP)
        }
      })
    }
  })
})
