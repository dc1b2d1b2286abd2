import type { Action, Answer, InspectedHub } from '../../src/inspector/hub.ts'
import { pack } from '../../src/link/pack.ts'
import {
  type ConnectionLife,
  type Entry,
  type GapEntry,
  INITIAL_STATE,
  type Look,
  type StateEntry,
  type StreamLife,
  type StreamReport,
  type StreamState,
  type SubscriptionLife,
  type TabLife,
} from '../../src/link/protocol.ts'

/** One stream of a hub that a test plays; it runs in the page. */
export class FakeStream {
  readonly id: string
  readonly report: StreamReport
  readonly headers: string[] = []
  readonly connections: ConnectionLife[] = []
  isYours = true
  status: StreamState = {
    ...INITIAL_STATE,
    state: 'open',
    origin: location.origin,
    openedAt: Date.now() - 754_000,
  }
  #log: Entry[] = []
  #arrivals: [number, number][] = []
  #counts = new Map<string, { events: number; characters: number }>()
  #seq = 0
  #ordinal = 0
  #bytes = 0

  constructor(id: string, url: string, names: string[] = ['*']) {
    this.id = id
    this.report = {
      url: new URL(url, location.href).href,
      state: 'open',
      parked: '',
      isVisible: true,
      connections: 1,
      subscribers: 1,
      names,
      logEvents: 0,
      logBytes: 0,
      lastEventId: '',
    }
  }

  get lastSeq(): number {
    return this.#seq
  }

  send(name: string, data: string, id = this.report.lastEventId, at = Date.now()): void {
    this.#append({ type: 'event', seq: 0, name, data, id, nth: 0, ordinal: ++this.#ordinal }, at)
    this.report.lastEventId = id
    const { events, characters } = this.#counts.get(name) ?? { events: 0, characters: 0 }
    const length = data.length + name.length + id.length
    this.#counts.set(name, { events: events + 1, characters: characters + length })
    this.#bytes += length + 16
  }

  gap(gap: Partial<GapEntry> = {}, at = Date.now()): void {
    this.#append({ type: 'gap', seq: 0, reason: 'history-lost', before: '', after: '', ...gap }, at)
  }

  turn(change: Partial<StateEntry>, at = Date.now()): void {
    this.status = { ...this.status, ...change }
    this.report.state = this.status.retryAt > 0 ? 'retrying' : this.status.state
    this.#append({ type: 'state', seq: 0, ...this.status }, at)
  }

  connect(connection: Partial<ConnectionLife> = {}): void {
    const begunAt = connection.begunAt ?? Date.now()
    this.report.connections++
    this.connections.push({
      begunAt,
      resumeAfter: '',
      openedAt: begunAt + 21,
      status: 200,
      headers: [
        ['content-type', 'text/event-stream'],
        ['cache-control', 'no-store'],
      ],
      repeated: 0,
      outcome: 'open',
      endedAt: 0,
      end: '',
      ...connection,
    })
  }

  /** What is known of the last connection has changed. */
  amend(connection: Partial<ConnectionLife>): void {
    this.connections.push({ ...(this.connections.pop() as ConnectionLife), ...connection })
  }

  look(seen: number, most: number): StreamLife {
    const all = this.#log.filter(({ seq }) => seq > seen)
    const entries = all.slice(-most)
    const [first] = this.#log
    const life: StreamLife = {
      id: this.id,
      method: 'GET',
      headers: this.headers,
      isYours: this.isYours,
      status: this.status,
      firstSeq: first?.seq ?? this.#seq + 1,
      lastSeq: this.#seq,
      bytes: this.#bytes,
      counts: [...this.#counts].map(([name, count]) => ({ name, ...count })),
      arrivals: this.#arrivals,
      entries: pack(this.isYours ? entries : []),
      skipped: this.isYours ? all.length - entries.length : 0,
      connections: this.connections,
    }
    this.#arrivals = []
    this.#counts.clear()
    return life
  }

  #append(entry: Entry, at: number): void {
    this.#log.push({ ...entry, seq: ++this.#seq })
    if (this.#log.length > 4_000) this.#log = this.#log.slice(-2_000)
    this.#arrivals.push([this.#seq, at])
    this.report.logEvents = Math.min(this.#ordinal, this.#log.length)
    this.report.logBytes = this.#log.length * 310
  }
}

/** A hub that tells what a test has put into it, and remembers what it was asked for. */
export class FakeHub implements InspectedHub {
  readonly streams: FakeStream[] = []
  readonly former: FakeStream[] = []
  readonly tabs: (Omit<TabLife, 'subscriptions'> & { subscriptions: SubscriptionLife[] })[] = []
  readonly looks: Look[] = []
  readonly actions: Action[] = []
  readonly rest: Omit<Answer, 'life' | 'streams' | 'tabs'> = {
    hubId: 'hub',
    host: 'shared-worker',
    isHere: false,
    refused: [],
    malformed: 0,
    origins: [],
  }
  /** The page has said `configure({ inspector: true })`. */
  isAllowed = true
  isOffline = false
  #streamCount = 0

  stream(url: string, names?: string[]): FakeStream {
    const stream = new FakeStream(`stream-${this.#streamCount++}`, url, names)
    this.streams.push(stream)
    return stream
  }

  tab(tab: Partial<TabLife> = {}): { subscriptions: SubscriptionLife[] } {
    const made = {
      id: `${'7f3a9c21'.slice(this.tabs.length)}${this.tabs.length}`,
      isYou: this.tabs.length === 0,
      isVisible: true,
      silentSince: 0,
      subscriptions: [],
      ...tab,
    }
    this.tabs.push(made as never)
    return made as never
  }

  /** The server has refused it, or it has ended for another reason. */
  end(stream: FakeStream, status: Partial<StreamState> = {}): void {
    Object.assign(stream, { isYours: false })
    stream.turn({ state: 'closed', openedAt: 0, retryAt: 0, ...status })
    this.streams.splice(this.streams.indexOf(stream), 1)
    this.former.unshift(stream)
  }

  /** @param behind entries that it has not been sent */
  subscribe(
    { subscriptions }: { subscriptions: SubscriptionLife[] },
    stream: FakeStream,
    behind = 0,
    rest: Partial<SubscriptionLife> = {},
  ): void {
    const subscription = { stream: stream.id, names: ['*'], unacknowledged: 0, gaps: 0, ...rest }
    subscriptions.push({
      ...subscription,
      get next() {
        return stream.lastSeq + 1 - behind
      },
    })
  }

  async inspect(look: Look): Promise<Answer> {
    this.looks.push(look)
    const { isOffline, tabs } = this
    return structuredClone({
      ...this.rest,
      tabs: tabs.length,
      streams: this.streams.map(({ report }) => report),
      life: {
        now: Date.now(),
        isOffline,
        tabs: tabs.map((tab) => ({ ...tab, subscriptions: tab.subscriptions.map((one) => ({ ...one })) })),
        streams: this.streams.map((stream) => stream.look(look.seen[stream.id] ?? 0, look.entries)),
        former: this.former.map((stream) => ({
          report: stream.report,
          life: stream.look(stream.lastSeq, 0),
        })),
      },
    })
  }

  async disturb(action: Action): Promise<void> {
    if (!this.isAllowed)
      throw new Error('tabstream: the page may not be disturbed: call configure({ inspector: true }) first')
    this.actions.push(action)
    if (action.type === 'offline') this.isOffline = action.isOffline
  }
}

/** A dashboard with something of everything, for pictures and for what checks the whole panel. */
export function populate(hub: FakeHub): FakeStream {
  const now = Date.now()
  const feed = hub.stream('/events?token=s3cret&room=7', ['cpu', 'log', 'memory'])
  feed.headers.push('authorization', 'x-tenant')
  feed.connect({
    begunAt: now - 754_000,
    endedAt: now - 42_000,
    end: 'the connection was lost',
    outcome: 'joined',
    headers: [
      ['content-type', 'text/event-stream'],
      ['cache-control', 'no-store'],
      ['server', 'nginx/1.28'],
    ],
  })
  for (let index = 0; index < 40; index++) {
    const data = JSON.stringify({ host: `web-${index % 3}`, load: (index * 37) % 100, cores: [0.1, 0.4] })
    feed.send(
      ['cpu', 'memory', 'log'][index % 3] as string,
      data,
      String(index + 2),
      now - 44_000 + index * 40,
    )
  }
  const error = { message: `GET ${feed.report.url} was lost`, status: 0, contentType: '', body: '' }
  feed.turn({ state: 'connecting', error, attempt: 1, retryAt: now - 40_000, openedAt: 0 }, now - 42_000)
  feed.connect({
    begunAt: now - 40_000,
    resumeAfter: '38',
    repeated: 3,
    outcome: 'joined',
    headers: [
      ['content-type', 'text/event-stream'],
      ['content-encoding', 'gzip'],
      ['cache-control', 'no-store'],
    ],
  })
  feed.turn({ state: 'open', error: undefined, attempt: 0, retryAt: 0, openedAt: now - 39_979 }, now - 39_979)
  const orders = hub.stream('https://api.example.com/v2/orders', ['order'])
  orders.turn({
    state: 'connecting',
    error: { ...error, message: 'status 503' },
    attempt: 4,
    retryAt: now + 8_000,
    openedAt: 0,
  })
  orders.connect({ status: 503, openedAt: 0, endedAt: now, end: 'status 503', headers: [] })
  const chat = hub.stream('/chat/7', ['*'])
  chat.send('message', 'hello', '', now - 20_000)
  chat.gap({ reason: 'unresumable' })
  const me = hub.tab()
  hub.subscribe(me, feed, 0, { names: ['cpu', 'log', 'memory'], unacknowledged: 1 })
  hub.subscribe(me, chat)
  const other = hub.tab({ isVisible: false })
  hub.subscribe(other, feed, 12, { names: ['cpu'], gaps: 1 })
  const third = hub.tab({ silentSince: now - 7_000 })
  hub.subscribe(third, orders, 0, { names: ['order'], unacknowledged: 2 })
  Object.assign(hub.rest, {
    refused: [],
    origins: [
      { origin: location.origin, protocol: 'http/1.1', limit: 4, live: 4, parked: 16 },
      {
        origin: 'https://api.example.com',
        protocol: 'h2',
        limit: Number.POSITIVE_INFINITY,
        live: 1,
        parked: 0,
      },
    ],
  })
  return feed
}
