import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePort } from '../ports.mjs'
import { folderOf, Program } from './program.ts'
// @ts-expect-error: a script without types of its own
import { postgresFolder } from './programs.mjs'

/** A Postgres of the test's own, which does not run as root. */
export class Postgres {
  readonly #port: number
  readonly #data = folderOf({})
  #program: Program | undefined

  static async start(): Promise<Postgres> {
    const server = new Postgres(await freePort())
    await server.start()
    return server
  }

  private constructor(port: number) {
    this.#port = port
    spawnSync('cp', ['-a', `${template()}/.`, this.#data])
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`
  }

  async start(): Promise<void> {
    const settings = {
      port: this.#port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
    }
    // Without fsync a crash of the system could cost something; one of Postgres does not.
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [command, ...args] = asPostgres('postgres', '-D', this.#data, ...options)
    for (;;) {
      try {
        const program = await Program.start(command, args, { folder: this.#data, ports: [this.#port] })
        this.#program = program
        // It listens before it is ready.
        while (!program.output.includes('ready to accept connections')) await setTimeout(20)
        return
      } catch (error) {
        // What a crash has left behind ends by itself.
        if (!String(error).includes('still in use')) throw error
      }
    }
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    await this.#program?.stop('SIGKILL')
  }
}

let made: string | undefined

/** A folder as initdb makes it, once for all tests, since that takes seconds. */
function template(): string {
  if (made !== undefined) return made
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-postgres-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  if (isRoot) spawnSync('chown', ['postgres', folder])
  const options = ['-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync']
  const [command, ...args] = asPostgres('initdb', '-D', folder, ...options)
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: '/' })
  if (status !== 0) throw new Error(`initdb has failed: ${stderr}`)
  made = folder
  return folder
}

const isRoot = process.getuid?.() === 0

function asPostgres(command: string, ...args: readonly string[]): [string, ...string[]] {
  const path = join(postgresFolder(), command)
  // It takes the place of the process, so that a signal reaches Postgres.
  return isRoot
    ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', path, ...args]
    : [path, ...args]
}
