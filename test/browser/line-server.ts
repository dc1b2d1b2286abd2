import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Changes } from './until.ts'

/**
 * A server of NDJSON whose events are numbered from 1: `{ event, id, message }`. After `?since=ID` it goes on behind that, from all that it
 * has ever sent.
 */
export class LineServer {
  /** Names of the events sent so far. */
  readonly log: string[] = []
  /** What each connection has asked for. */
  readonly requests: string[] = []
  /** Methods of all requests, preflights included. */
  readonly methods: string[] = []
  /** Whether events have IDs, and a connection brings what follows the one that it names. */
  resumes = true
  readonly changes = new Changes()
  readonly #open = new Set<ServerResponse>()
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => this.#serve(request, response))
  }

  static async start(): Promise<LineServer> {
    const server = new LineServer()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/json`
  }

  get connections(): number {
    return this.#open.size
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /** To all connections. */
  send(name: string): void {
    this.log.push(name)
    for (const response of this.#open) response.write(this.#line(this.log.length))
  }

  /** Half of the next event goes to all connections, which then break. */
  cutWithin(name: string): void {
    this.log.push(name)
    const line = this.#line(this.log.length)
    for (const response of this.#open)
      response.write(line.slice(0, line.length / 2), () => response.destroy())
    this.#open.clear()
  }

  waitForRequests(count: number): Promise<void> {
    return this.changes.until(
      () => this.requests.length >= count,
      () => `${count} requests; there were ${this.requests.join()}`,
    )
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.methods.push(request.method ?? '')
    this.requests.push(request.url ?? '')
    response.on('close', () => {
      this.#open.delete(response)
      this.changes.changed()
    })
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Access-Control-Allow-Origin': '*' })
    response.write('{}\n')
    const since = new URL(request.url ?? '', 'http://any').searchParams.get('since')
    if (since !== null && this.resumes)
      for (let id = Number(since) + 1; id <= this.log.length; id++) response.write(this.#line(id))
    this.#open.add(response)
    this.changes.changed()
  }

  #line(id: number): string {
    const event = this.log[id - 1]
    return `${JSON.stringify({ event, ...(this.resumes && { id }), message: `${event} ${id}` })}\n`
  }
}
