import { vi } from 'vitest'
import type { SharedEventSourceInit } from '../../src/api/shared-event-source.ts'
import type { SharedStream, StreamEvent, StreamStatus } from '../../src/api/shared-stream.ts'
import type { Host } from '../../src/link/host.ts'
import type { HubReport, StreamRequest } from '../../src/link/protocol.ts'
import { Client } from '../../src/page/client.ts'
import type { PageEvent } from '../../src/page/platform.ts'
import type { HubPlatform } from '../../worker/platform.ts'
import type { Agent } from '../sim/world/agent.ts'
import { type WholePlatform, World, type WorldOptions } from '../sim/world/world.ts'
import { enter } from './current-page.ts'

vi.mock('../../src/api/page-client.ts', () => import('./current-page.ts'))

const { connect } = await import('../../src/api/connect.ts')
const { SharedEventSource } = await import('../../src/api/shared-event-source.ts')

export const URL_OF_EVENTS = 'https://dash.test/events'

/** Long enough to attach to a new hub and connect, short enough for nothing else. */
export const OPEN = 100

/** Long enough for a page to be given up that does not answer a question of the hub's. */
export const ASK_TIMEOUT = 10_100

/** A request as the server sees it. */
export interface Asked {
  /** In virtual time. */
  readonly at: number
  readonly url: string
  readonly method: string
  readonly body: unknown
  readonly credentials: StreamRequest['credentials'] | undefined
  readonly mode: RequestMode | undefined
  readonly redirect: RequestRedirect | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** What a request is answered with. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Written at once. */
  readonly text?: string
  /** The response ends after that. */
  readonly ends?: boolean
  /** It does not come. */
  readonly isMissing?: boolean
  /** It leads elsewhere. Where the request does not follow, this is all that script is told. */
  readonly redirects?: boolean
}

interface Connection {
  readonly asked: Asked
  write(what: string | Uint8Array): void
  end(error?: Error): void
}

/** A server that does what a test says, at any URL. */
export class Upstream {
  readonly requests: Asked[] = []
  readonly open = new Set<Connection>()
  /** The highest number of connections at one time. */
  peak = 0
  /** How to answer the request of this number, counted from 1; an open stream where it says nothing. */
  answer: (asked: Asked, number: number) => Answer | Error | undefined = () => undefined

  /** To every open connection, unless told to which. */
  write(what: string | Uint8Array, isMeant: (asked: Asked) => boolean = () => true): void {
    for (const connection of this.open) if (isMeant(connection.asked)) connection.write(what)
  }

  cut(error?: Error): void {
    for (const connection of this.open) connection.end(error)
  }

  fetch(agent: Agent, url: string, init: RequestInit, now: number): Promise<Response> {
    return new Promise((resolve, reject) => {
      const signal = init.signal as AbortSignal
      signal.addEventListener('abort', () => reject(signal.reason))
      agent.schedule(0, () => {
        if (signal.aborted) return
        const { method = 'GET', body, credentials, mode, redirect } = init
        const asked = {
          at: now,
          url,
          method,
          body,
          credentials,
          mode,
          redirect,
          headers: init.headers as Record<string, string>,
        }
        this.requests.push(asked)
        const answer = this.answer(asked, this.requests.length) ?? {}
        if (answer instanceof Error) return reject(answer)
        if (answer.isMissing) return
        if (redirect !== 'follow' && mode === 'no-cors') return reject(new TypeError('Failed to fetch'))
        if (redirect !== 'follow' && answer.redirects) {
          return resolve({
            type: 'opaqueredirect',
            status: 0,
            url,
            headers: new Headers(),
            body: null,
          } as Response)
        }
        const status = answer.status ?? 200
        const headers = new Headers({ 'Content-Type': 'text/event-stream', ...answer.headers })
        const type = headers.get('Content-Type') ?? ''
        const isStream = status === 200 && ['text/event-stream', 'application/x-ndjson'].includes(type)
        resolve({
          status,
          url,
          headers,
          body: this.#body(agent, asked, signal, isStream ? answer : { ends: true, ...answer }),
        } as unknown as Response)
      })
    })
  }

  #body(
    agent: Agent,
    asked: Asked,
    signal: AbortSignal,
    { text = '', ends = false }: Answer,
  ): ReadableStream {
    let controller: ReadableStreamDefaultController | undefined
    const later = (task: () => void) =>
      agent.schedule(0, () => {
        if (controller !== undefined) task()
      })
    const gone = () => {
      controller = undefined
      forget()
      this.open.delete(connection)
    }
    const connection: Connection = {
      asked,
      write: (what) => {
        later(() => controller?.enqueue(typeof what === 'string' ? new TextEncoder().encode(what) : what))
      },
      end: (error) => {
        later(() => {
          if (error === undefined) controller?.close()
          else controller?.error(error)
          gone()
        })
      },
    }
    const body = new ReadableStream({
      start: (given) => {
        controller = given
      },
      cancel: gone,
    })
    this.open.add(connection)
    this.peak = Math.max(this.peak, this.open.size)
    const forget = agent.onDeath(gone)
    signal.addEventListener('abort', () => {
      controller?.error(signal.reason)
      gone()
    })
    if (text !== '') connection.write(text)
    if (ends) connection.end()
    return body
  }
}

/** A world without delays or jitter whose one server answers at every URL as a test says. */
export class UpstreamWorld extends World {
  readonly upstream = new Upstream()
  /** Whether the browser believes that there is a network. */
  isOnline = true

  constructor(options: Partial<WorldOptions> = {}) {
    super({ kinds: [], random: () => 0, ...options })
  }

  override hubPlatform(agent: Agent): HubPlatform {
    return {
      ...super.hubPlatform(agent),
      isOnline: () => this.isOnline,
      fetch: (url, init) => this.upstream.fetch(agent, url, init, this.clock.now),
    }
  }

  /** What is open at the first hub that is alive. */
  report(): HubReport {
    const [worker] = this.workers()
    if (worker === undefined) throw new Error('there is no hub')
    return worker.hub.report()
  }
}

/** A page with the real client, in which streams and sources can be opened. */
export class Page {
  readonly agent: Agent
  readonly client: Client
  readonly warnings: string[] = []
  readonly #listeners = new Map<PageEvent, () => void>()

  /**
   * @param hostsFor the hub lives in a virtual SharedWorker unless this says otherwise
   * @param key as with `keepAlive: 'public'`
   * @param connections as with `configure()`
   */
  constructor(
    world: World,
    name: string,
    hostsFor: (agent: Agent, platform: WholePlatform) => readonly Host[] = (agent) => [
      world.sharedWorkerHost(agent),
    ],
    key = '',
    connections?: number,
  ) {
    this.agent = world.agent(name)
    const platform = world.platform(
      this.agent,
      (type, listener) => this.#listeners.set(type, listener),
      (message) => this.warnings.push(message),
    )
    this.client = new Client(platform, hostsFor(this.agent, platform), key, connections)
  }

  /** The browser shows another tab, or this one again. */
  show(isShown = true): void {
    this.agent.isShown = isShown
    this.happen(isShown ? 'visible' : 'hidden')
  }

  happen(type: PageEvent): void {
    this.#listeners.get(type)?.()
  }

  readonly connect = ((url: string | URL, options?: object) => {
    enter(this.client)
    return connect(url, options)
  }) as typeof connect

  source(url = URL_OF_EVENTS, init?: SharedEventSourceInit): InstanceType<typeof SharedEventSource> {
    enter(this.client)
    return new SharedEventSource(url, init)
  }
}

/** What a stream's listener is given of these names, as `name data`; later events are added as they come. */
export function heard(stream: SharedStream, ...names: string[]): string[] {
  const words: string[] = []
  for (const name of names) {
    stream.on(name, (event: StreamEvent) => words.push(`${event.name} ${event.data}`))
  }
  return words
}

/** A status in a few words: `retrying 2: network error`. */
export const inWords = ({ state, attempt, error }: StreamStatus): string =>
  `${state}${attempt > 0 ? ` ${attempt}` : ''}${error === undefined ? '' : `: ${error.message}`}`

/** What `onStatus` tells, in a few words; later ones are added as they come. */
export function statuses(stream: SharedStream): string[] {
  const words: string[] = []
  stream.onStatus((status) => words.push(inWords(status)))
  return words
}

/** `fulfilled`, `rejected` or `pending`, with value or reason, after everything that is due has happened. */
export async function outcomeOf<Value>(
  world: World,
  promise: Promise<Value>,
): Promise<{ value: Value } | { error: Error } | 'pending'> {
  const outcome = promise.then(
    (value) => ({ value }),
    (error: Error) => ({ error }),
  )
  await world.clock.advance(0)
  return Promise.race([outcome, Promise.resolve('pending' as const)])
}
