import { fork } from 'node:child_process'
import { join } from 'node:path'

/** The server in its process, as the runner sees it. */
export class RemoteServer {
  #process
  #calls = 0
  /** @type {Map<number, { resolve: (result: any) => void, reject: (reason: Error) => void }>} */
  #pending = new Map()

  /** @param {string} folder what it serves */
  static async start(folder) {
    const server = new RemoteServer(folder)
    return Object.assign(server, { port: await server.call('listen') })
  }

  constructor(folder) {
    this.#process = fork(join(import.meta.dirname, 'server.mjs'), [folder])
    this.#process.on('message', ({ number, result, error }) => {
      const { resolve, reject } = this.#pending.get(number) ?? {}
      this.#pending.delete(number)
      if (error === undefined) resolve?.(result)
      else reject?.(new Error(`server: ${error}`))
    })
    this.#process.on('exit', (code) => {
      for (const { reject } of this.#pending.values()) reject(new Error(`the server has ended with ${code}`))
    })
  }

  /**
   * @param {string} call one of the calls in server.mjs
   * @param {...unknown} parameters
   * @returns {Promise<any>}
   */
  call(call, ...parameters) {
    const number = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject })
      this.#process.send({ number, call, parameters })
    })
  }

  async stop() {
    const exited = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.disconnect()
    await exited
  }
}
