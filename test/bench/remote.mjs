import { fork } from 'node:child_process'

/** A process of its own that does what it is called to do. Its side is calls.mjs. */
export class Remote {
  #process
  #calls = 0
  #hasEnded = false
  /** @type {Map<number, { resolve: (result: any) => void, reject: (reason: Error) => void }>} */
  #pending = new Map()

  /** @param {string} file @param {string[]} [args] @param {string[]} [execArgv] of Node */
  constructor(file, args = [], execArgv = []) {
    this.#process = fork(file, args, { execArgv })
    this.#process.on('message', ({ number, result, error }) => {
      const { resolve, reject } = this.#pending.get(number) ?? {}
      this.#pending.delete(number)
      if (error === undefined) resolve?.(result)
      else reject?.(new Error(`${file}: ${error}`))
    })
    this.#process.on('exit', (code) => {
      this.#hasEnded = true
      for (const { reject } of this.#pending.values()) reject(new Error(`${file} has ended with ${code}`))
    })
  }

  /**
   * @param {string} call one of the calls that the file answers
   * @param {...unknown} parameters
   * @returns {Promise<any>}
   */
  call(call, ...parameters) {
    if (this.#hasEnded) return Promise.reject(new Error(`${call}: the process has ended`))
    const number = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject })
      this.#process.send({ number, call, parameters })
    })
  }

  get hasEnded() {
    return this.#hasEnded
  }

  async stop() {
    if (this.#hasEnded) return
    const exited = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.disconnect()
    await exited
  }
}
