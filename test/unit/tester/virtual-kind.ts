import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'vitest'
import { Agent } from '../../sim/world/agent.ts'
import type { Clock } from '../../sim/world/clock.ts'
import { type ServerKind, VirtualServer } from '../../sim/world/server.ts'

/** Events come so many ms after each other: further apart than the pieces of a replay. */
const PACE = 60

/** Real time. */
const clock = {
  schedule: (delay: number, run: () => void) => void setTimeout(run, delay),
} as unknown as Clock

export interface Served {
  readonly url: string
  readonly server: VirtualServer
}

/**
 * A server of the simulation on a real socket, which sends an event and a heartbeat again and again.
 *
 * @param afterFirst what happens when its first connection is gone
 */
export async function serveKind(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  kind: ServerKind,
  afterFirst: (server: VirtualServer) => void = () => {},
): Promise<Served> {
  const server = new VirtualServer({
    url: 'http://virtual.test/',
    kind,
    latency: () => 0,
    now: () => performance.now(),
  })
  let count = 0
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const isFirst = ++count === 1
    const abort = new AbortController()
    response.once('close', () => {
      abort.abort()
      if (isFirst) afterFirst(server)
    })
    const after = Buffer.from(String(request.headers['last-event-id'] ?? ''), 'latin1').toString()
    const headers = after === '' ? {} : { 'Last-Event-ID': after }
    const answer = await server.fetch(new Agent(clock, `reader ${count}`), { headers, signal: abort.signal })
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    response.flushHeaders()
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      response.write(value)
    }
    response.end()
  }
  const http = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const timer = setInterval(() => {
    if (server.connections === 0) return
    server.send('a')
    server.heartbeat()
  }, PACE)
  onTestFinished(() => {
    clearInterval(timer)
    http.closeAllConnections()
    http.close()
  })
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`, server }
}
