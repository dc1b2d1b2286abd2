import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import type { SharedStream } from '../../src/index.ts'
import {
  type Connection,
  dueOf,
  headerValue,
  lastWords,
  namesIn,
  SERVER_CASES,
  type ServerCase,
} from '../servers.ts'
import { crashTab, inspect, killWorker, type Tab } from './browser.ts'
import { type Stage, useBrowser } from './stage.ts'
import { Changes } from './until.ts'

// What a page is given by servers as people run them: the bytes of the table, over a socket.

const stage = useBrowser()

// Most of them wait most of the time, each with a server and a profile of its own.
vi.setConfig({ maxConcurrency: 3 })

const HOSTS = ['shared-worker', 'leader'] as const
type HostName = (typeof HOSTS)[number]

const BREAKS = ['the connection is lost', 'the hub dies'] as const
type Break = (typeof BREAKS)[number]

const PATH = '/stream'

/** So that reconnections do not slow the tests. No events come of it. */
const RETRY = 'retry: 10\n\n'

/** The last thing that is sent. What comes before it has been decided upon when it comes. */
const END = 'event: end-of-test\ndata: end\n\n'
const END_NAME = 'end-of-test'

/** How much longer, in ms, than the server takes to write a page may take to be given it. */
const LIMIT = 6_000

/** How much, in ms, a busy machine may add to a wait. */
const SLACK = 400

/** An event or a gap as the table writes it. */
interface Given {
  words: string
  /** In ms since 1970. */
  at: number
}

declare global {
  // They live in the page.
  var played: {
    given: Given[]
    /** Resolves when this has been given so often, or after so many ms. */
    reach(words: string, count: number, limit: number): Promise<void>
    state(): string
    error(): string
  }
  var playedStream: SharedStream
}

/** A server of the table on a real socket. */
class Script {
  readonly connections: readonly Connection[]
  /** When each connection wrote, or was due to write, its first text, in ms since 1970. */
  readonly startedAt: number[] = []
  requests = 0
  readonly #changes = new Changes()
  /** Numbers of the requests whose connections are gone. */
  readonly #ended = new Set<number>()
  #open: ServerResponse | undefined

  constructor({ server }: Stage, connections: readonly Connection[]) {
    this.connections = connections
    server.answer(PATH, (request, response) => this.#handle(request, response))
  }

  waitForRequest(number: number): Promise<void> {
    return this.#changes.until(
      () => this.requests >= number,
      () => `request ${number} of ${this.connections.length}; there were ${this.requests}`,
    )
  }

  /** Resolves when the server knows that the connection of this request is gone. The next one may be there already. */
  waitForEnd(number: number): Promise<void> {
    return this.#changes.until(
      () => this.#ended.has(number),
      () => `the end of connection ${number} of ${this.connections.length}`,
    )
  }

  write(text: string): void {
    this.#open?.write(text)
  }

  cut(): void {
    this.#open?.destroy()
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection = this.connections[this.requests++]
    const number = this.requests
    this.#changes.changed()
    // Who asks more often than the table says has failed, and is to end.
    if (connection === undefined) return void response.writeHead(204).end()
    this.#open = response
    response.once('close', () => {
      if (this.#open === response) this.#open = undefined
      this.#ended.add(number)
      this.#changes.changed()
    })
    const after = headerValue(
      Buffer.from(String(request.headers['last-event-id'] ?? ''), 'latin1').toString('utf8'),
    )
    response.writeHead(connection.status ?? 200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      ...latin1(connection.headers?.(after) ?? {}),
    })
    response.flushHeaders()
    let text = isStream(connection) ? RETRY : ''
    let hasBegun = false
    for (const piece of [...(connection.pieces?.(after) ?? []), 0]) {
      if (typeof piece === 'string') {
        if (!hasBegun) this.startedAt[number - 1] = Date.now()
        hasBegun = true
        response.write(text + piece)
        text = ''
      } else {
        if (text !== '') response.write(text)
        text = ''
        await new Promise((resolve) => setTimeout(resolve, piece))
      }
    }
    if (connection.ends === 'in good order') response.end()
    if (connection.ends === 'abruptly') response.destroy()
  }
}

/** Node writes a header's characters as bytes. */
const latin1 = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]),
  )

const isStream = ({ status = 200, headers }: Connection): boolean =>
  status === 200 && headers?.('')['content-type'] === undefined

/** How long, in ms, the server takes to write all of it. */
const duration = ({ pieces }: Connection): number =>
  (pieces?.('') ?? []).reduce<number>((sum, piece) => sum + (typeof piece === 'number' ? piece : 0), 0)

/** Listens in the page to all events, or with a SharedEventSource to those of these names. */
async function listen(tab: Tab, options: string, sourceNames?: readonly string[]): Promise<void> {
  await tab.page.evaluate(
    ([path, options, names]) => {
      const given: typeof played.given = []
      let changed = () => {}
      const giveWords = (words: string) => {
        given.push({ words, at: Date.now() })
        changed()
      }
      const give = (name: string, data: string, id: string) => giveWords(`${name} ${data} @${id}`)
      const giveGap = ({ reason }: { reason: string }) => giveWords(`gap ${reason}`)
      const reach = (words: string, count: number, limit: number) =>
        new Promise<void>((resolve) => {
          setTimeout(resolve, limit)
          changed = () => {
            if (given.filter((one) => one.words === words).length >= count) resolve()
          }
          changed()
        })
      if (names === undefined) {
        const stream = tabstream.connect(path, new Function(`return (${options})()`)())
        stream.on('*', ({ name, data, id }) => give(name, data, id))
        stream.onGap(giveGap)
        globalThis.playedStream = stream
        globalThis.played = {
          given,
          reach,
          state: () => stream.status.state,
          error: () => stream.status.error?.message ?? '',
        }
        return
      }
      const source = new tabstream.SharedEventSource(path)
      for (const name of names) {
        source.addEventListener(name, ({ data, lastEventId }) => give(name, data, lastEventId))
      }
      source.addEventListener('gap', giveGap)
      const states = ['connecting', 'open', 'closed'] as const
      globalThis.played = {
        given,
        reach,
        state: () => states[source.readyState] ?? '',
        error: () => '',
      }
    },
    [PATH, options, sourceNames] as const,
  )
}

/** Opens the page that is looked at, and before it one whose tab is the leader, where a leader is to die. */
async function openPages(set: Stage, host: HostName, how: Break): Promise<{ tab: Tab; leader?: Tab }> {
  const path = `/page?host=${host}`
  if (host !== 'leader' || how !== 'the hub dies') return { tab: await set.open(path) }
  set.server.answer('/quiet', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(':\n')
  })
  const leader = await set.open(path)
  await leader.page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        globalThis.playedStream = tabstream.connect('/quiet')
        playedStream.onStatus(({ state }) => {
          if (state === 'open') resolve()
        })
      }),
  )
  expect((await inspect(leader)).isHere).toBe(true)
  return { tab: await set.open(path), leader }
}

interface Outcome {
  given: string[]
  /** When each was given, in ms since 1970. */
  times: number[]
  state: string
  error: string
  script: Script
}

/** Plays all connections of a case, and tells what the page was given. */
async function play(
  set: Stage,
  host: HostName,
  how: Break,
  connections: readonly Connection[],
  { options, isClosed, names }: { options: string; isClosed: boolean; names?: readonly string[] },
): Promise<Outcome> {
  const script = new Script(set, connections)
  const { tab, leader } = await openPages(set, host, how)
  const reach = (words: string, count: number, limit: number) =>
    tab.page.evaluate(([words, count, limit]) => played.reach(words, count, limit), [
      words,
      count,
      limit,
    ] as const)
  // A tab that takes over from a leader leads itself: its other connections are lost and not its hub.
  let mayDie = how === 'the hub dies'
  await listen(tab, options, names && [...names, END_NAME])
  for (const [index, connection] of connections.entries()) {
    await script.waitForRequest(index + 1)
    const [last, count] = lastWords(connections, index)
    await reach(last, count, duration(connection) + LIMIT)
    if (index === connections.length - 1 || connection.ends || !isStream(connection)) continue
    if (!mayDie) script.cut()
    else if (leader === undefined) await killWorker(set.context, set.server.origin)
    else await crashTab(set.context, leader)
    mayDie &&= leader === undefined
    await script.waitForEnd(index + 1)
  }
  if (isClosed) {
    await tab.page
      .waitForFunction(() => played.state() === 'closed', undefined, { timeout: LIMIT })
      .catch(() => {})
  } else {
    script.write(END)
    await tab.page
      .waitForFunction((name) => played.given.some(({ words }) => words.startsWith(name)), END_NAME, {
        timeout: LIMIT,
      })
      .catch(() => {})
  }
  const [all, state, error] = await tab.page.evaluate(
    () => [played.given, played.state(), played.error()] as const,
  )
  const given = all.filter(({ words }) => !words.startsWith(END_NAME))
  return {
    given: given.map(({ words }) => words),
    times: given.map(({ at }) => at),
    state,
    error,
    script,
  }
}

/** How long, in ms, the first event of each reconnection has waited. */
function waitsOf({ times, script }: Outcome): number[] {
  let index = 0
  const waits = script.connections.map(({ given }, number) => {
    const wait = (times[index] ?? Number.NaN) - (script.startedAt[number] ?? Number.NaN)
    index += given.length
    return wait
  })
  return waits.slice(1)
}

const playConnect = (set: Stage, host: HostName, how: Break, { connections, options, closes }: ServerCase) =>
  play(set, host, how, connections, {
    options: String(options ?? '() => ({})'),
    isClosed: closes !== undefined,
  })

describe.each(HOSTS)('host %s', (host) => {
  describe.each(BREAKS)('when %s', (how) => {
    const cases = SERVER_CASES.filter(({ onlyCuts }) => onlyCuts === undefined || how !== 'the hub dies')

    test.concurrent.for(cases.map((one) => [one.kind, one] as const))('%s', async ([, one], context) => {
      const { connections, closes, waits } = one
      const outcome = await playConnect(await stage(context), host, how, one)
      expect(outcome.given).toEqual(dueOf(connections, outcome.given))
      expect(outcome.script.requests).toBe(connections.length)
      expect(outcome.state).toBe(closes === undefined ? 'open' : 'closed')
      if (closes !== undefined) expect(outcome.error).toMatch(closes === '' ? /^$/ : closes)
      if (waits === undefined) return
      const measured = waitsOf(outcome)
      console.log(`${one.kind}; ${host}, ${how}: ${measured.join(', ')} ms`)
      const most = Math.max(...waits)
      for (const [index, wait] of measured.entries()) {
        const allowed = how === 'the hub dies' ? most : (waits[index] ?? 0)
        expect(wait).toBeLessThanOrEqual(allowed + SLACK)
      }
    })
  })

  const differing = SERVER_CASES.filter(({ eventSource }) => eventSource !== undefined)

  test.concurrent.for(differing.map((one) => [one.kind, one] as const))(
    'SharedEventSource; %s',
    async ([, one], context) => {
      const { connections, isClosed = false } = one.eventSource ?? { connections: one.connections }
      const outcome = await play(await stage(context), host, 'the connection is lost', connections, {
        options: '',
        isClosed,
        names: namesIn(connections),
      })
      expect(outcome.given).toEqual(dueOf(connections, outcome.given))
      expect(outcome.script.requests).toBe(connections.length)
      expect(outcome.state).toBe(isClosed ? 'closed' : 'open')
    },
  )
})
