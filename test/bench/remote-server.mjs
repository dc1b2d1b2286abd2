import { join } from 'node:path'
import { Remote } from './remote.mjs'

/** The server in its process, as the runner sees it. */
export class RemoteServer extends Remote {
  /** @param {string} folder what it serves */
  static async start(folder) {
    const server = new RemoteServer(join(import.meta.dirname, 'server.mjs'), [folder])
    return Object.assign(server, { port: await server.call('listen') })
  }
}
