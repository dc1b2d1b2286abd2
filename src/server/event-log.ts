/** An event as a log keeps it. */
export interface LogEvent {
  /** What `Last-Event-ID` will say. One line of printable ASCII characters, never used for another event. */
  readonly id: string
  readonly topic: string
  /** The event's name; absent for `message`. */
  readonly name?: string
  readonly data: string
}

/** What is appended to a log. */
export interface Appended {
  /**
   * The event's name, in one line.
   * @default 'message'
   */
  readonly name?: string
  /** Strings are kept as they are. Other values are kept as JSON. */
  readonly data: unknown
}

/** Where a reading begins: right behind the event with this ID, with the oldest event that is kept, or with what is to come. */
export type Start = 'now' | 'earliest' | { readonly after: string }

/** The events of some topics from one place on, and whether that is the place that was asked for. */
export interface Reading {
  /**
   * Nothing is missing between the place that was asked for and the first event. `false` where the ID is unknown, or where something
   * that came after it is no longer kept; then the reading begins with the oldest event that is kept, or with the oldest that the client
   * cannot have had.
   */
  readonly resumed: boolean
  /**
   * An ID such that all events after it, of these topics, are still to come. It moves on with events of other topics. A client that
   * knows it can resume although it has received nothing. A log that cannot tell leaves it out.
   */
  readonly position?: string | undefined
  /**
   * What is kept, then what comes, without a break between the two. It ends when the signal aborts, and where it cannot go on without
   * leaving out an event, as behind a reader that is too slow. It throws where the log fails.
   */
  readonly events: AsyncIterable<LogEvent>
}

/**
 * Keeps events in one order, and gives each an ID that stands for its place in that order.
 *
 * An ID must say to which history it belongs, for instance by an epoch: after a restart without the history, an old ID must be
 * unknown. It must mean the same in every process that serves the log.
 */
export interface EventLog {
  /**
   * Resolves with the event's ID when the event is kept.
   *
   * @throws {TypeError} where the name has a line break, or JSON cannot express the data
   */
  append(topic: string, event: Appended): Promise<string>
  /**
   * Resolves when the log knows where the reading begins. IDs come from clients: the log must take any text.
   *
   * @param signal ends the reading
   */
  read(topics: readonly string[], start: Start, signal: AbortSignal): Promise<Reading>
}

/** In a name they would begin a field of somebody's choice. */
const BREAKS = /[\r\n]/

/**
 * Checks what is appended, and makes text of the data.
 *
 * @throws {TypeError}
 */
export function checked(topic: string, { name, data }: Appended): Omit<LogEvent, 'id'> {
  if (typeof topic !== 'string' || topic === '')
    throw new TypeError('a topic is a text of at least one character')
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  if (text === undefined)
    throw new TypeError('the data of an event must be a string, or something that JSON can express')
  if (name === undefined || name === '') return { topic, data: text }
  if (BREAKS.test(name))
    throw new TypeError(`an event's name must be one line, and is ${JSON.stringify(name)}`)
  return { topic, name, data: text }
}

/** Whether a client could send it back as it is. */
export const isId = (text: string): boolean => /^[!-~](?:[ -~]*[!-~])?$/.test(text)

/**
 * Checks what a log calls an event.
 *
 * @throws {TypeError}
 */
export function checkId(id: string): void {
  if (!isId(id))
    throw new TypeError(`an ID must be one line of printable ASCII characters, and is ${JSON.stringify(id)}`)
}
