import type { LinkEndpoint } from '../link/endpoint.ts'

const QUESTION = 'has it failed?'
const ANSWER = 'it has failed'

/**
 * What pages know of a worker's script. Where it is there and cannot be run, as with an HTML page in its place, Chromium tells
 * only the page that has started the worker.
 */
export class WorkerFailure {
  readonly #open: () => LinkEndpoint | undefined
  #channel: LinkEndpoint | undefined
  #failed: (() => void) | undefined
  #hasFailed = false

  /** @param open opens the channel of all pages that use the script */
  constructor(open: () => LinkEndpoint | undefined) {
    this.#open = open
  }

  /**
   * Asks other pages whether it has failed there.
   *
   * @param failed called if it has
   */
  ask(failed: () => void): void {
    this.#failed = failed
    this.#say(QUESTION)
  }

  /** Tells other pages, now and when they ask, that it has failed in this one. */
  tell(): void {
    if (!this.#hasFailed) this.#say(ANSWER)
    this.#hasFailed = true
  }

  /** Hears and answers nothing more. A message would throw the page out of the back/forward cache. */
  leave(): void {
    this.#hasFailed = false
    this.#channel?.close()
    this.#channel = undefined
  }

  #say(words: string): void {
    this.#channel ??= this.#listen()
    this.#channel?.postMessage(words)
  }

  #listen(): LinkEndpoint | undefined {
    const channel = this.#open()
    channel?.addEventListener('message', (event) => {
      const { data } = event as MessageEvent
      if (data === ANSWER) this.#failed?.()
      else if (data === QUESTION && this.#hasFailed) channel.postMessage(ANSWER)
    })
    return channel
  }
}

/**
 * Where the script is looked for, and what to do; `''` where the script is not what is wrong. For people.
 *
 * @param reasons why there is no worker. Browsers name another origin each in their own words
 */
export function remedyFor(worker: unknown, reasons: string): string {
  if (!/ script|Worker'|insecure/.test(reasons)) return ''
  // Beside this file, unless a bundler that knows the worker has given it another name. A bundler takes each
  // `new URL(…, import.meta.url)` for a file to copy, also where a minifier has filled in a variable; so this is none.
  const url = new URL(`${worker ?? import.meta.url.replace(/[^/]*$/, 'worker.js')}`, location.href)
  const why =
    url.origin === location.origin
      ? `Is it at ${url}? Where a bundler does not copy it`
      : `${url} has another origin`
  return (
    `. ${why}, copy node_modules/tabstream/dist/worker.js to where you serve scripts from, and say ` +
    'configure({ worker: "/its/address.js" })'
  )
}
