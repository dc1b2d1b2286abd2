/** What is used of a client of the package `ioredis`. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>
  duplicate(): IoRedisClient
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'close', listener: () => void): unknown
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

/** A connection of one's own, made like the client's. It is used until it is lost. */
export interface OwnConnection {
  /** For one command at a time. Rejects where no reply comes within so many ms, and when the connection is lost. */
  send(time: number, ...command: Parameters<Send>): Promise<unknown>
  close(): void
}

export function connectLike(client: RedisClient): OwnConnection {
  const own = client.duplicate()
  let failure: Error | undefined
  let tell = (_error: Error) => {}
  // Both packages connect anew by themselves, and one also sends the command again: that would hide that Redis has restarted.
  const fail = (error: Error) => {
    failure ??= error
    tell(error)
  }
  own.on('error', fail)
  if ('call' in own) own.on('close', () => fail(new Error('the connection to Redis was lost')))
  const connected = 'call' in own ? Promise.resolve() : own.connect()
  connected.catch(fail)
  const send = sendBy(own)
  return {
    send: (time, ...command) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure)
        tell = reject
        const late = setTimeout(() => reject(new Error(`Redis has not answered within ${time} ms`)), time)
        connected
          .then(() => send(...command))
          .then(resolve, reject)
          .finally(() => clearTimeout(late))
      }),
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
