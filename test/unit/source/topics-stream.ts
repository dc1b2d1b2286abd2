import type { Engine } from '../../../src/link/topics.ts'
import { FailedError, type Failure } from '../../../worker/source/failure.ts'
import type { ConnectionRequest, Head, Receiver, Source, SourceEvent } from '../../../worker/source/source.ts'
import { source } from '../../../worker/source/topics.ts'

const URL_OF_TOPICS = 'https://dash.test/events?a=1'

/** One response of the server. */
export class Response {
  readonly request: ConnectionRequest
  readonly #receiver: Receiver
  readonly #resolve: (failure: Failure) => void

  constructor(request: ConnectionRequest, receiver: Receiver, resolve: (failure: Failure) => void) {
    this.request = request
    this.#receiver = receiver
    this.#resolve = resolve
    request.signal.addEventListener('abort', () => resolve(new FailedError('given up').failure))
  }

  get isGivenUp(): boolean {
    return this.request.signal.aborted
  }

  get topics(): string[] {
    const { searchParams } = new URL(this.request.url)
    return ['topic', 'channel'].flatMap((name) => searchParams.getAll(name))
  }

  open(): this {
    this.#receiver.opened({
      origin: 'https://dash.test',
      status: 200,
      headers: [],
      confirmsResumption: false,
      deniesResumption: false,
    })
    return this
  }

  /** An event for each of the words: `a1` is of topic `a` and has the ID `1`. */
  bring(words: string): void {
    for (const word of words.split(' ').filter(Boolean)) {
      const [topic = '', id = ''] = [word[0], word.slice(1)]
      this.raw({ name: 'message', data: JSON.stringify({ topic }), id: id === '' ? undefined : id })
    }
  }

  raw(event: SourceEvent): void {
    this.#receiver.event(event)
  }

  idAlone(id: string): void {
    this.#receiver.idAlone(id)
  }

  end(message = 'the server has ended it'): void {
    this.#resolve(new FailedError(message).failure)
  }
}

/** A source, and what it has brought. */
export class Stream {
  readonly responses: Response[] = []
  readonly events: SourceEvent[] = []
  readonly heads: Head[] = []
  readonly advice: string[] = []
  readonly idsAlone: string[] = []
  readonly source: Source
  abort = new AbortController()

  constructor(engine: Engine = { topic: '/topic' }) {
    const events: Source = (request, receiver) =>
      new Promise((resolve) => {
        this.responses.push(new Response(request, receiver, resolve))
      })
    const platform = {
      now: () => Date.now(),
      setTimeout: (callback: () => void, delay: number) => setTimeout(callback, delay),
      clearTimeout: (timer: unknown) => clearTimeout(timer as undefined),
    }
    this.source = source(platform as never, engine, events)
  }

  /** @param latest IDs of what the hub knows behind that, as one text */
  connect({ resumeAfter = '', latest = '', url = URL_OF_TOPICS } = {}): Promise<Failure> {
    this.abort = new AbortController()
    const known = latest.split(' ').filter(Boolean)
    const request = {
      url,
      resumeAfter,
      latest: known,
      signal: this.abort.signal,
    } as unknown as ConnectionRequest
    return this.source(request, {
      opened: (head) => this.heads.push(head),
      event: (event) => this.events.push(event),
      idAlone: (id) => this.idsAlone.push(id),
      retry: () => {},
      takesUnfinished: () => false,
      advise: (message) => this.advice.push(message),
      alive: () => {},
      flushed: () => undefined,
    })
  }

  listen(...names: string[]): void {
    this.source.listen?.(names)
  }

  /** Of these topics, where a page has passed this ID last. */
  lacks(topics: string, lastId = ''): boolean {
    const standing = { had: [], lastId, from: 0, isElsewhere: true }
    return this.source.begin?.(topics.split(' '), standing) !== undefined
  }

  ready(topic: string): Promise<unknown> | undefined {
    return this.source.send?.({ topic })
  }

  /** As `bring()` has them. */
  get words(): string {
    return this.events.map(({ name, id = '' }) => `${name}${id}`).join(' ')
  }

  get last(): Response {
    const last = this.responses.at(-1)
    if (last === undefined) throw new Error('nothing has been asked for')
    return last
  }
}
