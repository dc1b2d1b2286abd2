import { certificate } from '../browser/certificate.ts'
import { freePort } from '../ports.mjs'
import { folderOf, Program, run } from './program.ts'

/** Caddy in front of another server, over TLS: HTTP/1.1, HTTP/2 and HTTP/3, as by default. */
export class Caddy {
  readonly origin: string
  readonly #folder: string
  readonly #port: number
  readonly #administration: number
  #program: Program | undefined

  private constructor(origin: string, folder: string, port: number, administration: number) {
    this.origin = origin
    this.#folder = folder
    this.#port = port
    this.#administration = administration
  }

  static async start(upstream: string, port = 0): Promise<Caddy> {
    const { key, cert } = certificate()
    const [at, administration] = [port || (await freePort()), await freePort()]
    // A name, because over QUIC it finds no certificate for an address.
    const origin = `https://localhost:${at}`
    const configuration = `{
  admin 127.0.0.1:${administration}
  auto_https disable_redirects
  grace_period 200ms
}
${origin} {
  bind 127.0.0.1
  tls cert.pem key.pem
  reverse_proxy ${upstream}
}`
    const folder = folderOf({ Caddyfile: configuration, 'key.pem': key, 'cert.pem': cert })
    const caddy = new Caddy(origin, folder, at, administration)
    await caddy.#run()
    return caddy
  }

  /** As an operator does; with --force, because nothing has changed. Resolves when the new configuration serves. */
  reload(): Promise<void> {
    const at = `127.0.0.1:${this.#administration}`
    return run('caddy', ['reload', '--force', '--config', 'Caddyfile', '--address', at], this.#folder)
  }

  async restart(): Promise<void> {
    await this.#program?.stop()
    await this.#run()
  }

  async #run(): Promise<void> {
    const folder = this.#folder
    const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
    this.#program = await Program.start('caddy', ['run', '--config', 'Caddyfile'], {
      ports: [this.#port, this.#administration],
      folder,
      env,
    })
  }
}
