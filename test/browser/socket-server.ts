import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { freePort } from '../ports.mjs'
import { Changes } from './until.ts'

/** A message that has come from a page, with the number of the connection that brought it. */
interface Received {
  readonly connection: number
  readonly text: string
}

/**
 * A WebSocket server whose messages are numbered from 1: `{ type, seq, payload }`. After `?after=SEQ` it goes on behind that, from all
 * that it has ever sent. It answers `{ ask: REF }` with `{ reply: REF }`.
 */
export class SocketServer {
  /** Names of the events sent so far. */
  readonly log: string[] = []
  readonly received: Received[] = []
  /** What each connection has asked for. */
  readonly requests: string[] = []
  /** Whether messages have numbers, and a connection brings what follows the one that it names. */
  resumes = true
  /** What is done with a new connection, before anything else; it is turned away where this says so. */
  admit: (socket: WebSocket, request: IncomingMessage) => boolean = () => true
  /** Called with each message. */
  onMessage: (socket: WebSocket, text: string) => void = () => {}
  /** The highest number of connections at one time. */
  peak = 0
  readonly changes = new Changes()
  #server: WebSocketServer | undefined
  readonly #port: number

  private constructor(port: number) {
    this.#port = port
  }

  static async start(): Promise<SocketServer> {
    const server = new SocketServer(await freePort())
    await server.restart()
    return server
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/live`
  }

  get connections(): number {
    return this.#server?.clients.size ?? 0
  }

  /** All clients, as they stand. */
  get sockets(): readonly WebSocket[] {
    return [...(this.#server?.clients ?? [])]
  }

  /** At the same port. */
  async restart(): Promise<void> {
    const server = new WebSocketServer({
      port: this.#port,
      host: '127.0.0.1',
      handleProtocols: (offered) => [...offered].at(-1) ?? false,
    })
    server.on('connection', (socket, request) => this.#serve(socket, request))
    await once(server, 'listening')
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.cut(server?.clients)
    if (server) await new Promise((resolve) => server.close(resolve))
    this.changes.changed()
  }

  /** Destroys every connection, without a word. */
  cut(sockets: Iterable<WebSocket> = this.sockets): void {
    for (const socket of sockets) socket.terminate()
  }

  send(name: string): void {
    this.log.push(name)
    for (const socket of this.sockets) this.#write(socket, this.log.length)
  }

  waitForConnections(count: number): Promise<void> {
    return this.changes.until(
      () => this.connections === count,
      () => `${count} connections; there are ${this.connections}`,
    )
  }

  waitForRequests(count: number): Promise<void> {
    return this.changes.until(
      () => this.requests.length >= count,
      () => `${count} requests; there were ${this.requests.join()}`,
    )
  }

  #serve(socket: WebSocket, request: IncomingMessage): void {
    const url = request.url ?? ''
    const connection = this.requests.push(url)
    this.peak = Math.max(this.peak, this.connections)
    socket.on('close', () => setImmediate(() => this.changes.changed()))
    socket.on('error', () => {})
    socket.on('message', (data: RawData, isBinary: boolean) => {
      const text = isBinary ? `bytes ${[...(data as Buffer)].join()}` : String(data)
      this.received.push({ connection, text })
      this.#answer(socket, text)
      this.onMessage(socket, text)
      this.changes.changed()
    })
    if (this.admit(socket, request)) {
      const after = new URL(url, 'ws://any').searchParams.get('after')
      if (after !== null && this.resumes)
        for (let seq = Number(after) + 1; seq <= this.log.length; seq++) this.#write(socket, seq)
    }
    this.changes.changed()
  }

  #write(socket: WebSocket, seq: number): void {
    const type = this.log[seq - 1]
    socket.send(JSON.stringify({ type, ...(this.resumes && { seq }), payload: { number: seq } }))
  }

  #answer(socket: WebSocket, text: string): void {
    if (!text.startsWith('{"ask"')) return
    socket.send(JSON.stringify({ reply: JSON.parse(text).ask, of: 'the server' }))
  }
}
