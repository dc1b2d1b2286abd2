import { once } from 'node:events'
import { createRequire } from 'node:module'
import type * as Graphql from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import { freePort } from '../ports.mjs'
import { Changes } from './until.ts'

/** The copy that `graphql-ws` has: Vitest would import another one. */
const { buildSchema } = createRequire(import.meta.url)('graphql') as typeof Graphql

const schema = buildSchema('type Query { now: Int } type Subscription { tick: Int }')

/** A GraphQL server whose subscription brings what a test sends. */
export class GraphqlServer {
  /** Subscriptions begun so far. */
  begun = 0
  readonly changes = new Changes()
  readonly #subscribers = new Set<(tick: number) => void>()
  #server: WebSocketServer | undefined
  readonly #port: number

  private constructor(port: number) {
    this.#port = port
  }

  static async start(): Promise<GraphqlServer> {
    const server = new GraphqlServer(await freePort())
    await server.restart()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/graphql`
  }

  get sockets(): number {
    return this.#server?.clients.size ?? 0
  }

  get subscriptions(): number {
    return this.#subscribers.size
  }

  /** At the same port. */
  async restart(): Promise<void> {
    const server = new WebSocketServer({ port: this.#port, host: '127.0.0.1' })
    useServer({ schema, roots: { subscription: { tick: () => this.#ticks() } } }, server)
    await once(server, 'listening')
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of server?.clients ?? []) socket.terminate()
    if (server) await new Promise((resolve) => server.close(resolve))
  }

  send(tick: number): void {
    for (const give of this.#subscribers) give(tick)
  }

  waitForSubscriptions(begun: number): Promise<void> {
    return this.changes.until(
      () => this.begun >= begun && this.subscriptions === 1,
      () =>
        `${begun} subscriptions, the last of them open; ${this.begun} have begun, ${this.subscriptions} are open`,
    )
  }

  #ticks(): AsyncIterableIterator<{ tick: number }> {
    const ticks: number[] = []
    let take: ((result: IteratorResult<{ tick: number }>) => void) | undefined
    const hand = () => {
      const [tick] = take ? ticks.splice(0, 1) : []
      if (tick === undefined) return
      take?.({ value: { tick }, done: false })
      take = undefined
    }
    const give = (tick: number) => {
      ticks.push(tick)
      hand()
    }
    this.#subscribers.add(give)
    this.begun++
    this.changes.changed()
    return {
      next: () =>
        new Promise((resolve) => {
          take = resolve
          hand()
        }),
      return: async () => {
        this.#subscribers.delete(give)
        take?.({ value: undefined, done: true })
        this.changes.changed()
        return { value: undefined, done: true }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }
}
