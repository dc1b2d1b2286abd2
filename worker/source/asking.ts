import type { StreamRequest } from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import { FailedError } from './failure.ts'
import type { ConnectionRequest } from './source.ts'

/** How much longer, in ms, than the attempt that has failed a request may take that only tells why. */
const PATIENCE = 5_000

/** Of the failures in a row, the first and then every so many are looked into. */
const EVERY = 5

/** For how long, in ms, a server that has refused `Last-Event-ID` is not asked again. Its set-up may change. */
const REFUSAL_LASTS = 600_000

/** Request headers that script may send to another origin without asking. */
const SIMPLE = ['accept', 'accept-language', 'content-language']

/** A server's answer, whatever it is. */
export interface Answer {
  readonly response: Response
  /** The request named the event to resume after. */
  readonly namesEvent: boolean
  /** Ends the connection. */
  end(): void
}

/**
 * Gets one stream's responses from one origin. Where that is another one and gives none, script is not told why, so this
 * finds out:
 *
 * - `Last-Event-ID` takes a preflight, which servers with a static set-up refuse. They are asked without it.
 * - A server that is there, and does not permit this origin, is told apart from a network that is down.
 *
 * A server that is just coming back must not be taken for one of these. So nothing is concluded until the request in
 * question has failed once more, after another one was answered.
 */
export class Asking {
  readonly #platform: HubPlatform
  readonly #mayHaveBeenRead: boolean
  /** From where the last answer came, after redirects; `''` before there was one. */
  #origin = ''
  /** In a row, without any answer. */
  #failures = 0
  /** A request with `Last-Event-ID` has been answered. */
  #isPermitted = false
  /** Until when `Last-Event-ID` is left out, in ms since 1970; 0 where it was never refused. */
  #refusedUntil = 0

  /** @param mayHaveBeenRead the stream has an ID to resume after from this origin */
  constructor(platform: HubPlatform, mayHaveBeenRead: boolean) {
    this.#platform = platform
    this.#mayHaveBeenRead = mayHaveBeenRead
  }

  /** The server does not permit `Last-Event-ID`. */
  get isRefused(): boolean {
    return this.#refusedUntil > 0 && (this.#failures > 0 || this.#platform.now() < this.#refusedUntil)
  }

  /** Rejects with {@link FailedError} where the server's answers may not be read, otherwise with the platform's error. */
  async ask(connection: ConnectionRequest): Promise<Answer> {
    const { url, method, resumeAfter, signal } = connection
    const begin = this.#platform.now()
    const namesEvent = resumeAfter !== '' && !this.isRefused
    try {
      return this.#answered(await this.#reach(connection, namesEvent))
    } catch (error) {
      // Only a GET may be made again without a thought, and without permission.
      if (signal.aborted || method !== 'GET' || !this.#isElsewhere(url)) throw error
      if (!this.#platform.isOnline()) throw error
      const patience = this.#platform.now() - begin + PATIENCE
      const answer = await this.#lookInto(connection, namesEvent, patience)
      signal.throwIfAborted()
      if (answer === undefined) throw error
      return this.#answered(answer)
    }
  }

  #answered(answer: Answer): Answer {
    this.#failures = 0
    this.#isPermitted = answer.namesEvent
    this.#origin = answer.response.url && new URL(answer.response.url).origin
    return answer
  }

  #isElsewhere(url: string): boolean {
    const own = this.#platform.origin
    return new URL(url).origin !== own || (this.#origin !== '' && this.#origin !== own)
  }

  /** Resolves with nothing where the network is down, or where that cannot be known. */
  async #lookInto(
    connection: ConnectionRequest,
    namesEvent: boolean,
    patience: number,
  ): Promise<Answer | undefined> {
    const isDue = this.#failures++ % EVERY === 0
    const isDoubtful = namesEvent && (isDue || !this.#isPermitted)
    const withoutEvent = async () => (isDoubtful ? this.#askWithoutEvent(connection, patience) : undefined)
    const unnamed = await withoutEvent()
    if (unnamed !== undefined || !isDue) return unnamed
    const probe = await this.#tryToReach(connection, false, patience, 'no-cors')
    if (probe === undefined) return undefined
    probe.end()
    const answer = (await this.#tryToReach(connection, namesEvent)) ?? (await withoutEvent())
    if (answer === undefined && !connection.signal.aborted) throw this.#unreadable(connection)
    return answer
  }

  async #askWithoutEvent(connection: ConnectionRequest, patience: number): Promise<Answer | undefined> {
    const unnamed = await this.#tryToReach(connection, false)
    if (unnamed?.response.status !== 200) return unnamed
    const begin = this.#platform.now()
    const named = await this.#tryToReach(connection, true, patience)
    const isFailure = this.#platform.now() - begin < patience && !connection.signal.aborted
    if (named?.response.status === 200) {
      unnamed.end()
      return named
    }
    // A server that lets each client have one connection may refuse a second one. One that only takes its time refuses nothing.
    if (named !== undefined) named.end()
    else if (isFailure) this.#refusedUntil = this.#platform.now() + REFUSAL_LASTS
    return unnamed
  }

  /** @param patience how long, in ms, to wait for an answer; `undefined` for any time */
  async #reach(
    { url, method, body, credentials, headers, resumeAfter, followsRedirects, signal }: ConnectionRequest,
    namesEvent: boolean,
    patience?: number,
    mode: RequestMode = 'cors',
  ): Promise<Answer> {
    signal.throwIfAborted()
    const abort = new AbortController()
    const end = () => abort.abort(signal.reason)
    signal.addEventListener('abort', end)
    const timer = patience && this.#platform.setTimeout(end, patience)
    try {
      const response = await this.#platform.fetch(url, {
        method,
        headers: headersOf(mode === 'cors' ? headers : [], resumeAfter, namesEvent),
        signal: abort.signal,
        credentials,
        cache: 'no-store',
        mode,
        // Without "cors" there is nothing of the page's to go along, and `fetch` refuses anything but to follow.
        redirect: followsRedirects || mode === 'no-cors' ? 'follow' : 'manual',
        ...(body !== undefined && { body }),
      })
      return { response, namesEvent, end }
    } finally {
      this.#platform.clearTimeout(timer)
    }
  }

  #tryToReach(
    connection: ConnectionRequest,
    namesEvent: boolean,
    patience?: number,
    mode?: RequestMode,
  ): Promise<Answer | undefined> {
    return this.#reach(connection, namesEvent, patience, mode).catch(() => undefined)
  }

  #unreadable({ url, credentials, headers }: ConnectionRequest): FailedError {
    const { origin } = this.#platform
    const names = headers.map(([name]) => name).filter((name) => !SIMPLE.includes(name))
    const needs = [`"Access-Control-Allow-Origin: ${origin}"`]
    if (credentials === 'include') needs.push('"Access-Control-Allow-Credentials: true"')
    if (names.length > 0) needs.push(`for OPTIONS "Access-Control-Allow-Headers: ${names.join(', ')}"`)
    const hasBeenReadable = this.#origin !== '' || this.#mayHaveBeenRead
    const since = hasBeenReadable ? 'no longer lets' : 'does not let'
    return new FailedError(
      `${new URL(url).origin} answers, but ${since} ${origin} read it: it has to send ${needs.join(' and ')}`,
      { isUnreadable: true, hasBeenReadable },
    )
  }
}

/** A last event ID replaces the one that the page may have given to begin with. */
function headersOf(
  headers: StreamRequest['headers'],
  resumeAfter: string,
  namesEvent: boolean,
): Record<string, string> {
  const all: Record<string, string> = {
    accept: 'text/event-stream',
    ...Object.fromEntries(headers),
  }
  if (resumeAfter === '') return all
  const { 'last-event-id': _, ...others } = all
  return namesEvent ? { ...others, 'Last-Event-ID': toByteString(resumeAfter) } : others
}

/** A header value takes one byte per character: the UTF-8 bytes of the ID, as browsers send them. */
export const toByteString = (text: string): string =>
  [...new TextEncoder().encode(text)].map((byte) => String.fromCharCode(byte)).join('')
