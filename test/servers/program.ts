import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFailed, onTestFinished, type TestContext } from 'vitest'
import { within } from '../browser/until.ts'
import { isListening } from '../ports.mjs'
// @ts-expect-error: a script without types of its own
import { whyNot } from './programs.mjs'

/** Skips the test, and lets the table say why, where one of these programs is not installed. */
export function needs({ task, skip }: TestContext, ...programs: readonly string[]): void {
  const why: string | undefined = whyNot(programs)
  if (why === undefined) return
  task.meta.why = why
  skip(why)
}

/** A folder of the test's own, with these files. */
export function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-servers-'))
  // Programs that are started as root read it as somebody else.
  chmodSync(folder, 0o755)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Surroundings {
  folder: string
  env?: Readonly<Record<string, string>>
}

/** Runs a command to its end. Rejects with what it has printed, where it fails. */
export async function run(command: string, args: readonly string[], folder: string): Promise<void> {
  await promisify(execFile)(command, args, { cwd: folder, timeout: 20_000 })
}

/** A server or proxy of the test's own, which ends with it. */
export class Program {
  readonly #command: string
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #output = ''

  private constructor(command: string, args: readonly string[], { folder, env = {} }: Surroundings) {
    this.#command = command
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: folder,
      env: { ...process.env, ...env },
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.#output += text
      })
    }
    this.#ended = new Promise((resolve) => this.#child.once('exit', () => resolve()))
    onTestFailed(() => console.error(`${command} has printed:\n${this.#output.slice(-4_000)}`))
    onTestFinished(() => this.stop())
  }

  /** Resolves when something listens at each of the ports. */
  static async start(
    command: string,
    args: readonly string[],
    { ports, ...surroundings }: Surroundings & { ports: readonly number[] },
  ): Promise<Program> {
    const program = new Program(command, args, surroundings)
    for (const port of ports) await program.#listening(port)
    return program
  }

  get output(): string {
    return this.#output
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Resolves when it has ended, by itself or because of a signal. */
  ended(): Promise<void> {
    return within(this.#ended, () => `the end of ${this.#command}`)
  }

  /** As an operator does; as a crash does with SIGKILL. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.hasEnded) return
    this.signal(signal)
    const isStuck = setTimeout(() => this.signal('SIGKILL'), 5_000)
    await this.#ended
    clearTimeout(isStuck)
  }

  async #listening(port: number): Promise<void> {
    const waited = within(this.#listens(port), () => `${this.#command} at port ${port}: ${this.#output}`)
    if (!(await waited)) throw new Error(`${this.#command} has ended: ${this.#output}`)
  }

  async #listens(port: number): Promise<boolean> {
    while (!this.hasEnded) if (await isListening(port)) return true
    return false
  }
}
