import { once } from 'node:events'
import { encode, messageOf } from './events.mjs'

/** Bytes of one write of a flood: as much as a loopback connection takes at once, more or less. */
const WRITE = 128 * 1024
/** Events that a stream keeps for those who resume. */
const KEPT = 20_000
/** Messages of one event each that are given to a WebSocket at a time. */
const AT_A_TIME = 500

export const now = () => performance.timeOrigin + performance.now()

/** One stream of events, which all that are connected to it are given. */
export class Stream {
  #form
  /** @type {Set<import('node:http').ServerResponse>} */
  #connections = new Set()
  /** @type {{ begun: number, ended?: number }[]} times of all connections so far */
  #history = []
  #lastId = 0
  /** @type {Buffer[]} what the next flood writes */
  #encoded = []
  /** @type {{ id: number, text: string }[]} */
  #kept = []
  /** @type {Set<import('ws').WebSocket>} */
  #sockets = new Set()
  #inLists = false
  /** @type {Buffer[]} what the next flood sends to them */
  #messages = []
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /**
   * @param {{ bytes: number, named?: boolean, names?: readonly string[], keeps?: boolean }} form `keeps` answers a request
   *   to resume by what came after the ID that it names
   */
  constructor(form) {
    this.#form = form
  }

  /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  accept(request, response) {
    response.socket?.setNoDelay(true)
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache, no-transform',
    })
    // Headers reach the browser with the first bytes of the body.
    response.write(':\n\n')
    const resumed = Number(request.headers['last-event-id'] ?? Number.NaN)
    if (!Number.isNaN(resumed)) {
      response.write(
        this.#kept
          .filter(({ id }) => id > resumed)
          .map(({ text }) => text)
          .join(''),
      )
    }
    this.#connections.add(response)
    const entry = { begun: now() }
    this.#history.push(entry)
    response.on('close', () => {
      entry.ended = now()
      this.#connections.delete(response)
    })
  }

  /**
   * A client that wants the same by WebSocket.
   *
   * @param {import('ws').WebSocket} socket
   * @param {boolean} inLists it takes several events in one message, as a response brings several in one chunk
   */
  acceptSocket(socket, inLists) {
    this.#sockets.add(socket)
    this.#inLists = inLists
    const entry = { begun: now() }
    this.#history.push(entry)
    socket.on('close', () => {
      entry.ended = now()
      this.#sockets.delete(socket)
    })
  }

  /** Prepares the next flood; resolves with the first and the last of its IDs and its size. */
  encode(count) {
    const first = this.#lastId + 1
    let bytes = 0
    let text = ''
    /** @type {string[]} */
    const messages = []
    const flush = () => {
      const buffer = Buffer.from(text)
      bytes += buffer.length
      this.#encoded.push(buffer)
      text = ''
    }
    for (let index = 0; index < count; index++) {
      text += encode(++this.#lastId, this.#form)
      if (this.#sockets.size > 0) messages.push(messageOf(this.#lastId, this.#form))
      if (text.length >= WRITE) flush()
    }
    flush()
    for (const message of this.#inLists ? listsOf(messages) : messages)
      this.#messages.push(Buffer.from(message))
    return { first, last: this.#lastId, bytes }
  }

  /** Writes what was prepared as fast as each connection takes it; resolves with the times of the first and last write. */
  async flood() {
    const buffers = this.#encoded
    this.#encoded = []
    const messages = this.#messages
    this.#messages = []
    const begun = now()
    for (const socket of this.#sockets) await floodSocket(socket, messages)
    await Promise.all(
      [...this.#connections].map(async (response) => {
        for (const buffer of buffers) {
          if (!response.write(buffer) && !response.destroyed) await once(response, 'drain')
        }
      }),
    )
    return { begun, ended: now() }
  }

  /** Sends so many events a second from now on, each when it is due, with the time of sending in it. */
  pace(perSecond) {
    this.rest()
    const begun = performance.now()
    let sent = 0
    this.#timer = setInterval(() => {
      for (; sent < ((performance.now() - begun) * perSecond) / 1_000; sent++) this.#send()
    }, 1)
  }

  /** Ends {@link pace}; resolves with the ID of the last event. */
  rest() {
    clearInterval(this.#timer)
    return this.#lastId
  }

  report() {
    return { connections: this.#history, lastId: this.#lastId }
  }

  end() {
    this.rest()
    for (const response of this.#connections) response.destroy()
    for (const socket of this.#sockets) socket.terminate()
  }

  #send() {
    const text = encode(++this.#lastId, { ...this.#form, sent: now() })
    if (this.#form.keeps) {
      this.#kept.push({ id: this.#lastId, text })
      if (this.#kept.length > KEPT) this.#kept.shift()
    }
    for (const response of this.#connections) response.write(text)
    if (this.#sockets.size === 0) return
    const message = messageOf(this.#lastId, { ...this.#form, sent: now() })
    for (const socket of this.#sockets) socket.send(message)
  }
}

/** About as large as the writes of a response. @param {readonly string[]} messages */
function listsOf(messages) {
  const size = Math.max(1, Math.round(WRITE / (messages[0]?.length ?? 1)))
  return Array.from(
    { length: Math.ceil(messages.length / size) },
    (_, index) => `[${messages.slice(index * size, (index + 1) * size).join()}]`,
  )
}

/** Sends as fast as the connection takes it. @param {import('ws').WebSocket} socket @param {readonly Buffer[]} messages text */
async function floodSocket(socket, messages) {
  for (let at = 0; at < messages.length && socket.readyState === socket.OPEN; at += AT_A_TIME) {
    const some = messages.slice(at, at + AT_A_TIME)
    await new Promise((resolve) => {
      for (const [index, message] of some.entries())
        socket.send(message, { binary: false }, index === some.length - 1 ? resolve : undefined)
    })
  }
}
