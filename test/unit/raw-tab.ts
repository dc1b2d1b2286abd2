import { expose, type Remote, wrap } from 'comlink'
import type { LinkNotices } from '../../src/link/host.ts'
import { unpack } from '../../src/link/pack.ts'
import { placeOf } from '../../src/link/place.ts'
import {
  type Batch,
  type Entry,
  EVENT_SOURCE_POLICY,
  type HubSide,
  type Passed,
  type Policy,
  type Position,
  type StreamRequest,
  type Subscription,
  type TabSide,
  tabLockName,
} from '../../src/link/protocol.ts'
import type { Wish } from '../../src/page/page-subscription.ts'
import { NOWHERE } from '../../worker/stream/anchor.ts'
import type { Agent } from '../sim/world/agent.ts'
import { requestTo } from '../sim/world/samples.ts'
import type { VirtualServer } from '../sim/world/server.ts'
import { World, type WorldOptions } from '../sim/world/world.ts'

/** A world without delays or jitter, so that a test knows what happens when. */
export const createWorld = (options: Partial<WorldOptions> = {}): World =>
  new World({ kinds: ['strict'], random: () => 0, ...options })

export const serverOf = (world: World, index = 0): VirtualServer => world.servers[index] as VirtualServer

export const requestOf = (server: VirtualServer): StreamRequest => requestTo(server.url)

export const wishOf = (server: VirtualServer): Wish => ({
  request: requestOf(server),
  policy: EVENT_SOURCE_POLICY,
})

/** The event of this number of a strict server. */
export const passed = (number: number): Passed => ({
  ...placeOf({ id: `id-${number}`, nth: 0, name: 'a', data: `https://dash.test/0 ${number}` }),
  ordinal: number,
})

/** Where a tab of another hub stood after the event of this number of a strict server. */
export const positionAfter = (number: number, subscribers = 1): Position => ({
  ...NOWHERE,
  log: 'another hub/1',
  seq: number + 1,
  ordinal: number,
  resumeAfter: `id-${number - 1}`,
  from: number - 1,
  latest: [passed(number)],
  unproven: false,
  subscribers,
})

/** For links that neither are refused nor go. */
export const UNNOTICED: LinkNotices = { refused: () => {}, gone: () => {} }

/** Long enough for a new hub to connect, short enough for nothing else. */
export const CONNECT = 110

/** An entry in a few words: `a 3` is an event of name `a` whose data ends in 3. */
export const inWords = (entry: Entry): string => {
  if (entry.type === 'state') return entry.state
  if (entry.type === 'gap') return `gap ${entry.reason} "${entry.before}" "${entry.after}"`
  return `${entry.name} ${entry.data.split(' ').at(-1)}`
}

/** A tab without a client: keeps what the hub sends, and acknowledges when it is told to. */
export class RawTab {
  readonly agent: Agent
  readonly hub: Remote<HubSide>
  readonly batches: Batch[] = []
  readonly warnings: string[] = []
  readonly #world: World
  readonly #id: string
  #isHolding = false
  #held: (() => void)[] = []
  #epoch = 0

  /** @param answers to what the hub asks, where they matter */
  constructor(world: World, name: string, answers: Partial<TabSide> = {}) {
    this.#world = world
    this.#id = name
    this.agent = world.agent(name)
    const endpoint = world.sharedWorkerHost(this.agent).open(1, UNNOTICED)
    const tabSide: TabSide = {
      deliver: async (batch) => {
        this.batches.push(batch)
        if (this.#isHolding) await new Promise<void>((resolve) => this.#held.push(resolve))
        return undefined
      },
      details: async () => undefined,
      part: () => {},
      retryDelay: async () => false,
      warn: (message) => this.warnings.push(message),
      ping: () => {},
      ...answers,
    }
    this.hub = wrap<HubSide>(endpoint)
    expose(tabSide, endpoint)
  }

  /** Attaches, with the lock that tells the hub when this tab dies. */
  async attach(mayDisturb?: true): Promise<string> {
    const locks = this.#world.locks.for(this.agent)
    locks.request(tabLockName(this.#id), {}, () => new Promise(() => {}))
    return this.answer(this.hub.attach({ tabId: this.#id, holdsLock: true, mayDisturb }))
  }

  /** Asks for names of the first server's stream, unless told otherwise; a second call replaces the first. */
  async subscribe(names: readonly string[], wish: Partial<Subscription> = {}): Promise<string> {
    const request = requestOf(serverOf(this.#world))
    const policy = EVENT_SOURCE_POLICY
    const subscription = { id: 1, epoch: ++this.#epoch, request, policy, names, ...wish }
    return this.answer(this.hub.subscribe(subscription))
  }

  /** What a call to the hub resolves to. */
  async answer<Result>(result: Promise<Result>): Promise<Result> {
    const [value] = await Promise.all([result, this.#world.clock.advance(0)])
    return value
  }

  /** Keeps acknowledgements back from now on. */
  hold(): void {
    this.#isHolding = true
  }

  /** Sends the oldest acknowledgements that are kept back. */
  acknowledge(count: number): void {
    for (const resolve of this.#held.splice(0, count)) resolve()
  }

  /** Sends every acknowledgement, and keeps none back any more. */
  release(): void {
    this.#isHolding = false
    this.acknowledge(this.#held.length)
  }

  entries(subscription = 1): Entry[] {
    return this.batches
      .filter((batch) => batch.subscription === subscription)
      .flatMap(({ entries }) => unpack(entries))
  }

  heard(subscription = 1): string[] {
    return this.entries(subscription).map(inWords)
  }
}

/** An attached tab that listens to these names of the first server, over an open connection. */
export async function listeningTab(
  world: World,
  name: string,
  names: readonly string[],
  policy: Policy = EVENT_SOURCE_POLICY,
): Promise<RawTab> {
  const tab = new RawTab(world, name)
  await tab.attach()
  await tab.subscribe(names, { policy })
  await world.clock.advance(CONNECT)
  return tab
}

/** Sends one event for each name, each in a chunk of its own. */
export async function send(world: World, ...names: string[]): Promise<void> {
  for (const name of names) {
    serverOf(world).send(name)
    await world.clock.advance(0)
  }
}
