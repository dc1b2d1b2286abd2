/** What is used of a client of the package `ioredis`. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>
  duplicate(): IoRedisClient
  on(event: 'error', listener: (error: Error) => void): unknown
  disconnect(): void
}

/** What is used of a client of the package `redis`. */
export interface NodeRedisClient {
  sendCommand(args: string[]): Promise<unknown>
  duplicate(): NodeRedisClient
  connect(): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  destroy(): void
}

export type RedisClient = IoRedisClient | NodeRedisClient

/** Resolves with the reply, as text, lists, maps or `null`. */
export type Send = (...command: readonly [string, ...string[]]) => Promise<unknown>

/** The commands of a client that somebody else connects and closes. */
export const sendBy =
  (client: RedisClient): Send =>
  (...[name, ...args]) =>
    'call' in client ? client.call(name, ...args) : client.sendCommand([name, ...args])

/** A connection of one's own, made like the client's. */
export interface OwnConnection {
  /** Rejects where no reply comes within so many ms. */
  send(time: number, ...command: Parameters<Send>): Promise<unknown>
  close(): void
}

export function connectLike(client: RedisClient): OwnConnection {
  const own = client.duplicate()
  // Both packages let a process end where nobody listens. Each failure rejects a command, too.
  own.on('error', () => {})
  const connected = 'call' in own ? Promise.resolve() : own.connect()
  connected.catch(() => {})
  const send = sendBy(own)
  return {
    send: (time, ...command) =>
      within(
        time,
        connected.then(() => send(...command)),
      ),
    close: () => {
      try {
        if ('call' in own) own.disconnect()
        else own.destroy()
      } catch {
        // It is closed already.
      }
    },
  }
}

function within<Value>(time: number, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`Redis has not answered within ${time} ms`)), time)
    promise.then(resolve, reject).finally(() => clearTimeout(late))
  })
}
