/**
 * Everything that crosses the link between a tab and a hub. Types only: the two ends may be different builds
 * of tabstream only if {@link PROTOCOL_VERSION} is equal, which the name of the SharedWorker carries.
 */

/** Changes with every incompatible change of a type in this file. */
export const PROTOCOL_VERSION = 7

/** What is asked of the server. Two tabs share a stream when all members are equal, and `redirect` leads to the same. */
export interface StreamRequest {
  /** Absolute, without fragment. Where a function gives the URL of each connection, it says nothing. */
  readonly url: string
  readonly credentials: RequestCredentials
  readonly method: string
  readonly body: string | undefined
  /** Names in lower case, sorted. What a function in the page has given last, if there is one and no `key`. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Tells apart what else is equal, for instance users. */
  readonly key: string
  /** A function in the page gives the headers of each connection. */
  readonly asksHeaders: boolean
  /** A function in the page gives the URL of each connection. */
  readonly asksUrl?: true
  /** What is asked for instead where there is an ID to resume after; absent where it is the same. */
  readonly resume?: ResumeRequest
  /** What to do where the server redirects. Absent: follow, unless headers or a body of the page's would go along. */
  readonly redirect?: 'follow' | 'error' | undefined
  /** What brings the events; absent for Server-Sent Events by `fetch`. */
  readonly source?: SourceRequest
}

/** A source that the hub fetches. */
export interface SourceRequest {
  /** URL of its module, of the hub's origin. Its fragment is the name under which the module provides it, if it does not export it. */
  readonly script: string
  /** For the source, as JSON. */
  readonly options: string
  /** It asks the server only for names that pages listen to. */
  readonly isSelective?: true
}

/** A request that resumes a stream which another one has begun. Headers and credentials are those of the other. */
export interface ResumeRequest {
  /** Absolute, without fragment; `undefined` where it is that of the other. */
  readonly url: string | undefined
  readonly method: string
  readonly body: string | undefined
  /** The page has made JSON of the body. */
  readonly isJson: boolean
}

/** Why headers or a URL are asked for: the first connection, another one, or a server that has refused the last ones. */
export type HeadersReason = 'connect' | 'retry' | 'unauthorized'

/** What functions in the page give for one connection; and what is fixed, where they do not give both. */
export interface ConnectionDetails {
  /** Absolute, without fragment. */
  readonly url: string
  readonly headers: StreamRequest['headers']
  /** Where the page has no key to give: `''`, or what tells it from all others, since the headers do not. */
  readonly key?: string
}

/** What one subscriber wants of a stream that others may share. */
export interface Policy {
  /** How many attempts in a row may follow a failure; `Infinity` for any number. */
  readonly retries: number
  /** Whether a status that may pass is a failure to try again after, not the end. */
  readonly retriesStatuses: boolean
  /** A function in the page decides when to try again. */
  readonly asksRetry: boolean
  /** The page knows the last event when it sees it. */
  readonly asksEnd: boolean
  /** The page wants a request of a method that is not safe to be made again. */
  readonly repeatsUnsafe: boolean
  /** Whether the server is expected to resume; otherwise it is not asked to, and nothing is missing where it has not. */
  readonly resumes: boolean
  /** How long, in ms, the server may send nothing at all: {@link LEAST_IDLE_TIMEOUT} or more; 0 for any time. */
  readonly idleTimeout: number
  /** How many characters an event may have, data, name and ID together. */
  readonly maxEventSize: number
  /**
   * What happens where the page works, and is slower than the server: the hub reads no faster than it, or it is told of a gap,
   * or it is given the latest event of each name instead of what it has missed.
   */
  readonly lag: 'wait' | 'gap' | 'latest'
  /** What the stream may cost while the page is hidden. */
  readonly hidden: Hidden
  /** Whose connection counts for more where there are too few. */
  readonly priority: 'high' | 'auto' | 'low'
  /** Names of events that belong to the connection which brings them. */
  readonly ephemeral?: readonly string[]
  /** Names of events by which the server says that history is gone. */
  readonly gapEvents?: readonly string[]
  /** A JSON Pointer into the data, to what makes an event the same as another. */
  readonly identify?: string
}

/**
 * As if the page were visible; a batch a second at most; no connection, where all who share the stream can do without; or that
 * after so many ms.
 */
export type Hidden = 'live' | 'batch' | 'park' | { readonly parkAfter: number }

/** A shorter one would end a connection that is well, for all who share it. */
export const LEAST_IDLE_TIMEOUT = 1_000

/** A timer of more ms than this runs out at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

/** Names one event of a stream, recognisable when another connection or another hub receives it again. */
export interface Place {
  /** The last event ID in effect at the event; `''` where there is none. */
  readonly id: string
  /** How many events since the last `id` line; 0 for an event that brought its own. */
  readonly nth: number
  /** Tells events with the same ID apart: a digest of name and data. */
  readonly digest: number
  /** What makes it the same event whatever its ID, where a page has said what does. */
  readonly same?: string | undefined
}

/** An event that a tab has passed. */
export interface Passed extends Place {
  /** Its number in the log that the position names; 0 where it came in another one. */
  readonly ordinal: number
  /** Its place in the server's order, where that is not its number. */
  readonly at?: number
  /** A faithful replay may leave it out, and nothing is asked to follow it: it belonged to the connection that brought it. */
  readonly isAside?: boolean
  /** The server has said that what lies before it is gone, so nothing before it can be asked for. */
  readonly beginsAnew?: boolean
  /** Its name, where the server is asked only for names that pages listen to. */
  readonly topic?: string
}

/** What `EventSource` wants. */
export const EVENT_SOURCE_POLICY: Policy = {
  retries: Number.POSITIVE_INFINITY,
  retriesStatuses: false,
  asksRetry: false,
  asksEnd: false,
  repeatsUnsafe: false,
  resumes: true,
  idleTimeout: 0,
  maxEventSize: 8 * 1024 * 1024,
  lag: 'wait',
  hidden: 'live',
  priority: 'auto',
}

/** Why a connection could not be had, or is no more. */
export interface ConnectionError {
  /** For people. */
  readonly message: string
  /** Of an answer that was no event stream, or the close code of a WebSocket; 0 where there was no answer, or its stream has ended. */
  readonly status: number
  /** `Content-Type` of an answer that was no event stream, as it came; `''` where it had none, or there was no answer. */
  readonly contentType: string
  /**
   * The beginning of that answer, at most 16,384 bytes of UTF-8, where its type is text or JSON; or the server's reason to close a
   * WebSocket, at most 123 bytes; otherwise `''`.
   */
  readonly body: string
}

/** How far a tab has come in a stream: enough to go on at the same hub, or at one that knows nothing. */
export interface Position {
  /** Which log; every stream of every hub has its own. */
  readonly log: string
  /** Everything up to and including this sequence number of it is done with. */
  readonly seq: number
  /** All events of that log up to this number are done with; entries of other kinds have sequence numbers too. */
  readonly ordinal: number
  /** The ID to resume after. It lies before the last event, so that the replay proves itself. */
  readonly resumeAfter: string
  /** Number of the event that has that ID. A faithful replay begins behind it. */
  readonly from: number
  /** The latest events, oldest first: those behind `from`, and the one that has this number where it is known. */
  readonly latest: readonly Passed[]
  /** No earlier ID was there to ask for: the replay starts with the first new event. */
  readonly unproven: boolean
  /** Digest of the event that connections begin with, each time under another ID; 0 where none is known. */
  readonly greeting: number
  /** Of names that have come without an ID. */
  readonly habits: readonly Habit[]
  /** Some events of the stream bring an ID and some do not. */
  readonly mixed: boolean
  /** How many subscriptions the stream had, this one included. */
  readonly subscribers: number
}

/** How the events of one name have come. */
export interface Habit {
  readonly name: string
  /** One had an ID of its own. */
  readonly hasId: boolean
  /** Of the last one without an ID; absent where there was none. */
  readonly digest: number | undefined
  /** Two of those without an ID had different data. */
  readonly differs: boolean
}

/** How many of the latest events of each name a newcomer is given first: of all its names, or name by name. */
export type Replay = number | 'all' | Readonly<Record<string, number>>

/** One tab's wish for some names of one stream. Sent anew, with a higher epoch, whenever any of it changes. */
export interface Subscription {
  /** Unique in the tab. */
  readonly id: number
  readonly epoch: number
  readonly request: StreamRequest
  /** What is left out is as in {@link EVENT_SOURCE_POLICY}. */
  readonly policy: Partial<Policy>
  /** {@link EVERY_NAME} stands for all. */
  readonly names: readonly string[]
  /** Absent: from now on. */
  readonly position?: Position | undefined
  /** What a newcomer is to be given of the past. */
  readonly replay?: Replay
  /** A page without a position has everything up to this ID: it is to be given what follows, or a gap. */
  readonly since?: string | undefined
  /** What this tab has dispatched lately, for a hub that may not know the position's log. */
  readonly seen?: Seen
  /** Subscriptions that the tab had closed in the very task in which it opened this one, which may take their place. */
  readonly renews?: readonly number[]
}

/** The latest events that a tab has dispatched, by their numbers in the log that its position names. */
export interface Seen {
  readonly events: readonly Passed[]
  /** Nothing that it listened to is left out behind this number. */
  readonly since: number
}

/** In place of a name. */
export const EVERY_NAME = '*'

/** Why events may be missing. */
export type GapReason =
  /** The server gives no IDs to resume from, or not on every event. */
  | 'unresumable'
  /** The server was asked to resume and what came does not join what was seen. */
  | 'history-lost'
  /** This tab fell further behind than the log reaches. */
  | 'slow-tab'
  /** This tab was away (frozen, cached) for longer than the log reaches. */
  | 'asleep'

export interface EventEntry {
  readonly type: 'event'
  readonly seq: number
  readonly name: string
  readonly data: string
  readonly id: string
  readonly nth: number
  /** How many events this log has held up to and including this one. */
  readonly ordinal: number
}

export interface StateEntry {
  readonly type: 'state'
  readonly seq: number
  /** `'parked'`: it has no connection, because others need theirs more or nobody looks at it. It goes on where it stands. */
  readonly state: 'connecting' | 'open' | 'parked' | 'closed'
  /** Of the response's final URL. */
  readonly origin: string
  /** Of the latest connection: the subprotocol that the server has chosen, where the source knows such. */
  readonly protocol?: string | undefined
  /** What went wrong; `undefined` where nothing did. */
  readonly error: ConnectionError | undefined
  /** How many attempts in a row have failed. */
  readonly attempt: number
  /** When the next one begins, in ms since 1970; 0 where none is planned. */
  readonly retryAt: number
  /** When the connection was opened, in ms since 1970; 0 where it is not open. */
  readonly openedAt: number
}

/** How a stream stands, wherever that is said. */
export type StreamState = Omit<StateEntry, 'type' | 'seq'>

/** How a stream stands before it has done anything. */
export const INITIAL_STATE: StreamState = {
  state: 'connecting',
  origin: '',
  error: undefined,
  attempt: 0,
  retryAt: 0,
  openedAt: 0,
}

export interface GapEntry {
  readonly type: 'gap'
  readonly seq: number
  readonly reason: GapReason
  /** Last event ID before the gap. */
  readonly before: string
  /** Last event ID of the first event after it; `''` where that is not known yet. */
  readonly after: string
}

/** What a log holds and a batch carries. */
export type Entry = EventEntry | StateEntry | GapEntry

/** A row of entries, in a form that is cheap to copy. `pack.ts` makes and reads it. */
export interface PackedEntries {
  /** Of each event its data, and its ID unless that is the same as of the event before. */
  readonly text: string
  readonly names: readonly string[]
  /**
   * Six for each entry: index of the name, length of the data, length of the ID, `nth`, and how far `seq` and `ordinal`
   * lie behind those of the first event. The highest number for a name means the next of `others`; for the length of
   * the ID, that it is the same as before. Of many entries it is a `Uint32Array`, which is dear to make and cheap to fill.
   */
  readonly numbers: ArrayLike<number>
  /** Of the first event. */
  readonly seq: number
  readonly ordinal: number
  /** Entries that are no events. */
  readonly others: readonly (StateEntry | GapEntry)[]
}

export interface Batch {
  readonly hubId: string
  readonly subscription: number
  readonly epoch: number
  readonly entries: PackedEntries
  /** Where the tab stands when it is through with this batch. */
  readonly position: Position
  /** The numbers of what the tab has dispatched before do not hold in this log. */
  readonly beginsAnew: boolean
  /** The acknowledgement may wait for the next one that may not. */
  readonly mayWait: boolean
}

/** An answer that may wait. */
export const LATER = 'later'

export interface StreamReport {
  /** Absolute URL. */
  url: string
  state: 'connecting' | 'open' | 'retrying' | 'parked' | 'closed'
  /** Why it is parked, in words for people; `''` where it is not. */
  parked: string
  /** A visible page subscribes to it. */
  isVisible: boolean
  /** Connections begun so far, reconnections included. */
  connections: number
  /** Subscriptions of all tabs. */
  subscribers: number
  /** Event names that somebody listens to, sorted. */
  names: string[]
  logEvents: number
  /** Estimated size of the log in memory, with what is kept beyond it for a replay. */
  logBytes: number
  lastEventId: string
}

/** The connections of a hub's streams to one origin. */
export interface OriginReport {
  origin: string
  /** By its ALPN name, for instance `'http/1.1'` or `'h2'`; `''` where it is not known, which counts as HTTP/1.1. */
  protocol: string
  /** Most connections that the hub holds; `Infinity` for any number. */
  limit: number
  /** Streams that have a connection. One that waits before it tries again has none. */
  live: number
  /** Streams that are parked. */
  parked: number
}

export interface HubReport {
  hubId: string
  tabs: number
  /** Messages that made no sense, from whomever they came; they were ignored. */
  malformed: number
  streams: StreamReport[]
  origins: OriginReport[]
}

/** What a page that looks into the hub's life has been told already, and how much it wants to be told. */
export interface Look {
  /** Numbers of the last entries that it has been told of, by the streams' IDs. */
  readonly seen: Readonly<Record<string, number>>
  /** Most entries of one stream in one answer. The latest are told. */
  readonly entries: number
}

/**
 * What a hub tells a page that looks into its life. While no page looks, it counts bytes and remembers the latest connections and
 * the latest streams that have ended, and nothing else.
 */
export interface HubLife {
  /** By the hub's clock, in ms since 1970. */
  readonly now: number
  /** No connection can be had, because a page has wanted that. */
  readonly isOffline: boolean
  readonly tabs: readonly TabLife[]
  /** In the order of the report's streams. */
  readonly streams: readonly StreamLife[]
  /** The latest that have ended since the page has come, the latest first. */
  readonly former: readonly EndedStream[]
}

/** A stream that the hub has no more, as it was when it ended. */
export interface EndedStream {
  readonly report: StreamReport
  /** Without entries and counts. Its state is `'closed'`, or another where nobody listened any more. */
  readonly life: StreamLife
}

/** One page at the hub. */
export interface TabLife {
  /** Random, the same as long as the page lives. */
  readonly id: string
  /** It is the page that looks. */
  readonly isYou: boolean
  readonly isVisible: boolean
  /** Since when it has owed an answer without a sign of work, in ms since 1970; 0 where it owes none. A frozen page answers when it wakes. */
  readonly silentSince: number
  readonly subscriptions: readonly SubscriptionLife[]
}

/** What one page wants of one stream, and how far it is. */
export interface SubscriptionLife {
  /** The stream's ID. */
  readonly stream: string
  /** Sorted; {@link EVERY_NAME} stands for all. */
  readonly names: readonly string[]
  /** Number of the entry that it is sent next. It is behind by `lastSeq + 1` less this. */
  readonly next: number
  /** Batches that the page has not acknowledged. */
  readonly unacknowledged: number
  /** Gaps that it alone was told of: it was too slow, or away for too long. */
  readonly gaps: number
}

/** One stream at the hub. */
export interface StreamLife {
  readonly id: string
  readonly method: string
  /** Names of the headers that pages have given, never values. */
  readonly headers: readonly string[]
  /** The page that looks subscribes to it. Only then it is told entries. */
  readonly isYours: boolean
  readonly status: StreamState
  /** Numbers of the oldest and of the latest entry of the log; the latter plus 1, and the latter, where it is empty. */
  readonly firstSeq: number
  readonly lastSeq: number
  /** Bytes that its connections have brought, without compression. */
  readonly bytes: number
  /** Events since the page looked last, by name. */
  readonly counts: readonly NameCount[]
  /** When entries have come: all up to that number, at that time in ms since 1970. Since the page looked last. */
  readonly arrivals: readonly (readonly [lastSeq: number, at: number])[]
  /** Entries since the page looked last; none of a stream to which it does not subscribe. */
  readonly entries: PackedEntries
  /** Entries since the page looked last that are not told, because they were too many or have fallen off the log. */
  readonly skipped: number
  /** The latest, oldest first. */
  readonly connections: readonly ConnectionLife[]
}

/** How many events of one name have come. */
export interface NameCount {
  readonly name: string
  readonly events: number
  /** Of data, name and ID. */
  readonly characters: number
}

/** One connection to the server. Times are in ms since 1970; 0 where it has not come to that. */
export interface ConnectionLife {
  readonly begunAt: number
  /** The ID that it was asked to resume after; `''` where it was not. */
  readonly resumeAfter: string
  readonly openedAt: number
  /** Of the response; 0 where there was none. */
  readonly status: number
  /** Those that tell what handles the response, for instance `['content-encoding', 'gzip']`; never such as may be secret. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Events that it brought which were known already. */
  readonly repeated: number
  /** Whether it goes on where the last one ended; `'open'` on the first one, and as long as that is not decided. */
  readonly outcome: 'open' | 'joined' | 'unproven' | 'gap'
  readonly endedAt: number
  /** Why, in words for people; `''` where it has not. */
  readonly end: string
}

/** What a page may do to its hub, for development. */
export type Disturbance =
  /** The stream's connection fails, as when the network does. */
  | { readonly type: 'cut'; readonly stream: string }
  /** The stream's connection is replaced by another. */
  | { readonly type: 'reconnect'; readonly stream: string }
  /** All connections fail, and none can be had until it is said that they can. */
  | { readonly type: 'offline'; readonly isOffline: boolean }
  /** The page loses its place in the stream's log, and is told a gap. */
  | { readonly type: 'skip'; readonly stream: string }
  /** The hub ends: a worker dies without a word, a leader resigns. */
  | { readonly type: 'end-hub' }

export interface Attachment {
  readonly tabId: string
  /** Whether the tab holds the Web Lock `tabLockName(tabId)` for as long as it lives. */
  readonly holdsLock: boolean
  /** By which the page itself has come, by its ALPN name; absent where that is not known. */
  readonly protocol?: string | undefined
  /** Most connections to one origin, where the page says; the least of all pages counts. */
  readonly connections?: number | undefined
  /** The page may disturb the hub. */
  readonly mayDisturb?: true | undefined
}

/** What a hub offers a tab. */
export interface HubSide {
  /** Answers with the hub's ID. */
  attach(attachment: Attachment): string
  /** Answers with the hub's ID; a tab that is told another one than it attached to attaches again. */
  subscribe(subscription: Subscription): string
  unsubscribe(subscriptionId: number): void
  /** Ends the stream of a subscription, for all who share it; the request's where the hub does not know the subscription. */
  end(subscriptionId: number, request?: StreamRequest): void
  /** The tab is not through with a batch, and goes on dispatching it. Said twice a second at most. */
  working(subscriptionId: number): void
  /** Drops the connection of a subscription's stream, or the wait for the next, and connects at once. */
  reconnect(subscriptionId: number): void
  /** Gives a message to a subscription's source, and answers with what that says. */
  send(subscriptionId: number, message: unknown): Promise<unknown>
  detach(): void
  /** The page, or its network, may be back: streams that wait retry at once. A tab counts as visible until it says otherwise. */
  wake(isVisible: boolean): void
  /** The page is hidden now. */
  hide(): void
  /** The hub's ID where the tab is still attached, otherwise `''`. */
  ping(): string
  inspect(): HubReport
  /** What `inspect` answers, and the hub's life since the page looked last. */
  look(look: Look): { readonly report: HubReport; readonly life: HubLife }
  /** Does nothing for a page that may not. */
  disturb(disturbance: Disturbance): void
}

/** What a tab offers its hub. */
export interface TabSide {
  /** Returns when every entry has been dispatched: the return is the acknowledgement, `LATER` where that may wait. */
  deliver(batch: Batch): Promise<typeof LATER | undefined>
  /**
   * What the subscription's functions give for the next connection. Rejects with what they throw.
   *
   * @param round the same for all who are asked for that connection
   */
  details(
    subscriptionId: number,
    reason: HeadersReason,
    round: string,
  ): Promise<ConnectionDetails | undefined>
  /** The stream is not of the headers that the subscription's function gives. It is to subscribe anew, with those. */
  part(subscriptionId: number): void
  /** When the subscription's function wants to try again, in ms; `false` for not at all. */
  retryDelay(subscriptionId: number, attempt: number, error: ConnectionError): Promise<number | false>
  /** For the page's console. */
  warn(message: string): void
  ping(): void
}

export const TAB_LOCK = 'tabstream:tab:'

export const tabLockName = (tabId: string): string => TAB_LOCK + tabId

export const hubLockName = (hubId: string): string => `tabstream:hub:${hubId}`
