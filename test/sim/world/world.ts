import { LeaderHost } from '../../../src/host/leader.ts'
import type { HostPlatform } from '../../../src/host/platform.ts'
import type { Host } from '../../../src/link/host.ts'
import type { SourceRequest } from '../../../src/link/protocol.ts'
import type { Platform } from '../../../src/page/platform.ts'
import { Hub } from '../../../worker/hub.ts'
import type { LogLimits } from '../../../worker/log/log.ts'
import type { HubPlatform } from '../../../worker/platform.ts'
import * as lines from '../../../worker/source/line-stream.ts'
import * as topics from '../../../worker/source/topics.ts'
import * as websocket from '../../../worker/source/websocket.ts'
import { Agent } from './agent.ts'
import { type CentrifugoManners, CentrifugoServer } from './centrifugo.ts'
import { VirtualChannels } from './channels.ts'
import { Clock } from './clock.ts'
import { type DurableManners, DurableServer, durableModule, isDurable } from './durable.ts'
import { LINES_SCRIPT } from './lines.ts'
import { createLink } from './link.ts'
import { VirtualLocks } from './locks.ts'
import type { Link } from './overhear.ts'
import { type ServerKind, type ServerOptions, VirtualServer } from './server.ts'
import { type Heard, SOCKET_SOURCE, VirtualSocket } from './socket.ts'
import { TOPICS_SOURCE } from './topics.ts'
import type { Wire } from './wire.ts'

export interface WorldOptions {
  /** One server, and one URL, for each. */
  kinds: readonly ServerKind[]
  /** Uniform in [0, 1); every delay and jitter is drawn from it. */
  random: () => number
  /** Splits what the server writes into chunks. */
  split?: (length: number) => number
  logLimits?: LogLimits
  /** Whether the origin is secure, and so has Web Locks. */
  hasLocks?: boolean
  /** ALPN name of the protocol that every server speaks, as pages and hubs are told. */
  protocol?: string
  /** Every second server has the URL of the one before, and is reached with credentials. */
  sharesUrls?: boolean
  /** By what pages have their events. @default Server-Sent Events, of all names */
  source?: SourceRequest | undefined
  /** How servers write. @default Server-Sent Events */
  wire?: Wire | undefined
  /** They have Durable Streams, and do this. */
  durable?: DurableManners | undefined
  centrifugo?: CentrifugoManners | undefined
}

/** What a page needs of the world, and a hub in it. */
export type WholePlatform = Platform & HostPlatform

/** What hubs fetch. */
const MODULES: Readonly<Record<string, unknown>> = {
  [LINES_SCRIPT]: lines,
  [SOCKET_SOURCE.script]: websocket,
  [TOPICS_SOURCE.script]: topics,
}

/** A browser profile and a server on virtual time: the real hub and client run in it. */
export class World {
  readonly clock = new Clock()
  readonly locks = new VirtualLocks(() => this.#delay(10))
  readonly channels = new VirtualChannels()
  readonly servers: readonly VirtualServer[]
  readonly source: SourceRequest | undefined
  readonly hubs: Hub[] = []
  /** What pages have sent by WebSocket, as it has come. */
  readonly heard: Heard[] = []
  /** The subprotocols that each WebSocket has offered. */
  readonly offered: (readonly string[])[] = []
  readonly #random: () => number
  readonly #logLimits: LogLimits | undefined
  readonly #hasLocks: boolean
  readonly #protocol: string
  readonly #leaders = new Map<Agent, Hub>()
  readonly #workers = new Map<string, { agent: Agent; hub: Hub }>()
  #hubCount = 0
  #idCount = 0
  #socketCount = 0

  constructor({
    kinds,
    random,
    split,
    logLimits,
    hasLocks = true,
    sharesUrls = false,
    protocol = '',
    source,
    wire,
    durable,
    centrifugo,
  }: WorldOptions) {
    this.source = source
    this.#protocol = protocol
    this.#hasLocks = hasLocks
    this.#random = random
    this.#logLimits = logLimits
    this.servers = kinds.map((kind, index) => {
      const options: ServerOptions = {
        url: `https://dash.test/${sharesUrls ? index >> 1 : index}`,
        credentials: sharesUrls && index % 2 === 1 ? 'include' : 'same-origin',
        kind,
        latency: () => this.#delay(20),
        now: () => this.clock.now,
        ...(split && { split }),
        ...(wire && { wire }),
      }
      if (centrifugo !== undefined) return new CentrifugoServer(options, centrifugo)
      return durable === undefined ? new VirtualServer(options) : new DurableServer(options, durable)
    })
  }

  agent(name: string): Agent {
    return new Agent(this.clock, name)
  }

  hubPlatform(agent: Agent): HubPlatform {
    return {
      now: () => this.clock.now,
      random: this.#random,
      origin: 'https://dash.test',
      isOnline: () => true,
      protocolOf: () => '',
      turn: () => new Promise((resolve) => agent.schedule(0, resolve)),
      randomId: () => this.#nextId(),
      setTimeout: (callback, milliseconds) => agent.schedule(milliseconds, callback),
      clearTimeout: (timer) => agent.cancel(timer),
      fetch: (url, init) => this.#serverAt(url, init.credentials).fetch(agent, init, url),
      load: async (script) =>
        isDurable(script)
          ? durableModule(agent, ({ url, credentials }) => this.#serverAt(url, credentials))
          : MODULES[script],
      // Of the platform that sources are given, which may be more than a hub needs.
      ...{
        openSocket: (url: string, protocols: readonly string[]) => this.#openSocket(agent, url, protocols),
      },
      locks: this.#hasLocks ? this.locks.for(agent) : undefined,
    }
  }

  /** @param onPageEvent where the page's lifecycle listeners go */
  platform(
    agent: Agent,
    onPageEvent: Platform['onPageEvent'],
    warn: Platform['warn'] = () => {},
    error: Platform['error'] = () => {},
  ): WholePlatform {
    return {
      ...this.hubPlatform(agent),
      createChannel: () => this.link(agent, agent),
      openChannel: (name) =>
        this.channels.open(
          agent,
          name,
          () => this.#delay(5),
          () => this.clock.now,
        ),
      run: (step) => this.#run(agent, step),
      onPageEvent,
      isVisible: () => agent.isShown && !agent.isFrozen,
      protocol: () => this.#protocol || undefined,
      warn,
      error,
    }
  }

  link(one: Agent, other: Agent): Link {
    return createLink(
      [one, other],
      () => this.#delay(5),
      () => this.clock.now,
    )
  }

  /**
   * A SharedWorker host as one tab sees it.
   *
   * @param overhear given each link, answers with what takes its place
   */
  sharedWorkerHost(tab: Agent, overhear: (link: Link) => Link = (link) => link): Host {
    return {
      name: 'shared-worker',
      open: (generation) => {
        const { agent, hub } = this.#worker(String(generation))
        const { port1, port2 } = overhear(this.link(agent, tab))
        agent.schedule(this.#delay(5), () => hub.connect(port1))
        return port2
      },
    }
  }

  /** A host that makes one of its tabs the leader. */
  leaderHost(tab: Agent, platform: WholePlatform): Host {
    return new LeaderHost(
      platform,
      '',
      () => {},
      (hubPlatform, id) => {
        const hub = new Hub(hubPlatform, id, this.#logLimits)
        this.#leaders.set(tab, hub)
        this.hubs.push(hub)
        return hub
      },
    )
  }

  /** The SharedWorkers that are alive. */
  workers(): { agent: Agent; hub: Hub }[] {
    return [...this.#workers.values()].filter(({ agent }) => agent.isAlive)
  }

  /** The tabs that are alive and have led, each with its last hub. */
  leaders(): { agent: Agent; hub: Hub }[] {
    return Array.from(this.#leaders, ([agent, hub]) => ({ agent, hub })).filter(({ agent }) => agent.isAlive)
  }

  #worker(name: string): { agent: Agent; hub: Hub } {
    const running = this.#workers.get(name)
    if (running?.agent.isAlive) return running
    const number = ++this.#hubCount
    const agent = this.agent(`worker ${number}`)
    const hub = new Hub(this.hubPlatform(agent), `hub-${number}`, this.#logLimits)
    const worker = { agent, hub }
    this.#workers.set(name, worker)
    this.hubs.push(hub)
    return worker
  }

  #run(agent: Agent, step: () => boolean): void {
    agent.schedule(agent.pace, () => {
      if (step()) this.#run(agent, step)
    })
  }

  /** Unique, in no order, and the same each time a schedule is played. */
  #nextId(): string {
    const mixed = Math.imul(++this.#idCount, 0x9e3779b1) >>> 0
    return `${mixed.toString(16).padStart(8, '0')}-${this.#idCount}`
  }

  #openSocket(agent: Agent, url: string, protocols: readonly string[]): VirtualSocket {
    this.offered.push(protocols)
    const connection = ++this.#socketCount
    return new VirtualSocket(agent, this.#serverAt(url, undefined), url, {
      heard: (data) => this.heard.push({ connection, data }),
      latency: () => this.#delay(20),
      now: () => this.clock.now,
    })
  }

  #serverAt(url: string, credentials: RequestCredentials | undefined): VirtualServer {
    const address = url.replace(/^ws/, 'http').replace(/\?.*/, '')
    const atUrl = this.servers.filter((one) => one.url === address)
    const server = atUrl.find((one) => one.credentials === credentials) ?? atUrl[0]
    if (server === undefined) throw new Error(`no server at ${url}`)
    return server
  }

  #delay(most: number): number {
    return this.#random() * most
  }
}

/** A small seeded generator (mulberry32), uniform in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return ((word ^ (word >>> 14)) >>> 0) / 4_294_967_296
  }
}
