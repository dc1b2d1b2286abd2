import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'vitest'
import { type Connection, headerValue } from '../../servers.ts'

/** What takes things down when a test has finished. Tests run at the same time, so each has its own. */
export type Finishing = Pick<TestContext, 'onTestFinished'>

/** Listens on a free port until the test has finished. Answers with the URL. */
export async function listen({ onTestFinished }: Finishing, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    // A server of HTTP/2 has none of these.
    server.closeAllConnections?.()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`
}

/** A server of the table on a real socket. When it is through with its connections, it goes on with the last one. */
export function serveScript(test: Finishing, connections: readonly Connection[]): Promise<string> {
  let count = 0
  const server = createServer(async (request, response) => {
    const connection = connections[Math.min(count++, connections.length - 1)] as Connection
    const after = headerValue(
      Buffer.from(String(request.headers['last-event-id'] ?? ''), 'latin1').toString('utf8'),
    )
    const headers = connection.headers?.(after) ?? {}
    response.writeHead(connection.status ?? 200, {
      'content-type': 'text/event-stream',
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, latin1(value)])),
    })
    response.flushHeaders()
    for (const piece of connection.pieces?.(after) ?? []) {
      if (typeof piece === 'number') await new Promise((resolve) => setTimeout(resolve, piece))
      else response.write(piece)
    }
    if (connection.ends === 'in good order') response.end()
    if (connection.ends === 'abruptly') response.destroy()
  })
  return listen(test, server)
}

/** As the bytes of UTF-8 go over the wire. */
const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
