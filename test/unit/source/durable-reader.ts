import { expose, type Remote, wrap } from 'comlink'
import { expect, vi } from 'vitest'
import type { LinkEndpoint } from '../../../src/link/endpoint.ts'
import { unpack } from '../../../src/link/pack.ts'
import {
  EVENT_SOURCE_POLICY,
  EVERY_NAME,
  type HubSide,
  type StateEntry,
  type StreamRequest,
  type TabSide,
} from '../../../src/link/protocol.ts'
import { nodePlatform } from '../../../src/tester/platform.ts'
import { Hub } from '../../../worker/hub.ts'
import { source } from '../../../worker/source/durable.ts'
import { requestTo } from '../../sim/world/samples.ts'

export interface ReaderOptions {
  live?: 'sse' | 'long-poll'
  offset?: string
  headers?: StreamRequest['headers'] | (() => StreamRequest['headers'])
}

/** A page that listens to a Durable Stream: the real hub with the real source, by Node's `fetch`. */
export class DurableReader {
  /** Data of events, and `gap REASON`. */
  readonly heard: string[] = []
  /** What is wrong, in the order in which the page was told. */
  readonly errors: string[] = []
  /** Each request so far: its query, and the status of the answer; 0 where there was none. */
  readonly requests: { readonly query: URLSearchParams; status: number }[] = []
  /** Held: the collection of garbage ends what nobody reads. */
  readonly #responses: Response[] = []
  readonly #hub: Hub
  readonly #ports = new MessageChannel()
  /** Held: if a remote is garbage-collected, its calls never settle. */
  readonly #remote: Remote<HubSide>
  #status: StateEntry | undefined

  constructor(url: string, { live = 'sse', offset = '-1', headers = [] }: ReaderOptions = {}) {
    const { origin } = new URL(url)
    const platform = nodePlatform(origin, (url, init) => this.#fetch(url, init))
    this.#hub = new Hub(
      {
        ...platform,
        // It waits for less time than in a browser, and by no chance.
        setTimeout: (run, milliseconds) => platform.setTimeout(run, milliseconds / 4),
        random: () => 0,
        // Whatever version of Node this is.
        locks: undefined,
        load: async () => ({ source }),
      },
      'hub',
    )
    const { port1, port2 } = this.#ports
    const tabSide: TabSide = {
      deliver: async ({ entries }) => {
        for (const entry of unpack(entries)) {
          if (entry.type === 'event') this.heard.push(entry.data)
          else if (entry.type === 'gap') this.heard.push(`gap ${entry.reason}`)
          else this.#enter(entry)
        }
        return undefined
      },
      details: async () => (typeof headers === 'function' ? { url, headers: headers() } : undefined),
      part: () => {},
      retryDelay: async () => false,
      warn: () => {},
      ping: () => {},
    }
    expose(tabSide, port2 as LinkEndpoint)
    this.#remote = wrap<HubSide>(port2 as LinkEndpoint)
    const options = JSON.stringify({ live, offset, frame: {} })
    const asksHeaders = typeof headers === 'function'
    const request = requestTo(url, {
      ...(asksHeaders ? { asksHeaders, key: 'user' } : { headers }),
      source: { script: `${origin}/durable-source.js`, options },
    })
    this.#begin(port1 as LinkEndpoint, request)
  }

  async #begin(port: LinkEndpoint, request: StreamRequest): Promise<void> {
    await this.#hub.connect(port)
    await this.#remote.attach({ tabId: 'tab', holdsLock: false })
    const policy = { ...EVENT_SOURCE_POLICY, retriesStatuses: true }
    await this.#remote.subscribe({ id: 1, epoch: 1, request, policy, names: [EVERY_NAME] })
  }

  /** Events of text, one after the other. */
  get text(): string {
    return this.heard.join('')
  }

  get state(): string | undefined {
    return this.#status?.state
  }

  /** Status of the answer that has ended the stream. */
  get refusal(): number | undefined {
    return this.state === 'closed' ? this.#status?.error?.status : undefined
  }

  get statuses(): number[] {
    return this.requests.map(({ status }) => status)
  }

  /** A request waits for something new. */
  get isWaiting(): boolean {
    const last = this.requests.at(-1)
    return last?.query.has('live') === true && last.status === (last.query.get('live') === 'sse' ? 200 : 0)
  }

  /** Waits until it has heard exactly this. */
  hears(...data: readonly string[]): Promise<void> {
    return vi.waitFor(() => expect(this.heard).toEqual(data), WAIT)
  }

  until(isTrue: () => boolean, what: string): Promise<void> {
    return vi.waitFor(() => {
      const told = `${this.heard.join(' ')}; ${this.state}; ${this.errors.at(-1)}; ${this.statuses.join()}`
      if (!isTrue()) throw new Error(`waited for ${what}; there was ${told}`)
    }, WAIT)
  }

  /** Waits until the stream has ended without an error. */
  async ends(): Promise<void> {
    await this.until(() => this.state === 'closed', 'the end')
    expect(this.#status?.error).toBeUndefined()
  }

  close(): void {
    this.#hub.close()
    this.#ports.port1.close()
  }

  #enter(entry: StateEntry): void {
    this.#status = entry
    if (entry.error !== undefined) this.errors.push(entry.error.message)
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const request = { query: new URL(url).searchParams, status: 0 }
    this.requests.push(request)
    const response = await fetch(url, init)
    this.#responses.push(response)
    request.status = response.status
    return response
  }
}

const WAIT = { timeout: 15_000, interval: 5 }
