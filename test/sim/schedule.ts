import fc from 'fast-check'
import type { SourceRequest } from '../../src/link/protocol.ts'
import { SimTab, type SimTabOptions, type SimWish } from './page.ts'
import { CENTRIFUGO_SOURCE, type CentrifugoManners } from './world/centrifugo.ts'
import { type DurableManners, durableSource } from './world/durable.ts'
import { ALL_KINDS, FRAME_NAME, type ServerKind } from './world/kinds.ts'
import { type LineManners, linesSource, linesWire } from './world/lines.ts'
import type { VirtualServer } from './world/server.ts'
import { SOCKET_SOURCE } from './world/socket.ts'
import { TOPICS_SOURCE } from './world/topics.ts'
import { seededRandom, World } from './world/world.ts'

export const NAMES = ['a', 'b', 'c'] as const

type Name = (typeof NAMES)[number] | typeof FRAME_NAME

/** One thing that happens, followed by `wait` ms of virtual time. */
export type Happening = { wait: number } & (
  | ({ type: 'open'; server: number; names: Name[]; wish?: SimWish } & SimTabOptions)
  | { type: 'subscribe'; tab: number; server: number; names: Name[]; wish?: SimWish }
  | { type: 'show' | 'hide'; tab: number }
  | { type: 'add' | 'remove' | 'add on next event'; tab: number; subscription: number; name: Name }
  | { type: 'unsubscribe'; tab: number; subscription: number }
  | { type: 'send'; server: number; names: Name[] }
  | { type: 'cut'; server: number; cleanly: boolean }
  | { type: 'restart' | 'heartbeat'; server: number }
  | { type: 'outage'; server: number; duration: number }
  | { type: 'slow down'; tab: number; pace: number }
  | { type: 'block'; tab: number; duration: number }
  | { type: 'freeze' | 'cache' | 'wake' | 'close' | 'crash'; tab: number }
  | { type: 'kill worker' | 'wedge worker' | 'leave leader' }
)

export interface Schedule {
  /** Of delays, jitter and chunk borders. */
  seed: number
  /** Where the hub lives. */
  host: 'shared-worker' | 'leader'
  kinds: ServerKind[]
  /** Events that a log holds. */
  logEvents: number
  /** Whether there are Web Locks. */
  hasLocks: boolean
  /** Whether the second server differs from the first in credentials only. */
  sharesUrls: boolean
  happenings: Happening[]
  /** Pages have their events by WebSocket. */
  sockets?: true
  /** The server is asked for what pages listen to, and nothing else. */
  topics?: true
  /** Servers send lines, in this way. */
  lines?: true
  lineManners?: LineManners
  /** Servers have Durable Streams, and do this. */
  durable?: true
  durableManners?: DurableManners
  /** Servers speak the protocol of Centrifugo, and do this. */
  centrifugo?: true
  centrifugoManners?: CentrifugoManners
}

/** More than any schedule sends. */
const WHOLE_LOG = 10_000

const index = fc.nat(5)
const sentName = fc.constantFrom(...NAMES)
/** Of events sent at a time. They are often alike in all but their ID. */
const sentNames = fc.oneof(
  { weight: 3, arbitrary: fc.array(sentName, { minLength: 1, maxLength: 8 }) },
  { weight: 1, arbitrary: fc.array(fc.constant(NAMES[0]), { minLength: 1, maxLength: 8 }) },
)
const name = fc.oneof(
  { weight: 5, arbitrary: sentName },
  { weight: 1, arbitrary: fc.constant<Name>(FRAME_NAME) },
)
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 })
const wait = fc.oneof(fc.constant(0), fc.nat(20), fc.nat(300), fc.nat(3_000))

const happening = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('open'), server: index, names, wait }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('subscribe'), tab: index, server: index, names, wait }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('add', 'remove', 'add on next event'),
      tab: index,
      subscription: index,
      name,
      wait,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('unsubscribe'), tab: index, subscription: index, wait }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('send'),
      server: index,
      names: sentNames,
      wait,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('cut'), server: index, cleanly: fc.boolean(), wait }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constantFrom('restart', 'heartbeat', 'heartbeat'), server: index, wait }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('outage'), server: index, duration: fc.nat(5_000), wait }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('freeze', 'cache', 'wake', 'close', 'crash'),
      tab: index,
      wait,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('slow down'), tab: index, pace: fc.nat(500), wait }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('block'),
      tab: index,
      duration: fc.oneof(fc.nat(400), fc.nat(8_000)),
      wait,
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('kill worker', 'leave leader'), wait }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('wedge worker'), wait }) },
) as fc.Arbitrary<Happening>

export const schedulesOf = (kinds: readonly ServerKind[] = ALL_KINDS): fc.Arbitrary<Schedule> =>
  fc
    .record({
      seed: fc.nat(),
      host: fc.constantFrom('shared-worker', 'leader'),
      kinds: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 2 }),
      logEvents: fc.constantFrom(24, WHOLE_LOG, WHOLE_LOG),
      hasLocks: fc.boolean(),
      sharesUrls: fc.boolean(),
      happenings: fc.array(happening, { minLength: 1, maxLength: 40, size: 'max' }),
    })
    .map((drawn) => ({
      ...drawn,
      // A server that repeats more than the log holds cannot be told from one with new events.
      logEvents: drawn.kinds.includes('repeating') ? WHOLE_LOG : drawn.logEvents,
    }))

/** What a schedule leads to. */
export interface Outcome {
  world: World
  tabs: SimTab[]
  /** Problems seen on the way. */
  problems: string[]
  hasWedged: boolean
}

/**
 * Plays what happens in a schedule, and nothing after that.
 *
 * @param watch told of the world before anything happens
 */
export async function playHappenings(
  schedule: Schedule,
  watch: (outcome: Outcome) => void = () => {},
): Promise<Outcome> {
  const { seed, kinds, logEvents, hasLocks, sharesUrls, happenings, host, lineManners, durableManners } =
    schedule
  const random = seededRandom(seed)
  const world = new World({
    kinds,
    random,
    split: (length) => Math.ceil(random() * length),
    logLimits: { events: logEvents, bytes: 1_000_000 },
    hasLocks,
    sharesUrls,
    source: sourceOf(schedule),
    wire: lineManners && linesWire(lineManners),
    durable: durableManners,
    centrifugo: schedule.centrifugoManners,
  })
  const outcome: Outcome = { world, tabs: [], problems: [], hasWedged: false }
  watch(outcome)
  for (const happening of happenings) {
    happen(outcome, happening, host)
    await world.clock.advance(happening.wait)
    checkBounds(outcome, schedule)
  }
  return outcome
}

/** By what pages have their events. */
function sourceOf({
  sockets,
  topics,
  lineManners,
  durableManners,
  centrifugo,
}: Schedule): SourceRequest | undefined {
  if (centrifugo) return CENTRIFUGO_SOURCE
  if (durableManners !== undefined) return durableSource(durableManners)
  if (lineManners !== undefined) return linesSource(lineManners)
  if (sockets) return SOCKET_SOURCE
  return topics ? TOPICS_SOURCE : undefined
}

/** Everything works again. */
export function heal({ world, tabs }: Outcome): void {
  for (const tab of tabs) {
    tab.wake()
    tab.agent.pace = 0
  }
  for (const server of world.servers) server.refuseWith = undefined
}

/** Plays a schedule, heals everything, and lets the world come to rest. */
export async function play(schedule: Schedule): Promise<Outcome> {
  const outcome = await playHappenings(schedule)
  const { world } = outcome
  heal(outcome)
  await world.clock.advance(100_000)
  for (const server of world.servers) for (const last of NAMES) server.send(last)
  await world.clock.advance(100_000)
  await givesFrames(outcome, 'heartbeat', (server) => server.heartbeat())
  await givesFrames(outcome, 'greeting', (server) => server.restart())
  // One by one, as no replay would come.
  for (const last of NAMES) {
    for (const server of world.servers) server.send(last)
    await world.clock.advance(5_000)
  }
  await world.clock.advance(20_000)
  checkBounds(outcome, schedule)
  killWedged(outcome)
  return outcome
}

/** No page can have it end. */
export function killWedged({ world }: Outcome): void {
  for (const { agent } of world.workers()) if (agent.isFrozen) agent.kill()
}

/** Closes every tab and waits until nothing should be left. */
export async function closeAll({ world, tabs }: Outcome): Promise<void> {
  for (const tab of tabs) tab.end({ isCrash: false })
  await world.clock.advance(30_000)
}

function happen(outcome: Outcome, happening: Happening, host: Schedule['host']): void {
  const { world, tabs } = outcome
  const serverAt = (index: number) => world.servers[index % world.servers.length]
  const tabAt = (index: number) => tabs[index % Math.max(1, tabs.length)]
  switch (happening.type) {
    case 'open': {
      const server = serverAt(happening.server)
      if (tabs.filter(({ agent }) => agent.isAlive).length >= 5 || server === undefined) return
      const tab = new SimTab(world, `tab ${tabs.length}`, host, happening)
      tabs.push(tab)
      tab.subscribe(server, happening.names, happening.wish)
      return
    }
    case 'subscribe': {
      const server = serverAt(happening.server)
      if (server !== undefined) tabAt(happening.tab)?.subscribe(server, happening.names, happening.wish)
      return
    }
    case 'send': {
      for (const name of happening.names) serverAt(happening.server)?.send(name)
      return
    }
    case 'cut': {
      serverAt(happening.server)?.cut(happening.cleanly ? undefined : new TypeError('network error'))
      return
    }
    case 'restart':
    case 'heartbeat':
      serverAt(happening.server)?.[happening.type]()
      return
    case 'outage': {
      const server = serverAt(happening.server)
      if (server === undefined) return
      server.refuseWith = 'network error'
      server.cut(new TypeError('network error'))
      world.clock.schedule(happening.duration, () => {
        server.refuseWith = undefined
      })
      return
    }
    case 'kill worker': {
      for (const { agent } of world.workers()) agent.kill()
      for (const tab of tabs) if (tab.leads) tab.end({ isCrash: true })
      return
    }
    case 'leave leader': {
      for (const tab of tabs) if (tab.leads) tab.cache()
      return
    }
    case 'wedge worker': {
      for (const tab of tabs) if (tab.leads) tab.freeze()
      // Once: where a wedged worker's successor is wedged as well, the next host is the remedy.
      if (outcome.hasWedged) return
      outcome.hasWedged = true
      for (const { agent } of world.workers()) agent.freeze()
      return
    }
    case 'slow down': {
      const tab = tabAt(happening.tab)
      if (tab !== undefined) tab.agent.pace = happening.pace
      return
    }
    case 'block': {
      tabAt(happening.tab)?.block(happening.duration)
      return
    }
    case 'show':
    case 'hide':
      tabAt(happening.tab)?.see(happening.type === 'show')
      return
    case 'close':
    case 'crash':
      tabAt(happening.tab)?.end({ isCrash: happening.type === 'crash' })
      return
    case 'freeze':
    case 'cache':
    case 'wake':
      tabAt(happening.tab)?.[happening.type]()
      return
    default: {
      const tab = tabAt(happening.tab)
      const subscription = tab?.subscriptions[happening.subscription % Math.max(1, tab.subscriptions.length)]
      if (subscription === undefined || !tab?.canAct) return
      if (happening.type === 'unsubscribe') subscription.close()
      else if (happening.type !== 'add on next event') subscription[happening.type](happening.name)
      // What follows a late commit, by the server's numbers, may have come before it.
      else if (subscription.server.kind === 'late-commits') subscription.add(happening.name)
      else subscription.addNext = happening.name
    }
  }
}

/**
 * One, and one more for each hub that came to a standstill: it cannot be made to close. Tabs leave a wedged worker one by
 * one; a leader closes its connections when it wakes. Where other topics are wanted, two overlap.
 */
export const mostConnections = ({ host, happenings, topics }: Schedule): number => {
  const standstills: Happening['type'][] =
    host === 'leader' ? ['wedge worker', 'freeze', 'block'] : ['wedge worker']
  const hubs = 1 + happenings.filter(({ type }) => standstills.includes(type)).length
  return topics ? 2 * hubs : hubs
}

/**
 * Has each server bring a frame, and checks that each page that listens is given it, even if it has had others that look
 * just like it. No replay can bring a heartbeat in the midst of a calm connection, or the greeting of a connection.
 */
async function givesFrames(
  { world, tabs, problems }: Outcome,
  frame: 'heartbeat' | 'greeting',
  bring: (server: VirtualServer) => void,
): Promise<void> {
  const listening = tabs
    .filter(({ agent }) => agent.isAlive)
    .flatMap(({ subscriptions }) => subscriptions)
    .filter(({ server, isClosed, names }) => !isClosed && names.includes(server.nameOf(frame) ?? ''))
  const before = listening.map(({ frameCount }) => frameCount)
  for (const server of world.servers) bring(server)
  await world.clock.advance(20_000)
  for (const [index, { server, frameCount }] of listening.entries()) {
    if (frameCount === before[index]) problems.push(`a ${frame} was dropped (${server.kind})`)
  }
}

export function checkBounds({ world, problems }: Outcome, schedule: Schedule): void {
  const { logEvents } = schedule
  for (const server of world.servers) {
    if (server.peak > mostConnections(schedule))
      problems.push(`${server.peak} connections at once to ${server.url}`)
  }
  for (const { hub } of [...world.workers(), ...world.leaders()]) {
    for (const stream of hub.report().streams) {
      if (stream.logEvents > logEvents) problems.push(`a log of ${stream.logEvents} entries`)
    }
  }
}
