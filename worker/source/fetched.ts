import type { SourceRequest } from '../../src/link/protocol.ts'
import { PROVIDED, type Providing } from '../../src/link/provided.ts'
import type { HubPlatform } from '../platform.ts'
import { FailedError, failureOf } from './failure.ts'
import type { Source, SourceModule, Standing } from './source.ts'
import { sse } from './sse.ts'

/**
 * A source whose code is fetched when it is used, because most pages need only Server-Sent Events; or which the app has provided.
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
    const { signal } = connection
    // A script that does not come must not keep the connection that is to be given up.
    const aborted = new Promise<undefined>((resolve) =>
      signal.addEventListener('abort', () => resolve(undefined)),
    )
    try {
      if (made === undefined) {
        const source = await Promise.race([load(platform, script, url), aborted])
        if (source === undefined) return failureOf(signal.reason)
        made ??= source(platform, JSON.parse(options), sse(platform))
      }
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
    begin: (names: readonly string[], standing: Standing) => made?.begin?.(names, standing),
  })
}

/** @param url that of the script, or another one of the same module */
async function load(platform: HubPlatform, script: string, url: string): Promise<SourceModule['source']> {
  const { origin, hash } = new URL(script)
  const isFinal = origin !== platform.origin
  const module = isFinal ? undefined : ((await platform.load?.(url)) as Partial<SourceModule>)
  const source = module?.source ?? (globalThis as Providing)[PROVIDED]?.get(hash)
  if (source) return source as SourceModule['source']
  throw new FailedError(`it is neither provided nor of the origin ${platform.origin}`, { isFinal })
}
