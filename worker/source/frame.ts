import type { FramePointers } from '../../src/link/frame.ts'
import { keysOf, valueAt } from '../../src/link/identify.ts'
import type { ConnectionRequest, SourceEvent } from './source.ts'

// What sources that hubs fetch share: messages in JSON, read as events.

/** JSON that is nested deeper than this is text: browsers take very long to write it. */
const DEEPEST = 10_000

type Part = keyof FramePointers

/** Where the messages of one server have names, IDs and data. */
export class Frame {
  readonly #keys: Readonly<Partial<Record<Part, readonly string[]>>>
  readonly #roundedId: () => void

  /** @param roundedId called for an ID that JavaScript cannot tell from others */
  constructor(pointers: FramePointers, roundedId: () => void) {
    const given = Object.entries(pointers).filter(([, pointer]) => pointer !== undefined)
    this.#keys = Object.fromEntries(given.map(([part, pointer]) => [part, keysOf(pointer)]))
    this.#roundedId = roundedId
  }

  /** Some part of a message means something. */
  get isFramed(): boolean {
    return Object.keys(this.#keys).length > 0
  }

  /**
   * @param value the message
   * @param text the same, as it came
   * @param isOne its list, if it has one, is not looked for
   */
  eventsOf(value: unknown, text: string, isOne = false): SourceEvent[] {
    const { each } = this.#keys
    const list = each && !isOne ? valueAt(value, each) : undefined
    return Array.isArray(list) ? list.map((one) => this.#eventOf(one)) : [this.#eventOf(value, text)]
  }

  /** @param text of all of it, where it is known */
  #eventOf(value: unknown, text?: string): SourceEvent {
    const { name, id, data } = this.#keys
    const of = (keys: readonly string[] | undefined) => keys && valueAt(value, keys)
    const given = of(id)
    const payload = of(data)
    if (typeof given === 'number' && !Number.isSafeInteger(given)) this.#roundedId()
    return {
      name: textOf(of(name)) ?? 'message',
      id: idOf(given),
      data: textOf(payload) ?? jsonOf(payload) ?? text ?? JSON.stringify(value),
    }
  }
}

/** For whoever runs the server whose IDs are rounded. */
export const roundedIds = (origin: string): string =>
  `${origin} sends IDs that are no whole numbers up to 2^53; it has to send them as strings`

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const jsonOf = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value)

/** What nearly every ID consists of: this is tested faster. */
const PLAIN = /^[ -~]*$/

/**
 * An ID cannot have a line break, as with Server-Sent Events, and what is no text has no place in a URL. A number beyond 2^53 is not the
 * server's: JavaScript has rounded it.
 */
export function idOf(value: unknown): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : textOf(value)
  if (text === undefined || PLAIN.test(text)) return text
  return /[\0\r\n\p{Surrogate}]/u.test(text) ? undefined : text
}

/** Of JSON; `undefined` where it is none, or nested too deep. */
export function parsed(text: string): unknown {
  try {
    return isTooDeep(text) ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

const [QUOTE, BACKSLASH, BRACKET, BRACE] = [34, 92, 91, 123]

function isTooDeep(text: string): boolean {
  if (text.length < 2 * DEEPEST) return false
  let depth = 0
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isInString) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) isInString = false
    } else if (code === QUOTE) isInString = true
    else if (code === BRACKET || code === BRACE) {
      if (++depth > DEEPEST) return true
      // Two code units behind is what closes it.
    } else if (code === BRACKET + 2 || code === BRACE + 2) depth--
  }
  return false
}

/** The URL with these parameters, and everything else in it as it was. */
export function withParameters(
  url: string,
  given: readonly (readonly [name: string, value: string])[],
): string {
  const [address = '', query = ''] = url.split(/\?(.*)/s)
  const names = given.map(([name]) => name)
  const others = query
    .split('&')
    .filter((part) => part !== '' && !names.includes([...new URLSearchParams(part).keys()][0] ?? ''))
  const own = given.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  return [address, [...others, ...own].join('&')].filter((part) => part !== '').join('?')
}

/** A request that says after which ID to resume by this parameter of its URL, if there is one, in place of the header. */
export const resumingBy = (
  parameter: string | undefined,
  connection: ConnectionRequest,
): ConnectionRequest => {
  const { url, resumeAfter } = connection
  if (parameter === undefined || resumeAfter === '') return connection
  return { ...connection, url: withParameters(url, [[parameter, resumeAfter]]), resumeAfter: '' }
}
