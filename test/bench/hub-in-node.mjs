import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createContext, Script } from 'node:vm'

/** What a worker's script finds in its global scope. */
const SCOPE = {
  AbortController,
  AbortSignal,
  DOMException,
  MessageChannel,
  TextDecoder,
  TextEncoder,
  URL,
  clearTimeout,
  crypto,
  performance,
  // The hub pings its tabs for ever, which must not keep the process.
  setTimeout: (...args) => setTimeout(...args).unref(),
  structuredClone,
}

const POLICY = {
  retries: Number.POSITIVE_INFINITY,
  retriesStatuses: false,
  asksRetry: false,
  asksEnd: false,
  repeatsUnsafe: false,
  resumes: true,
  idleTimeout: 0,
  maxEventSize: 8 * 1024 * 1024,
}

/**
 * The hub of a build's `worker.js` in Node: without a browser and a network there is nothing but its own work to measure.
 *
 * @param {string} dist folder of the build
 */
export class HubInNode {
  /** @type {ReadableStreamDefaultController | undefined} */
  #body
  #connect
  #count = 0

  constructor(dist) {
    const scope = createContext({
      ...SCOPE,
      addEventListener: (_type, listener) => {
        this.#connect = listener
      },
      fetch: async () => {
        const body = new ReadableStream({
          start: (controller) => {
            this.#body = controller
          },
        })
        return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
      },
    })
    new Script(readFileSync(join(dist, 'worker.js'), 'utf8')).runInContext(scope)
  }

  /** The server sends these bytes, in chunks as large as a browser's. @param {Uint8Array} bytes */
  send(bytes) {
    for (let at = 0; at < bytes.length; at += 65_536) this.#body?.enqueue(bytes.slice(at, at + 65_536))
  }

  /** Resolves when the hub asks the server. */
  async asked() {
    while (this.#body === undefined) await turn()
  }

  /**
   * A tab that listens.
   *
   * @param {string[]} names
   * @param {{ replay?: number | 'all', position?: object }} [others] members of its subscription; `position`: at a hub before
   */
  async tab(names, others = {}) {
    const tab = new Tab()
    this.#connect({ ports: [tab.port] })
    await tab.call('attach', { tabId: `tab ${++this.#count}`, holdsLock: false })
    const request = { url: 'https://bench.test/', credentials: 'omit', method: 'GET', headers: [], key: '' }
    await tab.call('subscribe', {
      id: 1,
      epoch: 1,
      request: { ...request, asksHeaders: false },
      policy: POLICY,
      names,
      ...others,
    })
    return tab
  }
}

/** The far end of a link, without a page: it acknowledges whatever it is given. */
class Tab {
  /** The hub's end. */
  port
  #heard
  #answers = new Map()
  #count = 0
  #waiting = []
  /** Where it has stood after each batch. @type {object[]} */
  positions = []
  /** The text of the latest batch. */
  #latest = ''

  constructor() {
    this.port = {
      postMessage: (message) => {
        const copy = structuredClone(message)
        setImmediate(() => {
          for (const one of Array.isArray(copy) ? copy : [copy]) this.#take(one)
        })
      },
      addEventListener: (_type, listener) => {
        this.#heard = listener
      },
      removeEventListener: () => {},
      start: () => {},
      close: () => {},
    }
  }

  /** @param {string} method @param {unknown} value */
  call(method, value) {
    const id = String(++this.#count)
    this.#write({ id, type: 'APPLY', path: [method], argumentList: [{ type: 'RAW', value }] })
    return new Promise((resolve) => this.#answers.set(id, resolve))
  }

  /** Resolves when an event with these data has come. @param {string} data */
  reached(data) {
    if (this.#latest.includes(data)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ data, resolve }))
  }

  #take(message) {
    if (message.type !== 'APPLY') {
      this.#answers.get(message.id)?.(message.value)
      this.#answers.delete(message.id)
      return
    }
    if (message.path[0] === 'deliver') {
      const { entries, position } = message.argumentList[0].value
      this.#latest = entries.text
      this.positions.push(position)
      this.#waiting = this.#waiting.filter(({ data, resolve }) => !this.#latest.includes(data) || resolve())
    }
    this.#write({ id: message.id, type: 'RAW', value: undefined })
  }

  #write(message) {
    const data = structuredClone(message)
    setImmediate(() => this.#heard({ data }))
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 1))
