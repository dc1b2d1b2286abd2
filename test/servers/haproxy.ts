import { join } from 'node:path'
import { expect } from 'vitest'
import { POLL } from '../browser/stage.ts'
import { freePort } from '../ports.mjs'
import { folderOf, Program } from './program.ts'

/** HAProxy in front of another server. */
export class Haproxy {
  readonly origin: string
  readonly #port: number
  readonly #folder: string
  #program: Program | undefined

  private constructor(port: number, folder: string) {
    this.#port = port
    this.origin = `http://127.0.0.1:${port}`
    this.#folder = folder
  }

  static async start(upstream: string, { timeout = '1m', hardStop = '' } = {}): Promise<Haproxy> {
    const port = await freePort()
    const configuration = `global
  ${hardStop && `hard-stop-after ${hardStop}`}
defaults
  mode http
  timeout connect 1s
  timeout client 1m
  timeout server ${timeout}
frontend pages
  bind 127.0.0.1:${port}
  default_backend app
backend app
  server one ${new URL(upstream).host}
`
    const haproxy = new Haproxy(port, folderOf({ 'haproxy.cfg': configuration }))
    await haproxy.#run()
    return haproxy
  }

  /** Lets a new process take over, as an operator does. Resolves when the former one accepts nothing more. */
  async reload(): Promise<void> {
    const former = this.#program
    await this.#run('-sf', String(former?.pid))
    await expect.poll(() => former?.output, POLL).toContain('pages stopped')
  }

  async #run(...args: readonly string[]): Promise<void> {
    const configuration = ['-db', '-f', join(this.#folder, 'haproxy.cfg')]
    this.#program = await Program.start('haproxy', [...configuration, ...args], {
      ports: [this.#port],
      folder: this.#folder,
    })
  }
}
