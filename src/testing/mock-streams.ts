import type { ConnectionError, HeadersReason, LazyStream, SharedStream } from 'tabstream'
import { resolve, withoutFragment } from '../api/checks.ts'
import { isMeant, MockClient, type Target } from './client.ts'
import type { MockRequest, MockStream, SendOptions, Which } from './mock-stream.ts'
import type { Sent, Upstream } from './upstream.ts'

/** Options of {@link mockStreams}. */
export interface MockOptions {
  /**
   * Runs everything that reaches the app: give React's `act`, or Svelte's `flushSync`, and no test needs to. It must run its argument
   * before it returns. What it returns is not looked at.
   * @default runs it
   */
  act?: (work: () => void) => unknown
  /**
   * Throws where an event has a name that nothing listens to. With `false` such an event is dropped, as in a browser.
   * @default true
   */
  strict?: boolean
}

/** Everything that the page opens, in the hands of a test: made by {@link mockStreams}. */
export interface MockStreams extends Disposable {
  /**
   * The stream of a URL, to be driven. It need not be open yet.
   *
   * @param url as the app gives it: relative to the document's base URL
   * @param which tells apart streams of the same URL
   * @example
   * const orders = streams.at<{ order: Order }>('/orders')
   */
  at<T extends object = Record<string, unknown>>(url: string | URL, which?: Which): MockStream<T>
  /**
   * The mock of a stream that the app has defined or opened, with the types of its events.
   *
   * @throws {Error} where the stream was opened before `mockStreams()` was called
   * @example
   * const orders = defineStream('/orders', { events: { order: json<Order>() } })
   * streams.at(orders).send('order', { id: 1 })
   */
  at<T extends object>(stream: LazyStream<T> | SharedStream<T>): MockStream<T>
  /** What the page has open now, one for each stream. */
  readonly requests: readonly MockRequest[]
  /**
   * Tells those who have just subscribed how their stream stands, and what they have asked for of what came before. Without it that
   * happens by itself, as a microtask: later than the call which subscribes, as in a browser.
   */
  flush(): void
  /**
   * Does what `flush()` does, and lets microtasks run: asynchronous schemas and loops over `events()` have then taken what was sent,
   * unless they wait for something else.
   */
  settled(): Promise<void>
  /** Before the next test: streams that are still open are `'connecting'` again, and nothing is known of what was sent or seeded. */
  reset(): void
  /** Closes what is open, and lets streams that are opened from here on be real. `[Symbol.dispose]()` does the same. */
  restore(): void
}

/** Where the main entry looks for a client: see `page-client.ts`. */
const SEAM = Symbol.for('tabstream')

/** Also for another copy of this module. */
const INSTALLED = Symbol.for('tabstream/testing')

const world = globalThis as unknown as Record<symbol, unknown>

/** As it was before a test may have replaced it. */
const { setTimeout } = globalThis

/** jsdom, happy-dom and Node have no `reportError()`; with fake timers in place of one, no test would ever learn of an error. */
const reportError = (error: unknown): void => {
  setTimeout(() => {
    throw error
  })
}

/**
 * Takes the place of the hub, the network and the server: every stream that the page opens from here on is driven by the test,
 * whether by `SharedEventSource`, `connect()`, `defineStream()` or a binding. Call it before the app's modules are imported, as in a
 * set-up file. Where it has been called already, it returns the same, with the new options.
 *
 * There is no worker, no request and no timer. What a test sends has reached the app when the call returns.
 *
 * @example
 * const streams = mockStreams()
 * afterEach(() => streams.reset())
 *
 * render(<Orders />)
 * act(() => streams.at('/orders').send('order', { id: 1 }))
 */
export function mockStreams(options: MockOptions = {}): MockStreams {
  own ??= new Installation()
  world[INSTALLED] ??= own
  return (world[INSTALLED] as Installation).with(options)
}

/** Kept, because streams that were opened with its client may still be there when it is installed again. */
let own: Installation | undefined

const run = (work: () => void): void => work()

class Installation implements MockStreams {
  readonly #client = new MockClient()
  #isStrict = true

  with({ act, strict }: MockOptions): this {
    world[SEAM] = this.#client
    if (!('reportError' in globalThis)) Object.assign(globalThis, { reportError })
    if (act !== undefined) this.#client.act = act
    if (strict !== undefined) this.#isStrict = strict
    return this
  }

  at(given: string | URL | Pick<LazyStream, 'events'>, which: Which = {}): MockStream {
    const isStream = typeof given === 'object' && 'events' in given
    const target = isStream
      ? this.#targetOf(given)
      : { ...which, url: withoutFragment(resolve(given as string | URL)) }
    return new Driver(this.#client, target, () => this.#isStrict)
  }

  get requests(): readonly MockRequest[] {
    return this.#client.upstreams.map(({ request }) => request)
  }

  flush(): void {
    this.#client.flush()
  }

  settled(): Promise<void> {
    return this.#client.settle()
  }

  reset(): void {
    this.#client.reset()
  }

  restore(): void {
    if (world[INSTALLED] !== this) return
    for (const upstream of this.#client.upstreams) this.#client.close(upstream, undefined)
    this.#client.reset()
    this.#client.act = run
    this.#isStrict = true
    delete world[INSTALLED]
    delete world[SEAM]
    if (globalThis.reportError === reportError) Reflect.deleteProperty(globalThis, 'reportError')
  }

  [Symbol.dispose](): void {
    this.restore()
  }

  /** A loop over its events is a subscription of its own, whether or not the stream is used already. */
  #targetOf(stream: Pick<LazyStream, 'events'>): Target {
    const requests = this.#client.note(() => void stream.events('message').return?.())
    const request = requests.at(-1)
    if (request === undefined)
      throw problem(
        'this stream was opened before mockStreams() was called, so it is a real one. Call mockStreams() in a set-up file',
      )
    const { url, method, body, key, credentials } = request
    return { url, method, key, credentials, ...(body !== undefined && { body }) }
  }
}

class Driver implements MockStream {
  readonly #client: MockClient
  readonly #target: Target
  readonly #isStrict: () => boolean

  constructor(client: MockClient, target: Target, isStrict: () => boolean) {
    this.#client = client
    this.#target = target
    this.#isStrict = isStrict
  }

  open(): void {
    this.#opened().open()
  }

  send(name: string, data: unknown, { id }: SendOptions = {}): void {
    const sent = sentOf(name, data, id)
    const upstream = this.#opened()
    if (this.#isStrict() && !upstream.hears(name)) {
      const names = this.names.map((one) => `"${one}"`).join(', ') || 'none'
      throw problem(
        `nothing listens to "${name}" of ${nameOf(upstream)}; names that are listened to: ${names}. ` +
          'mockStreams({ strict: false }) drops such events',
      )
    }
    upstream.send(sent)
  }

  batch(work: () => void): void {
    this.#opened().batch(work)
  }

  seed(name: string, data: unknown, { id }: SendOptions = {}): void {
    this.#client.seed(this.#target, sentOf(name, data, id))
  }

  gap({ reason = 'unresumable', before, after = '' }: Parameters<MockStream['gap']>[0] = {}): void {
    const upstream = this.#opened()
    upstream.gap(reason, before ?? upstream.lastId, after)
  }

  disconnect({ after = 1_000, attempt, error }: Parameters<MockStream['disconnect']>[0] = {}): void {
    const upstream = this.#opened()
    upstream.enter({
      state: 'connecting',
      attempt: attempt ?? upstream.attempt + 1,
      retryAt: Date.now() + after,
      error: errorOf({ message: 'the connection was lost', ...error }),
    })
  }

  park(): void {
    this.#opened().enter({ state: 'parked' })
  }

  fail(error: Partial<ConnectionError> = {}): void {
    const { status = 0 } = error
    const message = status === 0 ? 'no connection could be had' : `the server answered with status ${status}`
    this.#client.close(this.#opened(), errorOf({ message, ...error }))
  }

  close(): void {
    this.#client.close(this.#opened(), undefined)
  }

  async ask(reason: HeadersReason = 'connect'): Promise<Pick<MockRequest, 'url' | 'headers'>> {
    const { request, subscriptions } = this.#opened()
    const { wish } = [...subscriptions].find(({ wish }) => wish.details !== undefined) ?? {}
    // Those who are asked twice in one round give the same.
    const details = await wish?.details?.(reason, this.#client.randomId())
    if (details === undefined) return { url: request.url, headers: request.headers }
    return { url: details.url, headers: Object.fromEntries(details.headers) }
  }

  answer(give: Parameters<MockStream['answer']>[0]): void {
    this.#client.answer(this.#target, give)
  }

  get messages(): readonly (string | ArrayBuffer)[] {
    return this.#client.messages(this.#target)
  }

  get request(): MockRequest | undefined {
    return this.#upstreams[0]?.request
  }

  get subscribers(): number {
    return this.#upstreams.reduce((sum, { subscriptions }) => sum + subscriptions.size, 0)
  }

  get names(): readonly string[] {
    const names = this.#upstreams.flatMap(({ subscriptions }) =>
      [...subscriptions].flatMap(({ names }) => names),
    )
    return [...new Set(names)].sort()
  }

  get reconnects(): number {
    return this.#client.count('reconnect', this.#target)
  }

  get ends(): number {
    return this.#client.count('end', this.#target)
  }

  get #upstreams(): Upstream[] {
    return this.#client.upstreams.filter(({ request }) => isMeant(request, this.#target))
  }

  /** @throws {Error} where there is none, or there are several */
  #opened(): Upstream {
    const [upstream, ...others] = this.#upstreams
    if (upstream === undefined) {
      const { url, method = '' } = this.#target
      throw problem(
        `nothing has opened ${`${method} ${url}`.trim()}. ${this.#whatIsOpen()} ` +
          'A stream is opened by the first listener: render the component, or subscribe, before you drive it',
      )
    }
    if (others.length === 0) return upstream
    const all = [upstream, ...others].map(nameOf).join('; ')
    throw problem(`several streams of this URL are open (${all}): say which, as in at(url, { key })`)
  }

  #whatIsOpen(): string {
    const all = this.#client.upstreams.map(nameOf)
    if (all.length > 0) return `What is open: ${all.join('; ')}.`
    return 'No stream is open; those that were opened before mockStreams() are real.'
  }
}

function nameOf({ request: { method, url, key, body } }: Upstream): string {
  const details = [key && `key "${key}"`, body !== undefined && `body ${body.slice(0, 80)}`].filter(Boolean)
  return [`${method} ${url}`, ...details].join(', ')
}

/** @throws {Error} where JSON cannot express the data */
function sentOf(name: string, data: unknown, id: string | undefined): Sent {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  if (text === undefined) throw problem(`the data of "${name}" are nothing that JSON can express`)
  return { name, data: text, id }
}

const errorOf = (error: Partial<ConnectionError> & { message: string }): ConnectionError => ({
  status: 0,
  contentType: '',
  body: '',
  ...error,
})

const problem = (message: string): Error => new Error(`tabstream/testing: ${message}`)
