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

/** @throws {TabstreamError} of type `'configuration'` if it is invalid */
export function checkReplay(replay: Replay | undefined): Replay | undefined {
  const counts = typeof replay === 'object' && replay !== null ? Object.values(replay) : [replay]
  const isCount = (count: unknown) => Number.isInteger(count) && (count as number) >= 0
  if (replay === undefined || replay === 'all' || counts.every(isCount)) return replay
  throw misuse('replay must be a number of events, "all", or an object with a number for each name')
}

export const describe = (value: unknown): string => (typeof value === 'string' ? `"${value}"` : typeof value)

export const misuse = (message: string): TabstreamError => new TabstreamError('configuration', message)
