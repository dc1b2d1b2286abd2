import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'

/** A process that is started again when it ends. */
export class Supervised extends EventEmitter {
  name
  #command
  #args
  #env
  #restartAfter
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child
  /** @type {NodeJS.Timeout | undefined} */
  #restart
  #isStopped = false

  /** @param {string} name @param {string} command @param {{ args: string[], env?: NodeJS.ProcessEnv, restartAfter: number }} options */
  constructor(name, command, { args, env = {}, restartAfter }) {
    super()
    this.name = name
    this.#command = command
    this.#args = args
    this.#env = env
    this.#restartAfter = restartAfter
    this.#start()
  }

  get isUp() {
    return this.#child !== undefined
  }

  /** As a crash does. Resolves when it has been started again. */
  async kill() {
    const started = once(this, 'start')
    this.#child?.kill('SIGKILL')
    await started
  }

  /** Lets it end in good order, for five seconds. */
  async stop() {
    this.#isStopped = true
    clearTimeout(this.#restart)
    const child = this.#child
    if (child === undefined) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(late)
  }

  #start() {
    const child = spawn(this.#command, this.#args, {
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#child = child
    this.emit('start')
    child.once('exit', () => {
      this.#child = undefined
      if (!this.#isStopped) this.#restart = setTimeout(() => this.#start(), this.#restartAfter)
    })
  }
}
