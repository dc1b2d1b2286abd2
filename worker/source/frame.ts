import { copyOf } from '../../src/link/copy-of.ts'
import type { FramePointers } from '../../src/link/frame.ts'
import { keysOf } from '../../src/link/identify.ts'
import { type Found, JsonText, unquoted, type Wanted, wantedBy } from './json-text.ts'
import type { ConnectionRequest, SourceEvent } from './source.ts'

// What sources that hubs fetch share: messages in JSON, read as events.

type Part = keyof FramePointers

/** Where the messages of one server have names, IDs and data. */
export class Frame {
  /** Some part of a message means something. */
  readonly isFramed: boolean
  readonly #list: Wanted<Part>
  readonly #event: Wanted<Part>

  constructor(pointers: FramePointers) {
    const paths = Object.entries(pointers).flatMap(([part, pointer]) =>
      pointer === undefined ? [] : ([[part as Part, keysOf(pointer)]] as const),
    )
    this.isFramed = paths.length > 0
    this.#list = wantedBy(paths.filter(([part]) => part === 'each'))
    this.#event = wantedBy(paths.filter(([part]) => part !== 'each'))
  }

  /**
   * Nothing where the message is no JSON.
   *
   * @param isOne its list, if it has one, is not looked for
   */
  eventsOf(message: string, isOne = false): SourceEvent[] | undefined {
    const list = isOne ? undefined : this.#listIn(message)
    if (list?.startsWith('[')) return this.#eventsIn(list, message)
    const found = this.partsOf(message)
    return found && ownEvents([eventOf(found, message)], message)
  }

  /** @param message what the list is a part of */
  #eventsIn(list: string, message: string): SourceEvent[] | undefined {
    const events: SourceEvent[] = []
    const isRead = new JsonText<Part>(list).elements(this.#event, (found, begin, end) => {
      events.push(eventOf(found, list.slice(begin, end)))
    })
    return isRead ? ownEvents(events, message) : undefined
  }

  #listIn(message: string): string | undefined {
    const { parts, members } = this.#list
    // It is looked through once.
    if (parts.length > 0) return message.trimStart()
    return members.size > 0 ? new JsonText<Part>(message).whole(this.#list)?.each : undefined
  }

  /** What the message says, as it is written. Nothing where it is no JSON. */
  partsOf(message: string): Found<Part> | undefined {
    return new JsonText<Part>(message).whole(this.#event)
  }
}

/** @param text of all of it */
const eventOf = ({ name, id, data }: Found<Part>, text: string): SourceEvent => ({
  name: saidBy(name) ?? 'message',
  id: id === undefined ? undefined : idIn(id),
  data: data === undefined ? text : (unquoted(data) ?? data),
})

/** A part of a text keeps all of it in memory, so that events are copied where that is long, or much of it is no event's. */
function ownEvents(events: SourceEvent[], text: string): SourceEvent[] {
  const used = events.reduce((sum, { name, id = '', data }) => sum + name.length + id.length + data.length, 0)
  if (text.length <= MOST_KEPT && used * WASTE >= text.length) return events
  return events.map(({ name, id, data }) => ({
    name: copyOf(name),
    id: id && copyOf(id),
    data: copyOf(data),
  }))
}

/** In characters. */
const MOST_KEPT = 262_144

/** So many characters may a text have for each that is an event's. */
const WASTE = 4

/** The text that a value of JSON is. */
export const saidBy = (json: string | undefined): string | undefined => json && unquoted(json)

/** Whole numbers are taken as they are written, for JavaScript would round large ones. */
export const idIn = (json: string): string | undefined =>
  WHOLE.test(json) ? json : idOf(unquoted(json) ?? numberIn(json))

const WHOLE = /^-?\d+$/

/** Such as `7.0e1`. */
const numberIn = (json: string): number | undefined => (/^[-\d]/.test(json) ? Number(json) : undefined)

/** What nearly every ID consists of: this is tested faster. */
const PLAIN = /^[ -~]*$/

/**
 * An ID cannot have a line break, as with Server-Sent Events, and what is no text has no place in a URL. A number beyond 2^53 is not the
 * server's: JavaScript has rounded it.
 */
export function idOf(value: unknown): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : typeof value === 'string' ? value : undefined
  if (text === undefined || PLAIN.test(text)) return text
  return /[\0\r\n\p{Surrogate}]/u.test(text) ? undefined : text
}

/** Of JSON; `undefined` where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
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
