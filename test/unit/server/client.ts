import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { onTestFinished, vi } from 'vitest'
import { Changes } from '../../browser/until.ts'

// Sockets and processes take their time on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

export interface Received {
  name: string
  data: string
  id: string
}

/** A client as the standard has it, on a real socket, that connects when a test says so. */
export class Client {
  /** Of all connections together. */
  readonly events: Received[] = []
  /** What has come on the present connection, as text. */
  text = ''
  lastId = ''
  /** Of the present connection. */
  response: IncomingMessage | undefined
  /** How the present connection has ended. */
  end: 'in good order' | 'abruptly' | undefined
  readonly #url: string
  readonly #changes = new Changes()
  #request: ClientRequest | undefined
  #rest = ''

  constructor(url: string) {
    this.#url = url
    onTestFinished(() => this.cut())
  }

  get data(): string[] {
    return this.events.map(({ data }) => data)
  }

  /** What the response says about resuming. */
  get resumed(): string | undefined {
    return this.response?.headers['tabstream-resumed'] as string | undefined
  }

  /** Resolves with the status, when the head is there. Sends the last ID, if there is one. */
  async connect(headers: Record<string, string> = {}): Promise<number> {
    this.cut()
    this.text = ''
    this.#rest = ''
    this.end = undefined
    const id: Record<string, string> = this.lastId === '' ? {} : { 'last-event-id': this.lastId }
    // Each has a socket of its own, so that each can be cut.
    const request = get(this.#url, { headers: { ...id, ...headers }, agent: false })
    this.#request = request
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve)
      request.once('error', reject)
    })
    this.response = response
    const ended = (end: 'in good order' | 'abruptly') => {
      if (this.#request !== request) return
      this.end ??= end
      this.#changes.changed()
    }
    request.on('error', () => ended('abruptly'))
    response.on('error', () => ended('abruptly'))
    response.on('end', () => ended(response.complete ? 'in good order' : 'abruptly'))
    response.on('close', () => ended('abruptly'))
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      if (this.#request === request) this.#take(text)
    })
    return response.statusCode ?? 0
  }

  /** Destroys the connection. */
  cut(): void {
    this.#request?.destroy()
    this.#request = undefined
  }

  /** Takes nothing that comes until `resume()`. */
  pause(): void {
    this.response?.pause()
  }

  resume(): void {
    this.response?.resume()
  }

  until(isTrue: () => boolean, what: string): Promise<void> {
    return this.#changes.until(isTrue, () => `${what}; ${JSON.stringify(this.events.slice(-5))}, ${this.end}`)
  }

  /** Resolves when it has received so many events, on all connections together. */
  has(count: number): Promise<void> {
    return this.until(() => this.events.length >= count, `${count} events; there are ${this.events.length}`)
  }

  ended(): Promise<void> {
    return this.until(() => this.end !== undefined, 'the end of the response')
  }

  said(text: string): Promise<void> {
    return this.until(
      () => this.text.includes(text),
      `${JSON.stringify(text)} in ${JSON.stringify(this.text)}`,
    )
  }

  #take(text: string): void {
    this.text += text
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) this.#dispatch(block.split('\n'))
    this.#changes.changed()
  }

  #dispatch(lines: string[]): void {
    const valuesOf = (field: string) =>
      lines
        .filter((line) => line.startsWith(`${field}:`))
        .map((line) => line.slice(field.length + 1).replace(/^ /, ''))
    this.lastId = valuesOf('id').at(-1) ?? this.lastId
    const data = valuesOf('data')
    if (data.length === 0) return
    this.events.push({ name: valuesOf('event').at(-1) ?? 'message', data: data.join('\n'), id: this.lastId })
  }
}
