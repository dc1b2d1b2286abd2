import type { ConnectOptions } from '../src/api/connect-options.ts'

// Servers as people run them, as data: the bytes that each kind writes on each of its connections, and what a page is to be
// given. The unit tests play them on virtual time, the browser tests over a socket.

/** Text that the server writes in one go; or a pause, in ms. */
export type Piece = string | number

/** How the server answers one request. */
export interface Connection {
  /** 200 where it is left out. */
  readonly status?: number
  /** Names in lower case. The content type is that of an event stream where it is left out. */
  readonly headers?: (after: string) => Readonly<Record<string, string>>
  /**
   * The body.
   *
   * @param after the `Last-Event-ID` that was sent, as text; `''` where none was
   */
  readonly pieces?: (after: string) => readonly Piece[]
  /** How the response ends after the last piece. Where this is left out, the test breaks the connection. */
  readonly ends?: 'in good order' | 'abruptly'
  /**
   * What the page is given from this request on until the next one, as `inWords`, `gapInWords` and `mayBe` put it. The last
   * of these must be given.
   */
  readonly given: readonly string[]
}

export interface ServerCase {
  /** The kind of server. It names the test. */
  readonly kind: string
  /** A server that does this. */
  readonly who: string
  /** One for each request. The last one stays open until the page is through, unless it ends by itself. */
  readonly connections: readonly Connection[]
  /** Options of `connect()`. The browser tests send the function as its source text. */
  readonly options?: () => ConnectOptions
  /** Why the stream of `connect()` is closed in the end; `''` where nothing went wrong. Absent where it stays open. */
  readonly closes?: string | RegExp
  /** The same server for a SharedEventSource, where that differs. */
  readonly eventSource?: {
    readonly connections: readonly Connection[]
    /** The source is CLOSED in the end. */
    readonly isClosed?: boolean
  }
  /**
   * How long, in ms, the first event of each reconnection may be held back. The sum counts where the hub dies each time,
   * since a new hub may not remember what the server did to the old one.
   */
  readonly waits?: readonly number[]
  /** Why only a connection that is lost, and not a hub that dies, makes sense. */
  readonly onlyCuts?: string
}

/** An event as the table writes it: its name, its data, and the last event ID in effect. */
export const inWords = (event: {
  readonly name: string
  readonly data: string
  readonly id: string
}): string => `${event.name} ${event.data} @${event.id}`

export const gapInWords = (gap: { readonly reason: string }): string => `gap ${gap.reason}`

const OPTIONAL = '? '

/**
 * A frame that looks just like one that a replay would repeat at this place. Nobody can tell the two apart, and nothing is
 * lost with a frame: the page may be given it or not.
 */
const mayBe = (words: string): string => OPTIONAL + words

const isOptional = (words: string): boolean => words.startsWith(OPTIONAL)

/** What the page has to be given by the end. Where that leaves a choice, and what it was given is one of them, it is that. */
export function dueOf(connections: readonly Connection[], given: readonly string[]): string[] {
  let choices: string[][] = [[]]
  for (const words of connections.flatMap((connection) => connection.given)) {
    const without = isOptional(words) ? choices : []
    const plain = isOptional(words) ? words.slice(OPTIONAL.length) : words
    choices = [...without, ...choices.map((choice) => [...choice, plain])]
  }
  const fitting = choices.find((choice) => JSON.stringify(choice) === JSON.stringify(given))
  return fitting ?? choices[0] ?? []
}

/** How often the page has been given the last words of a connection when it is through with it; no words where there are none. */
export function lastWords(connections: readonly Connection[], index: number): readonly [string, number] {
  const words = connections[index]?.given.at(-1) ?? ''
  const all = connections.slice(0, index + 1).flatMap(({ given }) => given)
  return [words, all.filter((other) => other === words).length]
}

/** The names of events in what the page is given. */
export const namesIn = (connections: readonly Connection[]): string[] => [
  ...new Set(
    connections
      .flatMap(({ given }) => given)
      .map((words) => (isOptional(words) ? words.slice(OPTIONAL.length) : words))
      .map((words) => words.slice(0, words.indexOf(' ')))
      .filter((name) => name !== 'gap'),
  ),
]

/** The same server for a page that listens to one name only. */
export const onlyNamed = (connections: readonly Connection[], name: string): Connection[] =>
  connections.map((connection) => ({
    ...connection,
    given: connection.given.filter((words) =>
      ['gap ', `${name} `, `${OPTIONAL}${name} `].some((start) => words.startsWith(start)),
    ),
  }))

/** [spec] A header value loses white space at its ends.
 *  https://fetch.spec.whatwg.org/#concept-header-value-normalize */
export const headerValue = (text: string): string => text.replace(/^[\t\r\n ]+|[\t\r\n ]+$/g, '')

const LOST = 'gap history-lost'

/** The ID in the bytes of an event, as it comes back in a header. */
const idIn = (event: string): string => headerValue(/^id:(.*)$/m.exec(event)?.[1] ?? '')

/** A faithful replay in one go: what comes behind the event with this ID, or everything where there is none such. */
function replay(history: readonly string[], after: string): string {
  if (after === '') return ''
  return history.slice(history.findLastIndex((event) => idIn(event) === after) + 1).join('')
}

/** A faithful replay for IDs that can be compared, as a query with `id > ?` gives it. */
function replayById(history: readonly string[], after: string): string {
  if (after === '') return ''
  return history.filter((event) => Number(idIn(event)) > Number(after)).join('')
}

/** An event in the field order that most servers have. */
const numbered = (id: number | string, data: string): string => `id: ${id}\ndata: ${data}\n\n`

const named = (id: number | string, name: string, data: string): string =>
  `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`

/** So that each piece arrives by itself. */
const apart = (pause: number, events: readonly string[]): Piece[] => events.flatMap((event) => [pause, event])

/** The IDs of `SseEmitter` recipes: the user, and the time in ms. */
const springEvent = (time: number, data: string): string => `id:7_${time}\nevent:sse\ndata:${data}\n\n`

const springGreeting = (time: number): string => springEvent(time, 'connected')

/** The recipe compares IDs as text. The greeting is not stored. */
const springReplay = (stored: readonly string[], after: string): string =>
  after === '' ? '' : stored.filter((event) => idIn(event) > after).join('')

function greetingWithFreshId(): ServerCase[] {
  const who = 'a widespread recipe for the SseEmitter of Spring'
  const stored = [
    springEvent(101, 'a'),
    springEvent(102, 'b'),
    springEvent(103, 'c'),
    springEvent(150, 'd'),
    springEvent(151, 'e'),
    springEvent(206, 'f'),
  ] as const
  return [
    {
      kind: 'greeting with a fresh ID, then a faithful replay',
      who,
      connections: [
        {
          pieces: () => [springGreeting(100), ...stored.slice(0, 3)],
          given: ['sse connected @7_100', 'sse a @7_101', 'sse b @7_102', 'sse c @7_103'],
        },
        {
          pieces: (after) => [springGreeting(200) + springReplay(stored.slice(0, 5), after), 20, stored[5]],
          given: ['sse connected @7_200', 'sse d @7_150', 'sse e @7_151', 'sse f @7_206'],
        },
        {
          pieces: (after) => [springGreeting(300), springReplay(stored, after), 20, springEvent(301, 'g')],
          given: ['sse connected @7_300', 'sse g @7_301'],
        },
      ],
    },
    {
      kind: 'greeting with a fresh ID, and nothing new between two reconnections',
      who,
      connections: [
        {
          pieces: () => [springGreeting(100), ...stored.slice(0, 3)],
          given: ['sse connected @7_100', 'sse a @7_101', 'sse b @7_102', 'sse c @7_103'],
        },
        {
          pieces: (after) => [springGreeting(120) + springReplay(stored.slice(0, 3), after)],
          given: ['sse connected @7_120'],
        },
        {
          pieces: (after) => [springGreeting(130) + springReplay(stored.slice(0, 3), after)],
          given: ['sse connected @7_130'],
        },
        {
          pieces: (after) => [springGreeting(200) + springReplay(stored.slice(0, 5), after)],
          given: ['sse connected @7_200', 'sse d @7_150', 'sse e @7_151'],
        },
      ],
    },
    {
      kind: 'greeting with a fresh ID, and one event behind it',
      who,
      connections: [
        {
          pieces: () => [springGreeting(100), stored[0]],
          given: ['sse connected @7_100', 'sse a @7_101'],
        },
        {
          pieces: (after) => [springGreeting(120) + springReplay(stored.slice(0, 1), after), 20, stored[3]],
          given: ['sse connected @7_120', 'sse d @7_150'],
        },
      ],
    },
    {
      kind: 'greeting with a fresh ID, and nothing else on several connections',
      onlyCuts: 'a new hub does not know how connections to this server begin, and tells a gap',
      who,
      connections: [
        { pieces: () => [springGreeting(100)], given: ['sse connected @7_100'] },
        { pieces: () => [springGreeting(110)], given: ['sse connected @7_110'] },
        { pieces: () => [springGreeting(120)], given: ['sse connected @7_120'] },
        {
          pieces: (after) => [springGreeting(160) + springReplay(stored.slice(3, 5), after)],
          given: ['sse connected @7_160', 'sse d @7_150', 'sse e @7_151'],
        },
      ],
    },
  ]
}

function greetingWithoutId(): ServerCase[] {
  const greeting = (client: string) => `event: connected\ndata: {"clientId":"${client}"}\n\n`
  const greeted = (client: string, id: string) => `connected {"clientId":"${client}"} @${id}`
  const stored = [1, 2, 3, 4, 5, 6].map((id) => named(id, 'note', `n${id}`))
  return [
    {
      kind: 'greeting without an ID whose data differ each time, then a faithful replay',
      who: 'many servers that people write themselves',
      connections: [
        {
          pieces: () => [greeting('f00'), ...stored.slice(0, 3)],
          given: [greeted('f00', ''), 'note n1 @1', 'note n2 @2', 'note n3 @3'],
        },
        {
          pieces: (after) => [greeting('ba1') + replay(stored.slice(0, 5), after)],
          given: [greeted('ba1', '3'), 'note n4 @4', 'note n5 @5'],
        },
        // The replay takes its time, as a query does.
        {
          pieces: (after) => [greeting('c22'), 300, replay(stored, after)],
          given: [greeted('c22', '5'), 'note n6 @6'],
        },
      ],
    },
    {
      kind: 'greeting without an ID under the name of all events',
      who: 'many servers that people write themselves',
      connections: [
        {
          pieces: () => ['data: connected\n\n', numbered(1, 'a'), numbered(2, 'b'), numbered(3, 'c')],
          given: ['message connected @', 'message a @1', 'message b @2', 'message c @3'],
        },
        {
          pieces: (after) => [
            `data: connected\n\n${replay([numbered(1, 'a'), numbered(2, 'b'), numbered(3, 'c'), numbered(4, 'd')], after)}`,
          ],
          given: ['message connected @3', 'message d @4'],
        },
        {
          pieces: (after) => [
            `data: connected\n\n${replay([numbered(3, 'c'), numbered(4, 'd')], after)}`,
            20,
            numbered(5, 'e'),
          ],
          given: [mayBe('message connected @4'), 'message e @5'],
        },
      ],
    },
  ]
}

function lateReplays(): ServerCase[] {
  const stored = [1, 2, 3, 4, 5].map((id) => named(id, 'note', `n${id}`))
  const ready = 'event: ready\ndata: {"protocol":2}\n\n'
  return [
    {
      kind: 'a faithful replay that begins after more than a second',
      who: 'servers that query an archive',
      connections: [
        { pieces: () => stored.slice(0, 3), given: ['note n1 @1', 'note n2 @2', 'note n3 @3'] },
        { pieces: (after) => [1_500, replay(stored.slice(0, 4), after)], given: ['note n4 @4'] },
        { pieces: (after) => [1_500, replay(stored, after)], given: ['note n5 @5'] },
      ],
    },
    {
      kind: 'a greeting without an ID, and a faithful replay more than a second later',
      who: 'servers that query an archive',
      connections: [
        {
          pieces: () => [ready, ...stored.slice(0, 3)],
          given: ['ready {"protocol":2} @', 'note n1 @1', 'note n2 @2', 'note n3 @3'],
        },
        {
          pieces: (after) => [ready, 1_500, replay(stored.slice(0, 4), after)],
          given: ['ready {"protocol":2} @3', 'note n4 @4'],
        },
        {
          pieces: (after) => [ready, 1_500, replay(stored, after)],
          given: [mayBe('ready {"protocol":2} @4'), 'note n5 @5'],
        },
      ],
    },
  ]
}

function constantGreeting(): ServerCase[] {
  const greeting = 'id: 0\ndata: \n\n'
  const stored = [1, 2, 3, 4].map((id) => numbered(id, `{"jsonrpc":"2.0","id":${id}}`))
  const given = (id: number) => `message {"jsonrpc":"2.0","id":${id}} @${id}`
  return [
    {
      kind: 'greeting of constant content and ID, then a faithful replay',
      who: 'the MCP SDK for Rust',
      connections: [
        {
          pieces: () => [greeting, ...stored.slice(0, 2)],
          given: ['message  @0', given(1), given(2)],
        },
        {
          pieces: (after) => [greeting + replay(stored.slice(0, 3), after)],
          given: ['message  @0', given(3)],
        },
        {
          pieces: (after) => [greeting + replay(stored.slice(0, 3), after), 20, stored[3] ?? ''],
          given: [mayBe('message  @0'), given(4)],
        },
      ],
    },
  ]
}

/** @param beat the bytes, and what the page is given, less the ID */
function heartbeat(
  who: string,
  [beat, beaten]: readonly [string, string],
  write: (id: string, data: string) => string,
  name = 'message',
): ServerCase {
  const stored = ['1', '2', '3', '4', '5'].map((id) => write(id, `{"n":${id}}`))
  const given = (id: number) => `${name} {"n":${id}} @${id}`
  return {
    kind: `heartbeat as an event without an ID: ${JSON.stringify(beat)}`,
    who,
    connections: [
      {
        pieces: () => [stored[0] ?? '', beat, stored[1] ?? '', beat, stored[2] ?? '', beat],
        given: [given(1), `${beaten} @1`, given(2), `${beaten} @2`, given(3), `${beaten} @3`],
      },
      {
        pieces: (after) => [replay(stored.slice(0, 4), after), 20, beat],
        given: [given(4), `${beaten} @4`],
      },
      // A beat comes before the replay, and one long after it.
      {
        pieces: (after) => [beat, 20, replay(stored.slice(0, 4), after), 200, beat, stored[4] ?? ''],
        given: [mayBe(`${beaten} @4`), `${beaten} @4`, given(5)],
      },
    ],
  }
}

function heartbeats(): ServerCase[] {
  return [
    heartbeat(
      'CouchDB, _changes',
      ['event: heartbeat\ndata: \n\n', 'heartbeat '],
      (id, data) => `data: ${data}\nid: ${id}\n\n`,
    ),
    heartbeat(
      'Firebase',
      ['event: keep-alive\ndata: null\n\n', 'keep-alive null'],
      (id, data) => `event: put\nid: ${id}\ndata: ${data}\n\n`,
      'put',
    ),
    heartbeat(
      'Anthropic',
      ['event: ping\ndata: {"type": "ping"}\n\n', 'ping {"type": "ping"}'],
      (id, data) => `event: delta\nid: ${id}\ndata: ${data}\n\n`,
      'delta',
    ),
    heartbeat('Centrifugo', ['data: {}\n\n', 'message {}'], numbered),
    heartbeat('Home Assistant', ['data: ping\n\n', 'message ping'], numbered),
  ]
}

function greetingAndHeartbeat(): ServerCase[] {
  const opening = `:${' '.repeat(2048)}\n\nevent: stream-open\ndata:\n\n`
  const beat = 'event: keep-alive\ndata:\n\n'
  const idOf = (number: number) => `room%3A1:${number},other:7`
  const stored = [10, 11, 12, 13, 14].map(
    (number) => `event: message\nid: ${idOf(number)}\ndata: {"text":"t${number}"}\n\n`,
  )
  const given = (number: number) => `message {"text":"t${number}"} @${idOf(number)}`
  return [
    {
      kind: 'greeting and heartbeat, both without an ID',
      who: 'django-eventstream',
      connections: [
        {
          pieces: () => [opening, ...stored.slice(0, 2), beat, stored[2] ?? '', beat],
          given: [
            'stream-open  @',
            given(10),
            given(11),
            `keep-alive  @${idOf(11)}`,
            given(12),
            `keep-alive  @${idOf(12)}`,
          ],
        },
        {
          pieces: (after) => [opening, replay(stored.slice(0, 4), after), 20, beat],
          given: [`stream-open  @${idOf(12)}`, given(13), `keep-alive  @${idOf(13)}`],
        },
        {
          pieces: (after) => [opening + replay(stored, after)],
          given: [`stream-open  @${idOf(13)}`, given(14)],
        },
      ],
    },
  ]
}

function counters(): ServerCase[] {
  const words = ['invalidate', 'reload', 'invalidate', 'reload', 'invalidate', 'reload']
  const events = words.map((word, index) => numbered(index + 1, word))
  const given = words.map((word, index) => `message ${word} @${index + 1}`)
  const first = { pieces: () => events.slice(0, 4), given: given.slice(0, 4) }
  const who = 'many buses that keep their events in memory'
  const begun = { pieces: () => [numbered(1, 'a'), numbered(2, 'b'), numbered(3, 'c'), numbered(4, 'd')] }
  return [
    {
      kind: 'counter that begins again at 1, events one by one',
      who,
      connections: [first, { pieces: () => apart(200, events), given: [LOST, ...given] }],
    },
    {
      kind: 'counter that begins again at 1, events in one piece',
      who,
      connections: [first, { pieces: () => [events.join('')], given: [LOST, ...given] }],
    },
    {
      kind: 'counter that begins again at 1 with equal payloads, events one by one',
      who,
      connections: [
        { pieces: () => [1, 2, 3, 4].map((id) => named(id, 'invalidate', '')), given: invalidations(4) },
        {
          pieces: () =>
            apart(
              200,
              [1, 2, 3, 4, 5, 6].map((id) => named(id, 'invalidate', '')),
            ),
          given: [LOST, ...invalidations(6)],
        },
      ],
    },
    {
      kind: 'counter that begins again at 1, the same distinct payloads one by one',
      who,
      connections: [
        { ...begun, given: ['message a @1', 'message b @2', 'message c @3', 'message d @4'] },
        {
          pieces: () => apart(200, [...begun.pieces(), numbered(5, 'e')]),
          given: [LOST, 'message a @1', 'message b @2', 'message c @3', 'message d @4', 'message e @5'],
        },
      ],
    },
    {
      kind: 'counter that begins again at 1, other payloads in one piece',
      who,
      connections: [
        { ...begun, given: ['message a @1', 'message b @2', 'message c @3', 'message d @4'] },
        {
          pieces: () => [[1, 2, 3, 4, 5].map((id) => numbered(id, `new ${id}`)).join('')],
          given: [LOST, ...[1, 2, 3, 4, 5].map((id) => `message new ${id} @${id}`)],
        },
      ],
    },
  ]
}

const invalidations = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `invalidate  @${index + 1}`)

function countsWithinConnection(): ServerCase[] {
  const hello = (count: number) =>
    Array.from({ length: count }, (_, index) => `id: ${index + 1}\ndata: {"hello":"world"}\n\n`)
  const helloed = (count: number) =>
    Array.from({ length: count }, (_, index) => `message {"hello":"world"} @${index + 1}`)
  const time = (id: number, second: number) =>
    `event: time-update\ndata: It is 12:00:${second}\nid: ${id}\n\n`
  const timed = (id: number, second: number) => `time-update It is 12:00:${second} @${id}`
  return [
    {
      kind: 'IDs that count within the connection, equal data every second',
      who: 'NestJS @Sse as in its documentation',
      connections: [
        { pieces: () => apart(1_000, hello(3)), given: helloed(3) },
        { pieces: () => apart(1_000, hello(4)), given: [LOST, ...helloed(4)] },
        { pieces: () => apart(1_000, hello(3)), given: [LOST, ...helloed(3)] },
      ],
    },
    {
      kind: 'IDs that count within the connection, equal data every second, two events on a connection',
      who: 'NestJS @Sse as in its documentation',
      connections: [
        { pieces: () => apart(1_000, hello(2)), given: helloed(2) },
        { pieces: () => apart(1_000, hello(3)), given: [LOST, ...helloed(3)] },
      ],
    },
    {
      kind: 'IDs that count within the connection from 0, data with the time',
      who: 'Hono streamSSE as in its documentation',
      connections: [
        {
          pieces: () => apart(1_000, [time(0, 10), time(1, 11), time(2, 12)]),
          given: [timed(0, 10), timed(1, 11), timed(2, 12)],
        },
        // Closer together than events may be held, further apart than the pieces of a replay.
        {
          pieces: () => apart(900, [time(0, 20), time(1, 21), time(2, 22), time(3, 23)]),
          given: [LOST, timed(0, 20), timed(1, 21), timed(2, 22), timed(3, 23)],
        },
        { pieces: () => [time(0, 30), 1_000, time(1, 31)], given: [LOST, timed(0, 30), timed(1, 31)] },
      ],
    },
    {
      kind: 'IDs that count within the connection, equal data in one piece',
      who: 'Fastify with an SSE plugin as in its documentation',
      connections: [
        { pieces: () => [hello(3).join('')], given: helloed(3) },
        { pieces: () => [hello(5).join('')], given: [LOST, ...helloed(5)] },
      ],
    },
  ]
}

function lateCommits(): ServerCase[] {
  const event = (id: number) => numbered(id, `row ${id}`)
  const given = (id: number) => `message row ${id} @${id}`
  const rows = [1, 2, 3, 4, 5, 6, 7, 8].map(event)
  return [
    {
      kind: 'an outbox whose transactions commit late',
      who: 'tables of Postgres with a serial as the ID',
      connections: [
        { pieces: () => [1, 2, 3, 5].map(event), given: [1, 2, 3, 5].map(given) },
        { pieces: (after) => [replayById(rows.slice(0, 6), after)], given: [4, 6].map(given) },
        { pieces: (after) => [replayById(rows.slice(0, 7), after), 20, event(8)], given: [7, 8].map(given) },
      ],
    },
  ]
}

function twiceOnOneConnection(): ServerCase[] {
  const event = (id: number) => numbered(id, `n${id}`)
  const given = (id: number) => `message n${id} @${id}`
  const stored = [1, 2, 3, 4, 5, 6, 7, 8].map(event)
  return [
    {
      kind: 'events twice on one connection, out of order: they are given as they come',
      who: 'Pushpin in reliable mode under load',
      connections: [
        { pieces: () => [1, 2, 2, 1, 3, 4].map(event), given: [1, 2, 2, 1, 3, 4].map(given) },
        {
          pieces: (after) => [
            replay(stored.slice(0, 5), after),
            20,
            event(6),
            event(5),
            event(7),
            event(6),
            event(8),
          ],
          given: [5, 6, 5, 7, 6, 8].map(given),
        },
      ],
    },
  ]
}

function refusals(): ServerCase[] {
  const stored = [1, 2, 3, 4].map((id) => numbered(id, `n${id}`))
  const first = { pieces: () => stored.slice(0, 2), given: ['message n1 @1', 'message n2 @2'] }
  const html = () => ({ 'content-type': 'text/html' })
  const page = (status: number) => ({
    status,
    headers: html,
    pieces: () => [`<html><h1>${status}</h1></html>`],
    given: [],
  })
  return [
    {
      kind: '502, 503 and 504 while a backend restarts',
      who: 'nginx, haproxy',
      connections: [
        first,
        page(502),
        page(503),
        page(504),
        { pieces: (after) => [replay(stored, after)], given: ['message n3 @3', 'message n4 @4'] },
      ],
      eventSource: { connections: [first, page(502)], isClosed: true },
    },
    {
      kind: '503 to the first request',
      who: 'nginx, haproxy',
      connections: [
        page(503),
        { pieces: () => stored, given: [1, 2, 3, 4].map((id) => `message n${id} @${id}`) },
      ],
      eventSource: { connections: [page(503)], isClosed: true },
    },
  ]
}

function tabstream(): ServerCase[] {
  const event = (number: number) => `id: e-${number}\ndata: t${number}\n\n`
  const given = (number: number) => `message t${number} @e-${number}`
  const says = (resumed: '0' | '1') => (after: string) =>
    after === '' ? {} : { 'tabstream-resumed': resumed }
  const who = 'tabstream/server'
  const stored = [1, 2, 3, 4, 5, 6].map(event)
  const first = { pieces: () => [':\n\n', ...stored.slice(0, 4)], given: [1, 2, 3, 4].map(given) }
  return [
    {
      kind: 'response header tabstream-resumed: 1',
      who,
      connections: [
        first,
        { headers: says('1'), pieces: (after) => [replay(stored, after)], given: [5, 6].map(given) },
      ],
    },
    {
      kind: 'response header tabstream-resumed: 1, and IDs that others have moved on',
      who,
      connections: [
        { pieces: () => [...stored.slice(0, 4), ':\nid: e-40\n\n'], given: [1, 2, 3, 4].map(given) },
        {
          headers: says('1'),
          // Another hub does not know that ID.
          pieces: (after) => [after === 'e-40' ? event(41) : event(4) + event(41)],
          given: [given(41)],
        },
      ],
    },
    {
      kind: 'response header tabstream-resumed: 0, behind an ID that others have moved on',
      who,
      connections: [
        { pieces: () => [...stored.slice(0, 4), ':\nid: e-40\n\n'], given: [1, 2, 3, 4].map(given) },
        { headers: says('0'), pieces: () => [':\n\n', event(91)], given: [LOST, given(91)] },
      ],
    },
    {
      kind: 'response header tabstream-resumed: 0, behind a single event',
      who,
      connections: [
        { pieces: () => [event(1)], given: [given(1)] },
        { headers: says('0'), pieces: () => [':\n\n', event(7)], given: [LOST, given(7)] },
      ],
    },
  ]
}

function mercure(): ServerCase[] {
  const urn = (number: number) => `urn:uuid:5e94c686-2c0b-4f9b-958c-92ccc3bbb4e${number}`
  const event = (number: number) => `id: ${urn(number)}\ndata: u${number}\n\n`
  const given = (number: number) => `message u${number} @${urn(number)}`
  const stored = [1, 2, 3, 4, 5, 6].map(event)
  const first = { pieces: () => stored.slice(0, 4), given: [1, 2, 3, 4].map(given) }
  const cases = ['last-event-id', 'mercure-last-event-id'].flatMap((header): ServerCase[] => {
    const who = header === 'last-event-id' ? 'Mercure up to 0.2x' : 'Mercure from 1.0 on'
    const resumedAfter = (id: string) => (after: string) => (after === '' ? {} : { [header]: id })
    return [
      {
        kind: `response header ${header} that confirms the place`,
        who,
        connections: [
          first,
          {
            headers: (after) => (after === '' ? {} : { [header]: after }),
            pieces: (after) => [replay(stored, after)],
            given: [5, 6].map(given),
          },
        ],
      },
      {
        kind: `response header ${header}: earliest, and nothing known comes`,
        who,
        connections: [
          first,
          {
            headers: resumedAfter('earliest'),
            pieces: () => [event(5) + event(6)],
            given: [LOST, ...[5, 6].map(given)],
          },
        ],
      },
      {
        kind: `response header ${header}: earliest, and what the history still has`,
        who,
        connections: [
          first,
          {
            headers: resumedAfter('earliest'),
            pieces: () => [event(4) + event(5), event(6)],
            given: [LOST, ...[5, 6].map(given)],
          },
        ],
      },
      {
        kind: `response header ${header} with another ID`,
        who,
        connections: [
          first,
          {
            headers: resumedAfter(urn(9)),
            pieces: () => apart(100, [event(5), event(6)]),
            given: [LOST, ...[5, 6].map(given)],
          },
        ],
      },
      {
        kind: `response header ${header} for IDs with blanks at their ends`,
        who,
        connections: [
          {
            pieces: () => [1, 2, 3].map((id) => `id:  a ${id} \ndata: n${id}\n\n`),
            given: [1, 2, 3].map((id) => `message n${id} @ a ${id} `),
          },
          {
            headers: (after) => (after === '' ? {} : { [header]: after }),
            pieces: (after) => [
              replay(
                [1, 2, 3, 4].map((id) => `id:  a ${id} \ndata: n${id}\n\n`),
                after,
              ),
            ],
            given: ['message n4 @ a 4 '],
          },
        ],
      },
    ]
  })
  return cases
}

function severalEventsUnderOneId(): ServerCase[] {
  const idOf = (time: number) =>
    `[{"topic":"eqiad.mediawiki.recentchange","partition":0,"timestamp":${time}}]`
  const event = (time: number, data: string) =>
    `event: message\nid: ${idOf(time)}\ndata: {"change":"${data}"}\n\n`
  const given = (time: number, data: string) => `message {"change":"${data}"} @${idOf(time)}`
  const changes = [
    [1001, 'a'],
    [1001, 'b'],
    [1002, 'c'],
    [1002, 'd'],
    [1002, 'e'],
    [1003, 'f'],
    [1003, 'g'],
  ] as const
  const stored = changes.map(([time, data]) => event(time, data))
  const words = changes.map(([time, data]) => given(time, data))
  return [
    {
      kind: 'several events under one ID',
      who: 'Wikimedia with timestamps',
      connections: [
        // The connection breaks within the events of 1002.
        { pieces: () => stored.slice(0, 4), given: words.slice(0, 4) },
        { pieces: (after) => [replay(stored.slice(0, 6), after)], given: words.slice(4, 6) },
        {
          pieces: (after) => [replay(stored.slice(0, 6), after), 20, stored[6] ?? ''],
          given: words.slice(6),
        },
      ],
    },
  ]
}

function oddIds(): ServerCase[] {
  const kinds: [string, string, (number: number) => string][] = [
    [
      'JSON',
      'Wikimedia',
      (number) => `[{"topic":"eqiad.mediawiki.recentchange","partition":0,"offset":${number}},{"topic":"ü"}]`,
    ],
    ['an emoji', 'a server whose IDs are free text', (number) => `🦀${number}é`],
    ['blanks at their ends', 'a server whose IDs are free text', (number) => `  a ${number} `],
  ]
  return kinds.map(([what, who, idOf]) => {
    const stored = [1, 2, 3, 4, 5].map((number) => numbered(idOf(number), `n${number}`))
    const given = (number: number) => `message n${number} @${idOf(number)}`
    return {
      kind: `IDs with ${what}`,
      who,
      connections: [
        { pieces: () => stored.slice(0, 3), given: [1, 2, 3].map(given) },
        { pieces: (after) => [replay(stored.slice(0, 4), after)], given: [given(4)] },
        { pieces: (after) => [replay(stored.slice(0, 4), after), 20, stored[4] ?? ''], given: [given(5)] },
      ],
    }
  })
}

function posts(): ServerCase[] {
  const chunk = (word: string) => `data: {"text":"${word}"}\n\n`
  const given = ['message {"text":"Hello"} @', 'message {"text":" world"} @']
  const post = () => ({ method: 'POST', body: { prompt: 'Hello?' } })
  const toDone = () => ({
    method: 'POST',
    body: { prompt: 'Hello?' },
    until: ({ data }: { data: string }) => data === '[DONE]',
  })
  const stored = [1, 2, 3, 4].map((id) => numbered(id, `n${id}`))
  const onlyCuts = 'what becomes of a POST whose hub dies is a question of its own'
  return [
    {
      kind: 'a POST whose answer ends without [DONE] is not sent again',
      who: 'APIs of language models',
      options: toDone,
      connections: [{ pieces: () => [chunk('Hello'), chunk(' world')], ends: 'in good order', given }],
      closes: /.*/,
      onlyCuts,
    },
    {
      kind: 'a POST whose answer ends is not sent again where no end is agreed on',
      who: 'MCP, a call of a tool',
      options: post,
      connections: [{ pieces: () => [chunk('Hello'), chunk(' world')], ends: 'in good order', given }],
      closes: /.*/,
      onlyCuts,
    },
    {
      kind: 'a POST whose answer breaks off is not sent again',
      who: 'APIs of language models behind a proxy with a time limit',
      options: toDone,
      connections: [{ pieces: () => [chunk('Hello'), chunk(' world'), 200], ends: 'abruptly', given }],
      closes: /./,
      onlyCuts,
    },
    {
      kind: 'a POST whose answer has IDs is resumed',
      who: 'APIs of language models that can be resumed',
      options: toDone,
      connections: [
        { pieces: () => stored.slice(0, 3), given: ['message n1 @1', 'message n2 @2', 'message n3 @3'] },
        {
          pieces: (after) => [`${replay(stored, after)}data: [DONE]\n\n`],
          ends: 'in good order',
          given: ['message n4 @4', 'message [DONE] @4'],
        },
      ],
      closes: '',
    },
    {
      kind: 'the last frame lacks its blank line',
      who: 'servers that are compatible with OpenAI',
      options: toDone,
      connections: [
        {
          pieces: () => [chunk('Hello'), chunk(' world'), 'data: [DONE]\n'],
          ends: 'in good order',
          given: [...given, 'message [DONE] @'],
        },
      ],
      closes: '',
      onlyCuts,
      // [spec] What is not followed by a blank line is discarded, and the source reconnects.
      eventSource: {
        connections: [
          { pieces: () => [chunk('Hello'), chunk(' world'), 'data: [DONE]\n'], ends: 'in good order', given },
          { status: 204, given: [] },
        ],
        isClosed: true,
      },
    },
    {
      kind: 'the last frame lacks the end of its line, too',
      who: 'servers that are compatible with OpenAI',
      options: toDone,
      connections: [
        {
          pieces: () => [chunk('Hello'), chunk(' world'), 'data: [DONE]'],
          ends: 'in good order',
          given: [...given, 'message [DONE] @'],
        },
      ],
      closes: '',
      onlyCuts,
    },
  ]
}

function answersThatAreNoStreams(): ServerCase[] {
  const answers: [string, string, number, string, string, RegExp][] = [
    ['a page to log in', 'gateways that ask for a log-in', 200, 'text/html', '<h1>Log in</h1>', /text\/html/],
    ['JSON', 'MCP', 200, 'application/json', '{"jsonrpc":"2.0","id":1,"result":{}}', /application\/json/],
    ['status 202', 'MCP', 202, '', '', /202/],
  ]
  const stream: Connection = { pieces: () => [numbered(1, 'a')], given: ['message a @1'] }
  return answers.flatMap(([what, who, status, type, body, error]): ServerCase[] => {
    const answer: Connection = {
      status,
      headers: () => ({ 'content-type': type }),
      pieces: () => [body],
      ends: 'in good order',
      given: [],
    }
    const onlyCuts = 'nothing has been received that another hub could resume'
    return [
      {
        kind: `the answer is no stream: ${what}`,
        who,
        connections: [answer],
        closes: error,
        onlyCuts,
        eventSource: { connections: [answer], isClosed: true },
      },
      {
        kind: `the answer is no stream: ${what}; the retry function is asked`,
        who,
        options: () => ({ retry: (_attempt, { status }) => status > 0 && 100 }),
        connections: [answer, stream],
        onlyCuts,
      },
    ]
  })
}

function oneEventAndTheEnd(): ServerCase[] {
  const written = (time: number) => `id: ${time}\nretry: 150\ndata: the time is ${time}\n\n`
  const given = (time: number) => `message the time is ${time} @${time}`
  const times = [1700000000, 1700000001, 1700000002, 1700000003, 1700000004]
  return [
    {
      kind: 'a script that sends one event and ends',
      who: 'PHP',
      connections: times.map((time, index) => ({
        pieces: () => [written(time)],
        ...(index + 1 < times.length && { ends: 'in good order' }),
        // With one ID seen the server was asked for just what follows. Later nothing shows that nothing is missing.
        given: index < 2 ? [given(time)] : [LOST, given(time)],
      })),
      onlyCuts: 'each of its connections ends by itself',
    },
  ]
}

function ignoresLastEventId(): ServerCase[] {
  const event = (id: number) => numbered(id, `n${id}`)
  const given = (id: number) => `message n${id} @${id}`
  return [
    {
      kind: 'a server that ignores Last-Event-ID costs one second at most, once per stream',
      who: 'servers that only send what happens now',
      connections: [
        { pieces: () => [1, 2, 3].map(event), given: [1, 2, 3].map(given) },
        // What happened meanwhile is lost.
        { pieces: () => [50, event(5), 20, event(6)], given: [LOST, given(5), given(6)] },
        { pieces: () => [50, event(8), 20, event(9)], given: [LOST, given(8), given(9)] },
        { pieces: () => [50, event(11)], given: [LOST, given(11)] },
      ],
      waits: [1_000, 0, 0],
    },
    {
      kind: 'a server that ignores Last-Event-ID and sends event after event costs one second at most',
      who: 'servers that only send what happens now',
      connections: [
        { pieces: () => [1, 2, 3].map(event), given: [1, 2, 3].map(given) },
        {
          pieces: () => apart(300, [5, 6, 7, 8, 9, 10, 11, 12].map(event)),
          given: [LOST, ...[5, 6, 7, 8, 9, 10, 11, 12].map(given)],
        },
        { pieces: () => apart(300, [14, 15].map(event)), given: [LOST, ...[14, 15].map(given)] },
      ],
      waits: [1_000, 0],
    },
  ]
}

function repeatsEverything(): ServerCase[] {
  const event = (id: number) => numbered(id, `n${id}`)
  const given = (id: number) => `message n${id} @${id}`
  const range = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index)
  const events = (first: number, last: number) => range(first, last).map(event)
  return [
    {
      kind: 'everything again on each connection, in one piece: each event is given once',
      who: 'servers that begin with their whole history',
      connections: [
        { pieces: () => events(1, 4), given: range(1, 4).map(given) },
        { pieces: () => [events(1, 6).join('')], given: range(5, 6).map(given) },
        { pieces: () => [events(1, 6).join(''), 200, event(7)], given: [given(7)] },
      ],
    },
    {
      kind: 'everything again on each connection, a long history in several pieces: each event is given once',
      who: 'servers that begin with their whole history',
      connections: [
        { pieces: () => [events(1, 40).join('')], given: range(1, 40).map(given) },
        {
          pieces: () => [events(1, 15).join(''), 20, events(16, 30).join(''), 20, events(31, 42).join('')],
          given: range(41, 42).map(given),
        },
        { pieces: () => [events(1, 43).join('')], given: [given(43)] },
      ],
    },
  ]
}

export const SERVER_CASES: readonly ServerCase[] = [
  ...greetingWithFreshId(),
  ...greetingWithoutId(),
  ...lateReplays(),
  ...constantGreeting(),
  ...heartbeats(),
  ...greetingAndHeartbeat(),
  ...counters(),
  ...countsWithinConnection(),
  ...lateCommits(),
  ...twiceOnOneConnection(),
  ...refusals(),
  ...mercure(),
  ...tabstream(),
  ...severalEventsUnderOneId(),
  ...oddIds(),
  ...posts(),
  ...answersThatAreNoStreams(),
  ...oneEventAndTheEnd(),
  ...ignoresLastEventId(),
  ...repeatsEverything(),
]
