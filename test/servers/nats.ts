import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../ports.mjs'
import { folderOf, Program } from './program.ts'

/** A NATS with JetStream of the test's own. */
export class Nats {
  readonly #port: number
  readonly #folder = folderOf({})
  #program: Program | undefined

  static async start(): Promise<Nats> {
    const server = new Nats(await freePort())
    await server.start()
    return server
  }

  private constructor(port: number) {
    this.#port = port
  }

  get url(): string {
    return `127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    const args = ['-js', '-a', '127.0.0.1', '-p', String(this.#port), '-sd', this.#folder]
    this.#program = await Program.start('nats-server', args, {
      folder: this.#folder,
      ports: [this.#port],
    })
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    await this.#program?.stop('SIGKILL')
  }

  /** Makes a NATS that is not running forget everything. */
  forget(): void {
    rmSync(join(this.#folder, 'jetstream'), { recursive: true, force: true })
  }
}
