import fc from 'fast-check'
import { MODES, type Mode, Profile, UserTab } from './page.ts'
import { USERS, type User } from './world.ts'

// Pages whose users log in and out, tokens that expire, and a server that marks every event with whose connection it came on.
// No page is ever given an event of a connection that was not its own, but for what the table in SECURITY.md names.

type Happening = { wait: number } & (
  | { type: 'open'; user: User; mode: number; replays: boolean }
  | { type: 'subscribe'; tab: number; mode: number; replays: boolean }
  | { type: 'close' | 'render anew' | 'reconnect' | 'loop'; tab: number; stream: number }
  | { type: 'log in'; tab: number; user: User }
  | { type: 'log in by cookie'; user: User }
  /** Log out, log in and open again, with so many ms between. */
  | { type: 'change user'; tab: number; stream: number; user: User; pause: number }
  | { type: 'expire'; user: User }
  | { type: 'think' | 'fail'; tab: number; milliseconds: number }
  | { type: 'be stale' | 'leave' | 'crash' | 'freeze' | 'wake' | 'cache'; tab: number }
  | { type: 'send' | 'cut' | 'kill hub' }
)

export interface UserSchedule {
  /** Tells this kind of schedule apart. */
  users: true
  seed: number
  host: 'shared-worker' | 'leader'
  /** Few, so that pages have something in common. */
  modes: Mode[]
  happenings: Happening[]
}

const index = fc.nat(3)
const mode = fc.nat(1)
const user = fc.constantFrom<User>(...USERS, ...USERS, '')
const wait = fc.oneof(fc.constant(0), fc.nat(20), fc.nat(300), fc.nat(3_000))

const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('open'), user, mode, replays: fc.boolean(), wait }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('subscribe'), tab: index, mode, replays: fc.boolean(), wait }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom('close', 'render anew', 'reconnect', 'loop'),
      tab: index,
      stream: index,
      wait,
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('log in'), tab: index, user, wait }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('log in by cookie'), user, wait }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('change user'),
      tab: index,
      stream: index,
      user,
      pause: fc.nat(1_200),
      wait,
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('expire'), user, wait }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('think', 'fail'),
      tab: index,
      milliseconds: fc.nat(1_000),
      wait,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('be stale', 'leave', 'crash', 'freeze', 'wake', 'wake', 'cache'),
      tab: index,
      wait,
    }),
  },
  { weight: 8, arbitrary: fc.record({ type: fc.constantFrom('send', 'send', 'cut'), wait }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('kill hub'), wait }) },
) as fc.Arbitrary<Happening>

export const userSchedules: fc.Arbitrary<UserSchedule> = fc.record({
  users: fc.constant(true as const),
  seed: fc.nat(),
  host: fc.constantFrom('shared-worker', 'leader'),
  modes: fc.uniqueArray(fc.constantFrom(...MODES), { minLength: 1, maxLength: 2 }),
  happenings: fc.array(happening, { minLength: 1, maxLength: 40, size: 'max' }),
})

type Settings = Pick<UserSchedule, 'host' | 'modes'>

/** Plays a schedule and tells who was given what is not theirs, or nothing in the end. */
export async function foreignEvents({ seed, happenings, ...schedule }: UserSchedule): Promise<string[]> {
  const world = new Profile(seed)
  for (const happening of happenings) {
    happen(world, happening, schedule)
    await world.clock.advance(happening.wait)
  }
  for (const tab of world.tabs) {
    tab.wake()
    Object.assign(tab, { thinks: 0, failsUntil: 0, staleAt: undefined })
  }
  // What a function has given by then may be stale, or on its way.
  world.expiredAt = world.clock.now
  await world.clock.advance(60_000)
  for (const { streams } of world.tabs) for (const one of streams) if (one.isOpen) one.stream.reconnect()
  await world.clock.advance(5_000)
  // One that has no connection, and has had no event, has nothing to resume after when it is its turn.
  const streams = world.tabs.flatMap(({ streams }) => streams)
  const sent = new Set(streams.filter(({ stream }) => !world.takesTurns || stream.status.state === 'open'))
  for (let count = 0; count < 3; count++) {
    world.send()
    await world.clock.advance(2_000)
  }
  // Those that have no connection just then are given the rest when it is their turn.
  await world.clock.advance(120_000)
  for (const tab of world.tabs.filter(({ canAct }) => canAct)) {
    for (const one of tab.streams) if (one.isOpen && sent.has(one)) world.problems.push(...one.whyForgotten())
  }
  for (const tab of world.tabs) tab.leave(false)
  await world.clock.advance(30_000)
  if (world.upstream.open.size > 0) world.problems.push(`${world.upstream.open.size} connections left`)
  return [...new Set(world.problems)]
}

function happen(world: Profile, happening: Happening, { host, modes }: Settings): void {
  const { tabs } = world
  const modeAt = (index: number) => modes[index % modes.length] as Mode
  const tabAt = (index: number) => tabs[index % Math.max(1, tabs.length)]
  switch (happening.type) {
    case 'open': {
      if (tabs.filter(({ page }) => page.agent.isAlive).length >= 4) return
      const tab = new UserTab(world, `tab ${tabs.length}`, host)
      tabs.push(tab)
      tab.user = happening.user
      tab.open(modeAt(happening.mode), happening.replays)
      return
    }
    case 'subscribe':
      tabAt(happening.tab)?.open(modeAt(happening.mode), happening.replays)
      return
    case 'log in by cookie':
      world.logInByCookie(happening.user)
      return
    case 'expire': {
      const version = world.versions.get(happening.user)
      if (version === undefined) return
      world.versions.set(happening.user, version + 1)
      world.expiredAt = world.clock.now
      return
    }
    case 'send':
    case 'cut':
      world[happening.type]()
      return
    case 'kill hub': {
      world.killedAt = world.clock.now
      for (const { agent } of world.workers()) agent.kill()
      const leaders = new Set(world.leaders().map(({ agent }) => agent))
      for (const tab of tabs) if (leaders.has(tab.page.agent)) tab.leave(true)
      return
    }
    default: {
      const tab = tabAt(happening.tab)
      if (tab !== undefined) happenIn(tab, happening)
    }
  }
}

function happenIn(
  tab: UserTab,
  happening: Exclude<Extract<Happening, { tab: number }>, { type: 'subscribe' }>,
): void {
  const { world, page } = tab
  switch (happening.type) {
    case 'log in':
      tab.user = happening.user
      return
    case 'think':
      tab.thinks = happening.milliseconds
      return
    case 'fail':
      tab.failsUntil = world.clock.now + happening.milliseconds
      return
    case 'be stale':
      tab.staleAt = world.versions.get(tab.user)
      return
    case 'leave':
    case 'crash':
      tab.leave(happening.type === 'crash')
      return
    case 'wake':
      tab.wake()
      return
    case 'freeze':
      if (tab.canAct) tab.freeze()
      return
    case 'cache':
      if (!tab.canAct) return
      tab.isCached = true
      tab.awaySince = world.clock.now
      page.happen('pagehide')
      page.agent.freeze()
      return
    default: {
      const open = tab.streams.filter(({ isOpen }) => isOpen)
      const one = open[happening.stream % Math.max(1, open.length)]
      if (one === undefined || !tab.canAct) return
      if (happening.type === 'reconnect') one.stream.reconnect()
      else if (happening.type === 'loop') one.loop().catch(() => {})
      else one.close()
      if (happening.type === 'change user') {
        tab.user = happening.user
        world.logInByCookie(happening.user)
        page.agent.schedule(happening.pause, () => tab.open(one.mode, true))
      }
      if (happening.type === 'render anew') tab.open(one.mode, true, one)
    }
  }
}
