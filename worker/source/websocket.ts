import { keysOf, valueAt } from '../../src/link/identify.ts'
import { type CloseMeaning, HELLO, type SocketOptions } from '../../src/link/socket.ts'
import { FailedError, type Failure, failureOf } from './failure.ts'
import { Outbox, type SocketPlatform } from './outbox.ts'
import type { ConnectionRequest, Receiver, Source, SourceEvent } from './source.ts'

// A module of its own, dist/websocket-source.js, that hubs fetch.

/** What has come and cannot be handed over yet may have so many characters: a WebSocket cannot be asked to wait. */
const MOST_WAITING = 16 * 1_048_576

/** Close codes of a connection that has ended in good order. */
const ENDS = [1000, 1001, 1005]

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
    end: () => outbox.end(),
  })
}

class Connection {
  readonly #platform: SocketPlatform
  readonly #options: SocketOptions
  readonly #outbox: Outbox
  readonly #connection: ConnectionRequest
  readonly #receiver: Receiver
  readonly #resolve: (failure: Failure) => void
  readonly #url: URL
  readonly #frame: Readonly<Record<'name' | 'id' | 'data', readonly string[] | undefined>>
  #socket: WebSocket | undefined
  /** Messages that have come, as text; binary ones have a character for each byte. */
  #arrived: { readonly text: string; readonly isBinary: boolean }[] = []
  #waiting = 0
  #isHandingOver = false
  /** Why the connection has ended, while what had come before is handed over. */
  #last: Failure | undefined
  #isOver = false
  #timer: unknown

  constructor(
    platform: SocketPlatform,
    options: SocketOptions,
    outbox: Outbox,
    connection: ConnectionRequest,
    receiver: Receiver,
    resolve: (failure: Failure) => void,
  ) {
    this.#platform = platform
    this.#options = options
    this.#outbox = outbox
    this.#connection = connection
    this.#receiver = receiver
    this.#resolve = resolve
    this.#url = new URL(connection.url)
    const { name, id, data } = options.frame
    const keys = (pointer: string | undefined) => (pointer === undefined ? undefined : keysOf(pointer))
    this.#frame = { name: keys(name), id: keys(id), data: keys(data) }
  }

  open(): void {
    const { resumeAfter, signal } = this.#connection
    const { resume, protocols } = this.#options
    const url = new URL(this.#url)
    if (resumeAfter !== '' && resume && 'query' in resume) url.searchParams.set(resume.query, resumeAfter)
    const { openSocket = (at, spoken) => new WebSocket(at, [...spoken]) } = this.#platform
    try {
      this.#socket = openSocket(url.href, protocols)
    } catch (error) {
      // Such as a protocol that is no token, or a page of https: that asks for ws:.
      const { message } = failureOf(error)
      this.#end(new FailedError(`no WebSocket can be opened (${message})`, { isFinal: true }).failure)
      return
    }
    const socket = this.#socket
    socket.binaryType = 'arraybuffer'
    signal.addEventListener('abort', () => this.#end(failureOf(signal.reason)))
    socket.addEventListener('open', () => this.#opened(socket))
    socket.addEventListener('message', ({ data }) => this.#take(data))
    socket.addEventListener('close', ({ code, reason }) => this.#closed(code, reason))
  }

  #opened(socket: WebSocket): void {
    if (this.#isOver) return
    const { resumeAfter } = this.#connection
    this.#receiver.opened({
      status: 101,
      headers: socket.protocol === '' ? [] : [['sec-websocket-protocol', socket.protocol]],
      origin: this.#url.origin,
      confirmsResumption: false,
      deniesResumption: resumeAfter !== '' && this.#options.resume === undefined,
    })
    for (const message of this.#hello()) socket.send(message)
    this.#outbox.opened(socket)
    this.#beat()
  }

  /** What is said first. */
  #hello(): string[] {
    const { headers, resumeAfter } = this.#connection
    const text = headers.find(([name]) => name === HELLO)?.[1]
    const messages: unknown[] = text === undefined ? [] : JSON.parse(text)
    const { resume } = this.#options
    if (resumeAfter !== '' && resume && 'hello' in resume)
      put(
        messages.find((message) => typeof message === 'object' && message !== null),
        keysOf(resume.hello),
        resumeAfter,
      )
    return messages.map((message) => (typeof message === 'string' ? message : JSON.stringify(message)))
  }

  /** The server has a while for an answer, and any message is one. */
  #beat(): void {
    const { heartbeat } = this.#options
    if (heartbeat === undefined) return
    const { every, send, within } = heartbeat
    this.#platform.clearTimeout(this.#timer)
    this.#timer = this.#platform.setTimeout(() => {
      this.#socket?.send(send)
      if (within === 0) this.#beat()
      else
        this.#timer = this.#platform.setTimeout(() => {
          this.#end(
            new FailedError(`the server has answered no heartbeat for ${within / 1_000} seconds`).failure,
          )
        }, within)
    }, every)
  }

  #take(data: string | ArrayBuffer): void {
    if (this.#isOver || this.#last !== undefined) return
    const isBinary = typeof data !== 'string'
    const text = isBinary ? characters(new Uint8Array(data)) : data
    this.#receiver.alive(text.length)
    this.#beat()
    this.#waiting += text.length
    this.#arrived.push({ text, isBinary })
    if (this.#waiting > MOST_WAITING) {
      this.#end(
        new FailedError('the server sent more than pages can take, so the connection was closed').failure,
      )
      return
    }
    if (!this.#isHandingOver) this.#handOver()
  }

  /** Takes what has come in one go, so that it goes to the pages in one message. */
  async #handOver(): Promise<void> {
    this.#isHandingOver = true
    await this.#platform.turn()
    while (this.#arrived.length > 0 && !this.#isOver) {
      const arrived = this.#arrived
      this.#arrived = []
      this.#waiting = 0
      for (const { text, isBinary } of arrived) if (!this.#isOver) this.#message(text, isBinary)
      await this.#receiver.flushed()
    }
    this.#isHandingOver = false
    if (this.#last !== undefined) this.#end(this.#last)
  }

  #message(text: string, isBinary: boolean): void {
    const { maxEventSize } = this.#connection
    if (text.length > maxEventSize) {
      const message = `the server sent an event of more than ${maxEventSize.toLocaleString('en')} characters`
      this.#end(new FailedError(message, { isFinal: true }).failure)
      return
    }
    const event = isBinary ? { name: this.#options.binary, data: text, id: undefined } : this.#eventOf(text)
    if (event !== undefined && event.name !== this.#options.heartbeat?.expect) this.#receiver.event(event)
  }

  /** `undefined` for an answer that a page waits for. */
  #eventOf(text: string): SourceEvent | undefined {
    const { name, id, data } = this.#frame
    const isFramed = name !== undefined || id !== undefined || data !== undefined
    if (!isFramed && !this.#outbox.isAsking) return { name: 'message', data: text, id: undefined }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      if (isFramed)
        this.#receiver.advise(
          `${this.#url.origin} has sent a message that is not JSON; it is an event "message" without an ID`,
        )
      return { name: 'message', data: text, id: undefined }
    }
    if (this.#outbox.answer(value, text)) return undefined
    const of = (keys: readonly string[] | undefined) => keys && valueAt(value, keys)
    return {
      name: textOf(of(name)) ?? 'message',
      id: idOf(of(id)),
      data: textOf(of(data)) ?? jsonOf(of(data)) ?? text,
    }
  }

  #closed(code: number, reason: string): void {
    const why = `the server closed the WebSocket (${reason === '' ? code : `${code}, ${reason}`})`
    const meaning = this.#options.closeCodes[code] ?? meaningOf(code)
    const { failure } = new FailedError(why, {
      isEnd: ENDS.includes(code),
      isFinal: meaning === 'end',
      status: meaning === 'unauthorized' ? 401 : meaning === 'end' ? code : 0,
    })
    this.#last = failure
    this.#platform.clearTimeout(this.#timer)
    this.#outbox.closed()
    if (!this.#isHandingOver) this.#end(failure)
  }

  #end(failure: Failure): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#platform.clearTimeout(this.#timer)
    this.#outbox.closed()
    this.#socket?.close()
    this.#resolve(failure)
  }
}

/** 4401 is what many servers say in place of 401. What else an app says on purpose would be said again. */
function meaningOf(code: number): CloseMeaning {
  if (code === 4401) return 'unauthorized'
  return code === 1008 || code >= 4000 ? 'end' : 'retry'
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const jsonOf = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value)

/** No connection could be had that resumes after one with a line break, as with Server-Sent Events. */
function idOf(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : textOf(value)
  return text === undefined || /[\0\r\n]/.test(text) ? undefined : text
}

/** Puts a value into a message, and objects on the way to it. */
function put(message: unknown, keys: readonly string[], value: string): void {
  let at = message as Record<string, unknown> | undefined
  for (const key of keys.slice(0, -1)) {
    if (at === undefined) return
    if (typeof at[key] !== 'object' || at[key] === null) at[key] = {}
    at = at[key] as Record<string, unknown>
  }
  const last = keys.at(-1)
  if (at !== undefined && last !== undefined) at[last] = value
}

/** So many bytes at a time: each is an argument of a call. */
const SLICE = 8_192

/** A character for each byte. */
function characters(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += SLICE)
    text += String.fromCharCode(...bytes.subarray(at, at + SLICE))
  return text
}
