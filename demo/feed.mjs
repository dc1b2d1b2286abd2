import { setTimeout as delay } from 'node:timers/promises'
import { createChannel, createSession } from 'better-sse'
import { samplers } from './metrics.mjs'

// At five events a second this is some three minutes: longer than the plots reach back.
const HISTORY = 1000

const headers = { 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' }

/**
 * @typedef {{ id: number, name: string, data: object }} FeedEvent
 * @typedef {{ every: number, sample: () => Promise<object> }} Sampler
 */

/** Measures this machine once for all connections and sends them each figure as an event. */
export class Feed {
  totalConnections = 0
  #channel = createChannel()
  /** @type {FeedEvent[]} */
  #history = []
  // IDs go on growing over restarts: the clock gains a thousand a second, the feed uses up five.
  #nextId = Date.now()
  #stopping = new AbortController()

  get connections() {
    return this.#channel.sessionCount
  }

  start() {
    for (const [name, sampler] of Object.entries(samplers)) void this.#repeat(name, sampler)
  }

  stop() {
    this.#stopping.abort()
  }

  /** @param {string[]} names */
  history(names) {
    return this.#history.filter(({ name }) => names.includes(name))
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async connect(request, response) {
    const session = await createSession(request, response, { headers, keepAlive: 15_000 })
    if (!session.isConnected) return
    this.totalConnections += 1
    const lastId = session.lastId === '' ? Number.NaN : Number(session.lastId)
    for (const { id, name, data } of this.#history) if (id > lastId) session.push(data, name, String(id))
    this.#channel.register(session)
  }

  /** @param {string} name @param {Sampler} sampler */
  async #repeat(name, { every, sample }) {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const started = Date.now()
      try {
        this.#publish(name, await sample())
      } catch (error) {
        console.warn(`The demo could not measure ${name}:`, error)
      }
      // A slow measurement must not make the next one overlap it.
      const rest = Math.max(every - (Date.now() - started), every / 4)
      await delay(rest, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  /** @param {string} name @param {object} sample */
  #publish(name, sample) {
    const event = { id: this.#nextId++, name, data: { time: Date.now(), ...sample } }
    this.#history.push(event)
    if (this.#history.length > HISTORY) this.#history.shift()
    this.#channel.broadcast(event.data, name, { eventId: String(event.id) })
  }
}
