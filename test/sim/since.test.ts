import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Entry, EVENT_SOURCE_POLICY } from '../../src/link/protocol.ts'
import { Client } from '../../src/page/client.ts'
import type { PageSubscription } from '../../src/page/page-subscription.ts'
import type { Agent } from './world/agent.ts'
import type { ServerKind } from './world/kinds.ts'
import { requestTo } from './world/samples.ts'
import type { VirtualServer } from './world/server.ts'
import { seededRandom, World } from './world/world.ts'

// Pages that begin behind an ID that the server has sent: everything after it, once and in order, or a gap.

const runs = Number(process.env.TABSTREAM_SIM_RUNS ?? 3_000) / 10
const seed = Number(process.env.TABSTREAM_SIM_SEED ?? 1)

const NAMES = ['a', 'b'] as const

/** Servers that do what they are asked to, or say that they do not: of others the first connection believes anything. */
const KINDS: readonly ServerKind[] = [
  'strict',
  'inclusive',
  'candid',
  'mercure',
  'tabstream',
  'greeting',
  'greeting-without-id',
  'heartbeats',
  'greeting-and-heartbeats',
  'polling',
]

type Happening = { wait: number } & (
  | { type: 'open'; back: number | undefined }
  | { type: 'send'; count: number }
  | { type: 'cut' | 'heartbeat' | 'kill worker' | 'leave leader' }
  | { type: 'close' | 'rename' | 'slow down'; tab: number }
  | { type: 'outage'; duration: number }
)

interface Schedule {
  seed: number
  host: 'shared-worker' | 'leader'
  kind: ServerKind
  logEvents: number
  happenings: Happening[]
}

const wait = fc.oneof(fc.constant(0), fc.nat(20), fc.nat(300), fc.nat(3_000))
const tab = fc.nat(5)
const happening = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('open'),
      back: fc.option(fc.nat(20), { nil: undefined, freq: 4 }),
      wait,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('send'), count: fc.integer({ min: 1, max: 8 }), wait }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom('cut', 'heartbeat', 'kill worker', 'leave leader'),
      wait,
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('close', 'rename', 'slow down'), tab, wait }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('outage'), duration: fc.nat(5_000), wait }) },
) as fc.Arbitrary<Happening>

const schedules: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  host: fc.constantFrom('shared-worker', 'leader'),
  kind: fc.constantFrom(...KINDS),
  logEvents: fc.constantFrom(24, 10_000),
  happenings: fc.array(happening, { minLength: 3, maxLength: 30, size: 'max' }),
})

/** A tab with one subscription. */
class Tab {
  readonly agent: Agent
  readonly given: (number | 'gap')[] = []
  /** Number of the event that its snapshot reaches up to; `undefined` where it has none. */
  readonly since: number | undefined
  readonly #server: VirtualServer
  readonly #subscription: PageSubscription
  readonly #leads: () => boolean
  readonly #listeners = new Map<string, () => void>()

  constructor(
    world: World,
    name: string,
    host: Schedule['host'],
    since: { number: number; id: string } | undefined,
  ) {
    this.agent = world.agent(name)
    this.since = since?.number
    const server = world.servers[0] as VirtualServer
    this.#server = server
    const platform = world.platform(this.agent, (type, listener) => this.#listeners.set(type, listener))
    const ownHost =
      host === 'leader' ? world.leaderHost(this.agent, platform) : world.sharedWorkerHost(this.agent)
    this.#leads = () => this.agent.isAlive && ownHost.isHere?.() === true
    this.#subscription = new Client(platform, [ownHost]).subscribe(
      { request: requestTo(server.url), policy: EVENT_SOURCE_POLICY, since: since?.id },
      (entry) => this.#receive(entry),
    )
    this.rename()
  }

  get leads(): boolean {
    return this.#leads()
  }

  /** Subscribes anew, as when a listener is added. */
  rename(): void {
    if (this.agent.isAlive) this.#subscription.setNames(NAMES)
  }

  close(): void {
    if (!this.agent.isAlive) return
    this.#listeners.get('pagehide')?.()
    this.agent.kill()
  }

  #receive(entry: Entry): 'turn' {
    if (entry.type === 'gap') this.given.push('gap')
    if (entry.type === 'event' && this.#server.framesLike(entry) === 0) {
      this.given.push(Number(entry.data.split(' ').at(-1)))
    }
    return 'turn'
  }
}

interface Outcome {
  world: World
  server: VirtualServer
  tabs: Tab[]
}

async function play({ seed, host, kind, logEvents, happenings }: Schedule): Promise<Outcome> {
  const random = seededRandom(seed)
  const world = new World({
    kinds: [kind],
    random,
    split: (length) => Math.ceil(random() * length),
    logLimits: { events: logEvents, bytes: 1_000_000 },
  })
  const server = world.servers[0] as VirtualServer
  const outcome = { world, server, tabs: [] }
  for (const happening of happenings) {
    happen(outcome, happening, host)
    await world.clock.advance(happening.wait)
  }
  server.refuseWith = undefined
  for (const { agent } of outcome.tabs as Tab[]) agent.pace = 0
  await world.clock.advance(60_000)
  for (const name of NAMES) server.send(name)
  await world.clock.advance(20_000)
  return outcome
}

function happen({ world, server, tabs }: Outcome, happening: Happening, host: Schedule['host']): void {
  switch (happening.type) {
    case 'open': {
      if (tabs.filter(({ agent }) => agent.isAlive).length >= 4) return
      const sent = server.events.filter(({ id }) => id !== undefined)
      const { number, id } = (happening.back !== undefined && sent.at(-1 - happening.back)) || {}
      const since = number !== undefined && id !== undefined ? { number, id } : undefined
      tabs.push(new Tab(world, `tab ${tabs.length}`, host, since))
      return
    }
    case 'send':
      for (let count = 0; count < happening.count; count++) server.send(NAMES[count % 2] as string)
      return
    case 'cut':
      server.cut(new TypeError('network error'))
      return
    case 'heartbeat':
      server.heartbeat()
      return
    case 'outage':
      server.refuseWith = 'network error'
      server.cut(new TypeError('network error'))
      world.clock.schedule(happening.duration, () => {
        server.refuseWith = undefined
      })
      return
    case 'kill worker':
    case 'leave leader':
      for (const { agent } of world.workers()) agent.kill()
      for (const tab of tabs) if (tab.leads) tab.close()
      return
    default: {
      const tab = tabs[happening.tab % Math.max(1, tabs.length)]
      if (happening.type === 'slow down' && tab !== undefined) tab.agent.pace = 200
      else if (happening.type === 'close') tab?.close()
      else tab?.rename()
    }
  }
}

async function brokenPromises(schedule: Schedule): Promise<string[]> {
  const { world, server, tabs } = await play(schedule)
  const problems: string[] = []
  for (const { agent, given, since } of tabs) {
    let last = since
    let isTold = false
    for (const one of given) {
      if (one === 'gap') {
        isTold = true
        // What it has been given is never given again. Its snapshot may be: it needs another one.
        if (last === since) last = undefined
        continue
      }
      if (last !== undefined && one <= last) problems.push(`${agent.name}: ${one} after ${last}`)
      if (last !== undefined && one > last + 1 && !isTold)
        problems.push(`${agent.name}: nothing of ${last + 1} to ${one - 1}`)
      last = one
      isTold = false
    }
    const end = server.events.length
    if (agent.isAlive && last !== end) problems.push(`${agent.name}: ${last} is the last of ${end}`)
  }
  const isWanted = tabs.some(({ agent }) => agent.isAlive)
  const most = isWanted ? 1 : 0
  if (server.connections > most || (isWanted && server.staysConnected && server.connections < most))
    problems.push(`${server.connections} connections`)
  for (const tab of tabs) tab.close()
  await world.clock.advance(30_000)
  if (server.connections > 0) problems.push(`${server.connections} connections left`)
  for (const { hub } of world.workers())
    if (hub.report().streams.length > 0) problems.push('a stream is left')
  return problems
}

const given = process.env.TABSTREAM_SINCE_SCHEDULE

test.runIf(given === undefined)(
  `pages that have a snapshot begin behind it in ${runs} schedules`,
  { timeout: 0 },
  async () => {
    const property = fc.asyncProperty(schedules, async (schedule) => {
      expect(await brokenPromises(schedule)).toEqual([])
    })
    await fc.assert(property, { numRuns: runs, seed })
  },
)

// Not runIf, or each run without a schedule would tell of a skipped test.
if (given !== undefined) {
  test('the schedule given', async () => {
    const schedule = JSON.parse(String(given)) as Schedule
    const { tabs, server } = await play(schedule)
    for (const { agent, since, given } of tabs) console.log(agent.name, since, given.join(' '))
    for (const { openedAt, reader, lastEventId, writings } of server.allConnections)
      console.log(
        openedAt,
        `${reader}`,
        lastEventId,
        writings.map(({ number, at }) => `${number}@${Math.round(at)}`).join(' '),
      )
    expect(await brokenPromises(schedule)).toEqual([])
  })
}
