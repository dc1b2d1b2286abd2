import type { Policy, Replay } from '../link/protocol.ts'
import { TabstreamError } from '../page/errors.ts'

/** Resolves a URL against the document's base URL.
 *
 * @throws {DOMException} `SyntaxError` if the result is not a valid URL
 * @throws what `url` throws if it cannot be converted to a string
 */
export function resolve(url: string | URL): string {
  // On a server, where nothing is connected to, any base will do.
  const base = globalThis.document?.baseURI ?? globalThis.location?.href ?? 'http://localhost'
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

/** @throws {TabstreamError} of type `'configuration'` if it is no name */
export function checkName(name: unknown): void {
  if (typeof name !== 'string') throw misuse(`the name of an event must be a string, not ${describe(name)}`)
}

type Named = Pick<Policy, 'ephemeral' | 'gapEvents'>

/**
 * What a page says of the server. Copies, because what a framework has wrapped in a proxy cannot be sent to the hub.
 *
 * @throws {TabstreamError} of type `'configuration'` if these are no names
 */
export function mannersOf(
  named: Readonly<Record<'ephemeral' | 'gapEvents', readonly string[] | undefined>>,
): Named {
  const given = Object.entries(named).filter(([, names]) => names !== undefined)
  for (const [option, names] of given) {
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
      throw misuse(`${option} must be an array of names`)
  }
  return Object.fromEntries(given.map(([option, names]) => [option, [...(names ?? [])]]))
}

/** @throws {TabstreamError} of type `'configuration'` if this can listen to nothing */
export function checkListening(signal: unknown, listener: unknown): void {
  if (typeof listener !== 'function') throw misuse(`a listener must be a function, not ${describe(listener)}`)
  checkSignal(signal)
}

/** @throws {TabstreamError} of type `'configuration'` if it is there and no signal */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !isSignal(signal))
    throw misuse(`signal must be an AbortSignal, not ${describe(signal)}`)
}

/** One of another realm, such as a frame's, is one too. */
export const isSignal = (value: unknown): value is AbortSignal =>
  typeof value === 'object' && value !== null && 'aborted' in value

export const isObject = (value: unknown): value is object =>
  typeof value === 'function' || (typeof value === 'object' && value !== null)

/** True when the console has been told of headers that are not sent. */
let hasHinted = false

/**
 * [spec] A dictionary may be undefined or null, but not any other primitive value. Members that it does not know are ignored.
 * https://webidl.spec.whatwg.org/#js-dictionary
 */
export function dictionaryOf<Init extends object>(init: Init | null | undefined): Partial<Init> {
  if (init === undefined || init === null) return {}
  if (!isObject(init)) throw new TypeError('The second argument of an event source must be an object.')
  // Other replacements of EventSource take them, and whoever changes from one to this sends no token.
  if ('headers' in init && !hasHinted) {
    hasHinted = true
    console.warn('tabstream: SharedEventSource sends no headers; use connect(url, { headers })')
  }
  return init
}

export const describe = (value: unknown): string =>
  typeof value === 'string' ? `"${value}"` : `${typeof value}${typeof value === 'number' ? ` ${value}` : ''}`

export const misuse = (message: string): TabstreamError => new TabstreamError('configuration', message)
