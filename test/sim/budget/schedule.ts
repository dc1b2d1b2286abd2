import fc from 'fast-check'
import type { SimTab, SimWish } from '../page.ts'
import {
  checkBounds,
  type Happening,
  heal,
  killWedged,
  NAMES,
  type Outcome,
  playHappenings,
  type Schedule,
} from '../schedule.ts'
import type { Incoming } from '../world/incoming.ts'
import { ALL_KINDS, FRAME_NAME, type ServerKind } from '../world/kinds.ts'
import type { VirtualServer } from '../world/server.ts'
import { Watch } from './watch.ts'

/** Many streams, and few connections for them. */
export interface BudgetSchedule extends Schedule {
  /** Marks it in what is written down. */
  budget: true
}

/** More than any schedule sends. */
const WHOLE_LOG = 10_000

/**
 * A server that repeats more than the log holds cannot be told from one with new events.
 */
const WANTS_WHOLE_LOG: readonly ServerKind[] = ['repeating']

const index = fc.nat(7)
const names = fc.uniqueArray(fc.constantFrom(...NAMES, FRAME_NAME), { minLength: 1, maxLength: 3 })
const sentNames = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 6 })
/** Turns are a few seconds long. */
const wait = fc.oneof(fc.constant(0), fc.nat(20), fc.nat(300), fc.nat(3_000), fc.nat(12_000))

const wish: fc.Arbitrary<SimWish> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        hidden: fc.constantFrom<SimWish['hidden'][]>('batch', 'park', { parkAfter: 2_000 }),
        priority: fc.constantFrom<SimWish['priority'][]>('high', 'low'),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<SimWish>,
  },
)

const happening = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      {
        type: fc.constant('open'),
        server: index,
        names,
        wish,
        isHidden: fc.boolean(),
        // The least that pages say counts.
        connections: fc.oneof(
          { weight: 5, arbitrary: fc.constant(undefined) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
        ),
        wait,
      },
      { requiredKeys: ['type', 'server', 'names', 'wait'] },
    ),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('subscribe'), tab: index, server: index, names, wish, wait }),
  },
  { weight: 12, arbitrary: fc.record({ type: fc.constantFrom('show', 'hide', 'hide'), tab: index, wait }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('unsubscribe'), tab: index, subscription: index, wait }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constantFrom('add', 'remove'),
      tab: index,
      subscription: index,
      name: fc.constantFrom(...NAMES),
      wait,
    }),
  },
  { weight: 10, arbitrary: fc.record({ type: fc.constant('send'), server: index, names: sentNames, wait }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('cut'), server: index, cleanly: fc.boolean(), wait }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('restart', 'heartbeat'), server: index, wait }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('outage'), server: index, duration: fc.nat(5_000), wait }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('freeze', 'cache', 'wake', 'close', 'crash'),
      tab: index,
      wait,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('block'), tab: index, duration: fc.nat(8_000), wait }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('slow down'), tab: index, pace: fc.nat(500), wait }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('kill worker', 'leave leader'), wait }) },
) as fc.Arbitrary<Happening>

export const budgetSchedules: fc.Arbitrary<BudgetSchedule> = fc
  .record({
    budget: fc.constant<true>(true),
    seed: fc.nat(),
    host: fc.constantFrom('shared-worker', 'shared-worker', 'leader'),
    kinds: fc.array(fc.constantFrom(...ALL_KINDS), { minLength: 2, maxLength: 6, size: 'max' }),
    logEvents: fc.constantFrom(24, WHOLE_LOG, WHOLE_LOG),
    hasLocks: fc.constantFrom(true, true, false),
    sharesUrls: fc.boolean(),
    connections: fc.constantFrom(1, 1, 2, 2, 3, undefined),
    happenings: fc.array(happening, { minLength: 1, maxLength: 30, size: 'max' }),
  })
  .map(({ connections, ...drawn }) => ({
    ...drawn,
    logEvents: drawn.kinds.some((kind) => WANTS_WHOLE_LOG.includes(kind)) ? WHOLE_LOG : drawn.logEvents,
    // What most pages say.
    happenings: drawn.happenings.map((one) =>
      one.type === 'open' ? { ...one, connections: one.connections ?? connections } : one,
    ),
  })) as fc.Arbitrary<BudgetSchedule>

/** How long, in ms, hubs and pages may take to find out who has gone, where there are no locks. */
const FINDING_OUT = 60_000

/** The same where there are locks. */
const SETTLING = 5_000

/** What is sent while turns go round. */
const SENDING_INTERVAL = 5_000

/** Longer than any wait. */
const FOREVER = 1_000_000

/** A connection that is so old, in ms, has brought its replay; and what it holds for a while is given if it lasts so long. */
const REPLAYED = 300
const HELD = 1_300

const STEP = 200

/** After so many ms, its next response has been asked for. */
const LONG = 150_000

/** To send the last event of a server. */
interface Try {
  readonly connection: Incoming
  readonly number: number
  readonly at: number
}

/**
 * Plays a schedule, heals everything, and lets turns go round as pages are shown and hidden then; and once more, with all of
 * them visible, until each stream has had what was sent last.
 */
export async function playBudget(schedule: BudgetSchedule): Promise<Outcome> {
  let watch: Watch | undefined
  const outcome = await playHappenings(schedule, (outcome) => {
    watch = new Watch(outcome, schedule)
  })
  const { world, tabs } = outcome
  if (watch === undefined) return outcome
  heal(outcome)
  const pause = schedule.hasLocks ? SETTLING : FINDING_OUT
  await world.clock.advance(pause)
  await goRound(outcome, watch)
  for (const tab of tabs) tab.see(true)
  await world.clock.advance(pause)
  await sendLast(outcome, watch)
  await world.clock.advance(2_000)
  checkBounds(outcome, schedule)
  killWedged(outcome)
  watch.end()
  return outcome
}

/** Until each stream that wants a connection has had one, or must have had one. */
async function goRound({ world, problems }: Outcome, watch: Watch): Promise<void> {
  const begin = world.clock.now
  while (watch.isWaitedSince(begin)) {
    if (world.clock.now - begin > FOREVER) {
      problems.push('a stream waits for ever')
      return
    }
    await world.clock.advance(SENDING_INTERVAL)
    for (const server of world.servers) server.send(NAMES[0])
  }
}

/**
 * Sends each server's last events while it is connected. Until then a gap may be due that nobody has been told of: it is told before
 * the next event. Then its pages close the stream, so that the others have its connection.
 */
async function sendLast({ world, tabs, problems }: Outcome, watch: Watch): Promise<void> {
  const begin = world.clock.now
  const waiting = new Set(world.servers)
  const tries = new Map<VirtualServer, Try>()
  while (problems.length === 0) {
    for (const server of waiting) if (!watch.isWanted(server)) waiting.delete(server)
    if (waiting.size === 0) return
    if (world.clock.now - begin > FOREVER) {
      problems.push('a stream does not last')
      return
    }
    const { now } = world.clock
    for (const server of waiting) {
      const last = tries.get(server)
      if (last === undefined) {
        const connection = server.allConnections.at(-1)
        // That of a dead hub has not ended, but is none any more.
        const isLive = connection?.isEnded === false && server.connections > 0
        if (!isLive || now - connection.openedAt < REPLAYED) continue
        const sent = NAMES.map((name) => server.send(name)).findLast(({ isLate }) => !isLate)
        if (sent !== undefined) tries.set(server, { connection, number: sent.number, at: now })
      } else if (hasBrought(server, last, now)) {
        waiting.delete(server)
        world.clock.schedule(HELD, () => closeAllOf(server, tabs))
      } else if (last.connection.isEnded && (server.staysConnected || now - last.at > LONG)) {
        tries.delete(server)
      }
    }
    await world.clock.advance(STEP)
  }
}

function hasBrought(server: VirtualServer, { connection, number, at }: Try, now: number): boolean {
  // A server that ends each response brings what else was sent with the next ones.
  const connections = server.staysConnected ? [connection] : server.allConnections
  const hasArrived = connections.some(({ writings }) =>
    writings.some((one) => one.number === number && one.hasArrived),
  )
  return hasArrived && (!server.staysConnected || Math.min(now, connection.endedAt) - at >= HELD)
}

function closeAllOf(server: VirtualServer, tabs: readonly SimTab[]): void {
  for (const tab of tabs) {
    for (const subscription of tab.subscriptions) if (subscription.server === server) subscription.close()
  }
}
