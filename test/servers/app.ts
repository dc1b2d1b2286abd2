import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { pipeline } from 'node:stream'
import { expect } from 'vitest'
import type { ServerEvent } from '../browser/channel.ts'
import type { Sender } from '../browser/feed.ts'
import type { Answer } from '../browser/server.ts'
import { freePort } from '../ports.mjs'
import { Program } from './program.ts'
import { Queue } from './queue.ts'

/** A server of docs/servers in a process of its own: `GET /events` is the stream, `POST /news` gives it an event. */
export class App implements Sender {
  readonly url: string
  readonly #args: readonly string[]
  readonly #port: number
  #program: Program
  readonly #posts = new Queue()

  private constructor(args: readonly string[], port: number, program: Program) {
    this.url = `http://127.0.0.1:${port}`
    this.#args = args
    this.#port = port
    this.#program = program
  }

  /** @param args of Node */
  static async start(args: readonly string[]): Promise<App> {
    const port = await freePort()
    return new App(args, port, await App.#run(args, port))
  }

  static #run(args: readonly string[], port: number): Promise<Program> {
    const env = { PORT: String(port), NEXT_TELEMETRY_DISABLED: '1' }
    return Program.start(process.execPath, args, { ports: [port], env, folder: tmpdir() })
  }

  /** Events are posted one after the other, so that they keep their order. */
  send({ data }: ServerEvent): void {
    void this.#posts.add(() => this.#post(String(data)))
  }

  /** Resolves when the server has all events. */
  posted(): Promise<void> {
    return this.#posts.done()
  }

  /** As a deployment does it. */
  async restart(): Promise<void> {
    this.#program.signal('SIGTERM')
    await this.#program.ended()
    this.#program = await App.#run(this.#args, this.#port)
  }

  /** Stands in another server's place for a path. Whatever ends there ends here. */
  relay(): Answer {
    return ({ url, headers }, response) => {
      const onward = request(
        { host: '127.0.0.1', port: this.#port, path: url, headers },
        (answer: IncomingMessage) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers)
          response.flushHeaders()
          pipeline(answer, response, () => {})
        },
      )
      onward.once('error', () => response.destroy())
      response.once('close', () => onward.destroy())
      onward.end()
    }
  }

  async #post(number: string): Promise<void> {
    const response = await fetch(`${this.url}/news`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"number":${number}}`,
    })
    expect(response.ok, await response.text()).toBe(true)
  }
}
