import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as requestOf, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DurableStreamTestServer } from '@durable-streams/server'
import { freePort } from '../ports.mjs'
import { Changes } from './until.ts'

/** How long, in ms, the server waits for something new before it answers that there is nothing. */
const LONG_POLL = 700

const PATH = '/streams/news'

/**
 * The reference server of Durable Streams with one stream, and before it a proxy at an address of its own, which sees each request of
 * browsers, and can cut them or answer in the server's place.
 */
export class DurableServer {
  /** Queries of all reads, in order, each with the parameters in the order in which they came. */
  readonly reads: URLSearchParams[] = []
  /** Statuses of all answers so far. */
  readonly statuses: number[] = []
  readonly changes = new Changes()
  /** Answers a read in the server's place. */
  answer: ((query: URLSearchParams, response: ServerResponse) => boolean) | undefined
  readonly #open = new Set<ServerResponse>()
  readonly #folder: string
  readonly #port: number
  readonly #type: string
  readonly #proxy: Server
  #server: DurableStreamTestServer | undefined

  private constructor(folder: string, port: number, type: string) {
    this.#folder = folder
    this.#port = port
    this.#type = type
    this.#proxy = createServer((request, response) => {
      const query = new URL(request.url ?? '', 'http://any').searchParams
      this.reads.push(query)
      this.#open.add(response)
      response.on('close', () => {
        this.#open.delete(response)
        this.changes.changed()
      })
      this.changes.changed()
      if (this.answer?.(query, response)) {
        this.statuses.push(response.statusCode)
        return
      }
      const { url: path, method, headers } = request
      const passed = requestOf({ port: this.#port, path, method, headers, agent: false }, (answer) => {
        this.statuses.push(answer.statusCode ?? 0)
        response.writeHead(answer.statusCode ?? 0, answer.headers)
        response.flushHeaders()
        answer.pipe(response)
        answer.on('error', () => response.destroy())
        this.changes.changed()
      })
      passed.on('error', () => response.destroy())
      response.on('close', () => passed.destroy())
      passed.end()
    })
  }

  /** With an empty stream of this content type. */
  static async start(type = 'application/json'): Promise<DurableServer> {
    const folder = await mkdtemp(join(tmpdir(), 'durable-'))
    const server = new DurableServer(folder, await freePort(), type)
    await new Promise<void>((resolve) => server.#proxy.listen(0, '127.0.0.1', resolve))
    await server.startAgain()
    await server.create()
    return server
  }

  /** Of the stream, as browsers see it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}${PATH}`
  }

  /** Requests that have not been answered to the end. */
  get connections(): number {
    return this.#open.size
  }

  get #stream(): string {
    return `http://127.0.0.1:${this.#port}${PATH}`
  }

  async stop(): Promise<void> {
    this.#proxy.close()
    this.#proxy.closeAllConnections()
    await this.#server?.stop()
    await rm(this.#folder, { recursive: true })
  }

  /** It stops, with all its connections. */
  async halt(): Promise<void> {
    this.cut()
    await this.#server?.stop()
    this.#server = undefined
  }

  /** It starts with the data that it had. */
  async startAgain(): Promise<void> {
    this.#server = new DurableStreamTestServer({
      port: this.#port,
      dataDir: this.#folder,
      longPollTimeout: LONG_POLL,
    })
    await this.#server.start()
  }

  async create(): Promise<void> {
    await this.#ask('PUT')
  }

  async delete(): Promise<void> {
    await this.#ask('DELETE')
  }

  /** Appends these together, as one batch: messages of JSON, or texts. */
  async append(...messages: readonly unknown[]): Promise<void> {
    const isJson = this.#type === 'application/json'
    await this.#ask('POST', {}, isJson ? JSON.stringify(messages) : messages.join(''))
  }

  /** No more is to come. */
  async close(): Promise<void> {
    await this.#ask('POST', { 'Stream-Closed': 'true' })
  }

  /** All connections break. */
  cut(): void {
    for (const response of this.#open) response.destroy()
    this.#open.clear()
  }

  /** Nobody reaches it until it answers again. */
  refuse(): void {
    this.answer = (_, response) => {
      response.destroy()
      return true
    }
    this.cut()
  }

  /** Another stream takes its place while nobody reaches it, and until a hub has noticed that. */
  async replaceBy(...batches: readonly (readonly unknown[])[]): Promise<void> {
    const before = this.reads.length
    this.refuse()
    await this.delete()
    await this.create()
    for (const batch of batches) await this.append(...batch)
    // A browser sends a request that has broken once more by itself. What waits for something new goes on then, as if nothing had been.
    const hasBegunAnew = () => this.reads.slice(before).some((query) => !query.has('live'))
    await this.until(hasBegunAnew, 'a hub that begins anew')
    this.answer = undefined
  }

  until(isTrue: () => boolean, what: string): Promise<void> {
    return this.changes.until(isTrue, () => `${what}; there was ${this.reads.join(' ')}`)
  }

  /** On a connection of its own: another one may have broken with the server. */
  #ask(method: string, headers: Record<string, string> = {}, body = ''): Promise<void> {
    return new Promise((resolve, reject) => {
      const type = { 'Content-Type': this.#type }
      const asking = requestOf(this.#stream, { method, headers: { ...type, ...headers }, agent: false })
      asking.on('response', (response) => {
        response.resume()
        const { statusCode = 0 } = response
        if (statusCode < 300) response.on('end', resolve)
        else reject(new Error(`${method} was answered with ${statusCode}`))
      })
      asking.on('error', reject)
      asking.end(body)
    })
  }
}
