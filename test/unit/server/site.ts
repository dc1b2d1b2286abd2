import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import {
  type EventLog,
  type EventStreamOptions,
  eventStream,
  type Handler,
  toNodeHandler,
} from '../../../src/server/index.ts'
import { freePort } from '../../ports.mjs'

export interface Site {
  readonly url: string
  readonly server: Server
  readonly errors: unknown[]
  /** Closes the server and its connections, as the end of its process does. */
  stop(): Promise<void>
}

/** A server of Node's that answers every request from the log. */
export const serve = (
  log: EventLog,
  options: EventStreamOptions = { topics: ['a'] },
  port?: number,
): Promise<Site> =>
  serveBy(
    (request, errors) => eventStream(request, log, { onError: (error) => errors.push(error), ...options }),
    port,
  )

export async function serveBy(
  handler: (request: Request, errors: unknown[]) => ReturnType<Handler>,
  port?: number,
): Promise<Site> {
  const at = port ?? (await freePort())
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  const server = createServer(toNodeHandler((request) => handler(request, errors), { onError }))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve))
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  onTestFinished(stop)
  return { url: `http://127.0.0.1:${at}/`, server, errors, stop }
}
