import type { HubReport, StreamRequest } from '../link/protocol.ts'
import type { Outcome, Outgoing } from '../link/socket.ts'
import type { TopicQuestion } from '../link/topics.ts'
import type { Receive } from '../page/inbox.ts'
import type { Wish } from '../page/page-subscription.ts'
import type { MockRequest, Which } from './mock-stream.ts'
import { MockSubscription } from './subscription.ts'
import { type Sent, Upstream } from './upstream.ts'

/** What a test drives: of one URL, or of one stream. */
export interface Target extends Which {
  readonly url: string
}

/** So many microtasks an asynchronous schema, or the body of a loop, may take for one event. */
const IDLE_MICROTASKS = 100

type Call = 'reconnect' | 'end'

/** As it is sent. */
export type Message = Outgoing['data']

/** Answers a request by WebSocket; `undefined` for not at all. */
export type Give = (message: Message) => string | undefined

/** What tells streams apart here. Headers do not: few tests care, and a function for them is not asked. */
const TELLING = ['url', 'method', 'body', 'key', 'credentials'] as const

export const isMeant = (request: MockRequest, target: Target): boolean =>
  TELLING.every((name) => target[name] === undefined || target[name] === request[name])

/** Takes the place of the page's `Client`: whatever the page opens ends here. */
export class MockClient {
  readonly tabSide = {}
  readonly key = ''
  /** So that a function for the headers is called only where a test asks for it. */
  readonly isAway = true
  readonly refused = []
  readonly malformed = 0
  readonly link = {
    hubId: 'mock',
    host: { name: 'direct', isHere: () => true },
    life: new AbortController(),
    remote: {
      reconnect: (id: number) => this.#reconnect(id),
      end: (id: number) => this.#end(id),
      // Every topic is ready at once.
      send: async (id: number, message: Outgoing | TopicQuestion) =>
        'topic' in message || this.#take(id, message),
      inspect: async (): Promise<HubReport> => this.#report(),
    },
  } as const
  act: (work: () => void) => unknown = (work) => work()
  readonly #upstreams = new Map<string, Upstream>()
  readonly #subscriptions = new Map<number, [subscription: MockSubscription, upstream: Upstream]>()
  #seeds: [target: Target, sent: Sent][] = []
  #calls: [call: Call, request: MockRequest][] = []
  #messages: [message: Message, request: MockRequest][] = []
  #answers: [target: Target, give: Give][] = []
  #count = 0
  /** What is opened in the meantime is only noted here. */
  #noted: MockRequest[] | undefined

  now(): number {
    return Date.now()
  }

  randomId(): string {
    return `mock-${++this.#count}`
  }

  attach(): Promise<unknown> {
    return Promise.resolve(this.link)
  }

  resume(): void {}

  subscription(id: number): MockSubscription | undefined {
    return this.#subscriptions.get(id)?.[0]
  }

  subscribe(wish: Wish, receive: Receive): MockSubscription {
    const request = requestOf(wish)
    const id = ++this.#count
    if (this.#noted !== undefined) {
      this.#noted.push(request)
      return new MockSubscription(id, wish, receive, { act: this.act, closed: () => {} })
    }
    const upstream = this.#upstreamOf(request)
    const subscription = new MockSubscription(id, wish, receive, {
      act: (work) => this.act(work),
      closed: () => {
        this.#subscriptions.delete(id)
        upstream.subscriptions.delete(subscription)
        // What is opened in the same task goes on with the stream.
        Promise.resolve().then(() => upstream.subscriptions.size === 0 && this.#forget(upstream))
      },
    })
    this.#subscriptions.set(id, [subscription, upstream])
    upstream.join(subscription)
    return subscription
  }

  /** Requests of the streams that `open` opens, which are not opened. */
  note(open: () => void): MockRequest[] {
    const noted: MockRequest[] = []
    this.#noted = noted
    try {
      open()
    } finally {
      this.#noted = undefined
    }
    return noted
  }

  /** Streams that the page uses now. */
  get upstreams(): Upstream[] {
    return [...this.#upstreams.values()].filter(({ subscriptions }) => subscriptions.size > 0)
  }

  seed(target: Target, sent: Sent): void {
    this.#seeds.push([target, sent])
    for (const upstream of this.#upstreams.values())
      if (isMeant(upstream.request, target)) upstream.seed(sent)
  }

  /** The stream is over. One that is opened later begins anew. */
  close(upstream: Upstream, ...end: Parameters<Upstream['end']>): void {
    this.#forget(upstream)
    upstream.end(...end)
  }

  count(call: Call, target: Target): number {
    return this.#calls.filter(([name, request]) => name === call && isMeant(request, target)).length
  }

  /** What the app has sent. */
  messages(target: Target): readonly Message[] {
    return this.#messages.filter(([, request]) => isMeant(request, target)).map(([message]) => message)
  }

  answer(target: Target, give: Give): void {
    this.#answers.unshift([target, give])
  }

  flush(): void {
    for (const upstream of this.#upstreams.values()) upstream.welcome()
  }

  /** Lets microtasks run for as long as they bring something, and a little longer. */
  async settle(): Promise<void> {
    let least = Number.POSITIVE_INFINITY
    for (let idle = 0; idle < IDLE_MICROTASKS; idle++) {
      await Promise.resolve()
      const left = [...this.#subscriptions.values()].reduce((sum, [{ size }]) => sum + size, 0)
      if (left < least) idle = 0
      least = Math.min(left, least)
    }
  }

  reset(): void {
    this.#seeds = []
    this.#calls = []
    this.#messages = []
    this.#answers = []
    for (const upstream of [...this.#upstreams.values()]) {
      if (upstream.subscriptions.size > 0) upstream.reset()
      else this.#forget(upstream)
    }
  }

  #upstreamOf(request: MockRequest): Upstream {
    const id = identityOf(request)
    const present = this.#upstreams.get(id)
    if (present !== undefined) return present
    const upstream = new Upstream(request, (work) => this.act(work))
    this.#upstreams.set(id, upstream)
    for (const [target, sent] of this.#seeds) if (isMeant(request, target)) upstream.seed(sent)
    return upstream
  }

  #forget(upstream: Upstream): void {
    const id = identityOf(upstream.request)
    // Another may be there meanwhile.
    if (this.#upstreams.get(id) === upstream) this.#upstreams.delete(id)
  }

  #reconnect(id: number): void {
    const [, upstream] = this.#subscriptions.get(id) ?? []
    if (upstream === undefined) return
    this.#calls.push(['reconnect', upstream.request])
    upstream.enter({})
  }

  #take(id: number, { data, match }: Outgoing): Outcome | undefined {
    const [, upstream] = this.#subscriptions.get(id) ?? []
    if (upstream === undefined) return undefined
    const { request } = upstream
    this.#messages.push([data, request])
    if (match === undefined) return { type: 'sent' }
    const [, give] = this.#answers.find(([target]) => isMeant(request, target)) ?? []
    const answer = give?.(data)
    return answer === undefined
      ? { type: 'no-answer', message: 'the test gives no answer; see answer() of mockStreams()' }
      : { type: 'answered', data: answer }
  }

  #end(id: number): void {
    const [subscription, upstream] = this.#subscriptions.get(id) ?? []
    if (upstream === undefined) return
    this.#calls.push(['end', upstream.request])
    this.close(upstream, undefined, subscription)
  }

  #report(): HubReport {
    const streams = this.upstreams.map((upstream) => upstream.report())
    return { hubId: 'mock', tabs: 1, malformed: 0, streams, origins: [] }
  }
}

const identityOf = (request: MockRequest): string => JSON.stringify(TELLING.map((name) => request[name]))

/** Where a function gives the headers, and there is no key, the page makes one up, which tells a test nothing. */
function requestOf({ request, latest, since }: Wish): MockRequest {
  const { url, method, body, credentials, headers, ...rest } = latest?.() ?? (request as StreamRequest)
  const key = latest === undefined ? rest.key : ''
  return { url, method, body, key, credentials, headers: Object.fromEntries(headers), since }
}
