/** An event of a connection, such as a greeting or a heartbeat. No server keeps or replays one. */
export interface Frame {
  readonly name: string
  readonly data: string
  readonly id?: string
}

/** The name of frames that have one of their own. Pages can listen to it; no kept event has it. */
export const FRAME_NAME = 'frame'

/**
 * What a kind of server does. Where it says nothing, the server gives each event an ID of its own, keeps all of them,
 * and replays just what came after the ID that it is asked for.
 */
export interface Manners {
  /** The ID of the n-th event since the server's start. */
  readonly id?: (n: number) => string | undefined
  /** The name of the n-th event. Absent where whoever sends an event chooses its name. */
  readonly name?: (n: number) => string
  /** The data of the n-th event. Absent where the data tell which event it is, so that no two are alike. */
  readonly data?: (n: number) => string
  /** Events are counted within each connection: one event has another ID and data on another connection. */
  readonly countsPerConnection?: true
  /** What each connection begins with. `n`: how many connections there have been, this one included. */
  readonly greeting?: (n: number) => Frame
  readonly heartbeat?: Frame
  /** How many of the latest events it keeps. */
  readonly keeps?: number
  readonly keepsOnlyEventsWithIds?: true
  /** What it replays after an ID that it knows. `from`: the event with that ID, and what came after it. */
  readonly replays?: 'after' | 'from' | 'everything' | 'nothing'
  /** It replays everything that it keeps where it does not know the ID. */
  readonly replaysAllAfterUnknownId?: true
  /** It begins with everything that it keeps where it is asked for no ID. */
  readonly beginsWithEverything?: true
  /** The response header that says which ID it has resumed after, or whether it has. */
  readonly resumedAfterHeader?: string
  /** After a restart it counts from 1 again, and has kept nothing. */
  readonly forgetsAtRestart?: true
  /** Whether the n-th event is committed only after the next one. It is never sent live, and a replay has it at its place. */
  readonly commitsLate?: (n: number) => boolean
  /** Whether the n-th event is sent twice when it is sent live. */
  readonly stutters?: (n: number) => boolean
  /** It ends each response as soon as it has brought an event. */
  readonly endsAfterEvents?: true
  /** How many events it replays at a time. */
  readonly replaysAtMost?: number
}

const isEveryThird = (n: number): string | undefined => (n % 3 === 1 ? `id-${n}` : undefined)

/** Few enough that two events in a row are often alike. */
const signal = (n: number): string => (n % 3 === 0 ? 'reload' : 'invalidate')

export const KINDS = {
  /** Replays what came after the ID. */
  strict: {},
  /** Replays from the ID on, the event itself included. */
  inclusive: { replays: 'from' },
  /** Keeps a few events; replays all of them where it has forgotten the ID. */
  forgetful: { keeps: 12, replaysAllAfterUnknownId: true },
  /** Like `forgetful`, and says so in its answer, as Mercure did first. */
  candid: { keeps: 12, replaysAllAfterUnknownId: true, resumedAfterHeader: 'Last-Event-ID' },
  /** Like `candid`, with the header of Mercure 1.0. */
  mercure: { keeps: 12, replaysAllAfterUnknownId: true, resumedAfterHeader: 'Mercure-Last-Event-ID' },
  /** Like `candid`, with the header of tabstream/server. */
  tabstream: { keeps: 12, replaysAllAfterUnknownId: true, resumedAfterHeader: 'Tabstream-Resumed' },
  /** Never replays. */
  ignoring: { replays: 'nothing' },
  /** Replays everything, always. */
  repeating: { replays: 'everything', beginsWithEverything: true },
  /** Sends no IDs. */
  'without-ids': { id: () => undefined, replays: 'nothing' },
  /** Sends an ID with every third event only, and keeps them all. */
  sparse: { id: isEveryThird },
  /** Sends an ID with every third event only, and keeps only those. */
  'sparse-ephemeral': { id: isEveryThird, keepsOnlyEventsWithIds: true },
  /** The same ID on three events in a row; replays what came after the last of them. */
  grouped: { id: (n) => `group-${Math.ceil(n / 3)}` },
  /** Each connection begins with an event of constant name and data and a fresh ID, which can be resumed after. */
  greeting: { greeting: (n) => ({ name: FRAME_NAME, data: 'connected', id: `greeting-${n}` }) },
  /** Each connection begins with an event without an ID, whose data differ. */
  'greeting-without-id': { greeting: (n) => ({ name: FRAME_NAME, data: `connection ${n}` }) },
  /** Each connection begins with the same event, whose ID stands for the beginning of the stream. */
  'constant-greeting': {
    greeting: () => ({ name: FRAME_NAME, data: '', id: '0' }),
    beginsWithEverything: true,
  },
  /** Now and then an event without an ID and of a name of its own. */
  heartbeats: { heartbeat: { name: FRAME_NAME, data: '' } },
  /** Heartbeats have a name that events with IDs have as well. */
  'message-heartbeats': { heartbeat: { name: 'a', data: 'ping' } },
  /** Both, as django-eventstream sends them. */
  'greeting-and-heartbeats': {
    greeting: () => ({ name: FRAME_NAME, data: 'open' }),
    heartbeat: { name: FRAME_NAME, data: '' },
  },
  /** A bus in memory: a restart takes its history and its counter. Its events are signals, which are alike. */
  restarting: { id: String, name: (n) => (n % 4 === 0 ? 'b' : 'a'), data: signal, forgetsAtRestart: true },
  /** IDs count within the connection, as in the examples of many frameworks, and `Last-Event-ID` is ignored. */
  'per-connection': {
    id: String,
    name: () => 'a',
    data: (n) => `tick ${n}`,
    countsPerConnection: true,
    replays: 'nothing',
  },
  /** An outbox: some events are numbered before the next one and committed after it. */
  'late-commits': { id: String, commitsLate: (n) => n % 5 === 4 },
  /** Sends some events twice on one connection, as a proxy does that is not sure whether the first was received. */
  stuttering: { stutters: (n) => n % 3 === 0 },
  /** Ends each response after what it had to say. */
  polling: { endsAfterEvents: true },
  /** Answers with the next two events at most, and ends the response. */
  paging: { endsAfterEvents: true, replaysAtMost: 2 },
  /** Answers with the next event, and ends the response. */
  dispensing: { endsAfterEvents: true, replaysAtMost: 1 },
} as const satisfies Record<string, Manners>

export type ServerKind = keyof typeof KINDS

/**
 * Played only where they are asked for: while tabs of a dead hub stand apart by more than such a server brings at a time, some
 * of them can be told of a gap that was none, and be given an event again behind it.
 */
const SLOW_KINDS: readonly ServerKind[] = ['paging', 'dispensing']

/** The same: to the hub it is `candid` by another name. */
const LIKE_OTHERS: readonly ServerKind[] = ['tabstream']

export const ALL_KINDS = (Object.keys(KINDS) as ServerKind[]).filter(
  (kind) => ![...SLOW_KINDS, ...LIKE_OTHERS].includes(kind),
)

export const mannersOf = (kind: ServerKind): Manners => KINDS[kind]
