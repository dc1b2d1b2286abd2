import { setTimeout as delay } from 'node:timers/promises'
import { createChannel, createSession } from 'better-sse'

/** How many builds there are; each is a stream of its own. */
const BUILDS = 50

// At two lines a second this is more than eight minutes: longer than a parked stream waits for its turn.
const HISTORY = 1000

/** Lines that each build has when it is first asked for, and that a reader without an ID is sent at most. */
const BEGINNING = 20

const headers = { 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' }

/**
 * @typedef {'step' | 'plain' | 'warning' | 'good'} Kind
 * @typedef {{ time: number, line: number, kind: Kind, text: string }} Line `line` counts from 1
 */

const projects = ['web', 'api', 'search', 'billing', 'mail', 'images', 'login', 'reports', 'maps', 'docs']
const packages = ['react', 'vite', 'zod', 'pino', 'fastify', 'postgres', 'luxon', 'sharp', 'undici', 'ajv']
const modules = [
  'router',
  'session',
  'cache',
  'queue',
  'upload',
  'invoice',
  'index',
  'locale',
  'audit',
  'export',
]

/** @param {number} most */
const anyNumber = (most) => 1 + Math.floor(Math.random() * most)

/** @template T @param {T[]} all @returns {T[]} */
const shuffled = (all) =>
  all
    .map((value) => ({ value, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ value }) => value)

/**
 * What a build says, again and again.
 *
 * @param {number} number
 * @returns {Generator<[Kind, string], never>}
 */
function* talk(number) {
  const project = projects[(number - 1) % projects.length]
  for (let run = anyNumber(900); ; run++) {
    yield ['step', `Run ${run} of ${project}: install`]
    for (const name of shuffled(packages)) yield ['plain', `added ${name} (${anyNumber(900)} kB)`]
    yield ['step', 'Compile']
    for (const name of shuffled(modules)) {
      yield ['plain', `src/${name}.ts → dist/${name}.js in ${anyNumber(300)} ms`]
      if (anyNumber(8) === 1) yield ['warning', `src/${name}.ts:${anyNumber(200)}: a variable is never read`]
    }
    yield ['step', 'Test']
    for (const name of shuffled(modules)) {
      yield ['plain', `${name}.test.ts: ${anyNumber(40)} passed in ${anyNumber(900)} ms`]
    }
    yield ['good', `Run ${run} of ${project}: done`]
  }
}

/** One build's log. */
class Build {
  #channel = createChannel()
  /** @type {{ id: string, data: Line }[]} */
  #history = []
  // The IDs of a server that was started anew are others, so that nobody takes its lines for the continuation.
  #start = Date.now().toString(36)
  #line = 0
  #words
  #stopping = new AbortController()

  /** @param {number} number */
  constructor(number) {
    this.#words = talk(number)
    for (let line = 0; line < BEGINNING; line++) this.#publish()
    void this.#run(this.#stopping.signal)
  }

  get connections() {
    return this.#channel.sessionCount
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async connect(request, response) {
    const session = await createSession(request, response, { headers, keepAlive: 15_000 })
    if (!session.isConnected) return
    for (const { id, data } of this.#after(session.lastId)) session.push(data, 'line', id)
    this.#channel.register(session)
  }

  stop() {
    this.#stopping.abort()
  }

  /** All there is where the ID is not known any more. @param {string} lastId */
  #after(lastId) {
    if (lastId === '') return this.#history.slice(-BEGINNING)
    return this.#history.slice(this.#history.findIndex(({ id }) => id === lastId) + 1)
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    while (!signal.aborted) {
      await delay(200 + anyNumber(600), undefined, { signal, ref: false }).catch(() => {})
      if (!signal.aborted) this.#publish()
    }
  }

  #publish() {
    const [kind, text] = this.#words.next().value
    this.#line += 1
    const event = {
      id: `${this.#start}-${this.#line}`,
      data: { time: Date.now(), line: this.#line, kind, text },
    }
    this.#history.push(event)
    if (this.#history.length > HISTORY) this.#history.shift()
    this.#channel.broadcast(event.data, 'line', { eventId: event.id })
  }
}

/** Builds that run from the moment when somebody first looks at them. They are made up. */
export class Builds {
  /** @type {Map<number, Build>} */
  #builds = new Map()

  get connections() {
    return [...this.#builds.values()].reduce((total, { connections }) => total + connections, 0)
  }

  /** @param {string} name @returns {Build | undefined} nothing where there is no such build */
  find(name) {
    const number = /^[1-9]\d?$/.test(name) ? Number(name) : 0
    if (number < 1 || number > BUILDS) return undefined
    const build = this.#builds.get(number) ?? new Build(number)
    this.#builds.set(number, build)
    return build
  }

  stop() {
    for (const build of this.#builds.values()) build.stop()
  }
}
