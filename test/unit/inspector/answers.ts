import type { StreamReport } from '../../../src/index.ts'
import type { Answer } from '../../../src/inspector/hub.ts'
import { pack } from '../../../src/link/pack.ts'
import {
  type ConnectionLife,
  type Entry,
  type EventEntry,
  type HubLife,
  INITIAL_STATE,
  type StreamLife,
  type SubscriptionLife,
  type TabLife,
} from '../../../src/link/protocol.ts'

/** When answers are given, unless a test says otherwise, in ms since 1970. */
export const NOW = 1_800_000_000_000

export const event = (seq: number, name: string, data: string, id = String(seq)): EventEntry => ({
  type: 'event',
  seq,
  name,
  data,
  id,
  nth: 0,
  ordinal: seq,
})

export const streamReport = (report: Partial<StreamReport> = {}): StreamReport => ({
  url: 'https://dash.test/events',
  state: 'open',
  parked: '',
  isVisible: true,
  connections: 1,
  subscribers: 1,
  names: ['*'],
  logEvents: 10,
  logBytes: 1_000,
  lastEventId: '10',
  ...report,
})

export const streamLife = ({
  entries = [],
  ...life
}: Partial<Omit<StreamLife, 'entries'>> & { entries?: Entry[] } = {}): StreamLife => ({
  id: 'log-1',
  method: 'GET',
  headers: [],
  isYours: true,
  status: { ...INITIAL_STATE, state: 'open', openedAt: NOW - 1_000 },
  firstSeq: 1,
  lastSeq: entries.at(-1)?.seq ?? 0,
  bytes: 0,
  counts: [],
  arrivals: [],
  skipped: 0,
  connections: [],
  ...life,
  entries: pack(entries),
})

export const connectionLife = (connection: Partial<ConnectionLife> = {}): ConnectionLife => ({
  begunAt: NOW - 1_000,
  resumeAfter: '',
  openedAt: NOW - 900,
  status: 200,
  headers: [['cache-control', 'no-store']],
  repeated: 0,
  outcome: 'open',
  endedAt: 0,
  end: '',
  ...connection,
})

export const tabLife = (tab: Partial<TabLife> = {}): TabLife => ({
  id: 'abcdef123',
  isYou: false,
  isVisible: true,
  silentSince: 0,
  subscriptions: [],
  ...tab,
})

export const subscriptionLife = (subscription: Partial<SubscriptionLife> = {}): SubscriptionLife => ({
  stream: 'log-1',
  names: ['*'],
  next: 1,
  unacknowledged: 0,
  gaps: 0,
  ...subscription,
})

interface Told extends Pick<Partial<HubLife>, 'former'>, Partial<Omit<Answer, 'life' | 'streams' | 'tabs'>> {
  at?: number
  isOffline?: boolean
  streams?: [StreamReport, StreamLife][]
  tabs?: TabLife[]
}

export const answerOf = ({
  at = NOW,
  isOffline = false,
  streams = [],
  tabs = [],
  former = [],
  ...rest
}: Told = {}): Answer => ({
  hubId: 'hub-1',
  host: 'shared-worker',
  isHere: false,
  refused: [],
  malformed: 0,
  origins: [],
  ...rest,
  tabs: tabs.length,
  streams: streams.map(([report]) => report),
  life: { now: at, isOffline, tabs, streams: streams.map(([, life]) => life), former },
})
