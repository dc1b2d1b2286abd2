import type { Replay } from '../link/protocol.ts'
import { TabstreamError } from '../page/errors.ts'

/** Resolves a URL against the document's base URL.
 *
 * @throws {DOMException} `SyntaxError` if the result is not a valid URL
 * @throws what `url` throws if it cannot be converted to a string
 */
export function resolve(url: string | URL): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href
  const text = `${url}`
  try {
    return new URL(text, base).href
  } catch {
    throw new DOMException(`Cannot open an event source for "${text}": it is not a valid URL.`, 'SyntaxError')
  }
}

export const withoutFragment = (url: string): string => url.split('#', 1)[0] as string

/**
 * A copy of it, because what a framework has wrapped in a proxy cannot be sent to the hub.
 *
 * @throws {TabstreamError} of type `'configuration'` if it is invalid
 */
export function checkReplay(replay: Replay | undefined): Replay | undefined {
  const isCount = (count: unknown) => Number.isInteger(count) && (count as number) >= 0
  if (replay === undefined || replay === 'all' || isCount(replay)) return replay
  if (typeof replay === 'object' && replay !== null && !(Symbol.iterator in replay)) {
    const counts = Object.entries(replay)
    if (counts.every(([, count]) => isCount(count))) return Object.fromEntries(counts)
  }
  throw misuse('replay must be a number of events, "all", or an object with a number for each name')
}

/** @throws {TabstreamError} of type `'configuration'` if they are not what listens to events */
export function checkListening(name: unknown, signal: unknown, ...listeners: unknown[]): void {
  if (typeof name !== 'string') throw misuse(`the name of an event must be a string, not ${describe(name)}`)
  for (const listener of listeners) {
    if (typeof listener !== 'function')
      throw misuse(`a listener must be a function, not ${describe(listener)}`)
  }
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.addEventListener !== 'function') {
    throw misuse(`signal must be an AbortSignal, not ${describe(signal)}`)
  }
}

export const describe = (value: unknown): string =>
  typeof value === 'string' ? `"${value}"` : `${typeof value}${typeof value === 'number' ? ` ${value}` : ''}`

export const misuse = (message: string): TabstreamError => new TabstreamError('configuration', message)
