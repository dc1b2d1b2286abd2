import { keysOf } from '../../src/link/identify.ts'
import { type CloseMeaning, HELLO, PROTOCOLS, type SocketOptions } from '../../src/link/socket.ts'
import { Arrivals } from './arrivals.ts'
import { FailedError, type Failure, failureOf } from './failure.ts'
import { Frame, parsed, withParameters } from './frame.ts'
import { Outbox, type SocketPlatform } from './outbox.ts'
import type { ConnectionRequest, Receiver, Source, SourceEvent } from './source.ts'

// A module of its own, dist/websocket-source.js, that hubs fetch.

/** Close codes of a connection that has ended in good order. */
const ENDS = [1000, 1001, 1005]

/** The browser's code for a connection that nobody has closed. */
const LOST = 1006

/** A message that has come, as text; a binary one has a character for each byte. */
interface Arrival {
  readonly text: string
  readonly length: number
  readonly kind: 'text' | 'bytes' | 'answer'
}

/** Events by WebSocket, for one stream: each message is one. */
export function source(platform: SocketPlatform, options: SocketOptions): Source {
  const outbox = new Outbox(platform, options.queue)
  const connect = (connection: ConnectionRequest, receiver: Receiver) =>
    new Promise<Failure>((resolve) => {
      const socket = new Connection(platform, options, outbox, connection, receiver, resolve)
      socket.open()
    })
  return Object.assign(connect, {
    send: (message: unknown) => outbox.send(message),
    drop: (isOver: boolean) => outbox.drop(isOver),
  })
}

class Connection extends Arrivals<Arrival, SocketPlatform> {
  readonly #options: SocketOptions
  readonly #outbox: Outbox
  readonly #url: URL
  readonly #frame: Frame
  #socket: WebSocket | undefined
  #timer: unknown

  constructor(
    platform: SocketPlatform,
    options: SocketOptions,
    outbox: Outbox,
    connection: ConnectionRequest,
    receiver: Receiver,
    resolve: (failure: Failure) => void,
  ) {
    super(platform, connection, receiver, resolve)
    this.#options = options
    this.#outbox = outbox
    this.#url = new URL(connection.url)
    this.#frame = new Frame(options.frame)
  }

  open(): void {
    const { resumeAfter } = this.connection
    const { resume, protocols } = this.#options
    const query = resume && 'query' in resume ? resume.query : undefined
    const url =
      resumeAfter !== '' && query !== undefined
        ? withParameters(this.#url.href, [[query, resumeAfter]])
        : this.#url.href
    const { openSocket = (at, spoken) => new WebSocket(at, [...spoken]) } = this.platform
    try {
      this.#socket = openSocket(url, this.#given(PROTOCOLS)?.split(',') ?? protocols)
    } catch (error) {
      // Such as a protocol that is no token, or a page of https: that asks for ws:.
      const { message } = failureOf(error)
      this.end(new FailedError(`no WebSocket can be opened (${message})`, { isFinal: true }).failure)
      return
    }
    const socket = this.#socket
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => this.#opened(socket))
    socket.addEventListener('message', ({ data }) => this.#take(data))
    socket.addEventListener('close', ({ code, reason }) => this.#closed(code, reason))
  }

  #opened(socket: WebSocket): void {
    if (this.isClosed) return
    const { resumeAfter } = this.connection
    const { messages, hasPlaced } = this.#hello()
    const { resume } = this.#options
    this.receiver.opened({
      status: 101,
      // It may be a token, so nobody but the stream's own pages is told.
      headers: [],
      protocol: socket.protocol,
      origin: this.#url.origin,
      confirmsResumption: false,
      deniesResumption: resumeAfter !== '' && !(resume && 'query' in resume) && !hasPlaced,
    })
    for (const message of messages) socket.send(message)
    this.#outbox.opened(socket)
    this.#beat()
  }

  /** What a page has given for this connection. */
  #given(wanted: string): string | undefined {
    return this.connection.headers.find(([name]) => name === wanted)?.[1]
  }

  /** What is said first, and whether it says after which ID to resume. */
  #hello(): { messages: readonly string[]; hasPlaced: boolean } {
    const { resumeAfter } = this.connection
    const text = this.#given(HELLO)
    const messages: unknown[] = text === undefined ? [] : JSON.parse(text)
    const { resume } = this.#options
    const keys = resume && 'hello' in resume && resumeAfter !== '' ? keysOf(resume.hello) : []
    const hasPlaced = messages.some((message) => put(message, keys, resumeAfter))
    return {
      messages: messages.map((message) => (typeof message === 'string' ? message : JSON.stringify(message))),
      hasPlaced,
    }
  }

  /** The server has a while for an answer, and any message is one. */
  #beat(): void {
    const { heartbeat } = this.#options
    if (heartbeat === undefined) return
    const { every, send, within } = heartbeat
    this.platform.clearTimeout(this.#timer)
    this.#timer = this.platform.setTimeout(() => {
      this.#socket?.send(send)
      if (within === 0) this.#beat()
      else
        this.#timer = this.platform.setTimeout(() => {
          this.end(
            new FailedError(`the server has answered no heartbeat for ${within / 1_000} seconds`).failure,
          )
        }, within)
    }, every)
  }

  #take(data: string | ArrayBuffer): void {
    if (this.isClosed) return
    const text = typeof data === 'string' ? data : characters(new Uint8Array(data))
    this.receiver.alive(text.length)
    this.#beat()
    this.take(this.#arrival(text, typeof data !== 'string'))
  }

  /** An answer that a page waits for is not to wait for the pages that are slow. */
  #arrival(text: string, isBinary: boolean): Arrival {
    const { length } = text
    if (isBinary || !this.#outbox.isAsking) return { text, length, kind: isBinary ? 'bytes' : 'text' }
    const value = parsed(text)
    const isAnswer = value !== undefined && this.#outbox.answer(value, text)
    return { text, length, kind: isAnswer ? 'answer' : 'text' }
  }

  protected override give(event: SourceEvent, { kind, text }: Arrival): void {
    if (kind !== 'answer' && !this.#answersHeartbeat(event, text)) this.receiver.event(event)
    // No page is given it, and none needs it again.
    else if (event.id !== undefined) this.receiver.idAlone(event.id)
  }

  #answersHeartbeat({ name }: SourceEvent, text: string): boolean {
    const { expect } = this.#options.heartbeat ?? {}
    return expect !== undefined && (name === expect || text === expect)
  }

  protected eventsOf({ text, kind }: Arrival): readonly SourceEvent[] {
    if (kind === 'bytes') return [{ name: this.#options.binary, data: text, id: undefined }]
    const { isFramed } = this.#frame
    const events = isFramed ? this.#frame.eventsOf(text, kind === 'answer') : undefined
    if (events !== undefined) return events
    if (isFramed && text !== this.#options.heartbeat?.expect)
      this.receiver.advise(
        `${this.#url.origin} has sent a message that is not JSON; it is an event "message" without an ID`,
      )
    return [{ name: 'message', data: text, id: undefined }]
  }

  #closed(code: number, reason: string): void {
    const why =
      code === LOST ? 'the WebSocket was lost, or could not be had' : 'the server closed the WebSocket'
    const meaning = this.#options.closeCodes[code] ?? meaningOf(code)
    const { failure } = new FailedError(`${why} (${code})`, {
      isEnd: ENDS.includes(code),
      isFinal: meaning === 'end',
      status: meaning === 'unauthorized' ? 401 : meaning === 'end' ? code : 0,
      closeCode: code,
      body: reason,
    })
    this.platform.clearTimeout(this.#timer)
    this.#outbox.closed(this.#socket)
    this.close(failure)
  }

  protected release(): void {
    this.platform.clearTimeout(this.#timer)
    this.#outbox.closed(this.#socket)
    this.#socket?.close()
  }
}

/** 4401 is what many servers say in place of 401. What else an app says on purpose would be said again. */
function meaningOf(code: number): CloseMeaning {
  if (code === 4401) return 'unauthorized'
  return code === 1008 || code >= 4000 ? 'end' : 'retry'
}

/** Puts a value into a message, and objects on the way to it. True where the message has a place for it. */
function put(message: unknown, keys: readonly string[], value: string): boolean {
  const [key, ...further] = keys
  if (typeof message !== 'object' || message === null || key === undefined || key === '__proto__')
    return false
  if (Array.isArray(message) && !/^\d+$/.test(key)) return false
  const at = message as Record<string, unknown>
  if (further.length === 0) {
    at[key] = value
    return true
  }
  if (typeof at[key] !== 'object' || at[key] === null) at[key] = {}
  return put(at[key], further, value)
}

/** So many bytes at a time: each is an argument of a call. */
const BYTES = 8_192

/** A character for each byte. */
function characters(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += BYTES)
    text += String.fromCharCode(...bytes.subarray(at, at + BYTES))
  return text
}
