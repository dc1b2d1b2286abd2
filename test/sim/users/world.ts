import { type Asked, UpstreamWorld } from '../../unit/upstream.ts'
import { seededRandom } from '../world/world.ts'

export const USERS = ['alice', 'bob'] as const
export type User = (typeof USERS)[number] | ''

/** A span of time, open until it has ended. */
export interface Span {
  readonly from: number
  until: number
}

export const never = Number.POSITIVE_INFINITY

/** The server, the browser's cookie, and what each has had to do with each. */
export class UserWorld extends UpstreamWorld {
  readonly problems: string[] = []
  /** Over HTTP/1.1 streams take turns. */
  readonly takesTurns: boolean
  /** When each session, which a cookie names, was the browser's. */
  readonly sessions = new Map<string, Span>()
  session = 'nobody 0'
  /** Of each user's tokens only that of the latest number is good. */
  readonly versions = new Map<string, number>(USERS.map((name) => [name, 1]))
  expiredAt = Number.NEGATIVE_INFINITY
  killedAt = Number.NEGATIVE_INFINITY
  /** When there were connections, by whose they are. */
  readonly connections = new Map<string, Span[]>()
  readonly sentAt: number[] = []
  readonly #owners = new Map<Asked, string>()
  #nobodies = 0

  constructor(seed: number) {
    const takesTurns = seed % 2 === 1
    super({ random: seededRandom(seed), protocol: takesTurns ? 'http/1.1' : 'h2' })
    this.takesTurns = takesTurns
    this.sessions.set(this.session, { from: 0, until: never })
    this.upstream.answer = (asked) => {
      const { authorization } = asked.headers
      const [name = '', version] = (authorization ?? '').split(':')
      if (authorization !== undefined && this.versions.get(name) !== Number(version)) return { status: 401 }
      const isCookie = asked.url.endsWith('/cookie')
      const owner = isCookie ? this.session : (authorization ?? `nobody ${++this.#nobodies}`)
      this.#owners.set(asked, owner)
      const spans = this.connections.get(owner) ?? []
      this.connections.set(owner, [...spans, { from: this.clock.now, until: never }])
      const last = asked.headers['Last-Event-ID']
      const missed =
        last === undefined ? [] : this.sentAt.map((_at, number) => number).slice(Number(last) + 1)
      return { text: `retry: 100\n\n${missed.map((number) => textOf(owner, number)).join('')}` }
    }
  }

  /** An event to everybody, marked with whose connection it comes on. */
  send(): void {
    const number = this.sentAt.push(this.clock.now) - 1
    for (const owner of new Set(this.#owners.values()))
      this.upstream.write(textOf(owner, number), (asked) => this.#owners.get(asked) === owner)
  }

  cut(): void {
    this.upstream.cut()
    for (const span of [...this.connections.values()].flat())
      span.until = Math.min(span.until, this.clock.now)
  }

  logInByCookie(user: User): void {
    const former = this.sessions.get(this.session)
    if (former !== undefined) former.until = this.clock.now
    this.session = `${user || 'nobody'} ${this.sessions.size}`
    this.sessions.set(this.session, { from: this.clock.now, until: never })
  }
}

const textOf = (owner: string, number: number): string => `id: ${number}\ndata: ${owner}|${number}\n\n`
