import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { POLL } from '../browser/stage.ts'
import { freePort } from '../ports.mjs'
import { folderOf, Program } from './program.ts'

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

interface Parts {
  /** Before all else, for instance `load_module`. */
  main?: string
  http?: string
  /** Added to the address in `listen`. */
  listen?: string
  server?: string
  files?: Readonly<Record<string, string | Buffer>>
}

/** nginx with one worker, as it is configured by default but for what is said. */
export class Nginx {
  readonly port: number
  readonly origin: string
  readonly #folder: string
  #program: Program

  private constructor(port: number, isSecure: boolean, folder: string, program: Program) {
    this.port = port
    this.origin = `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`
    this.#folder = folder
    this.#program = program
  }

  /** @param parts directives; `$folder` stands for the folder of the files */
  static async start({ main = '', http = '', listen = '', server = '', files = {} }: Parts): Promise<Nginx> {
    const port = await freePort()
    const folder = folderOf(files)
    const temporary = TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
    const user = process.getuid?.() === 0 ? 'user root;' : ''
    const configuration = `daemon off; ${user} pid ${folder}/pid; error_log stderr; ${main}
events {}
http {
  access_log off; ${temporary}
  ${http}
  server {
    listen 127.0.0.1:${port} ${listen};
    ${server}
  }
}`
    await writeFile(join(folder, 'nginx.conf'), configuration.replaceAll('$folder', folder))
    return new Nginx(port, listen.includes('ssl'), folder, await Nginx.#run(folder, port))
  }

  static #run(folder: string, port: number): Promise<Program> {
    return Program.start('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'], {
      folder,
      ports: [port],
    })
  }

  /** As `nginx -s reload` does. Resolves when there is a new worker. */
  async reload(): Promise<void> {
    const former = await this.#workers()
    this.#program.signal('SIGHUP')
    const isNew = async () => (await this.#workers()).some((worker) => !former.includes(worker))
    await expect.poll(isNew, POLL).toBe(true)
  }

  async restart(): Promise<void> {
    await this.#program.stop()
    this.#program = await Nginx.#run(this.#folder, this.port)
  }

  /** As the crash of a machine does: master and workers. */
  async kill(): Promise<void> {
    const workers = await this.#workers()
    const ended = this.#program.stop('SIGKILL')
    for (const worker of workers) process.kill(Number(worker), 'SIGKILL')
    await ended
  }

  async #workers(): Promise<string[]> {
    const { pid } = this.#program
    return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).match(/\d+/g) ?? []
  }
}
