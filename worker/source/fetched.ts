import type { SourceRequest } from '../../src/link/protocol.ts'
import type { HubPlatform } from '../platform.ts'
import { FailedError, failureOf } from './failure.ts'
import type { Source, SourceModule } from './source.ts'
import { sse } from './sse.ts'

/**
 * A source whose code is fetched when it is used, because most pages need only Server-Sent Events.
 *
 * Only a script of the hub's own origin is run. Any page of the origin can ask for it, and runs scripts of the origin itself.
 */
export function fetched(platform: HubPlatform, { script, options }: SourceRequest): Source {
  let made: Source | undefined
  let heard: readonly string[] = []
  let settle: (made: Source | undefined) => void
  /** Resolves when it has been made, with `undefined` where the stream has ended before. */
  const ready = new Promise<Source | undefined>((resolve) => {
    settle = resolve
  })
  // Chromium remembers that a module could not be fetched, so each attempt has another URL.
  let url = script
  const connect: Source = async (connection, receiver) => {
    try {
      made ??= (await load(platform, url)).source(platform, JSON.parse(options), sse(platform))
      made.listen?.(heard)
      settle(made)
    } catch (error) {
      url += '?'
      const { message, isFinal } = failureOf(error)
      return new FailedError(`the script ${script} could not be loaded (${message})`, { isFinal }).failure
    }
    return connection.signal.aborted ? failureOf(connection.signal.reason) : made(connection, receiver)
  }
  return Object.assign(connect, {
    send: async (message: unknown) => (await ready)?.send?.(message),
    drop: (isOver: boolean) => {
      made?.drop?.(isOver)
      if (isOver) settle(undefined)
    },
    listen: (names: readonly string[]) => {
      heard = names
      made?.listen?.(names)
    },
    lacks: (names: readonly string[]) => made?.lacks?.(names) === true,
  })
}

async function load(platform: HubPlatform, script: string): Promise<SourceModule> {
  if (new URL(script).origin !== platform.origin)
    throw new FailedError(`it is not of the origin ${platform.origin}`, { isFinal: true })
  return (await platform.load?.(script)) as SourceModule
}
