import { createParser } from 'eventsource-parser'
import type { SourceRequest } from '../../../src/link/protocol.ts'
import type { SocketOptions } from '../../../src/link/socket.ts'
import type { Agent } from './agent.ts'
import type { VirtualServer } from './server.ts'

const OPTIONS: SocketOptions = {
  protocols: [],
  frame: { name: '/type', id: '/seq', data: '/payload' },
  binary: 'binary',
  resume: { query: 'after' },
  closeCodes: {},
  queue: 8,
}

/** What pages ask for whose servers speak WebSocket. */
export const SOCKET_SOURCE: SourceRequest = {
  script: 'https://dash.test/websocket-source.js',
  options: JSON.stringify(OPTIONS),
}

/** A message that has come from a page. */
export interface Heard {
  readonly data: string
  /** Number of the connection that has brought it. */
  readonly connection: number
}

/** As a server of events would be that speaks WebSocket: what it sends is a message for each event. */
export class VirtualSocket extends EventTarget {
  readyState = 0
  readonly bufferedAmount = 0
  readonly protocol = ''
  binaryType = 'blob'
  readonly #agent: Agent
  readonly #server: VirtualServer
  readonly #heard: (data: string) => void
  readonly #latency: () => number
  readonly #abort = new AbortController()
  #lastArrival = 0
  readonly #now: () => number

  constructor(
    agent: Agent,
    server: VirtualServer,
    url: string,
    { heard, latency, now }: { heard: (data: string) => void; latency: () => number; now: () => number },
  ) {
    super()
    this.#agent = agent
    this.#server = server
    this.#heard = heard
    this.#latency = latency
    this.#now = now
    const after = new URL(url).searchParams.get('after')
    this.#read(after === null ? {} : { 'Last-Event-ID': after }).then(
      () => this.#closed(1000),
      () => this.#closed(1006),
    )
  }

  send(data: string): void {
    if (this.readyState !== 1) return
    this.#lastArrival = Math.max(this.#lastArrival, this.#now() + this.#latency())
    // What is on its way when the connection is lost is lost, unless the server has it just before.
    this.#agent.schedule(this.#lastArrival - this.#now(), () => {
      if (this.readyState === 1) this.#heard(data)
    })
  }

  close(): void {
    this.#abort.abort()
    this.#closed(1006)
  }

  async #read(headers: Record<string, string>): Promise<void> {
    const response = await this.#server.fetch(this.#agent, { headers, signal: this.#abort.signal })
    if (response.status !== 200 || response.body === null) throw new Error('refused')
    if (this.readyState !== 0) return
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
    const parser = createParser({
      onEvent: ({ event, data, id }) => {
        const message = { type: event ?? 'message', ...(id !== undefined && { seq: id }), payload: data }
        if (this.readyState === 1)
          this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }))
      },
    })
    const reader = response.body.getReader()
    const decoder = new TextDecoder()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      parser.feed(decoder.decode(value, { stream: true }))
    }
  }

  #closed(code: number): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason: '' }))
  }
}
