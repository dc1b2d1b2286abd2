import type { ConnectOptions } from '../../../src/api/connect-options.ts'
import type { SharedStream, StreamEvent } from '../../../src/api/shared-stream.ts'
import type { HeadersReason } from '../../../src/link/protocol.ts'
import { type Asked, OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

/** A server that knows its users by a cookie, and marks each event with whose connection it came on. */
export class CookieWorld extends UpstreamWorld {
  /** Whose cookie the browser has now. */
  user = 'alice'
  readonly #owners = new Map<Asked, string>()
  #count = 0

  constructor(...options: ConstructorParameters<typeof UpstreamWorld>) {
    super(...options)
    this.upstream.answer = (asked) => {
      this.#owners.set(asked, this.user)
      return undefined
    }
  }

  /** Whose connection each request began. */
  get owners(): string[] {
    return [...this.#owners.values()]
  }

  /** An event for each user who has a connection, such as `alice 1`. */
  async tell(name = 'message'): Promise<void> {
    const number = ++this.#count
    for (const owner of new Set(this.owners)) {
      this.upstream.write(
        `event: ${name}\nid: ${number}\ndata: ${owner} ${number}\n\n`,
        (asked) => this.#owners.get(asked) === owner,
      )
    }
    await this.clock.advance(10)
  }

  async settle(): Promise<void> {
    await this.clock.advance(OPEN)
  }
}

/** The data that a source is given; later ones are added as they come. */
export function dataOf(source: EventSource, name = 'message'): string[] {
  const data: string[] = []
  source.addEventListener(name, (event) => data.push((event as MessageEvent).data))
  return data
}

/** A server that knows its users by a header, and marks each event with what the connection's says. It replays what it is asked for. */
export class TokenWorld extends UpstreamWorld {
  /** Statuses that tokens are refused with. */
  readonly refused = new Map<string, number>()
  /** Everybody's events are the same, so that they are known when they come again for another token. */
  isCommon = false
  #count = 0

  constructor(...options: ConstructorParameters<typeof UpstreamWorld>) {
    super(...options)
    this.upstream.answer = (asked) => {
      const status = this.refused.get(tokenOf(asked))
      if (status !== undefined) return { status }
      const last = asked.headers['Last-Event-ID'] ?? asked.headers['last-event-id']
      const missed = last === undefined ? [] : range(Number(last) + 1, this.#count)
      return { text: `retry: 100\n\n${missed.map((number) => this.#textOf(asked, number)).join('')}` }
    }
  }

  /** The token of each request. */
  get tokens(): string[] {
    return this.upstream.requests.map(tokenOf)
  }

  /** The tokens of the connections that are open, sorted. */
  get open(): string[] {
    return Array.from(this.upstream.open, ({ asked }) => tokenOf(asked)).sort()
  }

  /** An event on each connection, such as `T1 1`. */
  async tell(): Promise<void> {
    const number = ++this.#count
    for (const connection of this.upstream.open) connection.write(this.#textOf(connection.asked, number))
    await this.clock.advance(10)
  }

  #textOf(asked: Asked, number: number): string {
    return `id: ${number}\ndata: ${this.isCommon ? '' : `${tokenOf(asked)} `}${number}\n\n`
  }

  async cut(): Promise<void> {
    this.upstream.cut()
    await this.clock.advance(1_000)
  }
}

const tokenOf = ({ headers }: Asked): string => headers.authorization ?? ''

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)

type Given = HeadersInit | Promise<HeadersInit>

/** A page with a stream whose function gives headers, and what it is given. */
export class Giver {
  readonly page: Page
  readonly stream: SharedStream
  readonly reasons: HeadersReason[] = []
  readonly data: string[] = []
  readonly gaps: string[] = []
  give: (reason: HeadersReason) => Given

  constructor(
    world: TokenWorld,
    name: string,
    give: string | ((reason: HeadersReason) => Given),
    options: ConnectOptions = {},
  ) {
    this.page = new Page(world, name)
    this.give = typeof give === 'string' ? () => ({ Authorization: give }) : give
    const headers = (reason: HeadersReason) => {
      this.reasons.push(reason)
      return this.give(reason)
    }
    this.stream = this.page.connect(URL_OF_EVENTS, { ...options, headers } as object)
    this.stream.on('message', (event: StreamEvent) => this.data.push(event.data))
    this.stream.onGap(({ reason }) => this.gaps.push(reason))
  }

  /** From now on gives this token. */
  become(token: string): void {
    this.give = () => ({ Authorization: token })
  }

  get state(): string {
    return this.stream.status.state
  }
}
